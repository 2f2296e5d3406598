/*
 * The classifier of the pipeline: effects of an action, judged by rules.
 * Runs in: engine, assent.  Trusts: the rules and programs it loaded; nothing
 * in an action.  Owns: the rules, the programs, the regex runner.
 */
#include "classifier.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "base/fdio.h"
#include "base/jsonw.h"
#include "call_input.h"
#include "embedded.h"
#include "index.h"
#include "secrets.h"
#include "suggest_one.h"

#define DIGEST_VERSION "assent policy 1"
#define DIGEST_BYTES_MAX ((size_t)1 << 20)
#define PROGRAM_FILES_MAX 1000
#define TRIAL_FILE "preview.yaml" /* in findings */

/* ---- programs ---------------------------------------------------------- */

static int
embedded_programs_new(struct diags *d, struct programs **ret, struct err *e)
{
	AUTO_FREE struct programs_file *files =
	    mem_new(embedded_programs_count, sizeof(*files));

	if (files == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < embedded_programs_count; i++)
		files[i] = (struct programs_file){
			.name = embedded_programs[i].name,
			.text = embedded_programs[i].text,
		};
	return programs_new(files, embedded_programs_count, d, ret, e);
}

/* A folder's files in memory, until the programs are made. */
struct folder {
	struct dirent **names;
	int count;
	struct buf *texts;
	struct programs_file *files;
};

static void
folder_done(struct folder *f)
{
	for (int i = 0; i < f->count; i++) {
		free(f->names[i]);
		if (f->texts != NULL)
			buf_free(&f->texts[i]);
	}
	free(f->names);
	free(f->texts);
	free(f->files);
}

static int
is_yaml(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	    str_ends(str_of(entry->d_name), STR(".yaml"));
}

static int
read_folder(const char *path, struct folder *f, struct err *e)
{
	f->count = scandir(path, &f->names, is_yaml, alphasort);
	if (f->count < 0) {
		f->count = 0;
		return err_sys(e, "cannot list '%s'", path);
	}
	if (f->count > PROGRAM_FILES_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d files", PROGRAM_FILES_MAX);
	f->texts = mem_new((size_t)f->count, sizeof(*f->texts));
	f->files = mem_new((size_t)f->count, sizeof(*f->files));
	if (f->texts == NULL || f->files == NULL)
		return err_nomem(e);
	for (int i = 0; i < f->count; i++) {
		AUTO_BUF struct buf name = BUF_INIT(PATH_BYTES_MAX * 2);
		int r;

		buf_printf(&name, "%s/%s", path, f->names[i]->d_name);
		f->texts[i] = (struct buf)BUF_INIT(RULE_FILE_BYTES_MAX);
		r = fdio_read_file(buf_cstr(&name), &f->texts[i], e);
		if (r != 0)
			return r;
		f->files[i] = (struct programs_file){
			.name = f->names[i]->d_name,
			.text = buf_str(&f->texts[i]),
		};
	}
	return ERR_OK;
}

static int
folder_programs_new(
    const char *data_dir, struct diags *d, struct programs **ret, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX * 2);
	AUTO(folder_done) struct folder f = { .count = 0 };
	int r;

	buf_printf(&path, "%s/programs", data_dir);
	r = read_folder(buf_cstr(&path), &f, e);
	if (r != 0)
		return r;
	return programs_new(f.files, (size_t)f.count, d, ret, e);
}

/* ---- open and close ---------------------------------------------------- */

static void
classifier_close(struct classifier *c)
{
	if (c == NULL)
		return;
	ruleset_free(c->set);
	programs_free(c->programs);
	regex_runner_free(c->runner);
	free(c->scratch);
	free(c->counts);
	shadow_done(&c->shadow);
	buf_free(&c->archive);
	free(c);
}

static void
classifier_closep(struct classifier **c)
{
	classifier_close(*c);
	*c = NULL;
}

