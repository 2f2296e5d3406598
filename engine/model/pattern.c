/*
 * From an approved action to what it stands for, and back to the question
 * whether another action is the same in kind.
 * Runs in: engine, assent.  Trusts: the classification; nothing in the action.
 * Owns: nothing; texts are in the arena.
 *
 * Whatever is not certain does not match: a pattern can only fail towards the
 * question being asked again.
 */
#include "model/pattern.h"

#include <string.h>

#include "model/part_command.h"

#define FOLDER_DEPTH_MIN 2 /* "/tmp" is too much at once */
#define PART_RULES_MAX 16 /* a part remembers no more: some may be missing */

static bool
same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool
is_text(struct str s, const char *text)
{
	return str_eq(s, str_of(text));
}

static bool
needs_answer(const struct part *part)
{
	return part->decision != DECISION_ALLOW;
}

/* ---- what is never approved for more than once --------------------------- */

static const char *
refuse_place(const struct effect *f)
{
	const bool writes = f->kind == EFFECT_WRITE;

	switch (f->path_class) {
	case PATH_SECRET:
		return "it touches credentials";
	case PATH_PROTECTED:
		return "it touches what other programs start, load or obey";
	case PATH_SYSTEM:
		return writes ? "it writes to the system" : NULL;
	case PATH_UNKNOWN:
		return "which file it is shows only when it runs";
	case PATH_NONE:
	case PATH_WORKSPACE:
	case PATH_OUTSIDE:
	case PATH_HOME:
	case PATH_TEMP:
	case PATH_GENERATED:
		break;
	}
	return NULL;
}

static const char *
refuse_effect(const struct effect *f)
{
	switch (f->kind) {
	case EFFECT_DELETE:
		return "it deletes or overwrites work";
	case EFFECT_SIGNAL:
		return "it signals a process, which is another one each time";
	case EFFECT_PRIVILEGE:
		return "it gains privilege";
	case EFFECT_REMOTE_STATE:
		return "it changes something on another machine";
	case EFFECT_WIDEN:
		return "it asks for more than its profile gives";
	case EFFECT_UNKNOWN:
		return f->by_server ? NULL : "it is not understood";
	case EFFECT_INVALID:
		return "it is not understood";
	case EFFECT_CONNECT:
		return f->target == NULL ? "which host it reaches is not known"
					 : NULL;
	case EFFECT_RUN_CODE:
		return refuse_place(f);
	case EFFECT_READ:
	case EFFECT_WRITE:
		return refuse_place(f);
	}
	return "it is not understood";
}

bool
part_command_is_open(const struct part_command *cmd)
{
	for (size_t i = 0; i < cmd->option_count; i++) {
		if (cmd->options[i].unknown_value)
			return true;
	}
	for (size_t i = 0; i < cmd->operand_count; i++) {
		if (cmd->operands[i].unknown)
			return true;
	}
	return cmd->options_open || cmd->operands_open;
}

static const char *
refuse_part(const struct part *part)
{
	if (part->floor)
		return "a floor of the rules asks each time";
	if (part->decision != DECISION_ASK && part->decision != DECISION_REVIEW)
		return "rules deny it";
	if (part->not_understood != NULL || part->command == NULL ||
	    part->command->dynamic || part_command_is_open(part->command))
		return "it is not understood";
	if (part->rule_count >= PART_RULES_MAX ||
	    part->effect_count > PATTERN_ITEMS_MAX ||
	    part->command->option_count > PATTERN_ITEMS_MAX ||
	    part->command->operand_count > PATTERN_ITEMS_MAX)
		return "it has too many parts to be shown as one kind";
	for (size_t i = 0; i < part->effect_count; i++) {
		const char *why = refuse_effect(&part->effects[i]);

		if (why != NULL)
			return why;
	}
	return NULL;
}

