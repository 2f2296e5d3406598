/*
 * Effects of one part: what a word that is read, written, run... means.
 * Runs in: engine, assent.  Trusts: the parser and the tables.
 * Owns: nothing; all in the arena.
 */
#include <stdarg.h>

#include "effects_int.h"
#include "hosts.h"

#define WHY_MAX 400

const char *
judge_say(struct judge *j, const char *fmt, ...)
{
	char text[WHY_MAX];
	va_list ap;
	const char *s;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s = arena_strdup(j->arena, text);
	return s == NULL ? "" : s;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_effect(const struct effect *a, const struct effect *b)
{
	return a->kind == b->kind && a->path_class == b->path_class &&
	    a->code_class == b->code_class && a->by_server == b->by_server &&
	    same_text(a->target, b->target);
}

static bool
effects_grow(struct judge *j)
{
	const size_t cap = j->effect_cap == 0 ? 8 : j->effect_cap * 2;
	struct effect *next = arena_array(j->arena, cap, sizeof(*next));

	if (next == NULL)
		return false;
	if (j->effect_count > 0)
		memcpy(next, j->effects, j->effect_count * sizeof(*next));
	j->effects = next;
	j->effect_cap = cap;
	return true;
}

/* What the effect says about the data that the part has in hand. */
static unsigned
flow_of(const struct effect *f)
{
	if (f->kind == EFFECT_CONNECT)
		return f->target != NULL && host_is_loopback(str_of(f->target))
		    ? 0
		    : FLOW_DOWNLOAD;
	if (f->kind != EFFECT_READ)
		return 0;
	switch (f->path_class) {
	case PATH_SECRET:
		return FLOW_SECRET;
	case PATH_WORKSPACE:
	case PATH_GENERATED:
	case PATH_TEMP:
	case PATH_PROTECTED:
		return FLOW_WORKSPACE;
	case PATH_UNKNOWN:
		return FLOW_UNKNOWN;
	case PATH_HOME:
		return FLOW_UNKNOWN;
	case PATH_NONE:
	case PATH_OUTSIDE:
	case PATH_SYSTEM:
		break;
	}
	return 0;
}

/* Inside another machine or container, files are not those of here. */
static bool
elsewhere(const struct judge *j, const struct effect *what)
{
	if (j->shell == NULL ||
	    (j->shell->context & (CONTEXT_REMOTE | CONTEXT_CONTAINER)) == 0)
		return false;
	return what->kind == EFFECT_READ || what->kind == EFFECT_WRITE ||
	    what->kind == EFFECT_DELETE || what->kind == EFFECT_RUN_CODE ||
	    what->kind == EFFECT_SIGNAL;
}

void
effect_add(struct judge *j, const struct effect *what)
{
	if (elsewhere(j, what)) {
		j->flow_out |= FLOW_UNKNOWN;
		return;
	}
	for (size_t i = 0; i < j->effect_count; i++) {
		if (same_effect(&j->effects[i], what))
			return;
	}
	if (j->effect_count >= EFFECTS_PER_PART_MAX) {
		j->not_understood = "it does more than can be listed";
		return;
	}
	if (j->effect_count == j->effect_cap && !effects_grow(j))
		return;
	j->effects[j->effect_count++] = *what;
	j->flow_out |= flow_of(what);
}

void
effect_unknown(struct judge *j, const char *fmt, ...)
{
	char text[WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	effect_add(j,
	    &(struct effect){
		.kind = EFFECT_UNKNOWN, .why = judge_say(j, "%s", text) });
}

/* "sort writes the value of --output" */
static const char *
because(struct judge *j, const char *verb)
{
	if (j->by.len == 0)
		return judge_say(j, "%.*s %s it", STR_ARG(j->program), verb);
	return judge_say(
	    j, "%.*s %s %.*s", STR_ARG(j->program), verb, STR_ARG(j->by));
}

static const char *
target_of(struct judge *j, const struct path_facts *f, const struct arg *a)
{
	const struct str shown = secrets_mask(j->arena, a->text);
	const char *copy;

	if (f->abs[0] != '\0' && f->base != PATH_UNKNOWN)
		return f->abs;
	copy =
	    arena_strndup(j->arena, shown.s == NULL ? "" : shown.s, shown.len);
	return copy;
}

static void
path_effect(struct judge *j, enum effect_kind kind, enum path_class class,
    const char *target, const char *verb)
{
	effect_add(j,
	    &(struct effect){
		.kind = kind,
		.path_class = class,
		.target = target,
		.why = because(j, verb),
	    });
}

/* A descriptor that the shell made: its content is somebody's output. */
static bool
is_file_name_of_part(struct judge *j, const struct arg *a)
{
	const struct shell_word *w = a->word;

	if (a->known || w == NULL)
		return false;
	for (size_t i = 0; i < w->piece_count; i++) {
		if (w->pieces[i].origin != ORIGIN_FILE_NAME)
			continue;
		if (w->pieces[i].part != UINT32_MAX)
			j->flow_out |= arg_flow(j, a);
		return true;
	}
	return false;
}

/* What this action has written there before, or NULL. */
static const struct written *
written_find(const struct judge *j, const char *abs)
{
	const struct run *run = j->run;

	for (size_t i = run->written_count; i > 0; i--) {
		const struct written *w = &run->written[i - 1];

		if (strcmp(w->abs, abs) == 0 ||
		    ((w->flow & FLOW_DOWNLOAD) != 0 &&
			path_beneath(abs, w->abs) &&
			strcmp(w->abs, run->action->proposal.workspace) != 0))
			return w;
	}
	return NULL;
}

void
effect_read(struct judge *j, const struct arg *a, bool tree)
{
	struct path_facts f;
	const struct written *w;
	enum path_class class;

	if (is_file_name_of_part(j, a))
		return;
	arg_place(j, a, &f);
	if (f.sink || (a->known && str_eq(a->text, STR("-"))))
		return;
	/* A read that only a failed cd would send elsewhere is no matter. */
	if (f.likely != PATH_NONE)
		f.base = f.likely;
	class = paths_class(&f, false);
	if (class == PATH_UNKNOWN && f.below != PATH_NONE)
		class = f.below;
	if (tree && f.holds_secrets && class != PATH_WORKSPACE)
		class = PATH_SECRET;
	j->lists_secrets = j->lists_secrets || class == PATH_SECRET;
	path_effect(j, EFFECT_READ, class, target_of(j, &f, a),
	    tree ? "reads all of" : "reads");
	w = written_find(j, f.abs);
	if (w != NULL)
		j->flow_out |= w->flow;
}

/* Remembers that this action wrote a file. */
static void
written_add(struct judge *j, const char *abs, unsigned flow, struct str text,
    bool text_known)
{
	struct run *run = j->run;

	if (run->written_count == WRITTEN_MAX) {
		run->overflow = true;
		return;
	}
	run->written[run->written_count++] = (struct written){
		.abs = abs, .flow = flow, .text = text, .text_known = text_known
	};
}

/* Places that make a change more than a change. */
static void
note_place(struct judge *j, const struct path_facts *f)
{
	if (f->own)
		effect_privilege(j, "policy tampering");
	if (f->startup)
		effect_privilege(j, "persistence in start files");
	if (f->device)
		effect_privilege(j, "raw device");
}

void
effect_write(struct judge *j, const struct arg *a, const char *verb)
{
	struct path_facts f;

	if (is_file_name_of_part(j, a))
		return;
	arg_place(j, a, &f);
	if (f.sink || (a->known && str_eq(a->text, STR("-"))))
		return;
	note_place(j, &f);
	path_effect(
	    j, EFFECT_WRITE, paths_class(&f, true), target_of(j, &f, a), verb);
	if (f.abs[0] != '\0' && str_starts(str_of(verb), STR("writes")))
		written_add(
		    j, f.abs, j->flow_in | j->flow_out, STR_NONE, false);
}

/* A relative name, meant from a folder of the system or from a home. */
static bool
from_afar(struct judge *j, const struct arg *a)
{
	const struct arg here = arg_text(j->arena, STR("."));
	struct path_facts f;

	if (a->text.len > 0 && (a->text.s[0] == '/' || a->text.s[0] == '~'))
		return false;
	arg_place(j, &here, &f);
	return f.root && !f.in_workspace && f.base != PATH_TEMP;
}

/* Did this action move work to there, above it or beneath? */
static bool
holds_moved(const struct judge *j, const struct path_facts *f)
{
	const struct str at = str_of(f->abs);
	const struct run *run = j->run;

	if (run->moved_count >= MOVED_MAX)
		return true;
	for (size_t i = 0; i < run->moved_count; i++) {
		const struct str m = str_of(run->moved[i]);

		if (str_starts(m, at) || str_starts(at, m))
			return true;
	}
	return false;
}

void
effect_delete(struct judge *j, const struct arg *a, bool tree)
{
	struct path_facts f;
	enum path_class class;

	arg_place(j, a, &f);
	if (f.own || f.device)
		note_place(j, &f);
	class = f.base == PATH_SYSTEM ? PATH_SYSTEM : paths_class(&f, true);
	if (tree && f.holds_protected && class != PATH_SYSTEM)
		class = PATH_PROTECTED;
	if (f.root)
		class = f.in_workspace    ? PATH_WORKSPACE
		    : f.base == PATH_TEMP ? PATH_OUTSIDE
					  : PATH_SYSTEM;
	else if (f.generated && !f.protected)
		class = holds_moved(j, &f) ? PATH_WORKSPACE : PATH_GENERATED;
	else if (class == PATH_TEMP && (f.may_be_work || holds_moved(j, &f)))
		class = PATH_WORKSPACE;
	if (class == PATH_TEMP && tree && from_afar(j, a))
		class = PATH_OUTSIDE;
	path_effect(j, EFFECT_DELETE, class, target_of(j, &f, a),
	    tree ? "deletes all of" : "deletes");
}

static void
run_written(struct judge *j, const struct arg *a, const struct written *w)
{
	if ((w->flow & FLOW_DOWNLOAD) != 0) {
		effect_add(j,
		    &(struct effect){
			.kind = EFFECT_RUN_CODE,
			.code_class = CODE_DOWNLOADED,
			.target = w->abs,
			.why = because(j, "runs what was downloaded to"),
		    });
		return;
	}
	effect_add(j,
	    &(struct effect){
		.kind = EFFECT_RUN_CODE,
		.code_class = w->text_known     ? CODE_INLINE
		    : w->flow == FLOW_WORKSPACE ? CODE_WORKSPACE
						: CODE_OUTSIDE,
		.target = w->abs,
		.why = because(j, "runs what this action wrote to"),
	    });
	if (w->text_known) {
		const struct arg text = arg_text(j->arena, w->text);

		judge_code(j, STR_NONE, &text);
	}
	(void)a;
}

static enum code_class
code_class_at(const struct path_facts *f)
{
	switch (f->base) {
	case PATH_WORKSPACE:
	case PATH_GENERATED:
		return CODE_WORKSPACE;
	case PATH_NONE:
	case PATH_OUTSIDE:
	case PATH_HOME:
	case PATH_TEMP:
	case PATH_SECRET:
	case PATH_PROTECTED:
	case PATH_SYSTEM:
	case PATH_UNKNOWN:
		break;
	}
	return CODE_OUTSIDE;
}

/* "./deploy.sh", "scripts/publish.py": their names say what they do. */
static void
script_acts_outward(struct judge *j, const char *abs)
{
	const struct str path = str_of(abs);
	const struct str name = str_from(path, str_rfind(path, '/') + 1);
	const size_t dot = str_find(name, '.');
	const struct str extension = str_from(name, dot + 1);

	if (dot < name.len &&
	    programs_word(j->programs, "script_extensions", extension))
		name_acts_outward(j, str_head(name, dot));
}

void
effect_run(struct judge *j, const struct arg *a)
{
	struct path_facts f;
	const struct written *w;
	unsigned flow;

	if (!a->known && is_file_name_of_part(j, a)) {
		flow = arg_flow(j, a);
		effect_add(j,
		    &(struct effect){
			.kind = EFFECT_RUN_CODE,
			.code_class = (flow & FLOW_DOWNLOAD) != 0
			    ? CODE_DOWNLOADED
			    : CODE_OUTSIDE,
			.why = because(j, "runs the output of a command in"),
		    });
		return;
	}
	if (a->known && str_search(a->text, STR("://")) < a->text.len) {
		url_connect(j, a, PATH_NONE);
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_DOWNLOADED,
			.why = because(j, "runs") });
		return;
	}
	if (a->known && str_eq(a->text, STR("-"))) {
		if (!j->has_child && !j->wrapper)
			effect_unknown(
			    j, "%.*s runs what it reads", STR_ARG(j->program));
		return;
	}
	arg_place(j, a, &f);
	w = written_find(j, f.abs);
	if (w != NULL) {
		run_written(j, a, w);
		return;
	}
	if (f.base == PATH_UNKNOWN) {
		effect_unknown(j, "%.*s runs a file that is not known before",
		    STR_ARG(j->program));
		return;
	}
	effect_add(j,
	    &(struct effect){
		.kind = EFFECT_RUN_CODE,
		.code_class = code_class_at(&f),
		.target = target_of(j, &f, a),
		.why = because(j, "runs"),
	    });
	if (f.secret)
		path_effect(
		    j, EFFECT_READ, PATH_SECRET, target_of(j, &f, a), "reads");
	if (f.in_workspace)
		script_acts_outward(j, f.abs);
}

