#ifndef BASE_JSONW_H
#define BASE_JSONW_H
/*
 * Write JSON into a buf. (Reading is jansson's work: model/json_in.h.)
 *
 *     struct jsonw w = jsonw_on(&out);
 *     jsonw_object(&w);
 *     jsonw_key(&w, "id");  jsonw_str(&w, STR("act_1"));
 *     jsonw_end(&w);
 *
 * Commas are its work. Text that is not UTF-8 is written with U+FFFD for each
 * bad byte and NUL, hidden characters as escapes (I8). Nesting beyond JSONW_DEPTH_MAX
 * is an assertion failure.
 */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define JSONW_DEPTH_MAX 32

struct jsonw {
	struct buf *out;
	unsigned depth;
	bool first, after_key;
	char close[JSONW_DEPTH_MAX];
};

struct jsonw jsonw_on(struct buf *out);
void jsonw_object(struct jsonw *w);
void jsonw_array(struct jsonw *w);
/* Ends the innermost object or array. */
void jsonw_end(struct jsonw *w);
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_key_str(struct jsonw *w, struct str key);
void jsonw_str(struct jsonw *w, struct str s);
/* NULL is written as null. */
void jsonw_cstr(struct jsonw *w, const char *s);
void jsonw_int(struct jsonw *w, int64_t v);
void jsonw_uint(struct jsonw *w, uint64_t v);
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_null(struct jsonw *w);
void jsonw_hex(struct jsonw *w, const void *bytes, size_t len);
/* RFC 3339; 0 is written as null. */
void jsonw_time(struct jsonw *w, int64_t realtime_ns);
/* text that is JSON already, from our own writer. */
void jsonw_raw(struct jsonw *w, struct str json);

/* key and value in one call, as most objects need it. */
void jsonw_kstr(struct jsonw *w, const char *key, const char *s);
void jsonw_kint(struct jsonw *w, const char *key, int64_t v);
void jsonw_kbool(struct jsonw *w, const char *key, bool v);
/* An array of texts. */
void jsonw_kstrs(
    struct jsonw *w, const char *key, const char *const *list, size_t count);

#endif