static bool
is_off(const struct rule *r, const struct classifier_options *o)
{
	for (size_t i = 0; i < o->off_count; i++) {
		if (strcmp(o->off[i], r->id) == 0)
			return r->layer != LAYER_PACK || !r->floor;
	}
	return false;
}

static void
switch_off(struct ruleset *set, const struct classifier_options *o)
{
	for (size_t i = 0; i < set->rule_count; i++) {
		if (is_off(&set->rules[i], o))
			set->rules[i].disabled = true;
	}
}

/* What is only tried stands in for the organisation's files, or beside them. */
static int
add_trial(const struct classifier_options *o, struct rule_text **texts,
    size_t *count, struct err *e)
{
	size_t kept = 0, cap;

	for (size_t i = 0; i < *count; i++) {
		if (o->trial_adds || (*texts)[i].layer != LAYER_ORGANISATION)
			(*texts)[kept++] = (*texts)[i];
	}
	*count = cap = kept;
	if (o->trial_text.s == NULL)
		return ERR_OK;
	if (mem_grow(texts, &cap, kept + 1, sizeof(**texts)) != 0)
		return err_nomem(e);
	(*texts)[(*count)++] = (struct rule_text){ .name = TRIAL_FILE,
		.layer = LAYER_ORGANISATION,
		.text = o->trial_text };
	return ERR_OK;
}

/* The administrator's settings and his rules both have to permit it. */
static void
limit_cover(struct ruleset *set, const struct classifier_options *o)
{
	for (int l = LAYER_REQUIREMENTS; o->may_cover != 0 && l <= LAYER_USER;
	     l++) {
		if ((o->may_cover & 1u << l) == 0)
			set->may_cover[l] = false;
	}
}

/* From folders, or from what was kept of a set of before. */
static int
load_set(struct classifier *c, const struct classifier_options *o,
    struct diags *d, struct err *e)
{
	AUTO(arena_freep) struct arena *names = arena_new(ARCHIVE_BYTES_MAX);
	AUTO_FREE struct rule_text *texts = NULL;
	const bool tries = o->trial_text.s != NULL || o->trial_dir != NULL;
	const struct rule_dir trial = {
		.path = o->trial_dir,
		.layer = LAYER_ORGANISATION,
	};
	struct ruleset_options ro = {
		.archive = &c->archive,
		.dirs = o->dirs,
		.dir_count = o->dir_count,
		.no_packs = o->no_packs,
		.data_dir = o->data_dir,
		.check_owner = o->check_owner,
	};
	int r = ERR_OK;

	if (names == NULL)
		return err_nomem(e);
	if (o->archive.len > 0) {
		r = archive_read(o->archive, names, &texts, &ro.text_count, e);
		ro.dir_count = 0;
	}
	if (r == 0 && tries)
		r = add_trial(o, &texts, &ro.text_count, e);
	if (r != 0)
		return r;
	ro.texts = texts;
	if (o->trial_dir != NULL) {
		ro.dirs = &trial;
		ro.dir_count = 1;
	}
	c->archive = (struct buf)BUF_INIT(ARCHIVE_BYTES_MAX);
	r = ruleset_load(&ro, d, &c->set, e);
	if (r != 0)
		return r;
	switch_off(c->set, o);
	limit_cover(c->set, o);
	c->shadow.has_rules = ruleset_has_shadows(c->set);
	return index_build(c->set, e);
}

/* A candidate stands in for the organisation's folders. That it does not load
 * is told, and harms nothing. */
static int
load_candidate(
    struct classifier *c, const struct classifier_options *o, struct err *e)
{
	AUTO_FREE struct rule_dir *dirs =
	    mem_new(o->dir_count + 1, sizeof(*dirs));
	struct ruleset_options ro = {
		.dirs = dirs,
		.no_packs = o->no_packs,
		.data_dir = o->data_dir,
		.check_owner = o->check_owner,
	};
	struct err why = ERR_INIT;
	int r;

