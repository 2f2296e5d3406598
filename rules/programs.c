/*
 * Programs as data: the files of rules/programs/ to tables.
 * Runs in: engine, assent.  Trusts: nothing in the files.  Owns: the tables.
 */
#include "programs.h"

#include "base/yaml.h"
#include "programs_int.h"

#define PROGRAMS_ARENA_MAX ((size_t)16 << 20)
#define YAML_ARENA_MAX ((size_t)64 << 20)
#define TABLE_SLOTS 8192 /* a power of two, above twice the names */
#define NAMES_MAX (TABLE_SLOTS / 2)
#define SUBS_MAX 400

struct word_list {
	struct str name;
	struct str *words; /* sorted */
	size_t count;
};

struct variable {
	struct str name;
	bool prefix;
	struct acts acts;
};

struct programs {
	struct arena *arena;
	struct paths *paths;
	struct {
		struct str name;
		struct entry *entry;
	} slots[TABLE_SLOTS];
	size_t count;
	struct word_list *lists;
	size_t list_count, list_cap;
	struct variable *variables;
	size_t variable_count, variable_cap;
	uint8_t digest[SHA256_LEN];
};

/* While files are read. */
struct loader {
	struct programs *p;
	struct diags *d;
	struct err *e;
};

static uint32_t
hash_of(struct str s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.s[i]) * 16777619u;
	return h;
}

static struct entry *
find_slot(const struct programs *p, struct str name, size_t *ret_slot)
{
	size_t i = hash_of(name) & (TABLE_SLOTS - 1);

	while (p->slots[i].entry != NULL) {
		if (str_eq(p->slots[i].name, name))
			break;
		i = (i + 1) & (TABLE_SLOTS - 1);
	}
	if (ret_slot != NULL)
		*ret_slot = i;
	return p->slots[i].entry;
}

/* "python3.11" and "gcc-12" are "python" and "gcc". */
static struct str
without_version(struct str name)
{
	size_t n = name.len;

	while (n > 1 &&
	    ((name.s[n - 1] >= '0' && name.s[n - 1] <= '9') ||
		name.s[n - 1] == '.' || name.s[n - 1] == '-'))
		n--;
	return str_head(name, n);
}

const struct entry *
programs_find(const struct programs *p, struct str name)
{
	const struct entry *en;

	if (name.len == 0)
		return NULL;
	en = find_slot(p, name, NULL);
	if (en == NULL && without_version(name).len < name.len)
		en = find_slot(p, without_version(name), NULL);
	return en;
}

const struct paths *
programs_paths(const struct programs *p)
{
	return p->paths;
}

static int
by_str(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	return str_cmp(*x, *y);
}

static int
by_list_name(const void *a, const void *b)
{
	const struct word_list *x = a, *y = b;

	return str_cmp(x->name, y->name);
}

const struct str *
programs_words(const struct programs *p, const char *list, size_t *count)
{
	const struct word_list key = { .name = str_of(list) };
	const struct word_list *found = p->list_count == 0
	    ? NULL
	    : bsearch(&key, p->lists, p->list_count, sizeof(key), by_list_name);

	*count = found == NULL ? 0 : found->count;
	return found == NULL ? NULL : found->words;
}

bool
programs_word(const struct programs *p, const char *list, struct str word)
{
	size_t n;
	const struct str *words = programs_words(p, list, &n);

	return words != NULL &&
	    bsearch(&word, words, n, sizeof(*words), by_str) != NULL;
}

const struct acts *
programs_env(const struct programs *p, struct str name)
{
	const struct variable *best = NULL;

	for (size_t i = 0; i < p->variable_count; i++) {
		const struct variable *v = &p->variables[i];

		if (v->prefix ? !str_starts(name, v->name)
			      : !str_eq(name, v->name))
			continue;
		if (best == NULL || v->name.len > best->name.len)
			best = v;
	}
	return best == NULL ? NULL : &best->acts;
}

