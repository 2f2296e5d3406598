/*
 * Views of text.
 * Runs in: every program.  Trusts: nothing; lengths only.  Owns: nothing.
 */
#include "str.h"

#include <string.h>
#include <strings.h>

struct str
str_of(const char *s)
{
	return (struct str){ .s = s, .len = s == NULL ? 0 : strlen(s) };
}

struct str
str_n(const char *s, size_t len)
{
	return (struct str){ .s = s, .len = len };
}

bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

bool
str_eqz(struct str a, const char *b)
{
	return str_eq(a, str_of(b));
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_head(s, prefix.len), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	    str_eq(str_from(s, s.len - suffix.len), suffix);
}

int
str_cmp(struct str a, struct str b)
{
	const size_t n = a.len < b.len ? a.len : b.len;
	const int order = n == 0 ? 0 : memcmp(a.s, b.s, n);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

char
str_at(struct str s, size_t i)
{
	return i < s.len ? s.s[i] : '\0';
}

struct str
str_from(struct str s, size_t offset)
{
	if (offset >= s.len)
		return (struct str){ .s = s.s == NULL ? NULL : s.s + s.len };
	return (struct str){ .s = s.s + offset, .len = s.len - offset };
}

struct str
str_head(struct str s, size_t n)
{
	return (struct str){ .s = s.s, .len = n < s.len ? n : s.len };
}

size_t
str_find(struct str s, char c)
{
	const char *p = s.len == 0 ? NULL : memchr(s.s, c, s.len);

	return p == NULL ? s.len : (size_t)(p - s.s);
}

size_t
str_rfind(struct str s, char c)
{
	const char *p = s.len == 0 ? NULL : memrchr(s.s, c, s.len);

	return p == NULL ? s.len : (size_t)(p - s.s);
}

size_t
str_search(struct str s, struct str needle)
{
	const char *p;

	if (needle.len == 0)
		return 0;
	if (s.len < needle.len)
		return s.len;
	p = memmem(s.s, s.len, needle.s, needle.len);
	return p == NULL ? s.len : (size_t)(p - s.s);
}

size_t
str_search_nocase(struct str s, struct str needle)
{
	for (size_t i = 0; i + needle.len <= s.len; i++) {
		if (strncasecmp(s.s + i, needle.s, needle.len) == 0)
			return i;
	}
	return s.len;
}

struct str
str_cut(struct str *s, char sep)
{
	const size_t at = str_find(*s, sep);
	const struct str head = str_head(*s, at);

	*s = str_from(*s, at + 1);
	return head;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct str
str_trim(struct str s)
{
	while (s.len > 0 && is_blank(s.s[0]))
		s = str_from(s, 1);
	while (s.len > 0 && is_blank(s.s[s.len - 1]))
		s.len--;
	return s;
}

bool
str_is_one_of(struct str s, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eqz(s, names[i]))
			return true;
	}
	return false;
}

bool
str_is_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] < '0' || s.s[i] > '9')
			return false;
	}
	return s.len > 0;
}

size_t
str_same_head_lines(struct str a, struct str b)
{
	size_t end = 0;

	for (size_t i = 0; i < a.len && i < b.len && a.s[i] == b.s[i]; i++) {
		if (a.s[i] == '\n')
			end = i + 1;
	}
	return end;
}

size_t
str_same_tail_lines(struct str a, struct str b)
{
	size_t end = 0;

	for (size_t i = 1; i <= a.len && i <= b.len; i++) {
		if (a.s[a.len - i] != b.s[b.len - i])
			break;
		if ((i == a.len || a.s[a.len - i - 1] == '\n') &&
		    (i == b.len || b.s[b.len - i - 1] == '\n'))
			end = i;
	}
	return end;
}
