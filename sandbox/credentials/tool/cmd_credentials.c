/*
 * assent credentials: which there are, for whom; and whether a secret is where
 * it should be, without showing it. The daemon is asked in ask.c.
 * Runs in: assent.  Trusts: the configuration.  Owns: secrets while it tests.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "ask.h"
#include "core/credential_source.h"
#include "credentials/agent.h"
#include "credentials/usable.h"
#include "model/command.h"

#define OUTPUT_MAX ((size_t)4 << 20)
#define WAIT_MS 20000
#define AGENT_BYTES ((size_t)4096)

enum {
	OPT_CONFIG,
	OPT_RUNTIME,
	OPT_OFFLINE,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_CONFIG] = { "--config", "FILE",
	    "settings with credentials; list: read these, ask no daemon" },
	[OPT_RUNTIME] = { "--runtime", "DIR",
	    "list: the daemon's runtime folder" },
	[OPT_OFFLINE] = { "--offline", NULL,
	    "list: read the settings, and ask no daemon" },
	[OPT_JSON] = { "--json", NULL, "answer as JSON" },
};

static int run_credentials(int argc, char **argv);

extern const struct command command_credentials;
const struct command command_credentials = {
	.name = "credentials",
	.summary = "Show the broker's credentials, never their values",
	.usage = "credentials list|test [OPTIONS] [NAME...]",
	.details =
	    "list asks the daemon for each credential: its kind, its hosts, "
	    "for whom it is,\nand its last use; with --offline it reads the "
	    "settings, which also say where the\nsecret is. test reads each "
	    "secret as the daemon would, says whether it can be\nused, and "
	    "forgets it; of a key it shows the fingerprint. A variable is "
	    "looked for\nin this program's environment. Nothing is sent "
	    "anywhere.\nExit status of test: 0, or 1 when a secret cannot be "
	    "used.",
	.example = "assent credentials test github",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run_credentials,
};

struct work {
	const char *values[OPT_COUNT];
	struct config *config;
	struct loop *loop;
	struct review_helpers *helpers;
	struct buf out;
	struct jsonw json;
	bool failed; /* a test */
};

static bool
is_wanted(const struct config_credential *c, char **names, int count)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(names[i], c->name) == 0)
			return true;
	}
	return count == 0;
}

static int
check_names(const struct work *w, char **names, int count, struct err *e)
{
	for (int i = 0; i < count; i++) {
		bool found = false;

		for (size_t n = 0; n < w->config->credential_count; n++)
			found = found ||
			    strcmp(names[i], w->config->credentials[n].name) ==
				0;
		if (!found)
			return err_set(e, ERR_NOTFOUND,
			    "there is no credential '%.64s'", names[i]);
	}
	return ERR_OK;
}

/* ---- list ------------------------------------------------------------------ */

static void
put_list(struct buf *out, const char *label, const struct credential_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		buf_puts(out, i == 0 ? label : ", ");
		text_escape(out, str_of(l->items[i]));
	}
}

static void
show(struct work *w, const struct config_credential *c)
{
	struct buf *out = &w->out;
	AUTO_BUF struct buf source = BUF_INIT(PATH_BYTES_MAX * 2);

	credential_source(c, &source);
	buf_printf(out, "%s  %s", c->name, c->kind_name);
	put_list(out, "  for ", &c->hosts);
	buf_puts(out, "\n    secret: ");
	text_escape(out, buf_str(&source));
	if (c->variable != NULL)
		buf_printf(out, "; variable %s", c->variable);
	if (c->ask)
		buf_puts(out, "; a person is asked");
	put_list(out, "\n    profiles: ", &c->profiles);
	put_list(out, "\n    agents: ", &c->agents);
	put_list(out, "\n    sessions: ", &c->sessions);
	put_list(out, "\n    users: ", &c->users);
	buf_putc(out, '\n');
}

/* ---- test ------------------------------------------------------------------- */

static void
wipe(struct buf *b)
{
	if (b->s != NULL)
		explicit_bzero(b->s, b->cap);
	buf_free(b);
}

