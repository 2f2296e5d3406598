/*
 * Read the command line of `assent sandbox`.
 * Runs in: assent, assent-exec, with the caller's rights.  Trusts: nobody's folder
 * but what the kernel says of it.
 * Owns: nothing.
 */
#include "oneshot/options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor/action_plan.h"
#include "base/num.h"
#include "base/text.h"
#include "root/identity.h"
#include "model/limits.h"
#include "profile_set.h"
#include "sys.h"

/* What one call writes to a terminal or a file, not to a log. */
#define PINNED_ARENA_MAX ((size_t)1 << 20)
#define TIMEOUT_S_MAX ((uint64_t)7 * 86400)

extern char **environ;

struct word {
	const char *name;
	const char **to;
};

static int
take_word(const struct word *words, size_t count, int argc, char **argv, int *i,
    struct err *e)
{
	for (size_t k = 0; k < count; k++) {
		if (strcmp(argv[*i], words[k].name) != 0)
			continue;
		if (*i + 1 >= argc)
			return err_set(
			    e, ERR_INVALID, "%s needs a value", argv[*i]);
		*words[k].to = argv[++*i];
		return ERR_OK;
	}
	return err_set(e, ERR_INVALID,
	    "unknown option '%s'; put -- before the command", argv[*i]);
}

static int
take_apply(struct options *o, int argc, char **argv, int *i, struct err *e)
{
	if (*i + 1 >= argc)
		return err_set(e, ERR_INVALID,
		    "--apply needs a value: all, none, or a path");
	if (o->apply_count == OPTIONS_APPLY_MAX)
		return err_set(e, ERR_LIMIT, "more than %d paths to apply",
		    OPTIONS_APPLY_MAX);
	o->apply[o->apply_count++] = argv[++*i];
	return ERR_OK;
}

/* Whoever calls it could connect without a sandbox, too. */
static int
take_host(struct options *o, int argc, char **argv, int *i, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(4096);
	struct net_rule rule;
	int r;

	if (a == NULL)
		return err_nomem(e);
	if (*i + 1 >= argc)
		return err_set(e, ERR_INVALID,
		    "--host needs a value: github.com, or github.com:443");
	if (o->host_count == OPTIONS_HOSTS_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d hosts", OPTIONS_HOSTS_MAX);
	r = net_rule_parse(str_of(argv[++*i]), a, &rule, e);
	if (r != 0)
		return err_wrap(e, r, "--host");
	o->hosts[o->host_count++] = argv[*i];
	return ERR_OK;
}

static int
parse_timeout(const char *text, int64_t *ret, struct err *e)
{
	uint64_t seconds;

	if (text == NULL)
		return ERR_OK;
	if (num_parse_u64(str_of(text), 1, TIMEOUT_S_MAX, &seconds) == 0)
		*ret = (int64_t)seconds * 1000;
	else if (num_parse_duration_ms(str_of(text), ret) != 0 || *ret <= 0 ||
	    *ret > (int64_t)TIMEOUT_S_MAX * 1000)
		return err_set(e, ERR_INVALID,
		    "--timeout takes a time such as 30s or 10m, or seconds, "
		    "up to %llu, not '%s'",
		    (unsigned long long)TIMEOUT_S_MAX, text);
	return ERR_OK;
}

int
options_read(int argc, char **argv, struct options *ret, struct err *e)
{
	struct options o = { .profile = "workspace-write" };
	const char *timeout = NULL;
	const struct word words[] = {
		{ "--profile", &o.profile }, { "--workspace", &o.workspace },
		{ "--home", &o.home }, { "--timeout", &timeout },
		{ "--pin", &o.pin }, { "--pinned", &o.pinned },
		{ "--config", &o.config_file }, /* for the caller */
	};
	int i = 1, r = ERR_OK;

	for (; r == 0 && i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(argv[i], "--print-plan") == 0)
			o.print_plan = true;
		else if (strcmp(argv[i], "--help") == 0)
			o.help = true;
		else if (strcmp(argv[i], "--overlay") == 0)
			o.overlay = true;
		else if (strcmp(argv[i], "--tty") == 0)
			o.tty = true;
		else if (strcmp(argv[i], "--host") == 0)
			r = take_host(&o, argc, argv, &i, e);
		else if (strcmp(argv[i], "--apply") == 0)
			r = take_apply(&o, argc, argv, &i, e);
		else
			r = take_word(
			    words, ARRAY_LEN(words), argc, argv, &i, e);
	}
	if (r == 0)
		r = parse_timeout(timeout, &o.timeout_ms, e);
	if (r != 0)
		return r;
	if (o.pin != NULL && o.pinned != NULL)
		return err_set(e, ERR_INVALID,
		    "--pin records and --pinned runs: give one of them");
	if (o.apply_count > 0 && !o.overlay)
		return err_set(e, ERR_INVALID,
		    "--apply says what becomes of an --overlay: give both");
	if (i >= argc && !o.help && o.pinned == NULL)
		return err_set(e, ERR_INVALID,
		    "there is no command to run: assent sandbox [OPTIONS] -- "
		    "CMD...");
	o.argv = (const char *const *)(argv + i);
	o.argc = (size_t)(argc - i);
	*ret = o;
	return ERR_OK;
}

