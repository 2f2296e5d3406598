/*
 * Signed notes: Ed25519 by libcrypto, text by hand.
 * Runs in: engine, assent.  Trusts: libcrypto; nothing in the text of notes.
 * Owns: private keys, in locked memory.
 */
#include "note.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "store_limits.h"

#define ED25519 0x01 /* signed-note: the algorithm byte before the key */
#define KEY_ID_LEN 4
#define TAGGED_LEN (1 + NOTE_PUBLIC_LEN)
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)
#define KEY_FILE_BYTES_MAX ((size_t)1024)
#define BASE64_MAX 128 /* of anything in a note */
#define SIGNATURE_MARK "\xe2\x80\x94 " /* an em dash and a space */

struct note_key {
	struct note_public public;
	struct secret *seed;
	EVP_PKEY *pkey;
};

/* ---- base64 ------------------------------------------------------------ */

void
note_base64(struct buf *out, const void *bytes, size_t len)
{
	char *to = buf_reserve(out, BASE64_LEN(len));

	if (to == NULL)
		return;
	(void)EVP_EncodeBlock((unsigned char *)to, bytes, (int)len);
	buf_advance(out, BASE64_LEN(len));
}

int
note_unbase64(struct str text, void *ret, size_t len)
{
	unsigned char bytes[BASE64_MAX] = { 0 };
	char again[BASE64_MAX + 1];

	if (text.len != BASE64_LEN(len) || text.len >= sizeof(bytes))
		return ERR_INVALID;
	if (EVP_DecodeBlock(
		bytes, (const unsigned char *)text.s, (int)text.len) < 0)
		return ERR_INVALID;
	/* The decoder is lenient; one value has one spelling here. */
	(void)EVP_EncodeBlock((unsigned char *)again, bytes, (int)len);
	if (memcmp(again, text.s, text.len) != 0)
		return ERR_INVALID;
	memcpy(ret, bytes, len);
	return ERR_OK;
}

/* ---- keys -------------------------------------------------------------- */

static int
crypto_failed(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "libcrypto cannot do Ed25519");
}

/* No space, no plus, no control characters: signed-note's own rule. */
static bool
name_is_good(struct str name)
{
	if (name.len == 0 || name.len >= NOTE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.s[i] <= ' ' || name.s[i] >= 0x7f || name.s[i] == '+')
			return false;
	}
	return true;
}

static int
key_id(
    const struct note_public *p, uint8_t ret[static KEY_ID_LEN], struct err *e)
{
	uint8_t bytes[NOTE_NAME_MAX + 1 + TAGGED_LEN];
	uint8_t digest[SHA256_LEN];
	size_t len;
	int r;

	assert(p != NULL);
	len = strnlen(p->name, sizeof(p->name));
	memcpy(bytes, p->name, len);
	bytes[len] = '\n';
	bytes[len + 1] = ED25519;
	memcpy(bytes + len + 2, p->bytes, sizeof(p->bytes));
	r = sha256_of(bytes, len + 1 + TAGGED_LEN, digest, e);
	if (r == 0)
		memcpy(ret, digest, KEY_ID_LEN);
	return r;
}

void
note_key_free(struct note_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	secret_free(k->seed);
	mem_freep(&k);
}

void
note_key_freep(struct note_key **k)
{
	note_key_free(*k);
	*k = NULL;
}

static int
key_of_seed(struct str name, const uint8_t seed[static NOTE_PUBLIC_LEN],
    struct note_key **ret, struct err *e)
{
	AUTO(note_key_freep) struct note_key *k = mem_new(1, sizeof(*k));
	size_t len = NOTE_PUBLIC_LEN;

	if (k == NULL)
		return err_nomem(e);
	if (!name_is_good(name))
		return err_set(e, ERR_INVALID, "not a name for a key");
	assert(name.s != NULL);
	memcpy(k->public.name, name.s, name.len);
	k->seed = secret_new(seed, NOTE_PUBLIC_LEN);
	if (k->seed == NULL)
		return err_nomem(e);
	k->pkey = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, seed, NOTE_PUBLIC_LEN);
	if (k->pkey == NULL ||
	    EVP_PKEY_get_raw_public_key(k->pkey, k->public.bytes, &len) != 1 ||
	    len != NOTE_PUBLIC_LEN)
		return crypto_failed(e);
	*ret = TAKE_PTR(k);
	return ERR_OK;
}

int
note_key_new(const char *name, struct note_key **ret, struct err *e)
{
	uint8_t seed[NOTE_PUBLIC_LEN];
	int r;

	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return err_sys(e, "cannot get random bytes for a key");
	r = key_of_seed(str_of(name), seed, ret, e);
	explicit_bzero(seed, sizeof(seed));
	return r;
}

static void
put_key(struct buf *out, const char *name, const uint8_t id[static KEY_ID_LEN],
    const uint8_t bytes[static NOTE_PUBLIC_LEN])
{
	uint8_t tagged[TAGGED_LEN] = { ED25519 };

	memcpy(tagged + 1, bytes, NOTE_PUBLIC_LEN);
	buf_printf(out, "%s+", name);
	text_hex(out, id, KEY_ID_LEN);
	buf_putc(out, '+');
	note_base64(out, tagged, sizeof(tagged));
	explicit_bzero(tagged, sizeof(tagged));
}

