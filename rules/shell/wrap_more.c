/*
 * Wrappers with rules of their own: git, make, ssh, sudo, kubectl, exec.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

#include <string.h>
#include <strings.h>

/* ---- git --------------------------------------------------------------- */

/* Settings whose value git gives to a shell. */
static bool
git_runs(struct str key)
{
	static const char *const exact =
	    "core.pager core.editor core.sshcommand core.fsmonitor "
	    "core.askpass core.gitproxy diff.external sequence.editor "
	    "gpg.program credential.helper uploadpack.packobjectshook "
	    "interactive.difffilter init.templatedir core.alternaterefscommand "
	    "gpg.ssh.program gpg.ssh.defaultkeycommand gpg.x509.program "
	    "web.browser";
	char lower[128];

	if (key.len >= sizeof(lower))
		return true;
	for (size_t i = 0; i < key.len; i++) {
		const char c = key.s[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	const struct str k = str_n(lower, key.len);

	return opts_in(exact, k) || str_starts(k, STR("pager.")) ||
	    (str_starts(k, STR("credential.")) &&
		str_ends(k, STR(".helper"))) ||
	    str_ends(k, STR(".textconv")) || str_ends(k, STR(".command")) ||
	    str_ends(k, STR(".cmd")) || str_ends(k, STR(".clean")) ||
	    str_ends(k, STR(".smudge")) || str_ends(k, STR(".process")) ||
	    str_ends(k, STR(".driver")) || str_ends(k, STR(".path")) ||
	    str_ends(k, STR(".uploadpack")) || str_ends(k, STR(".receivepack"));
}

/* The value of -c NAME=VALUE. */
static void
git_setting(struct norm *n, uint32_t part, const struct shell_word *w)
{
	const struct inner in = { .via = "git -c", .external = true };
	struct str name;
	bool append;
	struct shell_word value;

	if (!assign_split(w, &name, &append, &value, n)) {
		if (!shell_word_known(w))
			part_refuse(n, part, "a setting that is not known");
		return;
	}
	if (str_starts(name, STR("alias."))) {
		if (!shell_word_known(&value)) {
			part_refuse(n, part, "an alias that is not known");
		} else if (value.text.len > 0 && value.text.s[0] == '!') {
			value = word_text(n, str_from(value.text, 1));
			nested_text(n, part, &value, SHELL_BASH, &in);
		} else {
			part_refuse(n, part, "an alias of git");
		}
	} else if (git_runs(name)) {
		if (value.text.len > 0 && value.text.s[0] == '!')
			value = word_tail(n, &value, 1);
		/* Yes, no and empty switch things on and off. */
		if (value.text.len > 0 &&
		    !opts_in("true false cat less", value.text))
			nested_text(n, part, &value, SHELL_BASH, &in);
	}
}

/* Options of subcommands whose value is a command line. */
static const struct {
	const char *subcommand, *options;
} git_texts[] = {
	{ "rebase", "-x --exec" },
	{ "difftool", "-x --extcmd" },
	{ "filter-branch",
	    "--setup --env-filter --tree-filter --index-filter "
	    "--parent-filter --msg-filter --commit-filter "
	    "--tag-name-filter" },
	{ "clone", "-u --upload-pack" },
	{ "fetch", "--upload-pack" },
	{ "pull", "--upload-pack" },
	{ "ls-remote", "--upload-pack --exec" },
	{ "push", "--receive-pack --exec" },
	{ "archive", "--exec" },
	{ "grep", "-O --open-files-in-pager" },
	{ "send-email", "--sendmail-cmd --to-cmd --cc-cmd" },
};

static void
git_options(struct norm *n, uint32_t part, size_t sub)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = { .via = "git", .external = true };
	const char *options = NULL;

	for (size_t i = 0; i < ARRAY_LEN(git_texts); i++) {
		if (shell_word_is(&p.argv[sub], git_texts[i].subcommand))
			options = git_texts[i].options;
	}
	if (options == NULL)
		return;
	for (size_t i = sub + 1; i < p.argc; i++) {
		const struct str t = shell_word_prefix(&p.argv[i]);
		const size_t eq = str_find(t, '=');

		if (str_eqz(t, "--"))
			break;
		if (t.len > 2 && str_starts(t, STR("--")) && eq < t.len &&
		    opts_in(options, str_head(t, eq))) {
			const struct shell_word v =
			    word_tail(n, &p.argv[i], eq + 1);

			nested_text(n, part, &v, SHELL_BASH, &in);
		} else if (t.len > 2 && t.s[1] != '-' &&
		    opts_in(options, str_head(t, 2))) {
			const struct shell_word v = word_tail(n, &p.argv[i], 2);

			nested_text(n, part, &v, SHELL_BASH, &in);
		} else if (shell_word_known(&p.argv[i]) &&
		    opts_in(options, t) && i + 1 < p.argc &&
		    !str_eqz(t, "-O")) {
			nested_text(n, part, &p.argv[++i], SHELL_BASH, &in);
		}
	}
}

static void
git_subcommand(struct norm *n, uint32_t part, size_t sub)
{
	const struct shell_part p = *part_at(n, part);
	struct inner in = { .via = "git bisect run", .external = true };
	size_t at = sub + 1;

	if (shell_word_is(&p.argv[sub], "bisect") && at + 1 < p.argc &&
	    shell_word_is(&p.argv[at], "run")) {
		in.argv = p.argv + at + 1;
		in.argc = p.argc - at - 1;
		(void)inner_command(n, part, &in);
		return;
	}
	if (!shell_word_is(&p.argv[sub], "submodule")) {
		git_options(n, part, sub);
		return;
	}
	while (at < p.argc && shell_word_known(&p.argv[at]) &&
	    p.argv[at].text.len > 0 && p.argv[at].text.s[0] == '-')
		at++;
	if (at >= p.argc || !shell_word_is(&p.argv[at], "foreach"))
		return;
	at++;
	while (at < p.argc &&
	    (shell_word_is(&p.argv[at], "--recursive") ||
		shell_word_is(&p.argv[at], "-q") ||
		shell_word_is(&p.argv[at], "--quiet") ||
		shell_word_is(&p.argv[at], "--")))
		at++;
	in.via = "git submodule foreach";
	in.argv = p.argv + at;
	in.argc = p.argc - at;
	in.moved = true;
	in.dirs = dirs_unknown(n, n->dirs);
	/* One word is text for a shell, several are a command. */
	if (in.argc == 1)
		inner_text(n, part, &in, SHELL_BASH);
	else
		(void)inner_command(n, part, &in);
}

void
wrap_git(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	int r;

	while ((r = opts_next(n, &o)) > 0) {
		if (str_eqz(o.name, "c"))
			git_setting(n, part, &o.value);
		else if (str_eqz(o.name, "config-env"))
			part_refuse(n, part, "a setting from a variable");
	}
	if (r < 0)
		part_refuse(n, part, o.bad);
	else if (o.at < p.argc)
		git_subcommand(n, part, o.at);
}

/* ---- make -------------------------------------------------------------- */

void
wrap_make(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct inner in = { .via = w->name, .external = true };

	for (size_t i = from; i < p.argc; i++) {
		struct str name;
		bool append;
		struct words ws = { .count = 0 };
		struct shell_word value;

		if (str_starts(p.argv[i].text, STR("--eval")))
			part_refuse(n, part, "rules for make that are inline");
		if (!assign_split(&p.argv[i], &name, &append, &value, n))
			continue;
		if (name.len > 0 && name.s[name.len - 1] == ':')
			name.len--;
		if (str_eqz(name, ".SHELLFLAGS"))
			part_refuse(n, part, "how make calls its shell");
		if (!str_eqz(name, "SHELL"))
			continue;
		words_add(n, &ws, &value);
		in.argv = ws.w;
		in.argc = ws.count;
		(void)inner_command(n, part, &in);
	}
}

/* ---- ssh --------------------------------------------------------------- */

/* -o Name=command: what the local side runs. */
static void
ssh_setting(struct norm *n, uint32_t part, const struct shell_word *w)
{
	static const char *const names[] = {
		"proxycommand",
		"localcommand",
		"knownhostscommand",
	};
	const struct inner in = { .via = "ssh -o", .external = true };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct str t = shell_word_prefix(w);
		const size_t len = strlen(names[i]);

		if (t.len <= len || strncasecmp(t.s, names[i], len) != 0 ||
		    strchr("= \t", t.s[len]) == NULL)
			continue;
		const struct shell_word v = word_tail(n, w, len + 1);

		nested_text(n, part, &v, SHELL_BASH, &in);
	}
	if (shell_word_prefix(w).len == 0)
		part_refuse(n, part, "a setting that is not known");
}

