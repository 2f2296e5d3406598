/*
 * What kind of place a path is, by lists that are data.
 * Runs in: engine, assent.  Trusts: the shipped lists.  Owns: their copy.
 */
#include "paths.h"

#define PATH_PARTS_MAX 128
#define PATTERN_PARTS_MAX 16

enum list_id {
	LIST_SECRET,
	LIST_PUBLIC, /* exceptions from secret */
	LIST_PROTECTED,
	LIST_STARTUP,
	LIST_OWN,
	LIST_MANIFEST,
	LIST_GENERATED,
	LIST_SYSTEM,
	LIST_TEMP,
	LIST_SINK,
	LIST_DEVICE,
};

static const char *const list_names[] = {
	[LIST_SECRET] = "secret",
	[LIST_PUBLIC] = "public",
	[LIST_PROTECTED] = "protected",
	[LIST_STARTUP] = "startup",
	[LIST_OWN] = "own",
	[LIST_MANIFEST] = "manifest",
	[LIST_GENERATED] = "generated",
	[LIST_SYSTEM] = "system",
	[LIST_TEMP] = "temp",
	[LIST_SINK] = "sink",
	[LIST_DEVICE] = "device",
};
#define LIST_COUNT ARRAY_LEN(list_names)

enum anchor {
	ANCHOR_ANY, /* at any depth */
	ANCHOR_ROOT,
	ANCHOR_HOME, /* of anybody */
	ANCHOR_WORKSPACE,
};

struct pattern {
	enum anchor anchor;
	bool tree; /* ends in a double star: the folder and all beneath */
	size_t count;
	struct str *parts;
	unsigned char lead; /* what the first part starts with; 0: a pattern */
	unsigned char tail; /* what the first part ends with; 0: a pattern */
};

#define LEADS 128 /* leads that differ by 128 share a range */

struct list {
	struct pattern *patterns; /* by anchor, then by lead */
	size_t count, cap;
	/* where the patterns of an anchor and a lead begin; they end where the
	 * next ones do */
	uint16_t starts[ANCHOR_WORKSPACE + 1][LEADS];
	uint16_t ends[ANCHOR_WORKSPACE + 1][LEADS];
	uint16_t from[ANCHOR_WORKSPACE + 2]; /* where an anchor begins */
};

struct paths {
	struct arena *arena;
	struct list lists[LIST_COUNT];
};

/* A path as components; those with globs are marked. */
struct split {
	struct str part[PATH_PARTS_MAX];
	bool glob[PATH_PARTS_MAX];
	unsigned char lead[PATH_PARTS_MAX]; /* lower case; 0: a pattern */
	unsigned char tail[PATH_PARTS_MAX]; /* the same of the last one */
	size_t count;
	bool any_glob;
	size_t home; /* components of a home that it is in, 0: none */
	size_t workspace; /* components of the workspace, SIZE_MAX: outside */
};

#define PATHS_ARENA_MAX ((size_t)1 << 20)