/* "<name>+<hash>+<base64>": the name and the key; the hash is checked by
 * whoever knows the public half. */
static int
get_key(struct str text, struct str *ret_name,
    uint8_t ret_id[static KEY_ID_LEN], uint8_t ret[static NOTE_PUBLIC_LEN],
    struct err *e)
{
	struct str rest = str_trim(text);
	const struct str name = str_cut(&rest, '+');
	const struct str id = str_cut(&rest, '+');
	uint8_t tagged[TAGGED_LEN];

	if (!name_is_good(name) || text_unhex(id, ret_id, KEY_ID_LEN) != 0 ||
	    note_unbase64(rest, tagged, sizeof(tagged)) != 0 ||
	    tagged[0] != ED25519)
		return err_set(e, ERR_INVALID,
		    "not a key: expected NAME+HASH+BASE64 on one line");
	*ret_name = name;
	memcpy(ret, tagged + 1, NOTE_PUBLIC_LEN);
	explicit_bzero(tagged, sizeof(tagged));
	return ERR_OK;
}

int
note_key_print(const struct note_key *k, struct buf *out, struct err *e)
{
	uint8_t id[KEY_ID_LEN];
	size_t len = 0;
	const uint8_t *seed = secret_bytes(k->seed, &len);
	int r = key_id(&k->public, id, e);

	if (r != 0)
		return r;
	buf_puts(out, "PRIVATE+KEY+");
	put_key(out, k->public.name, id, seed);
	buf_putc(out, '\n');
	return buf_done(out, e);
}

int
note_key_parse(struct str text, struct note_key **ret, struct err *e)
{
	static const struct str head = { "PRIVATE+KEY+", 12 };
	uint8_t seed[NOTE_PUBLIC_LEN] = { 0 }, id[KEY_ID_LEN], want[KEY_ID_LEN];
	AUTO(note_key_freep) struct note_key *k = NULL;
	struct str name = STR_NONE;
	int r;

	if (!str_starts(text, head))
		return err_set(e, ERR_INVALID, "not a private key");
	r = get_key(str_from(text, head.len), &name, id, seed, e);
	if (r == 0)
		r = key_of_seed(name, seed, &k, e);
	explicit_bzero(seed, sizeof(seed));
	if (r == 0)
		r = key_id(&k->public, want, e);
	if (r == 0 && memcmp(id, want, sizeof(id)) != 0)
		r = err_set(e, ERR_INVALID, "the private key is damaged");
	if (r == 0)
		*ret = TAKE_PTR(k);
	return r;
}

const struct note_public *
note_key_public(const struct note_key *k)
{
	return &k->public;
}

void
note_public_print(const struct note_public *p, struct buf *out)
{
	uint8_t id[KEY_ID_LEN];

	if (key_id(p, id, NULL) != 0)
		out->failed = ERR_NOMEM;
	else
		put_key(out, p->name, id, p->bytes);
}

int
note_public_parse(struct str text, struct note_public *ret, struct err *e)
{
	struct note_public p = { .name = "" };
	uint8_t id[KEY_ID_LEN], want[KEY_ID_LEN];
	struct str name = STR_NONE;
	int r = get_key(text, &name, id, p.bytes, e);

	if (r != 0)
		return r;
	assert(name.s != NULL);
	memcpy(p.name, name.s, name.len);
	r = key_id(&p, want, e);
	if (r == 0 && memcmp(id, want, sizeof(id)) != 0)
		r = err_set(e, ERR_INVALID, "the public key is damaged");
	if (r == 0)
		*ret = p;
	return r;
}

int
note_public_read(const char *path, struct note_public *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(KEY_FILE_BYTES_MAX);
	int r = fdio_read_file(path, &text, e);

	if (r == 0)
		r = note_public_parse(buf_str(&text), ret, e);
	return r == 0 ? r : err_wrap(e, r, "public key '%s'", path);
}

/* ---- signing ----------------------------------------------------------- */

static int
sign(const struct note_key *k, struct str text,
    uint8_t ret[static NOTE_SIGNATURE_LEN], struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = NOTE_SIGNATURE_LEN;
	const bool good = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
	    EVP_DigestSign(ctx, ret, &len, (const uint8_t *)text.s, text.len) ==
		1 &&
	    len == NOTE_SIGNATURE_LEN;

	EVP_MD_CTX_free(ctx);
	return good ? ERR_OK : crypto_failed(e);
}

