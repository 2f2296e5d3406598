/*
 * A repository's own rules, from the record of its files.
 * Runs in: engine, assent.  Trusts: nothing in the files.  Owns: the set.
 */
#include "project.h"

#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "model/project.h"

#define PROBLEM_UNKNOWN "they do not load"

static int
set_problem(struct project_rules *p, const char *why, struct err *e)
{
	p->problem = mem_strndup(why, strlen(why));
	return p->problem == NULL ? err_nomem(e) : ERR_OK;
}

/* "file:line:col: message" of the first finding. */
static void
first_finding(const struct diags *d, struct buf *out)
{
	for (size_t i = 0; i < diags_count(d); i++) {
		const struct diag *g = diags_at(d, i);

		if (g->severity != DIAG_ERROR)
			continue;
		buf_printf(out, "%s:%u:%u: %s", g->file == NULL ? "" : g->file,
		    g->line, g->col, g->message);
		return;
	}
	buf_puts(out, PROBLEM_UNKNOWN);
}

static int
load(struct project_rules *p, const struct project_files *files,
    struct diags *d, struct err *e)
{
	struct rule_text texts[PROJECT_FILES_MAX];
	int r;

	for (size_t i = 0; i < files->count; i++)
		texts[i] = (struct rule_text){ .name = files->v[i].name,
			.layer = LAYER_PROJECT,
			.text = files->v[i].text };
	r = ruleset_parse(texts, files->count, d, &p->set, e);
	if (r == 0 && p->set->rule_count > PROJECT_RULES_MAX) {
		ruleset_freep(&p->set);
		return set_problem(p, "there are more than 1000 of them", e);
	}
	return r == 0 ? index_build(p->set, e) : r;
}

static int
fill(struct project_rules *p, struct str record, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(PROJECT_RECORD_MAX * 2);
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf why = BUF_INIT(ERR_MSG_MAX * 2);
	struct project_files files;
	int r;

	if (a == NULL || d == NULL)
		return err_nomem(e);
	r = project_decode(record, a, &files, e);
	if (r == ERR_INVALID)
		return set_problem(p, "they were not read whole", e);
	if (r == 0 && files.problem != NULL)
		return set_problem(p, files.problem, e);
	if (r == 0)
		r = load(p, &files, d, e);
	if (r == 0 || r == ERR_NOMEM)
		return r;
	first_finding(d, &why);
	return set_problem(p, buf_cstr(&why), e);
}

int
project_rules_open(struct str record, struct project_rules **ret, struct err *e)
{
	AUTO(project_rules_closep)
	struct project_rules *p = mem_new(1, sizeof(*p));
	int r;

	if (p == NULL)
		return err_nomem(e);
	r = fill(p, record, e);
	if (r == 0)
		*ret = TAKE_PTR(p);
	return r;
}

void
project_rules_close(struct project_rules *p)
{
	if (p == NULL)
		return;
	ruleset_free(p->set);
	free(p->problem);
	free(p);
}

void
project_rules_closep(struct project_rules **p)
{
	project_rules_close(*p);
	*p = NULL;
}
