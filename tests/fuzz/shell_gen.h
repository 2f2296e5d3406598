#ifndef TEST_SHELL_GEN_H
#define TEST_SHELL_GEN_H
/*
 * Random scripts for comparing with bash: shaped by the grammar, or a soup of
 * tokens. They name only programs that the test provides, and only files
 * below their own directory.
 *
 *     struct gen g = { .seed = 7, .out = &buf };
 *     gen_script(&g);
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct gen {
	uint64_t seed;
	struct buf *out;
	unsigned depth;
	unsigned left; /* words that may still be written */
	unsigned canaries;
	unsigned heredocs; /* whose bodies follow the line */
	char delimiters[4][16];
	bool quoted[4];
	bool in_subst;
};

void gen_script(struct gen *g);
uint32_t gen_below(struct gen *g, uint32_t n);

#endif
