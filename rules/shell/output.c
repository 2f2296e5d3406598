/*
 * What commands write, where it can be computed: echo, printf, here-documents
 * and a few filters. A text hidden this way is found; a text that is only
 * likely stays unknown.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define OUTPUT_MAX 16384

struct out {
	struct norm *n;
	char *s;
	size_t len, cap;
	bool failed;
};

static void
out_put(struct out *o, const char *s, size_t len)
{
	if (o->failed || len > OUTPUT_MAX - o->len) {
		o->failed = true;
		return;
	}
	if (o->len + len > o->cap) {
		const size_t cap = (o->len + len) * 2 + 32;
		char *const more = norm_text(o->n, cap);

		if (more == NULL) {
			o->failed = true;
			return;
		}
		if (o->len > 0)
			memcpy(more, o->s, o->len);
		o->s = more;
		o->cap = cap;
	}
	if (len > 0)
		memcpy(o->s + o->len, s, len);
	o->len += len;
}

static bool
out_done(const struct out *o, struct str *ret)
{
	if (o->failed)
		return false;
	*ret = o->len == 0 ? STR("") : str_n(o->s, o->len);
	return true;
}

/* ---- escapes ----------------------------------------------------------- */

/* The escape at s[*at] (behind the backslash); false: one that is not plain.
 * zero: octal numbers start with a 0 (echo -e, %b). */
static bool
escape(struct out *o, struct str s, size_t *at, bool zero)
{
	static const char names[] = "abefnrtv\\\"'";
	static const char bytes[] = "\a\b\033\f\n\r\t\v\\\"'";
	const char c = *at < s.len ? s.s[*at] : '\0';
	const char *const name = c == '\0' ? NULL : strchr(names, c);
	char byte;
	int v = 0, n = 0;

	if (name != NULL && !(zero && (c == '"' || c == '\''))) {
		++*at;
		byte = bytes[name - names];
		out_put(o, &byte, 1);
		return true;
	}
	if (c == 'x') {
		++*at;
		while (n < 2 && *at < s.len && text_hex_digit(s.s[*at]) >= 0) {
			v = v * 16 + text_hex_digit(s.s[*at]);
			++*at;
			n++;
		}
	} else if (c >= '0' && c <= '7' && (!zero || c == '0')) {
		const int max = zero ? 4 : 3;

		while (n < max && *at < s.len && s.s[*at] >= '0' &&
		    s.s[*at] <= '7') {
			v = v * 8 + (s.s[*at] - '0');
			++*at;
			n++;
		}
	}
	if (n == 0 || v == 0 || v > 255)
		return false;
	byte = (char)v;
	out_put(o, &byte, 1);
	return true;
}

static bool
escaped_text(struct out *o, struct str s)
{
	for (size_t i = 0; i < s.len;) {
		if (s.s[i] != '\\') {
			out_put(o, s.s + i++, 1);
			continue;
		}
		i++;
		if (!escape(o, s, &i, true))
			return false;
	}
	return true;
}

/* ---- echo and printf --------------------------------------------------- */

static bool
echo_text(struct norm *n, const struct shell_part *p, struct str *ret)
{
	struct out o = { .n = n };
	size_t i = 1;
	bool newline = true, escapes = false;

	for (; i < p->argc; i++) {
		const struct str w = p->argv[i].text;
		bool option = w.len > 1 && w.s[0] == '-';

		for (size_t k = 1; k < w.len && option; k++)
			option = strchr("neE", w.s[k]) != NULL;
		if (!option)
			break;
		for (size_t k = 1; k < w.len; k++) {
			newline = newline && w.s[k] != 'n';
			escapes = w.s[k] == 'e' || (escapes && w.s[k] != 'E');
		}
	}
	/* Not every sh has these options; some see escapes always. */
	if (n->xpg_echo || (n->dialect != SHELL_BASH && i > 1))
		return false;
	for (size_t k = i; k < p->argc; k++) {
		const struct str w = p->argv[k].text;

		if (k > i)
			out_put(&o, " ", 1);
		if (str_find(w, '\\') == w.len ||
		    (!escapes && n->dialect == SHELL_BASH))
			out_put(&o, w.s, w.len);
		else if (!escapes || !escaped_text(&o, w))
			return false;
	}
	if (newline)
		out_put(&o, "\n", 1);
	return out_done(&o, ret);
}

/* One pass of the format; *used counts the words. False: not plain. */
static bool
printf_pass(struct out *o, struct str f, const struct shell_word *w,
    size_t count, size_t *used)
{
	for (size_t i = 0; i < f.len;) {
		const char c = f.s[i++];
		const struct str arg = *used < count ? w[*used].text : STR("");
		uint64_t v;

		if (c == '\\') {
			if (!escape(o, f, &i, false))
				return false;
			continue;
		}
		if (c != '%') {
			out_put(o, &c, 1);
			continue;
		}
		const char d = i < f.len ? f.s[i++] : '\0';

		if (d == '%') {
			out_put(o, "%", 1);
			continue;
		}
		if (d == 's')
			out_put(o, arg.s, arg.len);
		else if (d == 'b' && !escaped_text(o, arg))
			return false;
		else if (d == 'c' && arg.len > 0)
			out_put(o, arg.s, 1);
		else if (d == 'd' &&
		    num_parse_u64(arg, 1, INT32_MAX, &v) == 0 &&
		    arg.s[0] != '0')
			out_put(o, arg.s, arg.len);
		else if (d != 'b')
			return false;
		++*used;
	}
	return true;
}