static int
bad(struct loader *l, const struct yaml *at, const char *what)
{
	yaml_diag(l->d, at, DIAG_ERROR, "E111", NULL, "%s", what);
	return err_at(l->e, at->file, at->line, at->col, "%s", what);
}

static struct text_ctx
text_at(const struct loader *l, const struct yaml *at)
{
	return (struct text_ctx){
		.arena = l->p->arena, .d = l->d, .at = at, .e = l->e
	};
}

static const struct {
	const char *name;
	unsigned flags;
} styles[] = {
	{ "gnu", 0 },
	{ "word", STYLE_WORD | STYLE_EXACT },
	{ "stop", STYLE_STOP },
	{ "exact", STYLE_EXACT },
	{ "bundle", STYLE_BUNDLE },
	{ "keyvalue", STYLE_KEYVALUE },
	{ "no-dashes", STYLE_NO_DASHES },
	{ "others", STYLE_OTHERS },
	{ "other-subs", STYLE_OTHER_SUBS },
	{ "own", STYLE_OWN },
};

static int
style_parse(struct loader *l, const struct yaml *v, struct entry *en)
{
	struct str text = v->text;

	en->style = 0;
	while (text.len > 0) {
		const struct str one = str_cut(&text, ' ');
		size_t i = 0;

		while (i < ARRAY_LEN(styles) && !str_eqz(one, styles[i].name))
			i++;
		if (i == ARRAY_LEN(styles))
			return bad(l, v, "unknown style");
		en->style |= styles[i].flags;
	}
	return ERR_OK;
}

/* "-x --extract": the options of the entry (or its parents) by name. */
static int
when_options(struct loader *l, const struct yaml *key, const struct entry *en,
    struct when *ret)
{
	struct str text = key->text;
	uint16_t found[64];
	size_t n = 0;

	while (text.len > 0) {
		const struct str one = str_cut(&text, ' ');
		size_t i = 0;

		if (str_eq(one, STR("&"))) {
			ret->all = true;
			continue;
		}
		while (i < en->name_count && !str_eq(en->names[i].name, one))
			i++;
		if (i == en->name_count || n == ARRAY_LEN(found))
			return bad(l, key, "'when' names an unlisted option");
		found[n++] = en->names[i].option;
	}
	ret->options = arena_array(l->p->arena, n, sizeof(*found));
	if (ret->options == NULL)
		return err_nomem(l->e);
	memcpy(ret->options, found, n * sizeof(*found));
	ret->option_count = n;
	return ERR_OK;
}

static int
when_parse(struct loader *l, const struct yaml *key, const struct yaml *map,
    const struct entry *en, struct when *ret)
{
	int r = when_options(l, key, en, ret);

	for (size_t i = 0; i < map->count && r == ERR_OK; i++) {
		const struct str k = map->keys[i].text;
		struct text_ctx t = text_at(l, &map->items[i]);

		if (str_eq(k, STR("operands"))) {
			r = operands_parse(
			    &t, map->items[i].text, &ret->operands);
		} else if (str_eq(k, STR("does"))) {
			ret->replaces = true;
			r = acts_parse(
			    &t, map->items[i].text, true, &ret->does);
		} else if (str_eq(k, STR("also"))) {
			r = acts_parse(
			    &t, map->items[i].text, true, &ret->also);
		} else if (str_eq(k, STR("bare"))) {
			ret->never_bare = true;
			if (map->items[i].text.len > 0)
				r = bad(l, &map->keys[i],
				    "'bare' of 'when' can only be empty");
		} else {
			r = bad(l, &map->keys[i], "unknown key of 'when'");
		}
	}
	return r;
}

static int
whens_parse(struct loader *l, const struct yaml *map, struct entry *en)
{
	int r = ERR_OK;

	en->whens = arena_array(l->p->arena, map->count, sizeof(*en->whens));
	if (en->whens == NULL)
		return err_nomem(l->e);
	for (size_t i = 0; i < map->count && r == ERR_OK; i++)
		r = when_parse(
		    l, &map->keys[i], &map->items[i], en, &en->whens[i]);
	en->when_count = map->count;
	return r;
}

