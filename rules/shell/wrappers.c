/*
 * Commands inside commands: finds a wrapper's row and reads its call by that.
 * What is not certain refuses the part.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

#include <string.h>

#include "shell/parser.h"

/* ---- the general case -------------------------------------------------- */

/* NAME=VALUE words before the command, into in->assigns. */
static size_t
take_assigns(struct norm *n, uint32_t part, struct inner *in, size_t at)
{
	const struct shell_part p = *part_at(n, part);
	struct shell_assign *list;
	size_t count = 0;

	list = norm_alloc(n, p.argc + p.assign_count, sizeof(*list));
	if (list == NULL)
		return at;
	for (; at < p.argc; at++) {
		struct str name;
		bool append;
		struct shell_word value;
		struct value v;

		if (!assign_split(&p.argv[at], &name, &append, &value, n))
			break;
		v = value_of_word(&value);
		list[count++] = assign_part(n, name, false, &v);
	}
	if (count == 0)
		return at;
	if (p.assign_count > 0)
		memcpy(list + count, p.assigns, p.assign_count * sizeof(*list));
	in->assigns = list;
	in->assign_count = count + p.assign_count;
	part_at(n, part)->assigns = list;
	part_at(n, part)->assign_count = in->assign_count;
	return at;
}

/* What runs, as far as the wrapper's row and its options tell. */
struct general {
	const struct wrapper *w;
	struct inner in;
	struct shell_word entry; /* put before the words; no pieces: none */
	bool told; /* --help or --version: nothing runs */
};

static void
general_run(struct norm *n, uint32_t part, const struct general *g,
    const struct shell_word *argv, size_t argc)
{
	if ((g->w->flags & W_TEXT) != 0)
		inner_text(n, part, &g->in, argv, argc);
	else
		inner_run(n, part, &g->in, argv, argc);
}

/* When the options could not be read, whatever follows only tightens. */
static void
general_guess(struct norm *n, uint32_t part, const struct wrapper *w, size_t at)
{
	const struct shell_part p = *part_at(n, part);
	struct general g = { .w = w, .in = inner_of(w) };

	g.in.context |= CONTEXT_GUESS;
	at = past_dashes(&p, at) + w->skip;
	if (at < p.argc)
		general_run(n, part, &g, p.argv + at, p.argc - at);
}

/* "i686", "linux32": what setarch takes for the machine, not for a program. */
static bool
is_arch(const struct shell_word *w)
{
	static const char *const starts[] = { "x86", "i386", "i486", "i586",
		"i686", "athlon", "linux32", "linux64", "arm", "aarch64", "ppc",
		"powerpc", "s390", "sparc", "mips", "ia64", "alpha", "parisc",
		"riscv", "uname26", "loongarch" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(starts) && !found; i++)
		found = shell_word_known(w) &&
		    str_starts(w->text, str_of(starts[i])) &&
		    str_find(w->text, '/') == w->text.len;
	return found;
}

/* 0: operands begin at o->at; -1: o->bad says why not. */
static int
general_options(
    struct norm *n, uint32_t part, struct opts *o, struct general *g)
{
	int r = 0;

	while (!g->told && (r = opts_next(n, o)) > 0) {
		g->told =
		    str_eqz(o->name, "help") || str_eqz(o->name, "version");
		if (g->told || !o->has_value)
			continue;
		if (opts_in(g->w->text_options, o->name))
			nested_text(n, part, &o->value, SHELL_BASH, &g->in);
		if ((g->w->flags & W_ENTRYPOINT) != 0 &&
		    str_eqz(o->name, "entrypoint"))
			g->entry = o->value;
		if (opts_in(g->w->dir_options, o->name)) {
			g->in.moved = true;
			g->in.dirs = dirs_moved(n, &o->value, false);
		}
	}
	return r < 0 ? r : 0;
}

/* The part's words from `at` on, behind what stands before them. */
static void
general_rest(struct norm *n, uint32_t part, const struct general *g, size_t at)
{
	const struct shell_part p = *part_at(n, part);
	struct words ws = { .count = 0 };

	if (g->entry.piece_count > 0) {
		words_add(n, &ws, &g->entry);
		for (; at < p.argc; at++)
			words_add(n, &ws, &p.argv[at]);
		if (ws.count > 0)
			general_run(n, part, g, ws.w, ws.count);
	} else if (at < p.argc) {
		general_run(n, part, g, p.argv + at, p.argc - at);
	} else if ((g->w->flags & W_SHELL) != 0) {
		part_refuse(n, part, "it starts a shell");
	}
}

void
wrap_general(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
	struct general g = { .w = w, .in = inner_of(w) };

	g.in.external = (w->flags & W_BUILTIN) == 0;
	g.in.no_function = (w->flags & W_BUILTIN) != 0;
	inner_assigns(&g.in, &p);
	if ((w->flags & W_ARCH) != 0 && o.at < p.argc && is_arch(&p.argv[o.at]))
		o.at++;
	if (general_options(n, part, &o, &g) < 0) {
		part_refuse(n, part, o.bad);
		general_guess(n, part, w, o.at);
		return;
	}
	if (g.told)
		return;
	if ((w->flags & W_NEEDS_DASHES) != 0 &&
	    (o.at == 0 || !shell_word_is(&p.argv[o.at - 1], "--")))
		return;
	for (unsigned i = 0; i < w->skip && o.at < p.argc; i++, o.at++) {
		if ((p.argv[o.at].flags & (WORD_SPLIT | WORD_GLOB)) == 0)
			continue;
		part_refuse(n, part, "where its command begins is not known");
		general_guess(n, part, w, o.at);
		return;
	}
	if ((w->flags & W_ASSIGNS) != 0)
		o.at = take_assigns(n, part, &g.in, o.at);
	general_rest(n, part, &g, o.at);
}

