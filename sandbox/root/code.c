/*
 * Sum up what could be run below a folder.
 * Runs in: assent-exec, with the rights of who proposed.
 * Trusts: no name in the folder.  Owns: nothing.
 */
#include "root/code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "root/tree.h"

#define LINE_BYTES (PATH_MAX + 128)

/* What interpreters, build tools and test runners read as code. */
static const char *const ends[] = {
	".bash",
	".bat",
	".bzl",
	".cjs",
	".class",
	".clj",
	".cmake",
	".coffee",
	".cts",
	".elc",
	".el",
	".ex",
	".exs",
	".fish",
	".gemspec",
	".go",
	".gradle",
	".groovy",
	".gyp",
	".gypi",
	".jar",
	".jl",
	".js",
	".jsx",
	".ksh",
	".kts",
	".lua",
	".mjs",
	".mk",
	".mts",
	".nix",
	".node",
	".php",
	".pl",
	".pm",
	".pth",
	".py",
	".pyc",
	".pyx",
	".R",
	".rake",
	".rb",
	".rs",
	".sh",
	".so",
	".sql",
	".svelte",
	".t",
	".tcl",
	".ts",
	".tsx",
	".vue",
	".wasm",
	".zsh",
};

struct sum {
	uint8_t (*at)[SHA256_LEN];
	size_t count;
	struct timespec last;
	char *newest;
};

static bool
is_code(const struct tree_entry *t)
{
	const char *end = strrchr(t->name, '.');

	if (!S_ISREG(t->st->st_mode) && !S_ISLNK(t->st->st_mode))
		return false;
	/* Some file systems let everything be executed. */
	if (end == NULL)
		return (t->st->st_mode & 0111) != 0;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (strcmp(end, ends[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec
				    : a.tv_nsec > b.tv_nsec;
}

static int
add(void *ctx, const struct tree_entry *t, struct err *e)
{
	const struct stat *st = t->st;
	struct sum *s = ctx;
	char line[LINE_BYTES];
	int n;

	/* What git would run in there is protected, and the rest is data. */
	if (strcmp(t->name, ".git") == 0)
		return 1;
	if (!is_code(t))
		return 0;
	n = snprintf(line, sizeof(line), "%o %lld %lld.%09ld %lld.%09ld %s",
	    st->st_mode, (long long)st->st_size, (long long)st->st_mtim.tv_sec,
	    st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec,
	    st->st_ctim.tv_nsec, t->rel);
	if (n < 0 || n >= (int)sizeof(line) || s->count == CODE_ENTRIES_MAX)
		return err_set(e, ERR_LIMIT, "the folder has too many entries");
	if (is_later(st->st_ctim, s->last)) {
		s->last = st->st_ctim;
		(void)snprintf(s->newest, PATH_MAX, "%s", t->rel);
	}
	return sha256_of(line, (size_t)n, s->at[s->count++], e);
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_LEN);
}

int
code_below(int fd, uint8_t ret[static SHA256_LEN], char newest[static PATH_MAX],
    struct err *e)
{
	struct sum s = { .newest = newest };
	AUTO_FREE void *list = mem_new(CODE_ENTRIES_MAX, SHA256_LEN);
	int r;

	newest[0] = '\0';
	if (list == NULL)
		return err_nomem(e);
	s.at = list;
	r = tree_walk(fd, CODE_ENTRIES_MAX, add, &s, e);
	if (r != 0)
		return r;
	/* In which order a folder is read says nothing. */
	qsort(s.at, s.count, SHA256_LEN, by_bytes);
	return sha256_of(list, s.count * SHA256_LEN, ret, e);
}
