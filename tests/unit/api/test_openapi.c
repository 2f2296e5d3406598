/*
 * docs/api/openapi.yaml says what route.c does, and route.c does what it
 * says: operations, roles, parameters, bodies, examples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth.h"
#include "base/fdio.h"
#include "hooks/hooks.h"
#include "hooks/mcp_menu.h"
#include "model/action_json.h"
#include "model/json_in.h"
#include "openapi.h"
#include "route.h"

#define QUEUE_MAX 4096

static int
load(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT((size_t)1 << 20);
	struct err e = ERR_INIT;
	json_t *doc = NULL;

	if (openapi_json(&out, &e) != 0 ||
	    json_in(buf_str(&out), &doc, &e) != 0)
		fail_msg("%s", e.msg);
	*state = doc;
	return 0;
}

static int
unload(void **state)
{
	json_decref(*state);
	return 0;
}

static const char *
text(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

/* What a $ref points at, or the value itself. */
static json_t *
follow(json_t *doc, json_t *j)
{
	const char *ref = text(j, "$ref");
	struct str path;

	if (ref == NULL)
		return j;
	path = str_of(ref);
	assert_true(str_eq(str_cut(&path, '/'), STR("#")));
	j = doc;
	while (path.len > 0 && j != NULL) {
		const struct str step = str_cut(&path, '/');

		j = json_object_getn(j, step.s, step.len);
	}
	if (j == NULL)
		fail_msg("%s points nowhere", ref);
	return j;
}

static json_t *
operation_of(json_t *doc, const struct route *r)
{
	char method[16];
	size_t i = 0;

	for (const char *m = http_method_name(r->method); m[i] != '\0'; i++)
		method[i] = (char)(m[i] | 0x20);
	method[i] = '\0';
	return json_object_get(
	    json_object_get(json_object_get(doc, "paths"), r->path), method);
}

/* The parameter of that place and name, of the operation or its path. */
static json_t *
parameter(json_t *doc, const struct route *r, const char *in, const char *name)
{
	json_t *lists[] = {
		json_object_get(operation_of(doc, r), "parameters"),
		json_object_get(
		    json_object_get(json_object_get(doc, "paths"), r->path),
		    "parameters"),
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		json_t *j;
		size_t k;

		json_array_foreach(lists[i], k, j)
		{
			j = follow(doc, j);
			if (strcmp(text(j, "in"), in) == 0 &&
			    strcmp(text(j, "name"), name) == 0)
				return j;
		}
	}
	return NULL;
}

static size_t
count_query(json_t *doc, const struct route *r)
{
	json_t *list = json_object_get(operation_of(doc, r), "parameters");
	size_t n = 0, k;
	json_t *j;

	json_array_foreach(list, k, j)
	{
		if (strcmp(text(follow(doc, j), "in"), "query") == 0)
			n++;
	}
	return n;
}

static void
check_choices(const struct param *p, const json_t *schema)
{
	const json_t *list = json_object_get(schema, "enum");
	size_t n = 0;

	while (p->choices[n] != NULL) {
		const char *there = json_string_value(json_array_get(list, n));

		if (there == NULL || strcmp(there, p->choices[n]) != 0)
			fail_msg("%s: choice %zu", p->name, n);
		n++;
	}
	assert_int_equal(json_array_size(list), n);
}

static void
check_schema(json_t *doc, const struct param *p, json_t *schema)
{
	const json_t *min, *max;

	assert_non_null(schema);
	schema = follow(doc, schema);
	min = json_object_get(schema, "minimum");
	max = json_object_get(schema, "maximum");
	assert_string_equal(text(schema, "type"),
	    p->kind == PARAM_NUMBER ? "integer" : "string");
	if (p->kind == PARAM_CHOICE)
		check_choices(p, schema);
	if (p->kind == PARAM_NUMBER) {
		assert_int_equal(json_integer_value(min), p->min);
		assert_true(p->max == INT64_MAX
			? max == NULL
			: json_integer_value(max) == p->max);
	}
	if (p->kind == PARAM_TEXT || p->kind == PARAM_NAME)
		assert_int_equal(
		    json_integer_value(json_object_get(schema, "maxLength")),
		    p->max > 0 ? p->max : NAME_BYTES_MAX);
}

static json_t *
body_schema(json_t *doc, const struct route *r)
{
	json_t *body = json_object_get(operation_of(doc, r), "requestBody");

	return follow(doc,
	    json_object_get(json_object_get(json_object_get(body, "content"),
				"application/json"),
		"schema"));
}

static void
every_route_is_an_operation(void **state)
{
	for (size_t i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);
		const json_t *op = operation_of(*state, r);

		if (op == NULL)
			fail_msg("%s is not described", r->operation);
		assert_string_equal(text(op, "operationId"), r->operation);
		assert_non_null(text(op, "summary"));
		assert_non_null(json_object_get(op, "responses"));
	}
}