static int entry_parse(
    struct loader *l, const struct yaml *map, struct entry *en);

static int
sub_add(struct loader *l, const struct yaml *key, struct sub_name *subs,
    size_t *n, struct entry *en)
{
	struct str text = key->text;

	while (text.len > 0) {
		const struct str one = str_cut(&text, ' ');
		char *copy;

		if (one.len == 0)
			continue;
		if (*n == SUBS_MAX)
			return bad(l, key, "too many subcommands");
		copy = arena_strndup(l->p->arena, one.s, one.len);
		if (copy == NULL)
			return err_nomem(l->e);
		subs[*n].name = str_of(copy);
		subs[*n].glob = str_find(one, '*') < one.len;
		subs[(*n)++].entry = en;
	}
	return ERR_OK;
}

static int
by_sub(const void *a, const void *b)
{
	const struct sub_name *x = a, *y = b;

	if (x->glob != y->glob)
		return x->glob ? 1 : -1;
	if (x->glob) /* the longest pattern first */
		return (x->name.len < y->name.len) -
		    (x->name.len > y->name.len);
	return str_cmp(x->name, y->name);
}

static int
subs_parse(struct loader *l, const struct yaml *map, struct entry *en)
{
	struct sub_name subs[SUBS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < map->count; i++) {
		struct entry *sub = arena_alloc(l->p->arena, sizeof(*sub));
		int r;

		if (sub == NULL)
			return err_nomem(l->e);
		sub->parent = en;
		sub->style =
		    en->style & ~(unsigned)(STYLE_OTHER_SUBS | STYLE_OWN);
		sub->name = en->name;
		r = entry_parse(l, &map->items[i], sub);
		if (r == ERR_OK)
			r = sub_add(l, &map->keys[i], subs, &n, sub);
		if (r != ERR_OK)
			return r;
	}
	qsort(subs, n, sizeof(*subs), by_sub);
	en->subs = arena_array(l->p->arena, n, sizeof(*subs));
	if (en->subs == NULL)
		return err_nomem(l->e);
	if (n > 0)
		memcpy(en->subs, subs, n * sizeof(*subs));
	en->sub_count = n;
	while (en->sub_exact < n && !en->subs[en->sub_exact].glob)
		en->sub_exact++;
	return ERR_OK;
}

static int
key_parse(struct loader *l, const struct yaml *key, const struct yaml *v,
    struct entry *en)
{
	struct text_ctx t = text_at(l, v);
	const struct str k = key->text;

	if (str_eq(k, STR("operands")))
		return operands_parse(&t, v->text, &en->operands);
	if (str_eq(k, STR("does")))
		return acts_parse(&t, v->text, true, &en->does);
	if (str_eq(k, STR("bare")))
		return acts_parse(&t, v->text, true, &en->bare);
	if (str_eq(k, STR("alone")))
		return acts_parse(&t, v->text, true, &en->alone);
	if (str_eq(k, STR("when")))
		return whens_parse(l, v, en);
	if (str_eq(k, STR("subcommands")))
		return subs_parse(l, v, en);
	if (str_eq(k, STR("handler"))) {
		en->handler = handler_find(v->text);
		return en->handler != NULL ? ERR_OK
					   : bad(l, v, "unknown handler");
	}
	if (str_eq(k, STR("name")) || str_eq(k, STR("tests")) ||
	    str_eq(k, STR("options")) || str_eq(k, STR("style")))
		return ERR_OK;
	return bad(l, key, "unknown key of a program");
}

