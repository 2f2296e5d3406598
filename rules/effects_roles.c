/*
 * What is done with a word: the roles that program entries speak of.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"
#include "effects_script.h"

void
effect_remote(struct judge *j, const char *target)
{
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_REMOTE_STATE,
		.target = target,
		.why = judge_say(j, "%.*s: %s", STR_ARG(j->program), target) });
}

void
effect_privilege(struct judge *j, const char *target)
{
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_PRIVILEGE,
		.target = target,
		.why = judge_say(j, "%.*s: %s", STR_ARG(j->program), target) });
}

static void
as_text(struct judge *j, const struct arg *a, struct str param)
{
	(void)j;
	(void)a;
	(void)param;
}

/* A text to search for: of somebody else's secrets, when it is aimed so. */
static void
as_pattern(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if ((j->flow_in & FLOW_ENVIRONMENT) != 0 &&
	    (secret_name(a->text) || str_eq(a->text, STR("key")) ||
		str_eq(a->text, STR("pass")) || str_eq(a->text, STR("KEY"))))
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = PATH_SECRET,
			.target = "environment",
			.why = "it looks for secrets in the environment" });
}

/* A word that by itself means more rights: "disks-and-file-systems". */
static void
as_privileged(struct judge *j, const struct arg *a, struct str param)
{
	char *text = arena_strndup(j->arena, param.s, param.len);

	(void)a;
	for (size_t i = 0; text != NULL && i < param.len; i++) {
		if (text[i] == '-')
			text[i] = ' ';
	}
	if (text != NULL)
		effect_privilege(j, text);
}

/* A file for a pager: with its commands from somewhere it may run more. */
static void
as_pager_file(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_read(j, a, false);
	if (j->shell->stdin_kind != STDIN_INHERIT)
		effect_unknown(j, "%.*s may take commands from its input",
		    STR_ARG(j->program));
}

/* The name of a variable whose value is shown. */
static void
as_variable(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (!a->known || !secret_name(a->text))
		return;
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_READ,
		.path_class = PATH_SECRET,
		.target = judge_say(j, "$%.*s", STR_ARG(a->text)),
		.why = "it shows a secret variable" });
}

/* assentd and its helpers, and what others call such a daemon. */
static bool
is_own_process(struct str name)
{
	return str_starts(name, STR("assent")) ||
	    str_search(name, STR("approvald")) < name.len ||
	    str_search(name, STR("approval-")) < name.len;
}

/* kill $(pgrep assentd) */
static bool
asks_for_own_process(struct judge *j, const struct arg *a)
{
	for (size_t i = 0; a->word != NULL && i < a->word->piece_count; i++) {
		const struct shell_piece *pc = &a->word->pieces[i];
		const struct shell_part *p = script_part(j, pc->part);

		for (size_t k = 1; p != NULL && k < p->argc; k++) {
			if (is_own_process(p->argv[k].text))
				return true;
		}
	}
	return false;
}

static void
as_pid(struct judge *j, const struct arg *a, struct str param)
{
	const struct shell_word *w = a->word;
	const char *target = "process";

	(void)param;
	if (a->text.len > 0 && a->text.s[0] == '%')
		target = "job";
	else if (!a->known && w != NULL && w->piece_count == 1 &&
	    w->pieces[0].origin == ORIGIN_VARIABLE &&
	    str_eq(w->pieces[0].name, STR("!")))
		target = "job";
	else if (a->known)
		target = arena_strndup(j->arena, a->text.s, a->text.len);
	if (is_own_process(a->text) || asks_for_own_process(j, a))
		effect_privilege(j, "policy tampering");
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_SIGNAL,
		.target = target,
		.why = judge_say(j, "%.*s signals %s", STR_ARG(j->program),
		    target == NULL ? "" : target) });
}

/* Options of less that neither run a command nor name a file. */
static void
as_less_options(struct judge *j, const struct arg *a, struct str param)
{
	bool plain = a->known;

	(void)param;
	for (size_t i = 0; plain && i < a->text.len; i++)
		plain = strchr("+koOtpPD#\"\\", a->text.s[i]) == NULL;
	if (!plain)
		effect_unknown(j,
		    "options that may make the pager run "
		    "commands or write a file");
}

/* The value is a secret by itself. */
static void
as_secret(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	(void)a;
	(void)j;
}

static bool
mode_is_setuid(struct str m)
{
	if (m.len >= 4 && m.s[0] >= '0' && m.s[0] <= '7') {
		const char c = m.s[m.len - 4];

		return c >= '2' && c <= '7' && c != '1';
	}
	for (size_t i = 0; i < m.len; i++) {
		if (m.s[i] == '+' || m.s[i] == '=') {
			while (i + 1 < m.len && m.s[i + 1] != ',') {
				if (m.s[++i] == 's')
					return true;
			}
		}
	}
	return false;
}

