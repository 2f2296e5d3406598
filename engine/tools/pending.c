/*
 * assent pending: what waits for a person.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "client.h"
#include "model/command.h"
#include "notify.h"
#include "show.h"

#define LIST_PATH "/v1/actions?state=pending&limit=500"
#define HASH_SHOWN 12
#define SEEN_MAX 10000
#define PATH_BYTES 256
#define PAGES_MAX 100

extern const struct command command_pending;

enum pending_option {
	OPT_LONG,
	OPT_WATCH,
	OPT_HOOK,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_LONG] = { "--long", NULL, "show each question in full" },
	[OPT_WATCH] = { "--watch", NULL, "go on, show new ones as they come" },
	[OPT_HOOK] = { "--on-waiting", "PROGRAM",
	    "with --watch: is run when something comes, with "
	    "ASSENT_WAITING=N" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL,
	    "one JSON object; with --watch one a question and line" },
};

struct watch {
	struct client *client; /* lists */
	bool json, full;
	json_t *seen; /* object: the ids that were shown */
	const char *hook; /* a program, or NULL */
	bool news; /* since it was run */
};

/* ---- a list -------------------------------------------------------------- */

static int
list_page(struct client *c, const char *cursor, struct client_reply *ret,
    struct err *e)
{
	char path[PATH_BYTES];
	const int n = snprintf(path, sizeof(path), "%s%s%s", LIST_PATH,
	    cursor == NULL ? "" : "&cursor=", cursor == NULL ? "" : cursor);
	int r;

	if (n < 0 || (size_t)n >= sizeof(path) ||
	    (cursor != NULL && strpbrk(cursor, "/?#%& ") != NULL))
		return err_set(e, ERR_INTERNAL, "the list has no next page");
	r = client_call(c,
	    &(struct client_request){ .method = "GET", .path = path }, ret, e);
	return r != 0 ? r : client_expect(ret, e);
}

/* All of it: page by page, in one object. */
static int
list(struct client *c, struct client_reply *ret, struct err *e)
{
	AUTO(client_reply_done) struct client_reply whole = CLIENT_REPLY_INIT;
	int r = list_page(c, NULL, &whole, e);

	for (size_t page = 1; r == 0 && page < PAGES_MAX; page++) {
		AUTO(client_reply_done)
		struct client_reply next = CLIENT_REPLY_INIT;
		const char *cursor = client_text(whole.json, "next_cursor");

		if (cursor == NULL)
			break;
		r = list_page(c, cursor, &next, e);
		if (r == 0 &&
		    (json_array_extend(json_object_get(whole.json, "items"),
			 json_object_get(next.json, "items")) != 0 ||
			json_object_set(whole.json, "next_cursor",
			    json_object_get(next.json, "next_cursor")) != 0))
			r = err_nomem(e);
	}
	if (r != 0)
		return r;
	*ret = whole;
	whole = (struct client_reply)CLIENT_REPLY_INIT;
	return ERR_OK;
}

/* The two commands that answer, ready to be copied. */
static void
put_how(struct buf *out, const json_t *item, const char *id)
{
	const char *hash = client_text(item, "action_sha256");

	buf_puts(out, "  answer   assent approve ");
	text_escape(out, str_of(id));
	buf_puts(out, " --sha256 ");
	text_escape(out, str_head(str_of(hash), HASH_SHOWN));
	buf_puts(out, "\n  or       assent deny ");
	text_escape(out, str_of(id));
	buf_puts(out, " --reason TEXT\n");
}

/* Also what it would be permitted; what cannot be explained is shown so. */
static void
put_item(const struct watch *w, const json_t *item, struct buf *out)
{
	AUTO(client_reply_done) struct client_reply why = CLIENT_REPLY_INIT;
	const char *id = client_text(item, "id");
	char path[PATH_BYTES];
	int n;

	if (!w->full || id == NULL) {
		show_question_line(out, item);
		return;
	}
	n = snprintf(path, sizeof(path), "/v1/actions/%s/explain", id);
	if (n > 0 && (size_t)n < sizeof(path) && strpbrk(id, "/?#% ") == NULL)
		(void)client_call(w->client,
		    &(struct client_request){ .method = "GET", .path = path },
		    &why, NULL);
	buf_puts(out, "Permission required: ");
	show_question(out, item, why.json);
	put_how(out, item, id);
}

static int
show_list(const struct watch *w, const json_t *reply)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const json_t *item;
	size_t i;

	if (w->json)
		return show_json(reply);
	json_array_foreach(json_object_get(reply, "items"), i, item)
	    put_item(w, item, &out);
	if (out.len == 0)
		buf_puts(&out, "nothing waits for an answer\n");
	return show_print(&out);
}

/* ---- watching ------------------------------------------------------------ */

