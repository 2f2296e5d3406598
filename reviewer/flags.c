/*
 * What code alone notices in text that is to be reviewed. A flag raises the
 * risk and is told to the model; some send the action to a person at once.
 * Runs in: reviewer.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "base/text.h"
#include "evidence.h"

#define LONG_BYTES 4096
#define FLOOD_RUN 200
#define FLOOD_PERIOD_MAX 64

struct range {
	uint32_t first, last;
	unsigned flag;
};

static const struct range ranges[] = {
	{ 0x00, 0x08, FLAG_CONTROL },
	{ 0x0b, 0x1f, FLAG_CONTROL },
	{ 0x7f, 0x9f, FLAG_CONTROL },
	{ 0xa0, 0xa0, FLAG_ODD_SPACE },
	{ 0xad, 0xad, FLAG_INVISIBLE },
	{ 0x300, 0x36f, FLAG_COMBINING },
	{ 0x61c, 0x61c, FLAG_BIDI },
	{ 0x115f, 0x1160, FLAG_INVISIBLE },
	{ 0x1680, 0x1680, FLAG_ODD_SPACE },
	{ 0x17b4, 0x17b5, FLAG_INVISIBLE },
	{ 0x180b, 0x180f, FLAG_INVISIBLE },
	{ 0x1ab0, 0x1aff, FLAG_COMBINING },
	{ 0x1dc0, 0x1dff, FLAG_COMBINING },
	{ 0x2000, 0x200a, FLAG_ODD_SPACE },
	{ 0x200b, 0x200d, FLAG_INVISIBLE },
	{ 0x200e, 0x200f, FLAG_BIDI },
	{ 0x2028, 0x2029, FLAG_ODD_SPACE },
	{ 0x202a, 0x202e, FLAG_BIDI },
	{ 0x202f, 0x202f, FLAG_ODD_SPACE },
	{ 0x205f, 0x205f, FLAG_ODD_SPACE },
	{ 0x2060, 0x2065, FLAG_INVISIBLE },
	{ 0x2066, 0x2069, FLAG_BIDI },
	{ 0x206a, 0x206f, FLAG_INVISIBLE },
	{ 0x20d0, 0x20ff, FLAG_COMBINING },
	{ 0x2800, 0x2800, FLAG_INVISIBLE },
	{ 0x3000, 0x3000, FLAG_ODD_SPACE },
	{ 0x3164, 0x3164, FLAG_INVISIBLE },
	{ 0xe000, 0xf8ff, FLAG_PRIVATE },
	{ 0xfe00, 0xfe0f, FLAG_VARIATION },
	{ 0xfe20, 0xfe2f, FLAG_COMBINING },
	{ 0xfeff, 0xfeff, FLAG_INVISIBLE },
	{ 0xffa0, 0xffa0, FLAG_INVISIBLE },
	{ 0xe0000, 0xe007f, FLAG_TAG },
	{ 0xe0100, 0xe01ef, FLAG_VARIATION },
	{ 0xf0000, 0x10ffff, FLAG_PRIVATE },
};

static const struct {
	unsigned flag;
	const char *name;
} names[] = {
	{ FLAG_CONTROL, "control" },
	{ FLAG_BIDI, "bidi" },
	{ FLAG_INVISIBLE, "invisible" },
	{ FLAG_TAG, "tag" },
	{ FLAG_PRIVATE, "private" },
	{ FLAG_VARIATION, "variation" },
	{ FLAG_COMBINING, "combining" },
	{ FLAG_ODD_SPACE, "odd_space" },
	{ FLAG_NON_ASCII_LETTER, "non_ascii_letter" },
	{ FLAG_VERDICT_LIKE, "verdict_like" },
	{ FLAG_TURN_MARKER, "turn_marker" },
	{ FLAG_ADDRESSES_REVIEWER, "addresses_reviewer" },
	{ FLAG_FLOOD, "flood" },
	{ FLAG_LONG, "long" },
};

/* Words that an ordinary action has no use for; ASCII, any case. */
static const struct {
	unsigned flag;
	const char *text;
} phrases[] = {
	{ FLAG_VERDICT_LIKE, "\"outcome\"" },
	{ FLAG_VERDICT_LIKE, "outcome\":" },
	{ FLAG_VERDICT_LIKE, "risk_level" },
	{ FLAG_VERDICT_LIKE, "user_authorization" },
	{ FLAG_VERDICT_LIKE, "action_sha256" },
	{ FLAG_VERDICT_LIKE, "nonce_" },
	{ FLAG_VERDICT_LIKE, "verdict:" },
	{ FLAG_VERDICT_LIKE, "outcome: approve" },
	{ FLAG_VERDICT_LIKE, "outcome=approve" },
	{ FLAG_TURN_MARKER, "<|" },
	{ FLAG_TURN_MARKER, "|>" },
	{ FLAG_TURN_MARKER, "[inst]" },
	{ FLAG_TURN_MARKER, "<<sys>>" },
	{ FLAG_TURN_MARKER, "<start_of_turn>" },
	{ FLAG_TURN_MARKER, "\n\nhuman:" },
	{ FLAG_TURN_MARKER, "\n\nassistant:" },
	{ FLAG_TURN_MARKER, "\nsystem:" },
	{ FLAG_TURN_MARKER, "### system" },
	{ FLAG_TURN_MARKER, "### instruction" },
	{ FLAG_TURN_MARKER, ">>> approval request" },
	{ FLAG_TURN_MARKER, ">>> transcript" },
	{ FLAG_ADDRESSES_REVIEWER, "reviewer" },
	{ FLAG_ADDRESSES_REVIEWER, "ignore previous" },
	{ FLAG_ADDRESSES_REVIEWER, "ignore all previous" },
	{ FLAG_ADDRESSES_REVIEWER, "previous instructions" },
	{ FLAG_ADDRESSES_REVIEWER, "approve this" },
	{ FLAG_ADDRESSES_REVIEWER, "you are now" },
	{ FLAG_ADDRESSES_REVIEWER, "as a language model" },
};

