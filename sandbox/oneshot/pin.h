#ifndef SANDBOX_PIN_H
#define SANDBOX_PIN_H
/*
 * What was looked at is what runs: a record of a command and of the files it
 * could take code from, and a view in which they are as they were.
 *
 *     r = pin_write("approved.pin", plan, e);        assent sandbox --pin
 *     r = pin_read("approved.pin", arena, &pin, e);  assent sandbox --pinned
 *     r = pin_apply(pin, argv, argc, arena, &plan, e);
 *
 * A file that changed since is shown with its recorded bytes, a new one is out
 * of reach unless the command names it, and what can be neither is refused.
 */
#include "base/err.h"
#include "sandbox/plan.h"

#define PIN_FILES_MAX 4096
#define PIN_BYTES_MAX ((size_t)64 << 20) /* all files together */

struct pin;

int pin_write(const char *path, const struct plan *p, struct err *e);
int pin_read(
    const char *path, struct arena *a, struct pin **ret, struct err *e);
/* argc 0: the recorded command. *ret is to be run. */
int pin_apply(const struct pin *pin, const char *const *argv, size_t argc,
    struct arena *a, struct plan **ret, struct err *e);

#endif
