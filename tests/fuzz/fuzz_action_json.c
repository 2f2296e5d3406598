/*
 * Any bytes as an action: what we accept jansson accepts, what jansson
 * accepts we refuse for a limit only, and an action survives the way out.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include "model/action_json.h"

#include <assert.h>
#include <stdint.h>

#include "model/json_doc.h"
#include "model/json_in.h"

#define OUT_BYTES ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
compare_with_jansson(struct str text)
{
	AUTO(arena_freep) struct arena *a = arena_new(OUT_BYTES);
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	json_auto_t *j = NULL;
	const int ours = json_doc_parse(&d, text, a, NULL);
	const int theirs = json_in(text, &j, NULL);

	assert(ours != 0 || theirs == 0);
	assert(theirs != 0 || ours == 0 || ours == ERR_LIMIT);
}

static void
round_trip(const struct action *a)
{
	AUTO(action_freep) struct action *b = NULL;
	AUTO_BUF struct buf json = BUF_INIT(OUT_BYTES);
	AUTO_BUF struct buf one = BUF_INIT(OUT_BYTES);
	AUTO_BUF struct buf two = BUF_INIT(OUT_BYTES);

	action_to_json(a, &json);
	if (action_new(&b, NULL) != 0)
		return;
	assert(action_from_json(buf_str(&json), true, b, NULL) == 0);
	action_encode(a, &one);
	action_encode(b, &two);
	assert(str_eq(buf_str(&one), buf_str(&two)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = str_n((const char *)data, size);
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;

	compare_with_jansson(text);
	if (action_new(&a, NULL) != 0)
		return 0;
	if (action_from_json(text, true, a, &e) == 0)
		round_trip(a);
	else
		assert(e.msg[0] != '\0');
	return 0;
}