bool
printf_text(
    struct norm *n, const struct shell_word *w, size_t count, struct str *ret)
{
	struct out o = { .n = n };
	size_t used = 0, from = 0;

	if (count > 0 && shell_word_is(&w[0], "--"))
		from = 1;
	if (count <= from)
		return false;
	for (size_t i = from; i < count; i++) {
		if (!shell_word_known(&w[i]))
			return false;
	}
	do {
		const size_t before = used;

		if (!norm_step(n) ||
		    !printf_pass(&o, w[from].text, w + from + 1,
			count - from - 1, &used))
			return false;
		if (used == before)
			break;
	} while (used < count - from - 1);
	return out_done(&o, ret);
}

/* ---- filters ----------------------------------------------------------- */

static bool
reverse_lines(struct norm *n, struct str in, struct str *ret)
{
	struct out o = { .n = n };

	while (in.len > 0) {
		const bool nl = str_find(in, '\n') < in.len;
		const struct str line = str_cut(&in, '\n');

		for (size_t i = line.len; i > 0; i--) {
			if ((unsigned char)line.s[i - 1] >= 0x80)
				return false;
			out_put(&o, line.s + i - 1, 1);
		}
		if (nl)
			out_put(&o, "\n", 1);
	}
	return out_done(&o, ret);
}

static int
base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *const at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

static bool
base64_decode(struct norm *n, struct str in, struct str *ret)
{
	struct out o = { .n = n };
	unsigned v = 0, bits = 0;

	for (size_t i = 0; i < in.len; i++) {
		const int d = base64_value(in.s[i]);
		char byte;

		if (in.s[i] == '\n' || in.s[i] == '=')
			continue;
		if (d < 0)
			return false;
		v = (v << 6 | (unsigned)d) & 0xffffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		byte = (char)(v >> bits & 0xff);
		out_put(&o, &byte, 1);
	}
	return out_done(&o, ret);
}

static bool
hex_decode(struct norm *n, struct str in, struct str *ret)
{
	struct out o = { .n = n };
	int high = -1;

	for (size_t i = 0; i < in.len; i++) {
		const int d = text_hex_digit(in.s[i]);

		if (in.s[i] == '\n' || in.s[i] == ' ')
			continue;
		if (d < 0)
			return false;
		if (high < 0) {
			high = d;
			continue;
		}
		const char byte = (char)(high * 16 + d);

		out_put(&o, &byte, 1);
		high = -1;
	}
	return out_done(&o, ret);
}

/* A set of tr: characters and plain ranges; false: more than that. */
static bool
tr_set(struct norm *n, struct str s, struct str *ret)
{
	struct out o = { .n = n };

	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];

		if (c == '\\' || c == '[' || (unsigned char)c >= 0x80)
			return false;
		if (i + 2 < s.len && s.s[i + 1] == '-') {
			for (int k = c; k <= s.s[i + 2]; k++) {
				const char byte = (char)k;

				out_put(&o, &byte, 1);
			}
			i += 2;
			continue;
		}
		out_put(&o, &c, 1);
	}
	return out_done(&o, ret);
}

static bool
translate(
    struct norm *n, const struct shell_part *p, struct str in, struct str *ret)
{
	struct out o = { .n = n };
	const bool delete = p->argc == 3 && shell_word_is(&p->argv[1], "-d");
	struct str from, to = STR("");

	if (p->argc != 3 ||
	    (!delete &&p->argv[1].text.len > 0 && p->argv[1].text.s[0] == '-'))
		return false;
	if (!tr_set(n, p->argv[delete ? 2 : 1].text, &from) ||
	    (!delete &&(!tr_set(n, p->argv[2].text, &to) || to.len == 0)))
		return false;
	for (size_t i = 0; i < in.len; i++) {
		/* The last of equal characters counts. */
		const size_t at = str_rfind(from, in.s[i]);

		if (at == from.len)
			out_put(&o, in.s + i, 1);
		else if (!delete)
			out_put(&o, to.s + (at < to.len ? at : to.len - 1), 1);
	}
	return out_done(&o, ret);
}

/* ---- one command ------------------------------------------------------- */

bool
part_all_known(const struct shell_part *p)
{
	for (size_t i = 0; i < p->argc; i++) {
		if (!shell_word_known(&p->argv[i]))
			return false;
	}
	return true;
}

static bool
filter_text(struct norm *n, const struct shell_part *p, struct str name,
    struct str *ret)
{
	const struct str in = p->stdin_text.text;
	const struct str option = p->argc > 1 ? p->argv[1].text : STR("");

