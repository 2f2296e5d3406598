/*
 * Addresses and host names: one spelling each, and which are not public.
 * Runs in: engine, assent-exec, assent-proxy.  Trusts: nothing that it reads.
 * Owns: nothing.
 */
#include "sandbox/net_addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

#define V4 4
#define V6 16
#define TEXT_MAX 64

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static int
parse(struct str text, struct net_addr *ret)
{
	char z[TEXT_MAX];

	if (text.len == 0 || text.len >= sizeof(z) ||
	    memchr(text.s, '\0', text.len) != NULL)
		return ERR_INVALID;
	memcpy(z, text.s, text.len);
	z[text.len] = '\0';
	*ret = (struct net_addr){ .len = V4 };
	if (inet_pton(AF_INET, z, ret->bytes) == 1)
		return ERR_OK;
	ret->len = V6;
	return inet_pton(AF_INET6, z, ret->bytes) == 1 ? ERR_OK : ERR_INVALID;
}

struct net_addr
net_addr_of(const uint8_t *bytes, size_t len)
{
	struct net_addr a = { .len = 0 };

	assert(len == V4 || len == V6);
	if (len == V6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		bytes += sizeof(mapped);
		len = V4;
	}
	a.len = (uint8_t)len;
	memcpy(a.bytes, bytes, len);
	return a;
}

int
net_addr_parse(struct str text, struct net_addr *ret)
{
	struct net_addr a;

	if (parse(text, &a) != 0)
		return ERR_INVALID;
	*ret = net_addr_of(a.bytes, a.len);
	return ERR_OK;
}

void
net_addr_print(const struct net_addr *a, char ret[NET_ADDR_TEXT_MAX])
{
	if (inet_ntop(a->len == V4 ? AF_INET : AF_INET6, a->bytes, ret,
		NET_ADDR_TEXT_MAX) == NULL)
		ret[0] = '\0';
}