static int
show_new(struct watch *w, const json_t *item, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *id = client_text(item, "id");

	if (id == NULL || json_object_get(w->seen, id) != NULL)
		return ERR_OK;
	/* ids of long ago are of no use any more */
	if (json_object_size(w->seen) >= SEEN_MAX)
		(void)json_object_clear(w->seen);
	if (json_object_set_new(w->seen, id, json_true()) != 0)
		return err_nomem(e);
	if (!w->json)
		put_item(w, item, &out);
	w->news = true;
	if ((w->json ? show_json(item) : show_print(&out)) != EXIT_OK)
		return err_set(e, ERR_INTERNAL, "cannot write the list");
	return ERR_OK;
}

static bool
is_listed(const json_t *list, const char *id)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *its = client_text(item, "id");

		if (its != NULL && strcmp(its, id) == 0)
			return true;
	}
	return false;
}

/* For those who hear the lines: what need not be answered any more. Each is
 * told once; its id stays known, as false. */
static int
show_gone(struct watch *w, const json_t *list, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *id;
	json_t *waits;

	if (w->json)
		return ERR_OK;
	json_object_foreach(w->seen, id, waits)
	{
		if (!json_is_true(waits) || is_listed(list, id))
			continue;
		/* the value of a key may change during the walk, no key may */
		if (json_object_set_new(w->seen, id, json_false()) != 0)
			return err_nomem(e);
		text_escape(&out, str_of(id));
		buf_puts(&out, "  waits no longer\n");
	}
	if (out.len > 0 && show_print(&out) != EXIT_OK)
		return err_set(e, ERR_INTERNAL, "cannot write the list");
	return ERR_OK;
}

/* Once for all that came together, at most once a second. */
static void
tell(struct watch *w, size_t waiting)
{
	const struct timespec pause = { .tv_sec = 1 };
	struct err why = ERR_INIT;

	if (w->hook == NULL || !w->news || waiting == 0)
		return;
	w->news = false;
	if (notify_run(w->hook, waiting, &why) != 0)
		(void)fprintf(stderr, "assent pending: %s\n", why.msg);
	(void)nanosleep(&pause, NULL);
}

static int
show_news(struct watch *w, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	const json_t *item;
	size_t i;
	int r = list(w->client, &reply, e);

	if (r != 0)
		return r;
	json_array_foreach(json_object_get(reply.json, "items"), i, item)
	{
		r = show_new(w, item, e);
		if (r != 0)
			return r;
	}
	r = show_gone(w, json_object_get(reply.json, "items"), e);
	tell(w, json_array_size(json_object_get(reply.json, "items")));
	return r;
}

/* Whatever happened, the list tells what it means for a person. The opening
 * of the stream counts too: a question that came before it is in the list. */
static int
on_event(void *ctx, struct str name, struct str data, struct err *e)
{
	(void)name;
	(void)data;
	return show_news(ctx, e);
}

static int
watch(struct watch *w, const char *runtime, struct err *e)
{
	AUTO(client_freep) struct client *events = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	int r = client_open(runtime, CLIENT_APPROVER, &events, e);

	if (r != 0)
		return r;
	r = client_call(events,
	    &(struct client_request){ .method = "GET",
		.path = "/v1/events",
		.on_event = on_event,
		.ctx = w },
	    &reply, e);
	if (r == 0)
		r = client_expect(&reply, e);
	return r != 0 ? r : err_set(e, ERR_SYS, "the daemon ended the stream");
}

/* ---- the command --------------------------------------------------------- */

static int
pending(const char *const *values, struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	json_auto_t *seen = json_object();
	struct watch w = {
		.json = values[OPT_JSON] != NULL,
		.full = values[OPT_LONG] != NULL,
		.hook = values[OPT_HOOK],
		.seen = seen,
	};
	int r = client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &c, e);

	if (r == 0)
		r = notify_check(w.hook, e);
	if (r != 0)
		return r;
	(void)signal(SIGCHLD, SIG_IGN);
	w.client = c;
	if (values[OPT_WATCH] != NULL)
		return watch(&w, values[OPT_RUNTIME], e);
	r = list(c, &reply, e);
	if (r == 0 && show_list(&w, reply.json) != EXIT_OK)
		r = err_set(e, ERR_INTERNAL, "cannot write the list");
	return r;
}

static int
run_pending(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int at = command_parse(
	    &command_pending, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at != argc)
		return command_usage_error(
		    &command_pending, "no operand is expected");
	if (values[OPT_HOOK] != NULL && values[OPT_WATCH] == NULL)
		return command_usage_error(
		    &command_pending, "--on-waiting goes with --watch");
	if (pending(values, &e) != 0)
		return show_error(&command_pending, &e, client_exit_status(&e));
	return EXIT_OK;
}

const struct command command_pending = {
	.name = "pending",
	.summary = "List the actions that wait for an answer",
	.usage = "pending [--long] [--watch [--on-waiting PROGRAM]] [OPTIONS]",
	.example = "assent pending --long",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_pending,
};
