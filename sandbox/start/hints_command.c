/*
 * What the names in a command tell about why it failed: of what is covered or
 * closed the kernel says only that it is not there, or not permitted.
 * Runs in: assent-exec.  Trusts: nothing; it looks at the words alone, never
 * at whether there is such a file - that would tell the run - but for ".git" in
 * the workspace, which the run sees itself.
 * Owns: nothing.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/plan.h"
#include "start/hints.h"
#include "sys.h"

#define HINT_BYTES 512
#define WORDS_MAX 4096
#define SHOWN_MAX 3
#define NAME_MAX_SHOWN 120

struct search {
	const struct plan *p;
	struct buf closed, set_id;
	size_t closed_count, set_id_count;
};

/* What ends a word of a shell, as far as that matters here. */
static bool
is_word(char c)
{
	return c != '\0' && strchr(" \t\n;|&<>()'\"`=,", c) == NULL;
}

static bool
begins_command(char before)
{
	return before == '\0' || strchr("\n;|&(`", before) != NULL;
}

static int
from_above(struct str folder, struct str word, char path[static PATH_MAX])
{
	while (str_starts(word, STR("../"))) {
		word = str_from(word, 3);
		folder = str_head(folder, str_rfind(folder, '/'));
	}
	return snprintf(
	    path, PATH_MAX, "%.*s/%.*s", STR_ARG(folder), STR_ARG(word));
}

/* A path as the run would see it, or NULL. */
static const char *
path_of(const struct plan *p, struct str word, char path[static PATH_MAX])
{
	const char *home = p->home;
	int n = -1;

	if (str_starts(word, STR("~/")) && home != NULL)
		n = snprintf(
		    path, PATH_MAX, "%s%.*s", home, STR_ARG(str_from(word, 1)));
	else if (str_starts(word, STR("$HOME/")) && home != NULL)
		n = snprintf(path, PATH_MAX, "%s%.*s", home,
		    STR_ARG(str_from(word, sizeof("$HOME") - 1)));
	else if (str_at(word, 0) == '/')
		n = snprintf(path, PATH_MAX, "%.*s", STR_ARG(word));
	else if (str_starts(word, STR("../")))
		n = from_above(str_of(p->cwd), word, path);
	return n > 0 && n < PATH_MAX && plan_path_normal(path) ? path : NULL;
}

/* The part of the plan that says most about this path. */
static const struct op *
op_for(const struct plan *p, const char *path)
{
	const struct op *best = NULL;

	for (size_t i = 0; i < p->op_count; i++) {
		const struct op *op = &p->ops[i];

		if (plan_path_within(path, op->path) &&
		    (best == NULL || strlen(op->path) >= strlen(best->path)))
			best = op;
	}
	return best;
}

static bool
is_closed(const struct plan *p, const char *path)
{
	const struct op *op = op_for(p, path);

	if (p->home != NULL && plan_path_within(path, p->home) &&
	    !plan_path_within(path, p->workspace))
		return op == NULL || op->kind == OP_MASK ||
		    op->kind == OP_DIR ||
		    !plan_path_within(op->path, p->home) ||
		    strcmp(op->path, p->home) == 0;
	return op != NULL && op->kind == OP_MASK;
}

static void
put_name(struct buf *out, size_t *count, struct str name)
{
	if (name.len > NAME_MAX_SHOWN || ++*count > SHOWN_MAX)
		return;
	buf_printf(out, "%s%.*s", *count > 1 ? ", " : "", STR_ARG(name));
}

static void
look_at(struct search *s, struct str word, bool command)
{
	static const char *const set_id[] = { "sudo", "su", "doas", "pkexec",
		"mount", "umount", "passwd", "newgrp", "chsh", "crontab" };
	const size_t slash = str_rfind(word, '/');
	const struct str name =
	    slash == word.len ? word : str_from(word, slash + 1);
	char path[PATH_MAX];

	if (path_of(s->p, word, path) != NULL && is_closed(s->p, path))
		put_name(&s->closed, &s->closed_count, word);
	for (size_t i = 0; command && i < ARRAY_LEN(set_id); i++) {
		if (str_eqz(name, set_id[i]))
			put_name(&s->set_id, &s->set_id_count, name);
	}
}

static void
look_through(struct search *s, const char *text, bool first)
{
	char before = first ? '\0' : ' ';

	for (unsigned n = 0; *text != '\0' && n < WORDS_MAX; n++) {
		const char *end = text;

		while (is_word(*end))
			end++;
		if (end > text)
			look_at(s, str_n(text, (size_t)(end - text)),
			    begins_command(before));
		if (*end == '\0')
			break;
		/* Spaces do not change what comes next. */
		if (end > text || strchr(" \t", *end) == NULL)
			before = *end;
		text = end + 1;
	}
}

/* Where the workspace is a worktree its ".git" is a file, and may name a
 * repository elsewhere: git finds none, and says so of a path. */
static void
add_repository(struct ctl *end, const struct plan *p, struct arena *a)
{
	AUTO_BUF struct buf hint = BUF_INIT(HINT_BYTES);
	AUTO_FD int fd = -1;
	char path[PATH_MAX], text[PATH_MAX];
	struct str named;
	ssize_t n;

	if (snprintf(path, sizeof(path), "%s/.git", p->workspace) >=
	    (int)sizeof(path))
		return;
	fd = sys_openat2(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0 || !str_starts(str_n(text, (size_t)n), STR("gitdir: /")))
		return;
	named = str_from(str_n(text, (size_t)n), strlen("gitdir: "));
	named = str_head(named, str_search(named, STR("/worktrees/")));
	if (named.len > NAME_MAX_SHOWN || path_of(p, named, path) == NULL ||
	    !is_closed(p, path))
		return;
	buf_printf(&hint,
	    "note: the repository of this worktree is closed to it: "
	    "'write: [$workspace, %.*s]' in a profile opens it, 'read' shows "
	    "it",
	    STR_ARG(named));
	hints_put(end, &hint, a);
}

void
hints_add_command(struct ctl *end, const struct plan *p, struct arena *a)
{
	struct search s = {
		.p = p,
		.closed = BUF_INIT(HINT_BYTES),
		.set_id = BUF_INIT(HINT_BYTES),
	};

	buf_puts(&s.closed, "note: closed to it: ");
	buf_puts(&s.set_id, "note: set-id programs gain no rights here: ");
	for (size_t i = 0; i < p->argc; i++) {
		const bool script = i == 2 && strcmp(p->argv[1], "-c") == 0;

		look_through(&s, p->argv[i], i == 0 || script);
	}
	buf_puts(&s.closed, " ('read' in a profile shows what it names)");
	buf_puts(&s.set_id, " (under no profile)");
	if (s.closed_count > 0)
		hints_put(end, &s.closed, a);
	if (s.set_id_count > 0)
		hints_put(end, &s.set_id, a);
	add_repository(end, p, a);
	buf_free(&s.closed);
	buf_free(&s.set_id);
}
