#ifndef REVIEWER_EVIDENCE_H
#define REVIEWER_EVIDENCE_H
/*
 * What the model is shown: one line of ASCII JSON between two nonces.
 *
 *     flags = evidence_flags(text);
 *     r = evidence_line(action, &limits, &line, e);      in the engine
 *     evidence_frame(line, &marks, &out);                in the reviewer
 *
 * Inside strings, everything but plain letters, digits and a few signs is
 * written as \uXXXX, also < > | [ ] { } & and the backtick: nothing in it can
 * start a line, close a fence, forge a marker or spell a control token of a
 * model's template. Decoding gives the same bytes again.
 */
#include "model/action.h"

#define EVIDENCE_ACTION_MAX ((size_t)64 << 10)
#define EVIDENCE_BYTES_MAX ((size_t)512 << 10)
#define EVIDENCE_LINE_MAX ((size_t)3 << 20) /* escaped */

/* Seen by code, told to the model as facts. */
enum evidence_flag {
	FLAG_CONTROL = 1 << 0,
	FLAG_BIDI = 1 << 1,
	FLAG_INVISIBLE = 1 << 2,
	FLAG_TAG = 1 << 3,
	FLAG_PRIVATE = 1 << 4,
	FLAG_VARIATION = 1 << 5,
	FLAG_COMBINING = 1 << 6,
	FLAG_ODD_SPACE = 1 << 7,
	FLAG_NON_ASCII_LETTER = 1 << 8,
	FLAG_VERDICT_LIKE = 1 << 9,
	FLAG_TURN_MARKER = 1 << 10,
	FLAG_ADDRESSES_REVIEWER = 1 << 11,
	FLAG_FLOOD = 1 << 12,
	FLAG_LONG = 1 << 13,
};

/* A person is asked without a model being bothered. */
#define FLAGS_FOR_A_PERSON                                                     \
	(FLAG_CONTROL | FLAG_BIDI | FLAG_INVISIBLE | FLAG_TAG | FLAG_PRIVATE)

struct evidence_marks {
	const char *nonce_first, *nonce_last; /* hex */
	const char *canary;
	const char *action_sha256; /* hex */
	bool again; /* a person wants it judged once more */
};

/* Bytes of context; the action itself is never cut. */
struct evidence_limits {
	size_t user_bytes; /* all user messages together */
	size_t message_bytes; /* one message */
	unsigned recent_entries; /* of other entries */
	bool assistant_text; /* also what the agent said */
};

#define EVIDENCE_LIMITS_DEFAULT                                                \
	{                                                                      \
		.user_bytes = (size_t)80 << 10,                                \
		.message_bytes = (size_t)20 << 10, .recent_entries = 40,       \
	}

unsigned evidence_flags(struct str text);
/* The names of the flags in a set, comma-separated. */
void evidence_flag_names(unsigned flags, struct buf *out);
/* All text of the proposal that an agent chose. */
unsigned evidence_flags_of(const struct action *a);
/* ERR_LIMIT when the action does not fit: then it is not reviewed. */
int evidence_line(const struct action *a, const struct evidence_limits *limits,
    struct buf *out, struct err *e);
/* The line between its nonces: four lines of ASCII. */
void evidence_frame(
    struct str line, const struct evidence_marks *m, struct buf *out);
/* Both at once. */
int evidence_put(const struct action *a, const struct evidence_marks *m,
    const struct evidence_limits *limits, struct buf *out, struct err *e);

#endif