static const char *
refuse_action(const struct action *a, size_t *ret_parts)
{
	const struct classification *c = &a->classification;
	size_t n = 0;

	if (c->part_count > PATTERN_PARTS_MAX)
		return "it has too many parts to be shown as one kind";
	if (a->proposal.tool == TOOL_STDIN ||
	    (a->proposal.tool == TOOL_PERMISSION && a->during == NULL))
		return "calls of this tool are answered one by one";
	if (c->floor)
		return "a floor of the rules asks each time";
	if (c->by == BY_POLICY || c->by == BY_CEILING)
		return "it asks for more than its profile gives";
	if (c->decision != DECISION_ASK && c->decision != DECISION_REVIEW)
		return "rules decide it";
	for (size_t i = 0; i < c->part_count; i++) {
		const char *why = needs_answer(&c->parts[i])
		    ? refuse_part(&c->parts[i])
		    : NULL;

		if (why != NULL)
			return why;
		n += needs_answer(&c->parts[i]) ? 1 : 0;
	}
	if (n == 0)
		return "rules decide it";
	*ret_parts = n;
	return NULL;
}

/* ---- places ---------------------------------------------------------------- */

static bool
has_pattern_words(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (strchr("*?[{", s.s[i]) != NULL)
			return true;
	}
	return false;
}

static struct str
folder_of(struct str path)
{
	return str_head(path, str_rfind(path, '/'));
}

/* A folder that is narrow enough to stand for the files in it. */
static bool
is_narrow_folder(struct str folder, const struct action *a)
{
	const struct str home = str_of(a->proposer.home);
	size_t depth = 0;

	for (size_t i = 0; i < folder.len; i++)
		depth += folder.s[i] == '/' ? 1 : 0;
	if (depth < FOLDER_DEPTH_MIN ||
	    (depth == FOLDER_DEPTH_MIN && str_starts(folder, STR("/home/"))))
		return false;
	/* The home, and whatever holds it. */
	return !str_starts(home, folder) ||
	    (home.len > folder.len && home.s[folder.len] != '/');
}

static bool
is_path_effect(const struct effect *f)
{
	return f->kind == EFFECT_READ || f->kind == EFFECT_WRITE;
}

static enum pattern_target_kind
target_kind(
    const struct effect *f, const struct action *a, struct str *ret_folder)
{
	const struct str target = str_of(f->target);

	if (f->target == NULL)
		return PATTERN_TARGET_NONE;
	if (f->kind == EFFECT_RUN_CODE)
		return f->code_class == CODE_WORKSPACE ? PATTERN_TARGET_CLASS
						       : PATTERN_TARGET_EXACT;
	if (!is_path_effect(f))
		return PATTERN_TARGET_EXACT;
	if (f->path_class == PATH_WORKSPACE || f->path_class == PATH_GENERATED)
		return PATTERN_TARGET_CLASS;
	*ret_folder = folder_of(target);
	if (str_at(target, 0) != '/' || has_pattern_words(target) ||
	    str_ends(target, STR("/")) || !is_narrow_folder(*ret_folder, a))
		return PATTERN_TARGET_EXACT;
	return PATTERN_TARGET_CHILD;
}

static bool
target_matches(const struct pattern_effect *p, const struct effect *f)
{
	const struct str target = str_of(f->target);

	switch (p->match) {
	case PATTERN_TARGET_NONE:
		return f->target == NULL;
	case PATTERN_TARGET_EXACT:
		return f->target != NULL && same(p->target, f->target);
	case PATTERN_TARGET_CHILD:
		return f->target != NULL && !has_pattern_words(target) &&
		    !str_ends(target, STR("/")) &&
		    is_text(folder_of(target), p->target);
	case PATTERN_TARGET_CLASS:
		return true;
	case PATTERN_TARGET_INVALID:
		break;
	}
	return false;
}

static bool
is_url_of(struct str word, struct str host)
{
	const size_t scheme = str_search(word, STR("://"));
	const struct str rest = str_from(word, scheme + 3);

	/* What follows the host is the end (NUL) or begins the path. */
	return scheme < word.len && host.len > 0 && str_starts(rest, host) &&
	    strchr("/?#", str_at(rest, host.len)) != NULL;
}

static bool
is_name_of(struct str word, struct str path)
{
	const struct str name =
	    str_starts(word, STR("./")) ? str_from(word, 2) : word;

	if (name.len == 0 || name.s[0] == '-' || has_pattern_words(word) ||
	    !str_ends(path, name))
		return false;
	return path.len == name.len || path.s[path.len - name.len - 1] == '/';
}

