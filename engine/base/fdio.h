#ifndef BASE_FDIO_H
#define BASE_FDIO_H
/*
 * Descriptors: whole reads and writes, safe opening, sealed memory.
 *
 *     r = fdio_open_beneath(dirfd, "rules/a.yaml", O_RDONLY, &fd, e);
 *     r = fdio_read_all(fd, RULE_FILE_BYTES_MAX, &buf, e);
 */
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/* The rest of fd into out (whose max is the limit: ERR_LIMIT above it). */
int fdio_read_all(int fd, struct buf *out, struct err *e);
/* The whole file at path, opened O_NOFOLLOW, regular files only. */
int fdio_read_file(const char *path, struct buf *out, struct err *e);
/* Every byte, whatever short writes and EINTR happen. */
int fdio_write_all(int fd, const void *bytes, size_t len, struct err *e);
/* openat2 with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | O_CLOEXEC. */
int fdio_open_beneath(
    int dirfd, const char *path, int flags, int *ret, struct err *e);
/* Atomic replacement: temporary file, fsync, rename, fsync of the folder. */
int fdio_write_file(const char *path, const void *bytes, size_t len,
    mode_t mode, struct err *e);
/* Makes the folder and its parents; refuses one that others may write. */
int fdio_make_dir(const char *path, mode_t mode, struct err *e);
/* A memfd with these bytes, sealed against every change. */
int fdio_sealed(
    const char *name, const void *bytes, size_t len, int *ret, struct err *e);
/* Fails unless fd is a memfd sealed against write, grow and shrink. */
int fdio_is_sealed(int fd, struct err *e);
int fdio_nonblock(int fd, struct err *e);

#endif
