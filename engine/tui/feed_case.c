/*
 * One action: its page, and the answers to it.
 * Runs in: assent.  Trusts: nothing of what the daemon says: an answer goes to
 * the hash that was shown, and the reply must be about it.  Owns: nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/jsonw.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "case_page.h"
#include "model/limits.h"
#include "feed.h"
#include "tools/verdict.h"

#define PATH_BYTES 256
#define BODY_BYTES_MAX ((size_t)65536)
#define PASSWD_BYTES 4096
#define OUTPUT_SHOWN ((size_t)64 << 10)

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text == NULL ? "" : text);
}

/* ---- the page ------------------------------------------------------------ */

/* What a file holds now, read with this person's own rights; links are not
 * followed at the end, and only ordinary files are read. */
static bool
read_now(void *ctx, const char *path, struct buf *out)
{
	const char *cwd = ctx;
	AUTO_BUF struct buf full = BUF_INIT(PATH_BYTES_MAX);
	AUTO_FD int fd = -1;
	struct stat st;

	if (path[0] != '/')
		buf_printf(&full, "%s/", cwd == NULL ? "" : cwd);
	buf_puts(&full, path);
	if (full.failed != 0 || full.s[0] != '/')
		return false;
	fd = open(
	    full.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	return fdio_read_all(fd, out, NULL) == 0;
}

static const char *
name_of(const json_t *decision, char *text, size_t size)
{
	const json_t *uid =
	    json_object_get(json_object_get(decision, "proposal"), "uid");
	struct passwd pw, *found = NULL;

	if (!json_is_integer(uid) ||
	    getpwuid_r(
		(uid_t)json_integer_value(uid), &pw, text, size, &found) != 0 ||
	    found == NULL)
		return NULL;
	return found->pw_name;
}

/* The end of what it wrote so far. */
static void
put_output(struct page *p, const char *title, const char *text)
{
	struct str rest = str_of(text);

	if (rest.len == 0)
		return;
	page_own(p, STYLE_LABEL, "%s", title);
	if (rest.len > OUTPUT_SHOWN) {
		page_own(p, STYLE_DIM, " ... %zu bytes before this",
		    rest.len - OUTPUT_SHOWN);
		rest = str_from(rest, rest.len - OUTPUT_SHOWN);
	}
	page_code(p, " | ", rest, STYLE_PLAIN);
}

static void
put_live(struct feed *f, const char *id, struct page *p)
{
	AUTO(client_reply_done) struct client_reply out = CLIENT_REPLY_INIT;
	struct err e = ERR_INIT;

	buf_putc(&p->text, '\n');
	if (feed_get(f, id, "/output", &out, &e) != 0) {
		page_own(p, STYLE_BAD, "no output: see the daemon's log");
		return;
	}
	put_output(p, "OUTPUT", client_text(out.json, "stdout"));
	put_output(p, "ERRORS", client_text(out.json, "stderr"));
	page_own(p, STYLE_DIM, "%s", "(it runs; x stops it)");
}

static void
make_page(struct feed *f, const json_t *decision, const json_t *why,
    struct tui_case *c, struct page *page)
{
	char passwd[PASSWD_BYTES];
	const char *cwd = client_text(json_object_get(why, "action"), "cwd");
	struct case_how how = {
		.user = name_of(decision, passwd, sizeof(passwd)),
		.file = read_now,
		.with_outcome = strcmp(c->state, "pending") != 0,
	};

	/* only read: a path is taken from it */
	how.ctx = (void *)(uintptr_t)cwd;
	c->whole = case_page(decision, why, &how, page);
	c->live = strcmp(c->state, "running") == 0;
	if (c->live)
		put_live(f, c->id, page);
}

/* First the decision with its ETag, then what explains it: whatever changes
 * in between makes the ETag stale, and an answer with it is refused. */
static int
load(struct feed *f, const char *id, struct tui_case *c, struct page *page,
    struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO(client_reply_done) struct client_reply why = CLIENT_REPLY_INIT;
	const char *about;
	int r = feed_get(f, id, "", &reply, e);

	if (r == 0)
		r = feed_get(f, id, "/explain", &why, e);
	if (r != 0)
		return r;
	about = client_text(reply.json, "id");
	if (about == NULL || strcmp(about, id) != 0 ||
	    client_text(why.json, "id") == NULL ||
	    strcmp(client_text(why.json, "id"), id) != 0)
		return err_set(
		    e, ERR_INTERNAL, "the answer is not about %s", id);
	set(c->id, sizeof(c->id), id);
	set(c->sha256, sizeof(c->sha256),
	    client_text(reply.json, "action_sha256"));
	set(c->etag, sizeof(c->etag), reply.etag);
	set(c->risk, sizeof(c->risk), client_text(reply.json, "risk"));
	set(c->state, sizeof(c->state), client_text(reply.json, "state"));
	make_page(f, reply.json, why.json, c, page);
	return ERR_OK;
}

static bool
is_of_actions(enum tui_view view)
{
	return view == VIEW_WAITING || view == VIEW_RUNNING ||
	    view == VIEW_HISTORY;
}

/* Of a grant, a session, a check: what the list holds is all there is. */
static void
show_entry(struct feed *f, const struct tui_order *o, struct page *page)
{
	const struct tui_entry *e = tui_find(f->m, o->view, o->id);
	struct tui_case c = { .whole = false };

	if (e == NULL)
		return;
	set(c.id, sizeof(c.id), o->id);
	set(c.state, sizeof(c.state), e->state);
	page_field(page, "WHAT", e->title, STYLE_BOLD);
	page_field(page, "state", e->state, STYLE_PLAIN);
	page_field(page, "agent", e->agent, STYLE_PLAIN);
	page_field(page, "place", e->place, STYLE_PLAIN);
	page_field(page, "more", e->rule, STYLE_PLAIN);
	tui_show(f->m, &c, page, loop_now_ns());
}

void
feed_case(struct feed *f, const struct tui_order *o)
{
	struct page page = PAGE_INIT;
	struct tui_case c = { .whole = false };
	struct err e = ERR_INIT;

	page.utf8 = f->m->utf8;
	if (o->view != f->m->view)
		return;
	if (!is_of_actions(o->view)) {
		show_entry(f, o, &page);
	} else if (load(f, o->id, &c, &page, &e) == 0) {
		tui_show(f->m, &c, &page, loop_now_ns());
	} else {
		tui_cannot_show(f->m, o->id, e.msg, loop_now_ns());
	}
	page_done(&page);
}

/* ---- answers ------------------------------------------------------------- */

static void
put_body(struct buf *out, const struct tui_order *o, const char *sha256)
{
	const bool allow = o->kind == ORDER_ALLOW;
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "decision", allow ? "allow" : "deny");
	jsonw_kstr(&w, "action_sha256", sha256);
	if (allow && strcmp(o->scope, "once") != 0)
		jsonw_kstr(&w, "scope", o->scope);
	if (!allow && o->text[0] != '\0')
		jsonw_kstr(&w, "reason", o->text);
	jsonw_end(&w);
}

