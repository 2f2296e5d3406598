/*
 * The accounts of elevated runs, by the system's own tools.
 * Runs in: assent setup, as root.  Trusts: the password file.
 * Owns: the accounts and the group of those names.
 */
#include "setup/setup.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/tool.h"

#define SAID_MAX ((size_t)16 << 10)
#define ENTRY_BYTES_MAX ((size_t)64 << 10)
#define NAME_MAX_LEN 32
#define ARGS_MAX 12
#define USED_EVERY_MS 50
#define USED_TRIES 200

static void
online_name(size_t i, char ret[static NAME_MAX_LEN])
{
	if (i == 0)
		(void)snprintf(ret, NAME_MAX_LEN, SETUP_ONLINE);
	else
		(void)snprintf(ret, NAME_MAX_LEN, SETUP_ONLINE "-%zu", i + 1);
}

/* The numbers of an account; false: there is none. */
static bool
look_up(const char *name, struct config_account *ret)
{
	AUTO_FREE char *bytes = mem_new(ENTRY_BYTES_MAX, 1);
	struct passwd entry, *found = NULL;

	if (bytes == NULL)
		return false;
	(void)getpwnam_r(name, &entry, bytes, ENTRY_BYTES_MAX, &found);
	if (found == NULL)
		return false;
	ret->uid = found->pw_uid;
	ret->gid = found->pw_gid;
	return true;
}

static bool
look_up_group(gid_t *ret)
{
	AUTO_FREE char *bytes = mem_new(ENTRY_BYTES_MAX, 1);
	struct group entry, *found = NULL;

	if (bytes == NULL)
		return false;
	(void)getgrnam_r(SETUP_GROUP, &entry, bytes, ENTRY_BYTES_MAX, &found);
	if (found != NULL)
		*ret = found->gr_gid;
	return found != NULL;
}

/* args: strings that the tool only reads. */
static int
run(const char *path, const char *const *args, struct err *e)
{
	AUTO_BUF struct buf said = BUF_INIT(SAID_MAX);
	char *argv[ARGS_MAX + 1];
	size_t n = 0;

	for (; args[n] != NULL && n < ARGS_MAX; n++)
		argv[n] = (char *)(uintptr_t)args[n];
	argv[n] = NULL;
	return tool_run(
	    &(struct tool_call){ .path = path, .argv = argv }, &said, e);
}

static int
make_group(bool dry, gid_t *ret, struct buf *out, struct err *e)
{
	static const char *const args[] = { "groupadd", "--system", SETUP_GROUP,
		NULL };
	int r;

	if (look_up_group(ret))
		return ERR_OK;
	buf_puts(out, "make the group " SETUP_GROUP "\n");
	if (dry)
		return ERR_OK;
	r = run("/usr/sbin/groupadd", args, e);
	if (r == 0 && !look_up_group(ret))
		return err_set(e, ERR_INTERNAL,
		    "the group " SETUP_GROUP " is not there after it was made");
	return r;
}

/* One that somebody else made under that name is not taken for ours. */
static int
check(const char *name, const struct config_account *a, gid_t group,
    struct err *e)
{
	if (a->uid == 0 || a->gid != group || group == 0)
		return err_set(e, ERR_CONFLICT,
		    "there is an account '%s' already (uid %u, gid %u) that is "
		    "not of the group " SETUP_GROUP "; remove it first",
		    name, (unsigned)a->uid, (unsigned)a->gid);
	return ERR_OK;
}

static int
make_account(const char *name, gid_t group, bool dry,
    struct config_account *ret, struct buf *out, struct err *e)
{
	const char *const args[] = { "useradd", "--system", "--no-create-home",
		"--home-dir=/nonexistent", "--shell=/usr/sbin/nologin",
		"--gid=" SETUP_GROUP, "--comment=assent runs", name, NULL };
	int r;

	if (look_up(name, ret))
		return check(name, ret, group, e);
	buf_printf(out, "make the account %s (no password, no shell)\n", name);
	if (dry)
		return ERR_OK;
	r = run("/usr/sbin/useradd", args, e);
	if (r == 0 && !look_up(name, ret))
		return err_set(e, ERR_INTERNAL,
		    "the account '%s' is not there after it was made", name);
	return r == 0 ? check(name, ret, group, e) : r;
}

int
setup_accounts_make(size_t pool, bool dry, struct arena *a,
    struct setup_accounts *ret, struct buf *out, struct err *e)
{
	char name[NAME_MAX_LEN];
	int r = make_group(dry, &ret->group, out, e);

	ret->offline.name = SETUP_OFFLINE;
	if (r == 0)
		r = make_account(
		    SETUP_OFFLINE, ret->group, dry, &ret->offline, out, e);
	for (size_t i = 0; r == 0 && i < pool; i++) {
		online_name(i, name);
		ret->online[i].name = arena_strdup(a, name);
		if (ret->online[i].name == NULL)
			return err_nomem(e);
		r = make_account(
		    name, ret->group, dry, &ret->online[i], out, e);
		ret->online_count = i + 1;
	}
	return r;
}

/* Its last runs may be about to end; as long as one is there its number must
 * not become somebody else's. */
static int
remove_unused(const char *const *args, struct err *e)
{
	const struct timespec pause = { .tv_nsec = 1000000L * USED_EVERY_MS };
	struct err why = ERR_INIT;
	int r;

	for (int i = 0; i < USED_TRIES; i++) {
		r = run("/usr/sbin/userdel", args, &why);
		if (r == 0)
			return ERR_OK;
		if (strstr(why.msg, "currently used") == NULL)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return err_set(e, why.code, "%s", why.msg);
}

static int
remove_account(
    const char *name, gid_t group, bool dry, struct buf *out, struct err *e)
{
	const char *const args[] = { "userdel", name, NULL };
	struct config_account a = { .uid = 0 };
	int r;

	if (!look_up(name, &a))
		return ERR_OK;
	r = check(name, &a, group, e);
	if (r != 0)
		return r;
	buf_printf(out, "remove the account %s\n", name);
	return dry ? ERR_OK : remove_unused(args, e);
}

int
setup_accounts_remove(bool dry, struct buf *out, struct err *e)
{
	static const char *const args[] = { "groupdel", SETUP_GROUP, NULL };
	char name[NAME_MAX_LEN];
	gid_t group = 0;
	int r;

	if (!look_up_group(&group))
		return ERR_OK;
	r = remove_account(SETUP_OFFLINE, group, dry, out, e);
	for (size_t i = 0; r == 0 && i < ELEVATED_POOL_MAX; i++) {
		online_name(i, name);
		r = remove_account(name, group, dry, out, e);
	}
	if (r != 0)
		return r;
	buf_puts(out, "remove the group " SETUP_GROUP "\n");
	return dry ? ERR_OK : run("/usr/sbin/groupdel", args, e);
}
