/*
 * Words of version control, package managers and build tools.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"
#include "hosts.h"

#define KEY_MAX 200

/* True when a pattern of the list matches the text. */
static bool
list_matches(struct judge *j, const char *list, struct str text)
{
	size_t n;
	const struct str *words = programs_words(j->programs, list, &n);

	for (size_t i = 0; i < n; i++) {
		if (path_glob_match(words[i], text, true))
			return true;
	}
	return false;
}

/* ---- git --------------------------------------------------------------- */

static struct str
lower_key(struct judge *j, struct str key)
{
	char *copy = arena_strndup(j->arena, key.s, key.len);

	for (size_t i = 0; copy != NULL && i < key.len; i++) {
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] - 'A' + 'a');
	}
	return copy == NULL ? key : str_n(copy, key.len);
}

/* A value that git gives to a shell, or the path of what it runs. */
static void
git_value_runs(struct judge *j, const struct arg *a)
{
	struct arg v = *a;

	if (str_eq(v.text, STR("true")) || str_eq(v.text, STR("false")) ||
	    v.text.len == 0)
		return;
	if (str_at(v.text, 0) == '!') {
		v.skip++;
		v.text = str_from(v.text, 1);
	}
	judge_shell_text(j, &v, "a git setting");
}

/* git -c name=value */
void
as_git_setting(struct judge *j, const struct arg *a, struct str param)
{
	const size_t eq = str_find(a->text, '=');
	const struct str key = lower_key(j, str_head(a->text, eq));
	struct arg value = *a;

	(void)param;
	value.skip += eq + 1;
	value.text = str_from(a->text, eq + 1);
	if (list_matches(j, "git_run_keys", key)) {
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_INLINE,
			.target = judge_say(j, "%.*s", STR_ARG(key)),
			.why = "git runs the value of that setting" });
		git_value_runs(j, &value);
	} else if (list_matches(j, "git_path_keys", key)) {
		j->by = STR("a setting");
		effect_run(j, &value);
	} else if (list_matches(j, "git_guard_keys", key)) {
		effect_privilege(j, "weakens protection");
	} else if (!list_matches(j, "git_plain_keys", key)) {
		effect_unknown(
		    j, "the setting '%.*s' is not described", STR_ARG(key));
	}
}

static const char *
git_config_file(const struct judge *j)
{
	if (judge_seen(j, "--global"))
		return "~/.gitconfig";
	if (judge_seen(j, "--system"))
		return "/etc/gitconfig";
	return NULL;
}

static bool
git_config_reads(const struct judge *j)
{
	static const char *const reading[] = { "--get", "--get-all",
		"--get-regexp", "--get-urlmatch", "--list", "-l", "--get-color",
		"--get-colorbool" };
	static const char *const writing[] = { "--unset", "--unset-all",
		"--add", "--replace-all", "--rename-section",
		"--remove-section", "--edit", "-e" };

	for (size_t i = 0; i < ARRAY_LEN(reading); i++) {
		if (judge_seen(j, reading[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(writing); i++) {
		if (judge_seen(j, writing[i]))
			return false;
	}
	return j->operand_count <= 1 &&
	    str_search(j->command->subcommand, STR("set")) ==
	    j->command->subcommand.len;
}

/* git config KEY [VALUE]: what is remembered works later, for everybody. */
void
as_git_key(struct judge *j, const struct arg *a, struct str param)
{
	const struct str key = lower_key(j, a->text);
	const char *file = git_config_file(j);
	const bool risky = !a->known || list_matches(j, "git_run_keys", key) ||
	    list_matches(j, "git_path_keys", key) ||
	    list_matches(j, "git_guard_keys", key);

	(void)param;
	if (j->operand_at > 0)
		return;
	if (git_config_reads(j)) {
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = list_matches(j, "git_secret_keys", key)
			    ? PATH_SECRET
			    : PATH_WORKSPACE,
			.target = ".git/config",
			.why = "git config reads settings" });
		return;
	}
	if (risky)
		effect_privilege(j, "persistent setting that runs code");
	if (file != NULL || risky)
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_WRITE,
			.path_class = PATH_PROTECTED,
			.target = file != NULL ? file : ".git/config",
			.why = "git config changes settings" });
	else
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_WRITE,
			.path_class = PATH_WORKSPACE,
			.target = ".git/config",
			.why = "git config changes a harmless setting" });
}

