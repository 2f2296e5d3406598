/*
 * Set elevated runs up, and undo it.
 * Runs in: assent setup, as root.  Trusts: the administrator who starts it;
 * nothing that lies in a workspace.
 * Owns: the marker (/etc/assent/elevated.yaml) and what it names.
 */
#include "setup/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup/acl.h"
#include "base/fdio.h"
#include "model/elevated.h"
#include "sandbox/plan.h"
#include "sys.h"

#define MARKER_BYTES_MAX ((size_t)1 << 20)
#define SETUP_ARENA ((size_t)8 << 20)
#define WORKSPACES_MAX 1000

struct setup {
	const struct setup_options *o;
	struct buf *out;
	struct arena *arena;
	struct config *was; /* what is there, or nothing set up */
	int lock;
};

/* ---- what is there ----------------------------------------------------------- */

static int
load(struct setup *s, struct err *e)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	const struct config_sources from = {
		.state_dir = "/",
		.runtime_dir = "/",
		.no_file = true,
	};

	if (d == NULL)
		return err_nomem(e);
	return config_load(&from, d, &s->was, e);
}

/* Two at a time would undo each other. */
static int
lock(struct setup *s, struct err *e)
{
	if (s->o->dry)
		return ERR_OK;
	if (geteuid() != 0)
		return err_set(e, ERR_DENIED,
		    "only root sets this up; --dry-run shows what it would do");
	if (mkdir(ELEVATED_DIR, 0755) != 0 && errno != EEXIST)
		return err_sys(e, "cannot make '%s'", ELEVATED_DIR);
	s->lock = open(ELEVATED_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock < 0 || flock(s->lock, LOCK_EX | LOCK_NB) != 0)
		return err_sys(e, "cannot lock '%s': is another one at work?",
		    ELEVATED_DIR);
	return ERR_OK;
}

static int
begin(struct setup *s, struct err *e)
{
	int r;

	s->lock = -1;
	s->arena = arena_new(SETUP_ARENA);
	if (s->arena == NULL)
		return err_nomem(e);
	r = lock(s, e);
	return r == 0 ? load(s, e) : r;
}

static void
end(struct setup *s)
{
	fd_closep(&s->lock);
	config_freep(&s->was);
	arena_free(s->arena);
}

/* ---- workspaces -------------------------------------------------------------- */

static int
open_workspace(const char *path, struct stat *ret, struct err *e)
{
	const char *why = plan_workspace_refused(path, NULL);
	AUTO_FD int fd = -1;

	if (why != NULL)
		return err_set(e, ERR_INVALID, "'%s' cannot be a workspace: %s",
		    path, why);
	fd = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (fd < 0 || fstat(fd, ret) != 0)
		return err_sys(e,
		    "cannot open the folder '%s' (give its real path)", path);
	if (ret->st_uid == 0)
		return err_set(e, ERR_INVALID,
		    "'%s' is root's; a workspace belongs to who works in it",
		    path);
	return ERR_OK;
}

static int
give_rights(struct setup *s, gid_t group, struct err *e)
{
	struct acl_workspace w = {
		.path = s->o->workspace,
		.group = group,
		.dry = s->o->dry,
	};
	struct stat st;
	size_t count = 0;
	int r;

	if (w.path == NULL)
		return ERR_OK;
	r = open_workspace(w.path, &st, e);
	if (r != 0)
		return r;
	w.owner = st.st_uid;
	w.owner_group = st.st_gid;
	r = acl_grant(&w, &count, e);
	if (count > 0)
		buf_printf(s->out,
		    "give " SETUP_GROUP " rights on %zu files and folders in "
		    "%s (ACL)\n",
		    count, w.path);
	return r;
}

static int
take_rights(struct setup *s, const char *path, gid_t group, struct err *e)
{
	struct acl_workspace w = {
		.path = path,
		.group = group,
		.dry = s->o->dry,
	};
	struct stat st;
	size_t count = 0;
	int r;

	/* A workspace that is gone has no rights to be taken. */
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return ERR_OK;
	r = open_workspace(path, &st, e);
	if (r != 0)
		return r;
	w.owner = st.st_uid;
	w.owner_group = st.st_gid;
	r = acl_revoke(&w, &count, e);
	if (count > 0)
		buf_printf(s->out,
		    "restore the rights of %zu files and folders in %s\n",
		    count, path);
	return r;
}

/* ---- the marker -------------------------------------------------------------- */

static void
put_account(struct buf *b, const struct config_account *a)
{
	buf_printf(
	    b, "{name: %s, uid: %u, gid: %u}\n", a->name, a->uid, a->gid);
}

static void
put_quoted(struct buf *b, const char *text)
{
	buf_putc(b, '\'');
	for (; *text != '\0'; text++)
		buf_printf(b, *text == '\'' ? "''" : "%c", *text);
	buf_putc(b, '\'');
}

/* added, or NULL; left_out, or NULL. */
static void
put_marker(const struct config_elevated *c, const char *added,
    const char *left_out, struct buf *b)
{
	bool known = false;

	buf_puts(b,
	    "# Written by assent setup --elevated; undone by --remove.\n"
	    "version: " ELEVATED_VERSION "\noffline: ");
	put_account(b, &c->offline);
	buf_puts(b, "online:\n");
	for (size_t i = 0; i < c->online_count; i++) {
		buf_puts(b, "  - ");
		put_account(b, &c->online[i]);
	}
	buf_puts(b, "proxy_ports: [");
	for (size_t i = 0; i < c->port_count; i++)
		buf_printf(b, "%s%u", i > 0 ? ", " : "", c->ports[i]);
	buf_puts(b, "]\nworkspaces:");
	for (size_t i = 0; i < c->workspaces.count; i++) {
		const char *path = c->workspaces.items[i];

		if (left_out != NULL && strcmp(path, left_out) == 0)
			continue;
		known = known || (added != NULL && strcmp(path, added) == 0);
		buf_puts(b, "\n  - ");
		put_quoted(b, path);
	}
	if (added != NULL && !known) {
		buf_puts(b, "\n  - ");
		put_quoted(b, added);
	}
	buf_puts(b, b->s[b->len - 1] == ':' ? " []\n" : "\n");
}

