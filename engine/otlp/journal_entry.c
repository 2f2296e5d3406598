/*
 * Rows for systemd's journal.
 * Runs in: reporter.  Trusts: nothing in rows.  Owns: nothing.
 */
#include "journal_entry.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/json_in.h"
#include "syslog_line.h"

#define JSON_BYTES_MAX ((size_t)32 << 20)
#define LENGTH_BYTES 8
#define BYTE_BITS 8

static void
put_field(struct buf *out, const char *name, struct str value)
{
	const uint64_t len = value.len;

	buf_puts(out, name);
	if (str_find(value, '\n') == value.len) {
		buf_putc(out, '=');
	} else {
		buf_putc(out, '\n');
		for (unsigned i = 0; i < LENGTH_BYTES; i++)
			buf_putc(out, (char)(len >> (BYTE_BITS * i) & 0xff));
	}
	buf_put_str(out, value);
	buf_putc(out, '\n');
}

static void
put_text(struct buf *out, const char *name, const json_t *in, const char *key)
{
	const char *text = json_in_text(in, key);

	if (text != NULL)
		put_field(out, name, str_of(text));
}

static void
put_number(struct buf *out, const char *name, const json_t *in, const char *key)
{
	const json_t *n = json_object_get(in, key);

	if (json_is_integer(n))
		buf_printf(
		    out, "%s=%lld\n", name, (long long)json_integer_value(n));
}

/* The row as every export has it: what the fields above are drawn from. */
static void
put_whole(struct buf *out, const json_t *row)
{
	char *json = json_dumps(row, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (json == NULL)
		out->failed = ERR_NOMEM;
	else
		put_field(out, "ASSENT_ROW", str_of(json));
	mem_freep(&json);
}

void
journal_entry(const json_t *row, struct buf *out)
{
	static const struct {
		const char *field, *key;
		bool in_body;
	} texts[] = {
		{ "ASSENT_KIND", "kind", false },
		{ "ASSENT_ACTION_ID", "action_id", false },
		{ "ASSENT_SESSION", "session", false },
		{ "ASSENT_TOOL", "tool", false },
		{ "ASSENT_DECISION", "decision", false },
		{ "ASSENT_DECIDED_BY", "decided_by", false },
		{ "ASSENT_RULE", "rule", false },
		{ "ASSENT_LOG_HASH", "log_hash", false },
		{ "ASSENT_AGENT", "agent", true },
		{ "ASSENT_APPROVER", "approver", true },
		{ "ASSENT_RISK", "risk", true },
		{ "ASSENT_REASON", "reason", true },
		{ "ASSENT_HOST", "host", true },
		{ "ASSENT_CHECKPOINT", "checkpoint", true },
	};
	const json_t *body = json_object_get(row, "body");
	AUTO_BUF struct buf message = BUF_INIT(JSON_BYTES_MAX);

	syslog_message(row, &message);
	if (message.failed != 0)
		out->failed = message.failed;
	put_field(out, "MESSAGE", buf_str(&message));
	buf_printf(out, "PRIORITY=%d\n", syslog_level(row));
	buf_printf(out, "SYSLOG_FACILITY=%d\n", SYSLOG_FACILITY);
	buf_puts(out, "SYSLOG_IDENTIFIER=assent\n");
	put_number(out, "ASSENT_SEQ", row, "seq");
	put_number(out, "ASSENT_UID", row, "uid");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		put_text(out, texts[i].field, texts[i].in_body ? body : row,
		    texts[i].key);
	put_whole(out, row);
}
