/*
 * Any bytes as a script: judged by the shipped programs. It must end, and
 * what it gives must be in form: a part at least, every effect with a kind.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.
 * Owns: the programs, for the life of the process.
 */
#include "effects.h"

#include <assert.h>
#include <stdint.h>

#include "embedded.h"

#define ARENA_MAX ((size_t)256 << 20)
#define FILES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct programs *
programs_once(void)
{
	static struct programs *p;
	struct programs_file files[FILES_MAX];

	if (p != NULL)
		return p;
	for (size_t i = 0; i < embedded_programs_count; i++)
		files[i] = (struct programs_file){
			.name = embedded_programs[i].name,
			.text = embedded_programs[i].text,
		};
	assert(
	    programs_new(files, embedded_programs_count, NULL, &p, NULL) == 0);
	return p;
}

static void
check(const struct effects *fx)
{
	assert(fx->count > 0 && fx->display != NULL);
	for (size_t i = 0; i < fx->count; i++) {
		const struct part *p = &fx->parts[i];

		assert(p->text != NULL);
		for (size_t k = 0; k < p->effect_count; k++)
			assert(p->effects[k].kind != EFFECT_INVALID &&
			    p->effects[k].why != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(action_freep) struct action *a = NULL;
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
	struct effects fx;
	char *text = mem_strndup((const char *)data, size);

	assert(arena != NULL && text != NULL && action_new(&a, NULL) == 0);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.executor = EXECUTOR_ASSENT;
	a->proposal.input.script = arena_strdup(a->arena, text);
	a->proposal.cwd = arena_strdup(a->arena, "/home/dev/proj");
	a->proposal.workspace = arena_strdup(a->arena, "/home/dev/proj");
	a->proposer.home = arena_strdup(a->arena, "/home/dev");
	if (effects_of(programs_once(), a, arena, &fx, NULL) == 0)
		check(&fx);
	free(text);
	return 0;
}
