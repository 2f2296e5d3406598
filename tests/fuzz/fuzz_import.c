/*
 * Rule files of other programs, and bundles: any bytes give rules or an error,
 * and what is written of them loads.
 * The first byte chooses: Codex, Gemini CLI, Claude Code, a bundle.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "import.h"

#define ARENA_MAX ((size_t)64 << 20)
#define FILE_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
import_one(enum import_format format, struct str text)
{
	AUTO_BUF struct buf out = BUF_INIT(FILE_MAX);
	struct import im = { .rule_count = 0 };

	if (import_new("file", &im, NULL) != 0)
		return;
	if (import_read(&im, format, text, NULL) == 0)
		import_write(&im, "x", &out);
	import_done(&im);
}

static void
bundle_one(struct str text)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct bundle b;

	if (a == NULL || bundle_read(text, a, &b, NULL) != 0)
		return;
	for (size_t i = 0; i < b.count; i++) {
		/* No name leads out of the folder. */
		if (strchr(b.files[i].name, '/') != NULL ||
		    b.files[i].name[0] == '.')
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text;

	if (size == 0)
		return 0;
	text = str_n((const char *)data + 1, size - 1);
	if (data[0] % 4 == 3)
		bundle_one(text);
	else
		import_one(
		    (enum import_format)(IMPORT_CODEX + data[0] % 4), text);
	return 0;
}
