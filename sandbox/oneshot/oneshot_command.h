#ifndef SANDBOX_ONESHOT_COMMAND_H
#define SANDBOX_ONESHOT_COMMAND_H
/*
 * `assent sandbox` from its words to its exit status. The process is the run's
 * from here on: every descriptor but 0, 1, 2 is closed, its environment wiped.
 */
struct config;

/* c: the configuration that has profiles and requirements, or NULL. */
int oneshot_command(int argc, char **argv, const struct config *c);

#endif
