/*
 * What the front costs: POST /v1/actions over the unix socket with 1, 16 and
 * 64 keep-alive clients, answered by an engine that does nothing; processor
 * time of the front alone, per request.
 *
 *     bench_front        starts front_alone beside ASSENT_BIN by itself
 *
 * Runs in: the bench.  Trusts: its own server.  Owns: a temporary folder.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/spawn.h"

#define CLIENTS_MAX 64
#define ROUND_NS INT64_C(2000000000)
#define RESPONSE_MAX 4096
#define START_TRIES 500

static const char body[] =
    "{\"tool\":\"shell\",\"input\":{\"script\":\"git status && make -j2 "
    "test CFLAGS=-O2\"},\"cwd\":\"/home/dev/proj\",\"workspace\":"
    "\"/home/dev/proj\",\"session\":\"0192f0c1-7d1e-7c62-9f43-1a2b3c4d5e6f\","
    "\"agent\":{\"name\":\"codex\",\"version\":\"0.169.0\"},"
    "\"justification\":\"run the tests after the change to the parser\","
    "\"transcript\":[{\"role\":\"user\",\"text\":\"please fix the build, the "
    "parser test fails since yesterday\"},{\"role\":\"assistant\",\"text\":"
    "\"I changed the parser and run the tests now\"}],\"profile\":"
    "\"workspace-write\",\"executor\":\"assent\",\"execute\":false}";

static void
die(const char *what)
{
	(void)fprintf(stderr, "bench_front: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
dial(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static double
cpu_s(pid_t pid)
{
	AUTO_BUF struct buf text = BUF_INIT(4096);
	char path[64];
	unsigned long user = 0, kernel = 0;
	struct str rest;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (fdio_read_file(path, &text, NULL) != 0)
		die(path);
	rest = str_from(buf_str(&text), str_rfind(buf_str(&text), ')') + 2);
	for (int field = 3; field <= 15; field++) {
		const struct str word = str_cut(&rest, ' ');
		char *end;

		if (field == 14)
			user = strtoul(word.s, &end, 10);
		if (field == 15)
			kernel = strtoul(word.s, &end, 10);
	}
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static void
ask(int fd, const struct buf *request)
{
	if (fdio_write_all(fd, request->s, request->len, NULL) != 0)
		die("write");
}

/* All of these answers are short and come in one piece. */
static void
take(int fd)
{
	char in[RESPONSE_MAX];
	const ssize_t n = read(fd, in, sizeof(in));

	if (n <= 0 || strncmp(in, "HTTP/1.1 200", 12) != 0)
		die("answer");
}

static void
measure(const char *path, pid_t pid, int clients)
{
	AUTO_BUF struct buf request = BUF_INIT(8192);
	AUTO_FD int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[CLIENTS_MAX];
	const int64_t start = loop_now_ns();
	const double before = cpu_s(pid);
	int fds[CLIENTS_MAX];
	long done = 0;
	double seconds;

	buf_printf(&request,
	    "POST /v1/actions HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Type: application/json\r\nIdempotency-Key: k-1\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    sizeof(body) - 1, body);
	for (int i = 0; i < clients; i++) {
		struct epoll_event ev = { .events = EPOLLIN };

		fds[i] = ev.data.fd = dial(path);
		if (fds[i] < 0 ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &ev) != 0)
			die("connect");
		ask(fds[i], &request);
	}
	while (loop_now_ns() - start < ROUND_NS) {
		const int n = epoll_wait(epoll, events, CLIENTS_MAX, 1000);

		for (int i = 0; i < n; i++) {
			take(events[i].data.fd);
			ask(events[i].data.fd, &request);
			done++;
		}
	}
	seconds = (double)(loop_now_ns() - start) / 1e9;
	printf("front_%d_clients\t%.0f\trequests/s\n", clients,
	    (double)done / seconds);
	printf("front_%d_clients_cpu\t%.2f\tus/request\n", clients,
	    (cpu_s(pid) - before) * 1e6 / (double)done);
	for (int i = 0; i < clients; i++)
		(void)close(fds[i]);
}

int
main(void)
{
	static const int rounds[] = { 1, 16, 64 };
	const char *bin = secure_getenv("ASSENT_BIN");
	char program[512], path[128], dir[] = "/tmp/assent-front-XXXXXX";
	char *argv[] = { program, dir, NULL };
	struct err e = ERR_INIT;
	int fd = -1, pidfd = -1;
	pid_t pid = 0;

	if (mkdtemp(dir) == NULL)
		die("mkdtemp");
	(void)snprintf(program, sizeof(program), "%s/../fake/front_alone",
	    bin == NULL ? "build/release/bin" : bin);
	(void)snprintf(path, sizeof(path), "%s/agent.sock", dir);
	if (spawn(&(struct spawn_options){ .path = program, .argv = argv },
		&pid, &pidfd, &e) != 0) {
		(void)fprintf(stderr, "bench_front: %s\n", e.msg);
		return 1;
	}
	for (int i = 0; i < START_TRIES && fd < 0; i++) {
		(void)usleep(10000);
		fd = dial(path);
	}
	if (fd < 0)
		die(path);
	(void)close(fd);
	for (size_t i = 0; i < ARRAY_LEN(rounds); i++)
		measure(path, pid, rounds[i]);
	(void)kill(pid, SIGTERM);
	return 0;
}
