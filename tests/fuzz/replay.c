/*
 * main() for a fuzz target without libFuzzer: runs it over files and folders.
 * Runs in: tests.  Trusts: the tree's own corpus.  Owns: nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PATH_LEN 4096
#define INPUT_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *bytes = malloc(INPUT_MAX);
	size_t n;

	if (f == NULL || bytes == NULL) {
		(void)fprintf(stderr, "replay: cannot read %s\n", path);
		exit(1);
	}
	n = fread(bytes, 1, INPUT_MAX, f);
	(void)fclose(f);
	/* An exact copy, so that a read beyond the end is seen. */
	uint8_t *exact = malloc(n == 0 ? 1 : n);

	if (exact == NULL)
		exit(1);
	for (size_t i = 0; i < n; i++)
		exact[i] = bytes[i];
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	free(bytes);
	return 1;
}

static int
replay_path(const char *path)
{
	char child[PATH_LEN];
	struct dirent *entry;
	struct stat st;
	int count = 0;
	DIR *dir;

	if (stat(path, &st) != 0)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return replay_file(path);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(
		    child, sizeof(child), "%s/%s", path, entry->d_name);
		count += replay_path(child);
	}
	(void)closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			count += replay_path(argv[i]);
	}
	(void)printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
