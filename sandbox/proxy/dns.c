/*
 * The messages of a name service that knows a few names.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include "dns.h"

#include <string.h>

#define HEAD_BYTES 12
#define FLAG_ANSWER 0x8000u
#define FLAG_AUTHORITATIVE 0x0400u
#define FLAG_RECURSION_WANTED 0x0100u
#define FLAG_RECURSION 0x0080u
#define OPCODE_MASK 0x7800u
#define CLASS_IN 1
/* A pointer to the name in the question. */
#define NAME_OF_QUESTION (0xc000u | HEAD_BYTES)

static uint16_t
number(struct str s, size_t at)
{
	return (
	    uint16_t)((uint8_t)str_at(s, at) << 8 | (uint8_t)str_at(s, at + 1));
}

static void
put_number(struct buf *b, unsigned v)
{
	buf_putc(b, (char)(v >> 8));
	buf_putc(b, (char)v);
}

static int
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, "malformed DNS question: %s", what);
}

/* The labels as dotted text; *ret_end is behind the last. A dot or a NUL in a
 * label would be another name as text. */
static int
parse_name(struct str bytes, char ret[NET_HOST_MAX + 1], size_t *ret_end,
    struct err *e)
{
	size_t at = HEAD_BYTES, len = 0;

	for (;;) {
		const uint8_t n = (uint8_t)str_at(bytes, at);
		const struct str label = str_head(str_from(bytes, at + 1), n);

		if (at >= bytes.len || n > NET_LABEL_MAX || label.len < n)
			return bad(e, "its name does not fit");
		at += 1 + (size_t)n;
		if (n == 0)
			break;
		if (memchr(label.s, '.', n) != NULL ||
		    memchr(label.s, '\0', n) != NULL)
			return bad(e, "a label that is none");
		if (len + n + 1 > NET_HOST_MAX)
			return bad(e, "its name is too long");
		if (len > 0)
			ret[len++] = '.';
		memcpy(ret + len, label.s, n);
		len += n;
	}
	ret[len] = '\0';
	*ret_end = at;
	return ERR_OK;
}

int
dns_query_parse(struct str bytes, struct dns_query *ret, bool *ret_answerable,
    struct err *e)
{
	size_t end;
	int r;

	*ret = (struct dns_query){ .id = number(bytes, 0),
		.flags = number(bytes, 2) };
	/* What looks like an answer is never answered: it would be a loop. */
	*ret_answerable =
	    bytes.len >= HEAD_BYTES && (ret->flags & FLAG_ANSWER) == 0;
	if (!*ret_answerable)
		return bad(e, "it is none");
	if ((ret->flags & OPCODE_MASK) != 0 || number(bytes, 4) != 1 ||
	    number(bytes, 6) != 0 || number(bytes, 8) != 0 ||
	    number(bytes, 10) > 1)
		return bad(e, "it asks for more than one thing");
	r = parse_name(bytes, ret->name, &end, e);
	if (r != 0)
		return r;
	if (bytes.len < end + 4 || number(bytes, end + 2) != CLASS_IN)
		return bad(e, "its class is not IN");
	ret->type = number(bytes, end);
	ret->question = str_n(bytes.s + HEAD_BYTES, end + 4 - HEAD_BYTES);
	return ERR_OK;
}

void
dns_answer_write(struct buf *out, const struct dns_query *q,
    enum dns_rcode rcode, const struct net_addr *addr)
{
	put_number(out, q->id);
	put_number(out,
	    FLAG_ANSWER | FLAG_AUTHORITATIVE | FLAG_RECURSION |
		(q->flags & FLAG_RECURSION_WANTED) | (unsigned)rcode);
	put_number(out, q->question.len > 0);
	put_number(out, addr != NULL);
	put_number(out, 0);
	put_number(out, 0);
	buf_put_str(out, q->question);
	if (addr == NULL)
		return;
	put_number(out, NAME_OF_QUESTION);
	put_number(out, addr->len == 4 ? DNS_A : DNS_AAAA);
	put_number(out, CLASS_IN);
	put_number(out, 0);
	put_number(out, DNS_TTL_S);
	put_number(out, addr->len);
	buf_put(out, addr->bytes, addr->len);
}
