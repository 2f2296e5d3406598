#ifndef MODEL_RULE_STATE_H
#define MODEL_RULE_STATE_H
/*
 * What an administrator says about rules beside the files of rules, in the
 * folder "rules" of the daemon's state: a set of before that is in force
 * again, single rules that are off, a candidate that is judged beside.
 *
 *     r = rule_state_read(state_dir, arena, &s, e);        the engine
 *     r = rule_state_pin(state_dir, digest, e);            assent rules
 *
 * Only who may write the state folder can say any of it. The engine notices a
 * change by itself and keeps what it has when the new state does not load.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"

#define RULE_STATE_DIR "rules" /* below the state folder */
#define RULE_SETS_DIR "rules/sets" /* the sets that were in force */
#define RULE_CANDIDATE_DIR "rules/candidate"
#define RULE_SETS_KEPT 32
#define RULE_SET_BYTES_MAX ((size_t)64 << 20)
#define RULES_OFF_MAX 1000

struct rule_state {
	const char *pinned; /* hex of a policy digest, or NULL */
	struct str set; /* of that digest; empty: none */
	const char **off; /* ids */
	size_t off_count;
	const char *candidate; /* a folder, or NULL */
};

/* A state folder without any of it is no error. */
int rule_state_read(const char *state_dir, struct arena *a,
    struct rule_state *ret, struct err *e);
/* Makes the folders: before the role is confined. */
int rule_state_make(const char *state_dir, struct err *e);
/* Keeps a set that came into force; the oldest ones go. */
int rule_state_save(const char *state_dir, const uint8_t digest[SHA256_LEN],
    struct str set, struct err *e);

/* digest: hex, or its beginning when that names one set. NULL: the files
 * are in force again. ERR_NOTFOUND, ERR_CONFLICT (several). */
int rule_state_pin(const char *state_dir, const char *digest,
    struct buf *ret_digest, struct err *e);
/* Rule by rule; on: it counts again. */
int rule_state_switch(
    const char *state_dir, const char *id, bool on, struct err *e);
/* Copies the rule files of a folder. NULL: there is no candidate any more. */
int rule_state_try(const char *state_dir, const char *dir, struct err *e);
/* Digests of the sets that were kept, newest first, one a line with its
 * time. */
int rule_state_list(const char *state_dir, struct buf *out, struct err *e);

#endif