static int
write_marker(struct setup *s, const struct config_elevated *c,
    const char *added, const char *left_out, struct err *e)
{
	AUTO_BUF struct buf now = BUF_INIT(MARKER_BYTES_MAX);
	AUTO_BUF struct buf old = BUF_INIT(MARKER_BYTES_MAX);
	int r;

	put_marker(c, added, left_out, &now);
	r = buf_done(&now, e);
	if (r != 0)
		return r;
	if (fdio_read_file(ELEVATED_FILE, &old, NULL) == 0 &&
	    str_eq(buf_str(&old), buf_str(&now)))
		return ERR_OK;
	buf_puts(s->out, "write " ELEVATED_FILE "\n");
	return s->o->dry
	    ? ERR_OK
	    : fdio_write_file(ELEVATED_FILE, now.s, now.len, 0644, e);
}

/* ---- all of it --------------------------------------------------------------- */

static void
wanted(const struct setup *s, const struct setup_accounts *a,
    struct config_elevated *ret)
{
	const struct config_elevated *was = &s->was->elevated_setup;

	*ret = *was;
	ret->offline = a->offline;
	memcpy(ret->online, a->online, sizeof(ret->online));
	ret->online_count = a->online_count;
	for (size_t i = 0; i < s->o->port_count && i < ELEVATED_PORTS_MAX; i++)
		ret->ports[i] = s->o->ports[i];
	if (s->o->port_count > 0)
		ret->port_count = s->o->port_count;
}

/* Loaded now, so that the marker never speaks of one that is not there; after
 * a start of the machine the daemon loads it. */
static int
firewall(struct setup *s, const struct config_elevated *c, struct err *e)
{
	struct err ignored = ERR_INIT;
	int r;

	if (s->o->dry && c->offline.uid == 0) {
		buf_puts(s->out,
		    "load the firewall (nftables, table inet " ELEVATED_TABLE
		    ")\n");
		return ERR_OK;
	}
	if (elevated_firewall_check(c, &ignored) == 0)
		return ERR_OK;
	buf_puts(s->out,
	    "load the firewall (nftables, table inet " ELEVATED_TABLE "):\n");
	elevated_firewall_put(c, s->out);
	if (s->o->dry)
		return ERR_OK;
	r = elevated_firewall_load(c, e);
	return r == 0 ? elevated_firewall_check(c, e) : r;
}

static int
make(struct setup *s, struct err *e)
{
	const size_t had = s->was->elevated_setup.online_count;
	struct setup_accounts a = { .group = 0 };
	struct config_elevated c;
	/* A smaller pool would leave accounts without a firewall. */
	const size_t pool = s->o->pool > had ? s->o->pool : had > 0 ? had : 1;
	int r = setup_accounts_make(pool, s->o->dry, s->arena, &a, s->out, e);

	if (r != 0)
		return r;
	wanted(s, &a, &c);
	r = firewall(s, &c, e);
	if (r == 0)
		r = give_rights(s, a.group, e);
	return r == 0 ? write_marker(s, &c, s->o->workspace, NULL, e) : r;
}

int
setup_make(const struct setup_options *o, struct buf *out, struct err *e)
{
	struct setup s = { .o = o, .out = out };
	int r = begin(&s, e);

	if (r == 0)
		r = make(&s, e);
	end(&s);
	return r;
}

static int
take_all_rights(struct setup *s, struct err *e)
{
	const struct config_elevated *was = &s->was->elevated_setup;
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < was->workspaces.count; i++)
		r = take_rights(
		    s, was->workspaces.items[i], was->offline.gid, e);
	return r;
}

static int
remove_all(struct setup *s, struct err *e)
{
	struct err ignored = ERR_INIT;
	int r = take_all_rights(s, e);

	if (r != 0)
		return r;
	if (access(ELEVATED_FILE, F_OK) == 0) {
		buf_puts(s->out, "remove " ELEVATED_FILE "\n");
		if (!s->o->dry && unlink(ELEVATED_FILE) != 0)
			return err_sys(e, "cannot remove '%s'", ELEVATED_FILE);
	}
	r = setup_accounts_remove(s->o->dry, s->out, e);
	/* Last: until its accounts are gone it holds them. */
	if (r == 0 &&
	    elevated_firewall_check(&s->was->elevated_setup, &ignored) !=
		ERR_NOTFOUND) {
		buf_puts(s->out,
		    "remove the firewall (table inet " ELEVATED_TABLE ")\n");
		if (!s->o->dry)
			r = elevated_firewall_remove(e);
	}
	return r;
}

int
setup_remove(const struct setup_options *o, struct buf *out, struct err *e)
{
	struct setup s = { .o = o, .out = out };
	int r = begin(&s, e);
	const struct config_elevated *was =
	    s.was == NULL ? NULL : &s.was->elevated_setup;

	if (r == 0 && o->workspace == NULL)
		r = remove_all(&s, e);
	else if (r == 0 && !was->set_up)
		r = err_set(e, ERR_NOTFOUND, "nothing is set up");
	else if (r == 0) {
		r = take_rights(&s, o->workspace, was->offline.gid, e);
		if (r == 0)
			r = write_marker(&s, was, NULL, o->workspace, e);
	}
	end(&s);
	return r;
}