/*
 * A word that names what an effect is about: it may differ as far as the
 * effect may, for the effect is compared. Each target speaks for one word;
 * told holds the effects whose word was found.
 */
static bool
is_told_by_effects(struct str word, const struct part *part, uint64_t *told)
{
	bool found = false;
	struct str target = STR_NONE;

	for (size_t i = 0; i < part->effect_count; i++) {
		const struct effect *f = &part->effects[i];
		const struct str t = str_of(f->target);

		if ((*told >> i & 1) != 0 || (found && !str_eq(t, target)))
			continue;
		if (!found &&
		    !(f->kind == EFFECT_CONNECT && is_url_of(word, t)) &&
		    !(is_path_effect(f) && is_name_of(word, t)))
			continue;
		found = true;
		target = t;
		*told |= (uint64_t)1 << i;
	}
	return found;
}
_Static_assert(PATTERN_ITEMS_MAX <= 64, "told has a bit for each effect");

/* ---- make ------------------------------------------------------------------ */

static const char *
keep(struct arena *arena, struct str s)
{
	return s.len == 0 ? NULL : arena_strndup(arena, s.s, s.len);
}

/* "FOO=1 " of "FOO=1 make test". */
static struct str
before_command(const struct part *part)
{
	const struct str text = str_of(part->text);

	return str_head(text, str_search(text, part->command->written));
}

static const char *
keep_text(struct arena *arena, const char *s)
{
	return s == NULL ? NULL : arena_strdup(arena, s);
}

static void
make_words(const struct part *part, struct arena *arena, struct pattern_part *p)
{
	const struct part_command *cmd = part->command;
	uint64_t told = 0;

	p->options =
	    arena_array(arena, cmd->option_count + 1, sizeof(*p->options));
	p->operands =
	    arena_array(arena, cmd->operand_count + 1, sizeof(*p->operands));
	if (p->options == NULL || p->operands == NULL)
		return;
	for (size_t i = 0; i < cmd->option_count; i++) {
		const struct command_opt *opt = &cmd->options[i];
		struct pattern_option *to = &p->options[p->option_count++];

		to->name = keep(arena, opt->name);
		if (opt->value.s != NULL)
			to->value =
			    arena_strndup(arena, opt->value.s, opt->value.len);
	}
	for (size_t i = 0; i < cmd->operand_count; i++) {
		if (!is_told_by_effects(cmd->operands[i].text, part, &told))
			p->operands[p->operand_count++] = arena_strndup(arena,
			    cmd->operands[i].text.s, cmd->operands[i].text.len);
	}
}

static void
make_effects(const struct action *a, const struct part *part,
    struct arena *arena, struct pattern_part *p)
{
	p->effects =
	    arena_array(arena, part->effect_count + 1, sizeof(*p->effects));
	p->rules = arena_array(arena, part->rule_count + 1, sizeof(*p->rules));
	if (p->effects == NULL || p->rules == NULL)
		return;
	for (size_t i = 0; i < part->effect_count; i++) {
		const struct effect *f = &part->effects[i];
		struct str folder = STR_NONE;
		struct pattern_effect *to = &p->effects[p->effect_count++];

		*to = (struct pattern_effect){
			.kind = f->kind,
			.path_class = f->path_class,
			.code_class = f->code_class,
			.match = target_kind(f, a, &folder),
			.asked = f->decision != DECISION_ALLOW,
		};
		to->target = to->match == PATTERN_TARGET_CHILD
		    ? keep(arena, folder)
		    : keep_text(arena, f->target);
	}
	for (size_t i = 0; i < part->rule_count; i++) {
		if (part->rules[i].decision > DECISION_ALLOW)
			p->rules[p->rule_count++] =
			    keep_text(arena, part->rules[i].id);
	}
}

static void
make_part(const struct action *a, const struct part *part, struct arena *arena,
    struct pattern_part *p)
{
	const struct part_command *cmd = part->command;

