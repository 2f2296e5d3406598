/*
 * One shell text: its parts judged in the order in which data flow.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_script.h"

#include "hosts.h"

struct part_eval {
	bool started, done;
	bool has_child; /* a wrapper: what it starts is a part, too */
	unsigned flow_out;
	size_t slot; /* in run->parts */
	uint32_t last; /* the last part that it starts, directly or not */
};

struct script {
	struct run *run;
	struct shell_result result;
	const struct script_options *options;
	struct part_eval *evals;
};

static int
slots_take(struct run *run, size_t n, size_t *ret_first)
{
	if (run->count + n > PARTS_MAX) {
		run->overflow = true;
		return ERR_LIMIT;
	}
	if (run->count + n > run->cap) {
		size_t cap = run->cap == 0 ? 16 : run->cap * 2;
		struct part *parts;
		struct part_command *commands;

		while (cap < run->count + n)
			cap *= 2;
		parts = arena_array(run->arena, cap, sizeof(*parts));
		commands = arena_array(run->arena, cap, sizeof(*commands));
		if (parts == NULL || commands == NULL)
			return ERR_NOMEM;
		if (run->count > 0) {
			memcpy(parts, run->parts, run->count * sizeof(*parts));
			memcpy(commands, run->commands,
			    run->count * sizeof(*commands));
		}
		run->parts = parts;
		run->commands = commands;
		run->cap = cap;
	}
	*ret_first = run->count;
	run->count += n;
	return ERR_OK;
}

int
run_add_part(struct run *run, const struct part *part,
    const struct part_command *command)
{
	size_t slot;
	const int r = slots_take(run, 1, &slot);

	if (r != ERR_OK)
		return r;
	run->parts[slot] = *part;
	run->commands[slot] = *command;
	return ERR_OK;
}

static const char *
print_part(struct run *run, const struct shell_part *p)
{
	AUTO_BUF struct buf b = BUF_INIT(4 * SCRIPT_BYTES_MAX);
	struct str text;
	char *copy;

	shell_part_print(&b, p);
	if (buf_done(&b, NULL) != 0)
		return "(too long to show)";
	text = secrets_mask(run->arena, buf_str(&b));
	copy =
	    arena_strndup(run->arena, text.s == NULL ? "" : text.s, text.len);
	return copy == NULL ? "" : copy;
}

static const char *
context_text(const struct script *s, const struct shell_part *p)
{
	const char *outer = s->options->via;
	char *copy;
	char text[200];

	if (p->via == NULL || outer == NULL)
		return p->via != NULL ? p->via : outer;
	(void)snprintf(text, sizeof(text), "%s in %s", p->via, outer);
	copy = arena_strdup(s->run->arena, text);
	return copy == NULL ? p->via : copy;
}

/* Is part k one of first..last, or started by one of them? */
static bool
is_within(const struct script *s, uint32_t k, uint32_t first, uint32_t last)
{
	for (unsigned depth = 0; k != SHELL_NO_PART && depth < 64; depth++) {
		if (k >= first && k <= last)
			return true;
		k = s->result.parts[k].parent;
	}
	return false;
}

/* Everything that may have a hand in an output: wrappers and what they
 * start, and all parts of a group. */
static unsigned
flow_of_range(struct script *s, uint32_t first, uint32_t last)
{
	unsigned flow = 0;
	uint32_t end = last;

	for (uint32_t k = first; k <= last && k < s->result.part_count; k++)
		end = s->evals[k].last > end ? s->evals[k].last : end;
	for (uint32_t k = first; k <= end && k < s->result.part_count; k++) {
		if (is_within(s, k, first, last))
			flow |= script_flow(s, k);
	}
	return flow;
}

/* "< names.txt" */
static unsigned
flow_of_file(struct script *s, const struct shell_part *p)
{
	struct judge j = {
		.run = s->run,
		.script = s,
		.shell = p,
		.programs = s->run->programs,
		.arena = s->run->arena,
	};
	const struct arg a = arg_of(&p->stdin_text, 0);
	struct path_facts f;

	arg_place(&j, &a, &f);
	if (f.secret)
		return FLOW_SECRET;
	return f.in_workspace || f.base == PATH_TEMP ? FLOW_WORKSPACE
						     : FLOW_UNKNOWN;
}

