/*
 * The agent's protocol: a run may list keys and log in, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "credentials/agent.h"
#include "keys.h"

struct fixture {
	struct ssh_key *user, *host, *other;
	struct buf data, sig, rule_keys;
	struct agent_session session;
	struct agent_rule rule;
	struct agent_request q;
};

static struct ssh_key *
parsed(const char *text)
{
	struct ssh_key *k = NULL;

	assert_int_equal(ssh_key_parse(str_of(text), &k, NULL), 0);
	return k;
}

static int
set_up(void **state)
{
	struct fixture *f = mem_new(1, sizeof(*f));

	f->user = parsed(key_ed);
	f->host = parsed(key_ec);
	f->other = parsed(key_pem);
	f->data = (struct buf)BUF_INIT(8192);
	f->sig = (struct buf)BUF_INIT(8192);
	f->rule_keys = (struct buf)BUF_INIT(8192);
	put_auth(&f->data, "session-1", "git", ssh_key_blob(f->user));
	f->q = (struct agent_request){
		.kind = AGENT_SIGN,
		.blob = ssh_key_blob(f->user),
		.data = buf_str(&f->data),
	};
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	ssh_key_free(f->user);
	ssh_key_free(f->host);
	ssh_key_free(f->other);
	buf_free(&f->data);
	buf_free(&f->sig);
	buf_free(&f->rule_keys);
	mem_freep(&f);
	return 0;
}

static void
pin(struct fixture *f, const struct ssh_key *host)
{
	wire_put_str(&f->rule_keys, ssh_key_blob(host));
	f->rule.host_keys = buf_str(&f->rule_keys);
}

static int
bind_to(struct fixture *f, const struct ssh_key *host, const char *session)
{
	struct agent_request q = {
		.kind = AGENT_BIND,
		.host_key = ssh_key_blob(host),
		.session = str_of(session),
	};

	buf_reset(&f->sig);
	assert_int_equal(
	    ssh_key_sign(host, str_of(session), 0, &f->sig, NULL), 0);
	q.signature = buf_str(&f->sig);
	return agent_bind(&f->session, &q, NULL);
}

static int
may_sign(struct fixture *f)
{
	struct agent_auth a;

	return agent_may_sign(&f->session, &f->rule, &f->q, &a, NULL);
}

static void
a_login_is_signed(void **state)
{
	struct fixture *f = *state;
	struct agent_auth a;

	f->rule.username = "git";
	assert_int_equal(
	    agent_may_sign(&f->session, &f->rule, &f->q, &a, NULL), 0);
	assert_true(str_eqz(a.user, "git"));
	assert_true(str_eqz(a.session, "session-1"));
}

static void
only_a_login_is_signed(void **state)
{
	struct fixture *f = *state;
	const size_t whole = f->data.len;

	for (size_t len = 0; len < whole; len++) {
		f->q.data = str_n(f->data.s, len);
		assert_int_equal(may_sign(f), ERR_DENIED);
	}
	buf_putc(&f->data, 'x');
	f->q.data = buf_str(&f->data);
	assert_int_equal(may_sign(f), ERR_DENIED);
	f->q.data = STR("SSHSIG\0\0\0\003git\0\0\0\0\0\0\0\006sha512");
	assert_int_equal(may_sign(f), ERR_DENIED);
}

static void
another_user_or_another_key_is_not_signed(void **state)
{
	struct fixture *f = *state;

	f->rule.username = "root";
	assert_int_equal(may_sign(f), ERR_DENIED);
	f->rule.username = "git";
	f->q.blob = ssh_key_blob(f->other);
	assert_int_equal(may_sign(f), ERR_DENIED);
}

static void
sign_as(struct fixture *f, const char *user)
{
	buf_reset(&f->data);
	put_auth(&f->data, "session-1", user, ssh_key_blob(f->user));
	f->q.data = buf_str(&f->data);
}

/* A person reads both in one line. */
static void
a_user_cannot_hide_or_feign_the_server(void **state)
{
	struct fixture *f = *state;
	char longest[AGENT_USER_MAX + 2] = { 0 };

	memset(longest, 'a', AGENT_USER_MAX);
	sign_as(f, longest);
	assert_int_equal(may_sign(f), 0);
	longest[AGENT_USER_MAX] = 'a';
	sign_as(f, longest);
	assert_int_equal(may_sign(f), ERR_DENIED);
	sign_as(f, "git for the server SHA256:good");
	assert_int_equal(may_sign(f), ERR_DENIED);
	sign_as(f, "git\x1b[2K");
	assert_int_equal(may_sign(f), ERR_DENIED);
	sign_as(f, "");
	assert_int_equal(may_sign(f), ERR_DENIED);
}

static void
a_pinned_key_signs_only_for_its_server(void **state)
{
	struct fixture *f = *state;

	pin(f, f->host);
	assert_int_equal(may_sign(f), ERR_DENIED); /* not bound */
	assert_int_equal(bind_to(f, f->host, "session-1"), 0);
	assert_int_equal(may_sign(f), 0);
}

static void
a_pinned_key_does_not_sign_for_another_server(void **state)
{
	struct fixture *f = *state;

	pin(f, f->host);
	assert_int_equal(bind_to(f, f->other, "session-1"), 0);
	assert_int_equal(may_sign(f), ERR_DENIED);
}

static void
a_binding_is_for_one_session(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bind_to(f, f->host, "session-2"), 0);
	assert_int_equal(may_sign(f), ERR_DENIED);
}

