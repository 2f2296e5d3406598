/*
 * Questions to the daemon that wait beside each other.
 * Runs in: assent.  Trusts: of the daemon a plain allow, with the id and the
 * hash of the very action that was proposed.  Owns: calls under way.
 */
#include "question.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "verdict.h"

#define ANSWER_MS 10000 /* of a daemon that has nothing to wait for */
#define WAIT_S 15 /* one long poll */
#define SECOND_MS 1000
#define FAREWELL_MS 1000
#define PATH_BYTES 256
#define SAY_BYTES 4096
#define TELLS_MAX 256 /* under way */
#define REMEDY "start assentd, or see 'assent status'"

/* A call whose answer nobody waits for. */
struct tell {
	struct asker *asker;
	struct client_running *running;
	struct tell *next;
};

struct asker {
	struct loop *loop;
	char *runtime;
	struct tell *tells;
	size_t tell_count;
	struct question *questions;
};

struct question {
	struct asker *asker;
	struct question *next;
	struct client *client;
	struct client_running *running;
	struct loop_timer *soon; /* to fail from the loop */
	struct question_options o;
	struct hook_ruling ruling;
	int64_t deadline_ms;
	bool once, proposed, dropped;
	struct err why;
};

/* ---- what is only told --------------------------------------------------- */

static void
forget_tell(struct tell *t)
{
	for (struct tell **at = &t->asker->tells; *at != NULL;
	     at = &(*at)->next) {
		if (*at == t) {
			*at = t->next;
			t->asker->tell_count--;
			break;
		}
	}
	free(t);
}

static void
say_untold(const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(SAY_BYTES);

	buf_puts(&text, "assent: not recorded: ");
	text_escape(&text, str_of(why));
	buf_putc(&text, '\n');
	(void)fputs(buf_cstr(&text), stderr);
}

static void
on_told(
    void *ctx, int r, const struct client_reply *reply, const struct err *why)
{
	struct tell *t = ctx;
	struct err e = *why;

	if (r == 0)
		r = client_expect(reply, &e);
	/* it ended meanwhile, or was never pending: nothing is lost */
	if (r != 0 && r != ERR_CONFLICT && r != ERR_NOTFOUND)
		say_untold(e.msg);
	forget_tell(t);
}

static int
start_tell(struct asker *a, const struct client_request *q, struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	struct tell *t;
	int r = client_open(a->runtime, CLIENT_AGENT, &c, e);

	if (r != 0)
		return r;
	if (a->tell_count >= TELLS_MAX)
		return err_set(e, ERR_LIMIT, "too many reports at once");
	t = mem_new(1, sizeof(*t));
	if (t == NULL)
		return err_nomem(e);
	t->asker = a;
	r = client_start(c, a->loop,
	    &(struct client_begin){
		.request = *q, .on_done = on_told, .ctx = t },
	    &t->running, e);
	if (r != 0) {
		free(t);
		return r;
	}
	t->next = a->tells;
	a->tells = t;
	a->tell_count++;
	return ERR_OK;
}

static void
send_tell(struct asker *a, const struct client_request *q)
{
	struct err e = ERR_INIT;

	if (start_tell(a, q, &e) != 0)
		say_untold(e.msg);
}

void
asker_tell(struct asker *a, const char *path, const char *key, struct str body)
{
	send_tell(a,
	    &(struct client_request){
		.method = "POST",
		.path = path,
		.body = body,
		.idempotency_key = key,
		.timeout_ms = ANSWER_MS,
	    });
}

/* Nobody waits for it any more: a late answer must not look like one. */
static void
take_back(struct asker *a, const struct hook_ruling *ruling)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/v1/actions/%s", ruling->id);
	send_tell(a,
	    &(struct client_request){
		.method = "DELETE", .path = path, .timeout_ms = ANSWER_MS });
}

