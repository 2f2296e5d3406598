/*
 * Which file runs another: first lines of scripts, loaders of programs.
 * Runs in: assent-exec --launcher, under the identity of who proposed.
 * Trusts: the folders of the system; nothing in the file.
 * Owns: nothing.
 */
#include "launcher/run_by.h"

#include <elf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/plan.h"
#include "sandbox/profile.h"

#define LINE_MAX_BYTES 255 /* as the kernel reads it */
#define BLANKS " \t"
/* The last of a group of letters: its value, a file, is the script itself.
 * Before others these are the value: "-mtool", "-fother". */
#define VALUED "fmMIirElSL"

/* Below a folder of tools of some home: ~/.pyenv. */
static bool
is_tool(const char *path)
{
	for (size_t i = 0; profile_tools[i] != NULL; i++) {
		const size_t len = strlen(profile_tools[i]);
		const char *at = strstr(path, profile_tools[i]);

		if (at != NULL && at > path && at[-1] == '/' && at[len] == '/')
			return true;
	}
	return false;
}

/* A link to a program of the system, as environments of Python have, is one.
 * What is not there yet is judged by its name. */
static bool
is_of_system(const char *path)
{
	char real[PATH_MAX];

	if (path[0] != '/')
		return false;
	if (realpath(path, real) == NULL) {
		if (strlen(path) >= sizeof(real) || strstr(path, "/..") != NULL)
			return false;
		memcpy(real, path, strlen(path) + 1);
	}
	for (size_t i = 0; profile_system[i] != NULL; i++) {
		if (plan_path_within(real, profile_system[i]))
			return true;
	}
	return is_tool(real);
}

/* -, --, -eu, -nf, --no-warnings: none of them names a file. */
static bool
is_plain_option(const char *word)
{
	if (word[0] != '-')
		return false;
	if (word[1] == '-')
		return strpbrk(word, "=/") == NULL;
	for (const char *at = word + 1; *at != '\0'; at++) {
		if (strchr("=/.:", *at) != NULL ||
		    (at[1] != '\0' && strchr(VALUED, *at) != NULL))
			return false;
	}
	return true;
}

static bool
is_env(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash == NULL ? program : slash + 1, "env") == 0;
}

/* The kernel hands it over as one; programs may take it apart. */
static bool
is_safe_argument(const char *program, char *arg)
{
	char *save = NULL;

	if (is_env(program))
		return arg[0] != '-' && strpbrk(arg, "/= \t") == NULL;
	for (char *word = strtok_r(arg, BLANKS, &save); word != NULL;
	     word = strtok_r(NULL, BLANKS, &save)) {
		if (!is_plain_option(word) && !is_of_system(word))
			return false;
	}
	return true;
}

static bool
script_by_another(struct str head)
{
	char line[LINE_MAX_BYTES + 1] = "";
	char *program, *arg;

	memcpy(line, head.s,
	    head.len < LINE_MAX_BYTES ? head.len : LINE_MAX_BYTES);
	line[strcspn(line, "\n")] = '\0';
	program = line + 2 + strspn(line + 2, BLANKS);
	arg = program + strcspn(program, BLANKS);
	if (*arg != '\0')
		*arg++ = '\0';
	arg += strspn(arg, BLANKS);
	if (program[0] == '\0')
		return false; /* the shell runs it, as text */
	return !is_of_system(program) ||
	    (arg[0] != '\0' && !is_safe_argument(program, arg));
}

/* The loader's name at offset, which ends with a NUL. */
static bool
loader_is_foreign(struct str head, uint64_t offset, uint64_t size)
{
	char path[PATH_MAX];

	if (size < 2 || size > sizeof(path) || offset > head.len ||
	    size > head.len - offset)
		return true;
	memcpy(path, head.s + offset, size);
	path[size - 1] = '\0';
	return !is_of_system(path);
}

/* Of every part of the program that the kernel maps. */
#define DEFINE_PROGRAM(bits)                                                   \
	static bool program##bits##_by_another(struct str head)                \
	{                                                                      \
		Elf##bits##_Ehdr h;                                            \
		Elf##bits##_Phdr p;                                            \
                                                                               \
		if (head.len < sizeof(h))                                      \
			return false; /* it does not run */                    \
		memcpy(&h, head.s, sizeof(h));                                 \
		if (h.e_phnum == 0 || h.e_phentsize != sizeof(p))              \
			return false;                                          \
		if (h.e_phoff > head.len ||                                    \
		    (head.len - h.e_phoff) / sizeof(p) < h.e_phnum)            \
			return true;                                           \
		for (size_t i = 0; i < h.e_phnum; i++) {                       \
			memcpy(&p, head.s + h.e_phoff + i * sizeof(p),         \
			    sizeof(p));                                        \
			if (p.p_type == PT_INTERP &&                           \
			    loader_is_foreign(head, p.p_offset, p.p_filesz))   \
				return true;                                   \
		}                                                              \
		return false;                                                  \
	}

DEFINE_PROGRAM(32)
DEFINE_PROGRAM(64)

bool
run_by_another(struct str head)
{
	if (head.len >= 2 && memcmp(head.s, "#!", 2) == 0)
		return script_by_another(head);
	if (head.len < SELFMAG || memcmp(head.s, ELFMAG, SELFMAG) != 0)
		return false;
	/* The kernel does not ask the file of which class it is. */
	return program32_by_another(head) || program64_by_another(head);
}
