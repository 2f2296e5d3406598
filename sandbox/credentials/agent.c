/*
 * Read what ssh asks of its agent, and decide what may be signed.
 * Runs in: assent-broker.  Trusts: nothing.  Owns: nothing; views into the
 * caller's bytes.
 */
#include "agent.h"

#include <string.h>

#include "base/mem.h"
#include "ssh_key.h"
#include "ssh_wire.h"

#define HEAD_LEN 4
#define BIND "session-bind@openssh.com"
#define USERAUTH_REQUEST 50
#define SERVICE "ssh-connection"
#define METHOD "publickey"
#define METHOD_BOUND "publickey-hostbound-v00@openssh.com"

enum message {
	AGENT_MSG_FAILURE = 5,
	AGENT_MSG_SUCCESS = 6,
	AGENT_MSG_REQUEST_IDENTITIES = 11,
	AGENT_MSG_IDENTITIES_ANSWER = 12,
	AGENT_MSG_SIGN_REQUEST = 13,
	AGENT_MSG_SIGN_RESPONSE = 14,
	AGENT_MSG_EXTENSION = 27,
};

int
agent_message(struct str input, struct str *ret, struct err *e)
{
	struct wire w = wire_of(input);
	const uint32_t len = wire_u32(&w);

	if (w.failed)
		return 0;
	if (len == 0 || len > AGENT_MESSAGE_MAX)
		return err_set(
		    e, ERR_LIMIT, "a message of %u bytes", (unsigned)len);
	*ret = wire_bytes(&w, len);
	return w.failed ? 0 : HEAD_LEN + (int)len;
}

/* ---- requests ------------------------------------------------------------ */

static bool
parse_sign(struct wire *w, struct agent_request *q)
{
	q->blob = wire_str(w);
	q->data = wire_str(w);
	q->flags = wire_u32(w);
	return wire_ends(w);
}

static bool
parse_bind(struct wire *w, struct agent_request *q)
{
	uint8_t forwarding;

	if (!str_eq(wire_str(w), STR(BIND)))
		return false;
	q->host_key = wire_str(w);
	q->session = wire_str(w);
	q->signature = wire_str(w);
	forwarding = wire_u8(w);
	q->forwarding = forwarding != 0;
	return wire_ends(w) && forwarding <= 1;
}

void
agent_parse(struct str body, struct agent_request *ret)
{
	struct agent_request q = { .kind = AGENT_REFUSED };
	struct wire w = wire_of(body);
	const uint8_t type = wire_u8(&w);

	if (type == AGENT_MSG_REQUEST_IDENTITIES && wire_ends(&w))
		q.kind = AGENT_LIST;
	else if (type == AGENT_MSG_SIGN_REQUEST && parse_sign(&w, &q))
		q.kind = AGENT_SIGN;
	else if (type == AGENT_MSG_EXTENSION && parse_bind(&w, &q))
		q.kind = AGENT_BIND;
	*ret = q;
}

int
agent_parse_auth(struct str data, struct agent_auth *ret, struct err *e)
{
	struct wire w = wire_of(data);
	struct agent_auth a = { .session = wire_str(&w) };
	struct str service, method;
	uint8_t type, has_signature;

	type = wire_u8(&w);
	a.user = wire_str(&w);
	service = wire_str(&w);
	method = wire_str(&w);
	has_signature = wire_u8(&w);
	(void)wire_str(&w); /* the name of the signature */
	a.blob = wire_str(&w);
	if (str_eq(method, STR(METHOD_BOUND)))
		a.host_key = wire_str(&w);
	else if (!str_eq(method, STR(METHOD)))
		w.failed = true;
	if (!wire_ends(&w) || type != USERAUTH_REQUEST || has_signature != 1 ||
	    !str_eq(service, STR(SERVICE)) || a.session.len == 0)
		return err_set(e, ERR_DENIED,
		    "what was to be signed is not a user's authentication");
	*ret = a;
	return ERR_OK;
}

/* ---- what may be signed -------------------------------------------------- */

int
agent_bind(
    struct agent_session *s, const struct agent_request *q, struct err *e)
{
	if (q->session.len == 0 || q->session.len > sizeof(s->id) ||
	    q->host_key.len > sizeof(s->host_key))
		return err_set(e, ERR_DENIED, "a binding that is too long");
	if (!ssh_blob_verify(q->host_key, q->signature, q->session))
		return err_set(
		    e, ERR_DENIED, "a binding that the server has not signed");
	/* Further ones come only where an agent was forwarded. */
	if (s->bound)
		s->forwarded = true;
	s->bound = true;
	s->forwarded = s->forwarded || q->forwarding;
	memcpy(s->id, q->session.s, q->session.len);
	s->id_len = q->session.len;
	memcpy(s->host_key, q->host_key.s, q->host_key.len);
	s->host_key_len = q->host_key.len;
	return ERR_OK;
}

static bool
is_in(struct str blobs, struct str blob)
{
	struct wire w = wire_of(blobs);

	while (!w.failed && w.rest.len > 0) {
		if (str_eq(wire_str(&w), blob))
			return true;
	}
	return false;
}