/* ---- finding the wrapper ----------------------------------------------- */

/* "docker exec" against argv: how many words its name has, 0: another. */
static size_t
name_matches(const struct wrapper *w, const struct shell_part *p,
    struct str program, size_t at)
{
	struct str rest = str_of(w->name);
	size_t words = 0;

	if (!str_eq(str_cut(&rest, ' '), program))
		return 0;
	while (rest.len > 0) {
		const struct str sub = str_cut(&rest, ' ');

		if (at + words >= p->argc ||
		    !shell_word_known(&p->argv[at + words]) ||
		    !str_eq(p->argv[at + words].text, sub))
			return 0;
		words++;
	}
	return words + 1;
}

/* Options before a subcommand, for programs that have subcommands. */
static const struct wrapper globals[] = {
	{
	    .name = "docker",
	    .shorts = "D",
	    .short_values = "Hcl",
	    .longs = "debug tls tlsverify",
	    .long_values = "config context host log-level tlscacert tlscert "
			   "tlskey",
	},
	{
	    .name = "podman",
	    .shorts = "",
	    .short_values = "c",
	    .longs = "remote noout",
	    .long_values = "connection url log-level root runroot identity "
			   "cgroup-manager storage-driver",
	},
	{
	    .name = "kubectl",
	    .shorts = "",
	    .short_values = "nsv",
	    .longs = "insecure-skip-tls-verify",
	    .long_values = "namespace context cluster kubeconfig user server "
			   "token as request-timeout",
	},
	{
	    .name = "uv",
	    .shorts = "qvn",
	    .short_values = "",
	    .longs = "quiet verbose offline no-cache no-config no-progress",
	    .long_values = "project directory config-file cache-dir color",
	},
	{
	    .name = "npm",
	    .shorts = "sq",
	    .short_values = "C",
	    .longs = "silent",
	    .long_values = "prefix workspace",
	},
	{
	    .name = "pnpm",
	    .shorts = "rw",
	    .short_values = "CF",
	    .longs = "silent recursive",
	    .long_values = "dir filter",
	},
	{
	    .name = "yarn",
	    .shorts = "s",
	    .short_values = "",
	    .longs = "silent",
	    .long_values = "cwd",
	},
	{
	    .name = "poetry",
	    .shorts = "qnv",
	    .short_values = "CP",
	    .longs = "quiet no-interaction ansi no-ansi",
	    .long_values = "directory project",
	},
	{
	    .name = "conda",
	    .shorts = "",
	    .short_values = "",
	    .longs = "",
	    .long_values = "",
	},
};

/* Where the subcommand stands; argc when it cannot be told. */
static size_t
subcommand_at(struct norm *n, const struct shell_part *p, struct str program)
{
	struct opts o = { .argv = p->argv, .argc = p->argc, .at = 1 };

	for (size_t i = 0; i < ARRAY_LEN(globals); i++) {
		int r;

		if (!str_eqz(program, globals[i].name))
			continue;
		o.w = &globals[i];
		while ((r = opts_next(n, &o)) > 0)
			continue;
		return r < 0 ? p->argc : o.at;
	}
	return 1;
}

/* As memcmp of the name against the start of an entry's name. */
static int
compare_start(const char *entry, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		const int d =
		    (unsigned char)entry[i] - (unsigned char)name.s[i];

		if (d != 0)
			return d;
	}
	return 0;
}

/* The first entry of the sorted table that is not before the name. */
static size_t
first_of(struct str program)
{
	size_t low = 0, high = wrapper_count;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (compare_start(wrapper_table[mid].name, program) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
wrapper_run(struct norm *n, uint32_t part)
{
	const struct shell_part p = *part_at(n, part);
	const struct str program = shell_part_program(&p);
	const struct wrapper *best = NULL;
	size_t best_words = 0, at = 1;
	bool scanned = false;

	for (size_t i = first_of(program); i < wrapper_count; i++) {
		const struct wrapper *const w = &wrapper_table[i];
		size_t words;

		if (compare_start(w->name, program) != 0)
			break;
		if (!scanned)
			at = subcommand_at(n, &p, program);
		scanned = true;
		words = name_matches(w, &p, program, at);
		if (words > best_words) {
			best = w;
			best_words = words;
		}
	}
	if (best == NULL)
		return false;
	if ((best->flags & W_KEEP) == 0)
		part_at(n, part)->kind = PART_WRAPPER;
	at = best_words > 1 ? at + best_words - 1 : 1;
	if (best->fn != NULL)
		best->fn(n, part, best, at);
	else
		wrap_general(n, part, best, at);
	return true;
}
