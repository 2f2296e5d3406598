/*
 * Durable decisions over the unix socket with 1, 16 and 64 keep-alive clients,
 * beside a bare write+fdatasync loop and the same HTTP path without a row.
 *
 *     bench_decisions        starts assentd from ASSENT_BIN by itself
 *
 * Runs in: the bench.  Trusts: its own daemon.  Owns: a temporary folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/spawn.h"

#define CLIENTS_MAX 64
#define ROUND_NS INT64_C(3000000000)
#define WARM_UP_NS INT64_C(500000000)
#define START_NS INT64_C(20000000000)
#define RESPONSE_MAX 65536
#define SAMPLES_MAX 400000
#define TICKS_PER_S 100

struct client {
	int fd;
	char in[RESPONSE_MAX];
	size_t len;
	int64_t sent_ns;
};

struct bench {
	char dir[32], socket[96], work[64];
	pid_t daemon;
	int pidfd;
	struct client clients[CLIENTS_MAX];
	int64_t samples[SAMPLES_MAX];
	size_t sample_count;
};

static void
die(const char *what)
{
	(void)fprintf(
	    stderr, "bench_decisions: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void
start_daemon(struct bench *b)
{
	const char *bin = getenv("ASSENT_BIN");
	char path[512], state[64], runtime[64];
	char name[] = "assentd", foreground[] = "--foreground";
	char state_option[] = "--state", runtime_option[] = "--runtime";
	struct err e = ERR_INIT;

	if (bin == NULL) {
		errno = EINVAL;
		die("ASSENT_BIN names the folder with the programs");
	}
	(void)snprintf(path, sizeof(path), "%s/assentd", bin);
	(void)snprintf(state, sizeof(state), "%s/state", b->dir);
	(void)snprintf(runtime, sizeof(runtime), "%s/run", b->dir);
	(void)snprintf(b->work, sizeof(b->work), "%s/project", b->dir);
	(void)snprintf(b->socket, sizeof(b->socket), "%s/agent.sock", runtime);
	if (mkdir(b->work, 0700) != 0)
		die("cannot make the project's folder");
	char *argv[] = { name, foreground, state_option, state, runtime_option,
		runtime, NULL };
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct spawn_fd fds[] = {
		{ .fd = null, .as = 0 },
		{ .fd = null, .as = 1 },
		{ .fd = null, .as = 2 },
	};
	const struct spawn_options o = {
		.path = path,
		.argv = argv,
		.fds = fds,
		.fd_count = ARRAY_LEN(fds),
	};

	if (spawn(&o, &b->daemon, &b->pidfd, &e) != 0) {
		(void)fprintf(stderr, "bench_decisions: %s\n", e.msg);
		exit(1);
	}
	(void)close(null);
}

static int
connect_once(const struct bench *b)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, b->socket, strlen(b->socket) + 1);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void
connect_client(const struct bench *b, struct client *c)
{
	const int64_t end = loop_now_ns() + START_NS;

	c->len = 0;
	while ((c->fd = connect_once(b)) < 0) {
		if (loop_now_ns() > end)
			die("the daemon does not listen");
		(void)poll(NULL, 0, 20);
	}
}

static size_t
make_request(const struct bench *b, bool store, char *out, size_t size)
{
	char body[2048];
	int n;

	if (!store) {
		n = snprintf(out, size,
		    "GET /v1/version HTTP/1.1\r\nHost: localhost\r\n\r\n");
		return (size_t)n;
	}
	n = snprintf(body, sizeof(body),
	    "{\"tool\":\"shell\",\"input\":{\"script\":\"git status && "
	    "ls -la src\"},\"cwd\":\"%s\",\"workspace\":\"%s\","
	    "\"session\":\"s-1\",\"agent\":{\"name\":\"codex\",\"version\":"
	    "\"0.169.0\"},\"justification\":\"look at the tree before the "
	    "change\"}",
	    b->work, b->work);
	n = snprintf(out, size,
	    "POST /v1/actions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
	    "application/json\r\nContent-Length: %d\r\n\r\n%s",
	    n, body);
	return (size_t)n;
}

static void
send_request(struct client *c, const char *request, size_t len)
{
	c->sent_ns = loop_now_ns();
	if (send(c->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("cannot send");
}

/* True when a whole answer is in; it has to be a 200. */
static bool
take_answer(struct client *c)
{
	const ssize_t n =
	    recv(c->fd, c->in + c->len, sizeof(c->in) - c->len - 1, 0);
	const char *body, *length;
	uint64_t want;
	size_t digits = 0;

	if (n <= 0)
		die("the daemon hung up");
	c->len += (size_t)n;
	c->in[c->len] = '\0';
	body = strstr(c->in, "\r\n\r\n");
	if (body == NULL)
		return false;
	length = strcasestr(c->in, "\r\nContent-Length: ");
	if (length == NULL || strncmp(c->in, "HTTP/1.1 200", 12) != 0) {
		(void)fprintf(stderr, "%.2000s\n", c->in);
		errno = EPROTO;
		die("not an allowed decision");
	}
	length += 18;
	while (length[digits] >= '0' && length[digits] <= '9')
		digits++;
	if (num_parse_u64(str_n(length, digits), 0, RESPONSE_MAX, &want) != 0)
		die("bad Content-Length");
	if (c->len < (size_t)(body + 4 - c->in) + want)
		return false;
	c->len = 0;
	return true;
}