struct paths *
paths_new(void)
{
	struct paths *p = mem_new(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->arena = arena_new(PATHS_ARENA_MAX);
	if (p->arena == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

void
paths_free(struct paths *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < LIST_COUNT; i++)
		free(p->lists[i].patterns);
	arena_free(p->arena);
	free(p);
}

size_t
paths_bytes(const struct paths *p)
{
	size_t n = sizeof(*p) + arena_used(p->arena);

	for (size_t i = 0; i < LIST_COUNT; i++)
		n += p->lists[i].cap * sizeof(struct pattern);
	return n;
}

/* A character in lower case; 0 when patterns is set and it is one. */
static unsigned char
plain_char(char c, bool patterns)
{
	if (patterns && (c == '*' || c == '?' || c == '[' || c == ']'))
		return 0;
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a')
				    : (unsigned char)c;
}

/* Of the first and of the last character of a name. */
static unsigned char
lead_of(struct str name, bool patterns)
{
	return name.len > 0 ? plain_char(name.s[0], patterns) : 0;
}

static unsigned char
tail_of(struct str name, bool patterns)
{
	return name.len > 0 ? plain_char(name.s[name.len - 1], patterns) : 0;
}

/* Cuts "~/a/b", "/a/b", "$workspace/a" or "a/b" into a pattern. */
static bool
pattern_parse(struct arena *a, struct str text, struct pattern *ret)
{
	struct str parts[PATTERN_PARTS_MAX];
	size_t n = 0;

	*ret = (struct pattern){ .anchor = ANCHOR_ANY };
	if (str_starts(text, STR("~/"))) {
		ret->anchor = ANCHOR_HOME;
		text = str_from(text, 2);
	} else if (str_starts(text, STR("$workspace/"))) {
		ret->anchor = ANCHOR_WORKSPACE;
		text = str_from(text, 11);
	} else if (str_starts(text, STR("/"))) {
		ret->anchor = ANCHOR_ROOT;
		text = str_from(text, 1);
	}
	while (text.len > 0) {
		const struct str name = str_cut(&text, '/');

		if (name.len == 0 || n == PATTERN_PARTS_MAX)
			return false;
		if (str_eq(name, STR("**"))) {
			if (text.len > 0)
				return false;
			ret->tree = true;
			break;
		}
		parts[n++] = name;
	}
	if (n == 0 && !ret->tree)
		return false;
	ret->parts = arena_array(a, n, sizeof(*ret->parts));
	if (ret->parts == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		char *copy = arena_strndup(a, parts[i].s, parts[i].len);

		if (copy == NULL)
			return false;
		ret->parts[i] = str_of(copy);
	}
	ret->count = n;
	if (n > 0) {
		ret->lead = lead_of(ret->parts[0], true);
		ret->tail = tail_of(ret->parts[0], true);
	}
	return true;
}

static int
by_anchor_and_lead(const void *a, const void *b)
{
	const struct pattern *x = a, *y = b;

	if (x->anchor != y->anchor)
		return x->anchor < y->anchor ? -1 : 1;
	return x->lead % LEADS - y->lead % LEADS;
}

static void
list_index(struct list *l)
{
	size_t at = 0;

	memset(l->starts, 0, sizeof(l->starts));
	memset(l->ends, 0, sizeof(l->ends));
	if (l->count > 0)
		qsort(l->patterns, l->count, sizeof(*l->patterns),
		    by_anchor_and_lead);
	for (unsigned a = 0; a < ARRAY_LEN(l->from); a++) {
		while (at < l->count && l->patterns[at].anchor < a)
			at++;
		l->from[a] = (uint16_t)at;
	}
	for (size_t i = l->count; i > 0; i--) {
		const struct pattern *p = &l->patterns[i - 1];
		const unsigned lead = p->lead % LEADS;

		if (l->ends[p->anchor][lead] == 0)
			l->ends[p->anchor][lead] = (uint16_t)i;
		l->starts[p->anchor][lead] = (uint16_t)(i - 1);
	}
}

static int
list_load(struct paths *p, struct list *l, const struct yaml *items,
    struct diags *d, struct err *e)
{
	if (items->kind != YAML_LIST) {
		yaml_diag(d, items, DIAG_ERROR, "E101", NULL,
		    "a list of path patterns is expected");
		return err_set(e, ERR_INVALID, "not a list of patterns");
	}
	for (size_t i = 0; i < items->count; i++) {
		struct pattern pat;

		if (mem_grow(&l->patterns, &l->cap, l->count + 1,
			sizeof(*l->patterns)) != 0)
			return err_nomem(e);
		if (!pattern_parse(p->arena, items->items[i].text, &pat)) {
			yaml_diag(d, &items->items[i], DIAG_ERROR, "E102",
			    "write ~/name, /name, $workspace/name or name; ** "
			    "only at the end",
			    "'%.*s' is not a path pattern",
			    STR_ARG(items->items[i].text));
			return err_set(e, ERR_INVALID, "bad path pattern");
		}
		if (l->count == UINT16_MAX)
			return err_set(e, ERR_LIMIT, "too many path patterns");
		l->patterns[l->count++] = pat;
	}
	list_index(l);
	return ERR_OK;
}

int
paths_load(
    struct paths *p, const struct yaml *root, struct diags *d, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; i < root->count && r == ERR_OK; i++) {
		const struct str key = root->keys[i].text;
		size_t id = 0;

		if (str_eq(key, STR("assent-places")))
			continue;
		while (id < LIST_COUNT && !str_eqz(key, list_names[id]))
			id++;
		if (id == LIST_COUNT) {
			yaml_diag(d, &root->keys[i], DIAG_ERROR, "E103", NULL,
			    "unknown list '%.*s'", STR_ARG(key));
			return err_set(e, ERR_INVALID, "unknown list");
		}
		r = list_load(p, &p->lists[id], &root->items[i], d, e);
	}
	return r;
}

/* Characters, sets and question marks before the first star (or, from the
 * end, behind the last), and in all. */
static size_t
units_at_end(struct str glob, bool front)
{
	size_t n = 0;
	size_t i = 0;

	while (i < glob.len && glob.s[i] != '*') {
		i +=
		    glob.s[i] == '[' ? str_find(str_from(glob, i), ']') + 1 : 1;
		n++;
	}
	if (front || i >= glob.len)
		return n;
	for (n = 0, i = glob.len; i > 0 && glob.s[i - 1] != '*'; i--)
		n++;
	return n;
}

static size_t
units_of(struct str glob)
{
	size_t n = 0;

	for (size_t i = 0; i < glob.len; n++) {
		if (glob.s[i] == '*') {
			n--;
			i++;
		} else if (glob.s[i] == '[') {
			i += str_find(str_from(glob, i), ']') + 1;
		} else {
			i++;
		}
	}
	return n;
}

/* A glob that a person would write to reach this very name: it begins as the
 * name does, or ends so and tells half of it. Not the bare star, nor a star
 * with an extension that many names have. */
static bool
aimed_at(struct str glob, struct str name)
{
	const size_t want = units_of(name);

	if (units_at_end(glob, true) >= 2 && units_at_end(name, true) >= 2)
		return true;
	if (units_at_end(glob, false) > 0 && units_at_end(name, false) > 0 &&
	    2 * units_at_end(glob, false) >= want)
		return true;
	return want == 0 ||
	    (str_find(name, '*') == name.len && 2 * units_of(glob) >= want);
}

/* whole: every name that a glob matches must be in the list. */
static bool
part_matches(struct str pattern, struct str part, bool glob, bool whole)
{
	if (glob && !whole)
		return aimed_at(part, pattern) &&
		    path_globs_meet(pattern, part);
	if (pattern.len > 0 && pattern.s[0] != '*' && pattern.s[0] != '[' &&
	    part.len > 0 && (pattern.s[0] | 0x20) != (part.s[0] | 0x20))
		return false;
	return path_glob_match(pattern, part, !whole);
}

enum match {
	MATCH_NONE,
	MATCH_ABOVE, /* the path is a folder above the place */
	MATCH_AT,
};

static enum match
match_at(
    const struct pattern *p, const struct split *s, size_t from, bool whole)
{
	size_t i = 0;

	if (from < s->count && p->lead != 0 && s->lead[from] != 0 &&
	    p->lead != s->lead[from])
		return MATCH_NONE;
	if (from < s->count && p->tail != 0 && s->tail[from] != 0 &&
	    p->tail != s->tail[from])
		return MATCH_NONE;
	for (; i < p->count && from + i < s->count; i++) {
		if (!part_matches(p->parts[i], s->part[from + i],
			s->glob[from + i], whole))
			return MATCH_NONE;
	}
	if (i < p->count)
		return MATCH_ABOVE;
	return p->tree || from + i == s->count ? MATCH_AT : MATCH_NONE;
}

struct search {
	const struct list *list;
	const struct split *path;
	bool whole;
};

/* The best match of the patterns lo to hi, from this component on. */
static enum match
match_range(const struct search *q, size_t lo, size_t hi, size_t from)
{
	enum match best = MATCH_NONE;

	for (size_t i = lo; i < hi && best != MATCH_AT; i++) {
		const enum match m =
		    match_at(&q->list->patterns[i], q->path, from, q->whole);

		if (m > best)
			best = m;
	}
	return best;
}

/* The best match of the patterns with this anchor: only those that may begin
 * as the component does are tried. */
static enum match
match_from(const struct search *q, enum anchor anchor, size_t from)
{
	const struct list *l = q->list;
	const unsigned lead =
	    from < q->path->count ? q->path->lead[from] % LEADS : 0;
	enum match best, m;

	if (lead == 0)
		return match_range(
		    q, l->from[anchor], l->from[anchor + 1], from);
	best = match_range(q, l->starts[anchor][0], l->ends[anchor][0], from);
	m = match_range(
	    q, l->starts[anchor][lead], l->ends[anchor][lead], from);
	return m > best ? m : best;
}

static enum match
match_any(const struct search *q)
{
	for (size_t from = 0; from < q->path->count; from++) {
		if (match_from(q, ANCHOR_ANY, from) == MATCH_AT)
			return MATCH_AT;
	}
	return MATCH_NONE;
}

static enum match
match_home(const struct search *q)
{
	const struct split *s = q->path;
	const struct list *l = q->list;

	if (s->home > 0)
		return match_from(q, ANCHOR_HOME, s->home);
	/* "/" and "/home" are above every home. */
	if ((s->count == 0 ||
		(s->count == 1 &&
		    (str_eq(s->part[0], STR("home")) ||
			str_eq(s->part[0], STR("Users"))))) &&
	    l->from[ANCHOR_HOME] < l->from[ANCHOR_HOME + 1])
		return MATCH_ABOVE;
	return MATCH_NONE;
}

static enum match
list_match(const struct paths *p, enum list_id id, const struct split *s)
{
	const struct search q = {
		.list = &p->lists[id],
		.path = s,
		.whole = id == LIST_PUBLIC || id == LIST_GENERATED ||
		    id == LIST_TEMP || id == LIST_SINK,
	};
	enum match best = match_from(&q, ANCHOR_ROOT, 0), m;

	m = best == MATCH_AT ? best : match_home(&q);
	best = m > best ? m : best;
	if (best != MATCH_AT && s->workspace != SIZE_MAX) {
		m = match_from(&q, ANCHOR_WORKSPACE, s->workspace);
		best = m > best ? m : best;
	}
	return best != MATCH_AT && match_any(&q) == MATCH_AT ? MATCH_AT : best;
}

static size_t
parts_of(const char *folded)
{
	size_t n = 0;

	for (const char *c = folded; *c != '\0'; c++)
		n += *c == '/' && c[1] != '\0' ? 1 : 0;
	return n;
}

/* How many components of the path are somebody's home. */
static size_t
home_parts(const struct split *s, const char *abs, const char *home)
{
	if (home != NULL && path_beneath(abs, home))
		return parts_of(home);
	if (s->count >= 1 && str_eq(s->part[0], STR("root")))
		return 1;
	if (s->count >= 2 &&
	    (str_eq(s->part[0], STR("home")) ||
		str_eq(s->part[0], STR("Users"))))
		return 2;
	return 0;
}

static bool
split_path(
    struct split *s, const char *abs, const struct path_place *at, bool glob)
{
	struct str rest = str_of(abs);

	s->count = 0;
	s->any_glob = false;
	while (rest.len > 0) {
		const struct str name = str_cut(&rest, '/');

		if (name.len == 0)
			continue;
		if (s->count == PATH_PARTS_MAX)
			return false;
		s->glob[s->count] = glob &&
		    (memchr(name.s, '*', name.len) ||
			memchr(name.s, '?', name.len) ||
			memchr(name.s, '[', name.len));
		s->any_glob = s->any_glob || s->glob[s->count];
		s->lead[s->count] = lead_of(name, s->glob[s->count]);
		s->tail[s->count] = tail_of(name, s->glob[s->count]);
		s->part[s->count++] = name;
	}
	s->home = home_parts(s, abs, at->home);
	s->workspace = SIZE_MAX;
	if (at->workspace != NULL && path_beneath(abs, at->workspace))
		s->workspace = parts_of(at->workspace);
	return true;
}

static enum path_class
base_class(const struct paths *p, const struct split *s)
{
	if (s->workspace != SIZE_MAX)
		return PATH_WORKSPACE;
	if (list_match(p, LIST_TEMP, s) == MATCH_AT)
		return PATH_TEMP;
	if (s->home > 0)
		return PATH_HOME;
	if (s->count == 0 || list_match(p, LIST_SYSTEM, s) == MATCH_AT)
		return PATH_SYSTEM;
	return PATH_OUTSIDE;
}

/* A place whose loss is a catastrophe, or all that is in it by a glob. */
static bool
is_root(const struct split *s, enum path_class base)
{
	size_t n = s->count;

	while (n > 0 && s->glob[n - 1])
		n--;
	if (n < s->count && s->part[n].len > 2)
		n = s->count; /* "*.o" is not everything */
	if (n == 0 || (s->workspace != SIZE_MAX && n <= s->workspace))
		return true;
	if (n == 1)
		return base == PATH_SYSTEM || base == PATH_TEMP ||
		    base == PATH_HOME || str_eq(s->part[0], STR("home"));
	return s->home > 0 && n <= s->home;
}

static void
judge_split(
    const struct paths *p, const struct split *s, struct path_facts *ret)
{
	enum match m;

	ret->base = base_class(p, s);
	ret->in_workspace = s->workspace != SIZE_MAX;
	ret->glob = s->any_glob;
	ret->root = is_root(s, ret->base);
	m = list_match(p, LIST_SECRET, s);
	ret->template =
	    m == MATCH_AT && list_match(p, LIST_PUBLIC, s) == MATCH_AT;
	ret->secret = m == MATCH_AT && !ret->template;
	ret->holds_secrets = m == MATCH_ABOVE;
	ret->startup = list_match(p, LIST_STARTUP, s) == MATCH_AT;
	ret->own = list_match(p, LIST_OWN, s) == MATCH_AT;
	m = list_match(p, LIST_PROTECTED, s);
	ret->protected = m == MATCH_AT || ret->startup || ret->own;
	ret->holds_protected = m == MATCH_ABOVE;
	if (ret->in_workspace) {
		ret->generated = list_match(p, LIST_GENERATED, s) == MATCH_AT;
		ret->manifest = list_match(p, LIST_MANIFEST, s) == MATCH_AT;
	} else if (s->count > 0 &&
	    (str_eq(s->part[0], STR("dev")) ||
		str_eq(s->part[0], STR("proc")))) {
		ret->sink = list_match(p, LIST_SINK, s) == MATCH_AT;
		ret->device =
		    !ret->sink && list_match(p, LIST_DEVICE, s) == MATCH_AT;
	}
}

/* "~", "~/x" and "~user/x" as absolute text; others as they are. */
static struct str
expand_home(struct arena *arena, const struct path_place *at, struct str path,
    bool *known)
{
	struct str rest = path;
	struct str user;
	AUTO_BUF struct buf b = BUF_INIT(2 * PATH_BYTES_MAX);
	char *copy;

	*known = true;
	if (path.len == 0 || path.s[0] != '~')
		return path;
	user = str_from(str_cut(&rest, '/'), 1);
	*known = false;
	if (user.len == 0 && at->home == NULL)
		return path;
	if (user.len > 0 && (user.s[0] == '+' || user.s[0] == '-'))
		return path;
	if (user.len == 0) {
		buf_puts(&b, at->home);
	} else if (str_eq(user, STR("root"))) {
		buf_puts(&b, "/root");
	} else {
		buf_puts(&b, "/home/");
		buf_put_str(&b, user);
	}
	buf_putc(&b, '/');
	buf_put_str(&b, rest);
	if (buf_done(&b, NULL) != 0)
		return path;
	copy = arena_strndup(arena, b.s, b.len);
	*known = copy != NULL;
	return copy == NULL ? path : str_n(copy, b.len);
}

int
paths_judge(const struct paths *p, const struct path_place *at, struct str path,
    bool glob, struct arena *arena, struct path_facts *ret)
{
	struct split s;
	bool known;
	const char *abs;

	*ret = (struct path_facts){ .base = PATH_UNKNOWN, .abs = "" };
	path = expand_home(arena, at, path, &known);
	if (!known || path.len == 0)
		return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
	abs = path_fold(arena, at->cwd, path);
	if (arena_failed(arena))
		return ERR_NOMEM;
	if (abs == NULL || !split_path(&s, abs, at, glob))
		return ERR_OK;
	ret->abs = abs;
	judge_split(p, &s, ret);
	return ERR_OK;
}

enum path_class
paths_class(const struct path_facts *f, bool writing)
{
	if (writing && f->protected)
		return PATH_PROTECTED;
	if (f->secret)
		return PATH_SECRET;
	return f->base;
}
