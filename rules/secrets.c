/*
 * Secret material in text: recognised, and masked in all that is shown.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "secrets.h"

#include "base/buf.h"

#define MASK "[masked]"
#define SECRET_TEXT_MAX ((size_t)4 << 20)
#define VALUE_MIN 6 /* shorter values behind a name are no passwords */
#define TOKEN_MIN 14 /* no form below is shorter */
#define SECRET_MIN 7 /* "://u:p@"; no secret is shorter */

/* Tokens that tell what they are by how they begin; the longest first. */
struct token_form {
	const char *prefix;
	size_t length_min; /* of what follows */
};

static const struct token_form token_forms[] = {
	{ "AGE-SECRET-KEY-", 20 },
	{ "EAACEdEose0cBA", 10 },
	{ "github_pat_", 20 },
	{ "dckr_pat_", 16 },
	{ "vault:v1:", 20 },
	{ "rubygems_", 20 },
	{ "sk_live_", 8 },
	{ "sk_test_", 8 },
	{ "sk-live-", 6 },
	{ "sk-proj-", 10 },
	{ "rk_live_", 8 },
	{ "pk_live_", 8 },
	{ "lin_api_", 20 },
	{ "sk-ant-", 10 },
	{ "dop_v1_", 20 },
	{ "sq0csp-", 20 },
	{ "glpat-", 16 },
	{ "glptt-", 16 },
	{ "shpat_", 20 },
	{ "tskey-", 12 },
	{ "whsec_", 16 },
	{ "nvapi-", 20 },
	{ "gldt-", 16 },
	{ "xoxb-", 10 },
	{ "xoxp-", 10 },
	{ "xoxa-", 10 },
	{ "xoxs-", 10 },
	{ "xapp-", 10 },
	{ "ya29.", 20 },
	{ "pypi-", 16 },
	{ "glsa_", 20 },
	{ "PMAK-", 20 },
	{ "figd_", 20 },
	{ "AKIA", 16 },
	{ "ASIA", 16 },
	{ "AGPA", 16 },
	{ "AIDA", 16 },
	{ "ghp_", 20 },
	{ "gho_", 20 },
	{ "ghu_", 20 },
	{ "ghs_", 20 },
	{ "ghr_", 20 },
	{ "AIza", 30 },
	{ "npm_", 30 },
	{ "hvs.", 16 },
	{ "key-", 32 },
	{ "ops_", 40 },
	{ "gsk_", 20 },
	{ "sk-", 16 },
	{ "SG.", 20 },
	{ "hf_", 20 },
	{ "eyJ", 30 },
	{ "r8_", 20 },
	{ "s.", 24 },
};

/* Parts of names whose values are secret. */
static const char *const name_parts[] = { "password", "passwd", "passphrase",
	"secret", "token", "apikey", "api_key", "api-key", "accesskey",
	"access_key", "access-key", "privatekey", "private_key", "private-key",
	"credential", "auth_key", "authkey", "signing_key", "encryption_key",
	"master_key", "session_key", "client_key", "service_key", "deploy_key",
	"license_key", "_pat", "_pwd", "database_url", "connection_string",
	"webhook_url", "_dsn" };

/* Names that say that the value is not secret after all. */
static const char *const name_parts_public[] = { "public", "count", "limit",
	"length", "_type", "_file", "_path", "expir", "ttl", "max_", "_id",
	"tokenizer", "tokenize", "_name", "_url_base", "_size", "_dir",
	"_enabled", "_header" };

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
holds(struct str text, const char *part)
{
	const size_t n = strlen(part);

	for (size_t i = 0; i + n <= text.len; i++) {
		size_t k = 0;

		if (lower(text.s[i]) != part[0])
			continue;

		while (k < n && lower(text.s[i + k]) == part[k])
			k++;
		if (k == n)
			return true;
	}
	return false;
}

