/*
 * Read and write SSH's data types.
 * Runs in: assent-broker, tools.  Trusts: nothing.  Owns: nothing; views into
 * the caller's bytes.
 */
#include "ssh_wire.h"

#define U32_LEN 4

struct wire
wire_of(struct str bytes)
{
	return (struct wire){ .rest = bytes };
}

struct str
wire_bytes(struct wire *w, size_t len)
{
	const struct str got = str_head(w->rest, len);

	if (w->failed || got.len < len) {
		w->failed = true;
		return STR("");
	}
	w->rest = str_from(w->rest, len);
	return got;
}

uint8_t
wire_u8(struct wire *w)
{
	const struct str b = wire_bytes(w, 1);

	return b.len == 0 ? 0 : (uint8_t)b.s[0];
}

uint32_t
wire_u32(struct wire *w)
{
	const struct str b = wire_bytes(w, U32_LEN);
	uint32_t v = 0;

	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | (uint8_t)b.s[i];
	return v;
}

struct str
wire_str(struct wire *w)
{
	const uint32_t len = wire_u32(w);

	return wire_bytes(w, len);
}

bool
wire_ends(const struct wire *w)
{
	return !w->failed && w->rest.len == 0;
}

void
wire_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void
wire_put_u32(struct buf *b, uint32_t v)
{
	const uint8_t bytes[U32_LEN] = {
		(uint8_t)(v >> 24),
		(uint8_t)(v >> 16),
		(uint8_t)(v >> 8),
		(uint8_t)v,
	};

	buf_put(b, bytes, sizeof(bytes));
}

void
wire_put_str(struct buf *b, struct str s)
{
	wire_put_u32(b, (uint32_t)s.len);
	buf_put_str(b, s);
}

void
wire_put_mpint(struct buf *b, struct str bytes)
{
	bool sign;

	while (bytes.len > 0 && bytes.s[0] == 0)
		bytes = str_from(bytes, 1);
	sign = bytes.len > 0 && ((uint8_t)bytes.s[0] & 0x80) != 0;
	wire_put_u32(b, (uint32_t)(bytes.len + (sign ? 1 : 0)));
	if (sign)
		wire_put_u8(b, 0);
	buf_put_str(b, bytes);
}
