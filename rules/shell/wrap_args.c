/*
 * Wrappers that make arguments: xargs, find -exec, fd -x, parallel, env -S.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

#include <string.h>

#include "base/num.h"

#define CHUNKS_MAX 64

static struct shell_word
input_word(struct norm *n, uint32_t part, struct str likely)
{
	const struct value v =
	    value_unknown(n, ORIGIN_INPUT, STR_NONE, part, likely);

	return word_of_value(n, &v);
}

/* ---- env --------------------------------------------------------------- */

/* The words of env -S, when it holds nothing but words and plain quotes. */
static bool
split_string(struct norm *n, struct str text, struct words *ret)
{
	struct builder b = { .out = ret };

	for (size_t i = 0; i < text.len;) {
		const char c = text.s[i];

		if (c == ' ' || c == '\t' || c == '\n') {
			builder_break(n, &b);
			i++;
		} else if (c == '\'' || c == '"') {
			const size_t close =
			    str_find(str_from(text, i + 1), c) + i + 1;

			if (close >= text.len)
				return false;
			const struct str in =
			    str_n(text.s + i + 1, close - i - 1);

			if (str_find(in, '\\') < in.len ||
			    str_find(in, '$') < in.len)
				return false;
			builder_text(n, &b, in, false);
			i = close + 1;
		} else if (c == '\\' || c == '$' || c == '#') {
			return false;
		} else {
			builder_text(n, &b, str_n(text.s + i, 1), false);
			i++;
		}
	}
	builder_break(n, &b);
	return true;
}

/* env -S TEXT REST... is env with the words of TEXT before REST. */
static void
env_split(
    struct norm *n, uint32_t part, const struct shell_word *text, size_t rest)
{
	const struct shell_part p = *part_at(n, part);
	struct words ws = { .count = 0 };
	struct inner in = {
		.via = "env -S",
		.external = true,
		.assigns = p.assigns,
		.assign_count = p.assign_count,
	};

	words_add(n, &ws, &p.argv[0]);
	if (!shell_word_known(text) || !split_string(n, text->text, &ws)) {
		part_refuse(n, part, "a text for env -S that is not plain");
		nested_text(n, part, text, SHELL_OTHER, &in);
		return;
	}
	for (size_t i = rest; i < p.argc; i++)
		words_add(n, &ws, &p.argv[i]);
	in.argv = ws.w;
	in.argc = ws.count;
	(void)inner_command(n, part, &in);
}

void
wrap_env(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct wrapper plain = *w;
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	int r;

	while ((r = opts_next(n, &o)) > 0) {
		if (!str_eqz(o.name, "S") && !str_eqz(o.name, "split-string"))
			continue;
		env_split(n, part, &o.value, o.at);
		return;
	}
	plain.fn = NULL;
	if (r == 0 && o.at < p.argc && shell_word_is(&p.argv[o.at], "-"))
		from = o.at + 1;
	wrap_general(n, part, &plain, from);
}

/* ---- xargs ------------------------------------------------------------- */

/* The word with every `mark` replaced by what is read. */
static struct shell_word
replace_mark(struct norm *n, const struct shell_word *w, struct str mark,
    const struct shell_word *by)
{
	struct builder b = { .out = NULL };
	struct shell_word out;
	struct value v;

	for (size_t i = 0; i < w->piece_count; i++) {
		struct str rest = w->pieces[i].text;

		if (w->pieces[i].kind != PIECE_TEXT) {
			builder_piece(n, &b, &w->pieces[i]);
			continue;
		}
		for (;;) {
			const size_t at = str_search(rest, mark);

			builder_text(n, &b, str_head(rest, at), false);
			if (at >= rest.len || mark.len == 0)
				break;
			v = value_of_word(by);
			builder_value(n, &b, &v);
			rest = str_from(rest, at + mark.len);
		}
	}
	v = builder_done_value(n, &b);
	out = word_of_value(n, &v);
	out.flags |= w->flags & ~(unsigned)WORD_DYNAMIC;
	return out;
}

