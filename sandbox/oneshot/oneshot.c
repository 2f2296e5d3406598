/*
 * Run one plan for the caller at the terminal: relay, limit, report.
 * Runs in: assent-exec, on the host's side.  Trusts: the plan; nothing that
 * comes from the run.
 * Owns: pipes to the run.
 */
#include "oneshot/oneshot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/text.h"
#include "start/blank.h"
#include "start/ctl.h"
#include "start/ending.h"
#include "start/hints.h"
#include "oneshot/oneshot_audit.h"
#include "oneshot/oneshot_net.h"
#include "start/run.h"
#include "sys.h"
#include "init/terminal.h"

#define COPY_BYTES ((size_t)16384 - 512)
#define ONESHOT_ARENA ((size_t)1 << 20)
#define TERMINAL_BYTES ((size_t)256) /* of keys at once */
#define GRACE_MS 500 /* from a signal to the end of all */

struct stream {
	int from, to; /* -1: closed */
	uint64_t left; /* bytes that may still pass */
};

struct oneshot {
	const struct plan *plan;
	struct run run;
	struct stream out[2];
	int in; /* the command's input, -1 when closed */
	char keys[TERMINAL_BYTES]; /* that its terminal has not taken yet */
	size_t key_count;
	bool in_ready;
	struct str in_text;
	struct terminal terminal; /* with tty */
	int master;
	int signals;
	bool gone, reported;
	bool too_much; /* it wrote more than limits.stream */
	bool silent; /* the link has ended: nothing more comes */
	int64_t kill_at_ms; /* 0: not asked to end */
	struct arena *arena;
	struct oneshot_net *net; /* NULL: offline */
	struct oneshot_audit audit;
	struct ctl end;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
oneshot_say(const char *fmt, ...)
{
	AUTO_BUF struct buf line = BUF_INIT(8192);
	AUTO_BUF struct buf text = BUF_INIT(8192);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	buf_puts(&line, "assent: ");
	text_escape(&line, buf_str(&text));
	buf_putc(&line, '\n');
	(void)fdio_write_all(STDERR_FILENO, line.s, line.len, NULL);
}

int
oneshot_error(const struct err *e)
{
	oneshot_say("%s", e->msg);
	return e->code == ERR_DENIED || e->code == ERR_INVALID ? ONESHOT_DENIED
							       : ONESHOT_FAILED;
}

static void
stream_close(struct stream *s)
{
	fd_closep(&s->from);
	s->from = -1;
}

static void
stream_copy(struct oneshot *o, struct stream *s)
{
	char bytes[COPY_BYTES];
	const ssize_t n = read(s->from, bytes, sizeof(bytes));

	if (n <= 0) {
		if (n == 0 || (errno != EINTR && errno != EAGAIN))
			stream_close(s);
		return;
	}
	if ((uint64_t)n > s->left) {
		o->too_much = true;
		if (o->kill_at_ms == 0)
			o->kill_at_ms = now_ms();
		stream_close(s);
		return;
	}
	s->left -= (uint64_t)n;
	/* Nobody reads any more: who writes on is told, as in a shell. */
	if (fdio_write_all(s->to, bytes, (size_t)n, NULL) != 0)
		stream_close(s);
}

static void
input_close(struct oneshot *o)
{
	fd_closep(&o->in);
	o->in = -1;
}

/* The plan's own input, or the caller's. */
static void
input_copy(struct oneshot *o)
{
	char bytes[4096]; /* PIPE_BUF: a ready pipe takes it whole */
	ssize_t n;

	if (o->plan->has_stdin) {
		n = write(o->in, o->in_text.s,
		    o->in_text.len > sizeof(bytes) ? sizeof(bytes)
						   : o->in_text.len);
		if (n > 0)
			o->in_text = str_from(o->in_text, (size_t)n);
		if (n < 0 || o->in_text.len == 0)
			input_close(o);
		return;
	}
	n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n <= 0 || write(o->in, bytes, (size_t)n) != n)
		input_close(o);
	o->in_ready = false;
}

