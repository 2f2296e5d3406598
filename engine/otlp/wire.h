#ifndef OTLP_WIRE_H
#define OTLP_WIRE_H
/*
 * One description of a message, two forms: JSON and protobuf, as OTLP maps
 * them (64-bit numbers are decimal strings in JSON, ids are hex, enums are
 * numbers).
 *
 *     struct wire w = wire_on(WIRE_PROTOBUF, &out);
 *     wire_list(&w, "resourceLogs");
 *     wire_item(&w, 1);
 *     wire_text(&w, 3, "schemaUrl", "https://...");
 *     wire_end(&w);
 *     wire_list_end(&w);
 *     wire_done(&w);
 *
 * Every field is given with its number and its JSON name. Nesting beyond
 * WIRE_DEPTH_MAX is an assertion failure.
 */
#include "base/jsonw.h"

#define WIRE_DEPTH_MAX 16

enum wire_form {
	WIRE_JSON,
	WIRE_PROTOBUF,
};

struct wire {
	enum wire_form form;
	struct buf *out;
	struct jsonw json;
	unsigned depth;
	size_t open[WIRE_DEPTH_MAX]; /* where the lengths go */
};

struct wire wire_on(enum wire_form form, struct buf *out);
void wire_done(struct wire *w);
/* A repeated field: its items are messages. */
void wire_list(struct wire *w, const char *name);
void wire_item(struct wire *w, unsigned field);
void wire_list_end(struct wire *w);
/* A single message. */
void wire_message(struct wire *w, unsigned field, const char *name);
/* Ends an item or a message. */
void wire_end(struct wire *w);

void wire_text(
    struct wire *w, unsigned field, const char *name, const char *text);
void wire_fixed64(struct wire *w, unsigned field, const char *name, uint64_t v);
/* sfixed64: the value of a data point. */
void wire_sfixed64(struct wire *w, unsigned field, const char *name, int64_t v);
void wire_int64(struct wire *w, unsigned field, const char *name, int64_t v);
void wire_enum(struct wire *w, unsigned field, const char *name, unsigned v);
void wire_bool(struct wire *w, unsigned field, const char *name, bool v);
/* The id of a trace or a span. */
void wire_id(struct wire *w, unsigned field, const char *name,
    const uint8_t *bytes, size_t len);

#endif