static void
every_operation_is_a_route(void **state)
{
	json_t *item, *op;
	const char *name, *method;
	size_t n = 0;

	json_object_foreach(json_object_get(*state, "paths"), name, item)
	{
		json_object_foreach(item, method, op)
		{
			if (strcmp(method, "parameters") == 0)
				continue;
			n++;
			if (text(op, "operationId") == NULL)
				fail_msg("%s %s", method, name);
		}
	}
	assert_int_equal(n, route_count());
}

static void
the_roles_are_those_of_the_table(void **state)
{
	for (size_t i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);
		const json_t *list =
		    json_object_get(operation_of(*state, r), "x-roles");
		unsigned roles = 0;
		json_t *j;
		size_t k;

		json_array_foreach(list, k, j)
		{
			for (unsigned c = CALLER_AGENT; c <= CALLER_ADMIN; c++)
				if (strcmp(json_string_value(j),
					caller_role_name(
					    (enum caller_role)c)) == 0)
					roles |= ROLE_BIT(c);
		}
		if (roles != r->roles)
			fail_msg("%s", r->operation);
	}
}

static void
the_parameters_are_those_of_the_table(void **state)
{
	for (size_t i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);
		const json_t *if_match =
		    parameter(*state, r, "header", "If-Match");

		assert_int_equal(count_query(*state, r), r->query_count);
		for (size_t k = 0; k < r->query_count; k++)
			check_schema(*state, &r->query[k],
			    json_object_get(
				parameter(*state, r, "query", r->query[k].name),
				"schema"));
		assert_int_equal(
		    if_match != NULL, (r->flags & ROUTE_NEEDS_IF_MATCH) != 0);
		assert_int_equal(
		    parameter(*state, r, "header", "Prefer") != NULL,
		    (r->flags & ROUTE_WAITS) != 0);
		assert_int_equal(parameter(*state, r, "path", "id") != NULL,
		    strstr(r->path, "{id}") != NULL);
	}
}

static bool
is_required(const json_t *schema, const char *name)
{
	json_t *j;
	size_t k;

	json_array_foreach(json_object_get(schema, "required"), k, j)
	{
		if (strcmp(json_string_value(j), name) == 0)
			return true;
	}
	return false;
}

static void
the_bodies_are_those_of_the_table(void **state)
{
	for (size_t i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);
		const json_t *properties;
		json_t *schema = body_schema(*state, r);

		assert_int_equal(schema != NULL, r->body != ROUTE_BODY_NONE);
		if (r->body != ROUTE_BODY_FIELDS)
			continue;
		properties = json_object_get(schema, "properties");
		assert_int_equal(json_object_size(properties), r->field_count);
		assert_true(json_is_false(
		    json_object_get(schema, "additionalProperties")));
		for (size_t k = 0; k < r->field_count; k++) {
			const struct param *p = &r->fields[k];

			check_schema(
			    *state, p, json_object_get(properties, p->name));
			assert_int_equal(
			    is_required(schema, p->name), p->required);
		}
	}
}

static void
check_example(const struct route *r, const json_t *example)
{
	AUTO(arena_freep) struct arena *a = arena_new((size_t)1 << 20);
	AUTO(action_freep) struct action *action = NULL;
	struct param_values v = { .arena = a };
	struct err e = ERR_INIT;
	const json_t *inner = json_object_get(example, "action");
	char *json;
	int rc;

	if (r->body == ROUTE_BODY_EVALUATE && inner != NULL)
		example = inner;
	json = json_dumps(example, 0);
	assert_non_null(json);
	if (r->body == ROUTE_BODY_MCP) {
		AUTO_BUF struct buf out = BUF_INIT((size_t)1 << 20);
		AUTO(mcp_session_freep) struct mcp_session *s = NULL;
		AUTO(mcp_freep) struct mcp *m = NULL;

		rc = mcp_session_new(&mcp_assent, NULL, &s, &e);
		if (rc == 0)
			rc = mcp_new(s, &m, &e);
		if (rc == 0 && mcp_take(m, str_of(json), &out) != MCP_SAY)
			rc = ERR_INVALID;
		assert_null(strstr(buf_cstr(&out), "error"));
	} else if (r->body == ROUTE_BODY_HOOK) {
		AUTO(hook_freep) struct hook *h = NULL;
		const struct hook_options o = { .mode = HOOK_ENFORCE };

		rc = hook_new(str_of(r->hook != NULL ? r->hook : "claude-code"),
		    &o, &h, &e);
		if (rc == 0)
			rc = hook_take(h, str_of(json), &e);
	} else if (r->body == ROUTE_BODY_FIELDS) {
		rc =
		    param_body(str_of(json), r->fields, r->field_count, &v, &e);
	} else {
		assert_int_equal(action_new(&action, &e), 0);
		rc = action_from_json(
		    str_of(json), r->body == ROUTE_BODY_EVALUATE, action, &e);
	}
	if (rc != 0)
		fail_msg("%s: %s: %s", r->operation, json, e.msg);
	free(json);
}