/* A program may take its time, but not for ever. */
static int
read_secret(int fd, struct buf *to, struct err *e)
{
	char *at = buf_reserve(to, CREDENTIAL_BYTES_MAX + 2);
	size_t len = 0;
	ssize_t n = 1;

	if (at == NULL)
		return err_nomem(e);
	while (n != 0 && len < CREDENTIAL_BYTES_MAX + 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, WAIT_MS) == 0)
			return err_set(
			    e, ERR_LIMIT, "the program takes too long");
		n = read(fd, at + len, CREDENTIAL_BYTES_MAX + 1 - len);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "cannot read it");
		len += n > 0 ? (size_t)n : 0;
	}
	buf_advance(to, len);
	return buf_done(to, e);
}

/* Until its answer is whole. Blocking would do, but for its patience. */
static int
read_answer(int fd, struct buf *in, struct str *ret_body, struct err *e)
{
	int n = 0;

	while (n == 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char *at = buf_reserve(in, AGENT_BYTES);
		ssize_t got;

		if (at == NULL || poll(&p, 1, WAIT_MS) <= 0)
			return err_set(
			    e, ERR_LIMIT, "the agent does not answer");
		got = read(fd, at, AGENT_BYTES);
		if (got <= 0)
			return err_set(e, ERR_SYS, "the agent hung up");
		buf_advance(in, (size_t)got);
		n = agent_message(buf_str(in), ret_body, e);
	}
	return n < 0 ? n : ERR_OK;
}

/* Nothing is signed: that could ask a person. */
static int
ask_agent(int fd, const struct usable *u, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(AGENT_BYTES);
	AUTO_BUF struct buf in = BUF_INIT(2 * AGENT_MESSAGE_MAX);
	struct str body;
	int r;

	agent_put_list_request(&out);
	r = fdio_write_all(fd, out.s, out.len, e);
	if (r == 0)
		r = read_answer(fd, &in, &body, e);
	if (r == 0 && !agent_lists(body, usable_blob(u)))
		r = err_set(e, ERR_NOTFOUND,
		    "the agent does not have this key now; ssh-add it");
	return r;
}

static int
try_agent(struct work *w, const struct config_credential *c,
    struct usable **ret, struct err *e)
{
	static const struct review_identity nobody = { .set = false };
	AUTO(usable_freep) struct usable *u = NULL;
	AUTO_FD int fd = -1;
	int r = usable_make_agent(c, &u, e);

	if (r == 0)
		r = credential_open(w->helpers, c, &nobody, &fd, e);
	if (r == 0)
		r = ask_agent(fd, u, e);
	if (r == 0)
		*ret = TAKE_PTR(u);
	return r;
}

static int
try(struct work *w, const struct config_credential *c, struct usable **ret,
    struct err *e)
{
	static const struct review_identity nobody = { .set = false };
	AUTO(wipe) struct buf bytes = BUF_INIT(CREDENTIAL_BYTES_MAX * 2);
	AUTO_FD int fd = -1;
	int r = ERR_OK;

	if (c->env != NULL)
		r = review_helpers_take_variable(w->helpers, c->env, e);
	if (r == 0)
		r = credential_open(w->helpers, c, &nobody, &fd, e);
	if (r == 0)
		r = read_secret(fd, &bytes, e);
	return r != 0 ? r : usable_make(c, buf_str(&bytes), ret, e);
}

static void
put_key(struct work *w, const struct usable *u, const char *print)
{
	if (u->key != NULL)
		buf_printf(&w->out, "good, %.*s %s",
		    STR_ARG(ssh_key_type(u->key)), print);
	else
		buf_printf(&w->out, "good, the agent has %s", print);
}

static void
test(struct work *w, const struct config_credential *c)
{
	AUTO(usable_freep) struct usable *u = NULL;
	char print[SSH_FINGERPRINT_MAX] = "";
	struct err e = ERR_INIT;
	const int r =
	    c->agent != NULL ? try_agent(w, c, &u, &e) : try(w, c, &u, &e);

	w->failed = w->failed || r != 0;
	if (r == 0 && usable_blob(u).len > 0)
		(void)ssh_blob_fingerprint(usable_blob(u), print, NULL);
	if (w->values[OPT_JSON] != NULL) {
		jsonw_kbool(&w->json, "usable", r == 0);
		if (print[0] != '\0')
			jsonw_kstr(&w->json, "fingerprint", print);
		if (r != 0)
			jsonw_kstr(&w->json, "error", e.msg);
		return;
	}
	buf_printf(&w->out, "%s: ", c->name);
	if (r != 0)
		text_escape(&w->out, str_of(e.msg));
	else if (print[0] != '\0')
		put_key(w, u, print);
	else
		buf_puts(&w->out, "good");
	buf_putc(&w->out, '\n');
}

