/*
 * assent passphrase: the passphrase with which a person answers at the
 * terminal where he asked (assent run --ask).
 * Runs in: assent.  Trusts: the terminal; the password file for names.
 * Owns: the file of passphrases.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "model/command.h"
#include "model/config.h"
#include "secret_line.h"
#include "show.h"

#define FILE_BYTES_MAX ((size_t)64 << 10) /* what the daemon reads of it */
#define PATH_ARENA_MAX ((size_t)64 << 10)
#define PASSWD_BYTES_MAX ((size_t)1 << 16)
#define UID_LAST (UINT32_MAX - 1)

extern const struct command command_passphrase;

enum {
	OPT_USER,
	OPT_FILE,
	OPT_REMOVE,
	OPT_PRINT,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_USER] = { "--user", "NAME",
	    "whose it is, for root, whose daemon serves others; without it "
	    "your own" },
	[OPT_FILE] = { "--file", "FILE",
	    "the daemon's passphrase_file, where it is not the default" },
	[OPT_REMOVE] = { "--remove", NULL, "take that user's away" },
	[OPT_PRINT] = { "--print", NULL, "print the line, and write no file" },
	[OPT_JSON] = { "--json", NULL, "print what was done as JSON" },
};

/* ---- whose, and where ------------------------------------------------------ */

static int
find_user(const char *name, uid_t *ret, struct err *e)
{
	AUTO_FREE char *bytes = mem_new(PASSWD_BYTES_MAX, 1);
	struct passwd entry, *found = NULL;
	uint64_t number;

	if (bytes == NULL)
		return err_nomem(e);
	if (name == NULL) {
		*ret = getuid();
		return ERR_OK;
	}
	if (num_parse_u64(str_of(name), 0, UID_LAST, &number) == 0) {
		*ret = (uid_t)number;
		return ERR_OK;
	}
	(void)getpwnam_r(name, &entry, bytes, PASSWD_BYTES_MAX, &found);
	if (found == NULL)
		return err_set(e, ERR_NOTFOUND, "there is no user '%s'", name);
	*ret = found->pw_uid;
	return ERR_OK;
}

static int
find_file(const char *given, struct arena *a, const char **ret, struct err *e)
{
	int r = ERR_OK;

	*ret = given;
	if (given == NULL)
		r = config_passphrases_path(a, ret, e);
	if (r == 0 && *ret == NULL)
		r = err_set(e, ERR_NOTFOUND,
		    "no home tells where the file is; name it with --file");
	return r;
}

/* ---- the file --------------------------------------------------------------- */

/* All lines but that user's. */
static int
read_others(
    const char *path, uid_t uid, struct buf *out, bool *ret_had, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
	AUTO_FD int fd = -1;
	struct str rest;
	int r = config_open_owned(path, true, &fd, e);

	*ret_had = false;
	if (r == ERR_NOTFOUND)
		return ERR_OK;
	if (r == 0)
		r = fdio_read_all(fd, &text, e);
	rest = buf_str(&text);
	while (r == 0 && rest.len > 0) {
		const struct str line = str_cut(&rest, '\n');
		uid_t whose;

		if (passphrase_line_uid(line, &whose) == 0 && whose == uid) {
			*ret_had = true;
			continue;
		}
		buf_put(out, line.s, line.len);
		buf_putc(out, '\n');
	}
	return r != 0 ? r : buf_done(out, e);
}

static int
write_file(const char *path, const struct buf *text, struct err *e)
{
	AUTO_FREE char *dir = strdup(path);
	char *slash = dir == NULL ? NULL : strrchr(dir, '/');
	int r = ERR_OK;

	if (dir == NULL)
		return err_nomem(e);
	if (slash != NULL && slash != dir) {
		*slash = '\0';
		r = fdio_make_dir(dir, 0700, e);
	}
	return r != 0 ? r : fdio_write_file(path, text->s, text->len, 0600, e);
}

/* ---- the terminal ------------------------------------------------------------ */

