/*
 * Links between roles: what is not listed or ill-formed ends the sender (I6).
 * Runs in: tests.
 */
#include "base/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/mem.h"

enum {
	T_SHORT = 1,
	T_LONG,
	T_FD,
	T_ONCE,
	T_FAIL,
	T_FREE,
	T_UNLISTED,
};

#define SHORT_MAX 16

/* The wire, as an enemy would write it. */
struct wire {
	uint16_t version, type;
	uint32_t flags, len, reserved;
	char bytes[64];
};
#define WIRE_HEAD offsetof(struct wire, bytes)
#define WIRE_MEMFD 1
#define WIRE_FD 2

struct fixture {
	struct loop *loop;
	struct ipc *ipc; /* the end under test */
	int raw; /* the enemy's end */
	unsigned handled, ended;
	bool had_reason, fd_good, free_on_close;
	uint16_t type;
	size_t len;
	uint64_t sum;
	struct err why;
};

static int
on_any(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct fixture *f = ctx;

	(void)e;
	f->handled++;
	f->type = m->type;
	f->len = m->payload.len;
	for (size_t i = 0; i < m->payload.len; i++)
		f->sum += (unsigned char)m->payload.s[i];
	return 0;
}

static int
on_fd(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO_FD int fd = TAKE_FD(m->fd);
	struct fixture *f = ctx;

	f->fd_good = fcntl(fd, F_GETFD) == FD_CLOEXEC;
	return on_any(ctx, m, e);
}

static int
on_fail(void *ctx, struct ipc_msg *m, struct err *e)
{
	(void)on_any(ctx, m, e);
	return err_set(e, ERR_INVALID, "the handler does not like it");
}

static int
on_free(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct fixture *f = ctx;

	(void)on_any(ctx, m, e);
	assert_ptr_equal(m->from, f->ipc);
	ipc_freep(&f->ipc);
	return 0;
}

static const struct ipc_row table[] = {
	{ .type = T_SHORT, .len_max = SHORT_MAX, .handler = on_any },
	{ .type = T_LONG, .len_max = IPC_PAYLOAD_MAX, .handler = on_any },
	{ .type = T_FD,
	    .flags = IPC_FD,
	    .len_max = IPC_PAYLOAD_MAX,
	    .handler = on_fd },
	{ .type = T_ONCE, .flags = IPC_ONCE, .handler = on_any },
	{ .type = T_FAIL, .handler = on_fail },
	{ .type = T_FREE, .handler = on_free },
};

static void
on_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct fixture *f = ctx;

	assert_ptr_equal(i, f->ipc);
	f->ended++;
	f->had_reason = why != NULL;
	if (why != NULL)
		f->why = *why;
	if (f->free_on_close)
		ipc_freep(&f->ipc);
}

static int
setup(void **state)
{
	static struct fixture f;
	int pair[2];

	memset(&f, 0, sizeof(f));
	assert_int_equal(loop_new(&f.loop, NULL), 0);
	assert_int_equal(ipc_pair(pair, NULL), 0);
	f.raw = pair[1];
	assert_int_equal(ipc_new(f.loop, pair[0], "enemy", table,
			     ARRAY_LEN(table), &f, on_closed, &f.ipc, NULL),
	    0);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ipc_free(f->ipc);
	loop_free(f->loop);
	fd_closep(&f->raw);
	return 0;
}

static unsigned
open_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
turn(struct fixture *f)
{
	assert_int_equal(loop_once(f->loop, 1000, NULL), 0);
}

static void
send_wire(struct fixture *f, const struct wire *w, size_t bytes, const int *fds,
    size_t fd_count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 16)];
	struct iovec iov = { .iov_len = WIRE_HEAD + bytes };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct wire copy = *w;

	iov.iov_base = &copy;
	if (fd_count > 0) {
		struct cmsghdr *h;

		memset(control, 0, sizeof(control));
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * fd_count);
	}
	assert_int_equal(
	    sendmsg(f->raw, &m, MSG_NOSIGNAL), (ssize_t)iov.iov_len);
}