	if (dirs == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < o->dir_count; i++) {
		if (o->dirs[i].layer != LAYER_ORGANISATION)
			dirs[ro.dir_count++] = o->dirs[i];
	}
	dirs[ro.dir_count++] = (struct rule_dir){ .path = o->candidate,
		.layer = LAYER_ORGANISATION };
	r = ruleset_load(&ro, NULL, &c->shadow.candidate, &why);
	if (r == 0)
		limit_cover(c->shadow.candidate, o);
	if (r == 0)
		r = index_build(c->shadow.candidate, &why);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r != 0)
		c->shadow.problem = mem_strndup(why.msg, strlen(why.msg));
	return ERR_OK;
}

static int
load(struct classifier *c, const struct classifier_options *o, struct diags *d,
    struct err *e)
{
	int r = load_set(c, o, d, e);

	if (r == 0 && o->candidate != NULL)
		r = load_candidate(c, o, e);
	if (r == 0)
		r = o->data_dir == NULL
		    ? embedded_programs_new(d, &c->programs, e)
		    : folder_programs_new(o->data_dir, d, &c->programs, e);
	if (r == 0)
		r = regex_runner_new(NULL, NULL, &c->runner, e);
	return r;
}

/* All that a decision depends on, besides the action. */
static int
policy_digest(
    struct classifier *c, const struct classifier_options *o, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(DIGEST_BYTES_MAX);
	uint8_t programs[SHA256_LEN];
	int r;

	programs_digest(c->programs, programs);
	rec_put_cstr(&b, DIGEST_VERSION);
	buf_put(&b, c->set->digest, SHA256_LEN);
	buf_put(&b, programs, SHA256_LEN);
	rec_put_u8(&b, (uint8_t)c->policy);
	rec_put_u8(&b, c->reviewer);
	rec_put_u32(&b, o->may_cover);
	for (size_t i = 0; i < c->set->rule_count; i++) {
		if (is_off(&c->set->rules[i], o))
			rec_put_cstr(&b, c->set->rules[i].id);
	}
	r = buf_done(&b, e);
	return r != 0 ? r : sha256_of(buf_cstr(&b), b.len, c->digest, e);
}

static int
classifier_open(const struct classifier_options *o, struct diags *d,
    struct classifier **ret, struct err *e)
{
	AUTO(classifier_closep) struct classifier *c = mem_new(1, sizeof(*c));
	int r;

	if (c == NULL)
		return err_nomem(e);
	c->policy = o->policy == POLICY_INVALID ? POLICY_ON_REQUEST : o->policy;
	c->reviewer = o->reviewer;
	c->scratch = decide_scratch_new();
	if (c->scratch == NULL)
		return err_nomem(e);
	r = load(c, o, d, e);
	if (r == 0)
		r = policy_digest(c, o, e);
	if (r != 0)
		return r;
	c->counts = mem_new(c->set->rule_count, sizeof(*c->counts));
	if (c->counts == NULL)
		return err_nomem(e);
	*ret = TAKE_PTR(c);
	return ERR_OK;
}

/* ---- classify ---------------------------------------------------------- */

static int
classifier_classify(struct classifier *c, const struct action *a,
    struct arena *arena, struct classification *ret, struct err *e)
{
	const struct decide_options o = {
		.set = c->set,
		.runner = c->runner,
		.policy = c->policy,
		.reviewer = c->reviewer,
		.scratch = c->scratch,
		.counts = c->counts,
		.project = a->project,
	};
	struct effects fx;
	int r;

	r = effects_of(c->programs, a, arena, &fx, e);
	if (r == 0)
		r = decide(&o, a, &fx, arena, ret, e);
	if (r != 0)
		return r;
	memcpy(ret->policy_sha256, c->digest, SHA256_LEN);
	if (c->shadow.has_rules || c->shadow.candidate != NULL)
		shadow_judge(&c->shadow, &o, a, &fx, ret, arena);
	return ERR_OK;
}