static bool
is_id(const char *id)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				      "abcdefghijklmnopqrstuvwxyz";

	return id[0] != '\0' && id[strspn(id, letters)] == '\0';
}

/* ---- a question ---------------------------------------------------------- */

static void
free_question(struct question *q)
{
	for (struct question **at = &q->asker->questions; *at != NULL;
	     at = &(*at)->next) {
		if (*at == q) {
			*at = q->next;
			break;
		}
	}
	client_stop(q->running);
	client_free(q->client);
	loop_cancel(q->asker->loop, q->soon);
	free(q);
}

/* status 0: there was no answer, and the ruling says why. */
static void
end(struct question *q, unsigned status, struct str text)
{
	const struct question_options o = q->o;
	const struct hook_ruling ruling = q->ruling;

	free_question(q);
	o.on_end(o.ctx,
	    &(struct question_news){ .ruling = &ruling,
		.status = status,
		.text = status == 0 ? str_of(ruling.message) : text });
}

/* What was known before does not count any more. */
static void
fail(struct question *q, const struct err *why)
{
	const struct hook_ruling before = q->ruling;

	hook_ruling_failed(
	    &q->ruling, why->msg, why->code == ERR_SYS ? REMEDY : NULL);
	if (before.pending)
		take_back(q->asker, &before);
	end(q, 0, STR_NONE);
}

static int look(struct question *q, struct err *e);

/* Whether more is to be known of it, and there is time to wait. */
static bool
goes_on(const struct question *q, struct str text)
{
	if (q->once)
		return false;
	if (q->ruling.pending)
		return loop_now_ms() < q->deadline_ms;
	return q->o.sees_end && q->ruling.verdict == HOOK_ALLOW &&
	    str_search(text, STR("\"state\":\"running\"")) < text.len;
}

static void
on_text(struct question *q, unsigned status, struct str text)
{
	const struct hook_ruling before = q->ruling;
	struct err e = ERR_INIT;

	if (status >= 400) {
		hook_ruling_problem(&q->ruling, text);
		end(q, status, text);
		return;
	}
	if (!q->once &&
	    hook_ruling_read(
		text, q->proposed ? &before : NULL, &q->ruling, &e) != 0) {
		fail(q, &e);
		return;
	}
	q->proposed = true;
	if (!goes_on(q, text)) {
		if (q->ruling.pending && !q->o.keeps)
			take_back(q->asker, &q->ruling);
		end(q, status, text);
		return;
	}
	if (q->o.on_wait != NULL)
		q->o.on_wait(q->o.ctx,
		    &(struct question_news){
			.ruling = &q->ruling, .status = status, .text = text });
	if (look(q, &e) != 0)
		fail(q, &e);
}

/* Its answer came after nobody waited for it: then it can be taken back. */
static void
drop_now(struct question *q, const json_t *json)
{
	const char *id = json == NULL ? NULL : client_text(json, "id");

	if (id != NULL && strlen(id) < sizeof(q->ruling.id) && is_id(id)) {
		(void)snprintf(q->ruling.id, sizeof(q->ruling.id), "%s", id);
		take_back(q->asker, &q->ruling);
	}
	free_question(q);
}

static void
on_reply(
    void *ctx, int r, const struct client_reply *reply, const struct err *why)
{
	struct question *q = ctx;
	AUTO_FREE char *text = NULL;
	struct err e = *why;

	q->running = NULL;
	if (q->dropped) {
		drop_now(q, r == 0 ? reply->json : NULL);
		return;
	}
	if (r == 0 && reply->json != NULL) {
		text = json_dumps(reply->json, JSON_COMPACT);
		if (text == NULL)
			r = err_nomem(&e);
	} else if (r == 0) {
		r = err_set(&e, ERR_INTERNAL, "the daemon gives no answer");
	}
	if (r != 0)
		fail(q, &e);
	else
		on_text(q, (unsigned)reply->status, str_of(text));
}