static bool
has_mark(const struct shell_word *w, struct str mark)
{
	for (size_t i = 0; i < w->piece_count; i++) {
		const struct str t = w->pieces[i].text;

		if (w->pieces[i].kind == PIECE_TEXT &&
		    str_search(t, mark) < t.len)
			return true;
	}
	return false;
}

struct xargs {
	struct str mark; /* -I; s NULL: none */
	uint64_t per_call; /* -n; 0: all */
	bool from_file, terminal, lines, odd;
};

static bool
xargs_options(struct norm *n, struct opts *o, struct xargs *x)
{
	int r;

	while ((r = opts_next(n, o)) > 0) {
		if (opts_in("I i replace", o->name)) {
			x->mark = STR("{}");
			if (o->has_value && shell_word_known(&o->value))
				x->mark = o->value.text;
			else if (o->has_value)
				x->odd = true;
		} else if (opts_in("n max-args", o->name)) {
			if (!shell_word_known(&o->value) ||
			    num_parse_u64(
				o->value.text, 1, 1000000, &x->per_call) != 0)
				x->odd = true;
		} else if (opts_in("L l max-lines s max-chars d delimiter 0 "
				   "null E e eof",
			       o->name)) {
			x->lines = true;
		} else if (opts_in("a arg-file", o->name)) {
			x->from_file = true;
		} else if (opts_in("o open-tty", o->name)) {
			x->terminal = true;
		}
	}
	return r == 0;
}

/* One call of the command with these arguments behind it. */
static void
xargs_call(struct norm *n, uint32_t part, const struct inner *base,
    const struct shell_word *more, size_t count)
{
	struct words ws = { .count = 0 };
	struct inner in = *base;

	for (size_t i = 0; i < base->argc; i++)
		words_add(n, &ws, &base->argv[i]);
	for (size_t i = 0; i < count; i++)
		words_add(n, &ws, &more[i]);
	in.argv = ws.w;
	in.argc = ws.count;
	(void)inner_command(n, part, &in);
}

static void
xargs_replaced(struct norm *n, uint32_t part, const struct inner *base,
    struct str mark, const struct shell_word *by)
{
	struct words ws = { .count = 0 };
	struct inner in = *base;

	for (size_t i = 0; i < base->argc; i++) {
		const struct shell_word w =
		    replace_mark(n, &base->argv[i], mark, by);

		words_add(n, &ws, &w);
	}
	in.argv = ws.w;
	in.argc = ws.count;
	(void)inner_command(n, part, &in);
}

/* Standard input is known, and nothing in it is special to xargs. */
static bool
xargs_text(
    struct norm *n, uint32_t part, const struct xargs *x, struct str *ret)
{
	const struct shell_part *const p = part_at(n, part);

	if (p->stdin_kind != STDIN_TEXT || !shell_word_known(&p->stdin_text) ||
	    n->frame.input.shared || n->stdin_changed || x->lines || x->odd ||
	    x->from_file)
		return false;
	*ret = p->stdin_text.text;
	for (size_t i = 0; i < ret->len; i++) {
		if (strchr("'\"\\", ret->s[i]) != NULL)
			return false;
	}
	return true;
}

/* Lines for -I, words in groups otherwise. False: too many. */
static bool
xargs_known(struct norm *n, uint32_t part, const struct inner *base,
    const struct xargs *x, struct str text)
{
	struct words ws = { .count = 0 };
	size_t step;

	while (text.len > 0) {
		const struct str unit =
		    str_trim(x->mark.s != NULL ? str_cut(&text, '\n')
					       : str_cut(&text, ' '));
		struct str rest = unit;

		while (rest.len > 0) {
			const struct str one = str_trim(
			    x->mark.s != NULL ? rest : str_cut(&rest, '\n'));
			const struct shell_word w = word_text(n, one);

			if (x->mark.s != NULL)
				rest = STR_NONE;
			if (one.len > 0)
				words_add(n, &ws, &w);
		}
	}
	step = x->mark.s != NULL ? 1 : (size_t)x->per_call;
	if (step == 0)
		step = ws.count == 0 ? 1 : ws.count;
	if (ws.count / step > CHUNKS_MAX)
		return false;
	for (size_t i = 0; i < ws.count || (i == 0 && x->mark.s == NULL);
	     i += step) {
		const size_t left = ws.count - i;

		if (x->mark.s != NULL)
			xargs_replaced(n, part, base, x->mark, &ws.w[i]);
		else
			xargs_call(
			    n, part, base, ws.w + i, left < step ? left : step);
	}
	return true;
}

