#ifndef SANDBOX_ONESHOT_COMMAND_H
#define SANDBOX_ONESHOT_COMMAND_H
/*
 * `assent sandbox` from its words to its exit status. The process is the run's
 * from here on: every descriptor but 0, 1, 2 is closed, its environment wiped.
 */
struct config;
struct oneshot_begun;

/* c: the configuration that has profiles and requirements, or NULL. b: what
 * has begun already (oneshot_begin.h), which is over afterwards; or NULL. */
int oneshot_command(
    int argc, char **argv, const struct config *c, struct oneshot_begun *b);

#endif
