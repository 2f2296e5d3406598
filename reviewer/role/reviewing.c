/*
 * Questions, their budgets, the order of providers, and the one answer.
 * Runs in: reviewer.  Trusts: the engine; nothing that a provider says.
 * Owns: the questions, the providers.
 */
#include "reviewing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/text.h"
#include "reviewing_int.h"

#define MS_NS INT64_C(1000000)
#define QUESTION_ARENA_MAX ((size_t)4 << 20)
#define NAMES_BYTES_MAX 4096

/* ---- lists --------------------------------------------------------------- */

static void
push_last(struct asked **list, struct asked *v)
{
	while (*list != NULL)
		list = &(*list)->next;
	v->next = NULL;
	*list = v;
}

static void
take_out(struct asked **list, const struct asked *v)
{
	while (*list != NULL && *list != v)
		list = &(*list)->next;
	if (*list != NULL)
		*list = v->next;
}

static void
free_review(struct asked *v)
{
	struct reviewing *s = v->s;

	attempt_stop(v);
	loop_cancel(s->o.loop, v->deadline);
	loop_cancel(s->o.loop, v->pause);
	if (v->active) {
		take_out(&s->active, v);
		s->active_count--;
	} else {
		take_out(&s->waiting, v);
		s->waiting_count--;
	}
	/* The review itself is in its arena. */
	arena_free(v->arena);
	loop_defer(s->o.loop, &s->pump);
}

/* ---- answers -------------------------------------------------------------- */

static void
answer(struct asked *v, struct review_answer *a)
{
	a->action_id = v->q.action_id;
	memcpy(a->sha256, v->q.sha256, SHA256_LEN);
	a->latency_ms = (loop_now_ns() - v->asked_ns) / MS_NS;
	a->attempts = v->attempts;
	a->input_tokens = v->sum.input_tokens;
	a->cached_tokens = v->sum.cached_tokens;
	a->output_tokens = v->sum.output_tokens;
	v->s->o.answer(v->s->o.ctx, a);
	free_review(v);
}

/* Nobody has decided: a person has to, and learns why. */
static void
fail(struct asked *v, const char *cause)
{
	char word[64];
	struct review_answer a = {
		.outcome = REVIEW_INVALID,
		.risk = v->q.least_risk,
		.cause = word,
	};

	memset(word, 0, sizeof(word));
	memcpy(word, cause, strnlen(cause, sizeof(word) - 1));
	if (v->provider != NO_PROVIDER)
		a.provider =
		    (char *)(uintptr_t)v->s->providers[v->provider].c->name;
	answer(v, &a);
}

static void
add_tokens(int64_t *sum, int64_t more)
{
	if (more >= 0 && more < INT64_C(1) << 40)
		*sum = *sum < 0 ? more : *sum + more;
}

void
review_count(struct asked *v, const struct wire_answer *w)
{
	add_tokens(&v->sum.input_tokens, w->input_tokens);
	add_tokens(&v->sum.cached_tokens, w->cached_tokens);
	add_tokens(&v->sum.output_tokens, w->output_tokens);
}

static void
remember(struct asked *v, const struct review_answer *a)
{
	struct cache_entry entry = {
		.until_ns =
		    loop_now_ns() + v->s->o.config->reviewer_cache_ms * MS_NS,
	};
	const struct {
		char *to;
		const char *from;
	} texts[] = {
		{ entry.rationale, a->rationale },
		{ entry.model, a->model },
		{ entry.provider, a->provider },
	};

	if (a->outcome != REVIEW_APPROVE || a->risk != RISK_LOW ||
	    v->s->o.config->reviewer_cache_ms == 0 || v->q.again)
		return;
	memcpy(entry.key, v->cache_key, SHA256_LEN);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].from != NULL)
			memcpy(texts[i].to, texts[i].from,
			    strnlen(texts[i].from, CACHE_TEXT_MAX - 1));
	}
	cache_put(v->s->cache, &entry);
}

static bool
answer_from_cache(struct asked *v)
{
	const struct cache_entry *known;
	struct cache_entry copy;
	struct review_answer a = {
		.outcome = REVIEW_APPROVE,
		.risk = RISK_LOW,
		.cached = true,
		.rationale = copy.rationale,
		.model = copy.model,
		.provider = copy.provider,
	};

	known = cache_find(v->s->cache, v->cache_key, loop_now_ns());
	if (known == NULL || v->q.least_risk > RISK_LOW || v->q.again)
		return false;
	copy = *known;
	answer(v, &a);
	return true;
}

