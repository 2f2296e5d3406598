/*
 * Leave credentials out of settings (git's form, TOML): what a key or a value
 * says is secret, and who an address says that one is.
 * Runs in: assent-exec.  Trusts: nothing.  Owns: nothing.
 */
#include "root/clean.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

static const char *const words[] = {
	"token",
	"password",
	"passwd",
	"passphrase",
	"secret",
	"extraheader",
	"apikey",
	"api_key",
	"api-key",
	"smtppass",
	"authorization",
	"cookie",
};

/* Several lines of TOML. */
static const char *const long_quotes[] = { "\"\"\"", "'''" };

static bool
has_word(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_search_nocase(s, str_of(words[i])) < s.len)
			return true;
	}
	return false;
}

/* A word and what it is set to: "password=", "token": ". */
static bool
sets_word(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const size_t len = strlen(words[i]);
		struct str rest = s;
		size_t at;

		while ((at = str_search_nocase(rest, str_of(words[i]))) <
		    rest.len) {
			rest = str_from(rest, at + len);
			at = 0;
			while (at < rest.len &&
			    strchr(" \t\"'\\", rest.s[at]) != NULL)
				at++;
			if (str_at(rest, at) == '=' || str_at(rest, at) == ':')
				return true;
		}
	}
	return false;
}

/* "[remote "tokens"]" names nothing that is secret; the rest may. */
static struct str
after_section(struct str line)
{
	const struct str at = str_trim(line);
	const size_t end = str_rfind(at, ']');

	if (str_at(at, 0) != '[' || end == at.len)
		return line;
	return str_from(at, end + 1);
}

static bool
is_secret(struct str line)
{
	const struct str rest = after_section(line);
	const size_t at = str_find(rest, '=');

	return at < rest.len &&
	    (has_word(str_head(rest, at)) || sets_word(str_from(rest, at + 1)));
}

static bool
goes_on(struct str line)
{
	return line.len > 0 && line.s[line.len - 1] == '\\';
}

/* The quotes that begin in this line and do not end in it. */
static const char *
open_quotes(struct str line)
{
	for (size_t i = 0; i < ARRAY_LEN(long_quotes); i++) {
		const size_t at = str_search(line, str_of(long_quotes[i]));

		if (at < line.len &&
		    str_search(str_from(line, at + 3),
			str_of(long_quotes[i])) == line.len - at - 3)
			return long_quotes[i];
	}
	return NULL;
}

/* The value and the lines that it goes on in are left out. */
static void
leave_out(struct str line, struct str *rest, struct buf *out)
{
	const char *quotes = open_quotes(line);
	struct str more = line;

	buf_put(out, line.s, str_find(line, '=') + 1);
	buf_puts(out, " \"\"\n");
	while (rest->len > 0 && (quotes != NULL || goes_on(more))) {
		more = str_cut(rest, '\n');
		if (quotes != NULL &&
		    str_search(more, str_of(quotes)) < more.len)
			quotes = NULL;
	}
}

static bool
is_address_end(char c)
{
	return c == '/' || c == '?' || c == '#' || c == '"' || c == '\'' ||
	    isspace((unsigned char)c) != 0;
}

/* rest: behind "://". How much of it says who one is. */
static size_t
who_length(struct str rest)
{
	size_t n = 0, end = 0;

	for (; n < rest.len && !is_address_end(rest.s[n]); n++) {
		if (rest.s[n] == '@')
			end = n + 1;
	}
	return end;
}

/* Behind http a name alone may be a token; elsewhere it is an account. */
static bool
put_addresses(struct str line, struct buf *out)
{
	bool left = false;
	size_t at;

	while ((at = str_search(line, STR("://"))) < line.len) {
		const struct str before = str_head(line, at);
		const struct str rest = str_from(line, at + 3);
		const size_t n = who_length(rest);
		const size_t name = str_find(str_head(rest, n), ':');
		const bool http = str_ends(before, STR("http")) ||
		    str_ends(before, STR("https")) ||
		    str_ends(before, STR("HTTP")) ||
		    str_ends(before, STR("HTTPS"));

		buf_put(out, line.s, at + 3);
		if (n > 0 && !http) {
			buf_put(out, rest.s, name < n ? name : n - 1);
			buf_putc(out, '@');
		}
		left = left || (n > 0 && (http || name < n));
		line = str_from(rest, n);
	}
	buf_put(out, line.s, line.len);
	return left;
}

bool
clean_text(struct str text, struct buf *out)
{
	bool left = false;

	while (text.len > 0) {
		const bool ends = str_find(text, '\n') < text.len;
		const struct str line = str_cut(&text, '\n');

		if (is_secret(line)) {
			leave_out(line, &text, out);
			left = true;
			continue;
		}
		left = put_addresses(line, out) || left;
		if (ends)
			buf_putc(out, '\n');
	}
	return left;
}
