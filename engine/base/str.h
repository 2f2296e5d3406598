#ifndef BASE_STR_H
#define BASE_STR_H
/*
 * struct str: borrowed text with a length; never NUL-ended by promise.
 *
 *     struct str w = STR("git");
 *     if (str_eq(w, STR("git"))) ...
 *     printf("%.*s", STR_ARG(w));
 */
#include <stdbool.h>
#include <stddef.h>

struct str {
	const char *s;
	size_t len;
};

#define STR(lit) ((struct str){ .s = "" lit, .len = sizeof(lit) - 1 })
#define STR_NONE ((struct str){ .s = NULL, .len = 0 })
#define STR_ARG(v) ((int)(v).len), ((v).s == NULL ? "" : (v).s)

/* A view of a C string; NULL gives the empty view. */
struct str str_of(const char *s);
struct str str_n(const char *s, size_t len);
bool str_eq(struct str a, struct str b);
bool str_eqz(struct str a, const char *b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* bytewise order, as memcmp; shorter first when one is a prefix. */
int str_cmp(struct str a, struct str b);
/* The byte at i, or NUL beyond the end. */
char str_at(struct str s, size_t i);
/* The rest from offset on (empty beyond the end). */
struct str str_from(struct str s, size_t offset);
/* The first n bytes at most. */
struct str str_head(struct str s, size_t n);
/* Offset of the first c, or s.len when there is none. */
size_t str_find(struct str s, char c);
/* Offset of the last c, or s.len when there is none. */
size_t str_rfind(struct str s, char c);
/* Offset of the first needle, or s.len when there is none. */
size_t str_search(struct str s, struct str needle);
/* The same, whatever the case of ASCII letters. */
size_t str_search_nocase(struct str s, struct str needle);
/* Cuts *s at the first sep: returns what is before, *s is what follows. */
struct str str_cut(struct str *s, char sep);
struct str str_trim(struct str s);
bool str_is_one_of(struct str s, const char *const *names, size_t count);
/* Nothing but 0 to 9, and at least one of them. */
bool str_is_digits(struct str s);
/* Bytes of the whole lines that both begin with, and that both end with. A
 * last line without a newline is one of the second only. */
size_t str_same_head_lines(struct str a, struct str b);
size_t str_same_tail_lines(struct str a, struct str b);

#endif
