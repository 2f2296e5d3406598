/*
 * Denials, budgets and second looks, by session: a set-associative table, so
 * that a flood of names costs no more than the table.
 * Runs in: engine.  Trusts: nothing in a name.  Owns: its table.
 */
#include "review_sessions.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define WAYS 8
#define SETS 256
#define DENIED_KEPT 16
#define KEY_BYTES_MAX 1024

struct review_session {
	uint8_t key[SHA256_LEN];
	uint64_t used; /* 0: free */
	bool of_user; /* all sessions: only the window counts */
	unsigned in_a_row;
	uint64_t window; /* one bit each, the last is the lowest: a denial */
	int64_t tokens;
	uint8_t denied[DENIED_KEPT][SHA256_LEN];
	unsigned denied_count, denied_next;
	uint8_t again[SHA256_LEN];
	int64_t again_until_ns; /* 0: no wish */
};

struct review_sessions {
	uint64_t clock;
	struct review_session sets[SETS][WAYS];
};

int
review_sessions_new(struct review_sessions **ret, struct err *e)
{
	*ret = mem_new(1, sizeof(**ret));
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

void
review_sessions_free(struct review_sessions *t)
{
	mem_freep(&t);
}

static struct review_session *
find(struct review_session *set, const uint8_t key[static SHA256_LEN])
{
	struct review_session *oldest = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].used != 0 &&
		    memcmp(set[i].key, key, SHA256_LEN) == 0)
			return &set[i];
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	*oldest = (struct review_session){ .used = 0 };
	memcpy(oldest->key, key, SHA256_LEN);
	return oldest;
}

static int
get(struct review_sessions *t, struct str name, bool of_user,
    struct review_session **ret, struct err *e)
{
	uint8_t key[SHA256_LEN];
	const int r = sha256_of(name.s, name.len, key, e);

	if (r != 0)
		return r;
	*ret = find(t->sets[key[0]], key);
	(*ret)->used = ++t->clock;
	(*ret)->of_user = of_user;
	return ERR_OK;
}

int
review_session_of(struct review_sessions *t, uid_t uid, const char *session,
    struct review_session **ret, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(KEY_BYTES_MAX);

	rec_put_u8(&name, 1);
	rec_put_u32(&name, uid);
	rec_put_cstr(&name, session);
	if (buf_done(&name, e) != 0)
		return ERR_LIMIT;
	return get(t, buf_str(&name), false, ret, e);
}

int
review_session_of_user(struct review_sessions *t, uid_t uid,
    struct review_session **ret, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(KEY_BYTES_MAX);

	rec_put_u8(&name, 2);
	rec_put_u32(&name, uid);
	return get(t, buf_str(&name), true, ret, e);
}

static bool
was_denied(
    const struct review_session *s, const uint8_t sha256[static SHA256_LEN])
{
	for (unsigned i = 0; i < s->denied_count; i++) {
		if (memcmp(s->denied[i], sha256, SHA256_LEN) == 0)
			return true;
	}
	return false;
}

static bool
is_wanted(const struct review_session *s,
    const uint8_t sha256[static SHA256_LEN], int64_t now_ns)
{
	return s->again_until_ns > now_ns &&
	    memcmp(s->again, sha256, SHA256_LEN) == 0;
}

const char *
review_session_stops(const struct review_session *s,
    const uint8_t sha256[static SHA256_LEN], int64_t tokens_max, int64_t now_ns)
{
	if (s->in_a_row >= REVIEW_DENIALS_IN_A_ROW ||
	    __builtin_popcountll(s->window) >= REVIEW_DENIALS_IN_WINDOW)
		return "too_many_denials";
	if (!s->of_user && tokens_max > 0 && s->tokens >= tokens_max)
		return "token_budget";
	if (!s->of_user && was_denied(s, sha256) &&
	    !is_wanted(s, sha256, now_ns))
		return "denied_before";
	return NULL;
}

static void
keep_denied(struct review_session *s, const uint8_t sha256[static SHA256_LEN])
{
	if (was_denied(s, sha256))
		return;
	memcpy(s->denied[s->denied_next], sha256, SHA256_LEN);
	s->denied_next = (s->denied_next + 1) % DENIED_KEPT;
	if (s->denied_count < DENIED_KEPT)
		s->denied_count++;
}

void
review_session_said(struct review_session *s, enum review_outcome outcome,
    const uint8_t sha256[static SHA256_LEN])
{
	const bool denied = outcome == REVIEW_DENY;

	if (outcome != REVIEW_APPROVE && !denied)
		return;
	s->window = (s->window << 1 | (denied ? 1 : 0)) &
	    ((UINT64_C(1) << REVIEW_WINDOW) - 1);
	if (!s->of_user)
		s->in_a_row = denied ? s->in_a_row + 1 : 0;
	if (denied && !s->of_user)
		keep_denied(s, sha256);
}

void
review_session_spent(struct review_session *s, int64_t tokens)
{
	if (tokens > 0 && s->tokens < INT64_MAX - tokens)
		s->tokens += tokens;
}

void
review_session_person(struct review_session *s)
{
	s->in_a_row = 0;
	s->window = 0;
	s->tokens = 0;
}

void
review_session_again(struct review_session *s,
    const uint8_t sha256[static SHA256_LEN], int64_t now_ns)
{
	memcpy(s->again, sha256, SHA256_LEN);
	s->again_until_ns = now_ns + REVIEW_AGAIN_NS;
}

bool
review_session_take_again(struct review_session *s,
    const uint8_t sha256[static SHA256_LEN], int64_t now_ns)
{
	const bool wanted = is_wanted(s, sha256, now_ns);

	if (wanted)
		s->again_until_ns = 0;
	return wanted;
}