/* $HOME, when it is the caller's own folder. */
static const char *
own_home(void)
{
	const char *home = getenv("HOME");
	struct stat st;

	if (home == NULL || !plan_path_normal(home) || home[1] == '\0' ||
	    stat(home, &st) != 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid())
		return NULL;
	return home;
}

/* The first name below the home begins with a dot: settings, tools, state. */
static bool
is_settings(const char *path, const char *home)
{
	const size_t n = home == NULL ? 0 : strlen(home);

	return n > 1 && plan_path_within(path, home) && path[n] == '/' &&
	    path[n + 1] == '.';
}

static int
check_workspace(const char *path, const char *home, struct err *e)
{
	if (!plan_path_normal(path))
		return err_set(e, ERR_INVALID,
		    "'%s' cannot be the workspace: give an absolute path "
		    "without '.', '..' or a final '/'",
		    path);
	if (is_settings(path, home))
		return err_set(e, ERR_DENIED,
		    "'%s' cannot be the workspace: it lies among the settings "
		    "of the home folder",
		    path);
	if (access(path, F_OK) != 0)
		return err_sys(e, "cannot open the workspace '%s'", path);
	if (geteuid() != 0 && access(path, W_OK) != 0)
		return err_set(e, ERR_DENIED,
		    "'%s' cannot be the workspace: you may not write there",
		    path);
	return ERR_OK;
}

static int
find_profile(const struct options *o, struct arena *a,
    struct plan_limits *limits, const struct profile **ret, struct err *e)
{
	struct profile_set *set = NULL;
	const char *name = o->profile;
	int r = profile_set_make(o->config, a, &set, e);

	if (r == 0)
		r = profile_set_get(set, name, ret, e);
	if (r != 0)
		return r;
	if ((*ret)->unconfined)
		return err_set(e, ERR_DENIED,
		    "the profile '%s' has no sandbox: run the command itself",
		    name);
	*limits = (*ret)->limits;
	return ERR_OK;
}

int
options_plan(
    const struct options *o, struct arena *a, struct plan **ret, struct err *e)
{
	char here[PATH_BYTES_MAX];
	struct plan_limits limits;
	struct plan_options po = {
		.argv = o->argv,
		.argc = o->argc,
		.env = (const char *const *)environ,
		.limits = &limits,
		.wall_ms = o->timeout_ms,
		.tty = o->tty,
		.overlay = o->overlay,
		.hosts = o->hosts,
		.host_count = o->host_count,
	};
	int r = find_profile(o, a, &limits, &po.profile, e);

	if (r != 0)
		return r;
	action_plan_deny(o->config, &po);
	action_plan_records(o->config, &po);
	if (getcwd(here, sizeof(here)) == NULL)
		here[0] = '\0';
	po.workspace = o->workspace == NULL ? here : o->workspace;
	/* A longer time than the profile's is the caller's own to spend. */
	if (o->timeout_ms > limits.wall_ms)
		limits.wall_ms = o->timeout_ms;
	po.home = o->home == NULL ? own_home() : o->home;
	r = check_workspace(po.workspace, po.home, e);
	if (r != 0)
		return r;
	if (here[0] == '/' && plan_path_within(here, po.workspace))
		po.cwd = here;
	while (environ[po.env_count] != NULL)
		po.env_count++;
	r = identity_choose(po.workspace, &po.who, e);
	return r == 0 ? plan_make(&po, a, ret, e) : r;
}

static bool
denies(const struct net_policy *p, const struct net_rule *denied)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		if (net_rule_same(&p->rules[i], denied))
			return true;
	}
	return false;
}

/* What the requirements deny now the plan has to deny, too. */
static int
check_pinned_hosts(const struct options *o, const struct plan *p, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(PINNED_ARENA_MAX);
	struct plan_options po = { .denied_count = 0 };

	if (a == NULL)
		return err_nomem(e);
	action_plan_deny(o->config, &po);
	for (size_t i = 0; p->online && i < po.denied_count; i++) {
		struct net_rule denied;
		const int r =
		    net_rule_parse(str_of(po.denied[i]), a, &denied, e);

		if (r != 0)
			return r;
		denied.decision = NET_DENY;
		if (!denies(&p->net, &denied))
			return err_set(e, ERR_DENIED,
			    "it was pinned before the requirements denied "
			    "'%s'; pin it again",
			    po.denied[i]);
	}
	return ERR_OK;
}

int
options_check_pinned(const struct options *o, struct plan *p, struct err *e)
{
	struct plan_who who;
	const int r = identity_choose(p->workspace, &who, e);

	if (r != 0)
		return r;
	if (who.identity != p->who.identity || who.uid != p->who.uid)
		return err_set(e, ERR_DENIED, "it was pinned by another user");
	if (o->workspace != NULL && strcmp(o->workspace, p->workspace) != 0)
		return err_set(e, ERR_DENIED,
		    "it was pinned for the workspace '%s'", p->workspace);
	if (strcmp(o->profile, p->profile) != 0)
		return err_set(e, ERR_DENIED,
		    "it was pinned for the profile '%s'", p->profile);
	if (o->timeout_ms > 0)
		p->limits.wall_ms = o->timeout_ms;
	return check_pinned_hosts(o, p, e);
}
