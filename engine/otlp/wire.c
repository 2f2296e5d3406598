/*
 * JSON and protobuf from one description.
 * Runs in: reporter.  Trusts: its callers.  Owns: nothing.
 */
#include "wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_LEN_MAX 24
/* A length is written when its message ends, so it has this much room: a
 * varint may have leading zeros. */
#define LENGTH_BYTES 4
#define VARINT_BITS 7
#define VARINT_MORE 0x80u

enum wire_type {
	TYPE_VARINT = 0,
	TYPE_FIXED64 = 1,
	TYPE_BYTES = 2,
	TYPE_FIXED32 = 5,
};

#define TYPE_BITS 3

static void
varint(struct buf *out, uint64_t v)
{
	while (v >= VARINT_MORE) {
		buf_putc(out, (char)(v | VARINT_MORE));
		v >>= VARINT_BITS;
	}
	buf_putc(out, (char)v);
}

static void
tag(struct wire *w, unsigned field, enum wire_type type)
{
	varint(w->out, (uint64_t)field << TYPE_BITS | type);
}

/* ---- structure ----------------------------------------------------------- */

struct wire
wire_on(enum wire_form form, struct buf *out)
{
	struct wire w = { .form = form, .out = out, .json = jsonw_on(out) };

	if (form == WIRE_JSON)
		jsonw_object(&w.json);
	return w;
}

void
wire_done(struct wire *w)
{
	assert(w->depth == 0);
	if (w->form == WIRE_JSON)
		jsonw_end(&w->json);
}

static void
open_message(struct wire *w, unsigned field)
{
	assert(w->depth < WIRE_DEPTH_MAX);
	tag(w, field, TYPE_BYTES);
	w->open[w->depth] = w->out->len;
	buf_put(w->out, "\0\0\0\0", LENGTH_BYTES);
}

/* The length goes where room was left for it. */
static void
close_message(struct wire *w)
{
	const size_t at = w->open[w->depth];
	uint64_t len;

	if (w->out->failed != 0)
		return;
	len = w->out->len - at - LENGTH_BYTES;
	assert(len < (UINT64_C(1) << (VARINT_BITS * LENGTH_BYTES)));
	for (unsigned i = 0; i < LENGTH_BYTES; i++) {
		const unsigned more = i + 1 < LENGTH_BYTES ? VARINT_MORE : 0;

		w->out->s[at + i] = (char)((len & (VARINT_MORE - 1)) | more);
		len >>= VARINT_BITS;
	}
}

void
wire_list(struct wire *w, const char *name)
{
	if (w->form != WIRE_JSON)
		return;
	jsonw_key(&w->json, name);
	jsonw_array(&w->json);
}

void
wire_list_end(struct wire *w)
{
	if (w->form == WIRE_JSON)
		jsonw_end(&w->json);
}

void
wire_item(struct wire *w, unsigned field)
{
	if (w->form == WIRE_JSON)
		jsonw_object(&w->json);
	else
		open_message(w, field);
	w->depth++;
}

void
wire_message(struct wire *w, unsigned field, const char *name)
{
	if (w->form == WIRE_JSON)
		jsonw_key(&w->json, name);
	wire_item(w, field);
}

void
wire_end(struct wire *w)
{
	assert(w->depth > 0);
	w->depth--;
	if (w->form == WIRE_JSON)
		jsonw_end(&w->json);
	else
		close_message(w);
}

/* ---- fields -------------------------------------------------------------- */

static void
bytes_field(struct wire *w, unsigned field, const void *bytes, size_t len)
{
	tag(w, field, TYPE_BYTES);
	varint(w->out, len);
	buf_put(w->out, bytes, len);
}

static void
json_digits(struct wire *w, const char *name, const char *digits)
{
	jsonw_key(&w->json, name);
	jsonw_cstr(&w->json, digits);
}

void
wire_text(struct wire *w, unsigned field, const char *name, const char *text)
{
	if (text == NULL)
		return;
	if (w->form == WIRE_JSON)
		jsonw_kstr(&w->json, name, text);
	else
		bytes_field(w, field, text, strlen(text));
}

static void
json_u64(struct wire *w, const char *name, uint64_t v)
{
	char digits[NUMBER_LEN_MAX];

	(void)snprintf(digits, sizeof(digits), "%" PRIu64, v);
	json_digits(w, name, digits);
}

static void
json_i64(struct wire *w, const char *name, int64_t v)
{
	char digits[NUMBER_LEN_MAX];

	(void)snprintf(digits, sizeof(digits), "%" PRId64, v);
	json_digits(w, name, digits);
}

void
wire_fixed64(struct wire *w, unsigned field, const char *name, uint64_t v)
{
	if (w->form == WIRE_JSON) {
		json_u64(w, name, v);
		return;
	}
	tag(w, field, TYPE_FIXED64);
	rec_put_u64(w->out, v);
}

void
wire_sfixed64(struct wire *w, unsigned field, const char *name, int64_t v)
{
	if (w->form == WIRE_JSON)
		json_i64(w, name, v);
	else
		wire_fixed64(w, field, name, (uint64_t)v);
}

void
wire_int64(struct wire *w, unsigned field, const char *name, int64_t v)
{
	if (w->form == WIRE_JSON) {
		json_i64(w, name, v);
		return;
	}
	tag(w, field, TYPE_VARINT);
	varint(w->out, (uint64_t)v);
}

void
wire_enum(struct wire *w, unsigned field, const char *name, unsigned v)
{
	if (w->form == WIRE_JSON) {
		jsonw_kint(&w->json, name, v);
		return;
	}
	tag(w, field, TYPE_VARINT);
	varint(w->out, v);
}

void
wire_bool(struct wire *w, unsigned field, const char *name, bool v)
{
	if (w->form == WIRE_JSON)
		jsonw_kbool(&w->json, name, v);
	else
		wire_enum(w, field, name, v ? 1 : 0);
}

void
wire_id(struct wire *w, unsigned field, const char *name, const uint8_t *bytes,
    size_t len)
{
	if (w->form == WIRE_JSON) {
		jsonw_key(&w->json, name);
		jsonw_hex(&w->json, bytes, len);
	} else {
		bytes_field(w, field, bytes, len);
	}
}
