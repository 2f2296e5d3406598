#ifndef TOOLS_LINES_H
#define TOOLS_LINES_H
/*
 * Lines in and out of descriptors on a loop: how JSON-RPC comes over pipes.
 *
 *     r = line_in_new(&(struct line_in_options){ .loop = l, .fd = 0,
 *         .line_max = max, .on_line = take, .on_end = gone, .ctx = x },
 *         &in, e);
 *     r = line_out_new(l, 1, on_room, x, &out, e);
 *     line_out_put(out, STR("{...}"));         the newline is added
 *
 * Nothing waits for a whole but the line itself. What the other side does not
 * take is kept: line_out_len says how much, and on_room comes when it is gone.
 */
#include "base/loop.h"
#include "base/str.h"

struct line_in;
struct line_out;
/* Without its newline; valid during the call, which may end the reader's
 * owner only by loop_stop. */
typedef void line_fn(void *ctx, struct str line);
/* Once: the end of the input, or why no more is read. */
typedef void line_end_fn(void *ctx, const struct err *why);

struct line_in_options {
	struct loop *loop;
	int fd; /* borrowed */
	size_t line_max; /* a longer one ends it */
	line_fn *on_line;
	line_end_fn *on_end;
	void *ctx;
};

int line_in_new(
    const struct line_in_options *o, struct line_in **ret, struct err *e);
void line_in_free(struct line_in *in);
/* While paused nothing is read: the sender has to wait. */
void line_in_pause(struct line_in *in, bool pause);

/* fd is borrowed, and does not block until line_out_free. on_room, which may
 * be NULL, comes whenever everything was taken. */
int line_out_new(struct loop *l, int fd, void (*on_room)(void *ctx), void *ctx,
    struct line_out **ret, struct err *e);
void line_out_free(struct line_out *out);
/* Nothing is sent any more once the other side is gone. */
void line_out_put(struct line_out *out, struct str line);
size_t line_out_len(const struct line_out *out);
bool line_out_gone(const struct line_out *out);

#endif
