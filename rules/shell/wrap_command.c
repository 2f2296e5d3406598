/*
 * Programs whose command begins at a place of their own: behind "--", behind an
 * option, or at the end.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

void
wrap_exec(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);

	for (size_t i = 0; i < p.redir_count; i++) {
		if (p.redirs[i].fd == 0)
			n->stdin_changed = true;
	}
	if (p.argc > 1) {
		wrap_general(n, part, w, from);
		return;
	}
	part_at(n, part)->kind = PART_REDIR;
}

/* command -v only tells where a program is. */
void
wrap_command(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);

	while (opts_next(n, &o) > 0) {
		if (!opts_in("v V", o.name))
			continue;
		part_at(n, part)->kind = PART_COMMAND;
		return;
	}
	wrap_general(n, part, w, from);
}

/* sudo -s and -i start a shell; with a command they run that. */
void
wrap_sudo(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
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
	wrap_general(n, part, w, from);
	if (r == 0 && shell && o.at >= p.argc)
		runs_stdin(n, part);
}

/* Everything behind "--" runs in the pod. */
void
wrap_kubectl(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = inner_of(w);
	size_t at = from;

	while (at < p.argc && !shell_word_is(&p.argv[at], "--"))
		at++;
	if (at + 1 < p.argc)
		inner_run(n, part, &in, p.argv + at + 1, p.argc - at - 1);
	else
		part_refuse(n, part, "where its command begins is not known");
}

/* nix develop|shell ... -c COMMAND... */
void
wrap_nix(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = inner_of(w);

	for (size_t i = from; i + 1 < p.argc; i++) {
		if (!shell_word_is(&p.argv[i], "-c") &&
		    !shell_word_is(&p.argv[i], "--command"))
			continue;
		inner_run(n, part, &in, p.argv + i + 1, p.argc - i - 1);
		return;
	}
}

void
wrap_gdb(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
	const struct inner in = inner_of(w);
	bool args = false;
	int r;

	while ((r = opts_next(n, &o)) > 0) {
		args = args || str_eqz(o.name, "args");
		if (opts_in("ex eval-command iex", o.name))
			inner_code(n, part, "gdb", "gdb", &o.value);
	}
	if (r < 0)
		part_refuse(n, part, o.bad);
	if (r < 0 || !args || o.at >= p.argc)
		return;
	inner_run(n, part, &in, p.argv + o.at, p.argc - o.at);
}

/* Every option of valgrind is one word. */
void
wrap_valgrind(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = inner_of(w);
	size_t at = from;

	while (at < p.argc && shell_word_prefix(&p.argv[at]).len > 0 &&
	    shell_word_prefix(&p.argv[at]).s[0] == '-')
		at++;
	if (at < p.argc)
		inner_run(n, part, &in, p.argv + at, p.argc - at);
}

void
wrap_busybox(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct inner in = inner_of(w);

	inner_assigns(&in, &p);
	if (from >= p.argc ||
	    (shell_word_known(&p.argv[from]) && p.argv[from].text.len > 0 &&
		p.argv[from].text.s[0] == '-'))
		return;
	inner_run(n, part, &in, p.argv + from, p.argc - from);
}

void
wrap_make(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = inner_of(w);

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
		inner_run(n, part, &in, ws.w, ws.count);
	}
}

void
wrap_refuse(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	(void)w;
	(void)from;
	part_refuse(n, part, "what this program starts is not followed");
}
