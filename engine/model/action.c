/*
 * The case file's life, and the canonical record of what was proposed.
 * Runs in: every program.  Trusts: nothing in action_decode.  Owns: arenas.
 *
 * The record is written and read by one walk over the fields (struct codec),
 * so that the two directions cannot disagree.
 */
#include "model/action.h"

#include <string.h>

#define RECORD_VERSION 1

/* Exactly one of out and in is set. */
struct codec {
	struct buf *out;
	struct rec *in;
	struct arena *arena;
};

int
action_new(struct action **ret, struct err *e)
{
	struct arena *arena = arena_new(ACTION_ARENA_MAX);
	struct action *a;

	if (arena == NULL)
		return err_nomem(e);
	a = arena_alloc(arena, sizeof(*a));
	if (a == NULL) {
		arena_free(arena);
		return err_nomem(e);
	}
	a->arena = arena;
	a->stage = STAGE_PROPOSED;
	a->outcome.exit = -1;
	*ret = a;
	return ERR_OK;
}

void
action_free(struct action *a)
{
	if (a != NULL)
		arena_free(a->arena);
}

void
action_freep(struct action **a)
{
	action_free(*a);
	*a = NULL;
}

static void
code_u32(struct codec *c, uint32_t *v)
{
	if (c->out != NULL)
		rec_put_u32(c->out, *v);
	else
		*v = rec_u32(c->in);
}

static void
code_i64(struct codec *c, int64_t *v)
{
	if (c->out != NULL)
		rec_put_i64(c->out, *v);
	else
		*v = rec_i64(c->in);
}

/* An enum whose last value is given; 0 is permitted (not stated). */
static uint32_t
code_enum(struct codec *c, uint32_t v, uint32_t last)
{
	code_u32(c, &v);
	if (c->in != NULL && v > last) {
		c->in->failed = 1;
		return 0;
	}
	return v;
}

static void
code_text(struct codec *c, char **v)
{
	if (c->out != NULL)
		rec_put_cstr(c->out, *v);
	else
		*v = rec_cstr(c->in, c->arena);
}

/* The length of an array; when reading, *array becomes that many zeroes. */
static size_t
code_count(
    struct codec *c, size_t count, uint32_t max, size_t size, void *array)
{
	void **p = array;

	if (c->out != NULL) {
		if (count > max)
			c->out->failed = ERR_LIMIT;
		rec_put_u32(c->out, (uint32_t)count);
		return count;
	}
	count = rec_count(c->in, max);
	*p = count == 0 ? NULL : arena_array(c->arena, count, size);
	if (count > 0 && *p == NULL) {
		c->in->failed = 1;
		return 0;
	}
	return count;
}

static void
code_texts(struct codec *c, char ***list, size_t *count)
{
	*count = code_count(c, *count, ARGV_WORDS_MAX, sizeof(**list), list);
	for (size_t i = 0; i < *count; i++)
		code_text(c, &(*list)[i]);
}

static void
code_pairs(struct codec *c, struct env_var **list, size_t *count)
{
	*count = code_count(c, *count, ENV_VARS_MAX, sizeof(**list), list);
	for (size_t i = 0; i < *count; i++) {
		code_text(c, &(*list)[i].name);
		code_text(c, &(*list)[i].value);
	}
}

static void
code_edits(struct codec *c, struct tool_input *in)
{
	in->edit_count = code_count(
	    c, in->edit_count, EDITS_MAX, sizeof(*in->edits), &in->edits);
	for (size_t i = 0; i < in->edit_count; i++) {
		struct edit *edit = &in->edits[i];

		code_text(c, &edit->path);
		edit->op = code_enum(c, edit->op, EDIT_MOVE);
		code_text(c, &edit->content);
		code_text(c, &edit->patch);
		code_text(c, &edit->to);
		code_text(c, &edit->sha256);
	}
}

static void
code_input(struct codec *c, struct tool_input *in)
{
	code_text(c, &in->script);
	code_text(c, &in->shell);
	code_texts(c, &in->argv, &in->argc);
	code_text(c, &in->stdin_text);
	code_text(c, &in->target_action);
	code_i64(c, &in->timeout_ms);
	code_pairs(c, &in->env, &in->env_count);
	code_edits(c, in);
	code_text(c, &in->method);
	code_text(c, &in->url);
	code_text(c, &in->body);
	code_pairs(c, &in->headers, &in->header_count);
	code_text(c, &in->server);
	code_text(c, &in->mcp_tool);
	code_text(c, &in->mcp_args);
	code_text(c, &in->annotations);
	code_texts(c, &in->write, &in->write_count);
	code_texts(c, &in->read, &in->read_count);
	code_texts(c, &in->hosts, &in->host_count);
	code_text(c, &in->scope);
}

/* Two in one byte: what was stored before there were two can be read. */
static void
code_flags(struct codec *c, bool *first, bool *second, bool *third)
{
	if (c->in == NULL) {
		rec_put_u8(c->out,
		    (uint8_t)((unsigned)*first | (unsigned)*second << 1 |
			(unsigned)*third << 2));
		return;
	}
	const uint8_t flags = rec_u8(c->in);

	if (flags > 7)
		c->in->failed = 1;
	*first = (flags & 1) != 0;
	*second = (flags & 2) != 0;
	*third = (flags & 4) != 0;
}

static void
code_proposal(struct codec *c, struct proposal *p)
{
	p->tool = code_enum(c, p->tool, TOOL_PERMISSION);
	code_input(c, &p->input);
	code_text(c, &p->cwd);
	code_text(c, &p->workspace);
	code_text(c, &p->session);
	code_text(c, &p->agent_name);
	code_text(c, &p->agent_version);
	code_text(c, &p->justification);
	p->transcript_count = code_count(c, p->transcript_count,
	    TRANSCRIPT_ITEMS_MAX, sizeof(*p->transcript), &p->transcript);
	for (size_t i = 0; i < p->transcript_count; i++) {
		code_text(c, &p->transcript[i].role);
		code_text(c, &p->transcript[i].text);
	}
	code_text(c, &p->profile);
	p->executor = code_enum(c, p->executor, EXECUTOR_CLIENT);
	code_flags(c, &p->execute, &p->overlay, &p->tty);
}

static void
code_action(struct codec *c, struct action *a)
{
	uint32_t version = RECORD_VERSION;

	code_u32(c, &version);
	if (c->in != NULL && version != RECORD_VERSION)
		c->in->failed = 1;
	code_u32(c, &a->proposer.uid);
	code_u32(c, &a->proposer.gid);
	code_text(c, &a->proposer.home);
	code_proposal(c, &a->proposal);
}

void
action_encode(const struct action *a, struct buf *out)
{
	struct codec c = { .out = out };
	struct action copy = *a; /* the walk writes through its argument */

	code_action(&c, &copy);
}

int
action_decode(struct str record, struct action *ret, struct err *e)
{
	struct rec in = rec_of(record);
	struct codec c = { .in = &in, .arena = ret->arena };

	code_action(&c, ret);
	return rec_done(&in, e);
}
