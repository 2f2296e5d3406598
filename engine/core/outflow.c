/*
 * Output between a launcher and its readers: kept heads, one tail, credit.
 * Runs in: engine.  Trusts: nothing; bytes are bytes.
 * Owns: the readers, what is kept and what waits.
 */
#include "outflow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/limits.h"

#define EVENT_BYTES_MAX ((size_t)1 << 20)
#define SLICE ((size_t)64 << 10) /* of one event; escaped, it fits */
#define KEPT_FLAG 0x80
#define RECORD_HEAD 5 /* stream, length */
#define LAST 8 /* the part of the last bytes to that of the first */
#define WORDS_BYTES 80 /* about what is left out */

static const char *const stream_names[OUTFLOW_STREAMS] = { "stdout", "stderr" };

void
outflow_init(struct outflow *f, size_t kept_max)
{
	*f = (struct outflow){ .tail = BUF_INIT(OUTFLOW_TAIL_MAX) };
	for (size_t s = 0; s < OUTFLOW_STREAMS; s++) {
		f->kept[s] = (struct buf)BUF_INIT(kept_max);
		f->last[s].bytes = (struct buf)BUF_INIT(kept_max / LAST);
	}
}

void
outflow_keep_less(struct outflow *f, size_t kept_max)
{
	for (size_t s = 0; s < OUTFLOW_STREAMS; s++) {
		assert(f->total[s] == 0);
		if (kept_max >= f->kept[s].max)
			continue;
		f->kept[s].max = kept_max;
		f->last[s].bytes.max = kept_max / LAST;
	}
}

void
outflow_free(struct outflow *f)
{
	struct output_reader *reader;

	while ((reader = f->readers) != NULL) {
		f->readers = reader->next;
		free(reader);
	}
	for (size_t s = 0; s < OUTFLOW_STREAMS; s++) {
		buf_free(&f->kept[s]);
		buf_free(&f->last[s].bytes);
		buf_free(&f->text[s]);
	}
	buf_free(&f->tail);
}

size_t
outflow_size(const struct outflow *f)
{
	size_t n = 0;

	for (size_t s = 0; s < OUTFLOW_STREAMS; s++)
		n += f->kept[s].len + f->last[s].bytes.len + f->text[s].len;
	return n;
}

/* Bytes of a stream that are kept nowhere. */
static uint64_t
gap_of(const struct outflow *f, size_t s)
{
	return f->total[s] - f->kept[s].len - f->last[s].bytes.len;
}

bool
outflow_is_cut(const struct outflow *f)
{
	for (size_t s = 0; s < OUTFLOW_STREAMS; s++) {
		if (gap_of(f, s) > 0)
			return true;
	}
	return false;
}

/* ---- the last bytes ------------------------------------------------------ */

/* grow: it may become so much longer; returns how much it has. */
static size_t
last_put(struct outflow_last *l, struct str bytes, size_t grow)
{
	const size_t room = l->at == 0 ? l->bytes.max - l->bytes.len : 0;
	size_t n = room < grow ? room : grow, len, first;

	n = n < bytes.len ? n : bytes.len;
	buf_put_str(&l->bytes, str_head(bytes, n));
	if (l->bytes.failed != 0) {
		l->bytes.failed = 0;
		n = 0;
	}
	bytes = str_from(bytes, n);
	len = l->bytes.len;
	if (bytes.len == 0 || len == 0)
		return n;
	/* Of more than it holds only the end matters. */
	if (bytes.len > len) {
		l->at = (l->at + (bytes.len - len)) % len;
		bytes = str_from(bytes, bytes.len - len);
	}
	first = len - l->at < bytes.len ? len - l->at : bytes.len;
	memcpy(l->bytes.s + l->at, bytes.s, first);
	memcpy(l->bytes.s, bytes.s + first, bytes.len - first);
	l->at = (l->at + bytes.len) % len;
	return n;
}

/* From the i-th of them on, as far as they lie together. */
static struct str
last_from(const struct outflow_last *l, size_t i)
{
	const size_t len = l->bytes.len, at = l->at + i;

	return at < len ? str_n(l->bytes.s + at, len - at)
			: str_n(l->bytes.s + (at - len), len - i);
}

static void
last_copy(const struct outflow_last *l, size_t from, struct buf *to)
{
	while (from < l->bytes.len) {
		const struct str part = last_from(l, from);

		buf_put_str(to, part);
		from += part.len;
	}
}

void
outflow_put_all(const struct outflow *f, int stream, struct buf *to)
{
	const size_t s = stream == 2 ? 1 : 0;

	buf_put_str(to, buf_str(&f->kept[s]));
	last_copy(&f->last[s], 0, to);
}

