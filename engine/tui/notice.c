/*
 * Bell, notices of terminals, a command.
 * Runs in: assent.  Trusts: nothing; says only our own words and a number.
 * Owns: nothing.
 */
#include "notice.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tools/notify.h"

#define TEXT_BYTES 64

static const struct {
	const char *name;
	unsigned kind;
} kinds[] = {
	{ "bell", NOTICE_BELL },
	{ "osc9", NOTICE_OSC9 },
	{ "osc777", NOTICE_OSC777 },
	{ "osc99", NOTICE_OSC99 },
	{ "none", 0 },
};

int
notice_parse(const char *list, struct notice *ret, struct err *e)
{
	struct str rest = str_of(list);

	ret->kinds = 0;
	do {
		const struct str word = str_cut(&rest, ',');
		size_t i = 0;

		while (i < ARRAY_LEN(kinds) && !str_eqz(word, kinds[i].name))
			i++;
		if (i == ARRAY_LEN(kinds))
			return err_set(e, ERR_INVALID,
			    "'%.*s' is no notice: there is bell, osc9, "
			    "osc777, osc99 and none",
			    STR_ARG(str_head(word, TEXT_BYTES)));
		ret->kinds |= kinds[i].kind;
	} while (rest.len > 0);
	return ERR_OK;
}

/* tmux passes on what stands in a DCS, with each ESC doubled. */
static void
put_osc(const struct notice *n, struct buf *out, const char *text)
{
	const char *esc = n->tmux ? "\033\033" : "\033";

	if (n->tmux)
		buf_puts(out, "\033Ptmux;");
	buf_puts(out, esc);
	buf_putc(out, ']');
	buf_puts(out, text);
	buf_puts(out, esc);
	buf_putc(out, '\\');
	if (n->tmux)
		buf_puts(out, "\033\\");
}

void
notice_bytes(const struct notice *n, size_t waiting, struct buf *out)
{
	char what[TEXT_BYTES], text[2 * TEXT_BYTES];

	(void)snprintf(what, sizeof(what), "assent: %zu request%s waiting",
	    waiting, waiting == 1 ? "" : "s");
	if ((n->kinds & NOTICE_BELL) != 0)
		buf_putc(out, '\a');
	if ((n->kinds & NOTICE_OSC9) != 0) {
		(void)snprintf(text, sizeof(text), "9;%s", what);
		put_osc(n, out, text);
	}
	if ((n->kinds & NOTICE_OSC777) != 0) {
		(void)snprintf(
		    text, sizeof(text), "777;notify;assent;%s", what);
		put_osc(n, out, text);
	}
	if ((n->kinds & NOTICE_OSC99) != 0) {
		(void)snprintf(text, sizeof(text), "99;i=assent;%s", what);
		put_osc(n, out, text);
	}
}

bool
notice_is_due(struct notice *n, int64_t now)
{
	if (n->last_ns != 0 && now >= n->last_ns &&
	    now - n->last_ns < NOTICE_EVERY_NS)
		return false;
	n->last_ns = now;
	return true;
}

int
notice_run(const struct notice *n, size_t waiting, struct err *e)
{
	return n->command == NULL ? ERR_OK : notify_run(n->command, waiting, e);
}