void
wrap_ssh(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	struct inner in = {
		.context = w->context,
		.via = w->name,
		.external = true,
	};
	bool host = false;
	int r;

	/* Options may also follow the host. */
	while (
	    (r = opts_next(n, &o)) > 0 || (r == 0 && !host && o.at < p.argc)) {
		if (r == 0) {
			host = true;
			o.at++;
		} else if (str_eqz(o.name, "o")) {
			ssh_setting(n, part, &o.value);
		}
	}
	if (r < 0) {
		part_refuse(n, part, o.bad);
		in.context |= CONTEXT_GUESS;
		while (o.at < p.argc && p.argv[o.at].text.len > 0 &&
		    p.argv[o.at].text.s[0] == '-')
			o.at++;
	}
	if (o.at >= p.argc) {
		if (host)
			part_at(n, part)->code_from_stdin = true;
		return;
	}
	in.argv = p.argv + o.at;
	in.argc = p.argc - o.at;
	inner_text(n, part, &in, SHELL_BASH);
}

/* ---- the rest ---------------------------------------------------------- */

/* Every operand is a command line. */
void
wrap_texts(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	const struct inner in = {
		.context = w->context,
		.via = w->name,
		.external = true,
	};
	int r = 0;

	while (o.at < p.argc && (r = opts_next(n, &o)) >= 0) {
		if (r > 0 && o.has_value && opts_in(w->text_options, o.name))
			nested_text(n, part, &o.value, SHELL_BASH, &in);
		if (r > 0)
			continue;
		if (o.at < p.argc)
			nested_text(n, part, &p.argv[o.at++], SHELL_BASH, &in);
	}
	if (r < 0)
		part_refuse(n, part, o.bad);
}

