/*
 * Messages between a run's first process and its starter.
 * Runs in: assent-exec.  Trusts: nothing that it reads.  Owns: nothing.
 */
#include "ctl.h"

#include <errno.h>
#include <sys/socket.h>

int
ctl_send(int fd, const struct ctl *m)
{
	AUTO_BUF struct buf b = BUF_INIT(CTL_BYTES_MAX);
	ssize_t n;

	rec_put_u8(&b, (uint8_t)m->type);
	rec_put_u32(&b, (uint32_t)m->code);
	rec_put_u32(&b, m->flags);
	rec_put_u64(&b, m->violation_total);
	rec_put_u32(&b, (uint32_t)m->violation_count);
	for (size_t i = 0; i < m->violation_count; i++)
		rec_put_cstr(&b, m->violations[i]);
	rec_put_cstr(&b, m->text);
	if (buf_done(&b, NULL) != 0)
		return ERR_LIMIT;
	do
		n = send(fd, b.s, b.len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)b.len ? ERR_OK : ERR_SYS;
}

int
ctl_receive(int fd, struct arena *a, struct ctl *ret, struct err *e)
{
	char bytes[CTL_BYTES_MAX];
	struct rec r;
	ssize_t n;

	do
		n = recv(fd, bytes, sizeof(bytes), 0);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n < 0)
		return err_sys(e, "cannot read from the run");
	r = rec_of(str_n(bytes, (size_t)n));
	*ret = (struct ctl){ .type = (enum ctl_type)rec_u8(&r) };
	ret->code = (int32_t)rec_u32(&r);
	ret->flags = rec_u32(&r);
	ret->violation_total = rec_u64(&r);
	ret->violation_count = rec_count(&r, CTL_VIOLATIONS_MAX);
	for (size_t i = 0; !r.failed && i < ret->violation_count; i++)
		ret->violations[i] = rec_cstr(&r, a);
	ret->text = rec_cstr(&r, a);
	return rec_done(&r, e) == 0 ? 1 : ERR_INVALID;
}
