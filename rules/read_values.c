/*
 * Values of keys: text, words, numbers, dates, lists, globs.
 * Runs in: every program that loads rules.  Trusts: nothing in the file.
 * Owns: nothing; results are in the loader's arena.
 */
#include <ctype.h>
#include <pwd.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "schema.h"

#define PASSWD_BYTES 8192

bool
ld_is_text(struct loader *ld, const char *name, const struct yaml *v)
{
	if (v->kind != YAML_SCALAR) {
		ld_error(ld, v, "E021",
		    "write one value, without '[', '{' and '-'",
		    "'%s' takes text, not a %s", name,
		    v->kind == YAML_MAP ? "map" : "list");
		return false;
	}
	if (v->text.len == 0 && !v->quoted) {
		ld_error(ld, v, "E021", "write its value behind the ':'",
		    "'%s' has no value", name);
		return false;
	}
	return true;
}

void
read_version(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	unsigned *version = to;

	if (!ld_is_text(ld, k->name, v))
		return;
	if (!str_eqz(v->text, "1"))
		ld_error(ld, v, "E039",
		    "this program reads version 1; write 'assent: 1'",
		    "unknown version '%.*s' of the rule language",
		    STR_ARG(v->text));
	*version = RULE_LANGUAGE_VERSION;
}

void
read_id(struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	const char **id = to;

	if (!ld_is_text(ld, k->name, v))
		return;
	for (size_t i = 0; i < v->text.len; i++) {
		const char c = v->text.s[i];

		if (!islower((unsigned char)c) && !isdigit((unsigned char)c) &&
		    (i == 0 || strchr("._-", c) == NULL)) {
			ld_error(ld, v, "E024",
			    "use a-z, 0-9, '.', '_' and '-', a letter or "
			    "digit first",
			    "'%.*s' is no id", STR_ARG(v->text));
			return;
		}
	}
	if (v->text.len > RULE_ID_MAX) {
		ld_error(ld, v, "E024", "shorten it",
		    "an id has at most %d bytes", RULE_ID_MAX);
		return;
	}
	*id = ld_strdup(ld, v->text);
}

void
read_text(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	const char **text = to;

	if (!ld_is_text(ld, k->name, v))
		return;
	if (v->text.len > RULE_TEXT_MAX)
		ld_error(ld, v, "E021", "shorten it",
		    "'%s' has at most %d bytes", k->name, RULE_TEXT_MAX);
	*text = ld_strdup(ld, v->text);
}

void
read_bool(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	bool *b = to;

	if (!ld_is_text(ld, k->name, v))
		return;
	if (v->quoted ||
	    (!str_eqz(v->text, "true") && !str_eqz(v->text, "false")))
		ld_error(ld, v, "E023", "write true or false",
		    "'%.*s' is neither true nor false", STR_ARG(v->text));
	*b = str_eqz(v->text, "true");
}

/* "allow, review, ask or deny", for a hint. */
static const char *
words_hint(struct loader *ld, struct str word, const struct words *w)
{
	const char *near = ld_nearest(ld, word, w->v + 1, w->count - 1);
	AUTO_BUF struct buf b = BUF_INIT(RULE_TEXT_MAX);

	if (near != NULL)
		return near;
	buf_puts(&b, "one of: ");
	for (size_t i = 1; i < w->count; i++)
		buf_printf(&b, "%s%s", i > 1 ? ", " : "", w->v[i]);
	return ld_strdup(ld, buf_str(&b));
}

unsigned
ld_word(struct loader *ld, const char *name, const struct words *w,
    const struct yaml *v)
{
	if (!ld_is_text(ld, name, v))
		return 0;
	const size_t at = word_index(v->text, w->v, w->count);

	if (at < w->count)
		return (unsigned)at;
	ld_error(ld, v, "E023", words_hint(ld, v->text, w),
	    "'%.*s' is no value of '%s'", STR_ARG(v->text), name);
	return 0;
}

void
read_word(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	unsigned *word = to;

	*word = ld_word(ld, k->name, k->words, v);
}

void
read_mask(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	unsigned *mask = to;
	struct nodes items;

	if (!ld_items(ld, k->name, v, &items))
		return;
	for (size_t i = 0; i < items.count; i++)
		*mask |= 1u << ld_word(ld, k->name, k->words, items.v[i]);
	*mask &= ~1u;
}

void
read_percent(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	unsigned *percent = to;
	uint64_t n;

	if (!ld_is_text(ld, k->name, v))
		return;
	if (num_parse_u64(v->text, 0, 100, &n) != 0) {
		ld_error(ld, v, "E033", "write for example 20",
		    "'%.*s' is no whole number from 0 to 100",
		    STR_ARG(v->text));
		return;
	}
	*percent = (unsigned)n;
}

/* The number in n digits at the offset, or -1. */
static int
number_at(struct str s, size_t at, size_t n)
{
	uint64_t v;

	if (at + n > s.len ||
	    num_parse_u64(str_n(s.s + at, n), 0, 9999, &v) != 0)
		return -1;
	return (int)v;
}

