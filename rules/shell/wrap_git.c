/*
 * git: settings and options whose value is a command line, and the
 * subcommands that start programs.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

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
		inner_run(n, part, &in, p.argv + at + 1, p.argc - at - 1);
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
	in.moved = true;
	in.dirs = dirs_unknown(n, n->dirs);
	/* One word is text for a shell, several are a command. */
	if (p.argc - at == 1)
		inner_text(n, part, &in, p.argv + at, 1);
	else
		inner_run(n, part, &in, p.argv + at, p.argc - at);
}

void
wrap_git(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
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