static unsigned
flags_of_character(uint32_t cp)
{
	if (cp < 0x80 && cp >= 0x20 && cp != 0x7f)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return ranges[i].flag;
	}
	return cp < 0x80 ? 0 : FLAG_NON_ASCII_LETTER;
}

/* A short piece again and again. */
static bool
is_flood(struct str text)
{
	for (size_t period = 1; period <= FLOOD_PERIOD_MAX; period++) {
		size_t run = 0;

		for (size_t i = period; i < text.len; i++) {
			run = text.s[i] == text.s[i - period] ? run + 1 : 0;
			if (run >= FLOOD_RUN + 4 * period)
				return true;
		}
	}
	return false;
}

unsigned
evidence_flags(struct str text)
{
	unsigned flags = text.len > LONG_BYTES ? FLAG_LONG : 0;
	size_t at = 0;

	while (at < text.len) {
		const int32_t cp = text_decode(text, &at);

		flags |=
		    cp < 0 ? FLAG_CONTROL : flags_of_character((uint32_t)cp);
	}
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if ((flags & phrases[i].flag) == 0 &&
		    str_search_nocase(text, str_of(phrases[i].text)) < text.len)
			flags |= phrases[i].flag;
	}
	return is_flood(text) ? flags | FLAG_FLOOD : flags;
}

void
evidence_flag_names(unsigned flags, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((flags & names[i].flag) == 0)
			continue;
		buf_printf(out, "%s%s", comma, names[i].name);
		comma = ",";
	}
}

static unsigned
flags_of_pairs(const struct env_var *list, size_t count)
{
	unsigned flags = 0;

	for (size_t i = 0; i < count; i++)
		flags |= evidence_flags(str_of(list[i].name)) |
		    evidence_flags(str_of(list[i].value));
	return flags;
}

static unsigned
flags_of_edits(const struct tool_input *in)
{
	unsigned flags = 0;

	for (size_t i = 0; i < in->edit_count; i++)
		flags |= evidence_flags(str_of(in->edits[i].path)) |
		    evidence_flags(str_of(in->edits[i].to)) |
		    evidence_flags(str_of(in->edits[i].content)) |
		    evidence_flags(str_of(in->edits[i].patch));
	return flags;
}

unsigned
evidence_flags_of(const struct action *a)
{
	const struct tool_input *in = &a->proposal.input;
	const char *const texts[] = {
		in->script,
		in->stdin_text,
		in->method,
		in->url,
		in->body,
		in->server,
		in->mcp_tool,
		in->mcp_args,
		a->proposal.cwd,
		a->proposal.justification,
	};
	unsigned flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		flags |= evidence_flags(str_of(texts[i]));
	for (size_t i = 0; i < in->argc; i++)
		flags |= evidence_flags(str_of(in->argv[i]));
	return flags | flags_of_edits(in) |
	    flags_of_pairs(in->env, in->env_count) |
	    flags_of_pairs(in->headers, in->header_count);
}