/* The last n bytes of what is kept; fewer where there is a gap before. */
static void
copy_end(const struct outflow *f, size_t s, size_t n, struct buf *to)
{
	const struct outflow_last *last = &f->last[s];
	const struct str kept = buf_str(&f->kept[s]);

	if (n > last->bytes.len) {
		if (gap_of(f, s) == 0)
			buf_put_str(to,
			    str_from(kept, kept.len - (n - last->bytes.len)));
		n = last->bytes.len;
	}
	last_copy(last, last->bytes.len - n, to);
}

struct str
outflow_text(struct outflow *f, int stream, size_t max)
{
	const size_t s = stream == 2 ? 1 : 0;
	const struct str kept = buf_str(&f->kept[s]);
	const size_t all = kept.len + f->last[s].bytes.len;
	const bool whole = gap_of(f, s) == 0 && all <= max;
	const size_t half = (max - WORDS_BYTES) / 2;
	const struct str head =
	    str_head(kept, kept.len < half ? kept.len : half);
	AUTO_BUF struct buf end = BUF_INIT(max);
	struct buf *to = &f->text[s];

	if (whole && all == kept.len)
		return kept;
	buf_free(to);
	*to = (struct buf)BUF_INIT(max);
	if (whole) {
		outflow_put_all(f, stream, to);
		return buf_str(to);
	}
	copy_end(f, s, half, &end);
	buf_put_str(to, head);
	buf_printf(to, "\n[... %llu bytes are left out here ...]\n",
	    (unsigned long long)(f->total[s] - head.len - end.len));
	buf_put_str(to, buf_str(&end));
	return to->failed == 0 ? buf_str(to) : head;
}

/* ---- events ------------------------------------------------------------- */

static void
send_event(const struct outflow_out *out, struct output_reader *to,
    const struct buf *event)
{
	assert(event->failed != ERR_LIMIT);
	if (event->failed != 0)
		return;
	to->ahead += event->len;
	out->chunk(out->ctx, to->call_id, buf_str(event));
}

/* Text as a JSON string; what JSON cannot hold exactly in base64. */
static void
send_bytes(const struct outflow_out *out, struct output_reader *to,
    size_t stream, struct str bytes)
{
	AUTO_BUF struct buf event = BUF_INIT(EVENT_BYTES_MAX);
	struct jsonw w = jsonw_on(&event);

	if (text_is_utf8(bytes) && str_find(bytes, '\0') == bytes.len) {
		buf_printf(&event, "event: %s\ndata: ", stream_names[stream]);
		jsonw_str(&w, bytes);
	} else {
		buf_printf(
		    &event, "event: %s-base64\ndata: \"", stream_names[stream]);
		text_base64(&event, bytes);
		buf_putc(&event, '"');
	}
	buf_puts(&event, "\n\n");
	send_event(out, to, &event);
}

/* Counts of bytes, under the names of their streams. */
static void
send_counts(const struct outflow_out *out, struct output_reader *to,
    const char *name, const uint64_t counts[static OUTFLOW_STREAMS])
{
	AUTO_BUF struct buf event = BUF_INIT(EVENT_BYTES_MAX);
	struct jsonw w = jsonw_on(&event);

	buf_printf(&event, "event: %s\ndata: ", name);
	jsonw_object(&w);
	for (size_t s = 0; s < OUTFLOW_STREAMS; s++)
		jsonw_kint(&w, stream_names[s], (int64_t)counts[s]);
	jsonw_end(&w);
	buf_puts(&event, "\n\n");
	send_event(out, to, &event);
}

/* ---- the tail ----------------------------------------------------------- */

static uint64_t
tail_end(const struct outflow *f)
{
	return f->tail_start + (f->tail.len - f->tail_gone);
}

static void
tail_reset(struct outflow *f)
{
	f->tail_start = tail_end(f);
	f->tail_gone = 0;
	if (f->readers == NULL)
		buf_free(&f->tail);
	else
		buf_reset(&f->tail);
}

/* Lets go of what every reader has. */
static void
tail_trim(struct outflow *f)
{
	uint64_t first = tail_end(f);

	if (f->waits)
		return;
	for (const struct output_reader *r = f->readers; r != NULL; r = r->next)
		first = r->tail_at < first ? r->tail_at : first;
	f->tail_gone += (size_t)(first - f->tail_start);
	f->tail_start = first;
	if (f->tail_gone == f->tail.len) {
		tail_reset(f);
	} else if (f->tail_gone > f->tail.len / 2) {
		buf_consume(&f->tail, f->tail_gone);
		f->tail_gone = 0;
	}
}

