/*
 * What is known of repositories' rules, and how fresh it is.
 * Runs in: engine.  Trusts: nothing in a repository.  Owns: the loaded sets.
 */
#include "projects.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/project.h"

#define NAMES_ARENA_MAX ((size_t)256 << 10)

struct entry {
	char *workspace; /* NULL: free */
	uid_t uid;
	bool reading, blind; /* blind: stat tells nothing about it */
	uint64_t ticket;
	int64_t asked_ns, known_ns, used_ns;
	struct project_rules *rules; /* NULL until read once */
	uint8_t record_sha256[SHA256_LEN];
	uint8_t stamp[SHA256_LEN]; /* of what rules were read from */
	struct arena *arena; /* of the names */
	const char **names;
	size_t name_count;
};

struct projects {
	const struct classifier_port *port;
	struct entry v[PROJECTS_MAX];
	struct project_rules *unread; /* asks: not read yet */
	uint64_t last_ticket;
};

static void
entry_done(const struct projects *p, struct entry *n)
{
	p->port->project_close(n->rules);
	arena_free(n->arena);
	free(n->workspace);
	*n = (struct entry){ .workspace = NULL };
}

static int
open_problem(const struct projects *p, const char *why,
    struct project_rules **ret, struct err *e)
{
	AUTO_BUF struct buf record = BUF_INIT(PROJECT_RECORD_MAX);

	project_put_problem(&record, why);
	return p->port->project_open(buf_str(&record), ret, e);
}

int
projects_new(
    const struct classifier_port *port, struct projects **ret, struct err *e)
{
	struct projects *p = mem_new(1, sizeof(*p));
	int r = ERR_OK;

	if (p == NULL)
		return err_nomem(e);
	p->port = port;
	if (port->project_open != NULL)
		r = open_problem(
		    p, "they have not been read yet", &p->unread, e);
	if (r != 0) {
		free(p);
		return r;
	}
	*ret = p;
	return ERR_OK;
}

void
projects_free(struct projects *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < PROJECTS_MAX; i++) {
		if (p->v[i].workspace != NULL)
			entry_done(p, &p->v[i]);
	}
	if (p->unread != NULL)
		p->port->project_close(p->unread);
	free(p);
}

/* ---- entries ----------------------------------------------------------- */

static struct entry *
find(struct projects *p, const struct action *a)
{
	for (size_t i = 0; i < PROJECTS_MAX; i++) {
		if (p->v[i].workspace != NULL &&
		    p->v[i].uid == a->proposer.uid &&
		    strcmp(p->v[i].workspace, a->proposal.workspace) == 0)
			return &p->v[i];
	}
	return NULL;
}

/* A free one, or the one that was not used for longest; NULL: all are being
 * read. */
static struct entry *
room(struct projects *p)
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < PROJECTS_MAX; i++) {
		struct entry *n = &p->v[i];

		if (n->workspace == NULL)
			return n;
		if (!n->reading &&
		    (oldest == NULL || n->used_ns < oldest->used_ns))
			oldest = n;
	}
	if (oldest != NULL)
		entry_done(p, oldest);
	return oldest;
}

static struct entry *
add(struct projects *p, const struct action *a)
{
	struct entry *n = room(p);

	if (n == NULL)
		return NULL;
	n->workspace =
	    mem_strndup(a->proposal.workspace, strlen(a->proposal.workspace));
	n->uid = a->proposer.uid;
	return n->workspace == NULL ? NULL : n;
}

/* ---- is it fresh? ------------------------------------------------------ */

static bool
is_fresh(const struct entry *n, int stamped, const uint8_t *stamp, int64_t now)
{
	if (n->rules == NULL)
		return false;
	if (stamped != 0 || n->blind)
		return now - n->known_ns < PROJECT_BLIND_NS;
	return memcmp(n->stamp, stamp, SHA256_LEN) == 0;
}

