/*
 * From the bytes of a source to what is used.
 * Runs in: assent-broker, tools.  Trusts: the configuration.  Owns: secrets.
 */
#include "usable.h"

#include <string.h>

#include "base/text.h"
#include "ssh_wire.h"

#define HOST_KEYS_MAX ((size_t)64 << 10)
#define VALUE_MAX (2 * CREDENTIAL_BYTES_MAX)

static void
wipe(struct buf *b)
{
	if (b->s != NULL)
		explicit_bzero(b->s, b->cap);
	buf_free(b);
}

/* All the memory at once: growing would leave a copy behind. */
static int
keep(struct usable *u, struct buf *b, struct err *e)
{
	const int r = buf_done(b, e);

	if (r != 0)
		return r;
	u->value = secret_new(b->s, b->len);
	return u->value == NULL ? err_nomem(e) : ERR_OK;
}

static int
check_text(struct str s, struct err *e)
{
	if (s.len == 0)
		return err_set(e, ERR_INVALID, "the secret is empty");
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] < ' ' || s.s[i] > '~')
			return err_set(e, ERR_INVALID,
			    "the secret has a character that no header has "
			    "(a line break, a control, or not ASCII)");
	}
	return ERR_OK;
}

static int
make_header(struct usable *u, const struct config_credential *c,
    struct str bytes, struct err *e)
{
	AUTO(wipe) struct buf b = BUF_INIT(VALUE_MAX);
	struct str form = str_of(c->header);
	const struct str name = str_cut(&form, ':');
	const size_t at = str_search(form, STR("{}"));
	int r = check_text(bytes, e);

	if (r != 0)
		return r;
	if (name.len >= sizeof(u->header) || at == form.len)
		return err_set(e, ERR_INVALID, "the header is not a header");
	memcpy(u->header, name.s, name.len);
	(void)buf_reserve(&b, VALUE_MAX - 1);
	buf_put_str(&b, str_trim(str_head(form, at)));
	/* The blank before the braces is part of the form. */
	if (at > 0 && form.s[at - 1] == ' ' && b.len > 0)
		buf_putc(&b, ' ');
	buf_put_str(&b, bytes);
	buf_put_str(&b, str_from(form, at + 2));
	return keep(u, &b, e);
}

static int
make_git(struct usable *u, const struct config_credential *c, struct str bytes,
    struct err *e)
{
	AUTO(wipe) struct buf pair = BUF_INIT(VALUE_MAX);
	AUTO(wipe) struct buf b = BUF_INIT(VALUE_MAX);
	const int r = check_text(bytes, e);

	if (r != 0)
		return r;
	memcpy(u->header, "Authorization", sizeof("Authorization"));
	(void)buf_reserve(&pair, CREDENTIAL_BYTES_MAX);
	(void)buf_reserve(&b, VALUE_MAX - 1);
	buf_printf(&pair, "%s:", c->username);
	buf_put_str(&pair, bytes);
	buf_puts(&b, "Basic ");
	text_base64(&b, buf_str(&pair));
	return keep(u, &b, e);
}

static int
take_host_keys(
    struct usable *u, const struct config_credential *c, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < c->host_keys.count; i++) {
		AUTO_BUF struct buf blob = BUF_INIT(SSH_BLOB_MAX);

		r = ssh_blob_parse(str_of(c->host_keys.items[i]), &blob, e);
		if (r == 0)
			wire_put_str(&u->host_keys, buf_str(&blob));
	}
	return r != 0 ? r : buf_done(&u->host_keys, e);
}

static int
make_ssh(struct usable *u, const struct config_credential *c, struct str bytes,
    struct err *e)
{
	const int r = ssh_key_parse(bytes, &u->key, e);

	return r != 0 ? r : take_host_keys(u, c, e);
}

static int
make_value(struct usable *u, struct str bytes, struct err *e)
{
	if (bytes.len == 0)
		return err_set(e, ERR_INVALID, "the secret is empty");
	u->value = secret_new(bytes.s, bytes.len);
	return u->value == NULL ? err_nomem(e) : ERR_OK;
}

/* A file of one line ends in a line break, which is not meant. */
static struct str
without_end(struct str s)
{
	if (str_ends(s, STR("\n")))
		s.len--;
	if (str_ends(s, STR("\r")))
		s.len--;
	return s;
}

static struct usable *new (void)
{
	struct usable *u = mem_new(1, sizeof(*u));

	if (u != NULL) {
		u->host_keys = (struct buf)BUF_INIT(HOST_KEYS_MAX);
		u->blob = (struct buf)BUF_INIT(SSH_BLOB_MAX);
	}
	return u;
}

int
usable_make(const struct config_credential *c, struct str bytes,
    struct usable **ret, struct err *e)
{
	AUTO(usable_freep) struct usable *u = new ();
	int r = ERR_INTERNAL;

	if (u == NULL)
		return err_nomem(e);
	if (bytes.len > CREDENTIAL_BYTES_MAX)
		return err_set(e, ERR_LIMIT,
		    "the secret is longer than %zu bytes",
		    CREDENTIAL_BYTES_MAX);
	switch (credential_kind_of(c)) {
	case CREDENTIAL_HEADER:
		r = make_header(u, c, without_end(bytes), e);
		break;
	case CREDENTIAL_GIT:
		r = make_git(u, c, without_end(bytes), e);
		break;
	case CREDENTIAL_SSH:
		r = make_ssh(u, c, bytes, e);
		break;
	case CREDENTIAL_VALUE:
		r = make_value(u, without_end(bytes), e);
		break;
	case CREDENTIAL_INVALID:
		return err_set(e, ERR_INVALID, "a credential of no kind");
	}
	if (r == 0)
		*ret = TAKE_PTR(u);
	return r;
}

int
usable_make_agent(
    const struct config_credential *c, struct usable **ret, struct err *e)
{
	AUTO(usable_freep) struct usable *u = new ();
	int r;

	if (u == NULL)
		return err_nomem(e);
	r = ssh_blob_parse(str_of(c->public_key), &u->blob, e);
	if (r == 0)
		r = take_host_keys(u, c, e);
	if (r == 0)
		*ret = TAKE_PTR(u);
	return r;
}

struct str
usable_blob(const struct usable *u)
{
	return u->key != NULL ? ssh_key_blob(u->key) : buf_str(&u->blob);
}

void
usable_free(struct usable *u)
{
	if (u == NULL)
		return;
	secret_free(u->value);
	ssh_key_free(u->key);
	buf_free(&u->host_keys);
	buf_free(&u->blob);
	mem_freep(&u);
}

void
usable_freep(struct usable **u)
{
	usable_free(*u);
	*u = NULL;
}

struct str
usable_value(const struct usable *u)
{
	size_t len = 0;
	const char *bytes =
	    u->value == NULL ? NULL : secret_bytes(u->value, &len);

	return str_n(bytes, len);
}