void
effect_connect(struct judge *j, struct str host, enum path_class data)
{
	effect_connect_port(j, host, 0, data);
}

void
effect_connect_port(
    struct judge *j, struct str host, uint16_t port, enum path_class data)
{
	const struct str shown = secrets_mask(j->arena, host);
	const char *target =
	    host.len == 0 ? NULL : arena_strndup(j->arena, shown.s, shown.len);
	const char *verb = data == PATH_NONE ? "connects to" : "sends to";

	/* The same peer once, with the worst that is sent to it. */
	for (size_t i = 0; i < j->effect_count; i++) {
		struct effect *f = &j->effects[i];

		if (f->kind != EFFECT_CONNECT || !same_text(f->target, target))
			continue;
		if (f->port != port)
			f->port = 0; /* either */
		if (f->path_class == PATH_NONE)
			f->path_class = data;
		if (data == PATH_SECRET)
			f->path_class = data;
		return;
	}
	effect_add(j,
	    &(struct effect){
		.kind = EFFECT_CONNECT,
		.path_class = data,
		.target = target,
		.port = port,
		.why = because(j, verb),
	    });
}

/* The project that is worked on was fetched by this very action. */
static bool
in_downloaded(struct judge *j)
{
	const struct arg here = arg_text(j->arena, STR("."));
	struct path_facts f;
	const struct written *w;

	arg_place(j, &here, &f);
	w = written_find(j, f.abs);
	return w != NULL && (w->flow & FLOW_DOWNLOAD) != 0;
}