/* ---- the command ------------------------------------------------------------ */

static int
load(struct work *w, struct err *e)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf found = BUF_INIT(OUTPUT_MAX);
	const struct config_sources s = { .file = w->values[OPT_CONFIG] };
	int r = d == NULL ? err_nomem(e) : config_load(&s, d, &w->config, e);

	diags_print(d, &found);
	(void)fputs(buf_cstr(&found), stderr);
	if (r == 0)
		r = loop_new(&w->loop, e);
	return r != 0 ? r : review_helpers_new(w->loop, &w->helpers, e);
}

static void
each(struct work *w, bool tests, char **names, int count)
{
	const bool json = w->values[OPT_JSON] != NULL;

	if (json) {
		jsonw_object(&w->json);
		jsonw_key(&w->json, "credentials");
		jsonw_array(&w->json);
	}
	for (size_t i = 0; i < w->config->credential_count; i++) {
		const struct config_credential *c = &w->config->credentials[i];

		if (!is_wanted(c, names, count))
			continue;
		if (json) {
			jsonw_object(&w->json);
			credential_json(&w->json, c);
		} else if (!tests) {
			show(w, c);
		}
		if (tests)
			test(w, c);
		if (json && !tests) {
			jsonw_key(&w->json, "last_use");
			jsonw_null(&w->json);
		}
		if (json)
			jsonw_end(&w->json);
	}
	if (json) {
		jsonw_end(&w->json);
		jsonw_end(&w->json);
	} else if (w->config->credential_count == 0) {
		buf_puts(&w->out, "no credentials");
	}
	if (w->out.len > 0 && w->out.s[w->out.len - 1] != '\n')
		buf_putc(&w->out, '\n');
}

static int
work(struct work *w, bool tests, char **names, int count)
{
	struct err e = ERR_INIT;
	int r;

	w->out = (struct buf)BUF_INIT(OUTPUT_MAX);
	w->json = jsonw_on(&w->out);
	r = load(w, &e);
	if (r == 0)
		r = check_names(w, names, count, &e);
	if (r == 0) {
		each(w, tests, names, count);
		r = buf_done(&w->out, &e);
	}
	if (r == 0 && fputs(buf_cstr(&w->out), stdout) == EOF)
		r = err_sys(&e, "cannot write");
	if (r != 0)
		(void)fprintf(stderr, "assent credentials: %s\n", e.msg);
	review_helpers_free(w->helpers);
	loop_free(w->loop);
	config_free(w->config);
	buf_free(&w->out);
	if (r != 0)
		return r == ERR_NOTFOUND ? EXIT_USAGE : EXIT_CONFIG;
	return w->failed ? EXIT_DENIED : EXIT_OK;
}

static int
run_credentials(int argc, char **argv)
{
	struct work w = { .failed = false };
	AUTO_FREE char **words = mem_new((size_t)argc, sizeof(*words));
	bool tests;
	int count, status = EXIT_OK;

	if (words == NULL)
		return EXIT_INTERNAL;
	count = command_parse_words(&command_credentials, argc, argv, w.values,
	    &(struct command_words){ .words = words, .max = argc }, &status);
	if (count < 0)
		return status;
	if (count == 0 ||
	    (strcmp(words[0], "list") != 0 && strcmp(words[0], "test") != 0))
		return command_usage_error(
		    &command_credentials, "say list or test");
	tests = strcmp(words[0], "test") == 0;
	if (!tests && w.values[OPT_OFFLINE] == NULL &&
	    w.values[OPT_CONFIG] == NULL)
		return credentials_ask(w.values[OPT_RUNTIME],
		    w.values[OPT_JSON] != NULL, words + 1, count - 1);
	return work(&w, tests, words + 1, count - 1);
}
