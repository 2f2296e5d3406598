/*
 * The output of runs: from their launchers, which hear how much was taken.
 * Runs in: engine.  Trusts: of a launcher nothing but the form of its words.
 * Owns: nothing.
 */
#include "executor/executor_int.h"

#include "base/mem.h"
#include "proto.h"

int
executor_on_output(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher_link *l = ctx;
	struct rec r = rec_of(m->payload);
	const struct started *s = executor_find_number(l, rec_u64(&r));
	const uint8_t stream = rec_u8(&r);
	const struct str bytes = rec_str(&r);
	const int code = rec_done(&r, e);

	if (code != 0)
		return code;
	if (stream != 1 && stream != 2)
		return err_set(e, ERR_INVALID, "output of stream %u", stream);
	if (s != NULL)
		l->x->ev->output(l->x->ctx, s->action_id, stream, bytes);
	return ERR_OK;
}

void
executor_taken(struct executor *x, const char *action_id, uint64_t bytes)
{
	AUTO_BUF struct buf b = BUF_INIT(64);
	const struct started *s = executor_find_action(x, action_id);

	if (s == NULL)
		return;
	rec_put_u64(&b, s->number);
	rec_put_u64(&b, bytes);
	/* A link that takes no word is closing: its runs end with it. */
	(void)ipc_send(s->by->ipc, XL_TAKEN, buf_str(&b), -1, NULL);
}