void
wrap_xargs(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct xargs x = { .per_call = 0 };
	struct opts o = {
		.w = w,
		.argv = p.argv,
		.argc = p.argc,
		.at = from,
	};
	struct inner in = {
		.context = CONTEXT_INPUT_ARGS,
		.via = w->name,
		.external = true,
		.assigns = p.assigns,
		.assign_count = p.assign_count,
	};
	struct shell_word read;
	struct str text;

	if (!xargs_options(n, &o, &x)) {
		part_refuse(n, part, o.bad);
		in.context |= CONTEXT_GUESS;
		while (o.at < p.argc && p.argv[o.at].text.len > 0 &&
		    p.argv[o.at].text.s[0] == '-')
			o.at++;
	}
	in.no_input = !x.from_file && !x.terminal;
	in.argv = p.argv + o.at;
	in.argc = p.argc - o.at;
	if (o.at >= p.argc)
		return;
	if (x.odd)
		part_refuse(n, part, "an option's value that is not known");
	if (xargs_text(n, part, &x, &text) &&
	    xargs_known(n, part, &in, &x, text))
		return;
	read = input_word(n, part, STR_NONE);
	if (p.stdin_kind == STDIN_PIPE && p.stdin_first < p.stdin_part + 1) {
		const struct value shape = output_shape(n, p.stdin_first, part);

		if (shape.count > 0 && shape.pieces[0].kind != PIECE_UNKNOWN)
			read = word_of_value(n, &shape);
	}
	if (x.mark.s != NULL) {
		xargs_replaced(n, part, &in, x.mark, &read);
		return;
	}
	read.flags |= WORD_SPLIT;
	xargs_call(n, part, &in, &read, 1);
}

/* ---- find -exec, fd -x ------------------------------------------------- */

/* Where the words of an -exec end; *ret_many: with "+". */
static size_t
exec_end(const struct shell_part *p, size_t at, bool *ret_many)
{
	*ret_many = false;
	for (size_t i = at; i < p->argc; i++) {
		if (shell_word_is(&p->argv[i], ";"))
			return i;
		if (shell_word_is(&p->argv[i], "+") && i > at &&
		    shell_word_is(&p->argv[i - 1], "{}")) {
			*ret_many = true;
			return i;
		}
	}
	return p->argc;
}

static bool
is_exec(const struct shell_word *w, bool *ret_in_dir)
{
	*ret_in_dir =
	    shell_word_is(w, "-execdir") || shell_word_is(w, "-okdir");
	return *ret_in_dir || shell_word_is(w, "-exec") ||
	    shell_word_is(w, "-ok");
}

/* What {} stands for below one starting point. */
static struct shell_word
found_word(struct norm *n, const struct shell_word *root, bool in_dir)
{
	struct builder b = { .out = NULL };
	const struct shell_piece below = {
		.kind = in_dir ? PIECE_GLOB : PIECE_BELOW,
		.text = in_dir ? STR("*") : STR("/*"),
		.part = SHELL_NO_PART,
	};
	struct value v;

	if (in_dir) {
		builder_text(n, &b, STR("./"), false);
	} else {
		v = value_of_word(root);
		builder_value(n, &b, &v);
	}
	builder_piece(n, &b, &below);
	v = builder_done_value(n, &b);
	return word_of_value(n, &v);
}