static int64_t
cpu_ticks_of(pid_t pid)
{
	char path[64], text[1024];
	unsigned long user = 0, sys = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(text, sizeof(text), f) == NULL) {
		if (f != NULL)
			(void)fclose(f);
		return 0;
	}
	(void)fclose(f);
	struct str rest = str_of(strrchr(text, ')') + 2);

	for (int field = 3; field <= 15; field++) {
		const struct str word = str_cut(&rest, ' ');
		uint64_t v = 0;

		if (field >= 14 && num_parse_u64(word, 0, UINT64_MAX, &v) == 0)
			*(field == 14 ? &user : &sys) = (unsigned long)v;
	}
	return (int64_t)(user + sys);
}

struct child_use {
	int64_t ticks;
	uint64_t rss_kb;
};

static uint64_t
rss_kb_of(const char *pid)
{
	char path[300], line[256];
	uint64_t kb = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%s/status", pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmRSS:", 6) != 0)
			continue;
		struct str s = str_trim(str_of(line + 6));

		(void)num_parse_u64(
		    str_head(s, str_find(s, ' ')), 0, UINT64_MAX, &kb);
	}
	if (f != NULL)
		(void)fclose(f);
	return kb;
}

/* CPU and memory of the daemon's roles, read from the kernel. */
static struct child_use
use_of_roles(const struct bench *b)
{
	char path[128], text[4096];
	struct child_use use = { 0 };
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)b->daemon, (int)b->daemon);
	f = fopen(path, "re");
	if (f == NULL)
		return use;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	(void)fclose(f);
	struct str rest = str_trim(str_of(text));

	while (rest.len > 0) {
		const struct str word = str_cut(&rest, ' ');
		char pid[32];
		uint64_t v;

		if (num_parse_u64(word, 1, INT32_MAX, &v) != 0)
			continue;
		(void)snprintf(pid, sizeof(pid), "%.*s", STR_ARG(word));
		use.ticks += cpu_ticks_of((pid_t)v);
		use.rss_kb += rss_kb_of(pid);
	}
	return use;
}