void
handle_git_config(struct judge *j)
{
	judge_words(j, j->entry, 1);
}

void
as_refspec(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (a->text.len > 0 && a->text.s[0] == '+')
		effect_remote(j, "rewrite of a branch");
	else if (a->text.len > 0 && a->text.s[0] == ':')
		effect_remote(j, "deletion of a branch");
}

/* An operand of checkout: a branch, or paths whose changes are lost. */
void
as_checkout(struct judge *j, const struct arg *a, struct str param)
{
	const struct shell_word *w = a->word;
	bool dashes = false;
	bool before = false;

	(void)param;
	for (size_t i = 1; i < j->shell->argc; i++) {
		if (&j->shell->argv[i] == w)
			before = !dashes;
		dashes = dashes || shell_word_is(&j->shell->argv[i], "--");
	}
	if (judge_seen(j, "-b") || judge_seen(j, "-B"))
		return;
	if ((dashes && !before) || str_eq(a->text, STR(".")) ||
	    str_starts(a->text, STR(":/")) || j->operand_at > 0 ||
	    str_find(a->text, '*') < a->text.len)
		effect_delete(j, a, true);
}

/* What is cloned; without an operand for it, the folder has its name. */
void
as_clone_from(struct judge *j, const struct arg *a, struct str param)
{
	struct str name = a->text;
	struct arg dir;

	as_remote(j, a, param);
	if (j->operand_count > 1 || !a->known)
		return;
	while (name.len > 0 && name.s[name.len - 1] == '/')
		name.len--;
	if (str_rfind(name, '/') < name.len)
		name = str_from(name, str_rfind(name, '/') + 1);
	else if (str_rfind(name, ':') < name.len)
		name = str_from(name, str_rfind(name, ':') + 1);
	if (str_ends(name, STR(".git")))
		name.len -= 4;
	dir = arg_text(j->arena, name);
	if (name.len > 0)
		effect_write(j, &dir, "writes");
}

/* Where a clone goes: its operand, or the last part of the URL. */
void
as_clone_dir(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_write(j, a, "writes");
}

/* An HTTP method. */
void
as_method(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	j->command->method = a->text;
	if (!a->known ||
	    (!str_eq(a->text, STR("GET")) && !str_eq(a->text, STR("HEAD")) &&
		!str_eq(a->text, STR("OPTIONS")) &&
		!str_eq(a->text, STR("get"))))
		effect_remote(j, "http write");
}

/* A URL that git remembers. */
void
as_git_url(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_WRITE,
		.path_class = PATH_PROTECTED,
		.target = ".git/config",
		.why = "git remembers where to fetch from and push to" });
	if (str_starts(a->text, STR("ext::")))
		as_remote(j, a, param);
}

/* ---- packages ---------------------------------------------------------- */

static bool
is_local_package(struct str t)
{
	return str_starts(t, STR(".")) || str_starts(t, STR("/")) ||
	    str_starts(t, STR("~")) || str_starts(t, STR("file:")) ||
	    str_starts(t, STR("link:")) || str_ends(t, STR(".whl")) ||
	    str_ends(t, STR(".tgz")) || str_ends(t, STR(".tar.gz")) ||
	    str_ends(t, STR(".deb")) || str_ends(t, STR(".rpm")) ||
	    str_ends(t, STR(".gem")) || str_ends(t, STR(".vsix"));
}

static void
local_package(struct judge *j, const struct arg *a)
{
	struct arg path = *a;
	const size_t colon = str_find(a->text, ':');

	if (colon < a->text.len && colon <= 4) {
		path.skip += colon + 1;
		path.text = str_from(a->text, colon + 1);
	}
	/* "./pkg[extra]" */
	path.text = str_head(path.text, str_find(path.text, '['));
	if (path.text.len < a->text.len && path.skip == 0)
		path = arg_text(j->arena, path.text);
	effect_run(j, &path);
}

