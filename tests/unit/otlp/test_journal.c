/*
 * systemd's journal, at a socket of our own: the native protocol read back.
 */
#include "otlp_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/loop.h"
#include "sink_journal.h"

#define ENTRY_MAX ((size_t)8 << 20)
#define LARGE ((size_t)1 << 20)

struct journal {
	char dir[64], path[96];
	int fd;
	struct sink *sink;
	enum sink_verdict verdict;
	size_t taken;
	char *entry;
	size_t len;
	int seals; /* of the file it came in; -1: it was a datagram */
};

static void
listen_at(struct journal *j)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(j->fd >= 0);
	memcpy(at.sun_path, j->path, strlen(j->path) + 1);
	assert_int_equal(
	    bind(j->fd, (const struct sockaddr *)&at, sizeof(at)), 0);
}

static int
set_up(void **state)
{
	static struct journal j;

	memset(&j, 0, sizeof(j));
	(void)snprintf(j.dir, sizeof(j.dir), "/tmp/assent-journal-XXXXXX");
	assert_non_null(mkdtemp(j.dir));
	(void)snprintf(j.path, sizeof(j.path), "%s/socket", j.dir);
	j.entry = malloc(ENTRY_MAX);
	assert_non_null(j.entry);
	listen_at(&j);
	assert_int_equal(
	    sink_journal_new(
		&(struct journal_options){ .path = j.path }, &j.sink, NULL),
	    0);
	*state = &j;
	return 0;
}

static int
tear_down(void **state)
{
	struct journal *j = *state;

	j->sink->ops->close(j->sink);
	(void)close(j->fd);
	(void)unlink(j->path);
	(void)rmdir(j->dir);
	free(j->entry);
	return 0;
}

static void
on_done(void *ctx, const struct sink_result *r)
{
	struct journal *j = ctx;

	j->verdict = r->verdict;
	j->taken = r->taken;
}

static void
send_row(struct journal *j, const char *text)
{
	json_t *row = row_of(text);

	j->sink->ops->send(j->sink, &row, 1, on_done, j);
	json_decref(row);
}

static void
read_file(struct journal *j, int file)
{
	struct stat st;

	assert_int_equal(fstat(file, &st), 0);
	j->len = (size_t)st.st_size;
	assert_true(j->len <= ENTRY_MAX);
	assert_int_equal(pread(file, j->entry, j->len, 0), st.st_size);
	j->seals = fcntl(file, F_GET_SEALS);
	(void)close(file);
}

/* As journald does: the bytes, or a file with them. */
static void
receive(struct journal *j)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec to = { .iov_base = j->entry, .iov_len = ENTRY_MAX };
	struct msghdr m = { .msg_iov = &to,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	const ssize_t n = recvmsg(j->fd, &m, MSG_DONTWAIT);
	struct cmsghdr *c;
	int file;

	assert_true(n >= 0);
	j->len = (size_t)n;
	j->seals = -1;
	c = CMSG_FIRSTHDR(&m);
	if (c == NULL)
		return;
	memcpy(&file, CMSG_DATA(c), sizeof(file));
	read_file(j, file);
}

/* Walks the fields; what follows the last one must be the end. */
static bool
field(const struct journal *j, const char *name, char *ret, size_t max)
{
	size_t at = 0;
	bool found = false;

	while (at < j->len) {
		const char *line = j->entry + at;
		const char *end = memchr(line, '\n', j->len - at);
		const char *sign;
		uint64_t len;
		size_t key;

		assert_non_null(end);
		sign = memchr(line, '=', (size_t)(end - line));
		if (sign != NULL) {
			key = (size_t)(sign - line);
			len = (uint64_t)(end - sign - 1);
			at += key + 1 + len + 1;
			line = sign + 1;
		} else {
			key = (size_t)(end - line);
			memcpy(&len, end + 1, sizeof(len));
			at += key + 1 + sizeof(len) + len + 1;
			assert_true(at <= j->len);
			line = end + 1 + sizeof(len);
		}
		assert_int_equal(j->entry[at - 1], '\n');
		if (key != strlen(name) ||
		    memcmp(sign == NULL ? end - key : sign - key, name, key) !=
			0)
			continue;
		assert_false(found);
		found = true;
		(void)snprintf(ret, max, "%.*s", (int)len, line);
	}
	return found;
}