static int
entry_parse(struct loader *l, const struct yaml *map, struct entry *en)
{
	const struct yaml *v;
	struct text_ctx t;
	int r = ERR_OK;

	if (map->kind == YAML_SCALAR) { /* short: only what it does */
		t = text_at(l, map);
		en->style |= STYLE_OTHERS;
		r = operands_parse(&t, STR("text*"), &en->operands);
		return r != ERR_OK ? r
				   : acts_parse(&t, map->text, true, &en->does);
	}
	if (map->kind != YAML_MAP)
		return bad(l, map, "a map or a line of effects is expected");
	v = yaml_get(map, "style");
	if (v != NULL)
		r = style_parse(l, v, en);
	v = yaml_get(map, "options");
	if (v != NULL && r == ERR_OK) {
		t = text_at(l, v);
		r = options_parse(&t, v->text, en);
	}
	for (size_t i = 0; i < map->count && r == ERR_OK; i++)
		r = key_parse(l, &map->keys[i], &map->items[i], en);
	return r;
}

static int
twice(struct loader *l, const struct yaml *at, struct str name)
{
	yaml_diag(l->d, at, DIAG_ERROR, "E112", NULL,
	    "'%.*s' is described twice", STR_ARG(name));
	return err_at(l->e, at->file, at->line, at->col,
	    "'%.*s' is described twice", STR_ARG(name));
}

static int
program_add(struct loader *l, const struct yaml *map)
{
	const struct yaml *name = yaml_get(map, "name");
	struct entry *en = arena_alloc(l->p->arena, sizeof(*en));
	struct str text;
	int r;

	if (name == NULL)
		return bad(l, map, "a program without 'name'");
	if (en == NULL)
		return err_nomem(l->e);
	text = name->text;
	while (text.len > 0) {
		const struct str one = str_cut(&text, ' ');
		size_t slot;

		if (one.len == 0)
			continue;
		if (find_slot(l->p, one, &slot) != NULL ||
		    l->p->count == NAMES_MAX)
			return twice(l, name, one);
		l->p->slots[slot].name =
		    str_n(arena_strndup(l->p->arena, one.s, one.len), one.len);
		if (l->p->slots[slot].name.s == NULL)
			return err_nomem(l->e);
		l->p->slots[slot].entry = en;
		l->p->count++;
		if (en->name.len == 0)
			en->name = l->p->slots[slot].name;
	}
	r = entry_parse(l, map, en);
	return r;
}

static int
words_load(struct loader *l, const struct yaml *root)
{
	struct programs *p = l->p;

	for (size_t i = 1; i < root->count; i++) {
		const struct yaml *v = &root->items[i];
		struct word_list *w;

		if (v->kind != YAML_LIST)
			return bad(l, v, "a list of words is expected");
		if (mem_grow(&p->lists, &p->list_cap, p->list_count + 1,
			sizeof(*p->lists)) != 0)
			return err_nomem(l->e);
		w = &p->lists[p->list_count++];
		w->name = str_of(arena_strndup(
		    p->arena, root->keys[i].text.s, root->keys[i].text.len));
		w->words = arena_array(p->arena, v->count, sizeof(*w->words));
		if (w->name.s == NULL || w->words == NULL)
			return err_nomem(l->e);
		w->count = v->count;
		for (size_t k = 0; k < v->count; k++) {
			const struct str t = v->items[k].text;

			w->words[k] =
			    str_of(arena_strndup(p->arena, t.s, t.len));
			if (w->words[k].s == NULL)
				return err_nomem(l->e);
		}
		qsort(w->words, w->count, sizeof(*w->words), by_str);
	}
	if (p->list_count > 0)
		qsort(p->lists, p->list_count, sizeof(*p->lists), by_list_name);
	return ERR_OK;
}

static int
variable_add(struct loader *l, struct str name, const struct acts *acts)
{
	struct programs *p = l->p;
	struct variable *v;

	if (mem_grow(&p->variables, &p->variable_cap, p->variable_count + 1,
		sizeof(*p->variables)) != 0)
		return err_nomem(l->e);
	v = &p->variables[p->variable_count++];
	v->prefix = str_ends(name, STR("*"));
	if (v->prefix)
		name.len--;
	v->acts = *acts;
	v->name = str_n(arena_strndup(p->arena, name.s, name.len), name.len);
	return v->name.s == NULL ? err_nomem(l->e) : ERR_OK;
}

