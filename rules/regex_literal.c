/*
 * What a pattern cannot match without: its longest plain text.
 * Runs in: every program that loads rules.  Trusts: nothing.  Owns: nothing.
 *
 * Only the top level of the pattern is read; groups and classes are passed
 * over. Whenever it is not sure, it says "none": the index then tries the
 * rule on every call, which is slow and right.
 */
#include "regex.h"

#include <string.h>

struct scan {
	struct str p;
	size_t at;
	char run[REGEX_PATTERN_MAX];
	size_t run_len;
	char *best;
	size_t best_len;
};

static void
end_run(struct scan *s)
{
	if (s->run_len > s->best_len) {
		memcpy(s->best, s->run, s->run_len);
		s->best_len = s->run_len;
	}
	s->run_len = 0;
}

size_t
regex_class_end(struct str p, size_t i)
{
	i++;
	if (i < p.len && p.s[i] == '^')
		i++;
	if (i < p.len && p.s[i] == ']')
		i++;
	while (i < p.len && p.s[i] != ']') {
		if (p.s[i] == '\\')
			i++;
		else if (p.s[i] == '[' && i + 1 < p.len && p.s[i + 1] == ':')
			i += str_search(str_from(p, i), STR(":]"));
		i++;
	}
	return i < p.len ? i + 1 : p.len;
}

/* The offset behind the group that begins at i. */
static size_t
skip_group(struct str p, size_t i)
{
	size_t depth = 0;

	while (i < p.len) {
		if (p.s[i] == '[') {
			i = regex_class_end(p, i);
			continue;
		}
		if (p.s[i] == '\\')
			i++;
		else if (p.s[i] == '(')
			depth++;
		else if (p.s[i] == ')' && --depth == 0)
			return i + 1;
		i++;
	}
	return p.len;
}

static bool
is_punctuation(char c)
{
	return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') ||
	    (c >= '[' && c <= '`') || (c >= '{' && c <= '~') || c == ' ';
}

/* How often may what precedes occur? */
enum repeat {
	REPEAT_ONCE,
	REPEAT_SOME, /* + or {1,...}: at least once */
	REPEAT_MAYBE, /* ? * {: perhaps not at all */
};

/* Passes over a quantifier. */
static enum repeat
quantifier(struct scan *s)
{
	const struct str rest = str_from(s->p, s->at);
	enum repeat r = REPEAT_MAYBE;

	if (rest.len == 0)
		return REPEAT_ONCE;
	if (rest.s[0] == '{')
		s->at += str_find(rest, '}') + 1;
	else if (rest.s[0] == '+' || rest.s[0] == '*' || rest.s[0] == '?')
		s->at++;
	else
		return REPEAT_ONCE;
	if (rest.s[0] == '+')
		r = REPEAT_SOME;
	if (s->at < s->p.len && (s->p.s[s->at] == '?' || s->p.s[s->at] == '+'))
		s->at++;
	return r;
}

static void
plain(struct scan *s, char c)
{
	const enum repeat r = quantifier(s);

	if (r != REPEAT_MAYBE)
		s->run[s->run_len++] = c;
	if (r != REPEAT_ONCE)
		end_run(s);
}

/* Anything that is not a plain character: ends the run. */
static void
opaque(struct scan *s, size_t end)
{
	end_run(s);
	s->at = end;
	(void)quantifier(s);
}

/* False: give up, nothing is certain. */
static bool
one(struct scan *s)
{
	const struct str p = s->p;
	const char c = p.s[s->at];

	if (c == '|' || (unsigned char)c >= 0x80)
		return false;
	if (c == '(') {
		/* Flags in a group, such as (?i), change what follows. */
		if (str_starts(str_from(p, s->at), STR("(?")) &&
		    !str_starts(str_from(p, s->at), STR("(?:")))
			return false;
		opaque(s, skip_group(p, s->at));
	} else if (c == '[') {
		opaque(s, regex_class_end(p, s->at));
	} else if (c == '.') {
		opaque(s, s->at + 1);
	} else if (c == '^' || c == '$') {
		s->at++;
	} else if (c == '\\') {
		if (s->at + 1 >= p.len)
			return false;
		const char x = p.s[s->at + 1];

		if (strchr("bBdDwWsSAzZhHvVRX", x) != NULL) {
			opaque(s, s->at + 2);
		} else if (is_punctuation(x)) {
			s->at += 2;
			plain(s, x);
		} else {
			return false;
		}
	} else {
		s->at++;
		plain(s, c);
	}
	return true;
}

size_t
regex_literal(struct str pattern, char *ret)
{
	struct scan s = { .p = pattern, .best = ret };

	if (pattern.len > REGEX_PATTERN_MAX)
		return 0;
	while (s.at < pattern.len) {
		if (!one(&s))
			return 0;
	}
	end_run(&s);
	return s.best_len;
}

size_t
regex_prefix(struct str pattern, char *ret)
{
	struct scan s = { .p = pattern, .best = ret };

	if (pattern.len > REGEX_PATTERN_MAX)
		return 0;
	/* An alternative at the top, or a flag, makes nothing certain. */
	if (regex_literal(pattern, ret) == 0)
		return 0;
	while (s.at < pattern.len && pattern.s[s.at] == '^')
		s.at++;
	while (s.at < pattern.len) {
		const size_t before = s.run_len;

		if (!one(&s))
			return 0;
		if (s.best_len > 0 || s.run_len == before)
			break;
	}
	end_run(&s);
	return s.best_len;
}