static int
read_twice(struct secret_text *ret, struct err *e)
{
	AUTO_FD int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct secret_line ask = {
		.tty = tty,
		.stop_fd = -1,
		.prompt = "New passphrase: ",
		.timeout_ms = -1,
	};
	struct secret_text again;
	bool same;
	int r;

	if (tty < 0)
		return err_set(e, ERR_NOTFOUND,
		    "a passphrase is typed at a terminal, and there is none");
	r = secret_line(&ask, ret, e);
	if (r == 0 && ret->len < PASSPHRASE_LEN_MIN)
		r = err_set(e, ERR_INVALID,
		    "a passphrase has at least %d bytes; take a few words",
		    PASSPHRASE_LEN_MIN);
	if (r != 0)
		return r;
	ask.prompt = "The same again: ";
	r = secret_line(&ask, &again, e);
	same = r == 0 && again.len == ret->len &&
	    mem_equal_secret(again.s, ret->s, ret->len);
	secret_line_wipe(&again);
	if (r == 0 && !same)
		r = err_set(e, ERR_INVALID, "the two are not the same");
	return r;
}

static int
add_line(uid_t uid, struct buf *out, struct err *e)
{
	struct secret_text typed;
	int r = read_twice(&typed, e);

	if (r == 0)
		r = passphrase_line(uid, str_n(typed.s, typed.len), out, e);
	secret_line_wipe(&typed);
	return r;
}

/* ---- the command --------------------------------------------------------------- */

static int
say_done(const char *const *values, const char *path, uid_t uid, bool had)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const bool removes = values[OPT_REMOVE] != NULL;

	if (values[OPT_JSON] != NULL) {
		json_auto_t *o = json_pack("{s:s, s:I, s:b, s:b}", "file", path,
		    "uid", (json_int_t)uid, "removed", removes && had, "set",
		    !removes);

		return o == NULL ? EXIT_INTERNAL : show_json(o);
	}
	if (removes && !had) {
		buf_printf(&out, "user %u had no passphrase\n", (unsigned)uid);
		return show_print(&out);
	}
	buf_printf(&out, "%s ", removes ? "removed from" : "written to");
	text_escape(&out, str_of(path));
	buf_puts(&out,
	    "; the daemon takes it when it reads its settings: send it SIGHUP "
	    "(systemctl reload assentd)\n");
	return show_print(&out);
}

static int
change_file(const char *const *values, uid_t uid, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(PATH_ARENA_MAX);
	AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
	const char *path;
	bool had;
	int r;

	if (a == NULL)
		return show_error(&command_passphrase, e, EXIT_INTERNAL);
	r = find_file(values[OPT_FILE], a, &path, e);
	if (r == 0)
		r = read_others(path, uid, &text, &had, e);
	if (r == 0 && values[OPT_REMOVE] == NULL)
		r = add_line(uid, &text, e);
	/* A file without a line would be no file of passphrases. */
	if (r == 0 && values[OPT_REMOVE] != NULL && text.len == 0 &&
	    unlink(path) != 0 && errno != ENOENT)
		r = err_sys(e, "cannot remove '%s'", path);
	else if (r == 0 && text.len > 0)
		r = write_file(path, &text, e);
	if (r != 0)
		return show_error(&command_passphrase, e, EXIT_CONFIG);
	return say_done(values, path, uid, had);
}

static int
run_passphrase(int argc, char **argv)
{
	AUTO_BUF struct buf line = BUF_INIT(FILE_BYTES_MAX);
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	uid_t uid;
	const int at = command_parse(
	    &command_passphrase, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at < argc)
		return command_usage_error(
		    &command_passphrase, "'%s' is too much", argv[at]);
	if (find_user(values[OPT_USER], &uid, &e) != 0)
		return show_error(&command_passphrase, &e, EXIT_USAGE);
	if (values[OPT_PRINT] == NULL)
		return change_file(values, uid, &e);
	if (add_line(uid, &line, &e) != 0)
		return show_error(&command_passphrase, &e, EXIT_CONFIG);
	return show_print(&line);
}

const struct command command_passphrase = {
	.name = "passphrase",
	.summary =
	    "Set the passphrase with which you answer 'assent run --ask'",
	.usage = "passphrase [--user NAME] [--remove] [OPTIONS]",
	.details =
	    "Nobody answers what he asked himself: an agent could. A person "
	    "who asks with\n'assent run --ask' shows by his passphrase that it "
	    "is he who answers, at the\nterminal where he asked. It is typed "
	    "twice, and a digest (scrypt) of it is kept in\nthe file "
	    "'passphrases' beside the configuration: /etc/assent for root's "
	    "daemon, where\nroot sets it for each user; else "
	    "~/.config/assent.",
	.example = "assent passphrase",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_passphrase,
};