/* A deny may come before the case was loaded: then it is looked up, and must
 * still be the one in the list. */
static int
etag_of(struct feed *f, const struct tui_order *o, char *ret, size_t size,
    struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	const char *hash;
	int r;

	if (o->etag[0] != '\0') {
		set(ret, size, o->etag);
		return ERR_OK;
	}
	r = feed_get(f, o->id, "", &reply, e);
	if (r != 0)
		return r;
	hash = client_text(reply.json, "action_sha256");
	if (hash == NULL || strcmp(hash, o->sha256) != 0)
		return err_set(e, ERR_CONFLICT, "it is another action now");
	set(ret, size, reply.etag);
	return ERR_OK;
}

static int
decide(struct feed *f, const struct tui_order *o, bool *ret_over, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES_MAX);
	char path[PATH_BYTES], etag[CLIENT_ETAG_MAX] = "";
	struct verdict v;
	int r = feed_path(o->id, "/decision", path, e);

	if (r == 0)
		r = etag_of(f, o, etag, sizeof(etag), e);
	if (r != 0)
		return r;
	put_body(&body, o, o->sha256);
	r = buf_done(&body, e);
	if (r == 0)
		r = feed_call(f,
		    &(struct client_request){ .method = "PUT",
			.path = path,
			.body = buf_str(&body),
			.if_match = etag },
		    &reply, e);
	if (r == 0)
		r = client_expect(&reply, e);
	if (r == 0)
		r = verdict_read(reply.json, NULL, &v, e);
	if (r == 0 && strcmp(v.id, o->id) != 0)
		r = err_set(e, ERR_INTERNAL, "the reply is about %s", v.id);
	/* it may wait for more people still */
	*ret_over = r == 0 && v.stage != STAGE_PENDING;
	return r;
}