/* What comes in: by pipe, by a file, or with the outer text. */
static unsigned
flow_into(struct script *s, const struct shell_part *p)
{
	const uint32_t last = p->stdin_part;
	const uint32_t first = p->stdin_first < last ? p->stdin_first : last;

	switch (p->stdin_kind) {
	case STDIN_PIPE:
		return last == SHELL_NO_PART ? FLOW_UNKNOWN
					     : flow_of_range(s, first, last);
	case STDIN_TEXT:
		return last == SHELL_NO_PART ? 0
					     : flow_of_range(s, first, last);
	case STDIN_INHERIT:
		return s->options->flow_in;
	case STDIN_OTHER:
		return FLOW_UNKNOWN;
	case STDIN_FILE:
		return flow_of_file(s, p);
	case STDIN_CLOSED:
		break;
	}
	return 0;
}

unsigned
script_input(struct script *s, uint32_t part)
{
	if (s == NULL || part >= s->result.part_count)
		return FLOW_UNKNOWN;
	return flow_into(s, &s->result.parts[part]);
}

static unsigned
flow_of_words(struct judge *j)
{
	unsigned flow = 0;

	for (size_t i = 0; i < j->shell->argc; i++) {
		const struct arg a = arg_of(&j->shell->argv[i], 0);

		flow |= arg_flow(j, &a);
	}
	for (size_t i = 0; i < j->shell->redir_count; i++) {
		const struct arg a = arg_of(&j->shell->redirs[i].target, 0);

		if (j->shell->redirs[i].op == REDIR_TEXT)
			flow |= arg_flow(j, &a);
	}
	return flow;
}

/* Of what place the names are that an effect of a listing is about. */
static unsigned
names_of_effect(const struct judge *j, const struct effect *f)
{
	if (f->kind == EFFECT_UNKNOWN)
		return FLOW_UNKNOWN;
	if (f->kind != EFFECT_READ)
		return 0;
	switch (f->path_class) {
	case PATH_WORKSPACE:
	case PATH_GENERATED:
	case PATH_TEMP:
		return j->names_secrets ? FLOW_ANY_NAMES | FLOW_UNKNOWN
					: FLOW_NAMES;
	case PATH_OUTSIDE:
	case PATH_SYSTEM:
		return j->lists_secrets ? FLOW_ANY_NAMES | FLOW_UNKNOWN
					: FLOW_FAR_NAMES;
	case PATH_NONE:
	case PATH_UNKNOWN:
		return FLOW_UNKNOWN;
	case PATH_HOME:
	case PATH_SECRET:
	case PATH_PROTECTED:
		break;
	}
	return FLOW_ANY_NAMES | FLOW_UNKNOWN;
}

/* A format that makes its own path: find -printf, date +, seq -f. */
static bool
makes_paths(const struct judge *j)
{
	static const char *const options[] = { "-printf", "-c", "--format",
		"--printf", "--pretty", "-f", "-s", "--time-style" };
	const struct shell_part *p = j->shell;

	for (size_t i = 1; i < p->argc; i++) {
		const struct str t = p->argv[i].text;
		const size_t eq = str_find(t, '=');
		struct str v = STR_NONE;

		if (str_at(t, 0) == '+')
			v = str_from(t, 1);
		else if (eq < t.len &&
		    str_is_one_of(str_head(t, eq), options, ARRAY_LEN(options)))
			v = str_from(
			    t, eq + (str_at(t, eq + 1) == '+' ? 2 : 1));
		else if (str_is_one_of(
			     p->argv[i - 1].text, options, ARRAY_LEN(options)))
			v = t;
		if (str_at(v, 0) == '/' || str_at(v, 0) == '~' ||
		    str_search(v, STR("..")) < v.len ||
		    str_search(v, STR("n/")) < v.len ||
		    str_search(v, STR(" /")) < v.len ||
		    str_search(v, STR("\n/")) < v.len)
			return true;
	}
	return false;
}

/* Programs that print names or content, as they are told. */
static bool
prints_content(const struct judge *j)
{
	static const char *const content[] = { "show", "log", "cat-file",
		"blame", "annotate", "diff", "grep", "config", "whatchanged" };
	static const char *const names[] = { "-l", "-L", "-c", "-q", "--count",
		"--files", "--quiet", "--files-without-match" };
	static const char *const both[] = { "--files-with-matches",
		"--name-only", "--name-status" };
	const struct part_command *c = j->command;
	const bool grep = str_eqz(j->program, "grep") ||
	    str_eqz(j->program, "rg") ||
	    (str_eqz(j->program, "git") && str_eqz(c->subcommand, "grep"));
	bool may = grep ||
	    (str_eqz(j->program, "git") &&
		str_is_one_of(c->subcommand, content, ARRAY_LEN(content)));

	for (size_t i = 0; may && i < c->option_count; i++) {
		const struct str o = c->options[i].spelt;

		if (str_is_one_of(o, both, ARRAY_LEN(both)) ||
		    (grep && str_is_one_of(o, names, ARRAY_LEN(names))))
			may = false;
	}
	return may || makes_paths(j);
}

