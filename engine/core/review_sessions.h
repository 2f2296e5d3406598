#ifndef CORE_REVIEW_SESSIONS_H
#define CORE_REVIEW_SESSIONS_H
/*
 * What a reviewer said in a session, and when a person has to take over.
 * Pure but for its own table; the clock is given.
 *
 *     s = review_session_of(t, uid, session, e);
 *     cause = review_session_stops(s, sha256, tokens_max, now_ns);
 *     review_session_said(s, outcome, sha256, tokens);
 *     review_session_person(s);        a person answered: it starts afresh
 *
 * An agent that is denied tries again, perhaps under the name of another
 * session: what counts for a session is counted for its user, too.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/sha256.h"
#include "model/action.h"

#define REVIEW_DENIALS_IN_A_ROW 3
#define REVIEW_WINDOW 50
#define REVIEW_DENIALS_IN_WINDOW 10
#define REVIEW_AGAIN_NS INT64_C(600000000000) /* a wish lasts ten minutes */

struct review_sessions;
struct review_session;

int review_sessions_new(struct review_sessions **ret, struct err *e);
void review_sessions_free(struct review_sessions *t);
/* Of a session (NULL: those without a name); the least used is forgotten. */
int review_session_of(struct review_sessions *t, uid_t uid, const char *session,
    struct review_session **ret, struct err *e);
/* All sessions of a user together: only its window counts. */
int review_session_of_user(struct review_sessions *t, uid_t uid,
    struct review_session **ret, struct err *e);
/* Why no reviewer is asked: "too_many_denials", "token_budget",
 * "denied_before"; NULL: it is. */
const char *review_session_stops(const struct review_session *s,
    const uint8_t sha256[static SHA256_LEN], int64_t tokens_max,
    int64_t now_ns);
/* A verdict; escalations and failures count as no denial. */
void review_session_said(struct review_session *s, enum review_outcome outcome,
    const uint8_t sha256[static SHA256_LEN]);
void review_session_spent(struct review_session *s, int64_t tokens);
void review_session_person(struct review_session *s);
/* A person wants one denied action to be looked at once more. */
void review_session_again(struct review_session *s,
    const uint8_t sha256[static SHA256_LEN], int64_t now_ns);
/* Takes that wish, if there is one. */
bool review_session_take_again(struct review_session *s,
    const uint8_t sha256[static SHA256_LEN], int64_t now_ns);

#endif
