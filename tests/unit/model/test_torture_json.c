/*
 * Proposals and decisions while memory runs out at every single point.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "model/action_json.h"
#include "torture.h"

#define OUT_BYTES ((size_t)1 << 20)

static const char *const bodies[] = {
	"{\"tool\":\"shell\",\"workspace\":\"/w\",\"input\":{\"script\":\"ls "
	"\\u00e9\",\"env\":{\"A\":\"1\",\"B\":\"2\"}},\"transcript\":[{"
	"\"role\":\"user\",\"text\":\"a\"}]}",
	"{\"tool\":\"file\",\"workspace\":\"/w\",\"input\":{\"edits\":[{"
	"\"path\":\"a\",\"op\":\"delete\"}]}}",
	"{\"tool\":\"mcp\",\"input\":{\"server\":\"s\",\"tool\":\"t\","
	"\"args\":{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,"
	"\"h\":8,\"i\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,"
	"22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,"
	"45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63,64,65,66,67,"
	"68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,"
	"91,92,93,94,95,96,97,98,99]}}}",
};

static int
there_and_back(const char *body)
{
	AUTO(action_freep) struct action *a = NULL;
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES);
	struct err e = ERR_INIT;
	int r;

	r = action_new(&a, &e);
	if (r == 0)
		r = action_from_json(str_of(body), false, a, &e);
	if (r != 0)
		return r;
	action_to_json(a, &out);
	decision_to_json(a, &out);
	explain_to_json(a, &out);
	explain_to_text(a, &out);
	action_encode(a, &out);
	return buf_done(&out, &e);
}

static int
use_all(void)
{
	int r = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(bodies) && r == 0; i++)
		r = there_and_back(bodies[i]);
	return r;
}

static void
proposals_survive_a_lack_of_memory(void **state)
{
	(void)state;
	torture(use_all, 10);
}

static int
refuse(void)
{
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;
	int r;

	r = action_new(&a, &e);
	if (r == 0)
		r = action_from_json(
		    STR("{\"tool\":\"shell\",\"inptu\":{}}"), false, a, &e);
	if (r == ERR_INVALID)
		assert_true(e.msg[0] != '\0');
	return r == ERR_INVALID ? ERR_OK : r;
}

static void
a_refusal_needs_no_memory(void **state)
{
	(void)state;
	torture_but_manages(refuse, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proposals_survive_a_lack_of_memory),
		cmocka_unit_test(a_refusal_needs_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
