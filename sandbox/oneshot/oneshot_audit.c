/*
 * Add the kernel's word to what a run is told that it was denied.
 * Runs in: assent-exec, on the host's side, as root.
 * Trusts: the plan; of what was denied nothing but that it can be shown.
 * Owns: the socket of records.
 */
#include "oneshot/oneshot_audit.h"

#include <poll.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"

#define TEXT_MAX 512
/* Its namespaces are gone by now: what the kernel had to say, it has said. */
#define LATE_MS 2
#define ANSWER_MS 50

void
oneshot_audit_begin(struct oneshot_audit *a, const struct plan *p)
{
	*a = (struct oneshot_audit){ .feed = -1, .why = ERR_INIT };
	if (geteuid() != 0 || p->records == PLAN_RECORDS_OFF)
		return;
	if (audit_link_feed(p->records == PLAN_RECORDS_ON, &a->feed, &a->why) !=
	    0)
		a->feed = -1;
}

struct waiting {
	struct audit_denials denials;
	bool over;
};

static void
answered(void *ctx, uint64_t domain, const struct audit_denials *d)
{
	struct waiting *w = ctx;

	(void)domain;
	w->denials = *d;
	w->over = true;
}

static void
ask(struct audit_link *l, const struct oneshot_audit *a, uid_t uid,
    struct waiting *w)
{
	struct pollfd p = { .fd = audit_link_fd(l), .events = POLLIN };
	const int64_t until = loop_now_ns() + (int64_t)ANSWER_MS * 1000000;
	bool asked = false;

	audit_link_watch(l, uid);
	while (!w->over && loop_now_ns() < until) {
		const uint64_t domain =
		    audit_link_domain(l, a->command, uid, 0);

		if (!asked && domain != 0)
			asked = audit_link_ask(l, domain);
		if (poll(&p, 1, asked ? ANSWER_MS : LATE_MS) <= 0 ||
		    !audit_link_turn(l))
			break;
	}
}

static void
read_all(struct oneshot_audit *a, const struct plan *p, struct ctl *end,
    struct arena *arena)
{
	struct waiting w = { .over = false };
	struct audit_link *l;

	if (audit_link_open(TAKE_FD(a->feed), answered, &w, &l, NULL) != 0)
		return;
	ask(l, a, p->who.uid, &w);
	audit_denials_add(&w.denials, end, arena);
	if (audit_link_losses(l) > 0)
		ctl_add_violation(end, AUDIT_LOST_NOTE);
	audit_link_free(l);
}

void
oneshot_audit_end(struct oneshot_audit *a, const struct plan *p,
    struct ctl *end, struct arena *arena)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	struct pollfd ready = { .fd = a->feed, .events = POLLIN };

	if (a->feed < 0) {
		if (p->records != PLAN_RECORDS_ON || geteuid() != 0)
			return;
		buf_printf(&text, AUDIT_UNREAD_NOTE "%s", a->why.msg);
		ctl_add_violation(end, arena_strdup(arena, buf_cstr(&text)));
	} else if (a->command > 0 &&
	    poll(&ready, 1, end->code == 0 ? 0 : LATE_MS) > 0) {
		read_all(a, p, end, arena);
	}
	fd_closep(&a->feed);
	a->feed = -1;
}
