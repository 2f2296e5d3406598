#ifndef TUI_EDITOR_H
#define TUI_EDITOR_H
/*
 * A person's own editor, on the terminal that this program has left to it.
 *
 *     r = editor_run(editor_choice(), "script.sh", &text, e);
 *
 * The command is split at blanks and run as it is: no shell sees it, and none
 * sees the text. The text is in a file of mode 0600 in a folder of its own,
 * which is gone afterwards, however the editor ended.
 */
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* $VISUAL, $EDITOR, or vi. */
const char *editor_choice(void);
/* text is replaced by what it was edited to. An editor that says by its exit
 * status that it failed, or was killed, is an error: text is as it was. */
int editor_run(
    const char *command, const char *name, struct buf *text, struct err *e);

#endif
