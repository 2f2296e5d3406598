/*
 * Tell with a run's end what the kernel denied to it.
 * Runs in: assent-exec --launcher, as root.
 * Trusts: the plan; of what was denied nothing but that it can be shown.
 * Owns: nothing; the link to the reader is the launcher's.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "launcher/lrun.h"

/* The reader answers at once; this is for one that is held up. */
#define ANSWER_MS 20
/* What the kernel has to say comes by way of a thread of its own. A run that
 * succeeded does not wait for that. */
#define LATE_MS 2
#define TEXT_MAX 512

/* Not in the outcome, which has been told: in the daemon's log. */
static void
log_late(const struct lrun *r)
{
	const struct audit_denials *d = &r->audit.denials;
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);

	for (uint32_t i = 0; i <= d->count; i++) {
		buf_reset(&text);
		if (audit_denials_text(d, i, &text))
			log_info("denied-late", "run=%llu uid=%u what=%s",
			    (unsigned long long)r->number, r->plan->who.uid,
			    buf_cstr(&text));
	}
}

/* Another run's end may be what waits: it is looked at later. */
static void
answered(void *ctx, uint64_t domain, const struct audit_denials *d)
{
	struct launcher *l = ctx;

	for (struct lrun *r = l->runs; r != NULL; r = r->next) {
		if (r->audit.over || r->audit.domain != domain)
			continue;
		r->audit.denials = *d;
		r->audit.over = true;
		if (r->answered)
			log_late(r);
		else
			loop_defer(l->loop, &l->audit_due);
	}
}

static void
end_due(void *ctx)
{
	struct launcher *l = ctx;
	struct lrun *next;

	for (struct lrun *r = l->runs; r != NULL; r = next) {
		next = r->next;
		if (r->audit.over && !r->answered)
			lrun_end_if_over(r);
	}
}

/* Without its reader runs end as where there is none. */
static void
close_link(struct launcher *l, const char *why)
{
	log_warn("denial-records", "not read any more: %s", why);
	(void)snprintf(l->no_audit, sizeof(l->no_audit), "%s", why);
	loop_forget(l->loop, audit_link_fd(l->audit));
	audit_link_free(l->audit);
	l->audit = NULL;
	for (struct lrun *r = l->runs; r != NULL; r = r->next)
		r->audit.over = true;
	loop_defer(l->loop, &l->audit_due);
}

static void
turn(struct launcher *l)
{
	if (!audit_link_turn(l->audit))
		close_link(l, "their reader has ended");
}

/* Asks where there is something to ask for. */
static bool
ask(struct lrun *r)
{
	const struct launcher *l = r->l;

	r->audit.domain = audit_link_domain(
	    l->audit, r->audit.command, r->plan->who.uid, r->started_ns);
	return r->audit.domain != 0 &&
	    audit_link_ask(l->audit, r->audit.domain);
}

/* Those that wait, and those whose answer has just left. */
static void
on_link(void *ctx, int fd, unsigned events)
{
	struct launcher *l = ctx;

	(void)fd;
	(void)events;
	turn(l);
	for (struct lrun *r = l->runs; l->audit != NULL && r != NULL;
	     r = r->next) {
		if ((r->audit.waits || r->answered) && r->audit.domain == 0 &&
		    r->audit.command > 0)
			(void)ask(r);
	}
}

/* Once, with the first run that may have records. */
static void
open_link(struct launcher *l, bool switch_on)
{
	struct err e = ERR_INIT;
	int feed, r;

	if (l->knows_audit || geteuid() != 0)
		return;
	l->knows_audit = true;
	l->audit_due = (struct loop_task){ .fn = end_due, .ctx = l };
	r = audit_link_feed(switch_on, &feed, &e);
	if (r == 0)
		r = audit_link_open(feed, answered, l, &l->audit, &e);
	if (r == 0)
		r = loop_fd(l->loop, audit_link_fd(l->audit), LOOP_READ,
		    on_link, l, &e);
	if (r == 0) {
		log_info("denial-records", "read=yes");
		return;
	}
	audit_link_free(l->audit);
	l->audit = NULL;
	(void)snprintf(l->no_audit, sizeof(l->no_audit), "%s", e.msg);
	log_info("denial-records", "read=no why=%s", e.msg);
}

void
lrun_audit_begin(struct lrun *r)
{
	struct launcher *l = r->l;

	if (r->plan->records == PLAN_RECORDS_OFF)
		return;
	open_link(l, r->plan->records == PLAN_RECORDS_ON);
	if (l->audit == NULL)
		return;
	audit_link_watch(l->audit, r->plan->who.uid);
	r->audit.losses = audit_link_losses(l->audit);
}

static void
give_up(void *ctx)
{
	struct lrun *r = ctx;

	r->audit.timer = NULL;
	r->audit.over = true;
	lrun_end_if_over(r);
}

static bool
has_failed(const struct lrun *r)
{
	return !r->reported || r->end.type != CTL_ENDED || r->end.code != 0;
}

/* A run that succeeded, and in which nothing is known to have been denied,
 * waits for nothing. */
bool
lrun_audit_is_over(struct lrun *r)
{
	struct launcher *l = r->l;

	if (l->audit == NULL || r->plan->records == PLAN_RECORDS_OFF ||
	    r->audit.command <= 0)
		return true;
	if (r->audit.over || r->audit.waits)
		return r->audit.over;
	turn(l);
	if (l->audit == NULL)
		return true;
	if (!ask(r) && !has_failed(r))
		return true;
	r->audit.waits =
	    loop_after(l->loop, r->audit.domain != 0 ? ANSWER_MS : LATE_MS,
		give_up, r, &r->audit.timer, NULL) == 0;
	return !r->audit.waits;
}

void
lrun_audit_done(struct lrun *r)
{
	loop_cancel(r->l->loop, r->audit.timer);
	r->audit.timer = NULL;
}

void
lrun_audit_violations(struct lrun *r, struct ctl *end)
{
	const struct launcher *l = r->l;
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);

	lrun_audit_done(r);
	audit_denials_add(&r->audit.denials, end, r->arena);
	if (l->audit != NULL && audit_link_losses(l->audit) > r->audit.losses)
		buf_puts(&text, AUDIT_LOST_NOTE);
	else if (l->audit == NULL && geteuid() == 0 &&
	    r->plan->records == PLAN_RECORDS_ON)
		buf_printf(&text, AUDIT_UNREAD_NOTE "%s", l->no_audit);
	if (text.len > 0 && text.failed == 0)
		ctl_add_violation(end, arena_strdup(r->arena, buf_cstr(&text)));
}
