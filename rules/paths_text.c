/*
 * Paths as text: folding, globs, and following links where that is wanted.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/fdio.h"

#define FOLLOW_LINKS_MAX 40

bool
path_beneath(const char *path, const char *dir)
{
	const size_t n = strlen(dir);

	if (n == 1 && dir[0] == '/')
		return path[0] == '/';
	return n > 0 && strncmp(path, dir, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

/* Appends the components of path to out[0..*len], folding "." and "..". */
static void
fold_onto(char *out, size_t *len, struct str path)
{
	while (path.len > 0) {
		const struct str name = str_cut(&path, '/');

		if (name.len == 0 || str_eq(name, STR(".")))
			continue;
		if (str_eq(name, STR(".."))) {
			while (*len > 0 && out[*len - 1] != '/')
				(*len)--;
			if (*len > 0)
				(*len)--;
			continue;
		}
		out[(*len)++] = '/';
		memcpy(out + *len, name.s, name.len);
		*len += name.len;
	}
}

const char *
path_fold(struct arena *arena, const char *cwd, struct str path)
{
	const bool absolute = path.len > 0 && path.s[0] == '/';
	const size_t base = absolute || cwd == NULL ? 0 : strlen(cwd);
	char *out;
	size_t len = 0;

	if (!absolute && (cwd == NULL || cwd[0] != '/'))
		return NULL;
	if (path.len + base > PATH_BYTES_MAX || str_find(path, '\0') < path.len)
		return NULL;
	out = arena_alloc(arena, path.len + base + 3);
	if (out == NULL)
		return NULL;
	if (!absolute)
		fold_onto(out, &len, str_n(cwd, base));
	fold_onto(out, &len, path);
	if (len == 0)
		out[len++] = '/';
	out[len] = '\0';
	return out;
}

static unsigned char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a')
				    : (unsigned char)c;
}

/* Matches one character against a [set]; *at is behind it afterwards. An
 * unclosed set is the character '['. */
static bool
set_match(struct str p, size_t *at, char c, bool icase)
{
	size_t i = *at + 1;
	bool negated = false, hit = false;
	const size_t first = i;
	const unsigned char uc = icase ? lower(c) : (unsigned char)c;

	if (i < p.len && (p.s[i] == '!' || p.s[i] == '^')) {
		negated = true;
		i++;
	}
	for (size_t n = 0; i < p.len && (p.s[i] != ']' || n == 0); n++) {
		const unsigned char lo =
		    icase ? lower(p.s[i]) : (unsigned char)p.s[i];
		unsigned char hi = lo;

		if (i + 2 < p.len && p.s[i + 1] == '-' && p.s[i + 2] != ']') {
			hi = icase ? lower(p.s[i + 2])
				   : (unsigned char)p.s[i + 2];
			i += 2;
		}
		hit = hit || (uc >= lo && uc <= hi);
		i++;
	}
	if (i >= p.len) {
		*at = first;
		return c == '[';
	}
	*at = i + 1;
	return hit != negated;
}

