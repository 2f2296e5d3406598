/*
 * Keys of SSH: what others made is read, what is signed is verified, and what
 * is weak, locked or damaged is refused without a byte of it in the error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "keys.h"

static struct ssh_key *
parsed(const char *text)
{
	struct ssh_key *k = NULL;
	struct err e = ERR_INIT;

	if (ssh_key_parse(str_of(text), &k, &e) != 0)
		print_error("%s\n", e.msg);
	assert_non_null(k);
	return k;
}

static void
a_key_has_the_public_half_that_ssh_keygen_says(void **state)
{
	static const struct {
		const char *key, *pub;
	} cases[] = {
		{ key_ed, pub_ed },
		{ key_ec, pub_ec },
		{ key_rsa, pub_rsa },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(ssh_key_freep) struct ssh_key *k = parsed(cases[i].key);
		AUTO_BUF struct buf blob = BUF_INIT(SSH_BLOB_MAX);

		assert_int_equal(
		    ssh_blob_parse(str_of(cases[i].pub), &blob, NULL), 0);
		assert_true(str_eq(ssh_key_blob(k), buf_str(&blob)));
	}
}

static void
what_a_key_signs_its_public_half_verifies(void **state)
{
	static const struct {
		const char *key;
		uint32_t flags;
		const char *name;
	} cases[] = {
		{ key_ed, 0, "ssh-ed25519" },
		{ key_ec, 0, "ecdsa-sha2-nistp384" },
		{ key_rsa, SSH_SIGN_RSA_SHA256, "rsa-sha2-256" },
		{ key_rsa, SSH_SIGN_RSA_SHA512, "rsa-sha2-512" },
		{ key_pem, 0, "ssh-ed25519" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(ssh_key_freep) struct ssh_key *k = parsed(cases[i].key);
		AUTO_BUF struct buf sig = BUF_INIT(2 * SSH_SIGNATURE_MAX);
		struct wire w;

		assert_int_equal(
		    ssh_key_sign(k, STR("what"), cases[i].flags, &sig, NULL),
		    0);
		w = wire_of(buf_str(&sig));
		assert_true(str_eqz(wire_str(&w), cases[i].name));
		assert_true(ssh_blob_verify(
		    ssh_key_blob(k), buf_str(&sig), STR("what")));
		assert_false(ssh_blob_verify(
		    ssh_key_blob(k), buf_str(&sig), STR("whar")));
		sig.s[sig.len - 1] ^= 1;
		assert_false(ssh_blob_verify(
		    ssh_key_blob(k), buf_str(&sig), STR("what")));
	}
}

static void
nothing_is_signed_with_sha1(void **state)
{
	AUTO(ssh_key_freep) struct ssh_key *k = parsed(key_rsa);
	AUTO_BUF struct buf sig = BUF_INIT(2 * SSH_SIGNATURE_MAX);

	(void)state;
	assert_int_equal(
	    ssh_key_sign(k, STR("what"), 0, &sig, NULL), ERR_DENIED);
	assert_int_equal(sig.len, 0);
}

static void
a_locked_weak_or_foreign_key_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ key_locked, "agent: SSH_AUTH_SOCK" },
		{ key_small, "less than 2048 bits" },
		{ "hunter2-secret", "no private key" },
		{ "", "no private key" },
		{ "-----BEGIN OPENSSH PRIVATE KEY-----\nxyz", "no end" },
		{ "-----BEGIN OPENSSH PRIVATE KEY-----\nxyz\n"
		  "-----END OPENSSH PRIVATE KEY-----\n",
		    "damaged" },
		{ "-----END OPENSSH PRIVATE KEY-----\n"
		  "-----BEGIN OPENSSH PRIVATE KEY-----\n",
		    "no end" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ssh_key *k = NULL;
		struct err e = ERR_INIT;

		assert_true(ssh_key_parse(str_of(cases[i].text), &k, &e) != 0);
		assert_null(k);
		if (strstr(e.msg, cases[i].why) == NULL)
			print_error("'%s'\n", e.msg);
		assert_non_null(strstr(e.msg, cases[i].why));
		assert_null(strstr(e.msg, "hunter2"));
	}
}

/* Whatever is cut off or changed, nothing is read beyond. */
static void
a_damaged_key_is_never_a_key(void **state)
{
	(void)state;
	for (size_t cut = 0; cut < sizeof(key_ed) - 30; cut += 7) {
		AUTO_FREE char *text = mem_strndup(key_ed, strlen(key_ed));
		struct ssh_key *k = NULL;

		memmove(text + cut, text + cut + 1, strlen(text + cut));
		(void)ssh_key_parse(str_of(text), &k, NULL);
		ssh_key_free(k);
	}
}

static void
a_fingerprint_is_that_of_ssh_keygen(void **state)
{
	AUTO_BUF struct buf blob = BUF_INIT(SSH_BLOB_MAX);
	char text[SSH_FINGERPRINT_MAX];

	(void)state;
	assert_int_equal(ssh_blob_parse(str_of(pub_ed), &blob, NULL), 0);
	assert_int_equal(ssh_blob_fingerprint(buf_str(&blob), text, NULL), 0);
	assert_string_equal(
	    text, "SHA256:YSrMZFV4Cm7GVjJGoDzS9iKOJ+iuF7QMgcaGFwrcgiM");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_key_has_the_public_half_that_ssh_keygen_says),
		cmocka_unit_test(what_a_key_signs_its_public_half_verifies),
		cmocka_unit_test(nothing_is_signed_with_sha1),
		cmocka_unit_test(
		    a_locked_weak_or_foreign_key_is_refused_with_a_reason),
		cmocka_unit_test(a_damaged_key_is_never_a_key),
		cmocka_unit_test(a_fingerprint_is_that_of_ssh_keygen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