bool
net_addr_eq(const struct net_addr *a, const struct net_addr *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool
net_block_has(const struct net_block *b, const struct net_addr *a)
{
	const size_t whole = b->bits / 8;
	const unsigned rest = b->bits % 8;
	const uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (a->len != b->addr.len || a->len == 0 ||
	    memcmp(a->bytes, b->addr.bytes, whole) != 0)
		return false;
	return rest == 0 ||
	    ((a->bytes[whole] ^ b->addr.bytes[whole]) & mask) == 0;
}

/* Two spellings of one block would be one too many. */
static bool
has_bits_beyond(const struct net_block *b)
{
	for (size_t bit = b->bits; bit < (size_t)b->addr.len * 8; bit++) {
		if ((b->addr.bytes[bit / 8] & (0x80u >> bit % 8)) != 0)
			return true;
	}
	return false;
}

int
net_block_parse(struct str text, struct net_block *ret)
{
	const size_t slash = str_find(text, '/');
	struct net_block b = { .bits = 0 };
	uint64_t bits;

	if (slash == text.len) {
		if (net_addr_parse(text, &b.addr) != 0)
			return ERR_INVALID;
		b.bits = (uint8_t)(b.addr.len * 8);
		*ret = b;
		return ERR_OK;
	}
	if (parse(str_head(text, slash), &b.addr) != 0 ||
	    num_parse_u64(str_from(text, slash + 1), 0,
		(uint64_t)b.addr.len * 8, &bits) != 0)
		return ERR_INVALID;
	b.bits = (uint8_t)bits;
	/* A block of mapped addresses would never match one: they are IPv4. */
	if (has_bits_beyond(&b) ||
	    (b.addr.len == V6 &&
		memcmp(b.addr.bytes, mapped, sizeof(mapped)) == 0))
		return ERR_INVALID;
	*ret = b;
	return ERR_OK;
}

/* ---- classes ----------------------------------------------------------- */

struct class_row {
	const char *block;
	enum net_class class;
};

/* The first that holds the address decides. */
static const struct class_row v4_rows[] = {
	{ "169.254.169.254", NET_METADATA }, /* nearly all */
	{ "169.254.170.2", NET_METADATA }, /* containers of AWS */
	{ "169.254.170.23", NET_METADATA },
	{ "100.100.100.200", NET_METADATA }, /* Alibaba */
	{ "168.63.129.16", NET_METADATA }, /* Azure */
	{ "192.0.0.192", NET_METADATA }, /* Oracle */
	{ "0.0.0.0/8", NET_RESERVED },
	{ "10.0.0.0/8", NET_PRIVATE },
	{ "100.64.0.0/10", NET_SHARED },
	{ "127.0.0.0/8", NET_LOOPBACK },
	{ "169.254.0.0/16", NET_LINK_LOCAL },
	{ "172.16.0.0/12", NET_PRIVATE },
	{ "192.0.0.0/24", NET_RESERVED },
	{ "192.0.2.0/24", NET_RESERVED },
	{ "192.88.99.0/24", NET_RESERVED },
	{ "192.168.0.0/16", NET_PRIVATE },
	{ "198.18.0.0/15", NET_RESERVED },
	{ "198.51.100.0/24", NET_RESERVED },
	{ "203.0.113.0/24", NET_RESERVED },
	{ "224.0.0.0/4", NET_MULTICAST },
	{ "240.0.0.0/4", NET_RESERVED }, /* broadcast, too */
	{ "0.0.0.0/0", NET_PUBLIC },
};

static const struct class_row v6_rows[] = {
	{ "fd00:ec2::254", NET_METADATA }, /* AWS */
	{ "fd00:ec2::23", NET_METADATA },
	{ "fd20:ce::254", NET_METADATA }, /* Google */
	{ "::1", NET_LOOPBACK },
	{ "fc00::/7", NET_PRIVATE },
	{ "fec0::/10", NET_PRIVATE },
	{ "fe80::/10", NET_LINK_LOCAL },
	{ "ff00::/8", NET_MULTICAST },
	{ "2001::/23", NET_RESERVED }, /* Teredo, ORCHID, benchmarks */
	{ "2001:db8::/32", NET_RESERVED },
	{ "2002::/16", NET_RESERVED }, /* 6to4 */
	{ "3fff::/20", NET_RESERVED },
	{ "2000::/3", NET_PUBLIC },
	{ "::/0", NET_RESERVED },
};

static enum net_class
class_in(const struct class_row *rows, size_t count, const struct net_addr *a)
{
	struct net_block b;

	for (size_t i = 0; i < count; i++) {
		if (net_block_parse(str_of(rows[i].block), &b) == 0 &&
		    net_block_has(&b, a))
			return rows[i].class;
	}
	return NET_RESERVED;
}

/* Where an IPv4 address is carried; at is its offset. */
struct carrier {
	const char *block;
	uint8_t at;
	bool inverted; /* Teredo */
};

static const struct carrier carriers[] = {
	{ "::/96", 12, false }, /* "compatible" */
	{ "::ffff:0:0:0/96", 12, false }, /* translated, RFC 2765 */
	{ "64:ff9b::/96", 12, false }, /* NAT64 */
	{ "64:ff9b:1::/48", 12, false }, /* NAT64 of a site */
	{ "2002::/16", 2, false }, /* 6to4 */
	{ "2001::/32", 4, false }, /* Teredo's server */
	{ "2001::/32", 12, true }, /* and its client */
};

static struct net_addr
inner(const struct net_addr *a, const struct carrier *c)
{
	struct net_addr in = { .len = V4 };

	for (size_t i = 0; i < V4; i++)
		in.bytes[i] = c->inverted ? (uint8_t)~a->bytes[c->at + i]
					  : a->bytes[c->at + i];
	return in;
}

/* ISATAP: an interface number that holds an IPv4 address, in any network. */
static bool
is_isatap(const struct net_addr *a)
{
	return (a->bytes[8] & ~2u) == 0 && a->bytes[9] == 0 &&
	    a->bytes[10] == 0x5e && a->bytes[11] == 0xfe;
}

static enum net_class
carried_class(const struct net_addr *a)
{
	const struct carrier isatap = { .at = 12 };
	enum net_class class = NET_PUBLIC;
	struct net_block b;

	for (size_t i = 0; i < ARRAY_LEN(carriers); i++) {
		struct net_addr in;

		if (net_block_parse(str_of(carriers[i].block), &b) != 0 ||
		    !net_block_has(&b, a))
			continue;
		in = inner(a, &carriers[i]);
		class = class_in(v4_rows, ARRAY_LEN(v4_rows), &in);
		if (class != NET_PUBLIC)
			return class;
	}
	if (is_isatap(a)) {
		const struct net_addr in = inner(a, &isatap);

		class = class_in(v4_rows, ARRAY_LEN(v4_rows), &in);
	}
	return class;
}

/* Of the ways to carry IPv4 only NAT64 leads to where the text says. */
static bool
is_nat64(const struct net_addr *a)
{
	struct net_block b;

	return net_block_parse(STR("64:ff9b::/96"), &b) == 0 &&
	    net_block_has(&b, a);
}

bool
net_addr_behind(const struct net_addr *a, struct net_addr *ret)
{
	const struct carrier nat64 = { .at = 12 };

	if (a->len != V6 || !is_nat64(a))
		return false;
	*ret = inner(a, &nat64);
	return true;
}

enum net_class
net_addr_class(const struct net_addr *a)
{
	enum net_class class;

	if (a->len == V4)
		return class_in(v4_rows, ARRAY_LEN(v4_rows), a);
	if (a->len != V6)
		return NET_CLASS_INVALID;
	class = class_in(v6_rows, ARRAY_LEN(v6_rows), a);
	if (class != NET_PUBLIC && class != NET_RESERVED)
		return class;
	if (carried_class(a) != NET_PUBLIC)
		return carried_class(a);
	return is_nat64(a) ? NET_PUBLIC : class;
}

static const char *const class_names[] = {
	[NET_CLASS_INVALID] = "invalid",
	[NET_PUBLIC] = "public",
	[NET_PRIVATE] = "private",
	[NET_SHARED] = "shared (carrier-grade NAT)",
	[NET_LOOPBACK] = "loopback",
	[NET_LINK_LOCAL] = "link-local",
	[NET_METADATA] = "metadata service",
	[NET_MULTICAST] = "multicast",
	[NET_RESERVED] = "reserved",
};

const char *
net_class_name(enum net_class c)
{
	return (size_t)c < ARRAY_LEN(class_names) ? class_names[c] : "invalid";
}

/* ---- names ------------------------------------------------------------- */

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_';
}

