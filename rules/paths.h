#ifndef RULES_PATHS_H
#define RULES_PATHS_H
/*
 * What kind of place a path is.
 *
 *     struct path_place at = { .cwd = cwd, .workspace = ws, .home = home };
 *     struct path_facts f;
 *     paths_judge(paths, &at, STR("../.ssh/id_rsa"), false, arena, &f);
 *     paths_class(&f, false) == PATH_SECRET, f.abs == "/home/dev/.ssh/id_rsa"
 *
 * Lexical and pure: relative to cwd, "." and ".." folded, "//" collapsed.
 * Globs are judged by every listed place that they may be aimed at.
 * path_follow() resolves links where the path exists and that is wanted.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/yaml.h"
#include "model/action.h"

/* The lists of places.yaml, compiled. */
struct paths;

struct path_place {
	const char *cwd; /* NULL: not known, relative paths are unknown */
	const char *workspace, *home; /* absolute; home may be NULL */
};

struct path_facts {
	/* workspace, temp, home, system, outside or unknown */
	enum path_class base;
	const char *abs; /* normalised, absolute; "" when unknown */
	bool secret; /* credentials, keys, tokens, histories */
	bool protected; /* what others start, load or obey */
	bool startup; /* protected, and run at login or by a scheduler */
	bool template; /* named like a secret, but holds only examples */
	bool own; /* protected: rules, state and sockets of assent itself */
	bool manifest; /* names the packages of a project, or pins them */
	bool generated; /* regenerable output inside the workspace */
	bool root; /* /, a home, the workspace or a folder of the system */
	bool holds_secrets; /* a folder above a place of secrets */
	bool holds_protected; /* a folder above a protected place */
	bool sink; /* /dev/null, /dev/stdout: nothing is written */
	bool device; /* another device: a disk, a terminal, memory */
	bool in_workspace; /* whatever its class */
	/* One of the places that it may be is in the workspace, and holds what
	 * cannot be made again. */
	bool may_be_work;
	bool glob; /* the word may be several paths */
	/* by the directory that is meant if nothing fails before */
	enum path_class likely;
	/* of an unknown path that starts with a known folder: its class */
	enum path_class below;
};

/* The one class that matters: secret for readers, protected for writers. */
enum path_class paths_class(const struct path_facts *f, bool writing);

/* Adds the lists of one file of kind "assent-places". */
int paths_load(
    struct paths *p, const struct yaml *root, struct diags *d, struct err *e);
struct paths *paths_new(void);
void paths_free(struct paths *p);
size_t paths_bytes(const struct paths *p);

/*
 * Judges one path. glob: the text may hold * ? [ ] as patterns. A leading
 * "~" or "~/" is the home. Only ERR_NOMEM; a path over PATH_BYTES_MAX or
 * with a NUL is PATH_UNKNOWN.
 */
int paths_judge(const struct paths *p, const struct path_place *at,
    struct str path, bool glob, struct arena *arena, struct path_facts *ret);
/* cwd + path, folded; NULL when it cannot be known. In the arena. */
const char *path_fold(struct arena *arena, const char *cwd, struct str path);
/* True when path is dir or beneath it (both folded). */
bool path_beneath(const char *path, const char *dir);
/*
 * Resolves every link of an absolute path as far as it exists, without
 * following the magic links of /proc; gives the folded path of what would be
 * opened. ERR_NOTFOUND when there is nothing at its first component.
 */
int path_follow(const char *abs, struct buf *ret, struct err *e);

/* *, ?, [set], [!set] within one name; a name that starts with a dot needs a
 * pattern that does. Case is ignored when icase. */
bool path_glob_match(struct str pattern, struct str name, bool icase);
/* Is there a name that both patterns match? */
bool path_globs_meet(struct str a, struct str b);

#endif