static void
every_example_is_accepted(void **state)
{
	size_t n = 0;

	for (size_t i = 0; i < route_count(); i++) {
		const struct route *r = route_at(i);
		json_t *media = json_object_get(
		    json_object_get(
			json_object_get(operation_of(*state, r), "requestBody"),
			"content"),
		    "application/json");
		const json_t *one = json_object_get(media, "example");
		const char *name;
		json_t *each;

		if (one != NULL) {
			check_example(r, one);
			n++;
		}
		json_object_foreach(
		    json_object_get(media, "examples"), name, each)
		{
			check_example(r, json_object_get(each, "value"));
			n++;
		}
	}
	assert_true(n >= 12);
}

/* The fields of an action, as the reader knows them. */
static void
the_schema_of_an_action_has_its_fields(void **state)
{
	static const char *const fields[] = { "tool", "input", "cwd",
		"workspace", "home", "session", "agent", "justification",
		"transcript", "profile", "executor", "execute", "overlay",
		"tty" };
	const json_t *action = json_object_get(
	    json_object_get(json_object_get(*state, "components"), "schemas"),
	    "Action");
	const json_t *properties = json_object_get(action, "properties");

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		assert_non_null(json_object_get(properties, fields[i]));
	assert_int_equal(json_object_size(properties), ARRAY_LEN(fields));
	assert_true(
	    json_is_false(json_object_get(action, "additionalProperties")));
}

static void
every_reference_points_somewhere(void **state)
{
	AUTO_FREE json_t **queue = mem_new(QUEUE_MAX, sizeof(*queue));
	size_t seen = 0;

	assert_non_null(queue);
	queue[seen++] = *state;
	for (size_t i = 0; i < seen; i++) {
		const char *key;
		json_t *j = queue[i], *each;
		size_t k;

		if (text(j, "$ref") != NULL)
			(void)follow(*state, j);
		json_object_foreach(j, key, each)
		{
			assert_true(seen < QUEUE_MAX);
			if (json_is_object(each) || json_is_array(each))
				queue[seen++] = each;
		}
		json_array_foreach(j, k, each)
		{
			assert_true(seen < QUEUE_MAX);
			if (json_is_object(each) || json_is_array(each))
				queue[seen++] = each;
		}
	}
	assert_true(seen > 500);
}

/* "| GET | `/v1/log` | auditor | Rows of the decision log |" */
static void
put_row(json_t *doc, const struct route *r, struct buf *out)
{
	buf_printf(out, "| %s | `%s` | ", http_method_name(r->method), r->path);
	for (unsigned c = CALLER_AGENT, n = 0; c <= CALLER_ADMIN; c++) {
		if ((r->roles & ROLE_BIT(c)) != 0)
			buf_printf(out, "%s%s", n++ == 0 ? "" : ", ",
			    caller_role_name((enum caller_role)c));
	}
	buf_printf(out, " | %s |\n", text(operation_of(doc, r), "summary"));
}

static void
the_index_of_the_manual_is_this_table(void **state)
{
	AUTO_BUF struct buf page = BUF_INIT((size_t)1 << 20);
	AUTO_BUF struct buf want = BUF_INIT((size_t)1 << 20);
	struct err e = ERR_INIT;

	if (fdio_read_file(TEST_SOURCE_DIR "/docs/api.md", &page, &e) != 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < route_count(); i++)
		put_row(*state, route_at(i), &want);
	if (strstr(buf_cstr(&page), buf_cstr(&want)) != NULL)
		return;
	(void)fputs(buf_cstr(&want), stderr);
	fail_msg("docs/api.md has not this table of routes");
}

static void
the_version_is_this_programs(void **state)
{
	assert_string_equal(
	    text(json_object_get(*state, "info"), "version"), ASSENT_VERSION);
	assert_string_equal(text(*state, "openapi"), "3.1.0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_an_operation),
		cmocka_unit_test(every_operation_is_a_route),
		cmocka_unit_test(the_roles_are_those_of_the_table),
		cmocka_unit_test(the_parameters_are_those_of_the_table),
		cmocka_unit_test(the_bodies_are_those_of_the_table),
		cmocka_unit_test(every_example_is_accepted),
		cmocka_unit_test(the_schema_of_an_action_has_its_fields),
		cmocka_unit_test(every_reference_points_somewhere),
		cmocka_unit_test(the_index_of_the_manual_is_this_table),
		cmocka_unit_test(the_version_is_this_programs),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
