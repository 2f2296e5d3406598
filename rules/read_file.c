/*
 * A parsed rule file to rules, with the checks that need more than one key.
 * Runs in: every program that loads rules.  Trusts: nothing in the file.
 * Owns: nothing; results are in the loader's arena and the draft set.
 */
#include <stdlib.h>
#include <string.h>

#include "load_int.h"

/* ---- lists and patterns ------------------------------------------------ */

static void
read_named(struct loader *ld, const struct yaml *map, const char *what,
    struct rule_list **ret, size_t *ret_count)
{
	const bool lists = strcmp(what, "lists") == 0;

	if (map == NULL)
		return;
	if (map->kind != YAML_MAP) {
		ld_error(ld, map, "E021", "write 'name: value' lines below it",
		    "'%s' is a map of names", what);
		return;
	}
	*ret = ld_alloc(ld, map->count + 1, sizeof(struct rule_list));
	if (*ret == NULL)
		return;
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml *v = &map->items[i];
		struct rule_list *l = &(*ret)[(*ret_count)++];

		l->name = map->keys[i].text;
		l->items = v;
		l->line = map->keys[i].line;
		l->col = map->keys[i].col;
		l->at = &map->keys[i];
		if (lists && v->kind != YAML_LIST)
			ld_error(ld, v, "E021", "write [a, b, c]",
			    "the list '%.*s' is no list", STR_ARG(l->name));
		else if (lists && v->count == 0)
			ld_error(ld, v, "E045",
			    "write its items, such as [a, b], or leave it out",
			    "the list '%.*s' is empty", STR_ARG(l->name));
		else if (!lists)
			(void)ld_is_text(ld, what, v);
	}
}

static void
warn_unused(struct loader *ld, const struct rule_list *list, size_t count,
    const char *what)
{
	for (size_t i = 0; i < count; i++) {
		if (!list[i].used)
			ld_warn(ld, list[i].at, "W050", "delete it",
			    "no rule uses the %s '%.*s'", what,
			    STR_ARG(list[i].name));
	}
}

/* ---- one rule ---------------------------------------------------------- */

static bool
effects_given(const struct effects_want *w)
{
	return w->count > 0;
}

static bool
cond_is_empty(const struct cond *c)
{
	return c->tools == 0 && c->policies == 0 && c->executors == 0 &&
	    c->command == NULL && c->regex == NULL &&
	    !effects_given(&c->effects) && c->paths.count == 0 &&
	    c->hosts.count == 0 && c->mcp == NULL && c->agents.count == 0 &&
	    c->sessions.count == 0 && c->users.count == 0 &&
	    c->not_understood == UNDERSTOOD_ANY;
}

static const struct yaml *
key_of(const struct yaml *map, const char *name)
{
	const struct yaml *v = yaml_get(map, name);

	return v == NULL ? map : v;
}

static void
check_floor(struct loader *ld, const struct yaml *at, const struct rule *r)
{
	const struct yaml *v = key_of(at, "floor");

	if (!r->floor)
		return;
	if (r->decision == DECISION_ALLOW)
		ld_error(ld, v, "E029", "leave 'floor' out",
		    "a floor is a minimum: it cannot allow");
	if (r->layer == LAYER_PROJECT || r->layer == LAYER_USER)
		ld_error(ld, v, "E029",
		    "a rule without 'floor' tightens as well",
		    "floors are the administrator's: not in rules of a %s",
		    rule_layer_name(r->layer));
	if (effects_given(&r->covers))
		ld_error(ld, key_of(at, "covers"), "E037", "leave it out",
		    "a floor covers nothing");
}

static void
check_covers(struct loader *ld, const struct yaml *at, const struct rule *r)
{
	const struct yaml *v = key_of(at, "covers");

	if (effects_given(&r->covers) && r->decision == DECISION_DENY)
		ld_error(ld, v, "E037", "a deny applies to the whole part",
		    "a deny covers nothing");
	if (r->layer == LAYER_PROJECT &&
	    (r->decision == DECISION_ALLOW || effects_given(&r->covers)))
		ld_warn(ld, key_of(at, "decision"), "W051",
		    "rules of a repository may only tighten",
		    "this rule has no effect");
}

/* An agent says its own name; a session is a name that it may choose. */
static void
check_claims(struct loader *ld, const struct yaml *at, const struct rule *r)
{
	static const char *const names[] = { "agent", "session" };
	const struct globs *given[] = { &r->when.agents, &r->when.sessions };

	if (r->decision != DECISION_ALLOW && !effects_given(&r->covers))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (given[i]->count > 0)
			ld_error(ld, key_of(at, names[i]), "E030",
			    "use 'user', which the system vouches for",
			    "'%s' is a claim: no rule can allow by it",
			    names[i]);
	}
}