static void
a_binding_needs_the_servers_signature(void **state)
{
	struct fixture *f = *state;
	struct agent_request q = {
		.kind = AGENT_BIND,
		.host_key = ssh_key_blob(f->host),
		.session = STR("session-1"),
	};

	assert_int_equal(
	    ssh_key_sign(f->other, q.session, 0, &f->sig, NULL), 0);
	q.signature = buf_str(&f->sig);
	assert_int_equal(agent_bind(&f->session, &q, NULL), ERR_DENIED);
	assert_false(f->session.bound);
}

static void
a_forwarded_agent_signs_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bind_to(f, f->host, "session-0"), 0);
	assert_int_equal(bind_to(f, f->host, "session-1"), 0);
	assert_int_equal(may_sign(f), ERR_DENIED);
}

static enum agent_kind
kind_of(struct str body)
{
	struct agent_request q;

	agent_parse(body, &q);
	return q.kind;
}

/* Every message of the protocol but three, whatever it carries. */
static void
add_remove_lock_and_all_else_is_refused(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		AUTO_BUF struct buf b = BUF_INIT(64);

		wire_put_u8(&b, (uint8_t)type);
		assert_int_equal(kind_of(buf_str(&b)),
		    type == 11 ? AGENT_LIST : AGENT_REFUSED);
		wire_put_str(&b, STR("query"));
		assert_int_equal(kind_of(buf_str(&b)), AGENT_REFUSED);
	}
}

static void
a_message_is_whole_or_waited_for_and_never_too_long(void **state)
{
	struct str body;

	(void)state;
	assert_int_equal(agent_message(STR("\0\0\0"), &body, NULL), 0);
	assert_int_equal(agent_message(STR("\0\0\0\2x"), &body, NULL), 0);
	assert_int_equal(agent_message(STR("\0\0\0\2xyz"), &body, NULL), 6);
	assert_true(str_eqz(body, "xy"));
	assert_int_equal(
	    agent_message(STR("\0\0\0\0x"), &body, NULL), ERR_LIMIT);
	assert_int_equal(
	    agent_message(STR("\0\2\0\0x"), &body, NULL), ERR_LIMIT);
	assert_int_equal(
	    agent_message(STR("\377\377\377\377x"), &body, NULL), ERR_LIMIT);
}

/* What we say to the user's own agent is what we would read ourselves. */
static void
another_agent_is_asked_to_sign_and_for_its_keys_only(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(8192);
	struct agent_request q;
	struct str body;
	int n;

	(void)state;
	agent_put_sign_request(&out, STR("blob"), STR("data"), 4);
	n = agent_message(buf_str(&out), &body, NULL);
	assert_int_equal(n, out.len);
	agent_parse(body, &q);
	assert_int_equal(q.kind, AGENT_SIGN);
	assert_true(str_eqz(q.blob, "blob") && str_eqz(q.data, "data"));
	assert_int_equal(q.flags, 4);
	buf_reset(&out);
	agent_put_list_request(&out);
	assert_true(agent_message(buf_str(&out), &body, NULL) > 0);
	assert_int_equal(kind_of(body), AGENT_LIST);
}

static void
an_answer_of_another_agent_is_a_signature_or_nothing(void **state)
{
	const struct str bad[] = {
		STR(""),
		STR("\5"),
		STR("\34"),
		STR("\16"),
		STR("\16\0\0\0\0"),
		STR("\16\0\0\0\3ab"),
		STR("\16\0\0\0\2abc"),
		STR("\14\0\0\0\2ab"),
	};
	struct str got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    agent_parse_signature(bad[i], &got, NULL), ERR_DENIED);
	assert_int_equal(
	    agent_parse_signature(STR("\16\0\0\0\2ab"), &got, NULL), 0);
	assert_true(str_eqz(got, "ab"));
}

static void
a_list_of_another_agent_names_a_key_or_does_not(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(8192);
	const struct agent_identity list[] = {
		{ .blob = STR("one"), .comment = "two" },
		{ .blob = STR("three"), .comment = "" },
	};
	struct str body;

	(void)state;
	agent_put_identities(&out, list, ARRAY_LEN(list));
	assert_true(agent_message(buf_str(&out), &body, NULL) > 0);
	assert_true(agent_lists(body, STR("one")));
	assert_true(agent_lists(body, STR("three")));
	assert_false(agent_lists(body, STR("two"))); /* a comment */
	body.len--; /* cut short */
	assert_false(agent_lists(body, STR("one")));
	assert_false(agent_lists(STR("\5"), STR("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
		WITH(a_login_is_signed),
		WITH(only_a_login_is_signed),
		WITH(a_user_cannot_hide_or_feign_the_server),
		WITH(another_user_or_another_key_is_not_signed),
		WITH(a_pinned_key_signs_only_for_its_server),
		WITH(a_pinned_key_does_not_sign_for_another_server),
		WITH(a_binding_is_for_one_session),
		WITH(a_binding_needs_the_servers_signature),
		WITH(a_forwarded_agent_signs_nothing),
		cmocka_unit_test(add_remove_lock_and_all_else_is_refused),
		cmocka_unit_test(
		    another_agent_is_asked_to_sign_and_for_its_keys_only),
		cmocka_unit_test(
		    an_answer_of_another_agent_is_a_signature_or_nothing),
		cmocka_unit_test(
		    a_list_of_another_agent_names_a_key_or_does_not),
		cmocka_unit_test(
		    a_message_is_whole_or_waited_for_and_never_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