/* The link ended with a reason, nothing was handled, the sender sees it. */
static void
assert_ended(struct fixture *f, const char *reason)
{
	char byte;

	turn(f);
	assert_int_equal(f->ended, 1);
	assert_true(f->had_reason);
	assert_int_equal(f->handled, 0);
	if (strstr(f->why.msg, reason) == NULL)
		fail_msg("'%s' does not say '%s'", f->why.msg, reason);
	assert_int_equal(recv(f->raw, &byte, 1, 0), 0);
	assert_int_equal(
	    ipc_send(f->ipc, T_SHORT, STR("x"), -1, NULL), ERR_CONFLICT);
}

static struct wire
good(uint16_t type, uint32_t len)
{
	return (
	    struct wire){ .version = IPC_VERSION, .type = type, .len = len };
}

static void
a_listed_message_is_handled(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_SHORT, 5);

	send_wire(f, &w, 5, NULL, 0);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->type, T_SHORT);
	assert_int_equal(f->len, 5);
	assert_int_equal(f->ended, 0);
}

static void
i6_an_unlisted_message_ends_the_sender(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_UNLISTED, 0);

	send_wire(f, &w, 0, NULL, 0);
	assert_ended(f, "not in the table");
}

static void
i6_what_was_sent_after_the_violation_is_not_handled(void **state)
{
	struct fixture *f = *state;
	const struct wire bad = good(T_UNLISTED, 0);
	const struct wire w = good(T_SHORT, 0);

	send_wire(f, &bad, 0, NULL, 0);
	send_wire(f, &w, 0, NULL, 0);
	assert_ended(f, "not in the table");
}

static void
i6_a_message_longer_than_its_row_ends_the_sender(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_SHORT, SHORT_MAX + 1);

	send_wire(f, &w, SHORT_MAX + 1, NULL, 0);
	assert_ended(f, "too long");
}

static void
i6_a_length_that_is_not_true_ends_the_sender(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_SHORT, 9);

	send_wire(f, &w, 8, NULL, 0);
	assert_ended(f, "length");
}

static void
i6_another_version_ends_the_sender(void **state)
{
	struct fixture *f = *state;
	struct wire w = good(T_SHORT, 0);

	w.version++;
	send_wire(f, &w, 0, NULL, 0);
	assert_ended(f, "version");
}

static void
i6_unknown_flags_end_the_sender(void **state)
{
	struct fixture *f = *state;
	struct wire w = good(T_SHORT, 0);

	w.flags = 4;
	send_wire(f, &w, 0, NULL, 0);
	assert_ended(f, "flags");
}

static void
i6_a_datagram_without_a_whole_header_ends_the_sender(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send(f->raw, "abc", 3, 0), 3);
	assert_ended(f, "does not fit");
}

static void
i6_a_datagram_that_is_cut_off_ends_the_sender(void **state)
{
	static char big[IPC_INLINE_MAX + 4096];
	struct fixture *f = *state;
	const struct wire w = good(T_LONG, sizeof(big) - WIRE_HEAD);

	memcpy(big, &w, WIRE_HEAD);
	assert_int_equal(
	    send(f->raw, big, sizeof(big), 0), (ssize_t)sizeof(big));
	assert_ended(f, "does not fit");
}

static void
i6_a_descriptor_that_is_not_expected_ends_the_sender(void **state)
{
	struct fixture *f = *state;
	struct wire w = good(T_SHORT, 0);
	const unsigned before = open_fds();
	const int fds[] = { 0 };

	w.flags = WIRE_FD;
	send_wire(f, &w, 0, fds, 1);
	assert_ended(f, "count of descriptors");
	/* The link's own is closed; the received one did not stay. */
	assert_int_equal(open_fds(), before - 1);
}

static void
i6_a_descriptor_that_is_not_announced_ends_the_sender(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_SHORT, 0);
	const int fds[] = { 0 };

	send_wire(f, &w, 0, fds, 1);
	assert_ended(f, "count of descriptors");
}

static void
i6_a_missing_descriptor_ends_the_sender(void **state)
{
	struct fixture *f = *state;
	struct wire w = good(T_FD, 0);

	send_wire(f, &w, 0, NULL, 0);
	assert_ended(f, "count of descriptors");
}

