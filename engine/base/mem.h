#ifndef BASE_MEM_H
#define BASE_MEM_H
/*
 * Ownership helpers and the arena.
 *
 *     AUTO(rules_freep) struct rules *r = NULL;   freed at scope exit
 *     *ret = TAKE_PTR(r);                         ownership handed over
 *     struct arena *a = arena_new(ACTION_BYTES_MAX);
 *     char *s = arena_strdup(a, "x");             freed with the arena
 */
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define AUTO(fn) __attribute__((cleanup(fn)))
#define AUTO_FREE AUTO(mem_freep)
#define AUTO_FD AUTO(fd_closep)
#define TAKE_PTR(p)                                                            \
	__extension__({                                                        \
		__typeof__(p) take_ptr_ = (p);                                 \
		(p) = NULL;                                                    \
		take_ptr_;                                                     \
	})
#define TAKE_FD(fd)                                                            \
	__extension__({                                                        \
		int take_fd_ = (fd);                                           \
		(fd) = -1;                                                     \
		take_fd_;                                                      \
	})
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* For AUTO_FREE: frees *p, p is a pointer to any pointer. */
void mem_freep(void *p);
/* For AUTO_FD: closes *fd unless negative; keeps errno. */
void fd_closep(int *fd);

/* Zeroed array of count elements; NULL on overflow or no memory. Free it. */
void *mem_new(size_t count, size_t size);
/*
 * Grow *p (of *cap elements of size bytes) so that it holds want elements.
 * 0, or ERR_NOMEM and *p unchanged. *p may be NULL with *cap 0.
 */
int mem_grow(void *p, size_t *cap, size_t want, size_t size);
/* Copies len bytes and adds a NUL; NULL when there is no memory. Free it. */
char *mem_strndup(const char *s, size_t len);

/*
 * An arena hands out zeroed memory that lives until arena_free; it never
 * gives more than bytes_max in total. All functions return NULL beyond that
 * or when memory is short; arena_failed then stays true (check once).
 */
struct arena;

struct arena *arena_new(size_t bytes_max);
void arena_free(struct arena *a);
void arena_freep(struct arena **a);
/* All that it has handed out becomes zero: secrets, before arena_free. */
void arena_wipe(struct arena *a);
void *arena_alloc(struct arena *a, size_t size);
/* An array of count zeroed elements; NULL on overflow too. */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
int arena_failed(const struct arena *a);
/* Bytes handed out so far. */
size_t arena_used(const struct arena *a);

/*
 * A secret: locked in memory where the limits permit, wiped when freed, never
 * copied into struct err or a log.
 */
struct secret;

struct secret *secret_new(const void *bytes, size_t len);
void secret_free(struct secret *s);
void secret_freep(struct secret **s);
const void *secret_bytes(const struct secret *s, size_t *ret_len);
/* 1 when both are equal; constant time for equal lengths. */
int mem_equal_secret(const void *a, const void *b, size_t len);

#endif
