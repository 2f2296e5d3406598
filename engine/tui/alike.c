/*
 * Look-alikes and mixed scripts.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "alike.h"

#include "base/mem.h"
#include "base/text.h"

struct range {
	uint32_t first, last;
};

/* Signs that look like ASCII's own: always marked. */
static const struct range sign_ranges[] = {
	{ 0x1c3, 0x1c3 }, /* click, an exclamation mark */
	{ 0x2b9, 0x2bf }, /* letters like quotes */
	{ 0x2c2, 0x2c5 }, { 0x2c8, 0x2c8 }, { 0x2d0, 0x2d0 },
	{ 0x37e, 0x37e }, /* the Greek question mark, a semicolon */
	{ 0x589, 0x589 }, { 0x5be, 0x5be }, { 0x5c0, 0x5c0 }, { 0x5c3, 0x5c3 },
	{ 0x2010, 0x2015 }, /* hyphens and dashes */
	{ 0x2018, 0x201f }, /* quotation marks */
	{ 0x2024, 0x2024 }, /* one dot leader */
	{ 0x2032, 0x2037 }, { 0x2039, 0x203a },
	{ 0x2041, 0x2044 }, /* the fraction slash */
	{ 0x2052, 0x2053 }, { 0x2212, 0x2212 }, /* minus */
	{ 0x2215, 0x2219 }, /* division slash, set minus, asterisk */
	{ 0x2223, 0x2223 }, { 0x2236, 0x2236 }, /* ratio */
	{ 0x223c, 0x223c },
	{ 0x2571, 0x2573 }, /* box drawings that are slashes */
	{ 0x2758, 0x2758 }, { 0x275b, 0x2760 }, { 0x276e, 0x2771 },
	{ 0x29f5, 0x29f9 }, { 0x3003, 0x3003 }, { 0x30fb, 0x30fb },
	{ 0xa4f8, 0xa4fd }, { 0xa78c, 0xa78c },
	{ 0xfe50, 0xfe6f }, /* small forms */
	{ 0xff01, 0xff5e }, /* fullwidth forms of ASCII */
};

/* Alphabets of forms of Latin letters: always marked. */
static const struct range form_ranges[] = {
	{ 0x2100, 0x214f }, /* letter-like symbols */
	{ 0x2160, 0x2188 }, /* Roman numerals */
	{ 0x249c, 0x24e9 }, /* in circles */
	{ 0xfb00, 0xfb06 }, /* ligatures */
	{ 0x1d400, 0x1d7ff }, /* mathematical alphabets */
	{ 0x1f110, 0x1f189 },
};

/* Letters of other scripts that look like a Latin one. */
static const uint32_t posing_letters[] = { 0x391, 0x392, 0x395, 0x396, 0x397,
	0x399, 0x39a, 0x39c, 0x39d, 0x39f, 0x3a1, 0x3a4, 0x3a5, 0x3a7, 0x3b1,
	0x3b3, 0x3b9, 0x3ba, 0x3bd, 0x3bf, 0x3c1, 0x3c3, 0x3c5, 0x3c7, 0x3f2,
	0x3f3, 0x405, 0x406, 0x408, 0x410, 0x412, 0x415, 0x417, 0x41a, 0x41c,
	0x41d, 0x41e, 0x420, 0x421, 0x422, 0x423, 0x425, 0x430, 0x432, 0x433,
	0x435, 0x43a, 0x43c, 0x43d, 0x43e, 0x43f, 0x440, 0x441, 0x442, 0x443,
	0x445, 0x44c, 0x455, 0x456, 0x457, 0x458, 0x461, 0x475, 0x4ae, 0x4af,
	0x4bb, 0x4c0, 0x4cf, 0x501, 0x51b, 0x51c, 0x51d, 0x555, 0x570, 0x578,
	0x57d, 0x581, 0x585, 0x13a0, 0x13a1, 0x13a2, 0x13a5, 0x13aa, 0x13ab,
	0x13ac, 0x13b3, 0x13b7, 0x13bb, 0x13c0, 0x13c2, 0x13c3, 0x13cf, 0x13d2,
	0x13da, 0x13de, 0x13df, 0x13e2, 0x13e6 };

enum script {
	SCRIPT_NONE,
	SCRIPT_LATIN,
	SCRIPT_OTHER, /* an alphabet whose letters may pose as Latin */
	SCRIPT_FAR, /* one that nobody takes for Latin */
};

static bool
is_in(const struct range *ranges, size_t count, uint32_t cp)
{
	for (size_t i = 0; i < count; i++) {
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	}
	return false;
}

static bool
poses(uint32_t cp)
{
	for (size_t i = 0; i < ARRAY_LEN(posing_letters); i++) {
		if (posing_letters[i] == cp)
			return true;
	}
	return false;
}

static enum script
script_of(uint32_t cp)
{
	if ((cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z') ||
	    (cp >= 0xc0 && cp <= 0x24f && cp != 0xd7 && cp != 0xf7) ||
	    (cp >= 0x1e00 && cp <= 0x1eff))
		return SCRIPT_LATIN;
	if ((cp >= 0x250 && cp <= 0x2af) || (cp >= 0x370 && cp <= 0x58f) ||
	    (cp >= 0x10a0 && cp <= 0x10ff) || (cp >= 0x13a0 && cp <= 0x13ff) ||
	    (cp >= 0x1f00 && cp <= 0x1fff))
		return SCRIPT_OTHER;
	return cp >= 0x590 ? SCRIPT_FAR : SCRIPT_NONE;
}

/* What ends a label: ASCII that is neither letter nor digit nor - nor _. */
static bool
ends_word(uint32_t cp)
{
	return cp < 0x80 && !(cp >= 'a' && cp <= 'z') &&
	    !(cp >= 'A' && cp <= 'Z') && !(cp >= '0' && cp <= '9') &&
	    cp != '-' && cp != '_';
}

void
alike_word(struct str text, size_t at, struct alike_word *ret)
{
	bool latin = false, other = false, honest = false;

	*ret = (struct alike_word){ .end = at };
	while (ret->end < text.len) {
		size_t next = ret->end;
		const int32_t cp = text_decode(text, &next);

		if (cp >= 0 && ends_word((uint32_t)cp) && ret->end > at)
			break;
		ret->end = next;
		if (cp < 0)
			continue;
		if (ends_word((uint32_t)cp))
			break;
		const enum script s = script_of((uint32_t)cp);

		latin |= s == SCRIPT_LATIN;
		other |= s == SCRIPT_OTHER;
		honest |= s == SCRIPT_OTHER && !poses((uint32_t)cp);
	}
	ret->mixed = latin && other;
	ret->posing = other && !honest;
}

bool
alike_marks(const struct alike_word *word, uint32_t cp)
{
	if (cp < 0x80)
		return false;
	if (is_in(sign_ranges, ARRAY_LEN(sign_ranges), cp) ||
	    is_in(form_ranges, ARRAY_LEN(form_ranges), cp))
		return true;
	return (word->mixed || word->posing) && script_of(cp) == SCRIPT_OTHER;
}