static void
i6_too_many_descriptors_end_the_sender_and_do_not_stay(void **state)
{
	struct fixture *f = *state;
	struct wire w = good(T_FD, 0);
	const unsigned before = open_fds();
	const int fds[16] = { 0 };

	w.flags = WIRE_FD;
	send_wire(f, &w, 0, fds, 16);
	turn(f);
	assert_int_equal(f->ended, 1);
	assert_int_equal(f->handled, 0);
	assert_int_equal(open_fds(), before - 1);
}

static void
i6_a_handler_that_fails_ends_the_sender(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_FAIL, 0);

	send_wire(f, &w, 0, NULL, 0);
	send_wire(f, &w, 0, NULL, 0);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->ended, 1);
	assert_string_equal(f->why.msg, "the handler does not like it");
}

static void
i6_a_message_permitted_once_ends_the_sender_the_second_time(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_ONCE, 0);

	send_wire(f, &w, 0, NULL, 0);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->ended, 0);
	f->handled = 0;
	send_wire(f, &w, 0, NULL, 0);
	assert_ended(f, "twice");
}

static void
send_memfd(struct fixture *f, int seals, size_t size, size_t said)
{
	AUTO_FD int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct wire w = good(T_LONG, (uint32_t)said);

	w.flags = WIRE_MEMFD;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	send_wire(f, &w, 0, &fd, 1);
}

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
#define LONG_LEN (IPC_INLINE_MAX + 1)

static void
i6_an_unsealed_memfd_ends_the_sender(void **state)
{
	send_memfd(*state, F_SEAL_GROW | F_SEAL_SHRINK, LONG_LEN, LONG_LEN);
	assert_ended(*state, "not sealed");
}

static void
i6_a_descriptor_that_is_no_memfd_ends_the_sender(void **state)
{
	struct fixture *f = *state;
	struct wire w = good(T_LONG, LONG_LEN);
	AUTO_FD int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	w.flags = WIRE_MEMFD;
	assert_true(fd >= 0);
	send_wire(f, &w, 0, &fd, 1);
	assert_ended(f, "not a memfd");
}

static void
i6_a_memfd_of_another_size_ends_the_sender(void **state)
{
	send_memfd(*state, ALL_SEALS, LONG_LEN - 1, LONG_LEN);
	assert_ended(*state, "another size");
}

static void
i6_a_short_message_in_a_memfd_ends_the_sender(void **state)
{
	send_memfd(*state, ALL_SEALS, 8, 8);
	assert_ended(*state, "short");
}

static void
i6_a_memfd_longer_than_the_row_permits_ends_the_sender(void **state)
{
	send_memfd(*state, ALL_SEALS, IPC_PAYLOAD_MAX + 1, IPC_PAYLOAD_MAX + 1);
	assert_ended(*state, "too long");
}

static void
a_sealed_memfd_is_a_payload_like_any_other(void **state)
{
	struct fixture *f = *state;

	send_memfd(f, ALL_SEALS, LONG_LEN, LONG_LEN);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->len, LONG_LEN);
	assert_int_equal(f->ended, 0);
}

static void
a_hang_up_has_no_reason(void **state)
{
	struct fixture *f = *state;

	fd_closep(&f->raw);
	turn(f);
	assert_int_equal(f->ended, 1);
	assert_false(f->had_reason);
}

static void
what_a_peer_sent_before_it_died_is_still_handled(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_SHORT, 0);

	/* It leaves our message unread: the kernel then reports a reset
	 * before what it sent. */
	assert_int_equal(ipc_send(f->ipc, T_SHORT, STR("a"), -1, NULL), 0);
	assert_int_equal(loop_once(f->loop, 0, NULL), 0);
	send_wire(f, &w, 0, NULL, 0);
	fd_closep(&f->raw);
	assert_int_equal(ipc_send(f->ipc, T_SHORT, STR("b"), -1, NULL), 0);
	turn(f);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->ended, 1);
	assert_false(f->had_reason);
}

static void
a_reset_is_a_hang_up_after_what_was_sent(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_SHORT, 0);

	assert_int_equal(ipc_send(f->ipc, T_SHORT, STR("a"), -1, NULL), 0);
	assert_int_equal(loop_once(f->loop, 0, NULL), 0);
	send_wire(f, &w, 0, NULL, 0);
	fd_closep(&f->raw); /* with our message unread */
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->ended, 1);
	assert_false(f->had_reason);
}