/* A run that does not read its terminal holds up nothing but the keys. */
static void
keys_copy(struct oneshot *o)
{
	ssize_t n;

	if (o->key_count == 0) {
		n = read(STDIN_FILENO, o->keys, sizeof(o->keys));
		if (n <= 0) {
			input_close(o);
			return;
		}
		o->key_count = (size_t)n;
	}
	n = write(o->in, o->keys, o->key_count);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		input_close(o);
	if (n > 0) {
		o->key_count -= (size_t)n;
		memmove(o->keys, o->keys + n, o->key_count);
	}
	o->in_ready = o->key_count > 0;
}

/* The run has been built: from here on its terminal is shown in ours. */
static void
show_terminal(struct oneshot *o, int master)
{
	struct err e = ERR_INIT;

	if (o->master >= 0 || terminal_take(&o->terminal, &e) != 0) {
		(void)close(master);
		(void)sys_pidfd_kill(o->run.pidfd, SIGKILL);
		return;
	}
	o->master = master;
	o->out[0].from = fcntl(master, F_DUPFD_CLOEXEC, 0);
	o->in = fcntl(master, F_DUPFD_CLOEXEC, 0);
	(void)fdio_nonblock(master, NULL);
	terminal_resize(master);
}

static void
take_message(struct oneshot *o)
{
	struct ctl m;

	if (ctl_receive(o->run.ctl, o->arena, &m, NULL) <= 0) {
		o->silent = true;
		return;
	}
	if (m.type == CTL_COMMAND)
		o->audit.command = m.pid;
	if (m.type == CTL_LISTENER)
		oneshot_net_listener(o->net, &m);
	if (m.type == CTL_TERMINAL && m.has_fd)
		show_terminal(o, m.fd);
	if (m.type == CTL_ENDED || m.type == CTL_FAILED) {
		o->end = m;
		o->reported = true;
	}
}

static void
pass_signal(struct oneshot *o)
{
	struct signalfd_siginfo info;
	struct ctl m = { .type = CTL_SIGNAL };

	if (read(o->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		if (o->master >= 0)
			terminal_resize(o->master);
		return;
	}
	m.code = (int32_t)info.ssi_signo;
	(void)ctl_send(o->run.ctl, &m);
	if (o->kill_at_ms == 0)
		o->kill_at_ms = now_ms() + GRACE_MS;
}

static void
check_kill(struct oneshot *o)
{
	const struct ctl m = { .type = CTL_KILL };

	if (o->kill_at_ms == 0 || now_ms() < o->kill_at_ms)
		return;
	(void)ctl_send(o->run.ctl, &m);
	/* One chance to report, then without. */
	if (now_ms() > o->kill_at_ms + GRACE_MS)
		(void)sys_pidfd_kill(o->run.pidfd, SIGKILL);
}

enum {
	WAIT_OUT,
	WAIT_ERR,
	WAIT_CTL,
	WAIT_PID,
	WAIT_SIGNALS,
	WAIT_NET,
	WAIT_IN,
	WAIT_COUNT,
};

static void
poll_once(struct oneshot *o)
{
	/* First the caller's input has something, then the pipe has room. */
	const bool from_plan = o->plan->has_stdin;
	const bool reading = !from_plan && !o->in_ready;
	struct pollfd p[WAIT_COUNT] = {
		[WAIT_OUT] = { .fd = o->out[0].from, .events = POLLIN },
		[WAIT_ERR] = { .fd = o->out[1].from, .events = POLLIN },
		[WAIT_CTL] = { .fd = o->reported || o->silent ? -1 : o->run.ctl,
		    .events = POLLIN },
		[WAIT_PID] = { .fd = o->gone ? -1 : o->run.pidfd,
		    .events = POLLIN },
		[WAIT_SIGNALS] = { .fd = o->signals, .events = POLLIN },
		[WAIT_NET] = { .fd = oneshot_net_fd(o->net), .events = POLLIN },
		[WAIT_IN] = { .fd = o->in < 0 ? -1
			: reading             ? STDIN_FILENO
					      : o->in,
		    .events = reading ? POLLIN : POLLOUT },
	};

	if (poll(p, WAIT_COUNT, o->kill_at_ms == 0 ? -1 : 50) < 0)
		return;
	if (p[WAIT_OUT].revents != 0)
		stream_copy(o, &o->out[0]);
	if (p[WAIT_ERR].revents != 0)
		stream_copy(o, &o->out[1]);
	if (p[WAIT_CTL].revents != 0)
		take_message(o);
	if (p[WAIT_PID].revents != 0)
		o->gone = true;
	if (p[WAIT_NET].revents != 0)
		oneshot_net_turn(o->net);
	if (p[WAIT_SIGNALS].revents != 0)
		pass_signal(o);
	if (p[WAIT_IN].revents != 0 && reading)
		o->in_ready = true;
	else if (p[WAIT_IN].revents != 0 && o->plan->tty)
		keys_copy(o);
	else if (p[WAIT_IN].revents != 0)
		input_copy(o);
	check_kill(o);
}

static int
catch_signals(struct err *e)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
		SIGWINCH };
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		(void)sigaddset(&set, caught[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, "cannot wait for signals") : fd;
}

