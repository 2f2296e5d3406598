/*
 * Server-sent events: lines of "name: value", an empty line ends an event.
 * Runs in: assent.  Trusts: nothing.  Owns: the line and event under way.
 */
#include "events.h"

#include <string.h>

void
events_done(struct events *in)
{
	buf_free(&in->line);
	buf_free(&in->data);
}

static void
forget_event(struct events *in)
{
	buf_reset(&in->data);
	in->name[0] = '\0';
}

static int
end_event(struct events *in, struct err *e)
{
	int r = buf_done(&in->data, e);

	if (r == 0 && in->data.len > 0) {
		/* each data line added a newline; the last one is no content */
		const struct str data = str_n(in->data.s, in->data.len - 1);

		r = in->fn(in->ctx, str_of(in->name), data, e);
	}
	forget_event(in);
	return r;
}

static int
take_name(struct events *in, struct str value, struct err *e)
{
	if (value.len >= sizeof(in->name))
		return err_set(e, ERR_LIMIT,
		    "the name of an event has %zu bytes; at most %d", value.len,
		    EVENT_NAME_MAX - 1);
	memcpy(in->name, value.s, value.len);
	in->name[value.len] = '\0';
	return ERR_OK;
}

static int
take_line(struct events *in, struct str line, struct err *e)
{
	struct str name, value = line;

	if (str_ends(line, STR("\r")))
		value = line = str_head(line, line.len - 1);
	if (line.len == 0)
		return end_event(in, e);
	name = str_cut(&value, ':');
	if (str_starts(value, STR(" ")))
		value = str_from(value, 1);
	if (str_eqz(name, "event"))
		return take_name(in, value, e);
	if (str_eqz(name, "data")) {
		buf_put_str(&in->data, value);
		buf_putc(&in->data, '\n');
	}
	return ERR_OK;
}

int
events_feed(struct events *in, struct str bytes, struct err *e)
{
	while (bytes.len > 0) {
		const size_t end = str_find(bytes, '\n');
		int r;

		buf_put_str(&in->line, str_head(bytes, end));
		if (end == bytes.len)
			break;
		bytes = str_from(bytes, end + 1);
		r = buf_done(&in->line, e);
		if (r == 0)
			r = take_line(in, buf_str(&in->line), e);
		buf_reset(&in->line);
		if (r != 0)
			return r;
	}
	return buf_done(&in->line, e);
}
