/*
 * The shell reader while memory runs out, at every allocation: it says so, and
 * nothing that looks like an answer comes out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/limits.h"
#include "shell/shell.h"
#include "torture.h"

#define ARENA_STEP 32

static const char script[] =
    "x=$(mktemp -d); cd \"$x\" && a=(b {c,d}{1..3} *.[ch] ~/e)\n"
    "for f in \"${a[@]}\" 2 3; do env -S 'Y=1 bash' -c 'rm \"$1\" ${z:-$q}' "
    "_ \"${f%.c}\" > \"$f\".o; done\n"
    "g() { local v=$1; echo $((v+1)) | xargs -I{} sh -c 'ls {}'; }; g 1\n"
    "cat <<E | bash\necho $x `pwd`\nE\n"
    "case $x in a|b) find . -exec git -c alias.l='!ls' l {} +;; esac\n"
    "trap 'rm -rf $x' EXIT; [[ -n $x && 1 -lt 2 ]] && eval 'cd ..; ls'\n"
    "echo $[1]; sudo -u u ls\n";

static const struct shell_context context = {
	.cwd = { .s = "/w", .len = 2 },
	.home = { .s = "/home/dev", .len = 9 },
};

static int
understand_within(size_t bytes, size_t *ret_used)
{
	AUTO(arena_freep) struct arena *a = arena_new(bytes);
	AUTO_BUF struct buf out = BUF_INIT(SCRIPT_BYTES_MAX);
	struct shell_result result;
	int r;

	if (a == NULL)
		return ERR_NOMEM;
	r = shell_understand(str_of(script), &context, a, &result, NULL);
	if (r != 0)
		return r;
	*ret_used = arena_used(a);
	shell_result_print(&out, &result);
	return buf_done(&out, NULL);
}

static int
understand(void)
{
	size_t used;

	return understand_within(ACTION_ARENA_MAX, &used);
}

static void
no_block_of_memory(void **state)
{
	(void)state;
	torture(understand, 4);
}

static void
no_room_in_the_arena(void **state)
{
	size_t used = 0, unused, bytes = 0;

	(void)state;
	assert_int_equal(understand_within(ACTION_ARENA_MAX, &used), 0);
	assert_true(used > 1000);
	for (; bytes < used; bytes += ARENA_STEP)
		assert_int_equal(understand_within(bytes, &unused), ERR_NOMEM);
	assert_int_equal(understand_within(used, &unused), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_block_of_memory),
		cmocka_unit_test(no_room_in_the_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
