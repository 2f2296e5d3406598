/*
 * Programs that hand their words, or an option's value, to a shell: ssh, watch,
 * script, flock -c.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

#include <string.h>
#include <strings.h>

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
	struct opts o = opts_from(w, &p, from);
	struct inner in = inner_of(w);
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
		o.at = past_dashes(&p, o.at);
	}
	if (o.at >= p.argc) {
		if (host)
			part_at(n, part)->code_from_stdin = true;
		return;
	}
	inner_text(n, part, &in, p.argv + o.at, p.argc - o.at);
}

/* Every operand is a command line. */
void
wrap_texts(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
	const struct inner in = inner_of(w);
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

/* flock FILE -c TEXT, or flock FILE COMMAND... */
void
wrap_flock(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
	const struct inner in = inner_of(w);
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
	inner_run(n, part, &in, p.argv + o.at, p.argc - o.at);
}

/* script -c TEXT FILE; without -c a shell that reads standard input. */
void
wrap_script(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
	const struct inner in = inner_of(w);
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
	runs_stdin(n, part);
}

/* sg GROUP [-c] TEXT */
void
wrap_sg(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = inner_of(w);
	size_t at = from;

	at += at < p.argc && shell_word_is(&p.argv[at], "-") ? 1U : 0U;
	at++;
	at += at < p.argc && shell_word_is(&p.argv[at], "-c") ? 1U : 0U;
	if (at < p.argc)
		nested_text(n, part, &p.argv[at], SHELL_BASH, &in);
}

/* watch gives its words to a shell, with -x to the system. */
void
wrap_watch(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
	const struct inner in = inner_of(w);
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
	if (direct)
		inner_run(n, part, &in, p.argv + o.at, p.argc - o.at);
	else
		inner_text(n, part, &in, p.argv + o.at, p.argc - o.at);
}
