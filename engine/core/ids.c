/*
 * Identifiers of actions.
 * Runs in: engine, front.  Trusts: nothing.  Owns: nothing.
 */
#include "core/ids.h"

#include <string.h>

#define ULID_LEN 26
#define ULID_BYTES 16

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Five bits at a bit offset from the start of 128 bits; the first digit of a
 * ULID holds three bits, so offsets begin at -2. */
static unsigned
five_bits(const uint8_t *bytes, int offset)
{
	unsigned v = 0;

	for (int bit = offset; bit < offset + 5; bit++) {
		v <<= 1;
		if (bit >= 0)
			v |= (unsigned)(bytes[bit / 8] >> (7 - bit % 8)) & 1u;
	}
	return v;
}

void
id_make(const char *prefix, int64_t realtime_ns,
    const uint8_t random[static ID_RANDOM_LEN], char ret[static ACTION_ID_MAX])
{
	const uint64_t ms = (uint64_t)(realtime_ns / 1000000);
	uint8_t bytes[ULID_BYTES];
	size_t at = strnlen(prefix, 8);

	for (unsigned i = 0; i < 6; i++)
		bytes[i] = (uint8_t)(ms >> (8 * (5 - i)));
	memcpy(bytes + 6, random, ID_RANDOM_LEN);
	memcpy(ret, prefix, at);
	ret[at++] = '_';
	for (int i = 0; i < ULID_LEN; i++)
		ret[at++] = alphabet[five_bits(bytes, i * 5 - 2)];
	ret[at] = '\0';
}

bool
id_is(const char *prefix, struct str s)
{
	const size_t head = strlen(prefix);

	if (s.len != head + 1 + ULID_LEN || !str_starts(s, str_of(prefix)) ||
	    s.s[head] != '_')
		return false;
	for (size_t i = head + 1; i < s.len; i++) {
		if (s.s[i] == '\0' || strchr(alphabet, s.s[i]) == NULL)
			return false;
	}
	return true;
}
