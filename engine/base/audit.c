/*
 * The kernel's audit records, and its switch for them.
 * Runs in: assent-exec and assent doctor, as root.  Trusts: the kernel.
 * Owns: nothing.
 */
#include "audit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "mem.h"

#define BUFFER_BYTES (1 << 20)
#define ANSWER_MS 200
#define ANSWERS_MAX 8

struct message {
	struct nlmsghdr head;
	char text[AUDIT_TEXT_MAX];
};

/* Of all records those of two types reach the socket, and nobody changes
 * that. A filter reads two bytes as the network orders them. */
static int
take_only(int fd, uint16_t first, uint16_t second)
{
	struct sock_filter insns[] = {
		{ BPF_LD | BPF_H | BPF_ABS, 0, 0,
		    offsetof(struct nlmsghdr, nlmsg_type) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 1, 0, htons(first) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, htons(second) },
		{ BPF_RET | BPF_K, 0, 0, UINT32_MAX },
		{ BPF_RET | BPF_K, 0, 0, 0 },
	};
	const struct sock_fprog prog = {
		.len = ARRAY_LEN(insns),
		.filter = insns,
	};
	const int one = 1;
	int r =
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));

	if (r == 0)
		r = setsockopt(
		    fd, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one));
	return r;
}

static int
open_socket(void)
{
	return socket(
	    AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);
}

/* A socket elsewhere hears nothing, and no error tells. */
static bool
is_elsewhere(void)
{
	struct stat own, first;

	return stat("/proc/self/ns/net", &own) == 0 &&
	    stat("/proc/1/ns/net", &first) == 0 &&
	    (own.st_dev != first.st_dev || own.st_ino != first.st_ino);
}

int
audit_join(uint16_t first, uint16_t second, int *ret, struct err *e)
{
	const struct sockaddr_nl to = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1),
	};
	const int bytes = BUFFER_BYTES;
	AUTO_FD int fd = -1;

	if (is_elsewhere())
		return err_set(e, ERR_NOTFOUND,
		    "audit records come in the machine's own network "
		    "namespace alone, and this is another");
	fd = open_socket();
	/* The filter first: nothing else ever comes in. */
	if (fd < 0 || take_only(fd, first, second) != 0 ||
	    bind(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		return err_sys(e, "cannot join the kernel's audit records");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	*ret = TAKE_FD(fd);
	return ERR_OK;
}

/* Only the kernel's own: its port is 0. */
static ssize_t
receive(int fd, struct message *m)
{
	struct sockaddr_nl from = { .nl_pid = 1 };
	socklen_t len = sizeof(from);
	ssize_t n;

	do
		n = recvfrom(
		    fd, m, sizeof(*m), 0, (struct sockaddr *)&from, &len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return n;
	return from.nl_pid == 0 && (size_t)n >= sizeof(m->head) ? n : 0;
}

int
audit_read(int fd, char text[static AUDIT_TEXT_MAX], size_t *ret_len)
{
	struct message m;
	const ssize_t n = receive(fd, &m);

	*ret_len = 0;
	if (n <= 0)
		return n < 0 ? -errno : 0;
	/* What the head says of the length has changed with kernels. */
	*ret_len = (size_t)n - sizeof(m.head);
	memcpy(text, m.text, *ret_len);
	return m.head.nlmsg_type;
}

/* ---- the kernel's switch -------------------------------------------------- */

struct request {
	struct nlmsghdr head;
	struct audit_status status;
};

static int
ask(int fd, uint16_t type, uint16_t flags, const struct audit_status *status)
{
	struct request q = {
		.head = {
			.nlmsg_len = sizeof(q),
			.nlmsg_type = type,
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
			.nlmsg_seq = 1,
		},
		.status = *status,
	};

	return send(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q) ? 0 : -1;
}

/* The answer of this type; for NLMSG_ERROR, the errno in it. */
static int
answer(int fd, uint16_t type, struct audit_status *ret)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct message m;

	for (int i = 0; i < ANSWERS_MAX; i++) {
		ssize_t n;
		int error;

		if (poll(&p, 1, ANSWER_MS) != 1)
			break;
		n = receive(fd, &m);
		if (n < (ssize_t)(sizeof(m.head) + sizeof(error)))
			continue;
		memcpy(&error, m.text, sizeof(error));
		if (m.head.nlmsg_type == NLMSG_ERROR &&
		    (error != 0 || type == NLMSG_ERROR)) {
			errno = -error;
			return error == 0 ? 0 : -1;
		}
		if (m.head.nlmsg_type != type)
			continue;
		/* Fields were added at the end. */
		*ret = (struct audit_status){ .mask = 0 };
		n -= (ssize_t)sizeof(m.head);
		memcpy(ret, m.text,
		    (size_t)n < sizeof(*ret) ? (size_t)n : sizeof(*ret));
		return 0;
	}
	errno = ETIMEDOUT;
	return -1;
}

enum audit_state
audit_ask_state(void)
{
	struct audit_status status = { .mask = 0 };
	AUTO_FD int fd = open_socket();

	if (fd < 0 || ask(fd, AUDIT_GET, 0, &status) != 0 ||
	    answer(fd, AUDIT_GET, &status) != 0)
		return AUDIT_STATE_UNKNOWN;
	return status.enabled == 0 ? AUDIT_STATE_OFF : AUDIT_STATE_ON;
}

int
audit_switch_on(struct err *e)
{
	struct audit_status status = {
		.mask = AUDIT_STATUS_ENABLED,
		.enabled = 1,
	};
	AUTO_FD int fd = open_socket();

	if (fd < 0 || ask(fd, AUDIT_SET, NLM_F_ACK, &status) != 0 ||
	    answer(fd, NLMSG_ERROR, &status) != 0)
		return err_sys(e, "cannot switch the kernel's auditing on");
	return ERR_OK;
}
