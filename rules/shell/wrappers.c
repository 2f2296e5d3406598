/*
 * Commands inside commands: reads a wrapper's options by the table and hands
 * what it starts to the same machinery. What is not certain refuses the part.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

#include <string.h>

#include "shell/parser.h"

/* ---- options ----------------------------------------------------------- */

bool
opts_in(const char *list, struct str name)
{
	struct str rest = str_of(list);

	while (rest.len > 0) {
		if (str_eq(str_cut(&rest, ' '), name))
			return true;
	}
	return false;
}

/* Names in list that start with prefix; *ret is the last of them. */
static unsigned
opts_prefixed(const char *list, struct str prefix, struct str *ret)
{
	struct str rest = str_of(list);
	unsigned count = 0;

	while (rest.len > 0) {
		const struct str name = str_cut(&rest, ' ');

		if (!str_starts(name, prefix))
			continue;
		*ret = name;
		count++;
	}
	return count;
}

struct shell_word
word_tail(struct norm *n, const struct shell_word *w, size_t offset)
{
	struct shell_piece *p;
	struct value v = { .count = 0 };
	struct shell_word out;
	size_t first = 0;

	if (w->piece_count == 0)
		return *w;
	p = norm_alloc(n, w->piece_count, sizeof(*p));
	if (p == NULL)
		return *w;
	memcpy(p, w->pieces, w->piece_count * sizeof(*p));
	p[0].text = str_from(p[0].text, offset);
	if (p[0].text.len == 0)
		first = 1;
	v.pieces = p + first;
	v.count = (uint32_t)(w->piece_count - first);
	out = word_of_value(n, &v);
	out.flags |= w->flags & ~(unsigned)WORD_DYNAMIC;
	return out;
}

static int
opts_bad(struct opts *o, const char *why)
{
	o->bad = why;
	return -1;
}

static int
opts_take_value(struct opts *o)
{
	if (o->at >= o->argc)
		return opts_bad(o, "an option without its value");
	if ((o->argv[o->at].flags & (WORD_SPLIT | WORD_GLOB)) != 0)
		return opts_bad(o, "an option's value that may be several");
	o->value = o->argv[o->at++];
	o->has_value = true;
	return 1;
}

static int
opts_long(struct norm *n, struct opts *o, struct str word, size_t dashes)
{
	const struct shell_word *const w = &o->argv[o->at];
	const size_t eq = str_find(word, '=');
	struct str name = str_from(str_head(word, eq), dashes);
	struct str full = name;
	const bool attached = eq < word.len;
	bool flag = opts_in(o->w->longs, name);
	bool value = opts_in(o->w->long_values, name);

	if (!attached && !shell_word_known(w))
		return opts_bad(
		    o, "an option that is not known before it runs");
	if (!flag && !value && (o->w->flags & W_ABBREV) != 0) {
		const unsigned a = opts_prefixed(o->w->longs, name, &full);
		struct str other = name;
		const unsigned b =
		    opts_prefixed(o->w->long_values, name, &other);

		flag = a == 1 && b == 0;
		value = a == 0 && b == 1;
		if (value)
			full = other;
	}
	if (!flag && !value)
		return opts_bad(o, "an option that is not known");
	o->name = full;
	o->at++;
	if (attached) {
		o->value = word_tail(n, w, eq + 1);
		o->has_value = true;
		return 1;
	}
	/* "flag and value": the value is optional and attached. */
	return value && !flag ? opts_take_value(o) : 1;
}

static int
opts_short(struct norm *n, struct opts *o, struct str word)
{
	const struct shell_word *const w = &o->argv[o->at];
	const char c = word.s[o->cluster];

	o->name = str_n(word.s + o->cluster, 1);
	o->cluster++;
	const bool last = o->cluster == word.len;

	if (strchr(o->w->short_values, c) != NULL) {
		const size_t from = o->cluster;

		o->cluster = 0;
		o->at++;
		if (last && w->piece_count == 1)
			return strchr(o->w->shorts, c) != NULL
			    ? 1
			    : opts_take_value(o);
		o->value = word_tail(n, w, from);
		o->has_value = true;
		return 1;
	}
	if (strchr(o->w->shorts, c) == NULL)
		return opts_bad(o, "an option that is not known");
	if (last) {
		if (w->piece_count != 1)
			return opts_bad(
			    o, "an option that is not known before it runs");
		o->cluster = 0;
		o->at++;
	}
	return 1;
}