static void
a_link_may_be_freed_in_its_own_handler(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_FREE, 0);

	send_wire(f, &w, 0, NULL, 0);
	send_wire(f, &w, 0, NULL, 0);
	turn(f);
	assert_int_equal(f->handled, 1);
	assert_int_equal(f->ended, 0);
	assert_null(f->ipc);
}

static void
a_link_may_be_freed_when_it_ends(void **state)
{
	struct fixture *f = *state;
	const struct wire w = good(T_FAIL, 0);

	f->free_on_close = true;
	send_wire(f, &w, 0, NULL, 0);
	turn(f);
	assert_int_equal(f->ended, 1);
	assert_null(f->ipc);
}

/* ---- two ends of ours -------------------------------------------------- */

struct pair {
	struct loop *loop;
	struct fixture a, b;
};

static void
pair_up(struct pair *p)
{
	int fds[2];

	memset(p, 0, sizeof(*p));
	assert_int_equal(loop_new(&p->loop, NULL), 0);
	assert_int_equal(ipc_pair(fds, NULL), 0);
	assert_int_equal(ipc_new(p->loop, fds[0], "b", table, ARRAY_LEN(table),
			     &p->a, on_closed, &p->a.ipc, NULL),
	    0);
	assert_int_equal(ipc_new(p->loop, fds[1], "a", table, ARRAY_LEN(table),
			     &p->b, on_closed, &p->b.ipc, NULL),
	    0);
}

static void
pair_down(struct pair *p)
{
	ipc_free(p->a.ipc);
	ipc_free(p->b.ipc);
	loop_free(p->loop);
}

static void
messages_of_every_size_arrive_whole(void **state)
{
	static char bytes[IPC_PAYLOAD_MAX];
	const size_t sizes[] = { 0, 1, IPC_INLINE_MAX - 1, IPC_INLINE_MAX,
		IPC_INLINE_MAX + 1, 1 << 20, IPC_PAYLOAD_MAX };
	struct pair p;
	uint64_t sum = 0;

	(void)state;
	pair_up(&p);
	memset(bytes, 7, sizeof(bytes));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(
		    ipc_send(p.a.ipc, T_LONG, str_n(bytes, sizes[i]), -1, NULL),
		    0);
		while (p.b.handled <= i)
			assert_int_equal(loop_once(p.loop, 1000, NULL), 0);
		assert_int_equal(p.b.len, sizes[i]);
		sum += 7 * sizes[i];
	}
	assert_int_equal(p.b.sum, sum);
	assert_int_equal(ipc_send(p.a.ipc, T_LONG,
			     str_n(bytes, IPC_PAYLOAD_MAX + 1), -1, NULL),
	    ERR_LIMIT);
	pair_down(&p);
}

static void
a_descriptor_travels_with_a_long_message_too(void **state)
{
	static char bytes[LONG_LEN];
	struct pair p;

	(void)state;
	pair_up(&p);
	assert_int_equal(ipc_send(p.a.ipc, T_FD, str_n(bytes, 3), 0, NULL), 0);
	assert_int_equal(
	    ipc_send(p.a.ipc, T_FD, str_n(bytes, LONG_LEN), 0, NULL), 0);
	while (p.b.handled < 2)
		assert_int_equal(loop_once(p.loop, 1000, NULL), 0);
	assert_true(p.b.fd_good);
	assert_int_equal(p.b.len, LONG_LEN);
	pair_down(&p);
}

static void
what_the_socket_does_not_take_waits_in_order(void **state)
{
	static char bytes[IPC_INLINE_MAX];
	struct pair p;
	const unsigned count = 500; /* 16 MB, far more than the buffer */

	(void)state;
	pair_up(&p);
	for (unsigned i = 0; i < count; i++) {
		memset(bytes, (int)(i % 251), sizeof(bytes));
		assert_int_equal(
		    ipc_send(p.a.ipc, T_LONG, str_n(bytes, 1 + i), -1, NULL),
		    0);
	}
	ipc_flush(p.a.ipc);
	for (unsigned i = 0; i < 100 && p.b.handled < count; i++)
		assert_int_equal(loop_once(p.loop, 1000, NULL), 0);
	assert_int_equal(p.b.handled, count);
	assert_int_equal(p.b.len, count);
	assert_int_equal(ipc_queued(p.a.ipc), 0);
	pair_down(&p);
}

