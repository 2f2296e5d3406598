/*
 * The agent's reader: messages, logins, keys and signatures from anywhere.
 */
#include "base/mem.h"
#include "credentials/agent.h"
#include "credentials/ssh_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct agent_rule rule = { .username = "git" };
	AUTO(ssh_key_freep) struct ssh_key *k = NULL;
	const struct str in = str_n((const char *)data, size);
	struct agent_session s = { .bound = false };
	struct agent_request q;
	struct agent_auth a;
	struct str body;

	if (agent_message(in, &body, NULL) > 0) {
		agent_parse(body, &q);
		if (q.kind == AGENT_BIND)
			(void)agent_bind(&s, &q, NULL);
		if (q.kind == AGENT_SIGN)
			(void)agent_may_sign(&s, &rule, &q, &a, NULL);
	}
	(void)agent_parse_auth(in, &a, NULL);
	(void)ssh_blob_verify(in, in, in);
	(void)ssh_key_parse(in, &k, NULL);
	return 0;
}