/* The directories in which -execdir runs. */
static const struct dirs *
found_dirs(struct norm *n, const struct shell_word *root)
{
	struct dirs *d;

	if (!shell_word_known(root) || n->dirs == NULL)
		return dirs_unknown(n, n->dirs);
	d = norm_alloc(n, 1, sizeof(*d));
	if (d == NULL)
		return NULL;
	*d = *n->dirs;
	d->below = true;
	for (uint32_t i = 0; i < d->count; i++) {
		d->dir[i] = path_join(n, d->dir[i], root->text);
		if (d->dir[i].len == 0)
			return dirs_unknown(n, NULL);
	}
	if (root->text.len > 0 && root->text.s[0] == '/') {
		d->unknown = false;
		d->count = 1;
		d->dir[0] = path_join(n, STR_NONE, root->text);
	}
	return d->count > 0 && d->dir[0].len == 0 ? dirs_unknown(n, NULL) : d;
}

static void
exec_inner(struct norm *n, uint32_t part, const struct inner *base,
    const struct shell_word *root, bool in_dir, bool many)
{
	struct words ws = { .count = 0 };
	struct inner in = *base;
	const struct shell_word found = found_word(n, root, in_dir);

	for (size_t i = 0; i < base->argc; i++) {
		struct shell_word w =
		    replace_mark(n, &base->argv[i], STR("{}"), &found);

		if (many && has_mark(&base->argv[i], STR("{}")))
			w.flags |= WORD_GLOB;
		words_add(n, &ws, &w);
	}
	in.argv = ws.w;
	in.argc = ws.count;
	in.moved = in_dir;
	in.dirs = in_dir ? found_dirs(n, root) : NULL;
	(void)inner_command(n, part, &in);
}

/* find's starting points: words before the expression. */
static size_t
find_roots(const struct shell_part *p, size_t from, size_t *ret_first)
{
	size_t at = from;

	while (at < p->argc && shell_word_known(&p->argv[at])) {
		const struct str t = p->argv[at].text;

		if (str_eqz(t, "-D")) {
			at++;
		} else if (!str_eqz(t, "-H") && !str_eqz(t, "-L") &&
		    !str_eqz(t, "-P") && !str_starts(t, STR("-O"))) {
			break;
		}
		at++;
	}
	*ret_first = at;
	while (at < p->argc) {
		const struct shell_word *const w = &p->argv[at];

		if (shell_word_known(w) &&
		    (w->text.len == 0 || strchr("-(!,", w->text.s[0]) != NULL))
			break;
		at++;
	}
	return at;
}

void
wrap_find(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct shell_word dot = word_text(n, STR("."));
	struct inner in = { .via = "find -exec", .external = true };
	size_t first = from, expr;

	(void)w;
	expr = find_roots(&p, from, &first);
	for (size_t i = expr; i < p.argc; i++) {
		bool in_dir = false, many = false;
		size_t end;

		if (!shell_word_known(&p.argv[i])) {
			/* A quoted value is a value; what may be an option
			 * may be -exec. */
			if (shell_word_may_be_option(&p.argv[i]) &&
			    (p.argv[i].flags & WORD_SPLIT) != 0)
				part_refuse(n, part,
				    "a word that could be an action of find");
			continue;
		}
		if (!is_exec(&p.argv[i], &in_dir))
			continue;
		part_at(n, part)->kind = PART_WRAPPER;
		end = exec_end(&p, i + 1, &many);
		if (end == p.argc)
			part_refuse(n, part,
			    "where the command of -exec ends is not known");
		in.argv = p.argv + i + 1;
		in.argc = end - i - 1;
		if (first == expr)
			exec_inner(n, part, &in, &dot, in_dir, many);
		for (size_t r = first; r < expr && r < first + 4; r++)
			exec_inner(n, part, &in, &p.argv[r], in_dir, many);
		if (expr - first > 4)
			part_refuse(n, part, "too many starting points");
		i = end;
	}
}

