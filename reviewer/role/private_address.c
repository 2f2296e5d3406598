/*
 * A name that is said to be public must not lead into the house.
 * Runs in: reviewer.  Trusts: nothing.  Owns: nothing.
 */
#include "private_address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	uint32_t net;
	unsigned bits;
} private_v4[] = {
	{ 0x00000000, 8 }, { 0x0a000000, 8 },
	{ 0x64400000, 10 }, /* shared by carriers */
	{ 0x7f000000, 8 }, { 0xa9fe0000, 16 }, { 0xac100000, 12 },
	{ 0xc0000000, 24 }, { 0xc0a80000, 16 }, { 0xc6120000, 15 },
	{ 0xe0000000, 3 }, /* multicast and above */
};

static bool
is_private_v4(uint32_t a)
{
	for (size_t i = 0; i < ARRAY_LEN(private_v4); i++) {
		const unsigned shift = 32 - private_v4[i].bits;

		if (a >> shift == private_v4[i].net >> shift)
			return true;
	}
	return false;
}

/* Only 2000::/3 is routed; some of it carries an IPv4 address. */
static bool
is_private_v6(const uint8_t b[static 16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	uint32_t v4;

	memcpy(&v4, b + 12, sizeof(v4));
	if (memcmp(b, mapped, sizeof(mapped)) == 0 ||
	    memcmp(b, nat64, sizeof(nat64)) == 0)
		return is_private_v4(ntohl(v4));
	if (b[0] == 0x20 && b[1] == 0x02) {
		memcpy(&v4, b + 2, sizeof(v4));
		return is_private_v4(ntohl(v4));
	}
	return (b[0] & 0xe0) != 0x20;
}

bool
is_private_address(const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (text != NULL && inet_pton(AF_INET, text, &v4) == 1)
		return is_private_v4(ntohl(v4.s_addr));
	if (text != NULL && inet_pton(AF_INET6, text, &v6) == 1)
		return is_private_v6(v6.s6_addr);
	return true;
}
