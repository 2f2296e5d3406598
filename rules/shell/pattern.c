/*
 * Patterns of ${x#p} and its relatives, as far as they are simple: literal
 * text, '*' and '?'; a backslash makes the next character literal.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

bool
pattern_simple(struct str pattern)
{
	for (size_t i = 0; i < pattern.len; i++) {
		if (pattern.s[i] == '\\')
			i++;
		else if (pattern.s[i] == '[' || pattern.s[i] == '(')
			return false;
	}
	return true;
}

/* The whole text against the whole pattern, with one point to return to. */
bool
pattern_match(struct str pattern, struct str text)
{
	size_t p = 0, t = 0;
	size_t star = SIZE_MAX, star_text = 0;

	while (t < text.len) {
		const bool escape = p + 1 < pattern.len && pattern.s[p] == '\\';
		const size_t at = escape ? p + 1 : p;

		if (p < pattern.len && !escape && pattern.s[p] == '*') {
			star = ++p;
			star_text = t;
		} else if (p < pattern.len &&
		    (pattern.s[at] == text.s[t] ||
			(!escape && pattern.s[p] == '?'))) {
			p = at + 1;
			t++;
		} else if (star != SIZE_MAX) {
			p = star;
			t = ++star_text;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.s[p] == '*')
		p++;
	return p == pattern.len;
}
