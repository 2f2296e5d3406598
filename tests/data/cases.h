#ifndef DATA_CASES_H
#define DATA_CASES_H
/*
 * Walk tests/data/FORMAT: every folder in it is a case.
 *
 *     return cases_run(argv[1], check, NULL);
 *
 * check gets the folder's path and returns NULL, or why the case fails
 * (static or leaked text: the program ends soon).
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

#define CASE_PATH_MAX 4096
#define CASE_FILE_MAX ((size_t)1 << 20)

typedef const char *case_fn(void *ctx, const char *folder);

/* The content of folder/name, or false when there is no such file. */
static inline bool
case_file(const char *folder, const char *name, struct buf *out)
{
	char path[CASE_PATH_MAX], bytes[4096];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rbe");
	if (f == NULL)
		return false;
	buf_reset(out);
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		buf_put(out, bytes, n);
	(void)fclose(f);
	return true;
}

/* NULL, or why folder/name is not what was got; record writes what is not
 * there yet. */
static inline const char *
case_compare(
    bool record, const char *folder, const char *name, const struct buf *got)
{
	AUTO_BUF struct buf want = BUF_INIT((size_t)16 << 20);
	char path[CASE_PATH_MAX];
	FILE *f;

	if (case_file(folder, name, &want)) {
		if (str_eq(buf_str(&want), buf_str(got)))
			return NULL;
		(void)printf("%s/%s:\n--- want\n%s--- got\n%s", folder, name,
		    buf_cstr(&want), buf_cstr(got));
		return "another result";
	}
	if (!record)
		return "an expectation is missing";
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	if (f == NULL)
		return "cannot record";
	(void)fwrite(buf_cstr(got), 1, got->len, f);
	(void)fclose(f);
	return NULL;
}

static inline int
case_is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Exit status for main: fails when a case fails or when there are none. */
static inline int
cases_run(const char *root, case_fn *check, void *ctx)
{
	struct dirent **names = NULL;
	const int n = scandir(root, &names, case_is_visible, alphasort);
	int failed = 0, ran = 0;
	char folder[CASE_PATH_MAX];

	for (int i = 0; i < n; i++) {
		const char *why;
		struct stat st;

		(void)snprintf(
		    folder, sizeof(folder), "%s/%s", root, names[i]->d_name);
		free(names[i]);
		if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
			continue;
		ran++;
		why = check(ctx, folder);
		if (why != NULL) {
			failed++;
			(void)printf("FAILED %s: %s\n", folder, why);
		}
	}
	free(names);
	(void)printf("%d cases, %d failed\n", ran, failed);
	return failed > 0 || ran == 0;
}

#endif
