#ifndef CORE_GRANTS_H
#define CORE_GRANTS_H
/*
 * Approvals that last: who gave them, for what kind of action, how long.
 *
 *     r = grant_new(&(struct grant_terms){ ... }, action, &grant, e);
 *     r = grants_add(&table, grant, e);              takes it
 *     grant = grants_match(&table, action, &now);    NULL: none
 *
 * A grant counts for the uid, the agent and the workspace that it was given
 * for, and, when it is a session's, for that session alone. It ends by
 * whichever clock says so first: no jump of the wall clock makes it longer.
 */
#include "base/buf.h"
#include "engine.h"
#include "model/action.h"
#include "model/pattern.h"

#define GRANTS_MAX 1000
#define GRANTS_PER_UID_MAX 200

enum grant_scope {
	GRANT_INVALID,
	GRANT_SESSION,
	GRANT_UNTIL,
};

/* Both clocks, and which boot the first belongs to. */
struct grant_clock {
	int64_t boot_ns, real_ns;
	const char *boot_id; /* "" when it is not known */
};

struct grant_terms {
	enum grant_scope scope;
	const char *approver;
	int64_t life_ns;
	struct grant_clock now;
	const char *id;
};

struct grant {
	struct arena *arena; /* owned; all texts */
	char id[ACTION_ID_MAX], action_id[ACTION_ID_MAX];
	enum grant_scope scope;
	uid_t uid;
	const char *session; /* NULL: not a session's */
	const char *approver;
	int64_t given_boot_ns, given_real_ns, life_ns;
	char boot_id[BOOT_ID_MAX];
	uint64_t uses;
	int64_t used_real_ns;
	struct pattern pattern;
	struct str record; /* what the log's row is the hash of */
	uint8_t sha256[SHA256_LEN];
	bool active; /* its row is durable, and it is not being revoked */
};

struct grants {
	struct grant **v; /* oldest first */
	size_t count, cap;
};

/* ERR_DENIED: such an action is answered one by one. */
int grant_new(const struct grant_terms *t, const struct action *a,
    struct grant **ret, struct err *e);
void grant_free(struct grant *g);
void grant_freep(struct grant **g);
/* From the store: record as in grant.record, state as grant_state put it. */
int grant_decode(
    struct str record, struct str state, struct grant **ret, struct err *e);
void grant_state(const struct grant *g, struct buf *out);
int64_t grant_expires_real_ns(const struct grant *g);
/* Another boot: the wall clock alone tells how old it is. */
void grant_carry_over(struct grant *g, const struct grant_clock *now);
bool grant_is_over(const struct grant *g, const struct grant_clock *now);
const char *grant_scope_name(enum grant_scope s);

void grants_done(struct grants *t);
int grants_add(struct grants *t, struct grant *g, struct err *e);
void grants_remove(struct grants *t, struct grant *g);
struct grant *grants_find(const struct grants *t, const char *id);
size_t grants_of_uid(const struct grants *t, uid_t uid);
struct grant *grants_match(const struct grants *t, const struct action *a,
    const struct grant_clock *now);

#endif
