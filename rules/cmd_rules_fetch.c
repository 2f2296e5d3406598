/*
 * assent rules fetch: get a signed bundle over https and install it.
 * Runs in: assent.  Trusts: the public key; neither the server nor curl(1).
 * Owns: a temporary folder.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "base/num.h"
#include "base/spawn.h"
#include "cmd_bundle.h"

#define CURL "/usr/bin/curl"
#define SECONDS "60"
#define PATIENCE_MS 90000
#define SIZE_MAX_TEXT "67108864" /* BUNDLE_BYTES_MAX */
#define URL_MAX 2048

enum {
	OPT_KEY,
	OPT_CA,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_KEY] = { "--key", "FILE", "the public key" },
	[OPT_CA] = { "--cacert", "FILE",
	    "certificates to trust instead of the system's" },
	[OPT_JSON] = { "--json", NULL, "the result as JSON" },
};

static int run_fetch(int argc, char **argv);

const struct command rules_verb_fetch = {
	.name = "rules fetch",
	.summary = "Get a signed bundle over https and install it",
	.usage = "rules fetch --key PUBLIC URL DIR",
	.details =
	    "URL and URL.minisig are read by curl(1), https only. Run it by a "
	    "timer: what is\nthere already changes nothing, and whatever "
	    "fails leaves the folder as it is.\nExit status: 0 installed or "
	    "there already, 1 refused, 69 not reached.",
	.example = "assent rules fetch --key rules.key.pub "
		   "https://rules.example.com/base.bundle /etc/assent/rules.d",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run_fetch,
};

static int
wait_for(pid_t pid, int pidfd, struct err *e)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	char how[64];
	int code = -1;

	(void)pid;
	if (poll(&p, 1, PATIENCE_MS) == 0)
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	if (spawn_reap(pidfd, &code, how, sizeof(how), e) != 0)
		return ERR_SYS;
	return code == 0
	    ? ERR_OK
	    : err_set(e, ERR_NOTFOUND, "curl could not read it (%s)", how);
}

/* Redirects are not followed: the key says what is good, the URL where. */
static int
get(const char *url, const char *ca, const char *file, struct err *e)
{
	char words[][24] = { "curl", "--disable", "--silent", "--show-error",
		"--fail", "--proto", "=https", "--max-time", SECONDS,
		"--max-filesize", SIZE_MAX_TEXT, "--output", "--cacert",
		"--url" };
	char *url_copy = mem_strndup(url, strlen(url));
	char *file_copy = mem_strndup(file, strlen(file));
	char *ca_copy = ca == NULL ? NULL : mem_strndup(ca, strlen(ca));
	char *argv[20];
	size_t n = 0;
	pid_t pid;
	int pidfd = -1, r;

	for (size_t i = 0; i < 12; i++)
		argv[n++] = words[i];
	argv[n++] = file_copy;
	if (ca_copy != NULL) {
		argv[n++] = words[12];
		argv[n++] = ca_copy;
	}
	argv[n++] = words[13];
	argv[n++] = url_copy;
	argv[n] = NULL;
	const struct spawn_fd fds[] = {
		{ .fd = STDERR_FILENO, .as = STDERR_FILENO },
	};
	const struct spawn_options o = { .path = CURL,
		.argv = argv,
		.fds = fds,
		.fd_count = ARRAY_LEN(fds) };

	r = url_copy == NULL || file_copy == NULL ? err_nomem(e)
						  : spawn(&o, &pid, &pidfd, e);
	if (r == 0)
		r = wait_for(pid, pidfd, e);
	fd_closep(&pidfd);
	free(url_copy);
	free(file_copy);
	free(ca_copy);
	return r;
}

static int
fetch_into(const char *const *values, const char *url, const char *folder,
    const char *dir, struct buf *out, struct err *e)
{
	AUTO_BUF struct buf file = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf signature = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf second = BUF_INIT(URL_MAX * 2);
	int r;

	buf_printf(&file, "%s/bundle", folder);
	buf_printf(&signature, "%s/bundle.minisig", folder);
	buf_printf(&second, "%s.minisig", url);
	r = get(url, values[OPT_CA], buf_cstr(&file), e);
	if (r == 0)
		r = get(
		    buf_cstr(&second), values[OPT_CA], buf_cstr(&signature), e);
	if (r == 0)
		r = bundle_put_in_place(
		    values[OPT_KEY], buf_cstr(&file), dir, out, e);
	(void)unlink(buf_cstr(&file));
	(void)unlink(buf_cstr(&signature));
	return r;
}

static int
run_fetch(int argc, char **argv)
{
	char folder[] = "/tmp/assent-fetch-XXXXXX";
	const char *values[OPT_COUNT] = { NULL };
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct err e = ERR_INIT;
	int status = EXIT_OK, r;
	const int first = command_parse(
	    &rules_verb_fetch, argc, argv, values, NULL, NULL, &status);

	if (first < 0)
		return status;
	if (values[OPT_KEY] == NULL || argc - first != 2)
		return command_usage_error(
		    &rules_verb_fetch, "--key, a URL and a folder are needed");
	if (!str_starts(str_of(argv[first]), STR("https://")) ||
	    strlen(argv[first]) > URL_MAX)
		return command_usage_error(
		    &rules_verb_fetch, "the URL begins with https://");
	if (mkdtemp(folder) == NULL)
		return EXIT_INTERNAL;
	r = fetch_into(values, argv[first], folder, argv[first + 1], &out, &e);
	(void)rmdir(folder);
	if (r == ERR_NOTFOUND) {
		(void)cmd_fail(rules_verb_fetch.name, &e);
		return EXIT_UNAVAILABLE;
	}
	if (r != 0)
		return bundle_failed(&rules_verb_fetch, &e);
	return bundle_print(&out, values[OPT_JSON] != NULL);
}