/* Everything behind "--" runs in the pod. */
void
wrap_kubectl(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct inner in = {
		.context = w->context,
		.via = w->name,
		.external = true,
	};
	size_t at = from;

	while (at < p.argc && !shell_word_is(&p.argv[at], "--"))
		at++;
	if (at + 1 < p.argc) {
		in.argv = p.argv + at + 1;
		in.argc = p.argc - at - 1;
		(void)inner_command(n, part, &in);
	} else {
		part_refuse(n, part, "where its command begins is not known");
	}
}

void
wrap_exec(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct wrapper plain = *w;

	plain.fn = NULL;
	for (size_t i = 0; i < p.redir_count; i++) {
		if (p.redirs[i].fd == 0)
			n->stdin_changed = true;
	}
	if (p.argc > 1) {
		wrap_general(n, part, &plain, from);
		return;
	}
	part_at(n, part)->kind = PART_REDIR;
}

/* sudo -s and -i start a shell; with a command they run that. */
void
wrap_sudo(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct wrapper plain = *w;
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	bool shell = false, other = false;
	int r;

	while ((r = opts_next(n, &o)) > 0) {
		shell = shell || opts_in("s i shell login", o.name);
		other = other ||
		    opts_in("l v K e V list validate edit remove-timestamp",
			o.name);
	}
	if (r == 0 && other)
		return;
	plain.fn = NULL;
	wrap_general(n, part, &plain, from);
	if (r == 0 && shell && o.at >= p.argc) {
		part_at(n, part)->code_from_stdin = true;
		part_refuse(
		    n, part, "it runs what it reads from standard input");
	}
}

/* command -v only tells where a program is. */
void
wrap_command(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct wrapper plain = *w;
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};

	while (opts_next(n, &o) > 0) {
		if (!opts_in("v V", o.name))
			continue;
		part_at(n, part)->kind = PART_COMMAND;
		return;
	}
	plain.fn = NULL;
	wrap_general(n, part, &plain, from);
}

/* flock FILE -c TEXT, or flock FILE COMMAND... */
void
wrap_flock(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	struct inner in = { .via = w->name, .external = true };
	int r;

	while ((r = opts_next(n, &o)) > 0)
		continue;
	if (r < 0) {
		part_refuse(n, part, o.bad);
		return;
	}
	o.at++;
	if (o.at + 1 < p.argc &&
	    (shell_word_is(&p.argv[o.at], "-c") ||
		shell_word_is(&p.argv[o.at], "--command"))) {
		nested_text(n, part, &p.argv[o.at + 1], SHELL_BASH, &in);
		return;
	}
	if (o.at >= p.argc)
		return;
	in.argv = p.argv + o.at;
	in.argc = p.argc - o.at;
	(void)inner_command(n, part, &in);
}