static void
check_tool(struct loader *ld, const struct yaml *at, const struct cond *c)
{
	const unsigned commands =
	    1u << TOOL_SHELL | 1u << TOOL_EXEC | 1u << TOOL_STDIN;

	if (c->tools == 0)
		return;
	if (c->command != NULL && (c->tools & commands) == 0)
		ld_error(ld, key_of(at, "command"), "E044",
		    "for shell, exec and stdin",
		    "a call of this tool has no command");
	if (c->mcp != NULL && (c->tools & 1u << TOOL_MCP) == 0)
		ld_error(ld, key_of(at, "mcp"), "E044", "write 'tool: mcp'",
		    "a call of this tool has no MCP server");
}

static void
check_rule(struct loader *ld, const struct yaml *at, struct rule *r)
{
	if (cond_is_empty(&r->when) && r->id != NULL && !r->broken)
		ld_error(ld, at, "E031",
		    "give at least one, such as 'tool' or 'command'",
		    "rule '%s' has no condition and would match every call",
		    r->id);
	check_floor(ld, at, r);
	check_covers(ld, at, r);
	check_claims(ld, at, r);
	check_tool(ld, at, &r->when);
	for (size_t i = 0; i < r->unless.count; i++)
		check_tool(ld, at, &r->unless.v[i]);
	if (r->mode == MODE_UNSET)
		r->mode = MODE_ENFORCE;
}

static struct rule *
add_rule(struct loader *ld)
{
	struct set_draft *set = ld->set;

	if (mem_grow(&set->rules, &set->rule_cap, set->rule_count + 1,
		sizeof(struct rule)) != 0) {
		ld->fatal = err_nomem(ld->e);
		return NULL;
	}
	return &set->rules[set->rule_count++];
}

/* Is more of a match a looser decision? Known before the keys are read. */
static bool
rule_loosens(const struct yaml *v)
{
	const struct yaml *decision = yaml_get(v, "decision");

	return (decision != NULL && str_eqz(decision->text, "allow")) ||
	    yaml_get(v, "covers") != NULL;
}

static void
read_rule(struct loader *ld, const struct yaml *v)
{
	struct rule *r;

	if (ld->set->rule_count >= RULES_MAX) {
		ld_error(ld, v, "E042", NULL, "more than %d rules", RULES_MAX);
		ld->fatal = ERR_INVALID;
		return;
	}
	r = add_rule(ld);
	if (r == NULL)
		return;
	r->layer = ld->file->layer;
	r->file = ld->file->name;
	r->line = v->line;
	r->at = v;
	r->meaning = yaml_hash(v);
	ld->loosens = rule_loosens(v);
	const size_t errors = ld->errors;

	ld->skipped = false;
	schema_read_map(ld, SCOPE_RULE, v, r);
	r->broken = ld->errors != errors || ld->skipped;
	if (v->kind == YAML_MAP)
		check_rule(ld, v, r);
	ld->file->rule_count++;
}

/* ---- the file ---------------------------------------------------------- */

static void
read_rules(struct loader *ld, const struct yaml *rules)
{
	if (rules == NULL)
		return;
	if (rules->kind != YAML_LIST) {
		ld_error(ld, rules, "E021", "begin each rule with '- id: ...'",
		    "'rules' is a list of rules");
		return;
	}
	for (size_t i = 0; i < rules->count && ld->fatal == 0; i++)
		read_rule(ld, &rules->items[i]);
}

static void
read_scenarios(struct loader *ld, const struct yaml *tests)
{
	struct rule_file *f = ld->file;

	if (tests == NULL)
		return;
	if (tests->kind != YAML_LIST) {
		ld_error(ld, tests, "E021",
		    "begin each scenario with '- call: ...'",
		    "'tests' of a file is a list of scenarios");
		return;
	}
	f->scenarios = ld_alloc(ld, tests->count + 1, sizeof(struct scenario));
	for (size_t i = 0; f->scenarios != NULL && i < tests->count; i++)
		schema_read_map(ld, SCOPE_SCENARIO, &tests->items[i],
		    &f->scenarios[f->scenario_count++]);
}

static void
read_disable(struct loader *ld, const struct yaml *ids)
{
	struct set_draft *set = ld->set;
	struct nodes items;

	if (ids == NULL)
		return;
	if (ld->file->layer != LAYER_ORGANISATION &&
	    ld->file->layer != LAYER_REQUIREMENTS) {
		ld_error(ld, ids, "E038", "an administrator can",
		    "rules of a %s cannot disable others",
		    rule_layer_name(ld->file->layer));
		return;
	}
	if (!ld_items(ld, "disable", ids, &items))
		return;
	for (size_t i = 0; i < items.count; i++) {
		if (!ld_is_text(ld, "disable", items.v[i]))
			continue;
		if (mem_grow(&set->disables, &set->disable_cap,
			set->disable_count + 1, sizeof(struct disable)) != 0) {
			ld->fatal = err_nomem(ld->e);
			return;
		}
		set->disables[set->disable_count++] =
		    (struct disable){ .id = items.v[i]->text,
			    .at = items.v[i] };
	}
}

