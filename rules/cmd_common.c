/*
 * What the subcommands about rules share.
 * Runs in: assent.  Trusts: the caller's arguments.  Owns: nothing.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd_int.h"
#include "index.h"
#include "model/action_json.h"
#include "model/json_in.h"
#include "sarif.h"

#define PASSWD_BYTES 8192

static bool
layer_of(struct str name, enum rule_layer *ret)
{
	for (int l = LAYER_PACK; l <= LAYER_USER; l++) {
		if (str_eqz(name, rule_layer_name((enum rule_layer)l))) {
			*ret = (enum rule_layer)l;
			return true;
		}
	}
	return false;
}

bool
cmd_add_dir(struct cmd_rules *o, const char *arg)
{
	const struct str s = str_of(arg);
	const size_t eq = str_find(s, '=');
	struct rule_dir dir = { .path = arg, .layer = LAYER_ORGANISATION };

	if (o->dir_count >= CMD_DIRS_MAX)
		return false;
	if (eq < s.len && layer_of(str_head(s, eq), &dir.layer))
		dir.path = arg + eq + 1;
	o->dirs[o->dir_count++] = dir;
	return true;
}

int
cmd_print(FILE *to, const struct buf *b)
{
	if (buf_done(b, NULL) != 0)
		return EXIT_INTERNAL;
	if (fwrite(buf_cstr(b), 1, b->len, to) != b->len || fflush(to) != 0)
		return EXIT_INTERNAL;
	return EXIT_OK;
}

int
cmd_fail(const char *name, const struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(CMD_OUTPUT_MAX);

	buf_printf(&b, "assent %s: ", name);
	if (e->line > 0) {
		text_escape(&b, str_of(e->file));
		buf_printf(&b, ":%u: ", e->line);
	}
	text_escape(&b, str_of(e->msg));
	buf_putc(&b, '\n');
	(void)cmd_print(stderr, &b);
	return e->code == ERR_INVALID || e->code == ERR_SYS ? EXIT_CONFIG
							    : EXIT_INTERNAL;
}

static void
print_findings(const struct diags *d, bool json)
{
	AUTO_BUF struct buf b = BUF_INIT(CMD_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&b);

	if (diags_count(d) == 0)
		return;
	if (json) {
		jsonw_object(&w);
		jsonw_kstr(&w, "error", "the rules could not be loaded");
		jsonw_key(&w, "findings");
		diags_json(d, &w);
		jsonw_end(&w);
		buf_putc(&b, '\n');
	} else {
		diags_print(d, &b);
	}
	(void)cmd_print(json ? stdout : stderr, &b);
}

int
cmd_open(const struct cmd_rules *o, bool json, struct classifier **ret)
{
	const struct classifier_options options = {
		.dirs = o->dirs,
		.dir_count = o->dir_count,
		.no_packs = o->no_packs,
		.data_dir = o->data_dir,
		.policy = o->policy,
	};
	AUTO(diags_freep) struct diags *d = diags_new();
	struct err e = ERR_INIT;
	int r;

	if (d == NULL)
		return EXIT_INTERNAL;
	r = rules_classifier.open(&options, d, ret, &e);
	if (r == 0)
		return EXIT_OK;
	if (o->sarif != NULL)
		(void)sarif_print(o->sarif, d);
	else
		print_findings(d, json);
	if (r == ERR_INVALID && diags_errors(d) > 0)
		return EXIT_CONFIG;
	return cmd_fail("rules", &e);
}

int
cmd_open_with(const struct cmd_rules *o, const struct rule_text *text,
    struct diags *d, struct classifier **ret, struct err *e)
{
	const struct ruleset_options ro = {
		.texts = text,
		.text_count = 1,
		.dirs = o->dirs,
		.dir_count = o->dir_count,
		.no_packs = o->no_packs,
		.data_dir = o->data_dir,
	};
	const struct classifier_options co = {
		.no_packs = true,
		.data_dir = o->data_dir,
		.policy = o->policy,
	};
	AUTO(cmd_closep) struct classifier *c = NULL;
	int r;

	r = rules_classifier.open(&co, d, &c, e);
	if (r != 0)
		return r;
	ruleset_freep(&c->set);
	r = ruleset_load(&ro, d, &c->set, e);
	if (r == 0)
		r = index_build(c->set, e);
	free(c->counts);
	c->counts = NULL;
	if (r == 0)
		*ret = TAKE_PTR(c);
	return r;
}

void
cmd_closep(struct classifier **c)
{
	rules_classifier.close(*c);
	*c = NULL;
}

int64_t
cmd_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

char *
cmd_home_of(uid_t uid, struct arena *arena)
{
	char bytes[PASSWD_BYTES];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(uid, &pw, bytes, sizeof(bytes), &found) != 0 ||
	    found == NULL || found->pw_dir == NULL)
		return NULL;
	return arena_strdup(arena, found->pw_dir);
}

int
cmd_place_fill(struct cmd_place *p, struct arena *arena, struct err *e)
{
	char cwd[PATH_BYTES_MAX];

	if (p->cwd == NULL) {
		if (p->workspace != NULL)
			p->cwd = p->workspace;
		else if (getcwd(cwd, sizeof(cwd)) == NULL)
			return err_sys(e, "cannot tell the current folder");
		else
			p->cwd = arena_strdup(arena, cwd);
	}
	if (p->workspace == NULL)
		p->workspace = p->cwd;
	if (p->home == NULL)
		p->home = cmd_home_of(getuid(), arena);
	return arena_failed(arena) ? err_nomem(e) : ERR_OK;
}

/* What an action leaves open is the caller's own place. */
static int
fill_action(struct action *a, const struct cmd_place *place, struct err *e)
{
	struct proposal *p = &a->proposal;

	if (p->workspace == NULL)
		p->workspace = arena_strdup(
		    a->arena, p->cwd != NULL ? p->cwd : place->workspace);
	if (p->cwd == NULL)
		p->cwd = arena_strdup(a->arena, p->workspace);
	if (a->proposer.home == NULL && place->home != NULL)
		a->proposer.home = arena_strdup(a->arena, place->home);
	if (p->executor == EXECUTOR_INVALID)
		p->executor = EXECUTOR_ASSENT;
	a->proposer.uid = getuid();
	a->proposer.gid = getgid();
	a->proposed_real_ns = cmd_now_ns();
	return arena_failed(a->arena) ? err_nomem(e) : ERR_OK;
}

