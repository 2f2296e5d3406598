/*
 * Read the kernel's records about Landlock domains.
 * Runs in: the reader of these records.  Trusts: nothing.  Owns: nothing.
 */
#include "audit/record.h"

#include <string.h>

#include "base/audit.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define FIELDS_MAX 32
#define RAW_MAX 4200 /* a path, and a little */
#define DOTS 3
#define ESCAPED_MAX ((size_t)4 * RAW_MAX * 2)

static const char *const rights[] = {
	"fs.execute",
	"fs.write_file",
	"fs.read_file",
	"fs.read_dir",
	"fs.remove_dir",
	"fs.remove_file",
	"fs.make_char",
	"fs.make_dir",
	"fs.make_reg",
	"fs.make_sock",
	"fs.make_fifo",
	"fs.make_block",
	"fs.make_sym",
	"fs.refer",
	"fs.truncate",
	"fs.ioctl_dev",
	"fs.change_topology",
	"net.bind_tcp",
	"net.connect_tcp",
	"ptrace",
	"scope.abstract_unix_socket",
	"scope.signal",
	"unknown",
};
_Static_assert(ARRAY_LEN(rights) <= 32, "each has a bit");

const char *
audit_right_name(unsigned bit)
{
	return bit < ARRAY_LEN(rights) ? rights[bit] : NULL;
}

struct field {
	struct str key, value;
	bool quoted;
};

/* "key=value" or 'key="value"', and a space behind it. */
static bool
take_field(struct str *rest, struct field *ret)
{
	const size_t equals = str_find(*rest, '=');
	size_t end;

	if (equals == 0 || equals == rest->len)
		return false;
	*ret = (struct field){ .key = str_head(*rest, equals) };
	if (str_find(ret->key, ' ') != equals)
		return false;
	*rest = str_from(*rest, equals + 1);
	ret->quoted = str_at(*rest, 0) == '"';
	if (ret->quoted)
		*rest = str_from(*rest, 1);
	end = str_find(*rest, ret->quoted ? '"' : ' ');
	if (ret->quoted && end == rest->len)
		return false;
	ret->value = str_head(*rest, end);
	*rest = str_from(*rest, end + (ret->quoted ? 1 : 0));
	while (str_at(*rest, 0) == ' ')
		*rest = str_from(*rest, 1);
	return true;
}

/* "audit(1764133200.123:456): " */
static bool
skip_stamp(struct str *rest)
{
	const size_t end = str_search(*rest, STR("): "));

	if (!str_starts(*rest, STR("audit(")) || end == rest->len)
		return false;
	*rest = str_from(*rest, end + 3);
	return true;
}

static bool
hex_u64(struct str s, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t v = 0;

	if (s.len == 0 || s.len > 16)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];
		const char *at = c == '\0' ? NULL : strchr(digits, c);

		if (at == NULL)
			return false;
		v = v << 4 | (uint64_t)(at - digits);
	}
	*ret = v;
	return true;
}

static bool
number(struct str s, uint64_t max, uint64_t *ret)
{
	return num_parse_u64(s, 0, max, ret) == 0;
}

static unsigned
right_bit(struct str name)
{
	unsigned i = 0;

	while (i + 1 < ARRAY_LEN(rights) && !str_eqz(name, rights[i]))
		i++;
	return i;
}

static uint32_t
parse_rights(struct str list)
{
	uint32_t bits = 0;

	while (list.len > 0)
		bits |= 1U << right_bit(str_cut(&list, ','));
	return bits;
}

/* Printable, and of a long name the end, for that tells more. */
static void
put_object(struct audit_record *r, struct str raw)
{
	AUTO_BUF struct buf shown = BUF_INIT(ESCAPED_MAX);
	const size_t room = sizeof(r->object) - 1;
	size_t at = 0;
	struct str s;

	text_escape(&shown, raw);
	s = buf_str(&shown);
	if (s.len > room) {
		s = str_from(s, s.len - (room - DOTS));
		/* A character is whole or not there. */
		while (((unsigned char)str_at(s, 0) & 0xc0) == 0x80)
			s = str_from(s, 1);
		memset(r->object, '.', DOTS);
		at = DOTS;
	}
	if (s.len > 0)
		memcpy(r->object + at, s.s, s.len);
	r->object[at + s.len] = '\0';
}

/* Quoted it is as it was; else in hexadecimal. */
static bool
take_name(struct audit_record *r, const struct field *f)
{
	char raw[RAW_MAX];

	if (f->quoted) {
		put_object(r, f->value);
		return true;
	}
	if (f->value.len % 2 != 0 || f->value.len / 2 > sizeof(raw) ||
	    text_unhex(f->value, raw, f->value.len / 2) != 0)
		return false;
	put_object(r, str_n(raw, f->value.len / 2));
	return true;
}

static bool
take_denied(struct audit_record *r, const struct field *f)
{
	if (str_eqz(f->key, "blockers")) {
		r->kind = AUDIT_KIND_DENIED;
		r->rights = parse_rights(f->value);
		return r->rights != 0;
	}
	/* A process by the name that it gave itself. */
	if (str_eqz(f->key, "path") || str_eqz(f->key, "name") ||
	    str_eqz(f->key, "ocomm"))
		return take_name(r, f);
	return true;
}

static bool
take_domain(struct audit_record *r, const struct field *f)
{
	uint64_t v;

	if (str_eqz(f->key, "status")) {
		if (str_eqz(f->value, "allocated"))
			r->kind = AUDIT_KIND_ALLOCATED;
		else if (str_eqz(f->value, "deallocated"))
			r->kind = AUDIT_KIND_ENDED;
		return r->kind != AUDIT_KIND_INVALID;
	}
	if (str_eqz(f->key, "denials"))
		return number(f->value, UINT64_MAX, &r->denials);
	if (str_eqz(f->key, "pid") || str_eqz(f->key, "uid")) {
		if (!number(f->value, UINT32_MAX, &v))
			return false;
		if (str_at(f->key, 0) == 'p')
			r->pid = (uint32_t)v;
		else
			r->uid = (uint32_t)v;
	}
	return true;
}

bool
audit_record_parse(unsigned type, struct str text, struct audit_record *ret)
{
	struct audit_record r = { .kind = AUDIT_KIND_INVALID };
	struct field f;

	if ((type != AUDIT_RECORD_ACCESS && type != AUDIT_RECORD_DOMAIN) ||
	    text.len > AUDIT_TEXT_MAX || !skip_stamp(&text) ||
	    !take_field(&text, &f) || !str_eqz(f.key, "domain") || f.quoted ||
	    !hex_u64(f.value, &r.domain) || r.domain == 0)
		return false;
	for (unsigned i = 0; text.len > 0; i++) {
		if (i == FIELDS_MAX || !take_field(&text, &f))
			return false;
		if (!(type == AUDIT_RECORD_ACCESS ? take_denied(&r, &f)
						  : take_domain(&r, &f)))
			return false;
	}
	if (r.kind == AUDIT_KIND_INVALID)
		return false;
	*ret = r;
	return true;
}