	*p = (struct pattern_part){
		.tool = cmd->tool,
		.text = keep_text(arena, part->text),
		.before = keep(arena, before_command(part)),
		.program = keep(arena, cmd->written),
		.subcommand = keep(arena, cmd->subcommand),
		.method = keep(arena, cmd->method),
		.server = keep(arena, cmd->server),
		.mcp_tool = keep(arena, cmd->mcp_tool),
	};
	make_words(part, arena, p);
	make_effects(a, part, arena, p);
}

/* Code that comes with the command, or from elsewhere: no kind, but a text. */
static bool
has_code_of_its_own(const struct action *a)
{
	const struct classification *c = &a->classification;

	for (size_t i = 0; i < c->part_count; i++) {
		for (size_t k = 0; k < c->parts[i].effect_count; k++) {
			const struct effect *f = &c->parts[i].effects[k];

			if (f->kind == EFFECT_RUN_CODE &&
			    (f->code_class == CODE_INLINE ||
				f->code_class == CODE_DOWNLOADED))
				return true;
		}
	}
	return false;
}

int
pattern_of(const struct action *a, struct arena *arena, struct pattern *ret,
    struct err *e)
{
	const struct classification *c = &a->classification;
	struct pattern p = {
		.tool = a->proposal.tool,
		.executor = a->proposal.executor,
		.agent = keep_text(arena, a->proposal.agent_name),
		.workspace = keep_text(arena, a->proposal.workspace),
		.cwd = keep_text(arena, a->proposal.cwd),
		.profile = keep_text(arena, c->profile.name),
		.exact = has_code_of_its_own(a),
	};
	size_t parts = 0;
	const char *why = refuse_action(a, &parts);
	int r;

	if (why != NULL)
		return err_set(
		    e, ERR_DENIED, "this can only be approved once: %s", why);
	r = pattern_context(a, p.exact, p.context_sha256, e);
	if (r != 0)
		return r;
	p.parts = arena_array(arena, parts, sizeof(*p.parts));
	p.around = arena_array(arena, c->part_count, sizeof(*p.around));
	for (size_t i = 0;
	     p.parts != NULL && p.around != NULL && i < c->part_count; i++) {
		if (needs_answer(&c->parts[i]))
			make_part(
			    a, &c->parts[i], arena, &p.parts[p.part_count++]);
		else
			p.around[p.around_count++] =
			    keep_text(arena, c->parts[i].text);
	}
	if (arena_failed(arena))
		return err_nomem(e);
	*ret = p;
	return ERR_OK;
}

/* ---- match ----------------------------------------------------------------- */

static bool
option_is(const struct pattern_option *p, const struct command_opt *opt)
{
	if (!is_text(opt->name, p->name))
		return false;
	if (p->value == NULL || opt->value.s == NULL)
		return p->value == NULL && opt->value.s == NULL;
	return is_text(opt->value, p->value);
}

/* The same options with the same values, in any order. */
static bool
options_match(const struct pattern_part *p, const struct part_command *cmd)
{
	if (p->option_count != cmd->option_count)
		return false;
	for (size_t i = 0; i < cmd->option_count; i++) {
		bool found = false;

		for (size_t k = 0; k < p->option_count && !found; k++)
			found = option_is(&p->options[k], &cmd->options[i]);
		if (!found)
			return false;
	}
	for (size_t k = 0; k < p->option_count; k++) {
		bool found = false;

		for (size_t i = 0; i < cmd->option_count && !found; i++)
			found = option_is(&p->options[k], &cmd->options[i]);
		if (!found)
			return false;
	}
	return true;
}

/* In the same order; those that effects tell of may differ, in number too. */
static bool
operands_match(const struct pattern_part *p, const struct part *part)
{
	const struct part_command *cmd = part->command;
	uint64_t told = 0;
	size_t next = 0;

	for (size_t i = 0; i < cmd->operand_count; i++) {
		const struct str word = cmd->operands[i].text;

		if (is_told_by_effects(word, part, &told))
			continue;
		if (next == p->operand_count ||
		    !is_text(word, p->operands[next]))
			return false;
		next++;
	}
	return next == p->operand_count;
}