static int
open_pipes(struct oneshot *o, int theirs[3], struct err *e)
{
	int in[2], out[2], err[2];

	for (int i = 0; i < 2; i++)
		o->out[i] = (struct stream){
			.from = -1,
			.to = STDOUT_FILENO + i,
			.left = o->plan->limits.stream_bytes,
		};
	o->in = o->master = -1;
	theirs[0] = theirs[1] = theirs[2] = -1;
	if (o->plan->tty)
		return isatty(STDIN_FILENO) == 1
		    ? ERR_OK
		    : err_set(e, ERR_INVALID,
			  "--tty needs a terminal as the standard input");
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
	    pipe2(err, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make pipes");
	theirs[0] = in[0];
	theirs[1] = out[1];
	theirs[2] = err[1];
	o->in = in[1];
	o->out[0].from = out[0];
	o->out[1].from = err[0];
	return ERR_OK;
}

static int
exit_status(const struct oneshot *o)
{
	const int status = o->end.code;

	if (o->end.type == CTL_FAILED) {
		oneshot_say("%s", o->end.text == NULL ? "failed" : o->end.text);
		return o->end.code == ERR_DENIED ? ONESHOT_DENIED
						 : ONESHOT_FAILED;
	}
	if ((o->end.flags & CTL_TIMED_OUT) != 0)
		return ONESHOT_TIMED_OUT;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

/* Its first process was ended, too: the kernel may tell for what. */
static void
note_silent_end(struct oneshot *o)
{
	char text[ENDING_TEXT_MAX];

	if (o->reported)
		return;
	o->reported = true;
	if (cgroup_oom_kills(o->run.group.events) > 0)
		o->end = (struct ctl){
			.type = CTL_ENDED,
			.code = SIGKILL,
			.flags = CTL_MEMORY,
		};
	else
		o->end = (struct ctl){
			.type = CTL_FAILED,
			.code = ERR_SYS,
			.text = arena_strdup(o->arena,
			    ending_without_report(o->run.pidfd,
				o->run.group.events, o->plan, text)),
		};
}

static bool
is_remark(const char *violation)
{
	return strncmp(violation, "note: ", 6) == 0 ||
	    strncmp(violation, HINT_PREFIX, strlen(HINT_PREFIX)) == 0;
}

static void
explain(struct oneshot *o)
{
	struct ctl *end = &o->end;

	if (end->type != CTL_ENDED)
		return;
	hints_add_all(end, o->plan, o->arena);
	if (end->text != NULL)
		oneshot_say("%s", end->text);
	if ((end->flags & CTL_TIMED_OUT) != 0)
		oneshot_say("ended after %lld ms (limits.wall, --timeout)",
		    (long long)o->plan->limits.wall_ms);
	if ((end->flags & CTL_MEMORY) != 0)
		oneshot_say(
		    "ended: all its processes together used more than %llu "
		    "bytes of memory (limits.memory)",
		    (unsigned long long)o->plan->limits.memory_bytes);
	if ((end->flags & CTL_DISK) != 0)
		oneshot_say(
		    "ended: it wrote more than %llu bytes (limits.disk)",
		    (unsigned long long)o->plan->limits.disk_bytes);
	if (o->too_much)
		oneshot_say("ended: it wrote more than %llu bytes on a stream "
			    "(limits.stream)",
		    (unsigned long long)o->plan->limits.stream_bytes);
	for (size_t i = 0; i < end->violation_count; i++)
		oneshot_say("%s%s",
		    is_remark(end->violations[i]) ? "" : "denied: ",
		    end->violations[i]);
}

static unsigned
groups_wanted(const struct plan *p)
{
	return CGROUP_MEMORY | CGROUP_PIDS |
	    (p->limits.cpu_percent > 0 ? (unsigned)CGROUP_CPU : 0U);
}

/* Held open from before the run: what is changed is what was shown. */
static int
open_workspace(const struct plan *p, struct err *e)
{
	const int fd = !p->overlay
	    ? -1
	    : sys_openat2(AT_FDCWD, p->workspace,
		  O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
		  RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

	return fd >= 0 || !p->overlay
	    ? fd
	    : err_sys(e, "cannot open the workspace '%s'", p->workspace) - 1;
}

/* No other run needs its group. */
static void
end_run(struct oneshot *o, struct cgroup_places *groups)
{
	struct cgroup group = o->run.group;

	o->run.groups = NULL;
	run_done(&o->run);
	cgroup_remove(groups, &group);
	cgroup_places_close(groups);
}

int
oneshot_run(const struct plan *p, const struct oneshot_apply *apply,
    struct blank *begun, struct str record)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ONESHOT_ARENA);
	struct oneshot o = {
		.plan = p,
		.in_text = p->stdin_text,
		.master = -1,
	};
	struct err e = ERR_INIT;
	struct cgroup_places groups;
	struct run_with with = {
		.tty = -1,
		.userns = -1,
		.groups = &groups,
		.blank = begun,
		.record = record,
	};
	int *const theirs = with.stdio;
	AUTO_FD int workspace = open_workspace(p, &e);
	struct timespec began;
	int r;

	(void)clock_gettime(CLOCK_REALTIME_COARSE, &began);
	if (workspace < -1)
		return oneshot_error(&e);
	o.arena = arena;
	o.signals = catch_signals(&e);
	if (o.signals < 0 || arena == NULL || run_raise_files(&e) != 0 ||
	    open_pipes(&o, theirs, &e) != 0)
		return oneshot_error(&e);
	cgroup_find_alone(groups_wanted(p), &groups);
	r = oneshot_net_start(p, &o.net, &e);
	oneshot_audit_begin(&o.audit, p);
	if (r == 0)
		r = run_start(p, &with, &o.run, &e);
	blank_done(begun); /* when it is of another kind */
	for (size_t i = 0; i < ARRAY_LEN(with.stdio); i++)
		fd_closep(&theirs[i]);
	if (r != 0) {
		oneshot_net_end(o.net);
		cgroup_places_close(&groups);
		return oneshot_error(&e);
	}
	while (!o.gone || o.out[0].from >= 0 || o.out[1].from >= 0)
		poll_once(&o);
	while (!o.reported && !o.silent) {
		struct pollfd p1 = { .fd = o.run.ctl, .events = POLLIN };

		if (poll(&p1, 1, 0) <= 0 || (p1.revents & POLLIN) == 0)
			break;
		take_message(&o);
	}
	note_silent_end(&o);
	ending_add_limits(&o.end, p, &o.run, arena);
	end_run(&o, &groups);
	fd_closep(&o.master);
	terminal_give_back(&o.terminal);
	oneshot_net_end(o.net);
	oneshot_audit_end(&o.audit, p, &o.end, arena);
	explain(&o);
	r = exit_status(&o);
	if (o.reported && o.end.has_fd) {
		AUTO_FD int layer = o.end.fd;

		r = oneshot_overlay(p, apply, layer, workspace, &began, r);
	}
	return r;
}