static struct str
classifier_archive(const struct classifier *c)
{
	return buf_str(&c->archive);
}

static void
classifier_metrics(const struct classifier *c, struct buf *out)
{
	shadow_metrics(&c->shadow, out);
}

static void
classifier_digest(const struct classifier *c, uint8_t ret[static SHA256_LEN])
{
	memcpy(ret, c->digest, SHA256_LEN);
}

/* ---- describe ---------------------------------------------------------- */

static void
describe_rule(struct jsonw *w, const struct rule *r, const struct rule_count *n)
{
	jsonw_object(w);
	jsonw_kstr(w, "id", r->id);
	jsonw_kstr(w, "title", r->title);
	jsonw_kstr(w, "layer", rule_layer_name(r->layer));
	jsonw_kstr(w, "file", r->file);
	jsonw_kint(w, "line", r->line);
	jsonw_kstr(w, "decision", decision_name(r->decision));
	jsonw_kbool(w, "floor", r->floor);
	jsonw_kbool(w, "default", rule_is_default(r));
	jsonw_kbool(w, "disabled", r->disabled);
	jsonw_kstr(w, "mode", rule_mode_name(r->mode));
	jsonw_kstr(w, "reason", r->reason);
	jsonw_kstr(w, "owner", r->owner);
	jsonw_key(w, "expires");
	jsonw_time(w, r->expires_real_ns);
	jsonw_kint(w, "hits", (int64_t)n->hits);
	jsonw_kint(w, "decided", (int64_t)n->decided);
	jsonw_kint(w, "regex_errors", (int64_t)n->errors);
	jsonw_key(w, "last_hit");
	jsonw_time(w, n->last_real_ns);
	jsonw_end(w);
}

static void
describe_files(struct jsonw *w, const struct ruleset *set)
{
	jsonw_key(w, "files");
	jsonw_array(w);
	for (size_t i = 0; i < set->file_count; i++) {
		jsonw_object(w);
		jsonw_kstr(w, "name", set->files[i].name);
		jsonw_kstr(w, "layer", rule_layer_name(set->files[i].layer));
		jsonw_kint(w, "rules", (int64_t)set->files[i].rule_count);
		jsonw_key(w, "sha256");
		jsonw_hex(w, set->files[i].digest, SHA256_LEN);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
classifier_describe(const struct classifier *c, struct buf *out)
{
	struct jsonw w = jsonw_on(out);
	uint64_t matches, errors;

	regex_runner_counts(c->runner, &matches, &errors);
	jsonw_object(&w);
	jsonw_key(&w, "policy_sha256");
	jsonw_hex(&w, c->digest, SHA256_LEN);
	jsonw_key(&w, "rules_sha256");
	jsonw_hex(&w, c->set->digest, SHA256_LEN);
	jsonw_kstr(&w, "policy", approval_policy_name(c->policy));
	jsonw_kint(&w, "programs", (int64_t)programs_count(c->programs));
	jsonw_kint(&w, "regex_matches", (int64_t)matches);
	jsonw_kint(&w, "regex_errors", (int64_t)errors);
	jsonw_key(&w, "shadow");
	shadow_json(&c->shadow, &w);
	describe_files(&w, c->set);
	jsonw_key(&w, "rules");
	jsonw_array(&w);
	for (size_t i = 0; i < c->set->rule_count; i++)
		describe_rule(&w, &c->set->rules[i], &c->counts[i]);
	jsonw_end(&w);
	jsonw_end(&w);
}

const struct classifier_port rules_classifier = {
	.open = classifier_open,
	.close = classifier_close,
	.classify = classifier_classify,
	.project_open = project_rules_open,
	.project_close = project_rules_close,
	.digest = classifier_digest,
	.input = call_input,
	.archive = classifier_archive,
	.metrics = classifier_metrics,
	.describe = classifier_describe,
	.suggest = suggest_one,
	.mask = secrets_mask_log,
	.secrets = secrets_each,
};
