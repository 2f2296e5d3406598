/*
 * Signed notes: the form that other tools read, and nothing else.
 * Runs in: tests.
 */
#include "db_test.h"

#include "base/text.h"
#include "note.h"

/* The example keys and note of the signed-note format's own documentation. */
#define KNOWN_PRIVATE                                                          \
	"PRIVATE+KEY+PeterNeumann+c74f20a3+"                                   \
	"AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define KNOWN_PUBLIC                                                           \
	"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define KNOWN_TEXT                                                             \
	"If you think cryptography is the answer to your problem,\n"           \
	"then you don't know what your problem is.\n"
#define KNOWN_SIGNATURE                                                        \
	"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf" \
	"qdngotpRZb6KE6RyyBwJnAM="

static void
keys_are_those_of_the_format(void **state)
{
	AUTO(note_key_freep) struct note_key *k = NULL;
	AUTO_BUF struct buf out = BUF_INIT(512);
	struct err e = ERR_INIT;

	(void)state;
	must(note_key_parse(STR(KNOWN_PRIVATE), &k, &e), &e);
	note_public_print(note_key_public(k), &out);
	assert_string_equal(buf_cstr(&out), KNOWN_PUBLIC);
	buf_reset(&out);
	must(note_key_print(k, &out, &e), &e);
	assert_string_equal(buf_cstr(&out), KNOWN_PRIVATE "\n");
}

static void
a_note_signed_elsewhere_verifies(void **state)
{
	struct note n = { .text = STR(KNOWN_TEXT),
		.origin = STR("PeterNeumann"),
		.signer = STR("PeterNeumann") };
	uint8_t bytes[4 + NOTE_SIGNATURE_LEN];
	struct note_public p;
	struct err e = ERR_INIT;

	(void)state;
	must(note_public_parse(STR(KNOWN_PUBLIC), &p, &e), &e);
	must(note_unbase64(STR(KNOWN_SIGNATURE), bytes, sizeof(bytes)), &e);
	memcpy(n.key_id, bytes, 4);
	memcpy(n.signature, bytes + 4, NOTE_SIGNATURE_LEN);
	must(note_verify(&n, &p, &e), &e);
	n.signature[7] ^= 1;
	assert_int_equal(note_verify(&n, &p, &e), ERR_DENIED);
	n.signature[7] ^= 1;
	n.text.len--;
	assert_int_equal(note_verify(&n, &p, &e), ERR_DENIED);
	n.text.len++;
	n.origin = STR("assent/other");
	assert_int_equal(note_verify(&n, &p, &e), ERR_DENIED);
}

struct made {
	struct note_key *key, *next;
	struct buf text;
};

static int
setup(void **state)
{
	struct made *m = mem_new(1, sizeof(*m));
	struct err e = ERR_INIT;
	struct checkpoint c = { .origin = "assent/test",
		.size = 18204,
		.root = { 1, 2, 3 },
		.time_real_ns = INT64_C(1795000000123456789) };

	m->text = (struct buf)BUF_INIT(4096);
	must(note_key_new("assent/test", &m->key, &e), &e);
	must(note_key_new("assent/test", &m->next, &e), &e);
	c.next = note_key_public(m->next);
	must(note_sign(m->key, &c, &m->text, &e), &e);
	*state = m;
	return 0;
}

static int
teardown(void **state)
{
	struct made *m = *state;

	note_key_free(m->key);
	note_key_free(m->next);
	buf_free(&m->text);
	mem_freep(&m);
	return 0;
}

static void
what_was_signed_is_read_back(void **state)
{
	struct made *m = *state;
	static const uint8_t root[SHA256_LEN] = { 1, 2, 3 };
	struct err e = ERR_INIT;
	struct note n;

	assert_non_null(strstr(buf_cstr(&m->text),
	    "assent/test\n18204\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	    "\ntime 2026-11-18T"));
	must(note_parse(buf_str(&m->text), &n, &e), &e);
	assert_int_equal(n.len, m->text.len);
	assert_int_equal(n.size, 18204);
	assert_memory_equal(n.root, root, SHA256_LEN);
	assert_true(n.has_next);
	assert_memory_equal(
	    n.next.bytes, note_key_public(m->next)->bytes, NOTE_PUBLIC_LEN);
	must(note_verify(&n, note_key_public(m->key), &e), &e);
	assert_int_equal(
	    note_verify(&n, note_key_public(m->next), &e), ERR_DENIED);
}

/* Every single bit: what still parses does not verify. */
static void
no_bit_of_a_note_can_change(void **state)
{
	struct made *m = *state;

	for (size_t i = 0; i < m->text.len * 8; i++) {
		const char bit = (char)(1u << (i % 8));
		struct note n;
		bool good;

		m->text.s[i / 8] ^= bit;
		good = note_parse(buf_str(&m->text), &n, NULL) == 0 &&
		    note_verify(&n, note_key_public(m->key), NULL) == 0;
		if (good)
			fail_msg("bit %zu of byte %zu", i % 8, i / 8);
		m->text.s[i / 8] ^= bit;
	}
}

static void
no_part_of_a_note_is_a_note(void **state)
{
	struct made *m = *state;
	struct note n;

	for (size_t len = 0; len < m->text.len; len++) {
		const struct str part = str_head(buf_str(&m->text), len);

		assert_int_not_equal(note_parse(part, &n, NULL), 0);
		assert_true(note_is_unfinished(part));
	}
	assert_false(note_is_unfinished(buf_str(&m->text)));
}

static void
base64_has_one_spelling(void **state)
{
	static const char *const bad[] = { "AAA", "AAB=", "AA=A", " AAA",
		"AA=\n", "AAAA", "====", "A===", "" };
	uint8_t bytes[2];
	struct err e = ERR_INIT;

	(void)state;
	must(note_unbase64(STR("AAA="), bytes, 2), &e);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    note_unbase64(str_of(bad[i]), bytes, 2), ERR_INVALID);
}

static void
a_damaged_key_is_refused(void **state)
{
	struct made *m = *state;
	AUTO_BUF struct buf text = BUF_INIT(512);
	struct note_key *k = NULL;
	struct note_public p;
	struct err e = ERR_INIT;

	must(note_key_print(m->key, &text, &e), &e);
	/* The hash in the text is that of the public half. */
	text.s[text.len - 10] = text.s[text.len - 10] == 'A' ? 'B' : 'A';
	assert_int_not_equal(note_key_parse(buf_str(&text), &k, &e), 0);
	assert_int_equal(
	    note_public_parse(STR("a b+00000000+AAAA"), &p, &e), ERR_INVALID);
	assert_int_equal(note_public_parse(STR(""), &p, &e), ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_the_format),
		cmocka_unit_test(a_note_signed_elsewhere_verifies),
		cmocka_unit_test(what_was_signed_is_read_back),
		cmocka_unit_test(no_bit_of_a_note_can_change),
		cmocka_unit_test(no_part_of_a_note_is_a_note),
		cmocka_unit_test(base64_has_one_spelling),
		cmocka_unit_test(a_damaged_key_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
