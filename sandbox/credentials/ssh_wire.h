#ifndef CREDENTIALS_SSH_WIRE_H
#define CREDENTIALS_SSH_WIRE_H
/*
 * The data types of SSH (RFC 4251, section 5): big-endian lengths.
 *
 *     struct wire w = wire_of(bytes);
 *     struct str type = wire_str(&w);
 *     if (!wire_ends(&w)) ...        a read failed, or something is left
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct wire {
	struct str rest;
	bool failed;
};

struct wire wire_of(struct str bytes);
uint8_t wire_u8(struct wire *w);
uint32_t wire_u32(struct wire *w);
struct str wire_str(struct wire *w);
struct str wire_bytes(struct wire *w, size_t len);
/* Every read succeeded and nothing is left. */
bool wire_ends(const struct wire *w);

void wire_put_u8(struct buf *b, uint8_t v);
void wire_put_u32(struct buf *b, uint32_t v);
void wire_put_str(struct buf *b, struct str s);
/* A number that is not negative, from its big-endian bytes. */
void wire_put_mpint(struct buf *b, struct str bytes);

#endif