/* Why an effect is there that is described whatever the words say. */
static const char *
always_why(struct judge *j, enum effect_kind kind)
{
	static const char *const verbs[] = {
		[EFFECT_INVALID] = "does that",
		[EFFECT_READ] = "reads",
		[EFFECT_WRITE] = "writes",
		[EFFECT_DELETE] = "deletes",
		[EFFECT_CONNECT] = "connects",
		[EFFECT_RUN_CODE] = "runs code",
		[EFFECT_SIGNAL] = "signals processes",
		[EFFECT_PRIVILEGE] = "uses or changes rights",
		[EFFECT_REMOTE_STATE] = "changes what others see",
		[EFFECT_WIDEN] = "asks for more",
		[EFFECT_UNKNOWN] = "may do anything",
	};
	const char *const verb =
	    (size_t)kind < ARRAY_LEN(verbs) ? verbs[kind] : verbs[0];

	const struct str sub = j->command->subcommand;

	if (j->by.len == 0)
		return judge_say(j, "%.*s%s%.*s %s", STR_ARG(j->program),
		    sub.len > 0 ? " " : "", STR_ARG(sub), verb);
	return judge_say(
	    j, "%.*s %s with %.*s", STR_ARG(j->program), verb, STR_ARG(j->by));
}

static void
fixed_apply(struct judge *j, const struct effect *fixed)
{
	struct effect f = *fixed;

	if (f.why == NULL)
		f.why = always_why(j, f.kind);
	if (f.kind == EFFECT_RUN_CODE && f.code_class == CODE_WORKSPACE &&
	    j->run->written_count > 0 && in_downloaded(j))
		f.code_class = CODE_DOWNLOADED;
	if (f.target != NULL && f.path_class == PATH_NONE &&
	    (f.kind == EFFECT_READ || f.kind == EFFECT_WRITE ||
		f.kind == EFFECT_DELETE)) {
		const struct arg a = arg_text(j->arena, str_of(f.target));

		if (f.kind == EFFECT_READ)
			effect_read(j, &a, false);
		else if (f.kind == EFFECT_WRITE)
			effect_write(j, &a, "writes");
		else
			effect_delete(j, &a, true);
		return;
	}
	effect_add(j, &f);
}

void
acts_apply(struct judge *j, const struct acts *acts, const struct arg *a)
{
	for (size_t i = 0; i < acts->count; i++) {
		const struct act *act = &acts->items[i];

		if (act->role == NULL)
			fixed_apply(j, &act->fixed);
		else if (a != NULL)
			act->role->apply(j, a, act->param);
	}
}