/* One record: its stream and bytes; returns its length. */
static size_t
tail_read(
    const struct outflow *f, uint64_t at, uint8_t *ret_kind, struct str *ret)
{
	const size_t skip = f->tail_gone + (size_t)(at - f->tail_start);
	struct rec in = rec_of(str_from(buf_str(&f->tail), skip));

	assert(at >= f->tail_start && at < tail_end(f));
	*ret_kind = rec_u8(&in);
	*ret = rec_str(&in);
	assert(in.failed == 0);
	return RECORD_HEAD + ret->len;
}

/* Without memory for it, the bytes are counted as lost: readers see by the
 * count at the end that they have not all. */
static void
tail_put(struct outflow *f, size_t stream, struct str bytes, bool kept)
{
	const size_t room = f->tail.max - f->tail.len;
	char *at;

	if (bytes.len == 0)
		return;
	at = bytes.len + RECORD_HEAD > room
	    ? NULL
	    : buf_reserve(&f->tail, bytes.len + RECORD_HEAD);
	if (at == NULL) {
		f->tail.failed = 0;
		return;
	}
	rec_put_u8(&f->tail, (uint8_t)(stream | (kept ? KEPT_FLAG : 0)));
	rec_put_str(&f->tail, bytes);
}

/* ---- readers ------------------------------------------------------------ */

static bool
send_head(const struct outflow *f, const struct outflow_out *out,
    struct output_reader *to)
{
	for (size_t s = 0; s < OUTFLOW_STREAMS; s++) {
		const size_t left = to->head_to[s] - to->head_at[s];
		const size_t n = left < SLICE ? left : SLICE;

		if (n == 0)
			continue;
		send_bytes(out, to, s, str_n(f->kept[s].s + to->head_at[s], n));
		to->head_at[s] += n;
		return true;
	}
	return false;
}

static bool
send_missed(const struct outflow_out *out, struct output_reader *to)
{
	if (to->told_missed)
		return false;
	to->told_missed = true;
	if (to->missed[0] == 0 && to->missed[1] == 0)
		return false;
	send_counts(out, to, "missed", to->missed);
	return true;
}

static bool
send_last(const struct outflow *f, const struct outflow_out *out,
    struct output_reader *to)
{
	for (size_t s = 0; s < OUTFLOW_STREAMS; s++) {
		struct str part;

		if (to->last_at[s] == to->last_to[s])
			continue;
		part = last_from(&f->last[s], to->last_at[s]);
		part = str_head(part, part.len < SLICE ? part.len : SLICE);
		send_bytes(out, to, s, part);
		to->last_at[s] += part.len;
		return true;
	}
	return false;
}

static bool
send_tail(const struct outflow *f, const struct outflow_out *out,
    struct output_reader *to)
{
	struct str bytes;
	uint64_t at;
	uint8_t kind;

	if (to->tail_at == tail_end(f))
		return false;
	at = to->tail_at;
	to->tail_at += tail_read(f, at, &kind, &bytes);
	if ((kind & KEPT_FLAG) == 0 || at >= to->tail_new)
		send_bytes(out, to, kind & 1, bytes);
	return true;
}

/* As much as it may be ahead. */
static void
serve(const struct outflow *f, const struct outflow_out *out,
    struct output_reader *to)
{
	while (to->ahead <= OUTFLOW_AHEAD &&
	    (send_head(f, out, to) || send_missed(out, to) ||
		send_last(f, out, to) || send_tail(f, out, to)))
		continue;
}

static bool
is_behind(const struct outflow *f, const struct output_reader *r)
{
	return r->ahead > OUTFLOW_AHEAD || r->tail_at != tail_end(f) ||
	    r->head_at[0] != r->head_to[0] || r->head_at[1] != r->head_to[1] ||
	    r->last_at[0] != r->last_to[0] || r->last_at[1] != r->last_to[1];
}

/* All of it was sent: that is said with how much there was. */
static void
say_end(const struct outflow *f, const struct outflow_out *out,
    struct output_reader *to)
{
	send_counts(out, to, "done", f->total);
	out->end(out->ctx, to->call_id);
}

static void
say_dropped(const struct outflow_out *out, struct output_reader *to)
{
	out->chunk(out->ctx, to->call_id,
	    STR("event: dropped\ndata: {\"reason\":\"too slow\"}\n\n"));
	out->end(out->ctx, to->call_id);
}

/* Who has all of a run that is over leaves; so does who only looks on and
 * falls so far behind that the run's own reader would suffer for it. */
static void
let_go(struct outflow *f, const struct outflow_out *out)
{
	const bool is_long = f->tail.len - f->tail_gone > OUTFLOW_TAIL_LONG;
	struct output_reader **at = &f->readers;

	while (*at != NULL) {
		struct output_reader *r = *at;
		const bool behind = is_behind(f, r);

		if (f->over && !behind) {
			say_end(f, out, r);
		} else if (is_long && behind && !r->holds) {
			say_dropped(out, r);
		} else {
			at = &r->next;
			continue;
		}
		*at = r->next;
		free(r);
	}
	tail_trim(f);
}