static int
check_session(const struct agent_session *s, const struct agent_rule *rule,
    const struct agent_auth *a, struct err *e)
{
	const struct str host_key = str_n(s->host_key, s->host_key_len);

	if (s->forwarded)
		return err_set(e, ERR_DENIED, "the agent was forwarded");
	if (!s->bound && rule->host_keys.len > 0)
		return err_set(e, ERR_DENIED,
		    "the client does not say to which server (OpenSSH does "
		    "from 8.9 on), and the key is for configured ones");
	if (!s->bound)
		return ERR_OK;
	if (!str_eq(str_n(s->id, s->id_len), a->session))
		return err_set(
		    e, ERR_DENIED, "the authentication is of another session");
	if (a->host_key.len > 0 && !str_eq(a->host_key, host_key))
		return err_set(
		    e, ERR_DENIED, "the authentication names another server");
	if (rule->host_keys.len > 0 && !is_in(rule->host_keys, host_key))
		return err_set(
		    e, ERR_DENIED, "the server's key is not among host_keys");
	return ERR_OK;
}

/* One word: a person reads it before the name of the server. */
static bool
is_user(struct str user)
{
	for (size_t i = 0; i < user.len; i++) {
		if (user.s[i] < 0x21 || user.s[i] > 0x7e)
			return false;
	}
	return user.len > 0 && user.len <= AGENT_USER_MAX;
}

int
agent_may_sign(const struct agent_session *s, const struct agent_rule *rule,
    const struct agent_request *q, struct agent_auth *ret, struct err *e)
{
	struct agent_auth a;
	int r = agent_parse_auth(q->data, &a, e);

	if (r != 0)
		return r;
	if (!str_eq(a.blob, q->blob))
		return err_set(
		    e, ERR_DENIED, "the authentication is with another key");
	if (!is_user(a.user) ||
	    (rule->username != NULL && !str_eqz(a.user, rule->username)))
		return err_set(
		    e, ERR_DENIED, "the authentication is of another user");
	r = check_session(s, rule, &a, e);
	if (r == 0)
		*ret = a;
	return r;
}

/* ---- another agent ------------------------------------------------------- */

void
agent_put_body(struct buf *out, struct str body)
{
	wire_put_str(out, body);
}

void
agent_put_sign_request(
    struct buf *out, struct str blob, struct str data, uint32_t flags)
{
	wire_put_u32(out, (uint32_t)(1 + 3 * HEAD_LEN + blob.len + data.len));
	wire_put_u8(out, AGENT_MSG_SIGN_REQUEST);
	wire_put_str(out, blob);
	wire_put_str(out, data);
	wire_put_u32(out, flags);
}

void
agent_put_list_request(struct buf *out)
{
	wire_put_u32(out, 1);
	wire_put_u8(out, AGENT_MSG_REQUEST_IDENTITIES);
}

int
agent_parse_signature(struct str body, struct str *ret, struct err *e)
{
	struct wire w = wire_of(body);
	const uint8_t type = wire_u8(&w);
	const struct str signature = wire_str(&w);

	if (type != AGENT_MSG_SIGN_RESPONSE || !wire_ends(&w) ||
	    signature.len == 0 || signature.len > SSH_SIGNATURE_MAX)
		return err_set(e, ERR_DENIED,
		    "the agent that has the key did not sign: it may be "
		    "locked, not have it, or its user said no");
	*ret = signature;
	return ERR_OK;
}

bool
agent_lists(struct str body, struct str blob)
{
	struct wire w = wire_of(body);
	const bool is_list = wire_u8(&w) == AGENT_MSG_IDENTITIES_ANSWER;
	uint32_t count = wire_u32(&w);
	bool found = false;

	for (; is_list && count > 0 && !w.failed; count--) {
		found = str_eq(wire_str(&w), blob) || found;
		(void)wire_str(&w);
	}
	return found && !w.failed;
}

/* ---- answers ------------------------------------------------------------- */

static void
put_word(struct buf *out, uint8_t type)
{
	wire_put_u32(out, 1);
	wire_put_u8(out, type);
}

void
agent_put_failure(struct buf *out)
{
	put_word(out, AGENT_MSG_FAILURE);
}

void
agent_put_success(struct buf *out)
{
	put_word(out, AGENT_MSG_SUCCESS);
}

void
agent_put_signature(struct buf *out, struct str signature)
{
	wire_put_u32(out, (uint32_t)(1 + HEAD_LEN + signature.len));
	wire_put_u8(out, AGENT_MSG_SIGN_RESPONSE);
	wire_put_str(out, signature);
}

void
agent_put_identities(
    struct buf *out, const struct agent_identity *list, size_t count)
{
	size_t len = 1 + HEAD_LEN;

	for (size_t i = 0; i < count; i++)
		len +=
		    2 * HEAD_LEN + list[i].blob.len + strlen(list[i].comment);
	wire_put_u32(out, (uint32_t)len);
	wire_put_u8(out, AGENT_MSG_IDENTITIES_ANSWER);
	wire_put_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		wire_put_str(out, list[i].blob);
		wire_put_str(out, str_of(list[i].comment));
	}
}
