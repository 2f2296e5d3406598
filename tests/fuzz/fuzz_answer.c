/*
 * Any bytes as what a daemon sends: an event stream, and a decision that is
 * then shown. What is shown must be inert on a terminal (I8).
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stdint.h>

#include "base/text.h"
#include "events.h"
#include "model/json_in.h"
#include "show.h"
#include "verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_event(void *ctx, struct str name, struct str data, struct err *e)
{
	(void)e;
	*(size_t *)ctx += name.len + data.len;
	return ERR_OK;
}

static void
feed(struct str text)
{
	size_t total = 0;
	struct events in = EVENTS_INIT(on_event, &total);

	(void)events_feed(&in, text, NULL);
	assert(total <= text.len);
	events_done(&in);
}

static void
decide(struct str text)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	json_auto_t *json = NULL;
	struct verdict v;

	if (json_in(text, &json, NULL) != 0)
		return;
	if (verdict_read(json, NULL, &v, NULL) == 0)
		assert(v.id[0] != '\0' && v.decision != DECISION_INVALID);
	show_question(&out, json, json);
	show_question_line(&out, json);
	show_ruling(&out, json);
	assert(text_find_hidden(buf_str(&out), "\n") == out.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = str_n((const char *)data, size);

	feed(text);
	decide(text);
	return 0;
}