/* ---- which provider -------------------------------------------------------- */

static size_t
next_provider(struct asked *v)
{
	struct reviewing *s = v->s;

	for (size_t i = 0; i < s->provider_count; i++) {
		struct provider *p = &s->providers[i];

		if ((v->given_up & 1u << i) != 0 || i == v->first_provider)
			continue;
		if (p->key_wanted && p->key == NULL)
			continue;
		if (breaker_try(&p->breaker, loop_now_ns()))
			return i;
	}
	return NO_PROVIDER;
}

/* Why there is nobody to ask. */
static const char *
cause_of_none(const struct asked *v)
{
	const struct reviewing *s = v->s;

	for (size_t i = 0; i < s->provider_count; i++) {
		const struct provider *p = &s->providers[i];

		if (p->key_wanted && p->key == NULL)
			return "no_key";
	}
	return v->first_provider != NO_PROVIDER ? "no_second_provider"
						: "provider_down";
}

static void
attempt(struct asked *v)
{
	struct err e = ERR_INIT;

	if (attempt_start(v, &e) == 0)
		return;
	log_err("review", "id=%s why=%s", v->q.action_id, e.msg);
	breaker_dropped(&v->s->providers[v->provider].breaker);
	fail(v, "not_sent");
}

/* cause: of the one before, if there was one. */
static void
ask_next(struct asked *v, const char *cause)
{
	const size_t next = next_provider(v);

	if (next == NO_PROVIDER) {
		fail(v, cause != NULL ? cause : cause_of_none(v));
		return;
	}
	v->provider = next;
	v->attempts_here = 0;
	attempt(v);
}

/* ---- how an attempt came out ----------------------------------------------- */

static bool
needs_second(const struct asked *v, const struct review_answer *a)
{
	static const enum risk from[] = {
		[QUORUM_INVALID] = RISK_CRITICAL,
		[QUORUM_LOW] = RISK_LOW,
		[QUORUM_MEDIUM] = RISK_MEDIUM,
		[QUORUM_HIGH] = RISK_HIGH,
	};
	const enum reviewer_quorum q = v->s->o.config->reviewer_quorum;

	return q != QUORUM_NEVER && a->outcome == REVIEW_APPROVE &&
	    v->first_provider == NO_PROVIDER && a->risk >= from[q];
}

void
review_said(struct asked *v, const struct judge_said *said)
{
	struct review_answer a = {
		.outcome = said->verdict.outcome,
		.risk = said->verdict.risk,
		.rationale = (char *)(uintptr_t)said->verdict.rationale,
		.model = (char *)(uintptr_t)said->answer.model,
		.provider =
		    (char *)(uintptr_t)v->s->providers[v->provider].c->name,
	};
	char escalated[] = "model_escalated";

	if (a.outcome == REVIEW_ESCALATE)
		a.cause = escalated;
	if (needs_second(v, &a)) {
		v->first_provider = v->provider;
		v->given_up = 0;
		ask_next(v, NULL);
		return;
	}
	remember(v, &a);
	answer(v, &a);
}

void
review_no_verdict(struct asked *v, const char *cause)
{
	fail(v, cause);
}

static void
on_pause_over(void *ctx)
{
	struct asked *v = ctx;

	v->pause = NULL;
	attempt(v);
}

static int64_t
backoff_ms(const struct asked *v)
{
	int64_t ms = (int64_t)BACKOFF_MS << (v->attempts_here - 1);
	uint8_t jitter = 0;

	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	(void)!getrandom(&jitter, sizeof(jitter), 0);
	return ms - ms * jitter / 1024;
}

/* The same provider again, if that makes sense; else the next one. */
void
review_not_reached(struct asked *v, const struct call_result *r)
{
	struct provider *p = &v->s->providers[v->provider];
	const int64_t left = (v->deadline_ns - loop_now_ns()) / MS_NS;
	const int64_t ms = r->wait_ms >= 0 ? r->wait_ms : backoff_ms(v);
	const bool timed_out = strcmp(r->cause, "timeout") == 0;

	if (r->ours) {
		fail(v, r->cause);
		return;
	}
	if (r->transport && !timed_out && v->attempts_here < ATTEMPTS_MAX &&
	    ms < left && breaker_try(&p->breaker, loop_now_ns())) {
		if (loop_after(v->s->o.loop, ms, on_pause_over, v, &v->pause,
			NULL) != 0)
			fail(v, "memory");
		return;
	}
	v->given_up |= 1u << v->provider;
	ask_next(
	    v, r->wait_ms >= left ? "retry_after_beyond_budget" : r->cause);
}

