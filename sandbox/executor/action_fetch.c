/*
 * A request as a command: curl in the sandbox, with the request's host.
 * Runs in: engine.  Trusts: nothing in the action.  Owns: nothing.
 */
#include "executor/action_plan.h"

#include <string.h>

#define CURL "/usr/bin/curl"
#define FIXED_WORDS 20
#define TOKEN_EXTRA "!#$%&'*+-.^_`|~"

/* A name as HTTP has it; above all none that curl takes for a file. */
static bool
is_token(const char *name)
{
	for (const char *c = name; *c != '\0'; c++) {
		const bool plain = (*c >= 'a' && *c <= 'z') ||
		    (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
		    strchr(TOKEN_EXTRA, *c) != NULL;

		if (!plain)
			return false;
	}
	return name[0] != '\0';
}

static int
add_headers(const struct tool_input *in, struct arena *arena, const char **argv,
    size_t *n, struct err *e)
{
	for (size_t i = 0; i < in->header_count; i++) {
		AUTO_BUF struct buf b = BUF_INIT(ACTION_BYTES_MAX);
		const struct env_var *h = &in->headers[i];

		if (!is_token(h->name) || strpbrk(h->value, "\r\n") != NULL)
			return err_set(e, ERR_INVALID,
			    "the header '%.64s' is not one", h->name);
		/* A colon and nothing else would take the header out. */
		buf_printf(&b, h->value[0] == '\0' ? "%s;" : "%s: %s", h->name,
		    h->value);
		argv[(*n)++] = "--header";
		argv[(*n)++] = arena_strndup(arena, buf_cstr(&b), b.len);
		if (b.failed != 0 || argv[*n - 1] == NULL)
			return err_nomem(e);
	}
	return ERR_OK;
}

int
action_fetch(const struct action *a, struct arena *arena,
    struct plan_options *o, struct err *e)
{
	static const char *const fixed[] = {
		CURL,
		"--disable", /* no file of settings; has to be the first */
		"--silent",
		"--show-error",
		"--globoff",
		"--proto",
		"=http,https",
		"--fail-with-body",
		"--write-out",
		"%{stderr}status %{http_code} %{content_type}\n",
	};
	const struct tool_input *in = &a->proposal.input;
	const char *method = in->method == NULL ? "GET" : in->method;
	const char **argv = arena_array(
	    arena, FIXED_WORDS + 2 * in->header_count, sizeof(*argv));
	size_t n = ARRAY_LEN(fixed);
	int r;

	if (argv == NULL)
		return err_nomem(e);
	if (in->url == NULL || !is_token(method))
		return err_set(e, ERR_INVALID, "there is nothing to fetch");
	memcpy(argv, fixed, sizeof(fixed));
	r = add_headers(in, arena, argv, &n, e);
	if (r != 0)
		return r;
	if (strcmp(method, "HEAD") == 0) {
		argv[n++] = "--head";
	} else {
		argv[n++] = "--request";
		argv[n++] = method;
	}
	if (in->body != NULL) {
		argv[n++] = "--data-binary";
		argv[n++] = "@-";
		o->has_stdin = true;
		o->stdin_text = str_of(in->body);
	}
	argv[n++] = "--url";
	argv[n++] = in->url;
	o->argv = argv;
	o->argc = n;
	return ERR_OK;
}
