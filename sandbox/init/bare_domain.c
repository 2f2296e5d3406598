/*
 * The Landlock domain of a run without mounts of its own: it can read what the
 * plan would show, and nothing else.
 * Runs in: assent-exec, as the first process of such a run.
 * Trusts: the plan.  Owns: nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/bare.h"
#include "base/mem.h"
#include "init/domain.h"
#include "sys.h"

#define DEPTH_MAX 12
#define ENTRIES_MAX 4096 /* of one folder that is taken apart */

struct making {
	const struct plan *plan;
	int ruleset;
	uint64_t known;
};

/* A folder with something hidden in it is permitted entry by entry. */
static bool
hides_below(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->op_count; i++) {
		const struct op *op = &p->ops[i];

		if (op->kind == OP_MASK && plan_path_within(op->path, path) &&
		    !plan_path_within(op->path, p->workspace))
			return true;
	}
	return false;
}

static bool
is_hidden(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->op_count; i++) {
		if (p->ops[i].kind == OP_MASK &&
		    strcmp(p->ops[i].path, path) == 0)
			return true;
	}
	return false;
}

static int permit(
    const struct making *m, const char *path, unsigned depth, struct err *e);

static int
permit_entries(
    const struct making *m, const char *path, unsigned depth, struct err *e)
{
	DIR *list = opendir(path);
	const struct dirent *d;
	int r = ERR_OK;

	for (int i = 0; list != NULL && r == 0 && (d = readdir(list)) != NULL;
	     i++) {
		char at[PATH_MAX];

		if (i >= ENTRIES_MAX) /* the rest stays out of reach */
			break;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (snprintf(at, sizeof(at), "%s/%s", path, d->d_name) <
		    (int)sizeof(at))
			r = permit(m, at, depth + 1, e);
	}
	if (list != NULL)
		(void)closedir(list);
	return r;
}

static int
permit(const struct making *m, const char *path, unsigned depth, struct err *e)
{
	const char *home = m->plan->home;
	struct stat st;

	/* What a link leads to has a place of its own in the plan, or none. */
	if (is_hidden(m->plan, path) ||
	    (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)))
		return ERR_OK;
	if (!hides_below(m->plan, path))
		return domain_allow(m->ruleset, path, DOMAIN_READS, e);
	if (depth == DEPTH_MAX)
		return ERR_OK;
	/* Names of the system are no secret. */
	if (home == NULL || !plan_path_within(path, home)) {
		const int r = domain_allow(
		    m->ruleset, path, LANDLOCK_ACCESS_FS_READ_DIR, e);

		if (r != 0)
			return r;
	}
	return permit_entries(m, path, depth, e);
}

static int
permit_ops(const struct making *m, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < m->plan->op_count; i++) {
		const struct op *op = &m->plan->ops[i];

		if (op->kind == OP_SAME || op->kind == OP_TOOL ||
		    op->kind == OP_ROOTED || op->kind == OP_WORKSPACE)
			r = permit(m,
			    op->source == NULL ? op->path : op->source, 0, e);
	}
	return r;
}

static int
permit_devices(const struct making *m, struct err *e)
{
	static const char *const names[] = {
		"/dev/null",
		"/dev/zero",
		"/dev/full",
		"/dev/random",
		"/dev/urandom",
	};
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++)
		r = domain_allow(m->ruleset, names[i],
		    (LANDLOCK_ACCESS_FS_READ_FILE | DOMAIN_DEVICES) & m->known,
		    e);
	return r == 0
	    ? domain_allow(m->ruleset, "/dev", LANDLOCK_ACCESS_FS_READ_DIR, e)
	    : r;
}

/* Names of processes and what is of the machine. What is of a process the
 * gate opens, for those of the run. */
static int
permit_proc(const struct making *m, struct err *e)
{
	DIR *list = opendir("/proc");
	const struct dirent *d;
	int r =
	    domain_allow(m->ruleset, "/proc", LANDLOCK_ACCESS_FS_READ_DIR, e);

	while (list != NULL && r == 0 && (d = readdir(list)) != NULL) {
		char at[PATH_MAX];

		if ((d->d_name[0] >= '0' && d->d_name[0] <= '9') ||
		    d->d_name[0] == '.')
			continue;
		(void)snprintf(at, sizeof(at), "/proc/%s", d->d_name);
		r = permit(m, at, 0, e);
	}
	if (list != NULL)
		(void)closedir(list);
	return r;
}

int
bare_domain(const struct plan *p, const char *tmp, int *ret, struct err *e)
{
	struct making m = { .plan = p, .known = domain_known() };
	AUTO_FD int fd = -1;
	int r = domain_ruleset(&fd, e);

	if (r != 0)
		return r;
	m.ruleset = fd;
	r = permit_ops(&m, e);
	if (r == 0)
		r = permit_devices(&m, e);
	if (r == 0)
		r = permit_proc(&m, e);
	if (r == 0)
		r = domain_allow(
		    fd, tmp, (DOMAIN_READS | DOMAIN_WRITES) & m.known, e);
	if (r == 0)
		*ret = TAKE_FD(fd);
	return r;
}