bool
secret_name(struct str name)
{
	bool found = false;

	if (name.len < 3 || name.len > 128)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(name_parts) && !found; i++)
		found = holds(name, name_parts[i]);
	if (!found) /* PGPASSWORD is above; DB_PASS and STRIPE_KEY here */
		found =
		    (holds(str_from(name, name.len - 3), "pwd") &&
			!str_eqz(name, "PWD") && !str_eqz(name, "OLDPWD")) ||
		    (name.len > 4 &&
			(holds(str_from(name, name.len - 4), "_key") ||
			    holds(str_from(name, name.len - 4), "pass")));
	for (size_t i = 0; i < ARRAY_LEN(name_parts_public) && found; i++)
		found = !holds(name, name_parts_public[i]);
	return found;
}

/* Of each ASCII character: w may stand in a word, w and t in a token. */
static const char char_kinds[] = "................"
				 "................"
				 "...........t.wtt"
				 "wwwwwwwwww...t.."
				 ".wwwwwwwwwwwwwww"
				 "wwwwwwwwwww....w"
				 ".wwwwwwwwwwwwwww"
				 "wwwwwwwwwww.....";

static char
char_kind(char c)
{
	return (unsigned char)c < 128 ? char_kinds[(unsigned char)c] : '.';
}

static bool
token_char(char c)
{
	return char_kind(c) != '.';
}

static bool
word_char(char c)
{
	return char_kind(c) == 'w';
}

/* Letters and digits both, or upper and lower case: not a plain word. */
static bool
mixed(struct str s)
{
	bool digit = false, up = false, low = false;

	for (size_t i = 0; i < s.len; i++) {
		digit = digit || (s.s[i] >= '0' && s.s[i] <= '9');
		up = up || (s.s[i] >= 'A' && s.s[i] <= 'Z');
		low = low || (s.s[i] >= 'a' && s.s[i] <= 'z');
	}
	return (digit && (up || low)) || (up && low && s.len > 20);
}

/* Length of a token of a known form at the start of s; 0: none. *ret_keep:
 * how much of it tells what it is. */
static size_t
token_at(struct str s, size_t *ret_keep)
{
	size_t run = 0;

	while (run < s.len && run < TOKEN_MIN &&
	    (token_char(s.s[run]) || s.s[run] == ':'))
		run++;
	if (run < TOKEN_MIN)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(token_forms); i++) {
		size_t n, end;

		if (s.s[0] != token_forms[i].prefix[0] ||
		    !str_starts(s, str_of(token_forms[i].prefix)))
			continue;
		n = end = strlen(token_forms[i].prefix);
		while (end < s.len && token_char(s.s[end]))
			end++;
		if (end - n < token_forms[i].length_min)
			continue;
		if (end - n > 12 && !mixed(str_head(str_from(s, n), end - n)))
			continue;
		*ret_keep = n;
		return end;
	}
	return 0;
}

/* "-----BEGIN ... PRIVATE KEY-----" to its end or the end of the text. */
static size_t
pem_at(struct str s, size_t *ret_keep)
{
	size_t line, end;

	if (!str_starts(s, STR("-----BEGIN ")))
		return 0;
	line = str_search(str_from(s, 11), STR("-----")) + 11;
	if (!holds(str_head(s, line), "private key"))
		return 0;
	*ret_keep = line + 5 < s.len ? line + 5 : s.len;
	end = str_search(str_from(s, *ret_keep), STR("-----END "));
	return *ret_keep + end;
}

/* "user:password@" behind "://": the password. */
static size_t
url_password_at(struct str s, size_t *ret_keep)
{
	size_t i = 3, colon = 0;

	if (!str_starts(s, STR("://")))
		return 0;
	for (; i < s.len && s.s[i] > ' ' && s.s[i] != '/' && s.s[i] != '"' &&
	     s.s[i] != '\'';
	     i++) {
		if (s.s[i] == ':' && colon == 0)
			colon = i;
		if (s.s[i] == '@' && colon > 0 && i > colon + 1 &&
		    s.s[colon + 1] != '$') {
			*ret_keep = colon + 1;
			return i;
		}
	}
	return 0;
}

static size_t
value_end(struct str s, size_t i)
{
	const char quote =
	    i < s.len && (s.s[i] == '"' || s.s[i] == '\'') ? s.s[i] : '\0';

	if (quote != '\0') {
		i++;
		while (i < s.len && s.s[i] != quote)
			i++;
		return i;
	}
	while (i < s.len && s.s[i] > ' ' && s.s[i] != '"' && s.s[i] != '\'' &&
	    s.s[i] != '&' && s.s[i] != ';' && s.s[i] != ',')
		i++;
	return i;
}