static bool
is_label(struct str l)
{
	if (l.len == 0 || l.len > NET_LABEL_MAX || l.s[0] == '-' ||
	    l.s[l.len - 1] == '-')
		return false;
	for (size_t i = 0; i < l.len; i++) {
		if (!is_name_byte(l.s[i]))
			return false;
	}
	return true;
}

/* Some readers take these for numbers of an address: 0x7f.1, 017700000001. */
static bool
ends_in_number(struct str name)
{
	const size_t dot = str_rfind(name, '.');
	const struct str last =
	    dot == name.len ? name : str_from(name, dot + 1);
	size_t digits = 0;

	if (str_starts(last, STR("0x")))
		return last.len == 2 + strspn(last.s + 2, "0123456789abcdef");
	while (
	    digits < last.len && last.s[digits] >= '0' && last.s[digits] <= '9')
		digits++;
	return digits == last.len;
}

static int
parse_name(struct net_host *h, struct err *e)
{
	struct str rest = str_of(h->name);

	if (ends_in_number(rest))
		return err_set(e, ERR_INVALID,
		    "host '%s' is not an address in its usual form", h->name);
	while (rest.len > 0) {
		const bool more = str_find(rest, '.') < rest.len;
		const struct str label = str_cut(&rest, '.');

		if (!is_label(label) || (more && rest.len == 0))
			return err_set(
			    e, ERR_INVALID, "'%s' is not a host name", h->name);
	}
	return ERR_OK;
}

/* Lower case; false for a byte that no name and no address has. */
static bool
lower(struct str text, char *to)
{
	for (size_t i = 0; i < text.len; i++) {
		const char c = text.s[i];
		char l = c;

		/* whatever the locale says of a letter */
		if (c >= 'A' && c <= 'Z')
			l = (char)(c - 'A' + 'a');

		if (!is_name_byte(l) && l != '.' && l != ':')
			return false;
		to[i] = l;
	}
	to[text.len] = '\0';
	return true;
}

static struct str
without_brackets(struct str text)
{
	if (text.len > 2 && text.s[0] == '[' && text.s[text.len - 1] == ']' &&
	    str_find(text, ':') < text.len)
		return str_n(text.s + 1, text.len - 2);
	return text;
}

int
net_host_parse(struct str text, struct net_host *ret, struct err *e)
{
	struct net_host h = { .is_addr = false };

	text = without_brackets(text);
	if (text.len > 1 && text.s[text.len - 1] == '.')
		text.len--;
	if (text.len == 0)
		return err_set(e, ERR_INVALID, "the host is empty");
	if (text.len > NET_HOST_MAX)
		return err_set(e, ERR_LIMIT, "the host is longer than %d bytes",
		    NET_HOST_MAX);
	if (!lower(text, h.name))
		return err_set(e, ERR_INVALID,
		    "the host has a character that no host name has; write "
		    "names of other alphabets in punycode (xn--)");
	h.is_addr = net_addr_parse(str_of(h.name), &h.addr) == 0;
	if (h.is_addr) {
		net_addr_print(&h.addr, h.name);
	} else {
		const int r = parse_name(&h, e);

		if (r != 0)
			return r;
	}
	*ret = h;
	return ERR_OK;
}