static void
serve_all(struct outflow *f, const struct outflow_out *out)
{
	for (struct output_reader *r = f->readers; r != NULL; r = r->next)
		serve(f, out, r);
	tail_trim(f);
	let_go(f, out);
}

/* ---- what comes --------------------------------------------------------- */

size_t
outflow_add(struct outflow *f, const struct outflow_out *out, int stream,
    struct str bytes, size_t keep)
{
	const size_t s = stream == 2 ? 1 : 0;
	struct buf *kept = &f->kept[s];
	const size_t room = kept->max - kept->len;
	size_t n = bytes.len < room ? bytes.len : room, grown;

	n = n < keep ? n : keep;
	/* What is kept is the beginning, without gaps, and the end. */
	if (f->total[s] != kept->len)
		n = 0;
	buf_put_str(kept, str_head(bytes, n));
	if (kept->failed != 0) {
		kept->failed = 0;
		n = 0;
	}
	f->total[s] += bytes.len;
	f->owed += bytes.len;
	grown = n + last_put(&f->last[s], str_from(bytes, n), keep - n);
	f->waits = f->waits || (!f->had_reader && n < bytes.len);
	if (f->readers != NULL)
		tail_put(f, s, str_head(bytes, n), true);
	if (f->readers != NULL || f->waits)
		tail_put(f, s, str_from(bytes, n), false);
	serve_all(f, out);
	return grown;
}

/* Bytes that are in the tail and nowhere else. */
static void
count_tail(const struct outflow *f, uint64_t ret[static OUTFLOW_STREAMS])
{
	uint64_t at = f->tail_start;

	while (at < tail_end(f)) {
		struct str bytes;
		uint8_t kind;

		at += tail_read(f, at, &kind, &bytes);
		if ((kind & KEPT_FLAG) == 0)
			ret[kind & 1] += bytes.len;
	}
}

void
outflow_reader_add(struct outflow *f, const struct outflow_out *out,
    struct output_reader *reader)
{
	uint64_t in_tail[OUTFLOW_STREAMS] = { 0, 0 };

	count_tail(f, in_tail);
	for (size_t s = 0; s < OUTFLOW_STREAMS; s++) {
		reader->head_to[s] = f->kept[s].len;
		reader->missed[s] = f->total[s] - f->kept[s].len - in_tail[s];
		/* While it runs they are not the last ones for long. */
		if (!f->over || in_tail[s] > 0)
			continue;
		reader->last_to[s] = f->last[s].bytes.len;
		reader->missed[s] -= reader->last_to[s];
	}
	reader->tail_at = f->tail_start;
	reader->tail_new = tail_end(f);
	reader->next = f->readers;
	f->readers = reader;
	f->had_reader = true;
	f->waits = false;
	serve_all(f, out);
}

struct output_reader *
outflow_reader_gone(
    struct outflow *f, const struct outflow_out *out, uint64_t call_id)
{
	struct output_reader **at = &f->readers, *gone;

	while (*at != NULL && (*at)->call_id != call_id)
		at = &(*at)->next;
	gone = *at;
	if (gone == NULL)
		return NULL;
	*at = gone->next;
	tail_trim(f);
	serve_all(f, out);
	return gone;
}

void
outflow_taken(struct outflow *f, const struct outflow_out *out,
    uint64_t call_id, uint64_t bytes)
{
	for (struct output_reader *r = f->readers; r != NULL; r = r->next) {
		if (r->call_id != call_id)
			continue;
		r->ahead -= bytes < r->ahead ? (size_t)bytes : r->ahead;
	}
	serve_all(f, out);
}

void
outflow_give_up(struct outflow *f)
{
	if (!f->waits)
		return;
	f->waits = false;
	f->had_reader = true;
	tail_trim(f);
}

void
outflow_end(struct outflow *f, const struct outflow_out *out)
{
	f->over = true;
	serve_all(f, out);
}

void
outflow_dismiss(struct outflow *f, const struct outflow_out *out)
{
	struct output_reader *reader;

	while ((reader = f->readers) != NULL) {
		f->readers = reader->next;
		say_dropped(out, reader);
		free(reader);
	}
	tail_trim(f);
}

/* ---- credit ------------------------------------------------------------- */

size_t
outflow_credit(struct outflow *f)
{
	const size_t n = f->owed;

	for (const struct output_reader *r = f->readers; r != NULL;
	     r = r->next) {
		if (r->holds && is_behind(f, r))
			return 0;
	}
	/* Few words: a quarter of what may be under way. */
	if (f->waits || n < RUN_WINDOW_BYTES / 4)
		return 0;
	f->owed = 0;
	return n;
}
