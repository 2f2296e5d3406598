/*
 * Start the reader of the kernel's records, and ask it.
 * Runs in: assent-exec, as root.  Trusts: of the reader nothing but that it
 * says what it read; its text is checked to be printable.
 * Owns: the reader's process and the link to it.
 */
#include "audit/link.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "audit/feed.h"
#include "audit/reader.h"
#include "base/audit.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"
#include "start/ctl.h"
#include "sys.h"

#define OWNERS_MAX 256
#define TURN_MAX 64
#define TEXT_MAX 512

struct owner {
	uint64_t domain;
	uint32_t pid, uid;
	int64_t told_ns;
};

struct audit_link {
	int fd, pidfd;
	audit_answered_fn *answered;
	void *ctx;
	struct owner owners[OWNERS_MAX]; /* the latest */
	size_t next;
	uint32_t uids[AUDIT_UIDS_MAX];
	size_t uid_count;
	uint64_t losses;
};

static int
start_reader(struct audit_link *l, int feed, struct err *e)
{
	AUTO_FD int mine = -1;
	AUTO_FD int theirs = -1;
	int pair[2], pidfd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "cannot make a link to a reader");
	mine = pair[0];
	theirs = pair[1];
	pid = sys_fork(0, &pidfd);
	if (pid < 0)
		return err_sys(e, "cannot start a reader of audit records");
	if (pid == 0)
		audit_reader_main(theirs, feed);
	l->pidfd = pidfd;
	l->fd = TAKE_FD(mine);
	return ERR_OK;
}

int
audit_link_feed(bool switch_on, int *ret, struct err *e)
{
	int r = ERR_OK;

	if (sys_landlock_abi() < SYS_LANDLOCK_LOG_ABI)
		return err_set(e, ERR_NOTFOUND,
		    "this kernel keeps no records of what Landlock denies "
		    "(Linux 6.15 does)");
	if (switch_on && audit_ask_state() != AUDIT_STATE_ON)
		r = audit_switch_on(e);
	return r == 0 ? audit_feed_open(ret, e) : r;
}

int
audit_link_open(int feed, audit_answered_fn *answered, void *ctx,
    struct audit_link **ret, struct err *e)
{
	AUTO_FD int taken = feed;
	AUTO_FREE struct audit_link *l = mem_new(1, sizeof(*l));
	int r;

	if (l == NULL)
		return err_nomem(e);
	l->answered = answered;
	l->ctx = ctx;
	r = start_reader(l, taken, e);
	if (r == 0)
		*ret = TAKE_PTR(l);
	return r;
}

void
audit_link_free(struct audit_link *l)
{
	if (l == NULL)
		return;
	(void)sys_pidfd_kill(l->pidfd, SIGKILL);
	while (waitid(P_PIDFD, (id_t)l->pidfd, NULL, WEXITED) < 0 &&
	    errno == EINTR)
		;
	fd_closep(&l->pidfd);
	fd_closep(&l->fd);
	free(l);
}

int
audit_link_fd(const struct audit_link *l)
{
	return l->fd;
}

static bool
is_printable(const char *s, size_t size)
{
	const size_t len = strnlen(s, size);

	return len < size && text_find_hidden(str_n(s, len), NULL) == len;
}

/* The reader took hostile names apart: it is believed no more than they. */
static bool
is_sound(const struct audit_tell *t)
{
	if (t->denials.count > AUDIT_DENIALS_MAX)
		return false;
	for (uint32_t i = 0; i < t->denials.count; i++) {
		const struct audit_denial *d = &t->denials.at[i];

		if (!is_printable(d->object, sizeof(d->object)))
			return false;
	}
	return true;
}

static void
take(struct audit_link *l, const struct audit_tell *t)
{
	if (t->losses > l->losses)
		l->losses = t->losses;
	if (t->kind == AUDIT_TELL_OWNER)
		l->owners[l->next++ % OWNERS_MAX] = (struct owner){
			.domain = t->domain,
			.pid = t->pid,
			.uid = t->uid,
			.told_ns = loop_now_ns(),
		};
	else if (t->kind == AUDIT_TELL_TAKEN)
		l->answered(l->ctx, t->domain, &t->denials);
}

bool
audit_link_turn(struct audit_link *l)
{
	struct audit_tell t;

	for (unsigned i = 0; i < TURN_MAX; i++) {
		const ssize_t n = recv(l->fd, &t, sizeof(t), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(t) || !is_sound(&t))
			return false;
		take(l, &t);
	}
	return true;
}

static bool
ask(struct audit_link *l, const struct audit_ask *q)
{
	return send(l->fd, q, sizeof(*q), MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)sizeof(*q);
}

void
audit_link_watch(struct audit_link *l, uid_t uid)
{
	const struct audit_ask q = { .kind = AUDIT_ASK_WATCH, .uid = uid };

	for (size_t i = 0; i < l->uid_count; i++) {
		if (l->uids[i] == uid)
			return;
	}
	if (l->uid_count < AUDIT_UIDS_MAX && ask(l, &q))
		l->uids[l->uid_count++] = uid;
}

uint64_t
audit_link_domain(
    const struct audit_link *l, pid_t pid, uid_t uid, int64_t since_ns)
{
	for (size_t i = 0; i < OWNERS_MAX; i++) {
		const struct owner *o = &l->owners[i];

		if (o->domain != 0 && o->pid == (uint32_t)pid &&
		    o->uid == uid && o->told_ns >= since_ns)
			return o->domain;
	}
	return 0;
}

bool
audit_link_ask(struct audit_link *l, uint64_t domain)
{
	const struct audit_ask q = {
		.kind = AUDIT_ASK_TAKE,
		.domain = domain,
	};

	return ask(l, &q);
}

uint64_t
audit_link_losses(const struct audit_link *l)
{
	return l->losses;
}

/* ---- words ------------------------------------------------------------------ */

static void
put_rights(struct buf *out, uint32_t rights)
{
	const char *name, *between = "";

	for (unsigned i = 0; (name = audit_right_name(i)) != NULL; i++) {
		if ((rights & 1U << i) == 0)
			continue;
		buf_printf(out, "%s%s", between, name);
		between = ",";
	}
}

bool
audit_denials_text(const struct audit_denials *d, uint32_t i, struct buf *out)
{
	if (i > d->count || (i == d->count && d->others == 0))
		return false;
	buf_puts(out, AUDIT_DENIAL_PREFIX);
	if (i == d->count) {
		buf_printf(out, "%u more denials", d->others);
		return true;
	}
	put_rights(out, d->at[i].rights);
	if (d->at[i].object[0] != '\0')
		buf_printf(out, " %s", d->at[i].object);
	if (d->at[i].times > 1)
		buf_printf(out, " (%u times)", d->at[i].times);
	return true;
}

void
audit_denials_add(
    const struct audit_denials *d, struct ctl *end, struct arena *a)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);

	for (uint32_t i = 0; i <= d->count; i++) {
		buf_reset(&text);
		if (audit_denials_text(d, i, &text) &&
		    buf_done(&text, NULL) == 0)
			ctl_add_violation(
			    end, arena_strdup(a, buf_cstr(&text)));
	}
}