static int
by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static size_t
drive(struct bench *b, size_t clients, const char *request, size_t len,
    int64_t duration_ns)
{
	const int ep = epoll_create1(EPOLL_CLOEXEC);
	const int64_t end = loop_now_ns() + duration_ns;
	struct epoll_event events[CLIENTS_MAX];
	size_t done = 0, waiting = clients;

	b->sample_count = 0;
	for (size_t i = 0; i < clients; i++) {
		struct epoll_event ev = {
			.events = EPOLLIN,
			.data.u64 = i,
		};

		if (epoll_ctl(ep, EPOLL_CTL_ADD, b->clients[i].fd, &ev) != 0)
			die("epoll_ctl");
		send_request(&b->clients[i], request, len);
	}
	while (waiting > 0) {
		const int n = epoll_wait(ep, events, CLIENTS_MAX, 5000);

		if (n <= 0)
			die("the daemon does not answer");
		for (int i = 0; i < n; i++) {
			struct client *c = &b->clients[events[i].data.u64];
			const int64_t now = loop_now_ns();

			if (!take_answer(c))
				continue;
			done++;
			if (b->sample_count < SAMPLES_MAX)
				b->samples[b->sample_count++] =
				    now - c->sent_ns;
			if (now < end)
				send_request(c, request, len);
			else
				waiting--;
		}
	}
	(void)close(ep);
	return done;
}

static void
round_of(struct bench *b, size_t clients, bool store)
{
	const char *what = store ? "durable" : "no_row";
	char request[4096];
	const size_t len = make_request(b, store, request, sizeof(request));
	struct child_use before, after;
	int64_t start, took;
	size_t done;

	for (size_t i = 0; i < clients; i++)
		connect_client(b, &b->clients[i]);
	(void)drive(b, clients, request, len, WARM_UP_NS);
	before = use_of_roles(b);
	start = loop_now_ns();
	done = drive(b, clients, request, len, ROUND_NS);
	took = loop_now_ns() - start;
	after = use_of_roles(b);
	qsort(b->samples, b->sample_count, sizeof(b->samples[0]), by_size);
	(void)printf("%s_%zu_clients\t%.0f\tper s\n", what, clients,
	    (double)done * 1e9 / (double)took);
	(void)printf("%s_%zu_p50\t%.0f\tus\n", what, clients,
	    (double)b->samples[b->sample_count / 2] / 1e3);
	(void)printf("%s_%zu_p99\t%.0f\tus\n", what, clients,
	    (double)b->samples[b->sample_count * 99 / 100] / 1e3);
	(void)printf("%s_%zu_cpu\t%.1f\tus each, user and system, all roles\n",
	    what, clients,
	    (double)(after.ticks - before.ticks) * 1e6 / TICKS_PER_S /
		(double)done);
	for (size_t i = 0; i < clients; i++)
		(void)close(b->clients[i].fd);
	if (clients == CLIENTS_MAX && store)
		(void)printf("roles_rss\t%.1f\tMiB, all roles together\n",
		    (double)after.rss_kb / 1024);
}

/* The floor: one small write made durable, again and again. */
static void
bare_sync(const struct bench *b)
{
	char path[64], block[4096] = { 0 };
	int64_t start;
	size_t n = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/floor", b->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die("cannot make the file for the floor");
	start = loop_now_ns();
	while (loop_now_ns() - start < ROUND_NS / 2) {
		if (pwrite(fd, block, sizeof(block),
			(off_t)(n % 256 * sizeof(block))) < 0 ||
		    fdatasync(fd) != 0)
			die("cannot sync");
		n++;
	}
	(void)printf("bare_fdatasync\t%.0f\tper s\n",
	    (double)n * 1e9 / (double)(loop_now_ns() - start));
	(void)close(fd);
}

int
main(void)
{
	static const size_t rounds[] = { 1, 16, 64 };
	static struct bench b;

	memcpy(b.dir, "/tmp/assent-bench-XXXXXX", 25);
	if (mkdtemp(b.dir) == NULL)
		die("cannot make a folder");
	start_daemon(&b);
	bare_sync(&b);
	for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
		round_of(&b, rounds[i], true);
		round_of(&b, rounds[i], false);
	}
	(void)kill(b.daemon, SIGTERM);
	(void)waitpid(b.daemon, NULL, 0);
	(void)nftw(b.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