/* A package to fetch: by name from a registry, by URL, from here. */
void
as_package(struct judge *j, const struct arg *a, struct str param)
{
	const struct str t = a->text;

	if (a->known && is_local_package(t) &&
	    str_search(t, STR("://")) == t.len) {
		local_package(j, a);
		return;
	}
	if (str_search(t, STR("://")) < t.len || str_starts(t, STR("git+")) ||
	    str_starts(t, STR("git@")) || str_starts(t, STR("github:"))) {
		struct arg url = *a;

		if (str_starts(t, STR("git+"))) {
			url.skip += 4;
			url.text = str_from(t, 4);
		}
		effect_remote(j, "package from an address");
		if (str_search(t, STR("://")) < t.len)
			url_connect(j, &url, PATH_NONE);
	}
	effect_connect(j, param, PATH_NONE);
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_DOWNLOADED,
		.target = "packages",
		.why = judge_say(j,
		    "%.*s fetches packages that may run code at installation",
		    STR_ARG(j->program)) });
}

/* -r FILE of pip: pinned by the project, fetched from the registry. */
void
as_requirement(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_read(j, a, false);
	effect_connect(j, STR("pypi.org"), PATH_NONE);
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_DOWNLOADED,
		.target = "packages",
		.why = "packages may run code at installation" });
	if (str_search(a->text, STR("://")) < a->text.len)
		url_connect(j, a, PATH_NONE);
}

static void
packages_of(struct judge *j, const char *registry)
{
	effect_connect(j, str_of(registry), PATH_NONE);
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_DOWNLOADED,
		.target = "packages",
		.why = judge_say(j, "%.*s fetches what is not installed",
		    STR_ARG(j->program)) });
}

/* Tools that projects install: without the network, npx finds only those. */
static bool
is_project_tool(struct judge *j, struct str name)
{
	const struct entry *en = programs_find(j->programs, name);

	return en != NULL &&
	    (en == programs_find(j->programs, STR("tsc")) ||
		en == programs_find(j->programs, STR("shellcheck")));
}

void
as_npx_package(struct judge *j, const struct arg *a, struct str param)
{
	if (a->known && is_project_tool(j, a->text)) {
		as_npx_local(j, a, param);
		return;
	}
	if (str_search(a->text, STR("://")) < a->text.len)
		as_package(j, a, STR("registry.npmjs.org"));
	else
		packages_of(j, "registry.npmjs.org");
}

void
as_npx_local(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_WORKSPACE,
		.target = arena_strndup(j->arena, a->text.s, a->text.len),
		.why = "a program that the project has installed" });
}

/* npm pkg set scripts.x=...: runs later by itself. */
void
as_npm_setting(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_starts(a->text, STR("scripts.")) ||
	    str_starts(a->text, STR("bin")) || !a->known)
		effect_privilege(j, "persistent setting that runs code");
}

void
as_yarn_config(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_search(a->text, STR("://")) == a->text.len)
		return;
	effect_remote(j, "package from an address");
	url_connect(j, a, PATH_NONE);
}

void
as_bundle_config(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_starts(a->text, STR("mirror")) ||
	    str_starts(a->text, STR("ssl")) ||
	    str_search(a->text, STR("://")) < a->text.len)
		effect_privilege(j, "weakens protection");
}

/* --ignore-scripts=false, --strict-ssl=false: a guard taken away. */
void
as_guard(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (!str_eq(a->text, STR("true")))
		effect_privilege(j, "weakens protection");
}

/* -g: for every project of this account. */
void
as_global(struct judge *j, const struct arg *a, struct str param)
{
	(void)a;
	(void)param;
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_WRITE,
		.path_class = PATH_OUTSIDE,
		.target = "global packages",
		.why = judge_say(j, "%.*s installs outside the workspace",
		    STR_ARG(j->program)) });
}

void
as_script_or_url(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_search(a->text, STR("://")) == a->text.len &&
	    !str_starts(a->text, STR("npm:")) &&
	    !str_starts(a->text, STR("jsr:"))) {
		effect_run(j, a);
		return;
	}
	url_connect(j, a, PATH_NONE);
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_DOWNLOADED,
		.why = judge_say(
		    j, "%.*s runs what it downloads", STR_ARG(j->program)) });
}

/* "DESTDIR=$PWD/stage": what is installed stays in the workspace. */
static bool
stays_inside(struct judge *j)
{
	static const char *const names[] = { "DESTDIR=", "PREFIX=", "prefix=",
		"CMAKE_INSTALL_PREFIX=", "INSTALL_ROOT=" };

	for (size_t i = 1; i < j->shell->argc; i++) {
		const struct str t = j->shell->argv[i].text;

		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			struct path_facts f;
			struct arg a;

			if (!str_starts(t, str_of(names[k])))
				continue;
			a = arg_of(&j->shell->argv[i], strlen(names[k]));
			arg_place(j, &a, &f);
			return f.in_workspace || f.base == PATH_TEMP;
		}
	}
	return false;
}

