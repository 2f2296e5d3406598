/*
 * Texts of rule files to one immutable set.
 * Runs in: every program that loads rules.  Trusts: nothing in the texts.
 * Owns: the set under construction.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "index.h"
#include "load_int.h"

int
builder_new(struct diags *d, struct err *e, struct builder **ret)
{
	AUTO(builder_freep) struct builder *b = mem_new(1, sizeof(*b));

	if (b == NULL)
		return err_nomem(e);
	b->ld.arena = arena_new(RULESET_BYTES_MAX);
	b->trees = arena_new(RULESET_BYTES_MAX);
	if (b->ld.arena == NULL || b->trees == NULL)
		return err_nomem(e);
	b->ld.diags = d;
	b->ld.e = e;
	b->ld.set = &b->draft;
	*ret = TAKE_PTR(b);
	return ERR_OK;
}

void
builder_free(struct builder *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->draft.regex_count; i++)
		regex_free(b->draft.regexes[i]);
	free(b->draft.regexes);
	free(b->draft.rules);
	free(b->draft.files);
	free(b->draft.disables);
	arena_free(b->trees);
	arena_free(b->ld.arena);
	free(b);
}

void
builder_freep(struct builder **b)
{
	builder_free(*b);
	*b = NULL;
}

void
builder_complain(struct builder *b, const char *file, const char *code,
    const char *hint, const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (b->ld.errors++ == 0)
		(void)err_at(b->ld.e, file, 0, 0, "%s", message);
	diag_add(b->ld.diags,
	    &(struct diag){ .code = code, .file = file, .hint = hint }, "%s",
	    message);
}

/* ---- the digest of a file ---------------------------------------------- */

static int
by_text(const void *a, const void *b)
{
	const struct yaml *const *x = a, *const *y = b;

	return str_cmp((*x)->text, (*y)->text);
}

static void put_canonical(struct buf *out, const struct yaml *v);

/* The keys of a map have no order. */
static void
put_map(struct buf *out, const struct yaml *v)
{
	AUTO_FREE const struct yaml **order =
	    mem_new(v->count, sizeof(struct yaml *));

	if (order == NULL) {
		out->failed = ERR_NOMEM;
		return;
	}
	for (size_t i = 0; i < v->count; i++)
		order[i] = &v->keys[i];
	qsort(order, v->count, sizeof(struct yaml *), by_text);
	for (size_t i = 0; i < v->count; i++) {
		put_canonical(out, order[i]);
		put_canonical(out, &v->items[order[i] - v->keys]);
	}
}

static void
put_canonical(struct buf *out, const struct yaml *v)
{
	rec_put_u8(out, (uint8_t)v->kind);
	rec_put_u32(out, (uint32_t)v->count);
	if (v->kind == YAML_MAP) {
		put_map(out, v);
		return;
	}
	if (v->kind == YAML_SCALAR) {
		rec_put_u8(out, v->quoted);
		rec_put_str(out, v->text);
	}
	for (size_t i = 0; i < v->count; i++)
		put_canonical(out, &v->items[i]);
}

uint64_t
yaml_hash(const struct yaml *root)
{
	AUTO_BUF struct buf b = BUF_INIT(RULE_FILE_BYTES_MAX * 4);
	uint64_t h = 0xcbf29ce484222325u;

	put_canonical(&b, root);
	for (size_t i = 0; i < b.len; i++)
		h = (h ^ (unsigned char)b.s[i]) * 0x100000001b3u;
	return h;
}

static int
yaml_digest(
    const struct yaml *root, uint8_t ret[static SHA256_LEN], struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(RULE_FILE_BYTES_MAX * 4);
	int r;

	put_canonical(&b, root);
	r = buf_done(&b, e);
	if (r != 0)
		return r;
	return sha256_of(buf_cstr(&b), b.len, ret, e);
}

/* ---- one file ---------------------------------------------------------- */

static struct rule_file *
add_file(struct builder *b, const char *name, enum rule_layer layer)
{
	struct set_draft *set = &b->draft;
	struct rule_file *f;

	if (set->file_count >= RULE_FILES_MAX) {
		builder_complain(b, name, "E042", NULL,
		    "more than %d rule files", RULE_FILES_MAX);
		return NULL;
	}
	if (mem_grow(&set->files, &set->file_cap, set->file_count + 1,
		sizeof(*f)) != 0) {
		b->ld.fatal = err_nomem(b->ld.e);
		return NULL;
	}
	f = &set->files[set->file_count++];
	f->layer = layer;
	f->name = ld_strdup(&b->ld, str_of(name));
	return f;
}

int
builder_add(
    struct builder *b, const char *name, enum rule_layer layer, struct str text)
{
	struct err *e = b->ld.errors == 0 ? b->ld.e : NULL;
	struct rule_file *f = add_file(b, name, layer);
	struct yaml root;
	int r;

	if (b->archive != NULL && layer != LAYER_PACK)
		archive_put(b->archive, name, layer, text);
	if (f == NULL)
		return b->ld.fatal;
	r = yaml_parse(name, text, b->trees, b->ld.diags, &root, e);
	if (r == ERR_INVALID) {
		b->ld.errors++;
		return ERR_OK;
	}
	if (r != 0)
		return r;
	r = yaml_digest(&root, f->digest, b->ld.e);
	if (r != 0)
		return r;
	b->ld.file = f;
	read_file(&b->ld, &root);
	return b->ld.fatal == ERR_INVALID ? ERR_OK : b->ld.fatal;
}