bool
path_glob_match(struct str pattern, struct str name, bool icase)
{
	size_t p = 0, n = 0, star = pattern.len, mark = 0;

	if (name.len > 0 && name.s[0] == '.' &&
	    (pattern.len == 0 || pattern.s[0] == '*' || pattern.s[0] == '?' ||
		pattern.s[0] == '['))
		return false;
	while (n < name.len) {
		size_t next = p + 1;
		bool ok = false;

		if (p < pattern.len && pattern.s[p] == '*') {
			star = p++;
			mark = n;
			continue;
		}
		if (p < pattern.len && pattern.s[p] == '?') {
			ok = true;
		} else if (p < pattern.len && pattern.s[p] == '[') {
			next = p;
			ok = set_match(pattern, &next, name.s[n], icase);
		} else if (p < pattern.len) {
			ok = pattern.s[p] == name.s[n] ||
			    (icase && lower(pattern.s[p]) == lower(name.s[n]));
		}
		if (ok) {
			p = next;
			n++;
		} else if (star < pattern.len) {
			p = star + 1;
			n = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.s[p] == '*')
		p++;
	return p == pattern.len;
}

/* The character that a pattern of one character stands for, '\0' for any;
 * false for a set. */
static bool
is_single(char c, unsigned char *ret)
{
	*ret = c == '?' ? 0 : lower(c);
	return c != '[';
}

/* Some character that a set and another pattern of one both match. */
static bool
sets_meet(struct str a, size_t *i, struct str b, size_t *j)
{
	const size_t i0 = *i, j0 = *j;
	bool met = false;

	for (int c = 1; c < 256 && !met; c++) {
		bool in_a = a.s[i0] == '?' || lower(a.s[i0]) == lower((char)c);
		bool in_b = b.s[j0] == '?' || lower(b.s[j0]) == lower((char)c);

		*i = i0 + 1;
		*j = j0 + 1;
		if (a.s[i0] == '[') {
			*i = i0;
			in_a = set_match(a, i, (char)c, true);
		}
		if (b.s[j0] == '[') {
			*j = j0;
			in_b = set_match(b, j, (char)c, true);
		}
		met = in_a && in_b;
	}
	return met;
}

/* Whether two single-character patterns have a character in common; both
 * offsets move behind theirs. */
static bool
units_meet(struct str a, size_t *i, struct str b, size_t *j)
{
	unsigned char ca, cb;
	const bool single_a = is_single(a.s[*i], &ca);
	const bool single_b = is_single(b.s[*j], &cb);

	if (!single_a || !single_b)
		return sets_meet(a, i, b, j);
	(*i)++;
	(*j)++;
	return ca == 0 || cb == 0 || ca == cb;
}

static bool
meet_from(struct str a, size_t i, struct str b, size_t j, unsigned *budget)
{
	for (;;) {
		if ((*budget)-- == 0)
			return true; /* too hard: assume that they meet */
		if (i < a.len && a.s[i] == '*') {
			if (meet_from(a, i + 1, b, j, budget))
				return true;
			if (j >= b.len)
				return false;
			if (b.s[j] == '*') {
				j++;
				continue;
			}
			size_t i2 = 0, j2 = j;
			(void)units_meet(STR("?"), &i2, b, &j2);
			j = j2;
			continue;
		}
		if (j < b.len && b.s[j] == '*')
			return meet_from(b, j, a, i, budget);
		if (i >= a.len || j >= b.len)
			return i >= a.len && j >= b.len;
		if (!units_meet(a, &i, b, &j))
			return false;
	}
}

bool
path_globs_meet(struct str a, struct str b)
{
	unsigned budget = 400;
	const bool dot_a = a.len > 0 && a.s[0] == '.';
	const bool dot_b = b.len > 0 && b.s[0] == '.';

	/* A leading dot is matched only by a dot (or by a set: bash does not,
	 * but other shells may). */
	if (dot_a != dot_b && a.len > 0 && b.len > 0 &&
	    (dot_a ? b.s[0] : a.s[0]) != '[')
		return false;
	return meet_from(a, 0, b, 0, &budget);
}

/* Puts the target of a link before the rest of the path. */
static int
follow_link(struct buf *done, struct buf *rest, const char *target)
{
	AUTO_BUF struct buf next = BUF_INIT(2 * PATH_BYTES_MAX + 2);

	if (target[0] == '/')
		buf_reset(done);
	buf_puts(&next, target);
	buf_putc(&next, '/');
	buf_put_str(&next, buf_str(rest));
	buf_reset(rest);
	buf_put_str(rest, buf_str(&next));
	return next.failed != 0 ? next.failed : rest->failed;
}

static void
drop_last(struct buf *b)
{
	while (b->len > 0 && b->s[b->len - 1] != '/')
		b->len--;
	if (b->len > 0)
		b->len--;
	if (b->s != NULL)
		b->s[b->len] = '\0';
}

int
path_follow(const char *abs, struct buf *ret, struct err *e)
{
	AUTO_BUF struct buf done = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf rest = BUF_INIT(2 * PATH_BYTES_MAX + 2);
	unsigned links = 0;
	bool there = true, any = false;

	buf_puts(&rest, abs);
	while (rest.len > 0) {
		char target[PATH_BYTES_MAX];
		struct str left = buf_str(&rest);
		const struct str name = str_cut(&left, '/');
		const size_t keep = done.len;
		ssize_t n;

		if (str_eq(name, STR(".."))) {
			drop_last(&done);
			there = true;
		}
		if (name.len > 0 && !str_eq(name, STR(".")) &&
		    !str_eq(name, STR(".."))) {
			buf_putc(&done, '/');
			buf_put_str(&done, name);
		}
		buf_consume(&rest, rest.len - left.len);
		if (done.len <= keep || !there ||
		    str_starts(buf_str(&done), STR("/proc/")))
			continue;
		n = readlink(buf_cstr(&done), target, sizeof(target) - 1);
		if (n < 0) {
			there = errno == EINVAL;
			any = any || there;
			continue;
		}
		target[n] = '\0';
		any = true;
		if (++links > FOLLOW_LINKS_MAX)
			return err_set(e, ERR_LIMIT,
			    "more than %d links in '%s'", FOLLOW_LINKS_MAX,
			    abs);
		done.len = keep;
		if (follow_link(&done, &rest, target) != 0)
			return err_set(e, ERR_LIMIT, "'%s' is too long", abs);
	}
	if (!any)
		return err_set(e, ERR_NOTFOUND, "'%s' does not exist", abs);
	buf_put_str(ret, done.len > 0 ? buf_str(&done) : STR("/"));
	return buf_done(ret, e);
}
