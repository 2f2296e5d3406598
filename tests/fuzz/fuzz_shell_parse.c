/*
 * Any bytes as a shell script: parsed line by line, in both dialects.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/parser.h"

#include <assert.h>
#include <stdint.h>

#include "model/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
parse_as(struct str text, enum shell_dialect dialect)
{
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	struct parser p;
	struct node *nd = NULL;
	uint32_t at = 0;

	parser_init(&p, text, dialect, a);
	while (parse_next(&p, &nd)) {
		/* Every line takes something, and lies in the text. */
		assert(nd == NULL || nd->end <= text.len);
		assert(p.at >= at);
		at = p.at;
	}
	assert(p.at <= text.len);
	assert(p.refused_at <= text.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = str_n((const char *)data, size);

	if (size > SCRIPT_UNDERSTOOD_MAX)
		return 0;
	parse_as(text, SHELL_BASH);
	parse_as(text, SHELL_POSIX);
	return 0;
}