/* Listing names is not reading content; decoding is noted. */
static unsigned
flow_transformed(const struct judge *j)
{
	unsigned flow = j->flow_in | j->flow_out;
	const struct programs *p = j->programs;
	const struct str name = j->program;
	unsigned names = 0;

	if (programs_word(p, "decoders", name))
		return flow | FLOW_DECODED;
	if (programs_word(p, "prints_environment", name))
		return flow | FLOW_ENVIRONMENT;
	if (programs_word(p, "names_programs", name))
		return flow | FLOW_FAR_NAMES;
	if (!programs_word(p, "lists_names", name) || prints_content(j))
		return flow;
	for (size_t i = 0; i < j->effect_count; i++)
		names |= names_of_effect(j, &j->effects[i]);
	flow &= ~(unsigned)(FLOW_WORKSPACE | FLOW_ENVIRONMENT);
	return flow | (names != 0 ? names : FLOW_NAMES);
}

/* Data that leave: what is sent becomes an effect of its own. */
static void
note_sending(struct judge *j)
{
	const unsigned flow = j->flow_in;
	const char *what = NULL;
	enum path_class data = PATH_NONE;
	const char *peer = NULL;
	bool away = false;

	for (size_t i = 0; i < j->effect_count; i++) {
		const struct effect *f = &j->effects[i];

		if (f->kind == EFFECT_READ && f->path_class == PATH_SECRET)
			data = PATH_SECRET;
		if (f->kind != EFFECT_CONNECT ||
		    (f->target != NULL && host_is_loopback(str_of(f->target))))
			continue;
		away = true;
		peer = f->target;
	}
	if (!away)
		return;
	if (data == PATH_SECRET || (flow & FLOW_SECRET) != 0)
		what = "send secret";
	else if ((flow & FLOW_ENVIRONMENT) != 0)
		what = "send environment";
	else if ((flow & FLOW_WORKSPACE) != 0)
		what = "send workspace";
	else if ((flow & (FLOW_UNKNOWN | FLOW_NAMES)) != 0)
		what = "send unknown";
	if (what == NULL)
		return;
	effect_add(j,
	    &(struct effect){
		.kind = EFFECT_REMOTE_STATE,
		.path_class = data,
		.target = what,
		.why =
		    judge_say(j, "%.*s may %s data to %s", STR_ARG(j->program),
			"send", peer == NULL ? "another machine" : peer),
	    });
}

/* What was written holds all that went through the part. */
static void
note_written(struct judge *j)
{
	unsigned flow = j->flow_in | j->flow_out;

	if (flow == 0 && programs_word(j->programs, "makes_code", j->program))
		flow = FLOW_WORKSPACE;
	for (size_t i = j->written_from; i < j->run->written_count; i++)
		j->run->written[i].flow |= flow;
}

static void
part_finish(struct script *s, struct judge *j, struct part_eval *ev)
{
	struct part *part = &s->run->parts[ev->slot];

	if (j->shell->not_understood != NULL)
		effect_unknown(j, "%s", j->shell->not_understood);
	note_sending(j);
	note_written(j);
	ev->flow_out = flow_transformed(j);
	part->effects = j->effects;
	part->effect_count = j->effect_count;
	part->not_understood = j->shell->not_understood != NULL
	    ? j->shell->not_understood
	    : j->not_understood;
	s->run->commands[ev->slot].program = j->command->program;
	s->run->commands[ev->slot] = *j->command;
	s->run->flow_all |= ev->flow_out;
}

static void
part_judge(struct script *s, uint32_t index)
{
	struct part_eval *ev = &s->evals[index];
	const struct shell_part *p = &s->result.parts[index];
	struct part_command command = { .tool = TOOL_SHELL };
	struct judge j = {
		.run = s->run,
		.script = s,
		.shell = p,
		.programs = s->run->programs,
		.arena = s->run->arena,
		.command = &command,
		.program = STR(""),
		.written_from = s->run->written_count,
	};

	ev->started = true;
	j.has_child = ev->has_child;
	j.flow_in = flow_into(s, p);
	j.flow_in |= flow_of_words(&j);
	s->run->parts[ev->slot].text = print_part(s->run, p);
	s->run->parts[ev->slot].context = context_text(s, p);
	judge_command(&j);
	part_finish(s, &j, ev);
	ev->done = true;
}

const struct shell_part *
script_part(const struct judge *j, uint32_t index)
{
	const struct script *s = j->script;

	return s != NULL && index < s->result.part_count
	    ? &s->result.parts[index]
	    : NULL;
}

