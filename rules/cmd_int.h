#ifndef RULES_CMD_INT_H
#define RULES_CMD_INT_H
/*
 * What the subcommands about rules share: options, folders, actions.
 * Runs in: assent.
 */
#include <stdio.h>

#include "classifier.h"
#include "model/command.h"

#define CMD_DIRS_MAX 64
#define CMD_OUTPUT_MAX ((size_t)256 << 20)

/* Rules as the command line names them. */
struct cmd_rules {
	struct rule_dir dirs[CMD_DIRS_MAX];
	size_t dir_count;
	bool no_packs;
	const char *data_dir;
	enum approval_policy policy;
	const char *sarif; /* findings of loading as SARIF, of this tool */
};

/* "DIR" or "LAYER=DIR"; false when there are too many, or no such layer. */
bool cmd_add_dir(struct cmd_rules *o, const char *arg);
/* Opens, or prints the findings and gives the exit status. */
int cmd_open(const struct cmd_rules *o, bool json, struct classifier **ret);
/* The same with one file more; findings in d. */
int cmd_open_with(const struct cmd_rules *o, const struct rule_text *text,
    struct diags *d, struct classifier **ret, struct err *e);
void cmd_closep(struct classifier **c);

/* Whose call it is, when the action does not say. */
struct cmd_place {
	const char *cwd, *workspace, *home;
};

/* Fills what is NULL: the current folder, the caller's home. In arena. */
int cmd_place_fill(struct cmd_place *p, struct arena *arena, struct err *e);
/* A script, or a program with arguments, as an action. */
int cmd_action(char *const *argv, size_t argc, const struct cmd_place *place,
    struct action **ret, struct err *e);
/* From JSON, with defaults for what is not said. */
int cmd_action_json(struct str json, const struct cmd_place *place,
    struct action *ret, struct err *e);

/* The home of the user, in the arena; NULL: the system knows none. */
char *cmd_home_of(uid_t uid, struct arena *arena);
int64_t cmd_now_ns(void);
/* Whole or not at all; the exit status. */
int cmd_print(FILE *to, const struct buf *b);
int cmd_fail(const char *name, const struct err *e);

#endif
