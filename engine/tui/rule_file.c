/*
 * Add a rule to the person's own rules, or keep it as a draft for the
 * organisation's.
 * Runs in: assent.  Trusts: this program's own 'rules check' and 'rules test';
 * nothing of the rule.  Owns: a temporary folder until it returns.
 */
#include "rule_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "tools/capture.h"

#define FILE_BYTES ((size_t)1 << 20)
#define OUTPUT_BYTES ((size_t)1 << 20)
#define PATH_LEN ((size_t)1024)
#define CHECK_MS 60000
#define NAME_LEN 80
#define FOLDER_MODE 0700
#define RULE_MODE 0600

static const char *const rules_key = "\nrules:\n";

static int
join(
    char *ret, size_t size, const char *folder, const char *name, struct err *e)
{
	const int n = snprintf(ret, size, "%s/%s", folder, name);

	return n < 0 || (size_t)n >= size
	    ? err_set(e, ERR_LIMIT, "the path of the rules is too long")
	    : ERR_OK;
}

/* "NAME" below where the variable says, or below the home. */
static int
find_folder(const char *variable, const char *below_home, const char *name,
    char ret[static PATH_LEN], struct err *e)
{
	const char *own = getenv(variable);
	const char *home = getenv("HOME");
	char folder[PATH_LEN];
	int r;

	if (own != NULL && own[0] == '/')
		return join(ret, PATH_LEN, own, name, e);
	if (home == NULL || home[0] != '/')
		return err_set(e, ERR_INVALID,
		    "HOME is not set: nobody knows where your files are");
	r = join(folder, sizeof(folder), home, below_home, e);
	return r != 0 ? r : join(ret, PATH_LEN, folder, name, e);
}

/* ---- the new text -------------------------------------------------------- */

static int
read_old(const char *path, struct buf *ret, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return ERR_OK;
	return fdio_read_file(path, ret, e);
}

/* A file of rules goes on with more of them. */
static int
combine(struct str old, const char *text, struct buf *ret, struct err *e)
{
	const char *items = strstr(text, rules_key);

	if (items == NULL)
		return err_set(e, ERR_INVALID, "that is no file of rules");
	if (old.len == 0) {
		buf_puts(ret, text);
	} else {
		buf_put_str(ret, old);
		if (!str_ends(old, STR("\n")))
			buf_putc(ret, '\n');
		buf_puts(ret, items + strlen(rules_key));
	}
	return buf_done(ret, e);
}

/* ---- checking ------------------------------------------------------------ */

static int
run_check(const char *program, const char *verb, const char *layer_of,
    const char *folder, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(OUTPUT_BYTES);
	char layer[PATH_LEN + 16];
	char *const argv[] = { (char[]){ "assent" }, (char[]){ "rules" },
		(char *)(uintptr_t)verb, layer, NULL };
	int status = 0, r;

	(void)snprintf(layer, sizeof(layer), "%s%s", layer_of, folder);
	r = capture(
	    &(struct capture){
		.path = program, .argv = argv, .timeout_ms = CHECK_MS },
	    &out, &status, e);
	if (r != 0 || status == 0)
		return r;
	return err_set(e, ERR_CONFLICT, "'assent rules %s' says no: %.160s",
	    verb, out.len > 0 ? buf_cstr(&out) : "see it by hand");
}

/* layer_of: "user=", or "" for the organisation's. */
static int
check(const char *layer_of, const char *folder, struct err *e)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	struct sigaction was;
	char program[PATH_LEN];
	const ssize_t n =
	    readlink("/proc/self/exe", program, sizeof(program) - 1);
	int r;

	if (n <= 0)
		return err_sys(e, "cannot find this program");
	program[n] = '\0';
	/* how a check ended has to be known */
	(void)sigaction(SIGCHLD, &by_default, &was);
	r = run_check(program, "check", layer_of, folder, e);
	if (r == 0)
		r = run_check(program, "test", layer_of, folder, e);
	(void)sigaction(SIGCHLD, &was, NULL);
	if (was.sa_handler == SIG_IGN) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return r;
}

/* ---- the copy that is checked -------------------------------------------- */

static int
copy_one(const char *from, const char *to, const char *name, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES);
	char source[PATH_LEN], target[PATH_LEN];
	int r = join(source, sizeof(source), from, name, e);

	if (r == 0)
		r = join(target, sizeof(target), to, name, e);
	if (r == 0)
		r = fdio_read_file(source, &text, e);
	return r != 0 ? r
		      : fdio_write_file(target, text.s, text.len, RULE_MODE, e);
}

static int
copy_others(const char *from, const char *to, struct err *e)
{
	DIR *dir = opendir(from);
	const struct dirent *entry;
	int r = 0;

	if (dir == NULL)
		return err_sys(e, "cannot read '%s'", from);
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		const struct str name = str_of(entry->d_name);

		if (str_ends(name, STR(".yaml")) &&
		    !str_eqz(name, RULE_FILE_NAME))
			r = copy_one(from, to, entry->d_name, e);
	}
	(void)closedir(dir);
	return r;
}

static void
remove_copy(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(path);
}

/* others: a folder whose other files count, too, or NULL. */
static int
check_copy(
    const char *layer_of, const char *others, struct str text, struct err *e)
{
	char copy[] = "/tmp/assent-rules-XXXXXX";
	char path[PATH_LEN];
	int r = 0;

	if (mkdtemp(copy) == NULL)
		return err_sys(e, "cannot make a folder in /tmp");
	if (others != NULL)
		r = copy_others(others, copy, e);
	if (r == 0)
		r = join(path, sizeof(path), copy, RULE_FILE_NAME, e);
	if (r == 0)
		r = fdio_write_file(path, text.s, text.len, RULE_MODE, e);
	if (r == 0)
		r = check(layer_of, copy, e);
	remove_copy(copy);
	return r;
}

int
rule_file_add(
    const char *text, char *ret, size_t size, bool *ret_new, struct err *e)
{
	AUTO_BUF struct buf old = BUF_INIT(FILE_BYTES);
	AUTO_BUF struct buf all = BUF_INIT(FILE_BYTES);
	char folder[PATH_LEN];
	int r = find_folder(
	    "XDG_CONFIG_HOME", ".config", "assent/rules", folder, e);

	if (r == 0)
		r = join(ret, size, folder, RULE_FILE_NAME, e);
	*ret_new = r == 0 && access(folder, F_OK) != 0;
	if (r == 0)
		r = fdio_make_dir(folder, FOLDER_MODE, e);
	if (r == 0)
		r = read_old(ret, &old, e);
	if (r == 0)
		r = combine(buf_str(&old), text, &all, e);
	if (r == 0)
		r = check_copy("user=", folder, buf_str(&all), e);
	return r != 0 ? r : fdio_write_file(ret, all.s, all.len, RULE_MODE, e);
}

int
rule_file_draft(
    const char *text, const char *id, char *ret, size_t size, struct err *e)
{
	char folder[PATH_LEN], name[NAME_LEN];
	int r = find_folder(
	    "XDG_STATE_HOME", ".local/state", "assent/drafts", folder, e);

	if (strchr(id, '/') != NULL)
		return err_set(e, ERR_INVALID, "'%.40s' is no action", id);
	(void)snprintf(name, sizeof(name), "%.64s.yaml", id);
	if (r == 0)
		r = join(ret, size, folder, name, e);
	if (r == 0)
		r = fdio_make_dir(folder, FOLDER_MODE, e);
	if (r == 0)
		r = check_copy("", NULL, str_of(text), e);
	return r != 0 ? r
		      : fdio_write_file(ret, text, strlen(text), RULE_MODE, e);
}
