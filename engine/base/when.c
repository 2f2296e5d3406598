/*
 * Read a point in time.
 * Runs in: every program.  Trusts: nothing.  Owns: nothing.
 */
#include "when.h"

#include <time.h>

#include "err.h"
#include "num.h"

#define SECOND_NS INT64_C(1000000000)
#define MS_NS INT64_C(1000000)

/* Two or four digits at an offset, between separators. */
static int
field(struct str s, size_t at, size_t len, uint64_t min, uint64_t max)
{
	uint64_t v;

	if (s.len < at + len ||
	    num_parse_u64(str_head(str_from(s, at), len), min, max, &v) != 0)
		return -1;
	return (int)v;
}

static bool
has_form(struct str s, const char *form)
{
	for (size_t i = 0; form[i] != '\0'; i++) {
		if (form[i] != '0' && str_at(s, i) != form[i])
			return false;
	}
	return true;
}

/* Seconds behind "YYYY-MM-DDTHH:MM": ":SS", ":SS.fff", or nothing. */
static int
seconds(struct str rest)
{
	const int s = field(rest, 1, 2, 0, 59);

	if (rest.len == 0)
		return 0;
	if (rest.s[0] != ':' || s < 0)
		return -1;
	rest = str_from(rest, 3);
	if (rest.len == 0)
		return s;
	for (size_t i = 1; i < rest.len; i++) {
		if (rest.s[i] < '0' || rest.s[i] > '9')
			return -1;
	}
	return rest.s[0] == '.' && rest.len > 1 ? s : -1;
}

int
when_parse(struct str text, int64_t now_real_ns, int64_t *ret_real_ns)
{
	const bool date_only = text.len == 10;
	const struct str clock =
	    date_only ? STR("T00:00Z") : str_from(text, 10);
	const struct str hm = str_head(clock, 6);
	int64_t ms;
	struct tm tm = { 0 };
	int sec;

	if (num_parse_duration_ms(text, &ms) == 0) {
		if (!num_mul(ms, MS_NS, &ms) || !num_add(ms, now_real_ns, &ms))
			return ERR_INVALID;
		*ret_real_ns = ms;
		return ERR_OK;
	}
	if (!has_form(text, "0000-00-00") || !has_form(hm, "T00:00") ||
	    !str_ends(clock, STR("Z")))
		return ERR_INVALID;
	sec = seconds(str_head(str_from(clock, 6), clock.len - 7));
	tm.tm_year = field(text, 0, 4, 1970, 9999) - 1900;
	tm.tm_mon = field(text, 5, 2, 1, 12) - 1;
	tm.tm_mday = field(text, 8, 2, 1, 31);
	tm.tm_hour = field(hm, 1, 2, 0, 23);
	tm.tm_min = field(hm, 4, 2, 0, 59);
	tm.tm_sec = sec;
	if (tm.tm_year < 70 || tm.tm_mon < 0 || tm.tm_mday < 0 ||
	    tm.tm_hour < 0 || tm.tm_min < 0 || sec < 0 ||
	    tm.tm_year > 200) /* int64_t nanoseconds end in 2262 */
		return ERR_INVALID;
	*ret_real_ns = (int64_t)timegm(&tm) * SECOND_NS;
	return ERR_OK;
}
