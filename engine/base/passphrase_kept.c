/*
 * The lines in which digests of passphrases are kept. Apart from what makes
 * them, for that takes a good part of libcrypto along.
 * Runs in: engine, supervisor, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "passphrase_kept.h"

#include "num.h"
#include "passphrase.h"
#include "text.h"

#define UID_LAST (UINT32_MAX - 1)

int
passphrase_line_uid(struct str line, uid_t *ret)
{
	uint64_t uid;

	if (num_parse_u64(str_cut(&line, ' '), 0, UID_LAST, &uid) != 0)
		return ERR_INVALID;
	*ret = (uid_t)uid;
	return ERR_OK;
}

static bool
read_line(struct str line, struct passphrase_kept *ret)
{
	struct str salt;

	if (passphrase_line_uid(line, &ret->uid) != 0)
		return false;
	(void)str_cut(&line, ' ');
	if (!str_eqz(str_cut(&line, ' '), PASSPHRASE_METHOD))
		return false;
	salt = str_cut(&line, ' ');
	return text_unhex(salt, ret->salt, PASSPHRASE_SALT_LEN) == 0 &&
	    text_unhex(line, ret->digest, PASSPHRASE_DIGEST_LEN) == 0;
}

/* The next line that says something; false at the end. */
static bool
next_line(struct str *rest, unsigned *number, struct str *ret)
{
	while (rest->len > 0) {
		*ret = str_trim(str_cut(rest, '\n'));
		(*number)++;
		if (ret->len > 0 && ret->s[0] != '#')
			return true;
	}
	return false;
}

int
passphrase_check_form(struct str text, struct err *e)
{
	unsigned number = 0;
	struct str line;
	struct passphrase_kept k;

	while (next_line(&text, &number, &line)) {
		if (!read_line(line, &k))
			return err_set(e, ERR_INVALID,
			    "line %u is no passphrase of a user; 'assent "
			    "passphrase' writes such lines",
			    number);
	}
	return ERR_OK;
}

bool
passphrase_find(struct str text, uid_t uid, struct passphrase_kept *ret)
{
	unsigned number = 0;
	struct str line;

	while (next_line(&text, &number, &line)) {
		if (read_line(line, ret) && ret->uid == uid)
			return true;
	}
	return false;
}

bool
passphrase_has(struct str text, uid_t uid)
{
	struct passphrase_kept k;

	return passphrase_find(text, uid, &k);
}
