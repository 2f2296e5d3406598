/*
 * The sink that posts to a webhook.
 * Runs in: reporter.  Trusts: nothing of the receiver.  Owns: the request
 * under way.
 */
#include "sink_webhook.h"

#include <stdio.h>

#include "base/hmac.h"
#include "base/mem.h"
#include "base/text.h"
#include "lines.h"
#include "verdict.h"

#define BODY_BYTES_MAX ((size_t)64 << 20)
#define HEADER_BYTES_MAX 256
#define NS_PER_SECOND INT64_C(1000000000)

struct sink_webhook {
	struct sink sink;
	struct webhook_options o;
	struct post *post;
	sink_done_fn *done;
	void *ctx;
};

static void
on_answer(void *ctx, const struct post_result *answer)
{
	char why[VERDICT_WHY_MAX];
	struct sink_webhook *w = ctx;
	struct sink_result r;

	w->post = NULL;
	verdict_of_http(answer, why, &r);
	w->done(w->ctx, &r);
}

/* Headers in the form of Standard Webhooks. */
struct signature {
	char id[HEADER_BYTES_MAX], time[HEADER_BYTES_MAX];
	char signature[HEADER_BYTES_MAX];
};

static long long
seq_of(const json_t *row)
{
	return json_integer_value(json_object_get(row, "seq"));
}

/* Of these very rows, whenever they come. */
static void
put_id(json_t *const *rows, size_t count, struct buf *out)
{
	const json_t *body = json_object_get(rows[0], "body");

	if (seq_of(rows[0]) == 0)
		buf_printf(out, "assent-checkpoint-%lld",
		    (long long)json_integer_value(
			json_object_get(body, "rows")));
	else
		buf_printf(out, "assent-%lld-%lld", seq_of(rows[0]),
		    seq_of(rows[count - 1]));
}

static int
sign(const struct sink_webhook *w, json_t *const *rows, size_t count,
    const struct buf *body, struct signature *ret)
{
	AUTO_BUF struct buf text = BUF_INIT(BODY_BYTES_MAX + HEADER_BYTES_MAX);
	AUTO_BUF struct buf base64 = BUF_INIT(HEADER_BYTES_MAX);
	AUTO_BUF struct buf id = BUF_INIT(HEADER_BYTES_MAX);
	const long long seconds = w->o.real_ns() / NS_PER_SECOND;
	uint8_t mac[SHA256_LEN];
	int r;

	put_id(rows, count, &id);
	buf_printf(&text, "%s.%lld.", buf_cstr(&id), seconds);
	buf_put_str(&text, buf_str(body));
	r = buf_done(&text, NULL);
	if (r == 0)
		r = hmac_sha256(w->o.key, buf_str(&text), mac, NULL);
	if (r != 0)
		return r;
	text_base64(&base64, str_n((const char *)mac, sizeof(mac)));
	(void)snprintf(
	    ret->id, sizeof(ret->id), "webhook-id: %s", buf_cstr(&id));
	(void)snprintf(
	    ret->time, sizeof(ret->time), "webhook-timestamp: %lld", seconds);
	(void)snprintf(ret->signature, sizeof(ret->signature),
	    "webhook-signature: v1,%s", buf_cstr(&base64));
	return buf_done(&base64, NULL);
}

static int
start(struct sink_webhook *w, json_t *const *rows, size_t count, struct err *e)
{
	struct buf body = BUF_INIT(BODY_BYTES_MAX);
	struct signature s;
	const char *const headers[] = { s.id, s.time, s.signature };
	const struct post_options o = {
		.url = w->o.url,
		.content_type = "application/jsonl",
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.tls = w->o.tls,
		.timeout_ms = w->o.timeout_ms,
		.done = on_answer,
		.ctx = w,
	};
	int r = rows_as_lines(rows, count, &body, e);

	if (r == 0 && sign(w, rows, count, &body, &s) != 0)
		r = err_set(e, ERR_INTERNAL, "cannot sign the rows");
	if (r != 0) {
		buf_free(&body);
		return r;
	}
	return post_start(w->o.curl, &o, &body, &w->post, e);
}

static void
webhook_send(struct sink *sink, json_t *const *rows, size_t count,
    sink_done_fn *done, void *ctx)
{
	struct sink_webhook *w = (struct sink_webhook *)sink;
	struct err why = ERR_INIT;

	w->done = done;
	w->ctx = ctx;
	if (start(w, rows, count, &why) != 0)
		done(ctx,
		    &(struct sink_result){
			.verdict = SINK_LATER, .why = why.msg });
}

static void
webhook_close(struct sink *sink)
{
	struct sink_webhook *w = (struct sink_webhook *)sink;

	post_cancel(w->post);
	mem_freep(&w);
}

int
sink_webhook_new(
    const struct webhook_options *o, struct sink **ret, struct err *e)
{
	static const struct sink_ops ops = {
		.send = webhook_send,
		.close = webhook_close,
	};
	struct sink_webhook *w = mem_new(1, sizeof(*w));

	if (w == NULL)
		return err_nomem(e);
	w->sink = (struct sink){ .ops = &ops, .name = "webhook" };
	w->o = *o;
	*ret = &w->sink;
	return ERR_OK;
}