static int
call(struct question *q, const struct client_request *request, struct err *e)
{
	return client_start(q->client, q->asker->loop,
	    &(struct client_begin){
		.request = *request, .on_done = on_reply, .ctx = q },
	    &q->running, e);
}

static int
look(struct question *q, struct err *e)
{
	char path[PATH_BYTES];
	int64_t wait_s = WAIT_S;

	if (q->ruling.pending) {
		const int64_t left =
		    (q->deadline_ms - loop_now_ms()) / SECOND_MS + 1;

		wait_s = left < wait_s ? left : wait_s;
	}
	(void)snprintf(path, sizeof(path), "/v1/actions/%s", q->ruling.id);
	return call(q,
	    &(struct client_request){
		.method = "GET",
		.path = path,
		.wait_s = wait_s < 1 ? 1 : wait_s,
		.timeout_ms = wait_s * SECOND_MS + ANSWER_MS,
	    },
	    e);
}

static void
on_soon(void *ctx)
{
	struct question *q = ctx;
	const struct err why = q->why;

	q->soon = NULL;
	fail(q, &why);
}

static int
propose(struct question *q, struct err *e)
{
	int r = client_open(q->asker->runtime, CLIENT_AGENT, &q->client, e);

	if (r != 0)
		return r;
	return call(q,
	    &(struct client_request){
		.method = q->o.method == NULL ? "POST" : q->o.method,
		.path = q->o.path == NULL ? "/v1/actions" : q->o.path,
		.body = q->o.body,
		.timeout_ms = ANSWER_MS,
		.idempotency_key = q->o.key,
	    },
	    e);
}

int
question_ask(struct asker *a, const struct question_options *o,
    struct question **ret, struct err *e)
{
	struct question *q = mem_new(1, sizeof(*q));

	if (q == NULL)
		return err_nomem(e);
	q->asker = a;
	q->o = *o;
	q->once = o->path != NULL;
	q->deadline_ms = loop_now_ms() + o->timeout_ms;
	q->next = a->questions;
	a->questions = q;
	if (propose(q, &q->why) != 0) {
		const int r = loop_after(a->loop, 0, on_soon, q, &q->soon, e);

		if (r != 0) {
			free_question(q);
			return r;
		}
	}
	/* texts are the caller's, and sent */
	q->o.body = STR_NONE;
	q->o.key = q->o.path = q->o.method = NULL;
	*ret = q;
	return ERR_OK;
}

void
question_drop(struct question *q)
{
	if (q == NULL)
		return;
	if (!q->proposed && !q->once && q->running != NULL) {
		q->dropped = true;
		return;
	}
	if (q->ruling.pending)
		take_back(q->asker, &q->ruling);
	free_question(q);
}

/* ---- the asker ----------------------------------------------------------- */

int
asker_new(
    struct loop *l, const char *runtime, struct asker **ret, struct err *e)
{
	struct asker *a = mem_new(1, sizeof(*a));

	if (a == NULL)
		return err_nomem(e);
	a->loop = l;
	a->runtime = runtime == NULL ? NULL : strdup(runtime);
	if (runtime != NULL && a->runtime == NULL) {
		free(a);
		return err_nomem(e);
	}
	*ret = a;
	return ERR_OK;
}

void
asker_free(struct asker *a)
{
	const int64_t end_ms = loop_now_ms() + FAREWELL_MS;

	if (a == NULL)
		return;
	for (struct question *q = a->questions, *next; q != NULL; q = next) {
		next = q->next;
		question_drop(q);
	}
	while ((a->tells != NULL || a->questions != NULL) &&
	    loop_now_ms() < end_ms &&
	    loop_once(a->loop, (int)(end_ms - loop_now_ms()), NULL) == 0)
		continue;
	while (a->questions != NULL)
		free_question(a->questions);
	while (a->tells != NULL) {
		client_stop(a->tells->running);
		forget_tell(a->tells);
	}
	free(a->runtime);
	free(a);
}
