/*
 * Allocation with ownership made visible: cleanup helpers, arena, secrets.
 * Runs in: every program.  Trusts: its callers.  Owns: what it hands out.
 */
#include "mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "err.h"

#define ARENA_ALIGN _Alignof(max_align_t)
#define ARENA_BLOCK_MIN ((size_t)4096)
#define ARENA_BLOCK_MAX ((size_t)1 << 18)

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct arena_block *blocks;
	size_t bytes_max, used, block_next;
	int failed;
};

struct secret {
	size_t len;
	unsigned char bytes[];
};

void
mem_freep(void *p)
{
	void **pp = p;

	free(*pp);
	*pp = NULL;
}

void
fd_closep(int *fd)
{
	const int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

void *
mem_new(size_t count, size_t size)
{
	return calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
}

int
mem_grow(void *p, size_t *cap, size_t want, size_t size)
{
	void **pp = p;
	size_t n = *cap < 8 ? 8 : *cap;
	size_t bytes;
	void *q;

	if (want <= *cap)
		return ERR_OK;
	while (n < want) {
		if (__builtin_mul_overflow(n, (size_t)2, &n))
			return ERR_NOMEM;
	}
	if (__builtin_mul_overflow(n, size, &bytes))
		return ERR_NOMEM;
	q = realloc(*pp, bytes);
	if (q == NULL)
		return ERR_NOMEM;
	memset((char *)q + *cap * size, 0, (n - *cap) * size);
	*pp = q;
	*cap = n;
	return ERR_OK;
}

char *
mem_strndup(const char *s, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		return NULL;
	copy = malloc(len + 1);
	if (copy == NULL)
		return NULL;
	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

struct arena *
arena_new(size_t bytes_max)
{
	struct arena *a = mem_new(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->bytes_max = bytes_max;
	a->block_next = ARENA_BLOCK_MIN;
	return a;
}

void
arena_free(struct arena *a)
{
	struct arena_block *b, *next;

	if (a == NULL)
		return;
	for (b = a->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void
arena_wipe(struct arena *a)
{
	struct arena_block *b = a == NULL ? NULL : a->blocks;

	for (; b != NULL; b = b->next)
		explicit_bzero(b->bytes, b->used);
}

void
arena_freep(struct arena **a)
{
	arena_free(*a);
	*a = NULL;
}

static struct arena_block *
block_add(struct arena *a, size_t size)
{
	const size_t n = size > a->block_next ? size : a->block_next;
	struct arena_block *b;

	b = calloc(1, sizeof(*b) + n);
	if (b == NULL)
		return NULL;
	b->size = n;
	b->next = a->blocks;
	a->blocks = b;
	if (a->block_next < ARENA_BLOCK_MAX)
		a->block_next *= 2;
	return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	size_t need;
	void *p;

	if (size > a->bytes_max ||
	    __builtin_add_overflow(size, ARENA_ALIGN - 1, &need)) {
		a->failed = 1;
		return NULL;
	}
	need &= ~(ARENA_ALIGN - 1);
	if (need == 0)
		need = ARENA_ALIGN;
	if (need > a->bytes_max - a->used) {
		a->failed = 1;
		return NULL;
	}
	if (b == NULL || b->size - b->used < need)
		b = block_add(a, need);
	if (b == NULL) {
		a->failed = 1;
		return NULL;
	}
	p = b->bytes + b->used;
	b->used += need;
	a->used += need;
	return p;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		a->failed = 1;
		return NULL;
	}
	return arena_alloc(a, bytes);
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy;

	if (len == SIZE_MAX) {
		a->failed = 1;
		return NULL;
	}
	copy = arena_alloc(a, len + 1);
	if (copy != NULL && len > 0)
		memcpy(copy, s, len);
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

int
arena_failed(const struct arena *a)
{
	return a->failed;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

struct secret *
secret_new(const void *bytes, size_t len)
{
	struct secret *s;

	if (len > SIZE_MAX - sizeof(*s))
		return NULL;
	s = calloc(1, sizeof(*s) + len);
	if (s == NULL)
		return NULL;
	/* Best effort: RLIMIT_MEMLOCK may be 0. Dumps are off in any case. */
	(void)mlock(s, sizeof(*s) + len);
	s->len = len;
	if (len > 0)
		memcpy(s->bytes, bytes, len);
	return s;
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	const size_t size = sizeof(*s) + s->len;

	explicit_bzero(s, size);
	(void)munlock(s, size);
	free(s);
}

void
secret_freep(struct secret **s)
{
	secret_free(*s);
	*s = NULL;
}

const void *
secret_bytes(const struct secret *s, size_t *ret_len)
{
	*ret_len = s->len;
	return s->bytes;
}

int
mem_equal_secret(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char diff = 0;

	for (size_t i = 0; i < len; i++)
		diff = (unsigned char)(diff | (x[i] ^ y[i]));
	return diff == 0;
}
