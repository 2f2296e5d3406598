/*
 * Patterns for hosts: names, suffixes, networks, ports.
 * Runs in: engine, supervisor, tools.  Trusts: nothing.  Owns: nothing.
 */
#include "host_pattern.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

#define PORT_MAX 65535
#define HOST_LEN_MAX 253
#define V4_BITS 32
#define V6_BITS 128

struct host {
	struct str name; /* without a port, brackets and the final dot */
	uint64_t first, last; /* ports; 0 to 65535: all */
	bool is_address;
	uint8_t address[16]; /* IPv4 as ::ffff:0:0/96 */
	uint64_t bits; /* of the network */
};

static bool
take_port(struct str text, struct host *h)
{
	const size_t dash = str_find(text, '-');

	if (num_parse_u64(str_head(text, dash), 1, PORT_MAX, &h->first) != 0)
		return false;
	h->last = h->first;
	return dash == text.len ||
	    (num_parse_u64(
		 str_from(text, dash + 1), h->first, PORT_MAX, &h->last) == 0);
}

static bool
split(struct str text, struct host *h)
{
	const size_t close = str_rfind(text, ']');
	size_t colon = str_rfind(text, ':');

	h->last = PORT_MAX;
	if (text.len > 0 && text.s[0] == '[') {
		if (close == text.len)
			return false;
		h->name = str_from(str_head(text, close), 1);
		text = str_from(text, close + 1);
		return text.len == 0 ||
		    (text.s[0] == ':' && take_port(str_from(text, 1), h));
	}
	/* More than one: an IPv6 address without a port. */
	if (str_find(text, ':') != colon)
		colon = text.len;
	h->name = str_head(text, colon);
	return colon == text.len || take_port(str_from(text, colon + 1), h);
}

/* 10.1.2.3/8 says two things at once. */
static bool
is_network(const struct host *h)
{
	for (size_t bit = h->bits; bit < V6_BITS; bit++) {
		if ((h->address[bit / 8] & (0x80u >> (bit % 8))) != 0)
			return false;
	}
	return true;
}

/* An address or a network; false: a name. */
static bool
take_address(struct host *h)
{
	const size_t slash = str_find(h->name, '/');
	const bool is_v6 = str_find(h->name, ':') != h->name.len;
	const uint64_t most = is_v6 ? V6_BITS : V4_BITS;
	char text[INET6_ADDRSTRLEN + 1];

	if (slash >= sizeof(text))
		return false;
	memcpy(text, h->name.s, slash);
	text[slash] = '\0';
	h->bits = most;
	if (slash < h->name.len &&
	    num_parse_u64(str_from(h->name, slash + 1), 0, most, &h->bits) != 0)
		return false;
	if (is_v6)
		return inet_pton(AF_INET6, text, h->address) == 1 &&
		    is_network(h);
	memset(h->address, 0, sizeof(h->address));
	memset(h->address + 10, 0xff, 2);
	h->bits += V6_BITS - V4_BITS;
	return inet_pton(AF_INET, text, h->address + 12) == 1 && is_network(h);
}

static bool
is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels and dots; punycode for what is not ASCII. */
static bool
is_name(struct str s)
{
	if (str_eqz(s, "*"))
		return true;
	if (str_starts(s, STR("*.")))
		s = str_from(s, 2);
	if (s.len == 0 || s.len > HOST_LEN_MAX)
		return false;
	while (s.len > 0) {
		const bool more = str_find(s, '.') < s.len;
		const struct str label = str_cut(&s, '.');

		if (label.len == 0 || (more && s.len == 0))
			return false;
		for (size_t i = 0; i < label.len; i++) {
			if (!is_label_byte(label.s[i]))
				return false;
		}
	}
	return true;
}

static bool
parse(struct str text, struct host *ret)
{
	struct host h = { .is_address = false };

	if (memchr(text.s == NULL ? "" : text.s, '\0', text.len) != NULL ||
	    !split(text, &h))
		return false;
	if (h.name.len > 2 && h.name.s[h.name.len - 1] == '.')
		h.name.len--;
	h.is_address = take_address(&h);
	if (!h.is_address && !is_name(h.name))
		return false;
	*ret = h;
	return true;
}

bool
host_pattern_valid(struct str pattern)
{
	struct host h;

	return parse(pattern, &h);
}

static bool
network_covers(const struct host *p, const struct host *a)
{
	const size_t whole = p->bits / 8;
	const unsigned rest = p->bits % 8;
	const unsigned mask = rest == 0 ? 0 : 0xffu << (8 - rest);

	return a->is_address && a->bits >= p->bits &&
	    memcmp(p->address, a->address, whole) == 0 &&
	    (rest == 0 ||
		((p->address[whole] ^ a->address[whole]) & mask & 0xffu) == 0);
}

static bool
name_covers(struct str pattern, struct str asked)
{
	struct str below;

	if (!str_starts(pattern, STR("*.")))
		return pattern.len == asked.len &&
		    strncasecmp(pattern.s, asked.s, asked.len) == 0;
	below = str_from(pattern, 1);
	return asked.len > below.len &&
	    strncasecmp(
		asked.s + (asked.len - below.len), below.s, below.len) == 0;
}

bool
host_pattern_covers(struct str pattern, struct str asked)
{
	struct host p, a;

	if (!parse(pattern, &p) || !parse(asked, &a) || a.first < p.first ||
	    a.last > p.last)
		return false;
	if (str_eqz(p.name, "*"))
		return true;
	if (p.is_address || a.is_address)
		return p.is_address && network_covers(&p, &a);
	return name_covers(p.name, a.name);
}

bool
host_pattern_meets(struct str a, struct str b)
{
	struct host p, q;

	if (!parse(a, &p) || !parse(b, &q))
		return true;
	if (p.last < q.first || q.last < p.first)
		return false;
	if (str_eqz(p.name, "*") || str_eqz(q.name, "*"))
		return true;
	if (p.is_address && q.is_address)
		return p.bits <= q.bits ? network_covers(&p, &q)
					: network_covers(&q, &p);
	return !p.is_address && !q.is_address &&
	    (name_covers(p.name, q.name) || name_covers(q.name, p.name));
}
