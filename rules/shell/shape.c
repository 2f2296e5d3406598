/*
 * What commands write that cannot be computed but has a form: a number, a
 * name, a path below a folder.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

/* Output that is one whole number. */
static bool
prints_number(const struct shell_part *p, struct str name)
{
	if (str_eqz(name, "nproc"))
		return true;
	if (str_eqz(name, "wc"))
		return p->argc == 2 && p->argv[1].text.len == 2 &&
		    p->argv[1].text.s[0] == '-' &&
		    strchr("lcwmL", p->argv[1].text.s[1]) != NULL;
	if (p->argc != 2)
		return false;
	return (str_eqz(name, "date") && shell_word_is(&p->argv[1], "+%s")) ||
	    (str_eqz(name, "id") &&
		(shell_word_is(&p->argv[1], "-u") ||
		    shell_word_is(&p->argv[1], "-g")));
}

/* Output that is one name without a '/': dates, revisions, machines. */
static bool
prints_name(const struct shell_part *p, struct str name)
{
	if (str_eqz(name, "date") && p->argc == 2 && p->argv[1].text.len > 1 &&
	    p->argv[1].text.s[0] == '+') {
		const struct str f = str_from(p->argv[1].text, 1);

		for (size_t i = 0; i < f.len; i++) {
			if (strchr("/xDcE", f.s[i]) != NULL)
				return false;
		}
		return true;
	}
	if (str_eqz(name, "uname") || str_eqz(name, "arch"))
		return p->argc == 1 ||
		    (p->argc == 2 && p->argv[1].text.len == 2 &&
			strchr("msr", p->argv[1].text.s[1]) != NULL);
	if (str_eqz(name, "git") && p->argc >= 3 &&
	    shell_word_is(&p->argv[1], "rev-parse"))
		return shell_word_is(&p->argv[p->argc - 1], "HEAD") &&
		    (p->argc == 3 ||
			(p->argc == 4 &&
			    str_starts(p->argv[2].text, STR("--short"))));
	return false;
}

static struct value
value_of_kind(struct norm *n, struct str before, enum piece_kind kind,
    struct str likely, struct str after, uint32_t part)
{
	struct builder b = { .out = NULL };
	const struct shell_piece p = {
		.kind = kind,
		.origin = ORIGIN_OUTPUT,
		.text = likely,
		.part = part,
	};

	builder_text(n, &b, before, false);
	builder_piece(n, &b, &p);
	builder_text(n, &b, after, false);
	return builder_done_value(n, &b);
}

/* Where the last run of three X or more starts; len when there is none. */
static size_t
template_run(struct str t, size_t *ret_end)
{
	size_t end = t.len;

	while (end > 0) {
		size_t start;

		while (end > 0 && t.s[end - 1] != 'X')
			end--;
		start = end;
		while (start > 0 && t.s[start - 1] == 'X')
			start--;
		if (end - start >= 3) {
			*ret_end = end;
			return start;
		}
		end = start;
	}
	return t.len;
}

/* mktemp's template, or what stands for it; false: an unusual call. */
static bool
mktemp_template(const struct shell_part *p, struct str *ret, bool *ret_temp)
{
	bool given = false;

	*ret_temp = false;
	for (size_t i = 1; i < p->argc; i++) {
		const struct str w = p->argv[i].text;

		if (str_eqz(w, "-d") || str_eqz(w, "-u") || str_eqz(w, "-q") ||
		    str_eqz(w, "--directory"))
			continue;
		if (str_eqz(w, "-t") || str_eqz(w, "-dt") ||
		    str_eqz(w, "-td")) {
			*ret_temp = true;
		} else if (w.len > 0 && w.s[0] != '-' && !given) {
			*ret = w;
			given = true;
		} else {
			return false;
		}
	}
	*ret_temp = *ret_temp || !given;
	return true;
}

/* mktemp: the name with its X replaced. */
static bool
mktemp_shape(struct norm *n, const struct shell_part *p, struct value *ret)
{
	static const char folder[] = "/tmp/";
	const size_t folder_len = sizeof(folder) - 1;
	struct str template = STR("tmp."
				  "XX"
				  "XXXXXXXX");
	const struct value tmp = var_value(n, STR("TMPDIR"));
	bool temp;
	size_t x, end = 0;
	struct str before;

	/* A TMPDIR that the script or the action sets. */
	if (!mktemp_template(p, &template, &temp) ||
	    (tmp.count > 0 && tmp.pieces[0].kind == PIECE_TEXT))
		return false;
	x = template_run(template, &end);
	if (x == template.len)
		return false;
	before = str_head(template, x);
	if (temp) {
		char *const joined = norm_text(n, folder_len + before.len);

		if (joined == NULL)
			return false;
		memcpy(joined, folder, folder_len);
		memcpy(joined + folder_len, before.s, before.len);
		before = str_n(joined, folder_len + before.len);
	}
	*ret =
	    value_of_kind(n, before, PIECE_GLOB, str_n(template.s + x, end - x),
		str_from(template, end), SHELL_NO_PART);
	return true;
}

