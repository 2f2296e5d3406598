/*
 * epoll, a heap of timers on the boot clock, signalfd.
 * Runs in: every role.  Trusts: its callers.  Owns: its own descriptors; the
 * watched ones are borrowed.
 */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"

#define BATCH_MAX 128
#define NS_PER_MS ((int64_t)1000000)
#define NS_PER_S ((int64_t)1000000000)
#define SIGNALS_MAX 65

struct watch {
	loop_fn *fn; /* NULL: not watched */
	void *ctx;
	/* Tells an event for this watch from one for an earlier user of the
	 * same descriptor number, read in the same batch. */
	uint32_t generation;
};

struct loop_timer {
	int64_t due_ns;
	uint64_t order; /* timers of the same instant fire as they were set */
	loop_timer_fn *fn;
	void *ctx;
	size_t at; /* in the heap */
};

struct signal_row {
	loop_signal_fn *fn;
	void *ctx;
};

struct loop {
	int epoll_fd, timer_fd, signal_fd;
	struct watch *watches; /* by descriptor number */
	size_t watch_cap;
	uint32_t generation;
	struct loop_timer **timers; /* a heap, the next one first */
	size_t timer_count, timer_cap;
	uint64_t timer_order;
	int64_t armed_ns; /* when timer_fd fires; 0: not armed */
	sigset_t signals;
	struct signal_row signal_rows[SIGNALS_MAX];
	loop_idle_fn *idle;
	void *idle_ctx;
	struct loop_task *tasks, **tasks_end;
	bool stopped;
};

static int64_t
clock_ns(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t
loop_now_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

int64_t
loop_now_ms(void)
{
	return loop_now_ns() / NS_PER_MS;
}

int64_t
loop_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->timer_count; i++)
		mem_freep(&l->timers[i]);
	fd_closep(&l->epoll_fd);
	fd_closep(&l->timer_fd);
	fd_closep(&l->signal_fd);
	mem_freep(&l->timers);
	mem_freep(&l->watches);
	mem_freep(&l);
}

void
loop_freep(struct loop **l)
{
	loop_free(*l);
	*l = NULL;
}

/* ---- descriptors ------------------------------------------------------- */

static uint32_t
epoll_mask(unsigned events)
{
	uint32_t mask = 0;

	if ((events & LOOP_READ) != 0)
		mask |= EPOLLIN | EPOLLRDHUP;
	if ((events & LOOP_WRITE) != 0)
		mask |= EPOLLOUT;
	return mask;
}

static unsigned
events_of(uint32_t mask)
{
	unsigned events = 0;

	if ((mask & (EPOLLIN | EPOLLRDHUP)) != 0)
		events |= LOOP_READ;
	if ((mask & EPOLLOUT) != 0)
		events |= LOOP_WRITE;
	if ((mask & (EPOLLHUP | EPOLLERR)) != 0)
		events |= LOOP_HUP;
	return events;
}

static int
control(struct loop *l, int op, int fd, unsigned events)
{
	const struct watch *w = &l->watches[fd];
	struct epoll_event ev = {
		.events = epoll_mask(events),
		.data.u64 = (uint64_t)w->generation << 32 | (uint32_t)fd,
	};

	return epoll_ctl(l->epoll_fd, op, fd, &ev);
}

int
loop_fd(struct loop *l, int fd, unsigned events, loop_fn *fn, void *ctx,
    struct err *e)
{
	struct watch *w;

	assert(fd >= 0 && fn != NULL);
	if (mem_grow(&l->watches, &l->watch_cap, (size_t)fd + 1,
		sizeof(*l->watches)) != 0)
		return err_nomem(e);
	w = &l->watches[fd];
	assert(w->fn == NULL);
	*w = (struct watch){
		.fn = fn, .ctx = ctx, .generation = ++l->generation
	};
	if (control(l, EPOLL_CTL_ADD, fd, events) != 0) {
		w->fn = NULL;
		return err_sys(e, "cannot watch descriptor %d", fd);
	}
	return ERR_OK;
}

static bool
is_watched(const struct loop *l, int fd)
{
	return fd >= 0 && (size_t)fd < l->watch_cap &&
	    l->watches[fd].fn != NULL;
}