static bool
mode_takes_all(struct str m)
{
	size_t i = 0;

	while (i < m.len && m.s[i] == '0')
		i++;
	return (m.len > 0 && i == m.len) || str_eq(m, STR("a-rwx")) ||
	    str_eq(m, STR("a=")) || str_eq(m, STR("-rwx")) ||
	    str_eq(m, STR("ugo-rwx")) || str_eq(m, STR("u-rwx")) ||
	    str_eq(m, STR("a-r")) || str_eq(m, STR("u-r"));
}

static void
as_mode(struct judge *j, const struct arg *a, struct str param)
{
	const struct str m = str_eq(param, STR("attached")) &&
		a->text.len > 0 && a->text.s[0] == '='
	    ? str_from(a->text, 1)
	    : a->text;

	if (!a->known) {
		effect_unknown(j, "the mode is not known before");
		return;
	}
	if (mode_is_setuid(m))
		effect_privilege(j, "set-user-id");
	else if (mode_takes_all(m))
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_DELETE,
			.path_class = PATH_WORKSPACE,
			.why = "nobody can read it any more" });
}

/* The name of a variable behind a '$': nothing of it is expanded again. */
static size_t
plain_variable(struct str t)
{
	const bool brace = str_at(t, 0) == '{';
	const size_t from = brace ? 1 : 0;
	size_t i = from;

	while (i < t.len &&
	    (t.s[i] == '_' || (t.s[i] >= '0' && t.s[i] <= '9') ||
		((t.s[i] | 0x20) >= 'a' && (t.s[i] | 0x20) <= 'z')))
		i++;
	if (i == from || (brace && str_at(t, i) != '}'))
		return 0;
	return brace ? i + 1 : i;
}

/* A prompt, which the shell expands: its escapes first, then as a string. */
static void
as_prompt(struct judge *j, const struct arg *a, struct str param)
{
	bool plain = a->known;

	(void)param;
	for (size_t i = 0; plain && i < a->text.len; i++) {
		const char c = a->text.s[i];
		size_t len;

		if (c == '`' || c == '\\')
			plain = false;
		if (c != '$')
			continue;
		len = plain_variable(str_from(a->text, i + 1));
		plain = len > 0;
		i += len;
	}
	if (plain)
		return;
	effect_unknown(j, "a shell expands and runs its prompt");
	if (a->known)
		judge_shell_text(j, a, "a prompt");
}

/* NAME=VALUE for another program: as if the shell had set it. */
static void
as_env(struct judge *j, const struct arg *a, struct str param)
{
	const size_t eq = str_find(a->text, '=');
	const struct acts *acts;
	struct arg value;

	(void)param;
	if (eq == a->text.len)
		return;
	acts = programs_env(j->programs, str_head(a->text, eq));
	value = *a;
	value.skip += eq + 1;
	value.text = str_from(a->text, eq + 1);
	if (acts != NULL)
		acts_apply(j, acts, &value);
	else if (shell_env_effect(str_head(a->text, eq)) != ENV_PLAIN)
		effect_unknown(j, "%.*s changes what programs do",
		    STR_ARG(str_head(a->text, eq)));
}

/* Such a program may write to any place that it is given. */
static bool
always_writes(const struct judge *j)
{
	const struct acts *const does =
	    j->entry == NULL ? NULL : &j->entry->does;

	for (size_t i = 0; i < j->effect_count; i++) {
		if (j->effects[i].kind == EFFECT_WRITE)
			return true;
	}
	for (size_t i = 0; does != NULL && i < does->count; i++) {
		if (does->items[i].role == NULL &&
		    does->items[i].fixed.kind == EFFECT_WRITE)
			return true;
	}
	return false;
}

static bool
is_elsewhere(const struct path_facts *f)
{
	return f->base == PATH_HOME || f->base == PATH_SYSTEM ||
	    f->base == PATH_OUTSIDE;
}

/* May the argument be a place at all? */
static bool
any_place(struct judge *j, const struct arg *a, struct path_facts *ret)
{
	if (a->text.len == 0 || a->text.len > 1024 ||
	    str_search(a->text, STR("://")) < a->text.len)
		return false;
	if (a->known && str_find(a->text, '/') == a->text.len &&
	    str_at(a->text, 0) != '.' && str_at(a->text, 0) != '~' &&
	    str_find(a->text, '.') == a->text.len &&
	    str_find(a->text, '_') == a->text.len)
		return false;
	arg_place(j, a, ret);
	return true;
}

