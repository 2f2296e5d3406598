#ifndef MODEL_ACTION_JSON_H
#define MODEL_ACTION_JSON_H
/*
 * An action as JSON, strictly (contract.md, "An action").
 *
 *     r = action_from_json(body, &action->proposal, arena, &e);
 *
 * Unknown and duplicate fields, wrong types, depth over JSON_DEPTH_MAX,
 * invalid UTF-8, NUL, trailing bytes are ERR_INVALID with a sentence that
 * names the field and says what to change.
 */
#include "model/action.h"

/* Fills a->proposal. allow_home: check and evaluate take a stated home. */
int action_from_json(
    struct str json, bool allow_home, struct action *a, struct err *e);
/* The proposal, as it would be sent. */
void action_to_json(const struct action *a, struct buf *out);
/* The same without the transcript: what a person is shown. */
void action_input_to_json(const struct action *a, struct buf *out);
/* The decision object of the contract; state as the stage says. */
void decision_to_json(const struct action *a, struct buf *out);
/* Parts, effects, rules: the body of GET .../explain. */
void explain_to_json(const struct action *a, struct buf *out);
/* The same for people, escaped. */
struct jsonw;
/* Key and list: what may be another by the time it runs. */
void explain_not_held(struct jsonw *w, const struct action *a);
void explain_to_text(const struct action *a, struct buf *out);

#endif
