/*
 * Any bytes as settings, as an administrator's requirements over them, and as
 * the record that roles get.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include "model/config.h"

#include <assert.h>
#include <stdint.h>

#include "config_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be told to a role, and comes back as it was. */
static void
round_trip(struct config *c)
{
	AUTO_BUF struct buf first = BUF_INIT(CONFIG_RECORD_MAX);
	AUTO_BUF struct buf second = BUF_INIT(CONFIG_RECORD_MAX);
	AUTO(config_freep) struct config *got = NULL;

	c->state_dir = "/s";
	c->runtime_dir = "/r";
	config_encode(c, SECRETS_ALL, &first);
	assert(config_decode(buf_str(&first), &got, NULL) == 0);
	config_encode(got, SECRETS_ALL, &second);
	assert(str_eq(buf_str(&first), buf_str(&second)));
}

static void
read_settings(struct str text)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO(arena_freep) struct arena *a = arena_new(CONFIG_ARENA_MAX);
	struct config c = { .arena = a, .home = "/home/x" };
	struct reading r = { .config = &c, .arena = a, .diags = d };
	struct yaml root;

	if (yaml_parse("input", text, a, d, &root, NULL) != 0)
		return;
	settings_preset(&c);
	settings_read_map(&r, &root);
	config_apply_ceiling(&r, &root);
	if (diags_errors(d) == 0 && !arena_failed(a))
		round_trip(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(config_freep) struct config *c = NULL;
	const struct str text = str_n((const char *)data, size);

	(void)config_decode(text, &c, NULL);
	read_settings(text);
	return 0;
}
