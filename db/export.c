/*
 * Rows as JSON lines, as CSV, and in the forms of others.
 * Runs in: assent.  Trusts: nothing in rows: no text of theirs can end a
 * line, a field, or begin a formula.  Owns: nothing.
 */
#include "export.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/siem.h"
#include "store_limits.h"

#define CELL_BYTES_MAX ((size_t)64 << 20)

static void
jsonl_row(const struct row_view *v, struct buf *out)
{
	row_json(v, out);
	buf_putc(out, '\n');
}

/* ---- CSV: RFC 4180 ----------------------------------------------------- */

/* A spreadsheet takes these for a formula. */
static bool
begins_formula(struct str s)
{
	return s.len > 0 &&
	    (s.s[0] == '=' || s.s[0] == '+' || s.s[0] == '-' || s.s[0] == '@' ||
		s.s[0] == '\t' || s.s[0] == '\r');
}

static void
csv_cell(struct buf *out, struct str s)
{
	AUTO_BUF struct buf safe = BUF_INIT(CELL_BYTES_MAX);

	if (begins_formula(s))
		buf_putc(&safe, '\'');
	text_escape(&safe, s);
	if (safe.failed != 0)
		out->failed = safe.failed;
	buf_putc(out, '"');
	for (size_t i = 0; i < safe.len; i++) {
		if (safe.s[i] == '"')
			buf_putc(out, '"');
		buf_putc(out, safe.s[i]);
	}
	buf_putc(out, '"');
}

static void
csv_text(struct buf *out, struct str s)
{
	buf_putc(out, ',');
	if (s.s != NULL)
		csv_cell(out, s);
}

static void
csv_hash(struct buf *out, const uint8_t *hash)
{
	buf_putc(out, ',');
	if (hash != NULL)
		text_hex(out, hash, SHA256_LEN);
}

static void
csv_head(struct buf *out)
{
	buf_puts(out,
	    "seq,time,kind,action_id,session,uid,tool,decision,decided_by,"
	    "rule,action_sha256,policy_sha256,body_sha256,prev_hash,log_hash,"
	    "body\r\n");
}

static void
csv_row(const struct row_view *v, struct buf *out)
{
	const struct log_row *row = v->row;

	buf_printf(out, "%" PRIu64 ",", row->seq);
	text_time(out, row->time_real_ns);
	csv_text(out, row->kind);
	csv_text(out, row->action_id);
	csv_text(out, row->session);
	buf_printf(out, ",%" PRIu64, row->uid);
	csv_text(out, row->tool);
	csv_text(out, row->decision);
	csv_text(out, row->decided_by);
	csv_text(out, row->rule);
	csv_hash(out, row->action_sha256);
	csv_hash(out, row->policy_sha256);
	csv_hash(out, row->body_sha256);
	csv_hash(out, v->prev);
	csv_hash(out, v->hash);
	csv_text(out, v->body);
	buf_puts(out, "\r\n");
}

/* ---- forms of others: by way of our own JSON ---------------------------- */

typedef void siem_fn(const json_t *row, struct buf *out);

static void
siem_row(const struct row_view *v, siem_fn *fn, struct buf *out)
{
	AUTO_BUF struct buf json = BUF_INIT(LOG_JSON_BYTES_MAX);
	json_t *row;

	row_json(v, &json);
	row = json.failed != 0 ? NULL
			       : json_loadb(buf_cstr(&json), json.len, 0, NULL);
	/* Never a row less: an export that cannot go on fails. */
	if (row == NULL) {
		out->failed = json.failed != 0 ? json.failed : ERR_NOMEM;
		return;
	}
	fn(row, out);
	buf_putc(out, '\n');
	json_decref(row);
}

static void
cef_row(const struct row_view *v, struct buf *out)
{
	siem_row(v, siem_cef, out);
}

static void
ecs_row(const struct row_view *v, struct buf *out)
{
	siem_row(v, siem_ecs, out);
}

static void
ocsf_row(const struct row_view *v, struct buf *out)
{
	siem_row(v, siem_ocsf, out);
}

static const struct export_format formats[] = {
	{ "jsonl", NULL, jsonl_row },
	{ "csv", csv_head, csv_row },
	{ "cef", NULL, cef_row },
	{ "ecs", NULL, ecs_row },
	{ "ocsf", NULL, ocsf_row },
};

const struct export_format *
export_format_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (str_eqz(str_of(name), formats[i].name))
			return &formats[i];
	}
	return NULL;
}
