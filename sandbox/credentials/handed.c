/*
 * Secrets in sealed memory.
 * Runs in: assent-broker.  Trusts: nothing.  Owns: the memory until it is
 * wiped.
 */
#include "handed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

#define NAME "assent-credential"

/* Not F_SEAL_WRITE: the mapping that was made before stays writable, so that
 * the value can be wiped where it is. */
#define HANDED_SEALS                                                           \
	(F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int
create(void)
{
	const int fd = memfd_create(
	    NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	/* Kernels before 6.3 do not know the last one. */
	return fd >= 0 ? fd
		       : memfd_create(NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int
handed_make(struct str value, struct handed *ret, struct err *e)
{
	struct handed h = { .fd = -1, .len = value.len };
	AUTO_FD int fd = create();

	if (value.len == 0)
		return err_set(e, ERR_INVALID, "there is no value to hand out");
	if (fd < 0 || ftruncate(fd, (off_t)value.len) != 0)
		return err_sys(e, "cannot make memory for a value");
	h.at = mmap(NULL, value.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h.at == MAP_FAILED)
		return err_sys(e, "cannot map the memory of a value");
	/* While it is mapped here it is not written to swap. */
	(void)mlock(h.at, value.len);
	(void)madvise(h.at, value.len, MADV_DONTDUMP);
	h.fd = TAKE_FD(fd);
	memcpy(h.at, value.s, value.len);
	if (fcntl(h.fd, F_ADD_SEALS, HANDED_SEALS) != 0) {
		const int r = err_sys(e, "cannot seal the memory of a value");

		handed_wipe(&h);
		return r;
	}
	*ret = h;
	return ERR_OK;
}

void
handed_wipe(struct handed *h)
{
	if (h->at != NULL) {
		explicit_bzero(h->at, h->len);
		(void)munmap(h->at, h->len);
		fd_closep(&h->fd);
	}
	*h = (struct handed){ .fd = -1 };
}