/* What any word may be. True: a place of which nothing else is said. */
static bool
plain_place(struct judge *j, const struct arg *a, struct path_facts *ret)
{
	if (!any_place(j, a, ret))
		return false;
	if (ret->own || ret->device)
		effect_write(j, a, "is given");
	else if (ret->secret)
		effect_read(j, a, false);
	else if (ret->startup)
		effect_unknown(j, "%.*s may write '%.*s', which others obey",
		    STR_ARG(j->program), STR_ARG(a->text));
	else
		return true;
	return false;
}

void
arg_given(struct judge *j, const struct arg *a)
{
	struct path_facts f;

	(void)plain_place(j, a, &f);
}

/* An argument of a program whose options are not known one by one. */
static void
as_any(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;

	(void)param;
	if (plain_place(j, a, &f) && is_elsewhere(&f) && always_writes(j))
		effect_write(j, a, "may write");
}

/* A word that must be one of the program's own; others are not understood. */
static void
as_keyword(struct judge *j, const struct arg *a, struct str param)
{
	struct str rest = param;

	while (rest.len > 0) {
		if (str_eq(str_cut(&rest, '|'), a->text) && a->known)
			return;
	}
	effect_unknown(j, "'%.*s' is not described for %.*s", STR_ARG(a->text),
	    STR_ARG(j->program));
}

/* key=value of dd: the roles are the entry's options "if=", "of=". */
static void
as_keyvalue(struct judge *j, const struct arg *a, struct str param)
{
	const size_t eq = str_find(a->text, '=');
	bool ambiguous = false;
	const struct option *o;
	struct arg value = *a;

	(void)param;
	o = eq < a->text.len
	    ? entry_option(j->entry, str_head(a->text, eq), &ambiguous)
	    : NULL;
	value.skip += eq + 1;
	value.text = str_from(a->text, eq + 1);
	if (o == NULL) {
		effect_unknown(j, "'%.*s' is not described for %.*s",
		    STR_ARG(a->text), STR_ARG(j->program));
		return;
	}
	acts_apply(j, &o->acts, &value);
}

static const struct role roles[] = {
	{ "alias", as_alias, true },
	{ "any", as_any, false },
	{ "append", as_write, true },
	{ "archive", as_archive, true },
	{ "awk", as_awk, true },
	{ "awkfile", as_awkfile, false },
	{ "bundle-config", as_bundle_config, true },
	{ "checkout", as_checkout, true },
	{ "checkpoint", as_checkpoint, true },
	{ "child", as_child, true },
	{ "clone-dir", as_clone_dir, true },
	{ "clone-from", as_clone_from, true },
	{ "cloud-verb", as_cloud_verb, true },
	{ "cmake-command", as_cmake_command, true },
	{ "code", as_code, true },
	{ "compress", as_compress, true },
	{ "config", as_config, true },
	{ "copy-from", as_copy_from, true },
	{ "copy-to", as_copy_to, true },
	{ "create", as_create, true },
	{ "data", as_data, true },
	{ "delete", as_delete, true },
	{ "deltree", as_deltree, true },
	{ "dest", as_dest, true },
	{ "dir", as_dir, false },
	{ "dns", as_dns, true },
	{ "doc-input", as_doc_input, true },
	{ "edit", as_edit, true },
	{ "editor", as_editor, true },
	{ "env", as_env, true },
	{ "form", as_form, true },
	{ "gdb", as_gdb, true },
	{ "git-dir", as_git_dir, true },
	{ "git-key", as_git_key, true },
	{ "git-object", as_git_object, false },
	{ "git-setting", as_git_setting, true },
	{ "git-url", as_git_url, true },
	{ "global", as_global, true },
	{ "go-package", as_go_package, true },
	{ "guard", as_guard, true },
	{ "helper", as_helper, true },
	{ "host", as_host, true },
	{ "host-namespace", as_host_namespace, true },
	{ "http-word", as_http_word, true },
	{ "install-dir", as_install_dir, true },
	{ "ip-word", as_ip_word, true },
	{ "java-class", as_java_class, true },
	{ "jq", as_jq, false },
	{ "keyfile", as_keyfile, true },
	{ "keyvalue", as_keyvalue, true },
	{ "keyword", as_keyword, false },
	{ "kube-kind", as_kube_kind, true },
	{ "less-options", as_less_options, true },
	{ "link", as_link, true },
	{ "list", as_stat, false },
	{ "make-dry", as_make_dry, true },
	{ "make-word", as_make_word, true },
	{ "media", as_media, true },
	{ "media-in", as_media_in, true },
	{ "media-out", as_media_out, true },
	{ "meta", as_meta, true },
	{ "method", as_method, true },
	{ "mirror-to", as_mirror_to, true },
	{ "mode", as_mode, true },
	{ "module", as_module, true },
	{ "module-file", as_module_file, true },
	{ "mongo", as_mongo, true },
	{ "mount", as_mount, true },
	{ "move", as_move, true },
	{ "mvn-goal", as_mvn_goal, true },
	{ "name-glob", as_name_glob, false },
	{ "next-read", as_next_read, false },
	{ "next-text", as_next_text, false },
	{ "npm-setting", as_npm_setting, true },
	{ "npx-local", as_npx_local, true },
	{ "npx-package", as_npx_package, true },
	{ "openssl-read", as_openssl_read, true },
	{ "option-text", as_option_text, true },
	{ "overwrite", as_overwrite, true },
	{ "package", as_package, true },
	{ "pager-file", as_pager_file, true },
	{ "pattern", as_pattern, false },
	{ "perl-edit", as_perl_edit, true },
	{ "perl-module", as_perl_module, true },
	{ "pid", as_pid, true },
	{ "pipe-or-file", as_pipe_or_file, true },
	{ "privileged", as_privileged, true },
	{ "program", as_program, true },
	{ "project", as_project, true },
	{ "prompt", as_prompt, true },
	{ "read", as_read, false },
	{ "redis", as_redis, true },
	{ "refspec", as_refspec, true },
	{ "remote", as_remote, true },
	{ "report", as_report, true },
	{ "requirement", as_requirement, true },
	{ "rsync-delete", as_text, true },
	{ "run", as_run, true },
	{ "run-path", as_run_path, true },
	{ "s3-word", role_s3_word, true },
	{ "script", as_script, true },
	{ "script-name", as_script_name, true },
	{ "script-or-url", as_script_or_url, true },
	{ "search-path", as_search_path, true },
	{ "secret", as_secret, false },
	{ "secret-file", as_secret_file, true },
	{ "sed", as_sed, true },
	{ "sed-i", as_sed, true },
	{ "send-url", as_send_url, true },
	{ "setdate", as_setdate, true },
	{ "setting", as_setting, true },
	{ "setting-name", as_setting_name, true },
	{ "shell", as_shell, true },
	{ "shell-file", as_shell_file, true },
	{ "socat", as_socat, true },
	{ "socket", as_socket, true },
	{ "sql", as_sql, true },
	{ "sqlite", as_sqlite, true },
	{ "sqlite-sql", as_sqlite_sql, true },
	{ "ssh-option", as_ssh_option, true },
	{ "stat", as_stat, false },
	{ "sysctl", as_sysctl, true },
	{ "tee", as_tee, true },
	{ "text", as_text, false },
	{ "tree", as_tree, false },
	{ "truncate", as_truncate, true },
	{ "unpack", as_unpack, true },
	{ "url", as_url, true },
	{ "variable", as_variable, false },
	{ "write", as_write, true },
	{ "yarn-config", as_yarn_config, true },
};