/* Are they one? The calendar's February has no 31st day. */
static bool
same_time(const struct tm *a, const struct tm *b)
{
	return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon &&
	    a->tm_mday == b->tm_mday && a->tm_hour == b->tm_hour &&
	    a->tm_min == b->tm_min && a->tm_sec == b->tm_sec;
}

/* 2027-03-01 or 2027-03-01T12:00:00Z; 0 when it is no date. */
static int64_t
date_of(struct str s)
{
	static const char form[] = "0000-00-00T00:00:00Z";
	struct tm tm = { 0 }, again;
	int64_t ns;

	if (s.len != 10 && s.len != sizeof(form) - 1)
		return 0;
	for (size_t i = 0; i < s.len; i++) {
		if (form[i] == '0' ? isdigit((unsigned char)s.s[i]) == 0
				   : s.s[i] != form[i])
			return 0;
	}
	tm.tm_year = number_at(s, 0, 4) - 1900;
	tm.tm_mon = number_at(s, 5, 2) - 1;
	tm.tm_mday = number_at(s, 8, 2);
	if (s.len > 10) {
		tm.tm_hour = number_at(s, 11, 2);
		tm.tm_min = number_at(s, 14, 2);
		tm.tm_sec = number_at(s, 17, 2);
	}
	const struct tm wanted = tm;
	const time_t t = timegm(&tm);

	if (t <= 0 || gmtime_r(&t, &again) == NULL ||
	    !same_time(&wanted, &again))
		return 0;
	/* Nanoseconds end in the year 2262. */
	return num_mul((int64_t)t, (int64_t)1000000000, &ns) ? ns : 0;
}

void
read_date(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	int64_t *at = to;

	if (!ld_is_text(ld, k->name, v))
		return;
	*at = date_of(v->text);
	if (*at == 0)
		ld_error(ld, v, "E032",
		    "write 2027-03-01 or 2027-03-01T12:00:00Z",
		    "'%.*s' is no date", STR_ARG(v->text));
}

void
read_node(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	const struct yaml **node = to;

	(void)ld;
	(void)k;
	*node = v;
}

void
read_map(struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	schema_read_map(ld, k->inner, v, to);
}

/* ---- lists ------------------------------------------------------------- */

/* "$name", unquoted; not "$workspace/x", which is a path. */
static bool
is_list_name(const struct yaml *v)
{
	if (v->kind != YAML_SCALAR || v->quoted || v->text.len < 2 ||
	    v->text.s[0] != '$')
		return false;
	return str_find(v->text, '/') == v->text.len &&
	    !str_eqz(v->text, "$workspace") && !str_eqz(v->text, "$home");
}

static struct rule_list *
find_list(struct rule_file *f, struct str name)
{
	for (size_t i = 0; i < f->list_count; i++) {
		if (str_eq(f->lists[i].name, name))
			return &f->lists[i];
	}
	return NULL;
}

static const char *
list_hint(struct loader *ld, struct str name)
{
	const struct rule_file *f = ld->file;
	const char **names = ld_alloc(ld, f->list_count + 1, sizeof(char *));

	for (size_t i = 0; names != NULL && i < f->list_count; i++)
		names[i] = ld_strdup(ld, f->lists[i].name);
	if (names == NULL || f->list_count == 0)
		return "lists: is empty in this file";
	return ld_nearest(ld, name, names, f->list_count);
}

static bool
add_item(struct loader *ld, struct nodes *ret, const struct yaml *v)
{
	if (ret->count >= RULE_LIST_MAX) {
		ld_error(
		    ld, v, "E042", NULL, "more than %d items", RULE_LIST_MAX);
		return false;
	}
	ret->v[ret->count++] = v;
	return true;
}

static size_t
count_items(struct loader *ld, const struct yaml *v)
{
	const struct rule_list *l;
	size_t n = 0;

	if (v->kind != YAML_LIST && !is_list_name(v))
		return 1;
	if (v->kind == YAML_LIST) {
		for (size_t i = 0; i < v->count; i++)
			n += v->items[i].kind == YAML_LIST
			    ? 1
			    : count_items(ld, &v->items[i]);
		return n;
	}
	l = find_list(ld->file, str_from(v->text, 1));
	return l == NULL ? 1 : l->items->count;
}

static bool
splice(struct loader *ld, const struct yaml *v, struct nodes *ret)
{
	const struct str name = str_from(v->text, 1);
	struct rule_list *l = find_list(ld->file, name);

	if (l == NULL) {
		ld_error(ld, v, "E027", list_hint(ld, name),
		    "no list is called '%.*s'", STR_ARG(name));
		return false;
	}
	l->used = true;
	for (size_t i = 0; i < l->items->count; i++) {
		if (!add_item(ld, ret, &l->items->items[i]))
			return false;
	}
	return true;
}