/* What a route that is not there means for the keys. */
static int
learn(struct feed *f, const struct client_reply *reply, unsigned skill,
    struct err *e)
{
	const char *code = client_text(reply->json, "code");

	if (reply->status == 405 || reply->status == 501 ||
	    (reply->status == 404 && code != NULL &&
		strcmp(code, "no_such_route") == 0))
		f->m->skills &= ~skill;
	return client_expect(reply, e);
}

static int
simple(struct feed *f, const struct client_request *q, unsigned skill,
    struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	int r = feed_call(f, q, &reply, e);

	return r != 0 ? r : learn(f, &reply, skill, e);
}

static int
undo(struct feed *f, const struct tui_order *o, struct err *e)
{
	AUTO(client_reply_done) struct client_reply now = CLIENT_REPLY_INIT;
	char path[PATH_BYTES];
	int r = feed_get(f, o->id, "", &now, e);

	if (r == 0)
		r = feed_path(o->id, "/decision", path, e);
	if (r != 0)
		return r;
	return simple(f,
	    &(struct client_request){
		.method = "DELETE", .path = path, .if_match = now.etag },
	    SKILL_UNDO, e);
}

static int
revoke_grant(struct feed *f, const struct tui_order *o, struct err *e)
{
	char path[PATH_BYTES];

	if (strpbrk(o->id, "/?#% ") != NULL)
		return err_set(e, ERR_INVALID, "'%s' is no grant", o->id);
	(void)snprintf(path, sizeof(path), "/v1/grants/%s", o->id);
	return simple(f,
	    &(struct client_request){ .method = "DELETE", .path = path },
	    SKILL_GRANTS, e);
}

static int
post(struct feed *f, const struct tui_order *o, const char *rest,
    struct str body, unsigned skill, struct err *e)
{
	char path[PATH_BYTES];
	int r = feed_path(o->id, rest, path, e);

	if (r != 0)
		return r;
	return simple(f,
	    &(struct client_request){ .method = "POST",
		.path = path,
		.body = body,
		.if_match = o->etag[0] == '\0' ? NULL : o->etag },
	    skill, e);
}

static int
raise_to(struct feed *f, const struct tui_order *o, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES_MAX);
	struct jsonw w = jsonw_on(&body);
	int r;

	jsonw_object(&w);
	jsonw_kstr(&w, "to", o->text);
	jsonw_end(&w);
	r = buf_done(&body, e);
	return r != 0 ? r
		      : post(f, o, "/escalate", buf_str(&body), SKILL_RAISE, e);
}

static int
carry_out(
    struct feed *f, const struct tui_order *o, bool *ret_over, struct err *e)
{
	switch (o->kind) {
	case ORDER_ALLOW:
	case ORDER_DENY:
		return decide(f, o, ret_over, e);
	case ORDER_UNDO:
		return undo(f, o, e);
	case ORDER_STOP:
		return post(f, o, "/signal", STR("{\"signal\":\"TERM\"}"),
		    SKILL_STOP, e);
	case ORDER_RAISE:
		return raise_to(f, o, e);
	case ORDER_REVOKE:
		return revoke_grant(f, o, e);
	case ORDER_LOAD:
	case ORDER_LIST:
	case ORDER_COPY:
	case ORDER_PREVIEW:
	case ORDER_EDIT:
	case ORDER_RULE:
	case ORDER_SAVE_RULE:
	case ORDER_CHANGES:
	case ORDER_APPLY:
		break;
	}
	return err_set(e, ERR_INTERNAL, "that is no answer");
}

void
feed_answer(struct feed *f, const struct tui_order *o)
{
	struct err e = ERR_INIT;
	bool over = false;
	const int r = carry_out(f, o, &over, &e);
	const int64_t now = loop_now_ns();

	tui_answered(f->m, o, r == 0 ? NULL : e.msg, now);
	if (r == 0 && o->kind == ORDER_REVOKE)
		tui_gone(f->m, VIEW_GRANTS, o->id, NULL, now);
	if (r == 0 && o->kind == ORDER_ALLOW && !over)
		tui_note(f->m, STYLE_GOOD, now,
		    "Your yes counts; another person has to say yes, too.");
	if (over)
		tui_gone(f->m, VIEW_WAITING, o->id, NULL, now);
}
