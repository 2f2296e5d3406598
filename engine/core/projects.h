#ifndef CORE_PROJECTS_H
#define CORE_PROJECTS_H
/*
 * The rules of repositories (.assent/rules), by workspace and user.
 *
 *     found = projects_find(p, a, now);
 *     projects_take(p, ticket, record, &e);     what a reader read
 *
 * The engine can open no file of a workspace. It sees by stat whether there
 * are rules and whether they have changed; a reader under the identity of who
 * works there is started by the supervisor and reads them. Until it has, and
 * when it cannot, rules that ask are in their place.
 */
#include "core/ports.h"

#define PROJECTS_MAX 64
#define PROJECT_WAIT_NS INT64_C(4000000000)
#define PROJECT_BLIND_NS INT64_C(2000000000) /* where stat tells nothing */

struct projects;

enum project_state {
	PROJECT_NONE, /* the workspace has no rules */
	PROJECT_KNOWN,
	PROJECT_UNREAD, /* a reader has to be started for the ticket */
	PROJECT_READING,
};

int projects_new(
    const struct classifier_port *port, struct projects **ret, struct err *e);
void projects_free(struct projects *p);

struct project_found {
	enum project_state state;
	/* To classify with, valid until the next call of this module; NULL:
	 * none. */
	const struct project_rules *rules;
	uint64_t ticket; /* UNREAD, READING; 0: too many are being read */
	uint8_t sha256[SHA256_LEN]; /* KNOWN: of what was read */
};

struct project_found projects_find(
    struct projects *p, const struct action *a, int64_t now_ns);
/* False: nobody waits for that ticket any more. */
bool projects_take(
    struct projects *p, uint64_t ticket, struct str record, int64_t now_ns);
/* The oldest that is being read for too long gets a problem; 0: none. */
uint64_t projects_late(struct projects *p, int64_t now_ns);

#endif