static void
a_peer_that_does_not_read_is_a_limit_not_a_wait(void **state)
{
	static char bytes[IPC_INLINE_MAX];
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	unsigned sent = 0;
	int r = 0;

	while (r == 0) {
		r = ipc_send(
		    f->ipc, T_LONG, str_n(bytes, sizeof(bytes)), -1, &e);
		sent++;
		if (sent % 64 == 0)
			ipc_flush(f->ipc);
	}
	assert_int_equal(r, ERR_LIMIT);
	assert_true(ipc_queued(f->ipc) <= IPC_QUEUE_MAX);
	assert_true(sent > IPC_QUEUE_MAX / IPC_INLINE_MAX - 100);
	assert_non_null(strstr(e.msg, "enemy does not keep up"));
}

static void
freeing_a_link_sends_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct wire w;

	assert_int_equal(ipc_send(f->ipc, T_SHORT, STR("bye"), -1, NULL), 0);
	ipc_freep(&f->ipc);
	assert_int_equal(recv(f->raw, &w, sizeof(w), 0), WIRE_HEAD + 3);
	assert_memory_equal(w.bytes, "bye", 3);
}

static void
without_free_descriptors_a_send_fails_and_the_link_lives(void **state)
{
	static char bytes[LONG_LEN];
	struct fixture *f = *state;
	struct rlimit old, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(
	    ipc_send(f->ipc, T_LONG, str_n(bytes, sizeof(bytes)), -1, NULL),
	    ERR_SYS);
	assert_int_equal(ipc_send(f->ipc, T_FD, STR("x"), 0, NULL), ERR_SYS);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(ipc_queued(f->ipc), 0);
	assert_int_equal(ipc_send(f->ipc, T_SHORT, STR("x"), -1, NULL), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_listed_message_is_handled),
		T(i6_an_unlisted_message_ends_the_sender),
		T(i6_what_was_sent_after_the_violation_is_not_handled),
		T(i6_a_message_longer_than_its_row_ends_the_sender),
		T(i6_a_length_that_is_not_true_ends_the_sender),
		T(i6_another_version_ends_the_sender),
		T(i6_unknown_flags_end_the_sender),
		T(i6_a_datagram_without_a_whole_header_ends_the_sender),
		T(i6_a_datagram_that_is_cut_off_ends_the_sender),
		T(i6_a_descriptor_that_is_not_expected_ends_the_sender),
		T(i6_a_descriptor_that_is_not_announced_ends_the_sender),
		T(i6_a_missing_descriptor_ends_the_sender),
		T(i6_too_many_descriptors_end_the_sender_and_do_not_stay),
		T(i6_a_handler_that_fails_ends_the_sender),
		T(i6_a_message_permitted_once_ends_the_sender_the_second_time),
		T(i6_an_unsealed_memfd_ends_the_sender),
		T(i6_a_descriptor_that_is_no_memfd_ends_the_sender),
		T(i6_a_memfd_of_another_size_ends_the_sender),
		T(i6_a_short_message_in_a_memfd_ends_the_sender),
		T(i6_a_memfd_longer_than_the_row_permits_ends_the_sender),
		T(a_sealed_memfd_is_a_payload_like_any_other),
		T(a_hang_up_has_no_reason),
		T(what_a_peer_sent_before_it_died_is_still_handled),
		T(a_reset_is_a_hang_up_after_what_was_sent),
		T(a_link_may_be_freed_in_its_own_handler),
		T(a_link_may_be_freed_when_it_ends),
		cmocka_unit_test(messages_of_every_size_arrive_whole),
		cmocka_unit_test(a_descriptor_travels_with_a_long_message_too),
		cmocka_unit_test(what_the_socket_does_not_take_waits_in_order),
		T(a_peer_that_does_not_read_is_a_limit_not_a_wait),
		T(freeing_a_link_sends_what_is_queued),
		T(without_free_descriptors_a_send_fails_and_the_link_lives),
	};

	return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
