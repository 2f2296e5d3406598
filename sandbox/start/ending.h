#ifndef SANDBOX_ENDING_H
#define SANDBOX_ENDING_H
/*
 * What the last word of a run's first process means for its outcome.
 */
#include "core/ports.h"
#include "start/ctl.h"
#include "plan.h"

#define ENDING_TEXT_MAX 128

struct arena;
struct run;
/* What the kernel holds by itself, and a program may not tell: adds it to
 * what was denied. */
void ending_add_limits(
    struct ctl *end, const struct plan *plan, struct run *run, struct arena *a);

/* Text in ret is of end, or in text. */
void ending_fill(struct outcome *ret, const struct ctl *end,
    const struct plan *plan, char text[static ENDING_TEXT_MAX]);

/* Why a run ended whose first process said nothing; in text, or static.
 * pidfd: of that process, which is over and not yet waited for. */
const char *ending_without_report(int pidfd, int group_events,
    const struct plan *plan, char text[static ENDING_TEXT_MAX]);

#endif
