/*
 * Read which files of the workspace a repository's configuration has git
 * obey: hooks in another folder, included settings, programs that filter.
 * Runs in: assent-exec (the first process of a run).
 * Trusts: nothing; who could change it was not the run.  Owns: nothing.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gate/guard.h"

#define VALUE_BYTES 2048
#define NAME_BYTES 64
/* Where a word of a command ends. */
#define WORD_ENDS " \t;|&()<>\"'`$=,!"

struct reading {
	struct str rest;
	char section[NAME_BYTES], key[NAME_BYTES], value[VALUE_BYTES];
	guard_follow_fn *fn;
	void *ctx;
};

static char
next(const struct reading *r)
{
	return str_at(r->rest, 0);
}

static void
skip(struct reading *r)
{
	r->rest = str_from(r->rest, 1);
}

static void
skip_line(struct reading *r)
{
	(void)str_cut(&r->rest, '\n');
}

/* Letters, digits and dashes, in lower case. */
static void
read_name(struct reading *r, char name[static NAME_BYTES])
{
	size_t n = 0;

	while (isalnum((unsigned char)next(r)) != 0 || next(r) == '-') {
		if (n + 1 < NAME_BYTES)
			name[n++] = (char)tolower((unsigned char)next(r));
		skip(r);
	}
	name[n] = '\0';
}

static void
read_section(struct reading *r)
{
	bool quoted = false;

	skip(r);
	read_name(r, r->section);
	while (
	    r->rest.len > 0 && next(r) != '\n' && (quoted || next(r) != ']')) {
		if (next(r) == '\\')
			skip(r);
		else if (next(r) == '"')
			quoted = !quoted;
		skip(r);
	}
	skip(r);
}

/* As git does: quotes, escapes, comments, lines that go on. */
static void
read_value(struct reading *r)
{
	bool quoted = false;
	size_t n = 0;

	while (r->rest.len > 0 && next(r) != '\n') {
		char c = next(r);

		if (!quoted && (c == '#' || c == ';'))
			break;
		skip(r);
		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (c == '\\') {
			c = next(r);
			skip(r);
			if (c == '\n')
				continue;
		}
		if (n + 1 < sizeof(r->value))
			r->value[n++] = c;
	}
	skip_line(r);
	r->value[n] = '\0';
}

static bool
is_key(const struct reading *r, const char *section, const char *key)
{
	return strcmp(r->section, section) == 0 && strcmp(r->key, key) == 0;
}

/* Its first word is a program, others may be scripts. */
static void
say_command(struct reading *r)
{
	const char *at = r->value;
	bool first = true;

	while (*at != '\0') {
		const size_t n = strcspn(at, WORD_ENDS);

		if (n > 0 && memchr(at, '/', n) != NULL)
			r->fn(r->ctx,
			    first ? GUARD_FOLLOW_PROGRAM : GUARD_FOLLOW_WORD,
			    str_n(at, n));
		first = first && n == 0;
		at += n + (at[n] == '\0' ? 0 : 1);
	}
}

static void
say(struct reading *r)
{
	const struct str value = str_trim(str_of(r->value));

	if (strncmp(r->section, "include", 7) == 0 &&
	    strcmp(r->key, "path") == 0)
		r->fn(r->ctx, GUARD_FOLLOW_CONFIG, value);
	else if (is_key(r, "core", "hookspath") ||
	    is_key(r, "init", "templatedir"))
		r->fn(r->ctx, GUARD_FOLLOW_PATH, value);
	/* Aliases and tools run when somebody calls them. */
	else if (strcmp(r->section, "alias") != 0 &&
	    strcmp(r->section, "difftool") != 0 &&
	    strcmp(r->section, "mergetool") != 0 &&
	    !guard_setting_harmless(str_of(r->section), str_of(r->key)))
		say_command(r);
}

void
guard_config_follow(struct str text, guard_follow_fn *fn, void *ctx)
{
	struct reading r = { .rest = text, .fn = fn, .ctx = ctx };

	while (r.rest.len > 0) {
		const char c = next(&r);

		if (c == '[') {
			read_section(&r);
		} else if (isalpha((unsigned char)c) != 0) {
			read_name(&r, r.key);
			while (next(&r) == ' ' || next(&r) == '\t')
				skip(&r);
			if (next(&r) != '=') {
				skip_line(&r);
				continue;
			}
			skip(&r);
			read_value(&r);
			say(&r);
		} else if (c == '#' || c == ';') {
			skip_line(&r);
		} else {
			skip(&r);
		}
	}
}
