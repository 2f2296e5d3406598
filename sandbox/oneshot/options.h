#ifndef SANDBOX_OPTIONS_H
#define SANDBOX_OPTIONS_H
/* The command line of `assent sandbox`, and the plan that it asks for. */
#include <stdbool.h>

#include "sandbox/plan.h"

struct config;

#define OPTIONS_APPLY_MAX 64
#define OPTIONS_HOSTS_MAX 64

struct options {
	const char *profile, *workspace, *home;
	const char *pin, *pinned, *config_file; /* files */
	const struct config *config; /* with the profiles, or NULL */
	int64_t timeout_ms;
	bool print_plan, help, overlay, tty;
	/* With overlay: "all", "none", or paths in the workspace. */
	const char *apply[OPTIONS_APPLY_MAX];
	size_t apply_count;
	const char *hosts[OPTIONS_HOSTS_MAX]; /* that the run may reach */
	size_t host_count;
	const char *const *argv;
	size_t argc;
};

/* ERR_INVALID with a sentence for people. */
int options_read(int argc, char **argv, struct options *ret, struct err *e);
/* Looks at the caller: who, which home, which folder, which environment. */
int options_plan(
    const struct options *o, struct arena *a, struct plan **ret, struct err *e);
/* What a pin recorded belongs to this caller and this workspace. */
int options_check_pinned(
    const struct options *o, struct plan *p, struct err *e);

#endif
