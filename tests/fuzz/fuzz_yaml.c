/*
 * Any bytes as a YAML file: parsed, and every place of the tree printed.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include "base/yaml.h"

#include <stdint.h>

#define ARENA_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
visit(struct diags *d, const struct yaml *node)
{
	struct diag place;

	yaml_diag(d, node, DIAG_NOTE, "N000", NULL, "here");
	place = yaml_place(node, node->text.len);
	diag_add(d, &place, "its end");
	for (size_t i = 0; i < node->count; i++) {
		if (node->kind == YAML_MAP)
			visit(d, &node->keys[i]);
		visit(d, &node->items[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES);
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(ARENA_BYTES);
	struct yaml root;

	if (yaml_parse("input", str_n((const char *)data, size), a, d, &root,
		NULL) == 0)
		visit(d, &root);
	diags_print(d, &out);
	return 0;
}
