/*
 * Any bytes as a hook of any client: what is taken becomes an action that
 * the strict reader takes or refuses, and the answer to a zeroed ruling is
 * never an allow.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hooks.h"
#include "model/action_json.h"

#define TEXT_MAX ((size_t)16 << 20)

static void
check_no(const struct hook *h)
{
	const struct hook_ruling none = { .verdict = HOOK_DENY };
	struct hook_output out = HOOK_OUTPUT_INIT;
	const char *said;

	hook_answer(h, &none, &out);
	said = buf_cstr(&out.out);
	assert(strstr(said, "\"allow\"") == NULL);
	/* it says no in words, or by its status */
	assert(out.status != 0 || strstr(said, "\"deny\"") != NULL);
	hook_output_done(&out);
}

static void
check_client(const char *name, struct str body)
{
	AUTO_BUF struct buf json = BUF_INIT(TEXT_MAX);
	AUTO(action_freep) struct action *a = NULL;
	AUTO(hook_freep) struct hook *h = NULL;
	const struct hook_options o = { .runner = "/usr/bin/assent" };
	struct err e = ERR_INIT;

	if (hook_new(str_of(name), &o, &h, &e) != 0)
		return;
	(void)hook_take(h, body, &e);
	check_no(h);
	if (hook_event(h) != HOOK_CALL && hook_event(h) != HOOK_PERMISSION) {
		if (hook_event(h) != HOOK_UNKNOWN)
			(void)hook_report(h, &json, &e);
		return;
	}
	if (hook_action(h, &json, &e) == 0 && action_new(&a, &e) == 0)
		(void)action_from_json(buf_str(&json), false, a, &e);
	/* nothing of a hook is run by proposing it */
	assert(a == NULL || !a->proposal.execute);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct str body = str_n((const char *)bytes, len);

	for (const char *const *name = hook_clients(); *name != NULL; name++)
		check_client(*name, body);
	return 0;
}
