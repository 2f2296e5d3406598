/*
 * Scripts of sed: what they read, write and run.
 * Runs in: engine, assent.  Trusts: nothing in the texts.  Owns: nothing.
 */
#include "effects_int.h"

struct sed {
	struct judge *j;
	struct str s;
	size_t at;
	bool addressed; /* the command has an address that narrows it */
	bool in_place;
	bool bad;
};

static char
sed_peek(const struct sed *x)
{
	return x->at < x->s.len ? x->s.s[x->at] : '\0';
}

/* Behind the next unescaped delimiter; sets of a regex may hold it. */
static void
sed_delimited(struct sed *x, char delim)
{
	while (x->at < x->s.len && x->s.s[x->at] != delim) {
		if (x->s.s[x->at] == '\\')
			x->at++;
		x->at++;
	}
	if (x->at >= x->s.len)
		x->bad = true;
	else
		x->at++;
}

static struct str
sed_line(struct sed *x)
{
	const size_t from = x->at;
	struct str line;

	while (x->at < x->s.len && x->s.s[x->at] != '\n')
		x->at++;
	line = str_head(str_from(x->s, from), x->at - from);
	return str_trim(line);
}

static void
sed_file(struct sed *x, bool write)
{
	const struct str name = sed_line(x);
	const struct arg a = arg_text(x->j->arena, name);

	if (str_eq(name, STR("/dev/stdout")) ||
	    str_eq(name, STR("/dev/stderr")))
		return;
	x->j->by = STR("the file in its script");
	if (write)
		effect_write(x->j, &a, "writes");
	else
		effect_read(x->j, &a, false);
	x->j->by = STR_NONE;
}

static void
sed_run(struct sed *x)
{
	const struct str command = sed_line(x);
	const struct arg a = arg_text(x->j->arena, command);

	if (command.len > 0)
		judge_shell_text(x->j, &a, "command e of its script");
	effect_unknown(x->j, "its script runs commands (e)");
}

static void
sed_substitute(struct sed *x)
{
	const char delim = sed_peek(x);

	x->at++;
	sed_delimited(x, delim);
	sed_delimited(x, delim);
	for (; x->at < x->s.len && !x->bad; x->at++) {
		const char c = x->s.s[x->at];

		if (c == 'e') {
			x->at++;
			effect_unknown(
			    x->j, "its script runs what it matched (s///e)");
			return;
		}
		if (c == 'w') {
			x->at++;
			sed_file(x, true);
			return;
		}
		if (c == '\n' || c == ';' || c == '}' || c == ' ' || c == '#')
			return;
		if (strchr("gpiImM0123456789", c) == NULL)
			x->bad = true;
	}
}

/* One address; true when there was one. */
static bool
sed_address(struct sed *x)
{
	const char c = sed_peek(x);

	if (c == '/' || c == '\\') {
		x->at++;
		if (c == '\\')
			x->at++;
		sed_delimited(x, c == '/' ? '/' : x->s.s[x->at - 1]);
		while (sed_peek(x) == 'I' || sed_peek(x) == 'M')
			x->at++;
		return true;
	}
	if (c != '$' && c != '+' && c != '~' && (c < '0' || c > '9'))
		return false;
	x->at++;
	while (x->at < x->s.len &&
	    ((sed_peek(x) >= '0' && sed_peek(x) <= '9') || sed_peek(x) == '~'))
		x->at++;
	return true;
}

static void
sed_blank(struct sed *x)
{
	while (x->at < x->s.len && (sed_peek(x) == ' ' || sed_peek(x) == '\t'))
		x->at++;
}

static void
sed_addresses(struct sed *x)
{
	const size_t from = x->at;
	struct str text;

	x->addressed = sed_address(x);
	sed_blank(x);
	if (x->addressed && sed_peek(x) == ',') {
		x->at++;
		sed_blank(x);
		if (!sed_address(x))
			x->bad = true;
	}
	text = str_trim(str_head(str_from(x->s, from), x->at - from));
	if (str_eq(text, STR("1,$")) || str_eq(text, STR("0,$")))
		x->addressed = false;
	sed_blank(x);
	while (sed_peek(x) == '!' || sed_peek(x) == ' ')
		x->at++;
}

static void
sed_command(struct sed *x)
{
	const char c = sed_peek(x);

	x->at++;
	switch (c) {
	case 's':
		sed_substitute(x);
		break;
	case 'y': {
		const char delim = sed_peek(x);

		x->at++;
		sed_delimited(x, delim);
		sed_delimited(x, delim);
		break;
	}
	case 'w':
	case 'W':
		sed_file(x, true);
		break;
	case 'r':
	case 'R':
		sed_file(x, false);
		break;
	case 'e':
		sed_run(x);
		break;
	case 'a':
	case 'i':
	case 'c':
		while (x->at < x->s.len && sed_peek(x) != '\n') {
			if (sed_peek(x) == '\\')
				x->at++;
			x->at++;
		}
		break;
	case ':':
	case 'b':
	case 't':
	case 'T':
		while (x->at < x->s.len && sed_peek(x) != '\n' &&
		    sed_peek(x) != ';' && sed_peek(x) != '}')
			x->at++;
		break;
	case 'd':
		if (!x->addressed && x->in_place)
			effect_add(x->j,
			    &(struct effect){ .kind = EFFECT_DELETE,
				.path_class = PATH_WORKSPACE,
				.why = "its script deletes every line" });
		break;
	default:
		if (strchr("{}=DgGhHnNpPxzlqQF0123456789", c) == NULL)
			x->bad = true;
		while (sed_peek(x) >= '0' && sed_peek(x) <= '9')
			x->at++;
		break;
	}
}

static bool
sed_in_place(const struct judge *j)
{
	if (judge_seen(j, "--in-place"))
		return true;
	for (size_t i = 1; i < j->shell->argc; i++) {
		const struct str t = j->shell->argv[i].text;

		if (str_starts(t, STR("-i")) || str_starts(t, STR("--in-p")))
			return true;
	}
	return false;
}

void
as_sed(struct judge *j, const struct arg *a, struct str param)
{
	struct sed x = { .j = j, .s = a->text, .in_place = sed_in_place(j) };

	(void)param;
	lang_unknown_pieces(j, a, "sed");
	while (x.at < x.s.len && !x.bad) {
		const char c = sed_peek(&x);

		if (c == ' ' || c == '\t' || c == '\n' || c == ';') {
			x.at++;
			continue;
		}
		if (c == '#') {
			(void)sed_line(&x);
			continue;
		}
		sed_addresses(&x);
		if (x.at < x.s.len && !x.bad)
			sed_command(&x);
	}
	if (x.bad && a->known)
		effect_unknown(j, "its sed script is not understood");
}
