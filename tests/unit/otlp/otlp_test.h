#ifndef TESTS_OTLP_TEST_H
#define TESTS_OTLP_TEST_H
/*
 * Rows as the log exports them, for tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"

#define DECIDED_ROW                                                            \
	"{\"seq\":41,\"time\":\"2026-11-25T12:00:00.000000Z\","                \
	"\"time_ns\":\"1795608000000000000\",\"kind\":\"decided\","            \
	"\"action_id\":\"act_1\",\"session\":\"s-1\",\"uid\":1000,"            \
	"\"tool\":\"shell\",\"decision\":\"deny\",\"decided_by\":\"rule\","    \
	"\"rule\":\"floor.delete-system\",\"log_hash\":\"00ff\","              \
	"\"body\":{\"text\":\"rm -rf /usr\",\"agent\":\"codex\","              \
	"\"risk\":\"critical\",\"reason\":\"It deletes the system.\"}}"

#define OUTCOME_ROW                                                            \
	"{\"seq\":42,\"time\":\"2026-11-25T12:00:01.000000Z\","                \
	"\"time_ns\":\"1795608001000000000\",\"kind\":\"outcome\","            \
	"\"action_id\":\"act_2\",\"uid\":1000,\"tool\":\"exec\","              \
	"\"body\":{\"exit\":1,\"signal\":0,\"wall_ms\":250,"                   \
	"\"traceparent\":"                                                     \
	"\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}}"

static inline json_t *
row_of(const char *text)
{
	json_t *row = json_loads(text, 0, NULL);

	assert_non_null(row);
	return row;
}

#endif
