#ifndef TOOLS_INSTALL_H
#define TOOLS_INSTALL_H
/*
 * What assent changes in a client's settings, planned before it is done.
 *
 *     AUTO(install_done) struct install in = { .options = ... };
 *     r = install_plan(&in, e);      reads, and changes nothing
 *     install_show(&in, &out);       the diff
 *     r = install_write(&in, e);     atomically, with a backup
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/config.h"

#define INSTALL_FILES_MAX 4
#define INSTALL_NOTES_MAX 8
#define INSTALL_VERSION_MAX 64
#define INSTALL_FILE_BYTES_MAX ((size_t)4 << 20)

struct install_file {
	char *path; /* owned, as are the texts */
	char *old; /* NULL: there is none */
	char *new; /* NULL: it goes away */
	char *kept; /* the kept original that new is: it is back, or NULL */
	bool ours; /* old has something of ours, so it is no original */
};

struct install_options {
	const char *client;
	const char *runtime; /* or NULL */
	bool advise, contain, uninstall;
	bool managed; /* the machine's settings, before a user's own */
};

struct install {
	struct install_options options;
	const struct install_client *client;
	const struct config *ceiling; /* while it is planned for a machine */
	char *program; /* of the client, or NULL: it was not found */
	char version[INSTALL_VERSION_MAX]; /* or "" */
	/* What the client is to start: for calls, where a program that is not
	 * there any more or crashes must be a no; and for reports. */
	char *command, *report;
	/* What a person would have to merge into a file that says the like
	 * itself, or NULL. */
	char *by_hand;
	struct install_file files[INSTALL_FILES_MAX];
	size_t file_count;
	const char *notes[INSTALL_NOTES_MAX];
	size_t note_count;
};

/* What differs from client to client. */
struct install_client {
	const char *name, *program;
	int64_t timeout_s; /* what the client is told to wait */
	/* Adds its files to the plan. */
	int (*plan)(struct install *in, struct err *e);
	/* After the first files are there: more, or NULL. */
	int (*plan_after)(struct install *in, struct err *e);
	/* The command that the settings start now; NULL: none. Free it. */
	char *(*installed)(struct install *in);
};

const struct install_client *install_client_of(const char *name);
/* The settings of the whole machine, and the command that they start, or
 * NULL; free it. */
int install_plan_managed(struct install *in, struct err *e);
char *install_find_managed(struct install *in);
/* ERR_NOTFOUND: there is no such client. */
int install_plan(struct install *in, struct err *e);
/* Whether anything would be written. */
bool install_changes(const struct install *in);
void install_show(const struct install *in, struct buf *out);
void install_json(const struct install *in, struct buf *out);
int install_write(struct install *in, struct err *e);
void install_done(struct install *in);

/* A file that only root may change, as what a managed hook starts must be. */
int install_check_roots(const char *path, struct err *e);

/* For the clients' own plans. */

/* An event of a client that is to start us. */
struct install_wanted {
	const char *event, *matcher; /* matcher NULL: it has none */
	bool call; /* decides, and may wait for a person */
};

/* Lists of hooks in the form that Claude Code, Codex and Gemini share; an
 * event NULL ends wanted. more adds to the settings beside, or NULL; taking
 * out, it gets what stood there before us (NULL: nothing). path is taken. */
struct install_groups {
	char *path;
	const struct install_wanted *wanted;
	int64_t unit; /* of a second */
	int (*more)(const struct install *in, json_t *root,
	    const json_t *original, struct err *e);
};

int install_add_groups(
    struct install *in, const struct install_groups *g, struct err *e);
/* The command of ours that the settings have for this event; path is taken. */
char *install_find_command(struct install *in, char *path, const char *event);
/* The same of opencode's plugin. */
char *install_find_plugin(struct install *in, char *path);
extern const struct install_wanted install_claude_events[],
    install_gemini_events[];
/* Files of ours whose form does not depend on where they lie. */
int install_add_copilot(struct install *in, char *path, struct err *e);
int install_add_cursor(struct install *in, char *path, struct err *e);
int install_add_opencode(struct install *in, char *path, struct err *e);
void install_note(struct install *in, const char *note);
/* Is the client's version at least this ("2.1.295")? false if not known. */
bool install_version_is(const struct install *in, const char *least);
/* A file as it is; text NULL: it shall go. Both are taken. */
int install_add(struct install *in, char *path, char *text, struct err *e);
/* The file at path as JSON, {} when there is none; the file is in the plan
 * once install_add_json was called with the same path. */
int install_read_json(const char *path, json_t **ret, struct err *e);
int install_add_json(
    struct install *in, char *path, const json_t *value, struct err *e);
/* "$VARIABLE/rest", or "$HOME/folder/rest". */
char *install_path(const char *variable, const char *folder, const char *rest);
/* Is this command one of ours, for this client? */
bool install_is_ours(const struct install *in, const char *command);
/* Whether the text of a settings file holds something of ours. */
bool install_was_here(const struct install *in, const char *text);
/* A file that is ours as a whole goes, and what it took the place of comes
 * back; somebody else's stays. path is taken. */
int install_take_out(struct install *in, char *path, struct err *e);
/* The sections [hooks.state."FILE:EVENT:GROUP:HOOK"] of Codex's settings, in
 * which it keeps which hooks it trusts: without ours, and those of others as
 * they stand in the file of hooks from now on. */
struct install_trust {
	const char *hooks; /* the file */
	const char *before, *after; /* its texts, or NULL */
};
int install_put_trusted(const struct install *in, const struct install_trust *t,
    struct str text, struct buf *out, struct err *e);
/* What the file held before we came, or NULL: none was kept. */
int install_original(const char *path, char **ret, struct err *e);
/* Where that is kept, or NULL; free it. */
char *install_kept(const char *path);
int install_original_json(const char *path, json_t **ret, struct err *e);
/* Keeps the old text beside; nothing that was kept is ever overwritten. */
int install_keep(const struct install_file *f, const char *path, unsigned mode,
    struct err *e);
/* One key of a table (NULL: of root itself), and back to what the original
 * had, unless it was changed since. value is taken. */
int install_set(json_t *root, const char *table, const char *key, json_t *value,
    struct err *e);
void install_unset(json_t *root, const json_t *original, const char *table,
    const char *key, json_t *value);
/* A table or list that is empty now and was not there before. */
void install_drop_empty(json_t *root, const json_t *original, const char *key);
/* The text of a file, or NULL when there is none. */
int install_read(const char *path, char **ret, struct err *e);

#endif