int
opts_next(struct norm *n, struct opts *o)
{
	const struct shell_word *w;
	struct str word;

	o->has_value = false;
	if (o->at >= o->argc || norm_stopped(n))
		return 0;
	w = &o->argv[o->at];
	word = shell_word_prefix(w);
	if (o->cluster > 0)
		return opts_short(n, o, word);
	if (shell_word_known(w) && (word.len < 2 || word.s[0] != '-'))
		return 0;
	if (word.len == 0 || (w->flags & (WORD_SPLIT | WORD_GLOB)) != 0) {
		if (shell_word_may_be_option(w) ||
		    (w->flags & (WORD_SPLIT | WORD_GLOB)) != 0)
			return opts_bad(
			    o, "a word that could be an option or vanish");
		return 0;
	}
	if (word.s[0] != '-')
		return 0;
	if (str_eqz(word, "--") && shell_word_known(w)) {
		o->at++;
		return 0;
	}
	if (word.len >= 2 && word.s[1] == '-')
		return opts_long(n, o, word, 2);
	if ((o->w->flags & W_ONE_DASH) != 0)
		return opts_long(n, o, word, 1);
	if (word.len < 2)
		return opts_bad(
		    o, "an option that is not known before it runs");
	o->cluster = 1;
	return opts_short(n, o, word);
}

/* ---- what is inside ---------------------------------------------------- */

/* Somewhere else nothing is known about folders and variables. */
static void
go_elsewhere(struct norm *n, unsigned context)
{
	const struct value none = { .count = 0 };

	if ((context & (CONTEXT_REMOTE | CONTEXT_CONTAINER)) == 0)
		return;
	n->dirs = dirs_unknown(n, NULL);
	var_maybe(n, STR("HOME"), &none);
	var_maybe(n, STR("PWD"), &none);
}

static struct frame
inner_push(struct norm *n, uint32_t part, const struct inner *in)
{
	const struct shell_part *const p = part_at(n, part);
	const struct frame saved = frame_push(n, in->context, in->via);

	n->frame.parent = part;
	n->frame.before = saved.before;
	n->frame.after = saved.after;
	n->frame.external = in->external;
	n->frame.no_function = in->no_function;
	n->frame.input = (struct input){
		.kind = p->stdin_kind,
		.shared = saved.input.shared,
		.text = p->stdin_text,
		.first = p->stdin_first,
		.part = p->stdin_part,
	};
	/* A here-document belongs to this command alone. */
	if (p->redir_count > 0 && p->stdin_kind == STDIN_TEXT)
		n->frame.input.shared = false;
	if ((in->context & CONTEXT_INPUT_ARGS) != 0)
		n->frame.input = (struct input){
			.kind = in->no_input ? STDIN_CLOSED : STDIN_OTHER,
			.first = SHELL_NO_PART,
			.part = SHELL_NO_PART,
		};
	return saved;
}

struct flow
inner_command(struct norm *n, uint32_t part, const struct inner *in)
{
	struct shell_part p = { .kind = PART_COMMAND };
	const struct frame saved = inner_push(n, part, in);
	const struct mark m = state_mark(n);
	struct flow f = { .ok = n->dirs, .fail = n->dirs };

	if (in->moved)
		n->dirs = in->dirs;
	go_elsewhere(n, in->context);
	p.argv = in->argv;
	p.argc = in->argc;
	p.assigns = in->assigns;
	p.assign_count = in->assign_count;
	if (in->argc > 0)
		f = run_command(n, &p);
	if (in->external)
		state_undo(n, &m);
	else if (n->inner_flow != NULL)
		*n->inner_flow = f;
	frame_pop(n, &saved);
	return f;
}

void
nested_text(struct norm *n, uint32_t part, const struct shell_word *text,
    enum shell_dialect dialect, const struct inner *in)
{
	const struct frame saved = inner_push(n, part, in);
	const struct mark m = state_mark(n);
	struct value *items = NULL;
	struct positional args = { .count = 0 };

	if (!shell_word_known(text)) {
		part_refuse(n, part, "text for a shell that is not known");
		n->frame.context |= CONTEXT_GUESS;
	}
	if (in->argc > 1) {
		items = norm_alloc(n, in->argc, sizeof(*items));
		for (size_t i = 1; items != NULL && i < in->argc; i++)
			items[i - 1] = value_of_word(&in->argv[i]);
		args.items = items;
		args.count = items == NULL ? 0 : (uint32_t)in->argc - 1;
	}
	/* $0 alone may be several words, too. */
	for (size_t i = 0; i < in->argc; i++)
		args.unknown = args.unknown ||
		    (in->argv[i].flags & (WORD_SPLIT | WORD_GLOB)) != 0;
	if (in->moved)
		n->dirs = in->dirs;
	go_elsewhere(n, in->context);
	norm_nested(
	    n, text->text, dialect, &args, in->assigns, in->assign_count);
	state_undo(n, &m);
	frame_pop(n, &saved);
}

