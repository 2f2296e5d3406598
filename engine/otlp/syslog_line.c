/*
 * RFC 5424.
 * Runs in: reporter.  Trusts: nothing in rows: no text of theirs ends a value,
 * an element or the line.  Owns: nothing.
 */
#include "syslog_line.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/json_in.h"
#include "event.h"

#define LEVELS 8
#define SD_ID "assent@32473"
#define HOST_LEN_MAX 255
#define MSGID_LEN_MAX 32
#define VALUE_MAX ((size_t)1024)
#define TEXT_MAX ((size_t)2048)
#define BOM "\xef\xbb\xbf"

enum {
	LEVEL_ERROR = 3,
	LEVEL_WARNING = 4,
	LEVEL_INFO = 6,
};

int
syslog_level(const json_t *row)
{
	const unsigned severity = event_severity(row);

	if (severity >= SEVERITY_ERROR)
		return LEVEL_ERROR;
	return severity >= SEVERITY_WARN ? LEVEL_WARNING : LEVEL_INFO;
}

/* PRINTUSASCII, or the nil value. */
static void
put_name(struct buf *out, const char *text, size_t len_max, bool upper)
{
	const size_t before = out->len;

	for (size_t i = 0; text != NULL && text[i] != '\0' && i < len_max;
	     i++) {
		const unsigned char c = (unsigned char)text[i];

		if (isgraph(c))
			buf_putc(out, (char)(upper ? toupper(c) : c));
	}
	if (out->len == before)
		buf_putc(out, '-');
}

/* Made visible first, then quoted as the format wants it. */
static void
put_value(struct buf *out, const char *text)
{
	AUTO_BUF struct buf safe = BUF_INIT(VALUE_MAX * 8);

	text_escape(&safe, str_head(str_of(text), VALUE_MAX));
	for (size_t i = 0; i < safe.len; i++) {
		if (strchr("\"\\]", safe.s[i]) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, safe.s[i]);
	}
}

static void
put_param(struct buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(out, " %s=\"", name);
	put_value(out, text);
	buf_putc(out, '"');
}

static void
put_number(struct buf *out, const json_t *row, const char *name)
{
	const json_t *n = json_object_get(row, name);

	if (json_is_integer(n))
		buf_printf(out, " %s=\"%lld\"", name,
		    (long long)json_integer_value(n));
}

static void
put_element(struct buf *out, const json_t *row)
{
	static const char *const columns[] = { "action_id", "session", "tool",
		"decision", "decided_by", "rule", "action_sha256", "log_hash" };
	static const char *const facts[] = { "agent", "approver", "risk",
		"reason", "failure", "event", "plan_sha256", "host",
		"checkpoint" };
	static const char *const numbers[] = { "seq", "uid" };
	const json_t *body = json_object_get(row, "body");

	buf_puts(out, "[" SD_ID);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		put_number(out, row, numbers[i]);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		put_param(out, columns[i], json_in_text(row, columns[i]));
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		put_param(out, facts[i], json_in_text(body, facts[i]));
	buf_putc(out, ']');
}

void
syslog_message(const json_t *row, struct buf *out)
{
	const char *text = json_in_text(json_object_get(row, "body"), "text");
	const char *decision = json_in_text(row, "decision");

	if (decision != NULL)
		buf_printf(out, "%s: ", decision);
	if (text != NULL)
		text_escape(out, str_head(str_of(text), TEXT_MAX));
	else
		put_name(out, json_in_text(row, "kind"), MSGID_LEN_MAX, false);
}

void
syslog_line(
    const struct syslog_origin *from, const json_t *row, struct buf *out)
{
	buf_printf(out, "<%d>1 ", SYSLOG_FACILITY * LEVELS + syslog_level(row));
	put_name(out, json_in_text(row, "time"), HOST_LEN_MAX, false);
	buf_putc(out, ' ');
	put_name(out, from->host, HOST_LEN_MAX, false);
	buf_printf(out, " assent %lld ", (long long)from->pid);
	put_name(out, json_in_text(row, "kind"), MSGID_LEN_MAX, true);
	buf_putc(out, ' ');
	put_element(out, row);
	buf_puts(out, " " BOM);
	syslog_message(row, out);
}
