/*
 * The event stream format of HTML, as far as MCP uses it.
 * Runs in: assent-mcp-remote.  Trusts: nothing of the bytes.
 * Owns: the event that is being read.
 */
#include "sse.h"

#include <stdio.h>

#include "base/num.h"

#define BOM "\xef\xbb\xbf"

static void
take_field(struct sse *s, struct str name, struct str value)
{
	uint64_t ms;

	if (str_eqz(name, "data")) {
		if (s->has_data)
			buf_putc(&s->data, '\n');
		buf_put_str(&s->data, value);
		s->has_data = true;
	} else if (str_eqz(name, "id")) {
		/* one that cannot be sent back is none */
		if (value.len < SSE_ID_MAX &&
		    str_find(value, '\0') == value.len)
			(void)snprintf(
			    s->id, sizeof(s->id), "%.*s", STR_ARG(value));
	} else if (str_eqz(name, "retry") &&
	    num_parse_u64(value, 0, UINT32_MAX, &ms) == 0) {
		s->retry_ms =
		    ms > SSE_RETRY_MS_MAX ? SSE_RETRY_MS_MAX : (int64_t)ms;
	}
}

static int
take_line(struct sse *s, struct err *e)
{
	struct str line = buf_str(&s->line);
	struct str name;

	if (!s->began && str_starts(line, STR(BOM)))
		line = str_from(line, sizeof(BOM) - 1);
	s->began = true;
	if (buf_done(&s->line, e) != 0)
		return s->line.failed;
	if (line.len == 0) {
		if (buf_done(&s->data, e) != 0)
			return s->data.failed;
		if (s->has_data)
			s->on_event(s->ctx, buf_str(&s->data));
		buf_reset(&s->data);
		s->has_data = false;
		return ERR_OK;
	}
	name = str_cut(&line, ':');
	if (str_at(line, 0) == ' ')
		line = str_from(line, 1);
	if (name.len > 0)
		take_field(s, name, line);
	buf_reset(&s->line);
	return ERR_OK;
}

static size_t
line_len(const char *bytes, size_t len)
{
	size_t n = 0;

	while (n < len && bytes[n] != '\n' && bytes[n] != '\r')
		n++;
	return n;
}

int
sse_feed(struct sse *s, const char *bytes, size_t len, struct err *e)
{
	while (len > 0) {
		const size_t n = line_len(bytes, len);
		int r;

		if (n == 0 && s->after_cr && bytes[0] == '\n') {
			s->after_cr = false;
			bytes++;
			len--;
			continue;
		}
		s->after_cr = false;
		buf_put(&s->line, bytes, n);
		if (n == len)
			return buf_done(&s->line, e);
		s->after_cr = bytes[n] == '\r';
		r = take_line(s, e);
		if (r != 0)
			return r;
		buf_reset(&s->line);
		bytes += n + 1;
		len -= n + 1;
	}
	return ERR_OK;
}

void
sse_restart(struct sse *s)
{
	buf_reset(&s->line);
	buf_reset(&s->data);
	s->has_data = s->after_cr = s->began = false;
}

void
sse_done(struct sse *s)
{
	buf_free(&s->line);
	buf_free(&s->data);
}