/* ---- questions -------------------------------------------------------------- */

static bool
awaits_keys(const struct reviewing *s)
{
	for (size_t i = 0; i < s->provider_count; i++) {
		if (!s->providers[i].key_known && !s->keys_over)
			return true;
	}
	return false;
}

static void
pump(void *ctx)
{
	struct reviewing *s = ctx;

	while (s->waiting != NULL && !awaits_keys(s) &&
	    s->active_count < (size_t)s->o.config->reviewer_parallel) {
		struct asked *v = s->waiting;

		s->waiting = v->next;
		s->waiting_count--;
		v->active = true;
		push_last(&s->active, v);
		s->active_count++;
		if (!answer_from_cache(v))
			ask_next(v, NULL);
	}
}

static void
on_deadline(void *ctx)
{
	struct asked *v = ctx;

	v->deadline = NULL;
	fail(v, v->active ? "timeout" : "busy");
}

static void
on_keys_over(void *ctx)
{
	struct reviewing *s = ctx;

	s->keys_timer = NULL;
	s->keys_over = true;
	pump(s);
}

/* Everything that could make the answer another one, but the model's mood. */
static int
set_cache_key(struct asked *v, struct err *e)
{
	AUTO_BUF struct buf names = BUF_INIT(NAMES_BYTES_MAX);
	const struct reviewing *s = v->s;

	for (size_t i = 0; i < s->provider_count; i++) {
		const struct config_provider *c = s->providers[i].c;

		rec_put_cstr(&names, c->name);
		rec_put_cstr(&names, c->model);
		rec_put_cstr(&names, c->url);
	}
	return cache_key(
	    &(struct cache_parts){
		.action_sha256 = v->q.sha256,
		.policy_sha256 = s->policy_sha256,
		.evidence = v->q.evidence,
		.providers = buf_str(&names),
	    },
	    v->cache_key, e);
}

static struct asked *
new_review(struct reviewing *s, const struct review_question *q)
{
	AUTO_BUF struct buf hex = BUF_INIT(SHA256_HEX_LEN + 1);
	struct arena *a = arena_new(QUESTION_ARENA_MAX);
	struct asked *v = a == NULL ? NULL : arena_alloc(a, sizeof(*v));

	if (v == NULL) {
		arena_free(a);
		return NULL;
	}
	*v = (struct asked){
		.s = s,
		.arena = a,
		.q = *q,
		.asked_ns = loop_now_ns(),
		.provider = NO_PROVIDER,
		.first_provider = NO_PROVIDER,
		.sum = {
			.input_tokens = -1,
			.cached_tokens = -1,
			.output_tokens = -1,
		},
	};
	v->deadline_ns = v->asked_ns + s->o.config->review_timeout_ms * MS_NS;
	v->q.action_id = arena_strdup(a, q->action_id);
	v->q.session = NULL;
	v->q.evidence = str_n(
	    arena_strndup(a, q->evidence.s, q->evidence.len), q->evidence.len);
	text_hex(&hex, q->sha256, SHA256_LEN);
	memcpy(v->sha256_hex, buf_cstr(&hex), hex.len + 1);
	push_last(&s->waiting, v);
	s->waiting_count++;
	return v;
}

/* Told at once, without a place in the queue. */
static void
refuse(struct reviewing *s, const struct review_question *q)
{
	char busy[] = "busy";
	struct review_answer a = {
		.action_id = q->action_id,
		.risk = q->least_risk,
		.cause = busy,
		.input_tokens = -1,
		.cached_tokens = -1,
		.output_tokens = -1,
	};

	memcpy(a.sha256, q->sha256, SHA256_LEN);
	s->o.answer(s->o.ctx, &a);
}

void
reviewing_ask(struct reviewing *s, const struct review_question *q)
{
	struct err e = ERR_INIT;
	struct asked *v;

	if (s->waiting_count >= WAITING_MAX) {
		refuse(s, q);
		return;
	}
	v = new_review(s, q);
	if (v == NULL) {
		refuse(s, q);
		return;
	}
	if (arena_failed(v->arena) || set_cache_key(v, &e) != 0 ||
	    loop_after(s->o.loop, s->o.config->review_timeout_ms, on_deadline,
		v, &v->deadline, &e) != 0) {
		fail(v, "memory");
		return;
	}
	pump(s);
}

