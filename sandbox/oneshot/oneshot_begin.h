#ifndef SANDBOX_ONESHOT_BEGIN_H
#define SANDBOX_ONESHOT_BEGIN_H
/*
 * What is the same for every run of this caller, whatever the configuration
 * says: begun in a first process that waits for its plan.
 *
 *     struct oneshot_begun b = ONESHOT_BEGUN_INIT;
 *     oneshot_begin(&options, &b);
 *     ... the configuration
 *     oneshot_command(argc, argv, config, &b), or oneshot_begun_done(&b)
 */
#include "start/blank.h"

struct arena;
struct options;

struct oneshot_begun {
	struct blank blank; /* of no process: nothing was begun */
	struct arena *arena;
};

#define ONESHOT_BEGUN_INIT                                                     \
	{                                                                      \
		.blank = BLANK_INIT, .arena = NULL,                            \
	}

/* What cannot be begun is made later, and says then why it cannot. */
void oneshot_begin(const struct options *o, struct oneshot_begun *b);
void oneshot_begun_done(struct oneshot_begun *b);
/* 0, 1 and 2 are open, nothing else is: before anything is opened. */
void oneshot_close_the_rest(void);

#endif
