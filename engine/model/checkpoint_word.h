#ifndef MODEL_CHECKPOINT_WORD_H
#define MODEL_CHECKPOINT_WORD_H
/*
 * A signed checkpoint as one word, so that it survives every form in which
 * lines of a log are kept: journal, syslog, OTLP, JSON, CSV. Whoever has that
 * text has a witness: `assent log verify --checkpoint FILE`.
 *
 *     checkpoint_word_put(&out, note);
 *     while (checkpoint_word_next(&text, &note)) ...
 */
#include <stdbool.h>

#include "base/buf.h"

#define CHECKPOINT_WORD "assent-checkpoint:"

void checkpoint_word_put(struct buf *out, struct str note);
/* The note of the next word in *text, which moves behind it. false: there is
 * none any more. A word that is damaged gives an empty note. */
bool checkpoint_word_next(struct str *text, struct buf *ret);

#endif
