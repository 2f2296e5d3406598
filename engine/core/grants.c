/*
 * Approvals that last, in memory.
 * Runs in: engine.  Trusts: nothing of an action.  Owns: the grants.
 */
#include "grants.h"

#include <stdlib.h>
#include <string.h>

#define GRANT_ARENA_MAX ((size_t)2 << 20)
#define GRANT_VERSION 1

const char *
grant_scope_name(enum grant_scope s)
{
	static const char *const names[] = {
		[GRANT_INVALID] = "invalid",
		[GRANT_SESSION] = "session",
		[GRANT_UNTIL] = "until",
	};

	return (size_t)s < ARRAY_LEN(names) ? names[s] : names[0];
}

void
grant_free(struct grant *g)
{
	if (g == NULL)
		return;
	arena_free(g->arena);
	mem_freep(&g);
}

void
grant_freep(struct grant **g)
{
	grant_free(*g);
	*g = NULL;
}

static int
grant_empty(struct grant **ret, struct err *e)
{
	struct grant *g = mem_new(1, sizeof(*g));

	if (g == NULL)
		return err_nomem(e);
	g->arena = arena_new(GRANT_ARENA_MAX);
	if (g->arena == NULL) {
		mem_freep(&g);
		return err_nomem(e);
	}
	*ret = g;
	return ERR_OK;
}

static void
copy_text(char *to, size_t size, const char *from)
{
	const size_t len = strnlen(from == NULL ? "" : from, size - 1);

	memset(to, 0, size);
	if (from != NULL)
		memcpy(to, from, len);
}

/* The terms and the pattern: what its row in the log is the hash of. */
static int
make_record(struct grant *g, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(PATTERN_BYTES_MAX);
	int r;

	rec_put_u8(&b, GRANT_VERSION);
	rec_put_cstr(&b, g->id);
	rec_put_cstr(&b, g->action_id);
	rec_put_u8(&b, (uint8_t)g->scope);
	rec_put_u32(&b, g->uid);
	rec_put_cstr(&b, g->session);
	rec_put_cstr(&b, g->approver);
	rec_put_i64(&b, g->given_boot_ns);
	rec_put_i64(&b, g->given_real_ns);
	rec_put_i64(&b, g->life_ns);
	rec_put_cstr(&b, g->boot_id);
	pattern_encode(&g->pattern, &b);
	r = buf_done(&b, e);
	if (r != 0)
		return r;
	g->record = str_n(arena_strndup(g->arena, b.s, b.len), b.len);
	if (g->record.s == NULL)
		return err_nomem(e);
	return sha256_of(g->record.s, g->record.len, g->sha256, e);
}

int
grant_new(const struct grant_terms *t, const struct action *a,
    struct grant **ret, struct err *e)
{
	AUTO(grant_freep) struct grant *g = NULL;
	int r;

	r = grant_empty(&g, e);
	if (r == 0)
		r = pattern_of(a, g->arena, &g->pattern, e);
	if (r != 0)
		return r;
	copy_text(g->id, sizeof(g->id), t->id);
	copy_text(g->action_id, sizeof(g->action_id), a->id);
	copy_text(g->boot_id, sizeof(g->boot_id), t->now.boot_id);
	g->scope = t->scope;
	g->uid = a->proposer.uid;
	if (t->scope == GRANT_SESSION && a->proposal.session != NULL)
		g->session = arena_strdup(g->arena, a->proposal.session);
	g->approver = arena_strdup(g->arena, t->approver);
	g->given_boot_ns = t->now.boot_ns;
	g->given_real_ns = t->now.real_ns;
	g->life_ns = t->life_ns;
	if (arena_failed(g->arena))
		return err_nomem(e);
	if (t->scope == GRANT_SESSION && g->session == NULL)
		return err_set(e, ERR_INVALID,
		    "the action names no session; allow it once, or until a "
		    "time");
	r = make_record(g, e);
	if (r == 0)
		*ret = TAKE_PTR(g);
	return r;
}

void
grant_state(const struct grant *g, struct buf *out)
{
	rec_put_u64(out, g->uses);
	rec_put_i64(out, g->used_real_ns);
}