/* fd -x COMMAND... [;] : {} and its relatives, or at the end. */
void
wrap_fd(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	static const char *const marks[] = { "{}", "{/}", "{//}", "{.}",
		"{/.}" };
	const struct shell_part p = *part_at(n, part);
	struct inner in = { .via = w->name, .external = true };

	for (size_t i = from; i < p.argc; i++) {
		const struct shell_word found = input_word(n, part, STR_NONE);
		struct words ws = { .count = 0 };
		bool marked = false;
		size_t end = i + 1;

		if (!shell_word_is(&p.argv[i], "-x") &&
		    !shell_word_is(&p.argv[i], "--exec") &&
		    !shell_word_is(&p.argv[i], "-X") &&
		    !shell_word_is(&p.argv[i], "--exec-batch"))
			continue;
		part_at(n, part)->kind = PART_WRAPPER;
		while (end < p.argc && !shell_word_is(&p.argv[end], ";"))
			end++;
		for (size_t k = i + 1; k < end; k++) {
			struct shell_word word = p.argv[k];

			for (size_t m = 0; m < ARRAY_LEN(marks); m++) {
				if (!has_mark(&word, str_of(marks[m])))
					continue;
				marked = true;
				word = replace_mark(
				    n, &word, str_of(marks[m]), &found);
			}
			words_add(n, &ws, &word);
		}
		if (!marked)
			words_add(n, &ws, &found);
		in.argv = ws.w;
		in.argc = ws.count;
		(void)inner_command(n, part, &in);
		i = end;
	}
}

/* ---- parallel ---------------------------------------------------------- */

/* Text with a value that is not known wherever {} or the like stands. */
static bool
parallel_text(struct norm *n, struct str text, struct str *ret)
{
	static const char name[] = "$PARALLEL_ARG";
	char *out;
	size_t len = 0;
	bool marked = false;

	out = norm_text(n, text.len * sizeof(name) + sizeof(name));
	if (out == NULL)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const size_t close = str_find(str_from(text, i), '}') + i;
		bool mark = text.s[i] == '{' && close < text.len;

		for (size_t k = i + 1; mark && k < close; k++)
			mark = strchr("0123456789./#%+-", text.s[k]) != NULL;
		if (strchr("'\"\\$`", text.s[i]) != NULL && marked)
			return false;
		if (!mark) {
			out[len++] = text.s[i];
			continue;
		}
		memcpy(out + len, name, sizeof(name) - 1);
		len += sizeof(name) - 1;
		i = close;
		marked = true;
	}
	for (size_t i = 0; i < text.len && marked; i++) {
		if (strchr("'\"\\`", text.s[i]) != NULL)
			return false;
	}
	if (!marked) {
		out[len++] = ' ';
		memcpy(out + len, name, sizeof(name) - 1);
		len += sizeof(name) - 1;
	}
	*ret = str_n(out, len);
	return true;
}

/* "parallel ::: TEXT...": each argument is a command line. */
static void
parallel_commands(struct norm *n, uint32_t part, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = { .via = "parallel", .external = true };

	for (size_t i = from; i < p.argc; i++)
		nested_text(n, part, &p.argv[i], SHELL_BASH, &in);
}

void
wrap_parallel(
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
		.context = CONTEXT_INPUT_ARGS,
		.via = w->name,
		.external = true,
	};
	size_t end;
	struct str text;
	int r;

	while ((r = opts_next(n, &o)) > 0)
		continue;
	if (r < 0)
		part_refuse(n, part, o.bad);
	for (end = o.at; end < p.argc; end++) {
		if (shell_word_known(&p.argv[end]) &&
		    str_starts(p.argv[end].text, STR(":::")))
			break;
	}
	if (end == o.at && end < p.argc && shell_word_is(&p.argv[end], ":::")) {
		parallel_commands(n, part, end + 1);
		return;
	}
	if (end == o.at) {
		part_at(n, part)->code_from_stdin = true;
		part_refuse(n, part, "it runs what it reads");
		return;
	}
	const bool known = words_join(n, p.argv + o.at, end - o.at, &text);

	if (!known || !parallel_text(n, text, &text)) {
		part_refuse(
		    n, part, "a command for parallel that is not plain");
		in.context |= CONTEXT_GUESS;
	}
	const struct shell_word word = word_text(n, text);
	const struct mark m = state_mark(n);
	const struct value none = { .count = 0 };

	var_maybe(n, STR("PARALLEL_ARG"), &none);
	nested_text(n, part, &word, SHELL_BASH, &in);
	state_undo(n, &m);
}