const struct shell_part *
script_parent(const struct judge *j)
{
	const struct script *s = j->script;
	const uint32_t parent = j->shell->parent;

	return s != NULL && parent < s->result.part_count
	    ? &s->result.parts[parent]
	    : NULL;
}

unsigned
script_output(struct script *s, uint32_t part)
{
	if (s == NULL || part >= s->result.part_count)
		return FLOW_UNKNOWN;
	return flow_of_range(s, part, part);
}

unsigned
script_flow(struct script *s, uint32_t part)
{
	if (part >= s->result.part_count)
		return FLOW_UNKNOWN;
	if (!s->evals[part].started)
		part_judge(s, part);
	return s->evals[part].done ? s->evals[part].flow_out : FLOW_UNKNOWN;
}

/* A text that is not understood is one part that says why. */
static int
not_understood(struct run *run, struct str text, const char *why,
    const struct script_options *o)
{
	const struct str shown =
	    secrets_mask(run->arena, str_head(text, SCRIPT_UNDERSTOOD_MAX));
	struct effect *f = arena_alloc(run->arena, sizeof(*f));
	struct part part = { .context = o->via, .not_understood = why };
	struct part_command command = { .tool = TOOL_SHELL, .dynamic = true };

	if (f == NULL)
		return ERR_NOMEM;
	*f = (struct effect){ .kind = EFFECT_UNKNOWN, .why = why };
	part.text = arena_strndup(
	    run->arena, shown.s == NULL ? "" : shown.s, shown.len);
	part.effects = f;
	part.effect_count = 1;
	return run_add_part(run, &part, &command);
}

/* What a part starts comes behind it. */
static void
note_children(struct script *s)
{
	for (size_t i = s->result.part_count; i > 0; i--) {
		const uint32_t parent = s->result.parts[i - 1].parent;
		struct part_eval *ev;

		if (parent >= i - 1)
			continue;
		ev = &s->evals[parent];
		ev->has_child = true;
		if (s->evals[i - 1].last > ev->last)
			ev->last = s->evals[i - 1].last;
	}
}

static int
parts_judge(struct script *s)
{
	struct run *run = s->run;
	const size_t n = s->result.part_count;
	size_t first = 0;
	int r = slots_take(run, n, &first);

	if (r != ERR_OK)
		return r;
	s->evals = arena_array(run->arena, n, sizeof(*s->evals));
	if (s->evals == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		s->evals[i].slot = first + i;
		s->evals[i].last = (uint32_t)i;
	}
	note_children(s);
	for (size_t i = 0; i < n; i++) {
		if (!s->evals[i].started)
			part_judge(s, (uint32_t)i);
	}
	return arena_failed(run->arena) ? ERR_NOMEM : ERR_OK;
}

static int
script_finish(struct script *s, struct str text)
{
	struct run *run = s->run;
	int r = ERR_OK;

	if (s->result.not_understood != NULL)
		r = not_understood(
		    run, text, s->result.not_understood, s->options);
	if (r == ERR_OK && s->result.part_count > 0)
		r = parts_judge(s);
	run->depth--;
	if (r == ERR_LIMIT) {
		run->overflow = true;
		r = ERR_OK;
	}
	return r;
}

int
script_judge(struct run *run, struct str text, const struct script_options *o)
{
	struct script *s = arena_alloc(run->arena, sizeof(*s));
	int r;

	if (s == NULL)
		return ERR_NOMEM;
	if (run->depth >= SCRIPT_NEST_MAX)
		return not_understood(
		    run, text, "texts within texts are nested too deep", o);
	run->depth++;
	*s = (struct script){ .run = run, .options = o };
	r = shell_understand(text, &o->shell, run->arena, &s->result, NULL);
	if (r != ERR_OK)
		return r;
	return script_finish(s, text);
}

int
script_judge_argv(struct run *run, char *const *argv, size_t argc,
    const struct script_options *o)
{
	struct script *s = arena_alloc(run->arena, sizeof(*s));
	int r;

	if (s == NULL)
		return ERR_NOMEM;
	if (run->depth >= SCRIPT_NEST_MAX)
		return not_understood(run, str_of(argc > 0 ? argv[0] : ""),
		    "texts within texts are nested too deep", o);
	run->depth++;
	*s = (struct script){ .run = run, .options = o };
	r = shell_understand_argv(
	    argv, argc, &o->shell, run->arena, &s->result, NULL);
	if (r != ERR_OK)
		return r;
	return script_finish(s, str_of(argc > 0 ? argv[0] : ""));
}