static bool
effect_matches(const struct pattern_part *p, const struct effect *f)
{
	const bool asked = f->decision != DECISION_ALLOW;

	for (size_t i = 0; i < p->effect_count; i++) {
		const struct pattern_effect *pe = &p->effects[i];

		if (pe->kind != f->kind || pe->path_class != f->path_class ||
		    pe->code_class != f->code_class)
			continue;
		/* What rules allow anyway need not be the same file. */
		if (!asked || (pe->asked && target_matches(pe, f)))
			return true;
	}
	return false;
}

static bool
has_rule(const struct pattern_part *p, const char *id)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		if (same(p->rules[i], id))
			return true;
	}
	return false;
}

/* Nothing asks that did not ask then. */
static bool
rules_match(const struct pattern_part *p, const struct part *part)
{
	for (size_t i = 0; i < part->rule_count; i++) {
		if (part->rules[i].decision > DECISION_ALLOW &&
		    !has_rule(p, part->rules[i].id))
			return false;
	}
	for (size_t i = 0; i < part->effect_count; i++) {
		const struct effect *f = &part->effects[i];

		if (f->decision > DECISION_ALLOW && f->rule.id != NULL &&
		    !has_rule(p, f->rule.id))
			return false;
	}
	return true;
}

static bool
command_is(const struct pattern_part *p, const struct part_command *cmd)
{
	return p->tool == cmd->tool && is_text(cmd->written, p->program) &&
	    is_text(cmd->subcommand, p->subcommand) &&
	    is_text(cmd->method, p->method) &&
	    is_text(cmd->server, p->server) &&
	    is_text(cmd->mcp_tool, p->mcp_tool);
}

static bool
part_matches(const struct pattern_part *p, const struct part *part)
{
	if (refuse_part(part) != NULL || !command_is(p, part->command) ||
	    !is_text(before_command(part), p->before) ||
	    !options_match(p, part->command) || !operands_match(p, part) ||
	    !rules_match(p, part))
		return false;
	for (size_t i = 0; i < part->effect_count; i++) {
		if (!effect_matches(p, &part->effects[i]))
			return false;
	}
	return true;
}

/* What rules allow beside it may set the stage (cd, export, a pipe): it is
 * the same text, or it is another action. */
static bool
some_part_matches(const struct pattern *p, const struct part *part)
{
	for (size_t i = 0; !needs_answer(part) && i < p->around_count; i++) {
		if (same(p->around[i], part->text))
			return true;
	}
	for (size_t i = 0; i < p->part_count; i++) {
		if (part_matches(&p->parts[i], part))
			return true;
	}
	return false;
}

static bool
surroundings_match(const struct pattern *p, const struct action *a)
{
	uint8_t context[SHA256_LEN];

	return p->tool == a->proposal.tool &&
	    p->executor == a->proposal.executor &&
	    same(p->agent, a->proposal.agent_name) &&
	    same(p->workspace, a->proposal.workspace) &&
	    same(p->cwd, a->proposal.cwd) &&
	    same(p->profile, a->classification.profile.name) &&
	    pattern_context(a, p->exact, context, NULL) == 0 &&
	    memcmp(context, p->context_sha256, SHA256_LEN) == 0;
}

bool
pattern_matches(const struct pattern *p, const struct action *a)
{
	const struct classification *c = &a->classification;
	size_t parts;

	if (refuse_action(a, &parts) != NULL || !surroundings_match(p, a) ||
	    has_code_of_its_own(a) != p->exact)
		return false;
	for (size_t i = 0; i < c->part_count; i++) {
		if (!some_part_matches(p, &c->parts[i]))
			return false;
	}
	return true;
}

bool
pattern_resembles(const struct pattern *p, const struct action *a)
{
	const struct classification *c = &a->classification;

	for (size_t i = 0; i < c->part_count; i++) {
		const struct part_command *cmd = c->parts[i].command;

		for (size_t k = 0; cmd != NULL && k < p->part_count; k++) {
			if (is_text(cmd->written, p->parts[k].program) &&
			    cmd->tool == p->parts[k].tool)
				return true;
		}
	}
	return false;
}