const struct role *
role_find(struct str name)
{
	size_t lo = 0, hi = ARRAY_LEN(roles);

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int order = str_cmp(str_of(roles[mid].name), name);

		if (order == 0)
			return &roles[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static const struct {
	const char *name;
	handler_fn *fn;
} handlers[] = {
	{ "find", handle_find },
	{ "git-config", handle_git_config },
};

handler_fn *
handler_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		if (str_eqz(name, handlers[i].name))
			return handlers[i].fn;
	}
	return NULL;
}

/* ---- texts and commands inside ----------------------------------------- */

static struct script_options
inside(struct judge *j, const char *via)
{
	const struct shell_part *p = j->shell;
	struct script_options o = { .via = via, .flow_in = j->flow_in };

	if (j->dir != NULL && !j->dir_unknown)
		o.shell.cwd = str_of(j->dir);
	else if (p->cwd_count > 0 && !p->cwd_unknown)
		o.shell.cwd = p->cwds[0];
	o.shell.home = str_of(j->run->action->proposer.home);
	return o;
}

void
judge_shell_text(struct judge *j, const struct arg *a, const char *via)
{
	const struct script_options o =
	    inside(j, judge_say(j, "%.*s: %s", STR_ARG(j->program), via));

	if (!a->known) {
		effect_unknown(j, "%.*s runs a text that is not known before",
		    STR_ARG(j->program));
		return;
	}
	(void)script_judge(j->run, a->text, &o);
}

void
judge_child(struct judge *j, size_t from, const char *via)
{
	AUTO_BUF struct buf b = BUF_INIT(SCRIPT_BYTES_MAX);
	const struct script_options o = inside(j, via);
	char *text;

	if (from >= j->shell->argc)
		return;
	for (size_t i = from; i < j->shell->argc; i++) {
		if (i > from)
			buf_putc(&b, ' ');
		shell_word_print(&b, &j->shell->argv[i]);
	}
	text = buf_done(&b, NULL) == 0 ? arena_strndup(j->arena, b.s, b.len)
				       : NULL;
	if (text == NULL) {
		effect_unknown(j, "the command inside is too long");
		return;
	}
	(void)script_judge(j->run, str_n(text, b.len), &o);
}