int
note_sign(const struct note_key *k, const struct checkpoint *c, struct buf *out,
    struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(NOTE_BYTES_MAX);
	uint8_t signed_bytes[KEY_ID_LEN + NOTE_SIGNATURE_LEN];
	int r;

	buf_printf(&text, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
	note_base64(&text, c->root, SHA256_LEN);
	buf_puts(&text, "\ntime ");
	text_time(&text, c->time_real_ns);
	if (c->next != NULL) {
		buf_puts(&text, "\nnext ");
		note_public_print(c->next, &text);
	}
	buf_putc(&text, '\n');
	r = buf_done(&text, e);
	if (r == 0)
		r = key_id(&k->public, signed_bytes, e);
	if (r == 0)
		r = sign(k, buf_str(&text), signed_bytes + KEY_ID_LEN, e);
	if (r != 0)
		return r;
	buf_put_str(out, buf_str(&text));
	buf_printf(out, "\n" SIGNATURE_MARK "%s ", k->public.name);
	note_base64(out, signed_bytes, sizeof(signed_bytes));
	buf_putc(out, '\n');
	return buf_done(out, e);
}

/* ---- reading ----------------------------------------------------------- */

static int
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, "not a signed checkpoint: %s", what);
}

/* The next line of *rest without its newline; false when none is whole. */
static bool
line_of(struct str *rest, struct str *ret)
{
	const size_t end = str_find(*rest, '\n');

	if (end == rest->len)
		return false;
	*ret = str_head(*rest, end);
	*rest = str_from(*rest, end + 1);
	return true;
}

/* Lines after the root; what we do not know is signed and left alone. */
static int
extension(struct note *n, struct str line, struct err *e)
{
	if (str_starts(line, STR("time "))) {
		n->time = str_from(line, 5);
	} else if (str_starts(line, STR("next "))) {
		if (n->has_next)
			return bad(e, "two successors");
		n->has_next = true;
		return note_public_parse(str_from(line, 5), &n->next, e);
	}
	return ERR_OK;
}

static int
parse_text(struct str *rest, struct note *n, struct err *e)
{
	const char *begin = rest->s;
	struct str size, root, line = STR_NONE;
	int r = 0;

	if (!line_of(rest, &n->origin) || !line_of(rest, &size) ||
	    !line_of(rest, &root))
		return bad(e, "it ends too early");
	if (!name_is_good(n->origin))
		return bad(e, "its first line is not the name of a log");
	if (num_parse_u64(size, 0, UINT64_MAX, &n->size) != 0 ||
	    (size.len > 1 && size.s[0] == '0'))
		return bad(e, "its second line is not a size");
	if (note_unbase64(root, n->root, SHA256_LEN) != 0)
		return bad(e, "its third line is not a hash");
	while (r == 0) {
		const char *end = rest->s;

		if (!line_of(rest, &line))
			return bad(e, "it ends too early");
		if (line.len == 0) {
			n->text = str_n(begin, (size_t)(end - begin));
			return ERR_OK;
		}
		r = extension(n, line, e);
	}
	return r;
}

static int
parse_signature(struct str *rest, struct note *n, struct err *e)
{
	uint8_t bytes[KEY_ID_LEN + NOTE_SIGNATURE_LEN];
	struct str line = STR_NONE;

	if (!line_of(rest, &line))
		return bad(e, "the signature is missing");
	if (!str_starts(line, STR(SIGNATURE_MARK)))
		return bad(e, "the signature does not begin with a dash");
	line = str_from(line, sizeof(SIGNATURE_MARK) - 1);
	n->signer = str_cut(&line, ' ');
	if (note_unbase64(line, bytes, sizeof(bytes)) != 0)
		return bad(e, "the signature is damaged");
	memcpy(n->key_id, bytes, KEY_ID_LEN);
	memcpy(n->signature, bytes + KEY_ID_LEN, NOTE_SIGNATURE_LEN);
	return ERR_OK;
}

int
note_parse(struct str text, struct note *ret, struct err *e)
{
	struct str rest = str_head(text, NOTE_BYTES_MAX);
	struct note n = { .size = 0 };
	int r = parse_text(&rest, &n, e);

	if (r == 0)
		r = parse_signature(&rest, &n, e);
	if (r != 0)
		return r;
	n.len = (size_t)(rest.s - text.s);
	*ret = n;
	return ERR_OK;
}

bool
note_is_unfinished(struct str text)
{
	const size_t mark = str_search(text, STR("\n" SIGNATURE_MARK));
	const struct str line =
	    str_from(text, mark < text.len ? mark + 1 : text.len);

	return str_find(line, '\n') == line.len;
}

int
note_verify(const struct note *n, const struct note_public *p, struct err *e)
{
	uint8_t id[KEY_ID_LEN];
	EVP_PKEY *pkey;
	EVP_MD_CTX *ctx;
	bool good;
	int r = key_id(p, id, e);

	if (r != 0)
		return r;
	if (!str_eqz(n->signer, p->name) || !str_eqz(n->origin, p->name) ||
	    memcmp(n->key_id, id, sizeof(id)) != 0)
		return err_set(
		    e, ERR_DENIED, "it is signed by another key or log");
	pkey = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, p->bytes, NOTE_PUBLIC_LEN);
	ctx = EVP_MD_CTX_new();
	good = pkey != NULL && ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestVerify(ctx, n->signature, NOTE_SIGNATURE_LEN,
		(const uint8_t *)n->text.s, n->text.len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	if (!good)
		return err_set(e, ERR_DENIED, "its signature is wrong");
	return ERR_OK;
}