void
reviewing_cancel(struct reviewing *s, const char *action_id)
{
	struct asked *const lists[] = { s->active, s->waiting };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct asked *v = lists[i];

		while (v != NULL && strcmp(v->q.action_id, action_id) != 0)
			v = v->next;
		if (v != NULL) {
			free_review(v);
			return;
		}
	}
}

void
reviewing_key(struct reviewing *s, size_t provider, struct str bytes)
{
	if (provider >= s->provider_count)
		return;
	provider_take_key(&s->providers[provider], bytes);
	reviewing_tell(s);
	pump(s);
}

size_t
reviewing_provider_count(const struct reviewing *s)
{
	return s->provider_count;
}

void
reviewing_tell(struct reviewing *s)
{
	AUTO_BUF struct buf now = BUF_INIT(REVIEW_STATUS_BYTES_MAX);
	struct jsonw w = jsonw_on(&now);
	bool news = false;

	jsonw_object(&w);
	jsonw_kstr(&w, "policy_sha256", s->policy_key);
	jsonw_key(&w, "providers");
	jsonw_array(&w);
	for (size_t i = 0; i < s->provider_count; i++)
		provider_status(&s->providers[i], loop_now_ns(), &w);
	jsonw_end(&w);
	jsonw_end(&w);
	if (buf_done(&now, NULL) != 0)
		return;
	news = now.len != s->told.len || memcmp(now.s, s->told.s, now.len) != 0;
	if (!news)
		return;
	buf_reset(&s->told);
	buf_put_str(&s->told, buf_str(&now));
	s->o.status(s->o.ctx, buf_str(&now));
}

void
reviewing_tell_again(struct reviewing *s)
{
	buf_reset(&s->told);
	reviewing_tell(s);
}

/* ---- start and end ---------------------------------------------------------- */

static int
open_providers(struct reviewing *s, struct err *e)
{
	const struct config *c = s->o.config;
	int r = ERR_OK;

	if (c->provider_count > PROVIDERS_MAX)
		return err_set(
		    e, ERR_LIMIT, "at most %d providers", PROVIDERS_MAX);
	for (size_t i = 0; r == 0 && i < c->provider_count; i++) {
		r = provider_open(&s->providers[i], &c->providers[i], e);
		s->provider_count += r == 0 ? 1 : 0;
	}
	return r;
}

static int
open_all(struct reviewing *s, struct err *e)
{
	AUTO_BUF struct buf hex = BUF_INIT(SHA256_HEX_LEN + 1);
	int r;

	r = sha256_of(s->o.policy.s, s->o.policy.len, s->policy_sha256, e);
	text_hex(&hex, s->policy_sha256, SHA256_LEN);
	memcpy(s->policy_key, buf_cstr(&hex), hex.len + 1);
	if (r == 0)
		r = open_providers(s, e);
	if (r == 0)
		r = cache_new(&s->cache, e);
	if (r == 0)
		r = http_new(s->o.loop, &s->http, e);
	if (r == 0)
		r = loop_after(s->o.loop, KEYS_WITHIN_MS, on_keys_over, s,
		    &s->keys_timer, e);
	return r;
}

int
reviewing_new(
    const struct reviewing_options *o, struct reviewing **ret, struct err *e)
{
	struct reviewing *s = mem_new(1, sizeof(*s));
	int r;

	if (s == NULL)
		return err_nomem(e);
	s->o = *o;
	s->told = (struct buf)BUF_INIT(REVIEW_STATUS_BYTES_MAX);
	s->pump = (struct loop_task){ .fn = pump, .ctx = s };
	r = open_all(s, e);
	if (r != 0) {
		reviewing_free(s);
		return r;
	}
	*ret = s;
	return ERR_OK;
}

void
reviewing_free(struct reviewing *s)
{
	if (s == NULL)
		return;
	while (s->active != NULL)
		free_review(s->active);
	while (s->waiting != NULL)
		free_review(s->waiting);
	loop_undefer(s->o.loop, &s->pump);
	loop_cancel(s->o.loop, s->keys_timer);
	http_free(s->http);
	cache_free(s->cache);
	for (size_t i = 0; i < s->provider_count; i++)
		provider_close(&s->providers[i]);
	buf_free(&s->told);
	mem_freep(&s);
}