bool
ld_items(struct loader *ld, const char *name, const struct yaml *v,
    struct nodes *ret)
{
	const struct yaml *items = v->kind == YAML_LIST ? v->items : v;
	const size_t count = v->kind == YAML_LIST ? v->count : 1;
	bool ok = true;

	*ret = (struct nodes){ 0 };
	if (v->kind == YAML_MAP) {
		ld_error(ld, v, "E021", "write [a, b, c]",
		    "'%s' takes text or a list", name);
		return false;
	}
	if (count == 0) {
		ld_error(ld, v, "E045", "leave the key out",
		    "'%s' is an empty list", name);
		return false;
	}
	ret->v = ld_alloc(ld, count_items(ld, v), sizeof(struct yaml *));
	if (ret->v == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (is_list_name(&items[i]))
			ok = splice(ld, &items[i], ret) && ok;
		else
			ok = add_item(ld, ret, &items[i]) && ok;
	}
	return ok && ret->count > 0;
}

bool
ld_glob(struct loader *ld, const struct yaml *v, enum glob_style style,
    struct glob *ret)
{
	struct err why = ERR_INIT;
	const char *copy = ld_strdup(ld, v->text);

	if (copy == NULL)
		return false;
	if (glob_init_keep(ret, str_n(copy, v->text.len), style, &why) != 0) {
		ld_error(ld, v, "E034", glob_hint(v->text), "%s", why.msg);
		return false;
	}
	return true;
}

static bool
path_is_anchored(struct str s)
{
	return s.len > 0 &&
	    (s.s[0] == '/' || s.s[0] == '*' || str_find(s, '/') < s.len ||
		str_eqz(s, "~") || s.s[0] == '$' || str_find(s, '.') < s.len);
}

static void
check_glob(struct loader *ld, const struct key *k, const struct yaml *v)
{
	if (k->kind == VALUE_GLOBS_PATH && !path_is_anchored(v->text))
		ld_warn(ld, v, "W034",
		    "write './name' or 'name/**' to make that clear",
		    "'%.*s' is a path below the workspace", STR_ARG(v->text));
	if (k->kind == VALUE_GLOBS_HOST &&
	    (str_find(v->text, '/') < v->text.len))
		ld_error(ld, v, "E034", "leave out the scheme and the path",
		    "'%.*s' is no host name", STR_ARG(v->text));
}

void
read_globs(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct globs *globs = to;
	struct nodes items;
	const enum glob_style style = k->kind == VALUE_GLOBS_PATH ? GLOB_PATH
	    : k->kind == VALUE_GLOBS_HOST                         ? GLOB_HOST
								  : GLOB_TEXT;

	if (!ld_items(ld, k->name, v, &items))
		return;
	globs->v = ld_alloc(ld, items.count, sizeof(struct glob));
	if (globs->v == NULL)
		return;
	for (size_t i = 0; i < items.count; i++) {
		if (!ld_is_text(ld, k->name, items.v[i]))
			continue;
		check_glob(ld, k, items.v[i]);
		if (ld_glob(ld, items.v[i], style, &globs->v[globs->count]))
			globs->count++;
	}
}

void
read_tags(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct texts *tags = to;
	struct nodes items;

	if (!ld_items(ld, k->name, v, &items))
		return;
	tags->v = ld_alloc(ld, items.count, sizeof(struct str));
	for (size_t i = 0; tags->v != NULL && i < items.count; i++) {
		if (!ld_is_text(ld, k->name, items.v[i]))
			continue;
		const char *copy = ld_strdup(ld, items.v[i]->text);

		tags->v[tags->count++] = str_of(copy);
	}
}

static bool
uid_of(const struct yaml *v, uid_t *ret)
{
	char name[256], bytes[PASSWD_BYTES];
	struct passwd pw, *found = NULL;
	uint64_t n;

	if (num_parse_u64(v->text, 0, UINT32_MAX - 1, &n) == 0) {
		*ret = (uid_t)n;
		return true;
	}
	if (v->text.len >= sizeof(name))
		return false;
	memcpy(name, v->text.s, v->text.len);
	name[v->text.len] = '\0';
	if (getpwnam_r(name, &pw, bytes, sizeof(bytes), &found) != 0 ||
	    found == NULL)
		return false;
	*ret = pw.pw_uid;
	return true;
}

void
read_users(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct users *users = to;
	struct nodes items;

	if (!ld_items(ld, k->name, v, &items))
		return;
	users->v = ld_alloc(ld, items.count, sizeof(uid_t));
	for (size_t i = 0; users->v != NULL && i < items.count; i++) {
		if (!ld_is_text(ld, k->name, items.v[i]))
			continue;
		if (uid_of(items.v[i], &users->v[users->count]))
			users->count++;
		else
			ld_error(ld, items.v[i], "E046",
			    "a login name of this machine, or a number",
			    "there is no user '%.*s'",
			    STR_ARG(items.v[i]->text));
	}
}