static int
environment_load(struct loader *l, const struct yaml *root)
{
	for (size_t i = 1; i < root->count; i++) {
		struct text_ctx t = text_at(l, &root->items[i]);
		struct str names = root->keys[i].text;
		struct acts acts;
		int r = acts_parse(&t, root->items[i].text, false, &acts);

		while (names.len > 0 && r == ERR_OK)
			r = variable_add(l, str_cut(&names, ' '), &acts);
		if (r != ERR_OK)
			return r;
	}
	return ERR_OK;
}

static int
root_load(struct loader *l, const struct yaml *root)
{
	const struct str kind = root->kind == YAML_MAP && root->count > 0
	    ? root->keys[0].text
	    : STR_NONE;
	const struct yaml *list;
	int r = ERR_OK;

	if (str_eq(kind, STR("assent-places")))
		return paths_load(l->p->paths, root, l->d, l->e);
	if (str_eq(kind, STR("assent-words")))
		return words_load(l, root);
	if (str_eq(kind, STR("assent-environment")))
		return environment_load(l, root);
	list = yaml_get(root, "programs");
	if (!str_eq(kind, STR("assent-programs")) || list == NULL)
		return bad(l, root, "not a file of programs, places or words");
	for (size_t i = 0; i < list->count && r == ERR_OK; i++)
		r = program_add(l, &list->items[i]);
	return r;
}

static int
file_load(struct loader *l, const struct programs_file *f)
{
	AUTO(arena_freep) struct arena *a = arena_new(YAML_ARENA_MAX);
	struct yaml root;
	int r;

	if (a == NULL)
		return err_nomem(l->e);
	r = yaml_parse(f->name, f->text, a, l->d, &root, l->e);
	return r == ERR_OK ? root_load(l, &root) : r;
}

static int
digest_files(struct programs *p, const struct programs_file *files,
    size_t count, struct err *e)
{
	AUTO(sha256_freep) struct sha256 *h = NULL;
	int r = sha256_new(&h, e);

	for (size_t i = 0; i < count && r == ERR_OK; i++) {
		r = sha256_add(h, files[i].name, strlen(files[i].name) + 1, e);
		if (r == ERR_OK)
			r = sha256_add(
			    h, files[i].text.s, files[i].text.len, e);
	}
	return r == ERR_OK ? sha256_end(h, p->digest, e) : r;
}

int
programs_new(const struct programs_file *files, size_t count, struct diags *d,
    struct programs **ret, struct err *e)
{
	AUTO(programs_freep) struct programs *p = mem_new(1, sizeof(*p));
	struct loader l = { .p = p, .d = d, .e = e };
	int first = ERR_OK;

	if (p == NULL)
		return err_nomem(e);
	p->arena = arena_new(PROGRAMS_ARENA_MAX);
	p->paths = paths_new();
	if (p->arena == NULL || p->paths == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < count; i++) {
		const int r = file_load(&l, &files[i]);

		if (first == ERR_OK)
			first = r;
	}
	if (first == ERR_OK)
		first = digest_files(p, files, count, e);
	if (first != ERR_OK)
		return first;
	*ret = TAKE_PTR(p);
	return ERR_OK;
}

void
programs_free(struct programs *p)
{
	if (p == NULL)
		return;
	arena_free(p->arena);
	paths_free(p->paths);
	free(p->lists);
	free(p->variables);
	free(p);
}

void
programs_freep(struct programs **p)
{
	programs_free(*p);
	*p = NULL;
}

void
programs_digest(const struct programs *p, uint8_t ret[static SHA256_LEN])
{
	memcpy(ret, p->digest, SHA256_LEN);
}

size_t
programs_count(const struct programs *p)
{
	return p->count;
}

size_t
programs_bytes(const struct programs *p)
{
	return sizeof(*p) + arena_used(p->arena) + paths_bytes(p->paths) +
	    p->list_cap * sizeof(*p->lists) +
	    p->variable_cap * sizeof(*p->variables);
}
