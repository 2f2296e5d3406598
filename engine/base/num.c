/*
 * Parse numbers, durations and sizes that people and programs write.
 * Runs in: every program.  Trusts: nothing.  Owns: nothing.
 */
#include "num.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit duration_units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 3600 * 1000 },
	{ "d", 86400 * (uint64_t)1000 },
};

static const struct unit byte_units[] = {
	{ "", 1 },
	{ "K", 1 << 10 },
	{ "M", 1 << 20 },
	{ "G", 1 << 30 },
	{ "T", (uint64_t)1 << 40 },
};

int
num_parse_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.len == 0)
		return ERR_INVALID;
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] < '0' || s.s[i] > '9')
			return ERR_INVALID;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (!num_mul(v, (uint64_t)10, &v) ||
		    !num_add(v, (uint64_t)(s.s[i] - '0'), &v))
			return ERR_LIMIT;
	}
	if (v < min || v > max)
		return ERR_LIMIT;
	*ret = v;
	return ERR_OK;
}

static int
parse_with_unit(
    struct str s, const struct unit *units, size_t count, uint64_t *ret)
{
	size_t digits = 0;
	uint64_t v;
	int r;

	while (digits < s.len && s.s[digits] >= '0' && s.s[digits] <= '9')
		digits++;
	r = num_parse_u64(str_head(s, digits), 0, INT64_MAX, &v);
	if (r != 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (!str_eqz(str_from(s, digits), units[i].name))
			continue;
		if (!num_mul(v, units[i].factor, &v) || v > INT64_MAX)
			return ERR_LIMIT;
		*ret = v;
		return ERR_OK;
	}
	return ERR_INVALID;
}

int
num_parse_duration_ms(struct str s, int64_t *ret)
{
	uint64_t v;
	const int r =
	    parse_with_unit(s, duration_units, ARRAY_LEN(duration_units), &v);

	if (r == 0)
		*ret = (int64_t)v;
	return r;
}

int
num_parse_bytes(struct str s, uint64_t *ret)
{
	return parse_with_unit(s, byte_units, ARRAY_LEN(byte_units), ret);
}