static void
expect_field(const struct journal *j, const char *name, const char *value)
{
	static char text[4096];

	assert_true(field(j, name, text, sizeof(text)));
	assert_string_equal(text, value);
}

static void
a_denial_is_an_entry_that_can_be_selected(void **state)
{
	struct journal *j = *state;

	send_row(j, DECIDED_ROW);
	assert_int_equal(j->verdict, SINK_TAKEN);
	receive(j);
	expect_field(j, "MESSAGE", "deny: rm -rf /usr");
	expect_field(j, "PRIORITY", "4");
	expect_field(j, "SYSLOG_IDENTIFIER", "assent");
	expect_field(j, "ASSENT_SEQ", "41");
	expect_field(j, "ASSENT_DECISION", "deny");
	expect_field(j, "ASSENT_RULE", "floor.delete-system");
	expect_field(j, "ASSENT_LOG_HASH", "00ff");
}

static void
no_text_makes_a_field(void **state)
{
	static char text[64];
	struct journal *j = *state;

	send_row(j,
	    "{\"seq\":1,\"time\":\"t\",\"time_ns\":\"1\","
	    "\"kind\":\"decided\",\"session\":\"s\\nPRIORITY=0\\nEVIL=1\","
	    "\"body\":{\"reason\":\"a\\n\\nEVIL=1\\n\","
	    "\"text\":\"x\\nEVIL=1\"}}");
	receive(j);
	assert_false(field(j, "EVIL", text, sizeof(text)));
	expect_field(j, "PRIORITY", "6");
	expect_field(j, "ASSENT_SESSION", "s\nPRIORITY=0\nEVIL=1");
	expect_field(j, "MESSAGE", "x\\nEVIL=1");
}

static void
what_is_too_large_for_a_datagram_goes_as_a_sealed_file(void **state)
{
	struct journal *j = *state;
	AUTO_BUF struct buf row = BUF_INIT(ENTRY_MAX);
	static char kind[32];

	buf_puts(&row,
	    "{\"seq\":1,\"time\":\"t\",\"time_ns\":\"1\","
	    "\"kind\":\"event\",\"body\":{\"reason\":\"");
	for (size_t i = 0; i < LARGE; i++)
		buf_putc(&row, 'x');
	buf_puts(&row, "\"}}");
	send_row(j, buf_cstr(&row));
	assert_int_equal(j->verdict, SINK_TAKEN);
	receive(j);
	assert_int_equal(
	    j->seals, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_true(j->len > 2 * LARGE);
	assert_true(field(j, "ASSENT_KIND", kind, sizeof(kind)));
	assert_string_equal(kind, "event");
}

static void
a_journal_that_is_started_anew_gets_the_next_row(void **state)
{
	struct journal *j = *state;

	send_row(j, DECIDED_ROW);
	(void)close(j->fd);
	(void)unlink(j->path);
	send_row(j, DECIDED_ROW);
	assert_int_equal(j->verdict, SINK_LATER);
	assert_int_equal(j->taken, 0);
	listen_at(j);
	send_row(j, DECIDED_ROW);
	assert_int_equal(j->verdict, SINK_TAKEN);
	receive(j);
	expect_field(j, "ASSENT_SEQ", "41");
}

/* The others, and the end of the daemon, wait for it no longer than this. */
#define BLOCKED_NS_MAX INT64_C(1000000000)
#define QUEUE_MAX 10000

static void
a_reader_that_stands_still_holds_up_nobody(void **state)
{
	struct journal *j = *state;
	unsigned sent = 0;
	int64_t began;

	do {
		began = loop_now_ns();
		send_row(j, DECIDED_ROW);
		assert_true(loop_now_ns() - began < BLOCKED_NS_MAX);
	} while (j->verdict == SINK_TAKEN && ++sent < QUEUE_MAX);
	assert_int_equal(j->verdict, SINK_LATER);
	assert_int_equal(j->taken, 0);
	receive(j);
	send_row(j, DECIDED_ROW);
	assert_int_equal(j->verdict, SINK_TAKEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_denial_is_an_entry_that_can_be_selected, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    no_text_makes_a_field, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    what_is_too_large_for_a_datagram_goes_as_a_sealed_file,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_journal_that_is_started_anew_gets_the_next_row, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    a_reader_that_stands_still_holds_up_nobody, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
