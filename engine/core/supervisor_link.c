/*
 * Who may talk to whom, in one place; and what is told to those that are up.
 * Runs in: supervisor.  Trusts: nothing.  Owns: nothing; the ends of links
 * go to the roles.
 */
#include <string.h>
#include <unistd.h>

#include "base/jsonw.h"
#include "base/log.h"
#include "base/mem.h"
#include "supervisor_int.h"

#define NAME_RECORD_MAX 64
#define STATUS_BYTES_MAX ((size_t)1 << 18)

/* The whole of it: a role that is not here has no way to another. */
static const struct {
	const char *a, *b;
} links[] = {
	{ "front", "engine" },
	{ "reporter", "engine" },
	{ "reviewer", "engine" },
	{ "broker", "engine" },
};

bool
supervisor_are_linked(const char *a, const char *b)
{
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		if ((strcmp(links[i].a, a) == 0 &&
			strcmp(links[i].b, b) == 0) ||
		    (strcmp(links[i].a, b) == 0 && strcmp(links[i].b, a) == 0))
			return true;
	}
	return false;
}

static void
send_or_warn(struct child *c, uint16_t type, struct buf *payload, int fd)
{
	struct err e = ERR_INIT;
	int r = buf_done(payload, &e);

	if (r == 0 && c->link != NULL)
		r = ipc_send(c->link, type, buf_str(payload), fd, &e);
	/* A role that cannot be told ends soon, and is started again. */
	if (r != 0)
		log_warn("not-told", "role=%s message=0x%x why=%s",
		    c->role->name, type, e.msg);
}

static void
send_peer(struct child *to, const struct child *peer, int fd)
{
	AUTO_BUF struct buf b = BUF_INIT(NAME_RECORD_MAX);

	rec_put_cstr(&b, peer->role->name);
	send_or_warn(to, SR_PEER, &b, fd);
}

static void
join(struct child *a, struct child *b)
{
	AUTO_FD int end_a = -1;
	AUTO_FD int end_b = -1;
	struct err e = ERR_INIT;
	int pair[2];

	if (ipc_pair(pair, &e) != 0) {
		log_err("not-linked", "a=%s b=%s why=%s", a->role->name,
		    b->role->name, e.msg);
		return;
	}
	end_a = pair[0];
	end_b = pair[1];
	send_peer(a, b, end_a);
	send_peer(b, a, end_b);
}

static void
give_listeners(struct child *c)
{
	const struct supervisor *s = c->s;

	for (size_t i = 0; i < s->listener_count; i++) {
		AUTO_BUF struct buf b = BUF_INIT(NAME_RECORD_MAX);

		rec_put_u8(&b, (uint8_t)s->listeners[i].kind);
		send_or_warn(c, SR_LISTENER, &b, s->listeners[i].fd);
	}
}

static bool
has_all_links(const struct child *c)
{
	const struct supervisor *s = c->s;

	for (size_t i = 0; i < s->child_count; i++) {
		if (s->children[i].state != CHILD_UP &&
		    supervisor_is_wanted(s, &s->children[i]) &&
		    supervisor_are_linked(
			c->role->name, s->children[i].role->name))
			return false;
	}
	return true;
}

/* Not before its peers are there: until then clients wait in the socket's
 * backlog, and the first one is served. */
static void
open_doors(struct supervisor *s)
{
	for (size_t i = 0; i < s->child_count; i++) {
		struct child *c = &s->children[i];

		if (c->state != CHILD_UP || c->role->listener == NULL ||
		    c->listeners_given || !has_all_links(c))
			continue;
		c->listeners_given = true;
		give_listeners(c);
	}
}

static bool
takes_peers(const struct child *c)
{
	return c->role->peer != NULL || c->role->program != NULL;
}

void
supervisor_introduce(struct child *c)
{
	struct supervisor *s = c->s;

	for (size_t i = 0; i < s->child_count; i++) {
		struct child *other = &s->children[i];

		if (other != c && other->state == CHILD_UP && takes_peers(c) &&
		    takes_peers(other) &&
		    supervisor_are_linked(c->role->name, other->role->name))
			join(c, other);
	}
	open_doors(s);
}

/* ---- status ------------------------------------------------------------ */

static void
write_child(struct jsonw *w, const struct child *c)
{
	AUTO_BUF struct buf report = BUF_INIT(1024);

	jsonw_key(w, c->role->name);
	jsonw_object(w);
	jsonw_kbool(w, "up", c->state == CHILD_UP);
	jsonw_kint(w, "pid", c->state == CHILD_DOWN ? 0 : c->pid);
	jsonw_kint(w, "uid", c->has_user ? c->uid : geteuid());
	jsonw_kint(w, "restarts", c->restarts);
	if (c->how_ended[0] != '\0')
		jsonw_kstr(w, "ended", c->how_ended);
	if (c->state == CHILD_UP) {
		confine_report_json(&report, &c->report);
		jsonw_key(w, "enforced");
		jsonw_raw(w, buf_str(&report));
	}
	jsonw_end(w);
}

static bool
all_up(const struct supervisor *s)
{
	for (size_t i = 0; i < s->child_count; i++) {
		if (s->children[i].state != CHILD_UP &&
		    supervisor_is_wanted(s, &s->children[i]))
			return false;
	}
	return !s->stopping;
}

void
supervisor_tell_status(struct supervisor *s)
{
	AUTO_BUF struct buf json = BUF_INIT(STATUS_BYTES_MAX);
	AUTO_BUF struct buf b = BUF_INIT(STATUS_BYTES_MAX);
	struct jsonw w = jsonw_on(&json);

	jsonw_object(&w);
	for (size_t i = 0; i < s->child_count; i++) {
		if (supervisor_is_wanted(s, &s->children[i]))
			write_child(&w, &s->children[i]);
	}
	jsonw_end(&w);
	rec_put_u8(&b, all_up(s));
	rec_put_str(&b, buf_str(&json));
	for (size_t i = 0; i < s->child_count; i++) {
		struct child *c = &s->children[i];

		if (c->state == CHILD_UP && c->role->status != NULL)
			send_or_warn(c, SR_STATUS, &b, -1);
	}
}