struct project_found
projects_find(struct projects *p, const struct action *a, int64_t now_ns)
{
	struct project_found f = { .state = PROJECT_NONE };
	uint8_t stamp[SHA256_LEN];
	struct entry *n;
	int stamped;

	if (a->proposal.workspace == NULL || p->port->project_open == NULL)
		return f;
	n = find(p, a);
	stamped =
	    project_stamp(a->proposal.workspace, n == NULL ? NULL : n->names,
		n == NULL ? 0 : n->name_count, stamp, NULL);
	if (stamped == ERR_NOTFOUND)
		return f;
	f.state = PROJECT_READING;
	f.rules = p->unread;
	if (n == NULL)
		n = add(p, a);
	if (n == NULL)
		return f;
	n->used_ns = now_ns;
	f.ticket = n->ticket;
	if (n->reading)
		return f;
	if (is_fresh(n, stamped, stamp, now_ns)) {
		f.state = PROJECT_KNOWN;
		f.rules = n->rules;
		memcpy(f.sha256, n->record_sha256, SHA256_LEN);
		return f;
	}
	f.state = PROJECT_UNREAD;
	n->reading = true;
	n->asked_ns = now_ns;
	n->ticket = f.ticket = ++p->last_ticket;
	return f;
}

/* ---- what was read ----------------------------------------------------- */

static struct entry *
by_ticket(struct projects *p, uint64_t ticket)
{
	for (size_t i = 0; i < PROJECTS_MAX; i++) {
		if (p->v[i].reading && p->v[i].ticket == ticket)
			return &p->v[i];
	}
	return NULL;
}

/* The names, to see whether the files change. */
static void
keep_names(struct entry *n, struct str record)
{
	struct project_files f = { .count = 0 };

	arena_freep(&n->arena);
	n->names = NULL;
	n->name_count = 0;
	n->arena = arena_new(NAMES_ARENA_MAX);
	n->blind = n->arena == NULL ||
	    project_decode(record, n->arena, &f, NULL) != 0 ||
	    f.problem != NULL || f.stamp.len != SHA256_LEN;
	if (n->blind)
		return;
	n->names = arena_array(n->arena, f.count + 1, sizeof(*n->names));
	for (size_t i = 0; n->names != NULL && i < f.count; i++)
		n->names[i] = f.v[i].name;
	n->name_count = n->names == NULL ? 0 : f.count;
	n->blind = n->names == NULL;
	memcpy(n->stamp, f.stamp.s, SHA256_LEN);
}

bool
projects_take(
    struct projects *p, uint64_t ticket, struct str record, int64_t now_ns)
{
	struct entry *n = by_ticket(p, ticket);
	uint8_t digest[SHA256_LEN];
	struct project_rules *rules = NULL;
	struct err why = ERR_INIT;
	int r;

	if (n == NULL)
		return false;
	n->reading = false;
	n->known_ns = now_ns;
	keep_names(n, record);
	r = sha256_of(record.s, record.len, digest, &why);
	/* The same bytes are the same rules. */
	if (r == 0 && n->rules != NULL &&
	    memcmp(digest, n->record_sha256, SHA256_LEN) == 0)
		return true;
	if (r == 0)
		r = p->port->project_open(record, &rules, &why);
	p->port->project_close(n->rules);
	n->rules = rules;
	if (r != 0) {
		log_err("project-rules", "why=%s", why.msg);
		n->blind = true;
		return true;
	}
	memcpy(n->record_sha256, digest, SHA256_LEN);
	log_info("project-rules", "workspace=%s uid=%u", n->workspace,
	    (unsigned)n->uid);
	return true;
}

uint64_t
projects_late(struct projects *p, int64_t now_ns)
{
	AUTO_BUF struct buf record = BUF_INIT(PROJECT_RECORD_MAX);

	for (size_t i = 0; i < PROJECTS_MAX; i++) {
		struct entry *n = &p->v[i];
		const uint64_t ticket = n->ticket;

		if (!n->reading || now_ns - n->asked_ns < PROJECT_WAIT_NS)
			continue;
		project_put_problem(&record, "reading them took too long");
		(void)projects_take(p, ticket, buf_str(&record), now_ns);
		return ticket;
	}
	return 0;
}
