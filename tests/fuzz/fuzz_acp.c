/*
 * Any lines of an editor and an agent: what passes to the editor is nothing
 * that is judged, what is held is an action that runs nothing, and no answer
 * to a zeroed verdict allows.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "acp.h"
#include "model/action_json.h"

#define TEXT_MAX ((size_t)32 << 20)

static const char *
project(void *ctx, const char *folder)
{
	(void)ctx;
	return folder;
}

static bool
has(struct str text, const char *word)
{
	return str_search(text, str_of(word)) < text.len;
}

static void
check(enum bridge_next next, struct str line, const struct bridge_question *q)
{
	AUTO(action_freep) struct action *a = NULL;
	AUTO_BUF struct buf out = BUF_INIT(TEXT_MAX);

	if (next == BRIDGE_PASS)
		assert(
		    !has(line, "\"method\":\"fs/write_text_file\",\"id\":") &&
		    !has(line, "\"method\":\"terminal/create\",\"id\":"));
	if (next != BRIDGE_HOLD)
		return;
	if (action_new(&a, NULL) == 0 &&
	    action_from_json(q->body, false, a, NULL) == 0)
		assert(!a->proposal.execute);
	if (acp_put_answer(line, HOOK_DENY, "no", &out, NULL) == 0)
		assert(!has(buf_str(&out), "allow"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct bridge_options o = { .cwd = "/w", .project = project };
	struct str rest = str_n((const char *)bytes, len);
	AUTO_BUF struct buf out = BUF_INIT(TEXT_MAX);
	AUTO(acp_freep) struct acp *a = NULL;
	struct bridge_question q;
	struct bridge_result result;
	struct bridge_news news;

	if (acp_new(&o, &a, NULL) != 0)
		return 0;
	while (rest.len > 0) {
		const struct str line = str_cut(&rest, '\n');

		check(acp_agent(a, line, &q, &result, &out), line, &q);
		acp_editor(a, line, &news);
	}
	return 0;
}