static bool
mentions(struct str json, struct str key)
{
	return str_search(json, key) < json.len;
}

/* Where it happens is the caller's place when the action does not say. */
static int
add_place(
    struct str json, const struct cmd_place *place, char **ret, struct err *e)
{
	json_auto_t *j = NULL;
	int r;

	r = json_in(json, &j, e);
	if (r != 0)
		return r;
	if (!json_is_object(j))
		return err_set(e, ERR_INVALID, "an action is a JSON object");
	if (json_object_get(j, "workspace") == NULL)
		(void)json_object_set_new(
		    j, "workspace", json_string(place->workspace));
	if (json_object_get(j, "cwd") == NULL)
		(void)json_object_set_new(j, "cwd", json_string(place->cwd));
	*ret = json_dumps(j, JSON_COMPACT);
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

int
cmd_action_json(struct str json, const struct cmd_place *place,
    struct action *ret, struct err *e)
{
	AUTO_FREE char *with_place = NULL;
	int r;

	if (!mentions(json, STR("\"workspace\"")) ||
	    !mentions(json, STR("\"cwd\""))) {
		r = add_place(json, place, &with_place, e);
		if (r != 0)
			return r;
		json = str_of(with_place);
	}
	r = action_from_json(json, true, ret, e);
	return r != 0 ? r : fill_action(ret, place, e);
}

static int
copy_argv(struct action *a, char *const *argv, size_t argc)
{
	struct tool_input *in = &a->proposal.input;

	in->argv = arena_array(a->arena, argc + 1, sizeof(char *));
	if (in->argv == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < argc; i++)
		in->argv[i] = arena_strdup(a->arena, argv[i]);
	in->argc = argc;
	return ERR_OK;
}

int
cmd_action(char *const *argv, size_t argc, const struct cmd_place *place,
    struct action **ret, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	int r;

	r = action_new(&a, e);
	if (r != 0)
		return r;
	if (argc == 1) {
		a->proposal.tool = TOOL_SHELL;
		a->proposal.input.script = arena_strdup(a->arena, argv[0]);
	} else {
		a->proposal.tool = TOOL_EXEC;
		if (copy_argv(a, argv, argc) != 0)
			return err_nomem(e);
	}
	a->proposal.cwd = arena_strdup(a->arena, place->cwd);
	a->proposal.workspace = arena_strdup(a->arena, place->workspace);
	r = fill_action(a, place, e);
	if (r != 0)
		return r;
	*ret = TAKE_PTR(a);
	return ERR_OK;
}
