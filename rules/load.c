/*
 * Rule files on disk: which, in what order, and whether to trust them.
 * Runs in: engine, assent.  Trusts: files that only root or the own user may
 * write (checked on the open descriptor).  Owns: nothing beyond the call.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "embedded.h"
#include "load_int.h"
#include "model/rule_file.h"

/* One place rules come from. */
struct source {
	struct builder *b;
	const char *path; /* as given */
	enum rule_layer layer;
	bool check_owner;
};

static void
complain_errno(struct source *s, const char *path, const char *what)
{
	char text[128];

	builder_complain(s->b, path, "E041", NULL, "cannot %s: %s", what,
	    strerror_r(errno, text, sizeof(text)));
}

/* Could somebody else have written it? */
static bool
is_safe(struct source *s, const char *path, const struct stat *st)
{
	if (!s->check_owner)
		return true;
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		builder_complain(s->b, path, "E040",
		    "give it to root or to the user of the program",
		    "belongs to user %u", st->st_uid);
		return false;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		builder_complain(s->b, path, "E040", "chmod go-w",
		    "is writable by group or others");
		return false;
	}
	return true;
}

static int
load_open_file(struct source *s, int fd, const char *path)
{
	AUTO_BUF struct buf text = BUF_INIT(RULE_FILE_BYTES_MAX);
	struct stat st;
	int r;

	if (fstat(fd, &st) != 0) {
		complain_errno(s, path, "stat");
		return ERR_OK;
	}
	if (!S_ISREG(st.st_mode)) {
		builder_complain(
		    s->b, path, "E041", NULL, "is no regular file");
		return ERR_OK;
	}
	if (!is_safe(s, path, &st))
		return ERR_OK;
	r = fdio_read_all(fd, &text, NULL);
	if (r == ERR_NOMEM)
		return err_nomem(s->b->ld.e);
	if (r != 0) {
		builder_complain(s->b, path, "E041", NULL,
		    "cannot be read, or has more than %zu bytes",
		    RULE_FILE_BYTES_MAX);
		return ERR_OK;
	}
	return builder_add(s->b, path, s->layer, buf_str(&text));
}

/*
 * A repository's rules are an outsider's: a link among them could show, in
 * the message about it, a line of a file that is not theirs.
 */
static int
open_flags(const struct source *s)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

	return s->layer == LAYER_PROJECT ? flags | O_NOFOLLOW : flags;
}

static int
load_name(struct source *s, int dir, const char *name)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX * 2);
	AUTO_FD int fd = -1;

	buf_printf(&path, "%s/%s", s->path, name);
	fd = openat(dir, name, open_flags(s));
	if (fd < 0) {
		complain_errno(s, buf_cstr(&path), "open");
		return ERR_OK;
	}
	return load_open_file(s, fd, buf_cstr(&path));
}

static int
is_rule_file(const struct dirent *entry)
{
	return rule_file_named(str_of(entry->d_name));
}

static void
free_names(struct dirent **names, int count)
{
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
load_folder(struct source *s, int dir)
{
	struct dirent **names = NULL;
	const int count = scandirat(dir, ".", &names, is_rule_file, by_bytes);
	int r = ERR_OK;

	if (count < 0) {
		complain_errno(s, s->path, "list");
		return ERR_OK;
	}
	for (int i = 0; i < count && r == 0; i++)
		r = load_name(s, dir, names[i]->d_name);
	free_names(names, count);
	return r;
}

/* A folder, or a single file. */
static int
load_source(struct source *s)
{
	AUTO_FD int fd = open(s->path, open_flags(s));
	struct stat st;

	if (fd < 0) {
		complain_errno(s, s->path, "open");
		return ERR_OK;
	}
	if (fstat(fd, &st) != 0) {
		complain_errno(s, s->path, "stat");
		return ERR_OK;
	}
	if (!S_ISDIR(st.st_mode))
		return load_open_file(s, fd, s->path);
	if (!is_safe(s, s->path, &st))
		return ERR_OK;
	return load_folder(s, fd);
}

/* The table of defaults stays when the other packs are left out. */
#define DEFAULTS_FILE "defaults.yaml"

static int
load_embedded(struct builder *b, bool defaults_only)
{
	int r = ERR_OK;

	for (size_t i = 0; i < embedded_packs_count && r == 0; i++) {
		const struct embedded_file *f = &embedded_packs[i];
		AUTO_BUF struct buf name = BUF_INIT(PATH_BYTES_MAX);

		if (defaults_only && strcmp(f->name, DEFAULTS_FILE) != 0)
			continue;
		buf_printf(&name, "packs/%s", f->name);
		r = builder_add(b, buf_cstr(&name), LAYER_PACK, f->text);
	}
	return r;
}

static int
load_packs(struct builder *b, const struct ruleset_options *o)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX * 2);
	struct source s = {
		.b = b, .layer = LAYER_PACK, .check_owner = o->check_owner
	};

	if (o->data_dir == NULL)
		return load_embedded(b, o->no_packs);
	buf_printf(&path, "%s/packs%s", o->data_dir,
	    o->no_packs ? "/" DEFAULTS_FILE : "");
	s.path = buf_cstr(&path);
	return load_source(&s);
}

/* One that is there and cannot be read is an error all the same. */
static bool
is_not_there(const struct rule_dir *d)
{
	return d->optional && access(d->path, F_OK) != 0 && errno == ENOENT;
}

int
ruleset_load(const struct ruleset_options *o, struct diags *d,
    struct ruleset **ret, struct err *e)
{
	AUTO(builder_freep) struct builder *b = NULL;
	int r;

	r = builder_new(d, e, &b);
	if (r != 0)
		return r;
	b->archive = o->archive;
	r = load_packs(b, o);
	for (size_t i = 0; i < o->dir_count && r == 0; i++) {
		if (is_not_there(&o->dirs[i]))
			continue;
		struct source s = { .b = b,
			.path = o->dirs[i].path,
			.layer = o->dirs[i].layer,
			.check_owner = o->check_owner };

		r = load_source(&s);
	}
	for (size_t i = 0; i < o->text_count && r == 0; i++)
		r = builder_add(
		    b, o->texts[i].name, o->texts[i].layer, o->texts[i].text);
	return r != 0 ? r : builder_finish(b, ret);
}

int
ruleset_parse(const struct rule_text *texts, size_t count, struct diags *d,
    struct ruleset **ret, struct err *e)
{
	AUTO(builder_freep) struct builder *b = NULL;
	int r;

	r = builder_new(d, e, &b);
	for (size_t i = 0; i < count && r == 0; i++)
		r = builder_add(
		    b, texts[i].name, texts[i].layer, texts[i].text);
	return r != 0 ? r : builder_finish(b, ret);
}
