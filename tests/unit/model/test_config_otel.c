/*
 * OTEL_* variables: what they mean, what is refused, and that the
 * configuration wins.
 */
#include "config_files.h"

#include "base/mem.h"

#define BASE "OTEL_EXPORTER_OTLP_"

static int
load(struct config_files *f, const char *text, const char *const *environment)
{
	f->more.environment = environment;
	return config_files_load(f, text, NULL);
}

static const struct config_otlp_way *
way(struct config_files *f, enum otlp_signal s, const char *const *environment)
{
	assert_int_equal(load(f, "", environment), 0);
	return &f->config->otlp_ways[s];
}

static void
a_base_is_joined_and_an_address_of_a_signal_is_whole(void **state)
{
	struct config_files *f = *state;
	const struct config_otlp_way *w = way(f, OTLP_LOGS,
	    (const char *const[]){ "PATH=/bin",
		BASE "ENDPOINT=https://c.example:4318/x/",
		BASE "TRACES_ENDPOINT=https://t.example/spans", NULL });

	assert_string_equal(w->url, "https://c.example:4318/x/v1/logs");
	assert_int_equal(w->protocol, OTLP_PROTOBUF);
	assert_int_equal(w->timeout_ms, 10000);
	assert_true(w->gzip);
	assert_string_equal(
	    f->config->otlp_ways[OTLP_TRACES].url, "https://t.example/spans");
	assert_true(config_has_destination(f->config));
}

static void
an_empty_variable_and_none_at_all_mean_nothing(void **state)
{
	struct config_files *f = *state;

	assert_null(way(f, OTLP_LOGS, NULL)->url);
	assert_null(way(f, OTLP_LOGS,
	    (const char *const[]){
		BASE "ENDPOINT=", BASE "PROTOCOL=grpc", NULL })
			->url);
	assert_false(config_has_destination(f->config));
}

static void
headers_are_decoded_and_what_is_the_signals_own_wins(void **state)
{
	struct config_files *f = *state;
	const char *const environment[] = {
		BASE "ENDPOINT=https://c.example",
		BASE "HEADERS=a=1, b = x%20y%2C ,,c=k=v",
		BASE "LOGS_HEADERS=only=mine",
		NULL,
	};

	assert_string_equal(way(f, OTLP_METRICS, environment)->headers,
	    "a: 1\nb: x y,\nc: k=v\n");
	assert_string_equal(
	    f->config->otlp_ways[OTLP_LOGS].headers, "only: mine\n");
}

static void
what_cannot_be_used_is_an_error_that_shows_no_value(void **state)
{
	static const char *const bad[] = {
		BASE "HEADERS=s3cret",
		BASE "HEADERS=a b=s3cret",
		BASE "HEADERS=a=s3cret%0d%0aEvil:1",
		BASE "HEADERS=a=s3cret%4",
		BASE "PROTOCOL=grpc-s3cret",
		BASE "TIMEOUT=-1s3cret",
		BASE "TIMEOUT=0",
		BASE "COMPRESSION=s3cret",
		BASE "CERTIFICATE=s3cret.pem",
		BASE "CLIENT_KEY=/s3cret.pem",
		BASE "LOGS_ENDPOINT=http://s3cret.example",
		"OTEL_LOGS_EXPORTER=console-s3cret",
		"OTEL_RESOURCE_ATTRIBUTES=a=s3cret%00",
		"OTEL_SERVICE_NAME=s3cret\x1b[2J",
	};
	struct config_files *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *const environment[] = {
			BASE "ENDPOINT=https://c.example",
			bad[i],
			NULL,
		};
		AUTO_BUF struct buf out = BUF_INIT(1 << 16);
		const size_t name = strcspn(bad[i], "=");

		if (load(f, "", environment) != ERR_INVALID)
			fail_msg("'%s' was taken", bad[i]);
		diags_print(f->diags, &out);
		assert_null(strstr(buf_cstr(&out), "s3cret"));
		assert_true(
		    str_search(buf_str(&out), str_n(bad[i], name)) < out.len ||
		    strstr(bad[i], "CLIENT_KEY") != NULL);
	}
}

static void
the_configuration_wins_over_what_the_environment_says(void **state)
{
	struct config_files *f = *state;
	const char *const environment[] = {
		"OTEL_SDK_DISABLED=true",
		BASE "ENDPOINT=https://elsewhere.example",
		BASE "HEADERS=a=1",
		"OTEL_LOGS_EXPORTER=none",
		"OTEL_SERVICE_NAME=mine",
		NULL,
	};
	const struct config_otlp_way *w;

	assert_int_equal(load(f,
			     "telemetry: {otlp: \"http://127.0.0.1:4318\", "
			     "otlp_protocol: json}\n",
			     environment),
	    0);
	w = &f->config->otlp_ways[OTLP_LOGS];
	assert_string_equal(w->url, "http://127.0.0.1:4318/v1/logs");
	assert_int_equal(w->protocol, OTLP_JSON);
	assert_null(w->headers);
	assert_string_equal(f->config->otlp_service, "mine");
	/* and alone they would have switched it off */
	assert_null(way(f, OTLP_LOGS, environment)->url);
	assert_null(f->config->otlp_ways[OTLP_TRACES].url);
}

static void
the_reporter_alone_gets_the_keys(void **state)
{
	struct config_files *f = *state;
	const char *const environment[] = {
		BASE "ENDPOINT=https://c.example",
		BASE "HEADERS=a=s3cret",
		"OTEL_RESOURCE_ATTRIBUTES=team=x",
		NULL,
	};
	static const enum config_secrets whose[] = { SECRETS_NONE,
		SECRETS_OF_FRONT, SECRETS_OF_REPORTER };

	assert_int_equal(load(f, "", environment), 0);
	for (size_t i = 0; i < ARRAY_LEN(whose); i++) {
		AUTO_BUF struct buf record = BUF_INIT(1 << 20);
		AUTO(config_freep) struct config *c = NULL;

		config_encode(f->config, whose[i], &record);
		assert_int_equal(config_decode(buf_str(&record), &c, NULL), 0);
		assert_string_equal(
		    c->otlp_ways[OTLP_LOGS].url, "https://c.example/v1/logs");
		assert_string_equal(c->otlp_resource, "team=x\n");
		assert_int_equal(
		    str_search(buf_str(&record), STR("s3cret")) < record.len,
		    whose[i] == SECRETS_OF_REPORTER);
	}
}

#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(                                       \
	    name, config_files_setup, config_files_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_base_is_joined_and_an_address_of_a_signal_is_whole),
		T(an_empty_variable_and_none_at_all_mean_nothing),
		T(headers_are_decoded_and_what_is_the_signals_own_wins),
		T(what_cannot_be_used_is_an_error_that_shows_no_value),
		T(the_configuration_wins_over_what_the_environment_says),
		T(the_reporter_alone_gets_the_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
