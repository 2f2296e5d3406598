/*
 * Make a plan: which operations give a run of this profile its world.
 * Runs in: engine, assent-exec.  Trusts: nothing.  Owns: nothing; all memory
 * is the caller's arena.
 */
#include "sandbox/plan.h"

#include <stdio.h>
#include <string.h>

#include "env.h"
#include "model/credential.h"
#include "sandbox/plan_credentials.h"
#include "model/limits.h"

#define TMP_PRIVATE "/tmp/.private"
#define WORKSPACE "$workspace"
#define CHECK(call)                                                            \
	do {                                                                   \
		const int check_ = (call);                                     \
		if (check_ != 0)                                               \
			return check_;                                         \
	} while (0)

struct maker {
	const struct plan_options *o;
	struct arena *arena;
	struct plan *p;
	size_t op_cap;
};

static const char *const op_names[] = {
	[OP_INVALID] = "invalid",
	[OP_SAME] = "same",
	[OP_TOOL] = "tool",
	[OP_ROOTED] = "rooted",
	[OP_DIR] = "dir",
	[OP_LINK] = "link",
	[OP_FILE] = "file",
	[OP_DEVICES] = "devices",
	[OP_WORKSPACE] = "workspace",
	[OP_PROTECT] = "protect",
	[OP_PIN_NAME] = "pin-name",
	[OP_MASK] = "mask",
	[OP_PROC] = "proc",
	[OP_TMP] = "tmp",
	[OP_TMP_DIR] = "tmp-dir",
	[OP_DENY] = "deny",
};
_Static_assert(ARRAY_LEN(op_names) == OP_KIND_LAST + 1, "every op has a name");

const char *
op_kind_name(enum op_kind k)
{
	return op_names[(size_t)k < ARRAY_LEN(op_names) ? k : OP_INVALID];
}