int
loop_change(struct loop *l, int fd, unsigned events, struct err *e)
{
	assert(is_watched(l, fd));
	if (control(l, EPOLL_CTL_MOD, fd, events) != 0)
		return err_sys(e, "cannot watch descriptor %d", fd);
	return ERR_OK;
}

void
loop_forget(struct loop *l, int fd)
{
	if (!is_watched(l, fd))
		return;
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	l->watches[fd].fn = NULL;
}

static void
deliver(struct loop *l, const struct epoll_event *ev)
{
	const int fd = (int)(uint32_t)ev->data.u64;
	const uint32_t generation = (uint32_t)(ev->data.u64 >> 32);
	struct watch w;

	if (!is_watched(l, fd))
		return;
	w = l->watches[fd]; /* a copy: the handler may move the table */
	if (w.generation == generation)
		w.fn(w.ctx, fd, events_of(ev->events));
}

/* ---- timers ------------------------------------------------------------ */

static bool
fires_before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->due_ns < b->due_ns ||
	    (a->due_ns == b->due_ns && a->order < b->order);
}

static void
heap_put(struct loop *l, size_t at, struct loop_timer *t)
{
	l->timers[at] = t;
	t->at = at;
}

static void
heap_up(struct loop *l, size_t at)
{
	struct loop_timer *t = l->timers[at];

	while (at > 0 && fires_before(t, l->timers[(at - 1) / 2])) {
		heap_put(l, at, l->timers[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(l, at, t);
}

static void
heap_down(struct loop *l, size_t at)
{
	struct loop_timer *t = l->timers[at];
	size_t child;

	while ((child = 2 * at + 1) < l->timer_count) {
		if (child + 1 < l->timer_count &&
		    fires_before(l->timers[child + 1], l->timers[child]))
			child++;
		if (!fires_before(l->timers[child], t))
			break;
		heap_put(l, at, l->timers[child]);
		at = child;
	}
	heap_put(l, at, t);
}

static void
heap_remove(struct loop *l, struct loop_timer *t)
{
	const size_t at = t->at;
	struct loop_timer *last;

	assert(at < l->timer_count && l->timers[at] == t);
	last = l->timers[--l->timer_count];
	if (last == t)
		return;
	heap_put(l, at, last);
	heap_down(l, at);
	heap_up(l, last->at);
}

/*
 * The descriptor is armed again only when the next timer is earlier than what
 * it waits for: deadlines that are set and cancelled all the time then cost no
 * system call, at the price of a rare wake-up for nothing.
 */
static int
arm(struct loop *l)
{
	const int64_t due = l->timer_count == 0 ? 0 : l->timers[0]->due_ns;
	const struct itimerspec when = {
		.it_value = { .tv_sec = due / NS_PER_S,
		    .tv_nsec = due % NS_PER_S },
	};

	if (due == 0 || (l->armed_ns != 0 && l->armed_ns <= due))
		return 0;
	if (timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) != 0)
		return -1;
	l->armed_ns = due;
	return 0;
}

int
loop_after(struct loop *l, int64_t delay_ms, loop_timer_fn *fn, void *ctx,
    struct loop_timer **ret, struct err *e)
{
	AUTO_FREE struct loop_timer *t = mem_new(1, sizeof(*t));

	if (t == NULL ||
	    mem_grow(&l->timers, &l->timer_cap, l->timer_count + 1,
		sizeof(struct loop_timer *)) != 0)
		return err_nomem(e);
	t->fn = fn;
	t->ctx = ctx;
	t->order = l->timer_order++;
	if (__builtin_mul_overflow(
		delay_ms < 0 ? 0 : delay_ms, NS_PER_MS, &t->due_ns) ||
	    __builtin_add_overflow(t->due_ns, loop_now_ns(), &t->due_ns))
		t->due_ns = INT64_MAX;
	heap_put(l, l->timer_count++, t);
	heap_up(l, t->at);
	if (arm(l) != 0) {
		heap_remove(l, t);
		return err_sys(e, "cannot set a timer");
	}
	if (ret != NULL)
		*ret = t;
	(void)TAKE_PTR(t);
	return ERR_OK;
}

void
loop_cancel(struct loop *l, struct loop_timer *t)
{
	if (t == NULL)
		return;
	heap_remove(l, t);
	mem_freep(&t);
}

static void
on_timer_fd(void *ctx, int fd, unsigned events)
{
	struct loop *l = ctx;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		l->armed_ns = 0;
}

static void
fire_due(struct loop *l)
{
	const int64_t now = l->timer_count == 0 ? 0 : loop_now_ns();

	while (l->timer_count > 0 && l->timers[0]->due_ns <= now) {
		AUTO_FREE struct loop_timer *t = l->timers[0];

		heap_remove(l, t);
		t->fn(t->ctx);
	}
}

/* ---- signals ----------------------------------------------------------- */

static void
on_signal_fd(void *ctx, int fd, unsigned events)
{
	struct loop *l = ctx;
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		struct signal_row row = { .fn = NULL };

		if (info.ssi_signo < SIGNALS_MAX)
			row = l->signal_rows[info.ssi_signo];
		if (row.fn != NULL)
			row.fn(row.ctx, (int)info.ssi_signo);
	}
}

int
loop_signal(
    struct loop *l, int signo, loop_signal_fn *fn, void *ctx, struct err *e)
{
	int fd;

	assert(signo > 0 && signo < SIGNALS_MAX && fn != NULL);
	(void)sigaddset(&l->signals, signo);
	if (pthread_sigmask(SIG_BLOCK, &l->signals, NULL) != 0)
		return err_sys(e, "cannot block signal %d", signo);
	fd = signalfd(l->signal_fd, &l->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(e, "cannot receive signal %d", signo);
	l->signal_rows[signo] = (struct signal_row){ .fn = fn, .ctx = ctx };
	if (l->signal_fd >= 0)
		return ERR_OK;
	l->signal_fd = fd;
	return loop_fd(l, fd, LOOP_READ, on_signal_fd, l, e);
}

/* ---- running ----------------------------------------------------------- */

void
loop_idle(struct loop *l, loop_idle_fn *fn, void *ctx)
{
	l->idle = fn;
	l->idle_ctx = ctx;
}

void
loop_defer(struct loop *l, struct loop_task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	*l->tasks_end = t;
	l->tasks_end = &t->next;
}

void
loop_undefer(struct loop *l, struct loop_task *t)
{
	struct loop_task **at = &l->tasks;

	if (!t->queued)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	if (l->tasks_end == &t->next)
		l->tasks_end = at;
	t->queued = false;
}

static void
run_deferred(struct loop *l)
{
	while (l->tasks != NULL) {
		struct loop_task *t = l->tasks;

		loop_undefer(l, t);
		t->fn(t->ctx);
	}
}

int
loop_new(struct loop **ret, struct err *e)
{
	AUTO(loop_freep) struct loop *l = mem_new(1, sizeof(*l));
	int r;

	if (l == NULL)
		return err_nomem(e);
	l->signal_fd = -1;
	l->timer_fd = -1;
	l->tasks_end = &l->tasks;
	(void)sigemptyset(&l->signals);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0)
		return err_sys(e, "cannot create an epoll descriptor");
	l->timer_fd =
	    timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer_fd < 0)
		return err_sys(e, "cannot create a timer descriptor");
	r = loop_fd(l, l->timer_fd, LOOP_READ, on_timer_fd, l, e);
	if (r != 0)
		return r;
	*ret = TAKE_PTR(l);
	return ERR_OK;
}

int
loop_once(struct loop *l, int wait_ms, struct err *e)
{
	struct epoll_event batch[BATCH_MAX];
	int n;

	run_deferred(l);
	if (l->stopped)
		return ERR_OK;
	n = epoll_wait(l->epoll_fd, batch, BATCH_MAX, wait_ms);
	if (n < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for events");
	for (int i = 0; i < n; i++)
		deliver(l, &batch[i]);
	fire_due(l);
	if (arm(l) != 0)
		return err_sys(e, "cannot set a timer");
	run_deferred(l);
	if (l->idle != NULL)
		l->idle(l->idle_ctx);
	run_deferred(l);
	return ERR_OK;
}

int
loop_run(struct loop *l, struct err *e)
{
	int r = ERR_OK;

	while (!l->stopped && r == 0)
		r = loop_once(l, -1, e);
	l->stopped = false;
	return r;
}

int
loop_poll_fd(const struct loop *l)
{
	return l->epoll_fd;
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}