static void
add_code(struct norm *n, uint32_t part, const char *language,
    const struct shell_word *text)
{
	struct shell_part code = {
		.kind = PART_CODE,
		.language = language,
		.code = *text,
	};
	const struct frame saved = frame_push(n, 0, language);

	n->frame.parent = part;
	(void)part_add(n, &code);
	frame_pop(n, &saved);
}

void
wrap_gdb(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	struct inner in = { .via = w->name, .external = true };
	bool args = false;
	int r;

	while ((r = opts_next(n, &o)) > 0) {
		args = args || str_eqz(o.name, "args");
		if (opts_in("ex eval-command iex", o.name))
			add_code(n, part, "gdb", &o.value);
	}
	if (r < 0)
		part_refuse(n, part, o.bad);
	if (r < 0 || !args || o.at >= p.argc)
		return;
	in.argv = p.argv + o.at;
	in.argc = p.argc - o.at;
	(void)inner_command(n, part, &in);
}

/* nix develop|shell ... -c COMMAND... */
void
wrap_nix(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct inner in = { .via = w->name, .external = true };

	for (size_t i = from; i + 1 < p.argc; i++) {
		if (!shell_word_is(&p.argv[i], "-c") &&
		    !shell_word_is(&p.argv[i], "--command"))
			continue;
		in.argv = p.argv + i + 1;
		in.argc = p.argc - i - 1;
		(void)inner_command(n, part, &in);
		return;
	}
}

/* script -c TEXT FILE; without -c a shell that reads standard input. */
void
wrap_script(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	const struct inner in = { .via = w->name, .external = true };
	bool text = false, help = false;
	int r = 0;

	while (o.at < p.argc && (r = opts_next(n, &o)) >= 0) {
		if (r == 0)
			o.at++;
		else if (opts_in("c command", o.name))
			text = true;
		help = help || (r > 0 && opts_in("help version h V", o.name));
		if (r > 0 && opts_in("c command", o.name))
			nested_text(n, part, &o.value, SHELL_BASH, &in);
	}
	if (r < 0)
		part_refuse(n, part, o.bad);
	if (text || help)
		return;
	part_at(n, part)->code_from_stdin = true;
	part_refuse(n, part, "it runs what it reads from standard input");
}

/* sg GROUP [-c] TEXT */
void
wrap_sg(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = {
		.context = w->context,
		.via = w->name,
		.external = true,
	};
	size_t at = from;

	at += at < p.argc && shell_word_is(&p.argv[at], "-") ? 1U : 0U;
	at++;
	at += at < p.argc && shell_word_is(&p.argv[at], "-c") ? 1U : 0U;
	if (at < p.argc)
		nested_text(n, part, &p.argv[at], SHELL_BASH, &in);
}

void
wrap_refuse(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	(void)w;
	(void)from;
	part_refuse(n, part, "what this program starts is not followed");
}

/* Every option of valgrind is one word. */
void
wrap_valgrind(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct inner in = { .via = w->name, .external = true };
	size_t at = from;

	while (at < p.argc && shell_word_prefix(&p.argv[at]).len > 0 &&
	    shell_word_prefix(&p.argv[at]).s[0] == '-')
		at++;
	if (at >= p.argc)
		return;
	in.argv = p.argv + at;
	in.argc = p.argc - at;
	(void)inner_command(n, part, &in);
}

/* watch gives its words to a shell, with -x to the system. */
void
wrap_watch(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	struct inner in = {
		.context = w->context,
		.via = w->name,
		.external = true,
	};
	bool direct = false;
	int r;

	while ((r = opts_next(n, &o)) > 0)
		direct = direct ||
		    opts_in(str_eqz(str_of(w->name), "watch") ? "x exec"
							      : "n no-shell",
			o.name);
	if (r < 0)
		part_refuse(n, part, o.bad);
	if (r < 0 || o.at >= p.argc)
		return;
	in.argv = p.argv + o.at;
	in.argc = p.argc - o.at;
	if (direct)
		(void)inner_command(n, part, &in);
	else
		inner_text(n, part, &in, SHELL_BASH);
}