bool
plan_path_normal(const char *path)
{
	const size_t len = strlen(path);

	if (path[0] != '/' || len >= PATH_BYTES_MAX)
		return false;
	if (len == 1)
		return true;
	for (const char *at = path; *at != '\0';) {
		const char *part = at + 1;
		const size_t n = strcspn(part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		at = part + n;
	}
	return true;
}

bool
plan_path_within(const char *path, const char *root)
{
	const size_t n = strlen(root);

	if (n == 1)
		return true;
	return strncmp(path, root, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

const char *
plan_workspace_refused(const char *workspace, const char *home)
{
	if (!plan_path_normal(workspace))
		return "it is not an absolute path in normal form";
	if (strcmp(workspace, "/") == 0)
		return "it is the root of the file system";
	if (strcmp(workspace, "/tmp") == 0 || strcmp(workspace, "/var") == 0 ||
	    strcmp(workspace, "/var/tmp") == 0)
		return "it is a folder of the whole system";
	if (strcmp(workspace, "/home") == 0 || strcmp(workspace, "/root") == 0)
		return "it is a home";
	if (home != NULL && plan_path_within(home, workspace))
		return "it is or holds the home folder";
	for (size_t i = 0; profile_no_workspace[i] != NULL; i++) {
		if (plan_path_within(workspace, profile_no_workspace[i]))
			return "it is a folder of the system";
	}
	return NULL;
}

const char *
plan_expand(
    const char *path, const char *home, const char *workspace, struct arena *a)
{
	const char *base = "", *rest = path;
	char text[2 * PATH_BYTES_MAX];
	int n;

	if (strncmp(path, "~/", 2) == 0) {
		base = home;
		rest = path + 1;
	} else if (strncmp(path, WORKSPACE, sizeof(WORKSPACE) - 1) == 0) {
		base = workspace;
		rest = path + sizeof(WORKSPACE) - 1;
	}
	if (base == NULL)
		return NULL;
	n = snprintf(text, sizeof(text), "%s%s", base, rest);
	return n < 0 || (size_t)n >= PATH_BYTES_MAX || !plan_path_normal(text)
	    ? NULL
	    : arena_strdup(a, text);
}

static struct op *
add(struct maker *m, enum op_kind kind, const char *path, unsigned flags)
{
	struct plan *p = m->p;
	struct op *op;

	if (p->op_count == PLAN_OPS_MAX)
		return NULL;
	op = &p->ops[p->op_count++];
	op->kind = kind;
	op->path = path;
	/* What lies in a run's own /tmp is made for each run. */
	op->flags = flags |
	    (strncmp(path, "/tmp/", 5) == 0 ? (unsigned)OP_EACH_RUN : 0U);
	return op;
}

static const char *
join(struct maker *m, const char *dir, const char *name)
{
	const size_t head = strlen(dir), tail = strlen(name);
	char *path;

	if (head + 1 + tail >= PATH_BYTES_MAX)
		return "";
	/* A plan has some two hundred of these. */
	path = arena_alloc(m->arena, head + 1 + tail + 1);
	if (path == NULL)
		return NULL;
	memcpy(path, dir, head);
	path[head] = '/';
	memcpy(path + head + 1, name, tail + 1);
	return path;
}

static void
add_in(struct maker *m, enum op_kind kind, const char *dir, const char *name,
    unsigned flags)
{
	const char *path = join(m, dir, name);

	if (path != NULL && path[0] != '\0')
		(void)add(m, kind, path, flags);
}

static void
add_link(struct maker *m, const char *path, const char *to)
{
	struct op *op = path == NULL ? NULL : add(m, OP_LINK, path, 0);

	if (op != NULL)
		op->source = to;
}

static void
add_system(struct maker *m)
{
	struct op *op;

	for (size_t i = 0; profile_system[i] != NULL; i++)
		(void)add(m, OP_SAME, profile_system[i], OP_OPTIONAL);
	for (size_t i = 0; profile_hidden[i] != NULL; i++)
		(void)add(m, OP_MASK, profile_hidden[i], OP_OPTIONAL);
	(void)add(m, OP_DIR, "/run", 0);
	(void)add(m, OP_DIR, "/var", 0);
	(void)add(m, OP_DIR, "/proc", 0);
	(void)add(m, OP_DIR, "/tmp", 0);
	(void)add(m, OP_DEVICES, "/dev", 0);
	(void)add(m, OP_PROC, "/proc", OP_EACH_RUN);
	op = add(m, OP_TMP, "/tmp", OP_EACH_RUN);
	if (op != NULL)
		op->size = m->p->limits.tmp_bytes;
}

static void
add_tmp_dir(struct maker *m, const char *path, uint64_t mode)
{
	struct op *op =
	    path == NULL ? NULL : add(m, OP_TMP_DIR, path, OP_EACH_RUN);

	if (op != NULL)
		op->size = mode;
}

static const char *
expand(const struct maker *m, const char *path)
{
	return plan_expand(path, m->p->home, m->p->workspace, m->arena);
}

/* Whether anything that the run is shown lies in this folder. */
static bool
is_shown_in(const struct maker *m, const char *folder)
{
	const char *const *more = m->o->profile->read_roots;
	bool shown = plan_path_within(m->p->workspace, folder);

	for (size_t i = 0; i < m->p->write_root_count; i++)
		shown |= plan_path_within(m->p->write_roots[i], folder);
	for (size_t i = 0; i < m->o->read_count; i++)
		shown |= plan_path_within(m->o->read[i], folder);
	for (size_t i = 0; i < profile_list_len(more); i++) {
		const char *path = expand(m, more[i]);

		shown |= path != NULL && plan_path_within(path, folder);
	}
	return shown;
}

/* Private, empty and behind a link; but nothing is mounted beyond a link, so
 * it is a folder for what of the host's is shown in it, or in its place. */
static void
add_cache(struct maker *m, const char *name)
{
	const char *path = join(m, m->p->home, name);
	const char *to = join(m, TMP_PRIVATE "/home", name);

	if (path == NULL || is_shown_in(m, path))
		return;
	add_tmp_dir(m, to, 0700);
	add_link(m, path, to);
}

static void
add_home(struct maker *m)
{
	const char *home = m->p->home;

	add_tmp_dir(m, TMP_PRIVATE, 0755);
	add_tmp_dir(m, TMP_PRIVATE "/shm", 01777);
	if (home == NULL)
		return;
	(void)add(m, OP_DIR, home, 0);
	for (size_t i = 0; profile_tools[i] != NULL; i++)
		add_in(m, OP_TOOL, home, profile_tools[i], OP_OPTIONAL);
	for (size_t i = 0; profile_tool_settings[i] != NULL; i++)
		add_in(m, OP_TOOL, home, profile_tool_settings[i],
		    OP_OPTIONAL | OP_CLEAN);
	for (size_t i = 0; profile_tool_secrets[i] != NULL; i++)
		add_in(m, OP_MASK, home, profile_tool_secrets[i], OP_OPTIONAL);
	add_tmp_dir(m, TMP_PRIVATE "/home", 0700);
	for (size_t i = 0; profile_caches[i] != NULL; i++)
		add_cache(m, profile_caches[i]);
}

static const char *const git_settings[] = {
	".git/config",
	".git/config.worktree",
};

static const char *const git_protected[] = {
	".git/hooks",
	".git/commondir",
};

/* The same where a repository's own folder is shown, as for a worktree. */
static void
add_repository(struct maker *m, const char *root)
{
	const size_t n = strlen(root), tail = strlen("/.git");

	if (n > tail && strcmp(root + n - tail, "/.git") == 0)
		add_in(m, OP_PROTECT, root, "config", OP_OPTIONAL | OP_CLEAN);
}

static void
add_guarded_root(struct maker *m, const char *root, bool write)
{
	if (write)
		add_in(m, OP_PIN_NAME, root, ".git", OP_OPTIONAL);
	/* Read by every git command, with whatever it says of who one is. */
	for (size_t i = 0; i < ARRAY_LEN(git_settings); i++)
		add_in(m, OP_PROTECT, root, git_settings[i],
		    OP_OPTIONAL | OP_CLEAN);
	if (write) {
		for (size_t i = 0; i < ARRAY_LEN(git_protected); i++)
			add_in(
			    m, OP_PROTECT, root, git_protected[i], OP_OPTIONAL);
		for (size_t i = 0; i < m->p->protect_count; i++)
			add_in(
			    m, OP_PROTECT, root, m->p->protect[i], OP_OPTIONAL);
	}
	add_repository(m, root);
	for (size_t i = 0; profile_secrets[i] != NULL; i++)
		add_in(m, OP_MASK, root, profile_secrets[i], OP_OPTIONAL);
	if (m->p->deny_count > 0)
		(void)add(m, OP_DENY, root, 0);
}

/* A folder that is shown, too, keeps hidden what is hidden everywhere, and in
 * it what is covered in a workspace: a secret has to be named itself. */
static void
add_read_root(struct maker *m, const char *root)
{
	(void)add(m, OP_TOOL, root, OP_OPTIONAL);
	add_repository(m, root);
	for (size_t i = 0; profile_hidden[i] != NULL; i++) {
		if (plan_path_within(profile_hidden[i], root))
			(void)add(m, OP_MASK, profile_hidden[i], OP_OPTIONAL);
	}
	for (size_t i = 0; profile_secrets[i] != NULL; i++)
		add_in(m, OP_MASK, root, profile_secrets[i], OP_OPTIONAL);
}

static void
add_read_roots(struct maker *m)
{
	const char *const *more = m->o->profile->read_roots;

	for (size_t i = 0; i < profile_list_len(more); i++) {
		const char *path = expand(m, more[i]);

		if (path != NULL)
			add_read_root(m, path);
	}
	for (size_t i = 0; i < m->o->read_count; i++)
		add_read_root(m, m->o->read[i]);
}

static void
add_hidden(struct maker *m)
{
	const char *const *more = m->o->profile->hide;

	for (size_t i = 0; i < profile_list_len(more); i++) {
		const char *path = expand(m, more[i]);

		if (path != NULL)
			(void)add(m, OP_MASK, path, OP_OPTIONAL);
	}
	for (size_t i = 0; i < m->o->hide_count; i++)
		(void)add(m, OP_MASK, m->o->hide[i], OP_OPTIONAL);
}

static void
add_workspace(struct maker *m)
{
	struct plan *p = m->p;

	add_read_roots(m);
	/* A trial run changes nothing, also not beside the workspace. */
	for (size_t i = 0; i < p->write_root_count; i++)
		(void)add(m, OP_ROOTED, p->write_roots[i],
		    p->overlay ? 0U : (unsigned)OP_WRITE);
	(void)add(m, OP_WORKSPACE, p->workspace,
	    (p->write ? (unsigned)OP_WRITE : 0U) |
		(p->overlay ? (unsigned)OP_OVERLAY : 0U));
	for (size_t i = 0; i < p->write_root_count; i++)
		add_guarded_root(m, p->write_roots[i], true);
	add_guarded_root(m, p->workspace, p->write);
	add_hidden(m);
	/* Last: they give way to a workspace that lies there. */
	add_link(m, "/var/tmp", "/tmp");
	add_link(m, "/var/run", "/run");
	add_link(m, "/var/lock", "/run/lock");
}

/* A name for the dedicated account, so that programs find who they are. */
static void
add_account(struct maker *m)
{
	const struct plan_who *who = &m->p->who;

	if (who->identity != IDENTITY_DEDICATED || who->name == NULL)
		return;
	(void)add(m, OP_FILE, "/etc/passwd", OP_OPTIONAL);
	(void)add(m, OP_FILE, "/etc/group", OP_OPTIONAL);
}

/* Names are asked of the run's own proxy, whatever the host asks. */
static void
add_network(struct maker *m)
{
	static const char *const home_files[] = { ".ssh/known_hosts" };
	struct op *op;

	if (m->o->socket_count > 0) {
		add_tmp_dir(m, TMP_PRIVATE "/assent", 0755);
		add_link(m, PLAN_SOCKETS_DIR, TMP_PRIVATE "/assent");
	}
	if (m->o->credential_count > plan_credentials_values(m->o->credentials,
					 m->o->credential_count)) {
		/* The folder: what is in it is made anew with the broker. */
		op = add(m, OP_SAME, PLAN_CA_DIR, 0);
		if (op != NULL)
			op->source = arena_strdup(m->arena, m->o->ca_dir);
	}
	if (!m->p->online)
		return;
	op = add(m, OP_FILE, "/etc/resolv.conf", OP_OPTIONAL);
	if (op != NULL)
		op->source = "nameserver 127.0.0.1\noptions timeout:3\n";
	for (size_t i = 0; m->p->home != NULL && i < ARRAY_LEN(home_files); i++)
		add_in(m, OP_TOOL, m->p->home, home_files[i], OP_OPTIONAL);
}

static int
copy_list(struct arena *a, const char *const *from, size_t count,
    const char ***ret, size_t *ret_count, struct err *e)
{
	const char **to = arena_array(a, count + 1, sizeof(*to));

	if (to == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < count; i++) {
		to[i] = arena_strdup(a, from[i]);
		if (to[i] == NULL)
			return err_nomem(e);
	}
	*ret = to;
	*ret_count = count;
	return ERR_OK;
}

static int
check_roots(const struct plan_options *o, struct err *e)
{
	const char *why = plan_workspace_refused(o->workspace, o->home);

	if (why != NULL)
		return err_set(e, ERR_INVALID,
		    "'%s' cannot be the workspace: %s; name the project's "
		    "own folder",
		    o->workspace, why);
	if (o->home != NULL && !plan_path_normal(o->home))
		return err_set(e, ERR_INVALID,
		    "the home '%s' is not an absolute path in normal form",
		    o->home);
	for (size_t i = 0; i < o->write_count; i++) {
		why = plan_workspace_refused(o->write[i], o->home);
		if (why != NULL)
			return err_set(e, ERR_INVALID,
			    "'%s' cannot be made writable: %s", o->write[i],
			    why);
	}
	for (size_t i = 0; i < o->read_count; i++) {
		if (!plan_path_normal(o->read[i]))
			return err_set(e, ERR_INVALID,
			    "'%s' is not an absolute path in normal form",
			    o->read[i]);
	}
	return ERR_OK;
}

static int
too_many_paths(int max, struct err *e)
{
	return err_set(e, ERR_LIMIT,
	    "the plan has more than %d paths that its profile reads, writes, "
	    "hides or protects: name the folders that they are in",
	    max);
}

static int
check_run(const struct plan_options *o, struct err *e)
{
	if (o->argc == 0 && o->edit_count == 0)
		return err_set(e, ERR_INVALID, "there is no command to run");
	if (o->argc > ARGV_WORDS_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d words", ARGV_WORDS_MAX);
	if (o->cwd != NULL && !plan_path_normal(o->cwd))
		return err_set(e, ERR_INVALID,
		    "the working folder '%s' is not an absolute path in normal "
		    "form",
		    o->cwd);
	if (o->pin_count > PLAN_PINS_MAX || o->edit_count > PLAN_EDITS_MAX)
		return err_set(e, ERR_LIMIT,
		    "the action holds on to more than %d files, or edits more "
		    "than %d",
		    PLAN_PINS_MAX, PLAN_EDITS_MAX);
	return o->read_count + o->write_count + o->hide_count > PLAN_OPS_MAX / 8
	    ? too_many_paths(PLAN_OPS_MAX / 8, e)
	    : ERR_OK;
}

static void
set_limits(struct plan *p, const struct plan_options *o)
{
	p->limits = o->limits != NULL ? *o->limits : o->profile->limits;
	/* A request may ask for less time, never for more. */
	if (o->wall_ms > 0 && o->wall_ms < p->limits.wall_ms)
		p->limits.wall_ms = o->wall_ms;
}

static int
copy_run(struct maker *m, struct err *e)
{
	const struct plan_options *o = m->o;
	struct plan *p = m->p;
	struct arena *a = m->arena;

	CHECK(copy_list(a, o->argv, o->argc, &p->argv, &p->argc, e));
	CHECK(env_build(o, a, &p->env, &p->env_count, e));
	p->credentials =
	    arena_array(a, o->credential_count + 1, sizeof(*p->credentials));
	if (p->credentials == NULL)
		return err_nomem(e);
	if (o->credential_count > 0)
		memcpy(p->credentials, o->credentials,
		    o->credential_count * sizeof(*p->credentials));
	p->credential_count = o->credential_count;
	p->stdin_text = o->stdin_text;
	p->has_stdin = o->has_stdin;
	p->tty = o->tty;
	p->pin_count = o->pin_count;
	p->edit_count = o->edit_count;
	p->pins = arena_array(a, o->pin_count + 1, sizeof(*p->pins));
	p->edits = arena_array(a, o->edit_count + 1, sizeof(*p->edits));
	if (p->pins == NULL || p->edits == NULL)
		return err_nomem(e);
	if (o->pin_count > 0)
		memcpy(p->pins, o->pins, o->pin_count * sizeof(*p->pins));
	if (o->edit_count > 0)
		memcpy(p->edits, o->edits, o->edit_count * sizeof(*p->edits));
	return ERR_OK;
}

/* Two lists in one. */
static int
join_lists(struct maker *m, const char *const *first, const char *const *more,
    const char ***ret, size_t *ret_count, struct err *e)
{
	const size_t a = profile_list_len(first), b = profile_list_len(more);
	const char **all = arena_array(m->arena, a + b + 1, sizeof(*all));

	if (all == NULL)
		return err_nomem(e);
	if (a > 0)
		memcpy(all, first, a * sizeof(*all));
	if (b > 0)
		memcpy(all + a, more, b * sizeof(*all));
	return copy_list(m->arena, all, a + b, ret, ret_count, e);
}

/* Those of the profile and those that this action was granted. */
static int
copy_write_roots(struct maker *m, struct err *e)
{
	const struct plan_options *o = m->o;
	const size_t more = profile_list_len(o->profile->write_roots);
	const char **all =
	    arena_array(m->arena, more + o->write_count + 1, sizeof(*all));
	size_t n = 0;

	if (all == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < more; i++) {
		const char *path = expand(m, o->profile->write_roots[i]);
		const char *why = path == NULL
		    ? NULL
		    : plan_workspace_refused(path, m->p->home);

		if (why != NULL)
			return err_set(e, ERR_INVALID,
			    "profile '%s': '%s' cannot be made writable: %s",
			    o->profile->name, path, why);
		/* Part of the workspace already, or nobody's home. */
		if (path != NULL && !plan_path_within(path, m->p->workspace))
			all[n++] = path;
	}
	for (size_t i = 0; i < o->write_count; i++)
		all[n++] = o->write[i];
	return copy_list(
	    m->arena, all, n, &m->p->write_roots, &m->p->write_root_count, e);
}

static int
copy_frame(struct maker *m, struct err *e)
{
	const struct plan_options *o = m->o;
	struct plan *p = m->p;

	p->profile = o->profile->name;
	p->who = o->who;
	p->workspace = arena_strdup(m->arena, o->workspace);
	p->home = o->home == NULL ? NULL : arena_strdup(m->arena, o->home);
	p->cwd = arena_strdup(m->arena, o->cwd == NULL ? o->workspace : o->cwd);
	p->write = o->profile->write;
	p->online = plan_options_online(o);
	p->unconfined = o->profile->unconfined;
	p->overlay = p->write && (o->overlay || o->profile->overlay);
	p->strict = o->profile->strict;
	p->records = o->records;
	if (p->cwd == NULL || p->workspace == NULL)
		return err_nomem(e);
	CHECK(join_lists(m, profile_protected, o->profile->protect, &p->protect,
	    &p->protect_count, e));
	CHECK(
	    join_lists(m, o->profile->deny, NULL, &p->deny, &p->deny_count, e));
	CHECK(join_lists(
	    m, o->profile->require, NULL, &p->require, &p->require_count, e));
	return copy_write_roots(m, e);
}

int
plan_make_system(const struct plan_who *who, struct arena *a, struct plan **ret,
    struct err *e)
{
	struct maker m = { .arena = a, .p = arena_alloc(a, sizeof(*m.p)) };

	if (m.p == NULL)
		return err_nomem(e);
	m.p->who = *who;
	m.p->ops = arena_array(a, PLAN_OPS_MAX, sizeof(*m.p->ops));
	if (m.p->ops == NULL)
		return err_nomem(e);
	add_system(&m);
	add_account(&m);
	*ret = m.p;
	return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

int
plan_make(const struct plan_options *o, struct arena *a, struct plan **ret,
    struct err *e)
{
	struct maker m = { .o = o, .arena = a };

	CHECK(check_roots(o, e));
	CHECK(check_run(o, e));
	m.p = arena_alloc(a, sizeof(*m.p));
	if (m.p == NULL)
		return err_nomem(e);
	m.p->ops = arena_array(a, PLAN_OPS_MAX, sizeof(*m.p->ops));
	if (m.p->ops == NULL)
		return err_nomem(e);
	set_limits(m.p, o);
	CHECK(copy_frame(&m, e));
	CHECK(plan_make_net(o, m.p, a, e));
	CHECK(copy_list(a, o->sockets, o->socket_count, &m.p->sockets,
	    &m.p->socket_count, e));
	CHECK(copy_run(&m, e));
	if (!m.p->unconfined) {
		add_system(&m);
		add_account(&m);
		add_network(&m);
		add_home(&m);
		add_workspace(&m);
	}
	if (arena_failed(a))
		return err_nomem(e);
	if (m.p->op_count == PLAN_OPS_MAX)
		return too_many_paths(PLAN_OPS_MAX, e);
	*ret = m.p;
	return ERR_OK;
}
