/*
 * A script of any bytes, and a command line of any words, through the whole
 * classifier: it ends, it is decided, hidden bytes are never allowed, and
 * what is said of it is in form: a part at least, each effect with its kind
 * and its reason.
 * Runs in: fuzz targets.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "core/ports.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct classifier *
classifier(void)
{
	static struct classifier *c;
	const struct classifier_options o = { .policy = POLICY_ON_REQUEST };

	if (c == NULL)
		assert(rules_classifier.open(&o, NULL, &c, NULL) == 0);
	return c;
}

static void
fill_argv(struct action *a, struct str bytes)
{
	struct tool_input *in = &a->proposal.input;

	a->proposal.tool = TOOL_EXEC;
	in->argv = arena_array(a->arena, WORDS_MAX, sizeof(*in->argv));
	while (bytes.len > 0 && in->argc < WORDS_MAX) {
		struct str word = str_cut(&bytes, '\n');

		word = str_head(word, str_find(word, '\0'));
		in->argv[in->argc++] =
		    arena_strndup(a->arena, word.s, word.len);
	}
}

static void
check(const struct classification *c)
{
	assert(c->decision != DECISION_INVALID);
	assert(c->part_count > 0 && c->display != NULL);
	for (size_t i = 0; i < c->part_count; i++) {
		const struct part *p = &c->parts[i];

		assert(p->text != NULL);
		for (size_t k = 0; k < p->effect_count; k++)
			assert(p->effects[k].kind != EFFECT_INVALID &&
			    p->effects[k].why != NULL);
	}
}

/* The first byte says which tool; the rest is its text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(action_freep) struct action *a = NULL;
	struct str bytes = str_n((const char *)data, size);
	int r;

	if (size < 2 || size > SCRIPT_BYTES_MAX || action_new(&a, NULL) != 0)
		return 0;
	bytes = str_from(bytes, 1);
	if ((data[0] & 1) != 0) {
		fill_argv(a, bytes);
	} else {
		/* A proposal has no NUL in it: what reads it refuses that. */
		bytes = str_head(bytes, str_find(bytes, '\0'));
		a->proposal.tool = TOOL_SHELL;
		a->proposal.input.script =
		    arena_strndup(a->arena, bytes.s, bytes.len);
	}
	a->proposal.executor = EXECUTOR_ASSENT;
	a->proposal.cwd = arena_strdup(a->arena, "/home/dev/proj");
	a->proposal.workspace = a->proposal.cwd;
	a->proposer.home = arena_strdup(a->arena, "/home/dev");
	r = rules_classifier.classify(
	    classifier(), a, a->arena, &a->classification, NULL);
	assert(r == 0 || r == ERR_NOMEM);
	if (r == 0) {
		check(&a->classification);
		assert(a->classification.decision != DECISION_ALLOW ||
		    (data[0] & 1) != 0 ||
		    text_find_hidden(bytes, "\t\n") == bytes.len);
	}
	return 0;
}
