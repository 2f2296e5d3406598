/*
 * Any bytes as a TLS hello, as SOCKS, as a DNS question, as a host: nothing is
 * whole before its end, and what was understood has one spelling.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "dns.h"
#include "hello.h"
#include "idn.h"
#include "sandbox/net_policy.h"
#include "socks.h"

#define ARENA_MAX ((size_t)1 << 22)
#define BYTES_MAX ((size_t)1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
as_host(struct str in)
{
	struct net_host h, again;

	if (idn_host_parse(in, &h, NULL) != 0)
		return;
	assert(net_host_parse(str_of(h.name), &again, NULL) == 0);
	assert(strcmp(h.name, again.name) == 0);
	assert(h.is_addr == again.is_addr);
	if (h.is_addr)
		assert(net_addr_eq(&h.addr, &again.addr));
}

static void
as_hello(struct str in)
{
	struct hello h, early;

	if (hello_parse(in, &h, NULL) != 1)
		return;
	assert(!h.has_name || strlen(h.name) > 0);
	assert(hello_parse(str_head(in, in.len / 2), &early, NULL) >= 0);
}

static void
as_question(struct str in)
{
	AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
	struct dns_query q;
	bool answerable;

	if (dns_query_parse(in, &q, &answerable, NULL) != 0)
		return;
	assert(answerable && strlen(q.name) <= NET_HOST_MAX);
	dns_answer_write(&out, &q, DNS_NO_NAME, NULL);
	assert(out.len == 12 + q.question.len);
}

static void
as_policy(struct str in)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
	struct net_policy p;
	struct rec r = rec_of(in);

	if (net_policy_get(&r, a, &p, NULL) != 0 || rec_done(&r, NULL) != 0)
		return;
	net_policy_put(&out, &p);
	assert(str_eq(buf_str(&out), in));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str in = str_n((const char *)data, size);
	struct socks_request q;
	bool no_auth;
	int n;

	as_host(in);
	as_hello(in);
	as_question(in);
	as_policy(in);
	n = socks_greeting_parse(in, &no_auth, NULL);
	assert(n <= 0 || (size_t)n <= size);
	n = socks_request_parse(in, &q, NULL);
	assert(n <= 0 || (size_t)n <= size);
	return 0;
}
