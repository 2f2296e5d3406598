/*
 * find -exec and fd -x: what is found stands in for {}.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

#include <string.h>

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

/* One -exec: its words without the end, and how they are run. */
struct exec {
	const struct shell_word *argv;
	size_t argc;
	bool in_dir; /* -execdir: where the file is */
	bool many; /* "+": many files at once */
};

static void
exec_inner(struct norm *n, uint32_t part, const struct exec *x,
    const struct shell_word *root)
{
	struct words ws = { .count = 0 };
	struct inner in = { .via = "find -exec", .external = true };
	const struct shell_word found = found_word(n, root, x->in_dir);

	for (size_t i = 0; i < x->argc; i++) {
		struct shell_word w =
		    replace_mark(n, &x->argv[i], STR("{}"), &found);

		if (x->many && has_mark(&x->argv[i], STR("{}")))
			w.flags |= WORD_GLOB;
		words_add(n, &ws, &w);
	}
	in.moved = x->in_dir;
	in.dirs = x->in_dir ? dirs_moved(n, root, true) : NULL;
	inner_run(n, part, &in, ws.w, ws.count);
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
	size_t first = from, expr;

	(void)w;
	expr = find_roots(&p, from, &first);
	for (size_t i = expr; i < p.argc; i++) {
		struct exec x = { .argv = p.argv + i + 1 };
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
		if (!is_exec(&p.argv[i], &x.in_dir))
			continue;
		part_at(n, part)->kind = PART_WRAPPER;
		end = exec_end(&p, i + 1, &x.many);
		if (end == p.argc)
			part_refuse(n, part,
			    "where the command of -exec ends is not known");
		x.argc = end - i - 1;
		if (first == expr)
			exec_inner(n, part, &x, &dot);
		for (size_t r = first; r < expr && r < first + 4; r++)
			exec_inner(n, part, &x, &p.argv[r]);
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
	const struct inner in = inner_of(w);

	for (size_t i = from; i < p.argc; i++) {
		const struct shell_word found = input_word(n, part);
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
		inner_run(n, part, &in, ws.w, ws.count);
		i = end;
	}
}