static int
read_terms(struct rec *in, struct grant *g, struct err *e)
{
	if (rec_u8(in) != GRANT_VERSION)
		return err_set(
		    e, ERR_INVALID, "a grant of another version of assent");
	copy_text(g->id, sizeof(g->id), rec_cstr(in, g->arena));
	copy_text(g->action_id, sizeof(g->action_id), rec_cstr(in, g->arena));
	g->scope = (enum grant_scope)rec_u8(in);
	g->uid = rec_u32(in);
	g->session = rec_cstr(in, g->arena);
	g->approver = rec_cstr(in, g->arena);
	g->given_boot_ns = rec_i64(in);
	g->given_real_ns = rec_i64(in);
	g->life_ns = rec_i64(in);
	copy_text(g->boot_id, sizeof(g->boot_id), rec_cstr(in, g->arena));
	if (in->failed != 0 || g->approver == NULL || g->life_ns <= 0 ||
	    (g->scope != GRANT_SESSION && g->scope != GRANT_UNTIL) ||
	    (g->scope == GRANT_SESSION) != (g->session != NULL))
		return err_set(e, ERR_INVALID, "the grant is ill-formed");
	return ERR_OK;
}

int
grant_decode(
    struct str record, struct str state, struct grant **ret, struct err *e)
{
	AUTO(grant_freep) struct grant *g = NULL;
	struct rec in = rec_of(record), used = rec_of(state);
	int r;

	r = grant_empty(&g, e);
	if (r == 0)
		r = read_terms(&in, g, e);
	if (r == 0)
		r = pattern_decode(in.rest, g->arena, &g->pattern, e);
	if (r != 0)
		return r;
	g->uses = rec_u64(&used);
	g->used_real_ns = rec_i64(&used);
	g->record =
	    str_n(arena_strndup(g->arena, record.s, record.len), record.len);
	if (g->record.s == NULL)
		return err_nomem(e);
	r = sha256_of(record.s, record.len, g->sha256, e);
	if (r == 0)
		*ret = TAKE_PTR(g);
	return r;
}

/* ---- time ------------------------------------------------------------------ */

int64_t
grant_expires_real_ns(const struct grant *g)
{
	return g->given_real_ns + g->life_ns;
}

void
grant_carry_over(struct grant *g, const struct grant_clock *now)
{
	if (g->boot_id[0] != '\0' && strcmp(g->boot_id, now->boot_id) == 0)
		return;
	g->given_boot_ns = now->boot_ns - (now->real_ns - g->given_real_ns);
}

bool
grant_is_over(const struct grant *g, const struct grant_clock *now)
{
	/* A wall clock from before the grant has been set back: how long ago
	 * that was nobody can tell. */
	return now->real_ns < g->given_real_ns ||
	    now->real_ns - g->given_real_ns >= g->life_ns ||
	    now->boot_ns - g->given_boot_ns >= g->life_ns;
}

/* ---- the table -------------------------------------------------------------- */

void
grants_done(struct grants *t)
{
	for (size_t i = 0; i < t->count; i++)
		grant_free(t->v[i]);
	mem_freep(&t->v);
	t->count = 0;
	t->cap = 0;
}

size_t
grants_of_uid(const struct grants *t, uid_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += t->v[i]->uid == uid ? 1 : 0;
	return n;
}

int
grants_add(struct grants *t, struct grant *g, struct err *e)
{
	if (t->count >= GRANTS_MAX ||
	    grants_of_uid(t, g->uid) >= GRANTS_PER_UID_MAX)
		return err_set(e, ERR_LIMIT,
		    "too many grants; revoke some with 'assent grants "
		    "revoke'");
	if (mem_grow(&t->v, &t->cap, t->count + 1, sizeof(struct grant *)) != 0)
		return err_nomem(e);
	t->v[t->count++] = g;
	return ERR_OK;
}

void
grants_remove(struct grants *t, struct grant *g)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->v[i] != g)
			continue;
		memmove(&t->v[i], &t->v[i + 1],
		    (t->count - i - 1) * sizeof(struct grant *));
		t->count--;
		grant_free(g);
		return;
	}
}

struct grant *
grants_find(const struct grants *t, const char *id)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->v[i]->id, id) == 0)
			return t->v[i];
	}
	return NULL;
}

struct grant *
grants_match(const struct grants *t, const struct action *a,
    const struct grant_clock *now)
{
	const char *session = a->proposal.session;

	for (size_t i = 0; i < t->count; i++) {
		struct grant *g = t->v[i];

		if (!g->active || g->uid != a->proposer.uid ||
		    grant_is_over(g, now))
			continue;
		if (g->session != NULL &&
		    (session == NULL || strcmp(session, g->session) != 0))
			continue;
		if (pattern_matches(&g->pattern, a))
			return g;
	}
	return NULL;
}