	if (p->stdin_kind != STDIN_TEXT || !shell_word_known(&p->stdin_text) ||
	    n->frame.input.shared)
		return false;
	if (str_eqz(name, "cat") && (p->argc == 1 || str_eqz(option, "-"))) {
		*ret = in;
		return p->argc <= 2;
	}
	if (str_eqz(name, "rev") && p->argc == 1)
		return reverse_lines(n, in, ret);
	if (str_eqz(name, "tr"))
		return translate(n, p, in, ret);
	if (p->argc != 2 && !(str_eqz(name, "xxd") && p->argc == 3))
		return false;
	if (str_eqz(name, "base64") &&
	    (str_eqz(option, "-d") || str_eqz(option, "-D") ||
		str_starts(option, STR("--d"))))
		return base64_decode(n, in, ret);
	if (str_eqz(name, "xxd")) {
		if (p->argc == 3 && str_eqz(option, "-r") &&
		    shell_word_is(&p->argv[2], "-p"))
			return hex_decode(n, in, ret);
		return str_eqz(option, "-rp") && hex_decode(n, in, ret);
	}
	return false;
}

static bool
command_text(struct norm *n, const struct shell_part *p, struct str *ret)
{
	const struct str name = shell_part_program(p);

	if (str_eqz(name, "echo"))
		return echo_text(n, p, ret);
	if (str_eqz(name, "printf"))
		return p->argc > 1 && !str_starts(p->argv[1].text, STR("-v")) &&
		    printf_text(n, p->argv + 1, p->argc - 1, ret);
	if (str_eqz(name, "true") || str_eqz(name, ":")) {
		*ret = STR("");
		return true;
	}
	if (str_eqz(name, "pwd") && p->argc == 1 && p->cwd_count == 1 &&
	    !p->cwd_unknown && !p->cwd_below) {
		struct out o = { .n = n };

		out_put(&o, p->cwds[0].s, p->cwds[0].len);
		out_put(&o, "\n", 1);
		return out_done(&o, ret);
	}
	return filter_text(n, p, name, ret);
}

/* ---- a group of commands ----------------------------------------------- */

/* Writes to a file, or in another order. */
bool
output_moved(const struct shell_part *p)
{
	for (size_t i = 0; i < p->redir_count; i++) {
		const struct shell_redir *const r = &p->redirs[i];

		if (r->op == REDIR_BOTH || r->op == REDIR_BOTH_APPEND ||
		    (r->fd != 0 && r->fd != 2))
			return true;
	}
	return false;
}

/* The one command among [from, to) whose output is the output of all. */
uint32_t
last_writer(struct norm *n, uint32_t from, uint32_t to)
{
	uint32_t last = SHELL_NO_PART;
	unsigned depth = n->meta[from].subst_depth;

	for (uint32_t i = from; i < to; i++) {
		if (n->meta[i].subst_depth < depth)
			depth = n->meta[i].subst_depth;
	}
	for (uint32_t i = from; i < to; i++) {
		const struct shell_part *const p = part_at(n, i);

		if (n->meta[i].subst_depth != depth ||
		    p->stdout_part != SHELL_NO_PART)
			continue;
		if (last != SHELL_NO_PART)
			return SHELL_NO_PART;
		last = i;
	}
	return last;
}

/* The command that writes for all, if it surely writes and nothing else. */
static struct shell_part *
sure_writer(struct norm *n, uint32_t from, uint32_t to)
{
	const unsigned unsure = CONTEXT_LOOP | CONTEXT_CONDITION |
	    CONTEXT_FUNCTION | CONTEXT_BACKGROUND | CONTEXT_GUESS |
	    CONTEXT_TRAP;
	struct shell_part *p;
	uint32_t last;

	if (to <= from || n->result->not_understood != NULL)
		return NULL;
	last = last_writer(n, from, to);
	if (last == SHELL_NO_PART)
		return NULL;
	p = part_at(n, last);
	if (p->kind != PART_COMMAND || p->not_understood != NULL ||
	    (p->context & ~n->frame.context & unsure) != 0 || output_moved(p))
		return NULL;
	return p;
}

/* What a shell would cut or refuse is not known. */
static bool
output_plain(struct str text)
{
	size_t at;

	return text_is_utf8(text) && text_refused(text, &at) == NULL;
}

bool
output_known(struct norm *n, uint32_t from, uint32_t to, struct str *ret)
{
	const struct shell_part *const p = sure_writer(n, from, to);

	return p != NULL && part_all_known(p) && command_text(n, p, ret) &&
	    output_plain(*ret);
}

/* The same with every word as it is likely to read. */
bool
output_likely(struct norm *n, uint32_t from, uint32_t to, struct str *ret)
{
	const struct shell_part *const p = sure_writer(n, from, to);
	struct shell_part likely;
	struct shell_word *w;

	if (p == NULL || p->argc == 0)
		return false;
	likely = *p;
	w = norm_alloc(n, p->argc, sizeof(*w));
	if (w == NULL)
		return false;
	for (size_t i = 0; i < p->argc; i++)
		w[i] = word_text(n, p->argv[i].text);
	likely.argv = w;
	likely.stdin_text = word_text(n, p->stdin_text.text);
	return command_text(n, &likely, ret) && output_plain(*ret) &&
	    ret->len > 0;
}