/* ---- the set ----------------------------------------------------------- */

static int
by_id(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static int
by_name(const void *a, const void *b)
{
	const struct rule_file *x = a, *y = b;

	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	return strcmp(x->name, y->name);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Where a file lies does not change what it means; its name shows up. */
static int
set_digest(struct ruleset *set, struct err *e)
{
	AUTO_BUF struct buf b =
	    BUF_INIT((RULE_FILES_MAX + 1) * (size_t)PATH_BYTES_MAX);
	int r;

	rec_put_cstr(&b, "assent rules 1");
	for (size_t i = 0; i < set->file_count; i++) {
		const struct rule_file *f = &set->files[i];

		rec_put_u8(&b, (uint8_t)f->layer);
		rec_put_cstr(&b, base_name(f->name));
		buf_put(&b, f->digest, SHA256_LEN);
	}
	r = buf_done(&b, e);
	if (r != 0)
		return r;
	return sha256_of(buf_cstr(&b), b.len, set->digest, e);
}

static void
take_layers(struct ruleset *set, const struct set_draft *draft)
{
	set->may_cover[LAYER_PACK] = true;
	for (int l = LAYER_REQUIREMENTS; l <= LAYER_USER; l++)
		set->may_cover[l] =
		    draft->may_cover_given ? draft->may_cover[l] : true;
	set->may_cover[LAYER_PROJECT] = false;
}

/* What pointed into the trees of the files is gone with them. */
static void
forget_trees(struct ruleset *set)
{
	for (size_t i = 0; i < set->rule_count; i++) {
		set->rules[i].at = NULL;
		set->rules[i].order = (uint32_t)i;
	}
	for (size_t i = 0; i < set->file_count; i++) {
		set->files[i].lists = set->files[i].patterns = NULL;
		set->files[i].list_count = set->files[i].pattern_count = 0;
	}
}

static int
make_set(struct builder *b, struct ruleset *set)
{
	struct set_draft *d = &b->draft;

	set->rules = ld_alloc(&b->ld, d->rule_count, sizeof(struct rule));
	set->files = ld_alloc(&b->ld, d->file_count, sizeof(struct rule_file));
	if (set->rules == NULL || set->files == NULL)
		return err_nomem(b->ld.e);
	if (d->rule_count > 0)
		memcpy(
		    set->rules, d->rules, d->rule_count * sizeof(struct rule));
	if (d->file_count > 0)
		memcpy(set->files, d->files,
		    d->file_count * sizeof(struct rule_file));
	set->rule_count = d->rule_count;
	set->file_count = d->file_count;
	qsort(set->rules, set->rule_count, sizeof(struct rule), by_id);
	qsort(set->files, set->file_count, sizeof(struct rule_file), by_name);
	forget_trees(set);
	take_layers(set, d);
	return set_digest(set, b->ld.e);
}

int
builder_finish(struct builder *b, struct ruleset **ret)
{
	struct ruleset *set;
	int r;

	if (b->ld.fatal == 0)
		check_set(&b->ld);
	if (b->ld.fatal != 0 && b->ld.fatal != ERR_INVALID)
		return b->ld.fatal;
	if (b->ld.errors > 0)
		return ERR_INVALID;
	set = ld_alloc(&b->ld, 1, sizeof(*set));
	if (set == NULL)
		return ERR_NOMEM;
	r = make_set(b, set);
	if (r != 0)
		return r;
	set->arena = TAKE_PTR(b->ld.arena);
	set->regexes = TAKE_PTR(b->draft.regexes);
	set->regex_count = b->draft.regex_count;
	b->draft.regex_count = 0;
	*ret = set;
	return ERR_OK;
}

void
ruleset_free(struct ruleset *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->regex_count; i++)
		regex_free(set->regexes[i]);
	free(set->regexes);
	index_free(set->index);
	arena_free(set->arena);
}

void
ruleset_freep(struct ruleset **set)
{
	ruleset_free(*set);
	*set = NULL;
}

const struct rule *
ruleset_find(const struct ruleset *set, const char *id)
{
	const struct rule wanted = { .id = id };

	return set->rule_count == 0
	    ? NULL
	    : bsearch(&wanted, set->rules, set->rule_count, sizeof(struct rule),
		  by_id);
}

static const char *const layer_names[] = {
	[LAYER_PACK] = "pack",
	[LAYER_REQUIREMENTS] = "requirements",
	[LAYER_ORGANISATION] = "organisation",
	[LAYER_PROJECT] = "project",
	[LAYER_USER] = "user",
};

const char *
rule_layer_name(enum rule_layer l)
{
	return layer_names[l];
}

static const char *const mode_names[] = {
	[MODE_UNSET] = "enforce",
	[MODE_ENFORCE] = "enforce",
	[MODE_SHADOW] = "shadow",
	[MODE_OFF] = "off",
};

const char *
rule_mode_name(enum rule_mode m)
{
	return mode_names[m];
}