static void
read_may_cover(struct loader *ld, const struct yaml *layers)
{
	const struct scope_info *file = schema_scope(SCOPE_FILE);
	const struct words *words = file->keys[file->count - 1].words;
	struct set_draft *set = ld->set;
	struct nodes items;

	if (layers == NULL)
		return;
	if (ld->file->layer != LAYER_REQUIREMENTS) {
		ld_error(ld, layers, "E038", "leave it out",
		    "only requirements say who may cover");
		return;
	}
	if (!ld_items(ld, "may_cover", layers, &items))
		return;
	set->may_cover_given = true;
	for (size_t i = 0; i < items.count; i++) {
		const unsigned layer =
		    ld_word(ld, "may_cover", words, items.v[i]);

		if (layer == LAYER_PROJECT)
			ld_error(ld, items.v[i], "E038",
			    "rules of a repository may only tighten",
			    "'project' can never cover");
		else if (layer != 0)
			set->may_cover[layer] = true;
	}
}

void
read_file(struct loader *ld, const struct yaml *root)
{
	struct file_draft draft = { 0 };
	struct rule_file *f = ld->file;

	schema_read_map(ld, SCOPE_FILE, root, &draft);
	read_named(ld, draft.lists, "lists", &f->lists, &f->list_count);
	read_named(
	    ld, draft.patterns, "patterns", &f->patterns, &f->pattern_count);
	for (size_t i = 0; i < f->pattern_count; i++)
		ld_pattern(ld, &f->patterns[i]);
	read_rules(ld, draft.rules);
	read_scenarios(ld, draft.scenarios);
	read_disable(ld, draft.disable);
	read_may_cover(ld, draft.may_cover);
	if (ld->errors > 0)
		return;
	warn_unused(ld, f->lists, f->list_count, "list");
	warn_unused(ld, f->patterns, f->pattern_count, "pattern");
}

/* ---- the set ----------------------------------------------------------- */

static int
by_id(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;
	const int r = strcmp(
	    (*x)->id == NULL ? "" : (*x)->id, (*y)->id == NULL ? "" : (*y)->id);

	return r != 0 ? r : (*x > *y) - (*x < *y);
}

static void
check_ids(struct loader *ld, struct rule **order, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct rule *a = order[i - 1], *b = order[i];

		if (a->id == NULL || b->id == NULL || strcmp(a->id, b->id) != 0)
			continue;
		ld_error(ld, key_of(b->at, "id"), "E025",
		    "an id is used once in all files",
		    "'%s' is also the id of a rule in %s:%u", b->id, a->file,
		    a->line);
	}
}

static struct rule *
find_id(struct set_draft *set, struct str id)
{
	for (size_t i = 0; i < set->rule_count; i++) {
		if (set->rules[i].id != NULL && str_eqz(id, set->rules[i].id))
			return &set->rules[i];
	}
	return NULL;
}

static const char *
id_hint(struct loader *ld, struct str id)
{
	struct set_draft *set = ld->set;
	AUTO_FREE const char **names = mem_new(set->rule_count, sizeof(char *));
	size_t n = 0;

	for (size_t i = 0; names != NULL && i < set->rule_count; i++) {
		if (set->rules[i].layer == LAYER_PACK &&
		    set->rules[i].id != NULL)
			names[n++] = set->rules[i].id;
	}
	const char *hint = names == NULL ? NULL : ld_nearest(ld, id, names, n);

	return hint != NULL ? hint
			    : "'assent rules explain -- CMD' tells their ids";
}

static void
apply_disable(struct loader *ld, const struct disable *d)
{
	struct rule *r = find_id(ld->set, d->id);

	if (r == NULL)
		ld_error(ld, d->at, "E038", id_hint(ld, d->id),
		    "no shipped rule has the id '%.*s'", STR_ARG(d->id));
	else if (r->layer != LAYER_PACK)
		ld_error(ld, d->at, "E038", "delete it in its own file",
		    "'%s' is no shipped rule", r->id);
	else if (r->floor)
		ld_error(ld, d->at, "E038", "a floor holds for everybody",
		    "'%s' is a floor", r->id);
	else
		r->disabled = true;
}

void
check_set(struct loader *ld)
{
	struct set_draft *set = ld->set;
	AUTO_FREE struct rule **order =
	    mem_new(set->rule_count, sizeof(struct rule *));

	if (order == NULL) {
		ld->fatal = err_nomem(ld->e);
		return;
	}
	for (size_t i = 0; i < set->rule_count; i++)
		order[i] = &set->rules[i];
	qsort(order, set->rule_count, sizeof(struct rule *), by_id);
	check_ids(ld, order, set->rule_count);
	for (size_t i = 0; i < set->disable_count; i++)
		apply_disable(ld, &set->disables[i]);
}