/* make -n: prints recipes, although $(shell ...) runs. */
void
as_make_dry(struct judge *j, const struct arg *a, struct str param)
{
	if (str_find(a->text, '=') < a->text.len)
		as_make_word(j, a, param);
}

void
name_acts_outward(struct judge *j, struct str name)
{
	if (list_matches(j, "outward_targets", name))
		effect_remote(j, "publishing or deploying by a script");
}

/* A script or target of the project by its name. */
void
as_script_name(struct judge *j, const struct arg *a, struct str param)
{
	struct str name = a->text;

	(void)param;
	if (j->operand_at > 0 && str_eq(param, STR("first")))
		return;
	if (!a->known)
		effect_unknown(j, "which script %.*s runs is not known before",
		    STR_ARG(j->program));
	name_acts_outward(j, name);
	if (list_matches(j, "installing_targets", name) && !stays_inside(j))
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_WRITE,
			.path_class = PATH_OUTSIDE,
			.target = "the installation prefix",
			.why = judge_say(j, "%.*s %.*s writes outside",
			    STR_ARG(j->program), STR_ARG(name)) });
	if (list_matches(j, "database_targets", name))
		effect_remote(j, "database loss");
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_WORKSPACE,
		.target = arena_strndup(j->arena, name.s, name.len),
		.why = judge_say(j, "%.*s runs a script of the project",
		    STR_ARG(j->program)) });
}

/* A Go package: "./cmd/x" of here, "example.com/x@v1" from elsewhere. */
void
as_go_package(struct judge *j, const struct arg *a, struct str param)
{
	const struct str t = a->text;
	const struct str first = str_head(t, str_find(t, '/'));

	if (str_eq(param, STR("local")) && t.len > 0 && t.s[0] != '.' &&
	    t.s[0] != '/' && t.s[0] != '~')
		return;
	if (str_find(t, '@') < t.len ||
	    (t.len > 0 && t.s[0] != '.' && t.s[0] != '/' &&
		str_find(first, '.') < first.len && !str_ends(t, STR(".go")))) {
		as_package(j, a, STR("proxy.golang.org"));
		return;
	}
	effect_run(j, a);
}

/* A class or a source file for java. */
void
as_java_class(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_ends(a->text, STR(".java")) || str_ends(a->text, STR(".jar")))
		effect_run(j, a);
}

/* A goal of maven after the first. */
void
as_mvn_goal(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_eq(a->text, STR("deploy")) ||
	    str_starts(a->text, STR("release:")) ||
	    str_search(a->text, STR("deploy:")) < a->text.len)
		effect_remote(j, "publishing");
}

/* An operand of make: NAME=VALUE, or a target. */
void
as_make_word(struct judge *j, const struct arg *a, struct str param)
{
	const size_t eq = str_find(a->text, '=');

	if (eq < a->text.len)
		role_find(STR("env"))->apply(j, a, param);
	else
		as_script_name(j, a, param);
}

/* python -m MODULE ...: the entry "python:MODULE", else the program. */
void
as_module(struct judge *j, const struct arg *a, struct str param)
{
	char text[KEY_MAX];
	const struct entry *en;
	size_t at;

	(void)snprintf(
	    text, sizeof(text), "%.*s:%.*s", STR_ARG(param), STR_ARG(a->text));
	at = (size_t)(a->word - j->shell->argv) + 1;
	if (!a->known || a->word < j->shell->argv || at > j->shell->argc) {
		effect_unknown(j, "the module is not known before");
		return;
	}
	j->has_child = true;
	j->stop = true;
	if (j->wrapper)
		return;
	en = programs_find(j->programs, str_of(text));
	if (en == NULL)
		en = programs_find(j->programs, a->text);
	if (en == NULL) {
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_WORKSPACE,
			.target =
			    arena_strndup(j->arena, a->text.s, a->text.len),
			.why = "a module of the project or its environment" });
		return;
	}
	j->stop = false;
	j->operand_count = 0;
	j->program = j->command->program = a->text;
	judge_words(j, en, at);
	j->stop = true;
}