/* "password=x", "--token x", "api_key: x": from the start of the name. */
static size_t
named_at(struct str s, size_t *ret_keep)
{
	size_t name = 0, i, end;
	struct str value;
	bool gap = false;

	while (name < s.len && word_char(s.s[name]))
		name++;
	i = name;
	while (i < s.len && (s.s[i] == '"' || s.s[i] == '\''))
		i++;
	if (i < s.len && (s.s[i] == '=' || s.s[i] == ':'))
		i++;
	else if (s.s[0] == '-' && i < s.len && s.s[i] == ' ')
		gap = true;
	else
		return 0;
	if (!secret_name(str_head(s, name)))
		return 0;
	while (i < s.len && s.s[i] == ' ')
		i++;
	end = value_end(s, i);
	if (i < s.len && (s.s[i] == '"' || s.s[i] == '\''))
		i++;
	value = str_head(str_from(s, i), end - i);
	if (value.len < VALUE_MIN || value.s[0] == '$' || value.s[0] == '-' ||
	    value.s[0] == '/' || value.s[0] == '<' || value.s[0] == '*' ||
	    value.s[0] == '[' || (gap && !mixed(value)))
		return 0;
	*ret_keep = i;
	return end;
}

/* "Bearer x", "Basic x" behind "authorization:". */
static size_t
bearer_at(struct str s, size_t *ret_keep)
{
	static const char *const words[] = { "Bearer ", "bearer ", "Basic ",
		"basic ", "token " };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n, end;

		if (s.s[0] != words[i][0] || !str_starts(s, str_of(words[i])))
			continue;
		n = end = strlen(words[i]);
		while (end < s.len && token_char(s.s[end]))
			end++;
		if (end - n < 12 || !mixed(str_head(str_from(s, n), end - n)))
			return 0;
		*ret_keep = n;
		return end;
	}
	return 0;
}

typedef size_t secret_at_fn(struct str s, size_t *ret_keep);

/* Length of a secret that starts here, 0: none. start: so does a word. */
static size_t
secret_at(struct str s, bool start, size_t *ret_keep)
{
	static secret_at_fn *const anywhere[] = { pem_at, url_password_at };
	static secret_at_fn *const words[] = { token_at, named_at, bearer_at };
	size_t n = 0;

	if (s.s[0] == '-' || s.s[0] == ':') {
		for (size_t i = 0; i < ARRAY_LEN(anywhere) && n == 0; i++)
			n = anywhere[i](s, ret_keep);
	}
	for (size_t i = 0; i < ARRAY_LEN(words) && n == 0 && start; i++)
		n = words[i](s, ret_keep);
	return n;
}

size_t
secrets_next(struct str text, size_t from, size_t *ret_len, size_t *ret_keep)
{
	bool start = from == 0 || !word_char(text.s[from - 1]);

	*ret_len = 0;
	for (size_t i = from; i < text.len; i++) {
		const char c = text.s[i];

		if (start || c == '-' || c == ':')
			*ret_len =
			    secret_at(str_from(text, i), start, ret_keep);
		if (*ret_len > 0)
			return i;
		start = !word_char(c);
	}
	return text.len;
}

bool
secrets_found(struct str text)
{
	size_t len, keep;

	return text.len >= SECRET_MIN &&
	    secrets_next(text, 0, &len, &keep) < text.len;
}

struct str
secrets_mask(struct arena *a, struct str text)
{
	AUTO_BUF struct buf b = BUF_INIT(SECRET_TEXT_MAX + 4096);
	size_t from = 0;
	char *copy;

	while (text.len >= SECRET_MIN) {
		size_t len, keep = 0;
		const size_t at = secrets_next(text, from, &len, &keep);

		if (at == text.len)
			break;
		buf_put(&b, text.s + from, at + keep - from);
		buf_puts(&b, MASK);
		from = at + len;
	}
	if (from == 0)
		return text;
	buf_put(&b, text.s + from, text.len - from);
	copy = buf_done(&b, NULL) == 0 ? arena_strndup(a, b.s, b.len) : NULL;
	return copy == NULL ? STR(MASK) : str_n(copy, b.len);
}