/* Programs that print paths below the directory in which they run. */
static bool
prints_paths(const struct shell_part *p, struct str name, struct str *ret_root)
{
	*ret_root = STR("");
	if (str_eqz(name, "git") && p->argc >= 2)
		return shell_word_is(&p->argv[1], "ls-files");
	if (str_eqz(name, "find") && p->argc >= 2 && p->kind == PART_COMMAND) {
		const struct str root = p->argv[1].text;
		const bool one = p->argc == 2 ||
		    (p->argv[2].text.len > 0 && p->argv[2].text.s[0] == '-');

		for (size_t i = 1; i < p->argc; i++) {
			if (str_search(p->argv[i].text, STR("print")) <
				p->argv[i].text.len &&
			    !shell_word_is(&p->argv[i], "-print") &&
			    !shell_word_is(&p->argv[i], "-print0"))
				return false;
		}
		*ret_root = root;
		return root.len > 0 && root.s[0] != '-' && one &&
		    shell_word_known(&p->argv[1]);
	}
	return false;
}

/* Filters that only drop or reorder lines. */
static bool
passes_lines(struct str name)
{
	static const char *const names[] = {
		"grep",
		"head",
		"tail",
		"sort",
		"uniq",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eqz(name, names[i]))
			return true;
	}
	return false;
}

/* From the last writer back through filters that pass lines. */
static uint32_t
source_of(struct norm *n, uint32_t part)
{
	for (unsigned i = 0; i < NORM_STACK_MAX; i++) {
		const struct shell_part *const p = part_at(n, part);
		bool plain = p->kind == PART_COMMAND &&
		    passes_lines(shell_part_program(p)) &&
		    p->stdin_kind == STDIN_PIPE &&
		    p->stdin_part != SHELL_NO_PART && p->stdin_part < part;

		/* Options such as -o, -n, -c change the lines. */
		for (size_t k = 1; k < p->argc && plain; k++) {
			const struct str w = p->argv[k].text;

			plain = shell_word_known(&p->argv[k]) &&
			    (w.len == 0 || w.s[0] != '-' || str_eqz(w, "-v") ||
				str_eqz(w, "-E") || str_eqz(w, "-i") ||
				str_eqz(w, "-u") ||
				(w.len > 1 && w.s[1] >= '0' && w.s[1] <= '9'));
		}
		if (!plain)
			return part;
		part = p->stdin_part;
	}
	return part;
}

struct value
output_shape(struct norm *n, uint32_t from, uint32_t to)
{
	const uint32_t last = last_writer(n, from, to);
	uint32_t source;
	const struct shell_part *p;
	struct value v;
	struct str name, root;

	if (last == SHELL_NO_PART)
		return value_unknown(
		    n, ORIGIN_OUTPUT, STR_NONE, to - 1, STR_NONE);
	p = part_at(n, last);
	name = shell_part_program(p);
	if (p->kind != PART_COMMAND || !part_all_known(p) || output_moved(p) ||
	    p->function_call)
		return value_unknown(
		    n, ORIGIN_OUTPUT, STR_NONE, last, STR_NONE);
	if (prints_number(p, name))
		return value_digits(n);
	if (prints_name(p, name))
		return value_of_kind(
		    n, STR(""), PIECE_GLOB, STR("*"), STR(""), SHELL_NO_PART);
	if (str_eqz(name, "mktemp") && mktemp_shape(n, p, &v))
		return v;
	source = source_of(n, last);
	p = part_at(n, source);
	name = shell_part_program(p);
	if (p->kind == PART_COMMAND && part_all_known(p) && !output_moved(p) &&
	    !p->function_call && prints_paths(p, name, &root))
		return value_of_kind(
		    n, root, PIECE_BELOW, STR("*"), STR(""), source);
	/* "$(which rm)" is likely rm. */
	if ((str_eqz(name, "which") || str_eqz(name, "command") ||
		str_eqz(name, "type")) &&
	    p->argc >= 2)
		return value_unknown(n, ORIGIN_OUTPUT, STR_NONE, last,
		    p->argv[p->argc - 1].text);
	return value_unknown(n, ORIGIN_OUTPUT, STR_NONE, last, STR_NONE);
}