void
inner_text(struct norm *n, uint32_t part, const struct inner *in,
    enum shell_dialect dialect)
{
	struct shell_word w;
	struct str text;
	struct inner alone = *in;

	if (in->argc == 0)
		return;
	w = words_join(n, in->argv, in->argc, &text) ? word_text(n, text)
						     : word_unknown(n, text);
	alone.argv = NULL;
	alone.argc = 0;
	nested_text(n, part, &w, dialect, &alone);
}

/* ---- the general case -------------------------------------------------- */

/* cd and the like of a wrapper: env -C, sudo -D. */
static const struct dirs *
moved_dirs(struct norm *n, const struct shell_word *w)
{
	struct dirs *d;

	if (!shell_word_known(w) || n->dirs == NULL)
		return dirs_unknown(n, n->dirs);
	d = norm_alloc(n, 1, sizeof(*d));
	if (d == NULL)
		return NULL;
	*d = *n->dirs;
	if (w->text.len > 0 && w->text.s[0] == '/') {
		*d = (struct dirs){ .count = 1 };
		d->dir[0] = path_join(n, STR_NONE, w->text);
		return d->dir[0].len == 0 ? dirs_unknown(n, NULL) : d;
	}
	for (uint32_t i = 0; i < d->count; i++) {
		d->dir[i] = path_join(n, d->dir[i], w->text);
		if (d->dir[i].len == 0)
			return dirs_unknown(n, NULL);
	}
	return d;
}

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

/* When the options could not be read, whatever follows only tightens. */
static void
guess_inner(struct norm *n, uint32_t part, const struct wrapper *w, size_t at)
{
	const struct shell_part p = *part_at(n, part);
	struct inner in = {
		.context = w->context | CONTEXT_GUESS,
		.via = w->name,
		.external = true,
	};

	while (at < p.argc && p.argv[at].text.len > 0 &&
	    p.argv[at].text.s[0] == '-')
		at++;
	at += w->skip;
	if (at >= p.argc)
		return;
	in.argv = p.argv + at;
	in.argc = p.argc - at;
	if ((w->flags & W_TEXT) != 0)
		inner_text(n, part, &in, SHELL_BASH);
	else
		(void)inner_command(n, part, &in);
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

void
wrap_general(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
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
		.external = (w->flags & W_BUILTIN) == 0,
		.no_function = (w->flags & W_BUILTIN) != 0,
		.assigns = p.assigns,
		.assign_count = p.assign_count,
	};
	struct shell_word entry = { .flags = 0 };
	struct words ws = { .count = 0 };
	int r;

	if ((w->flags & W_ARCH) != 0 && o.at < p.argc && is_arch(&p.argv[o.at]))
		o.at++;
	while ((r = opts_next(n, &o)) > 0) {
		if (str_eqz(o.name, "help") || str_eqz(o.name, "version"))
			return;
		if (o.has_value && opts_in(w->text_options, o.name))
			nested_text(n, part, &o.value, SHELL_BASH, &in);
		if (o.has_value && (w->flags & W_ENTRYPOINT) != 0 &&
		    str_eqz(o.name, "entrypoint"))
			entry = o.value;
		if (o.has_value && opts_in(w->dir_options, o.name)) {
			in.moved = true;
			in.dirs = moved_dirs(n, &o.value);
		}
	}
	if (r < 0) {
		part_refuse(n, part, o.bad);
		guess_inner(n, part, w, o.at);
		return;
	}
	if ((w->flags & W_NEEDS_DASHES) != 0 &&
	    (o.at == 0 || !shell_word_is(&p.argv[o.at - 1], "--")))
		return;
	for (unsigned i = 0; i < w->skip && o.at < p.argc; i++, o.at++) {
		if ((p.argv[o.at].flags & (WORD_SPLIT | WORD_GLOB)) == 0)
			continue;
		part_refuse(n, part, "where its command begins is not known");
		guess_inner(n, part, w, o.at);
		return;
	}
	if ((w->flags & W_ASSIGNS) != 0)
		o.at = take_assigns(n, part, &in, o.at);
	in.argv = p.argv + o.at;
	in.argc = p.argc - o.at;
	if (entry.piece_count > 0) {
		words_add(n, &ws, &entry);
		for (size_t i = 0; i < in.argc; i++)
			words_add(n, &ws, &in.argv[i]);
		in.argv = ws.w;
		in.argc = ws.count;
	}
	if (in.argc == 0) {
		if ((w->flags & W_SHELL) != 0)
			part_refuse(n, part, "it starts a shell");
		return;
	}
	if ((w->flags & W_TEXT) != 0)
		inner_text(n, part, &in, SHELL_BASH);
	else
		(void)inner_command(n, part, &in);
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
