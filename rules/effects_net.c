/*
 * Words that name another machine: URLs, hosts, remotes, mounts, sockets.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"
#include "hosts.h"

#define PORT_SSH 22
#define ENCODED_MIN 20 /* shorter values of a query hide nothing much */

/* The host is known although later parts of the word may not be. */
static bool
host_known(const struct arg *a)
{
	struct str prefix;
	size_t sep;

	if (a->known)
		return true;
	if (a->word == NULL)
		return false;
	prefix = str_from(shell_word_prefix(a->word), a->skip);
	sep = str_search(prefix, STR("://"));
	prefix = sep < prefix.len ? str_from(prefix, sep + 3) : prefix;
	return str_find(prefix, '/') < prefix.len ||
	    str_find(prefix, '?') < prefix.len;
}

static bool
is_base64(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '-' ||
	    c == '_';
}

/* Upper and lower case and digits without a separator: encoded data. */
static bool
looks_encoded(struct str s)
{
	size_t n = 0, upper = 0, lower = 0, digits = 0;

	while (n < s.len && is_base64(s.s[n])) {
		upper += s.s[n] >= 'A' && s.s[n] <= 'Z' ? 1 : 0;
		lower += s.s[n] >= 'a' && s.s[n] <= 'z' ? 1 : 0;
		digits += s.s[n] >= '0' && s.s[n] <= '9' ? 1 : 0;
		n++;
	}
	if (n < ENCODED_MIN ||
	    (n < s.len && s.s[n] != '=' && s.s[n] != '&' && s.s[n] != '%'))
		return false;
	return (upper >= 4 && lower >= 4) || digits == n ||
	    (digits >= 4 && upper + lower >= 4 && n >= 32);
}

/* What a URL carries out in its query, its path or its host name. */
static void
url_payload(struct judge *j, const struct url *u, struct str text)
{
	struct str query = str_from(u->path, str_find(u->path, '?'));
	struct str label = u->host;
	bool encoded = false;

	if (secrets_found(text) ||
	    str_search(text, STR("ssh-rsa")) < text.len ||
	    str_search(text, STR("PRIVATE")) < text.len) {
		effect_remote(j, "send secret");
		return;
	}
	while (query.len > 0) {
		const struct str pair = str_cut(&query, '&');

		encoded = encoded ||
		    looks_encoded(str_from(pair, str_find(pair, '=') + 1));
	}
	while (label.len > 0 && !encoded) {
		const struct str one = str_cut(&label, '.');

		encoded = one.len >= 32 && str_find(one, '-') == one.len;
	}
	if (encoded)
		effect_remote(j, "send encoded");
}

/* "github.com.evil.example", letters of other alphabets, escapes. */
static bool
misleading_host(struct str host)
{
	static const char *const ends[] = { "com", "org", "net", "gov", "edu" };
	struct str rest = host;

	for (size_t i = 0; i < host.len; i++) {
		if ((unsigned char)host.s[i] >= 0x80 || host.s[i] == '%')
			return true;
	}
	while (rest.len > 0) {
		const struct str label = str_cut(&rest, '.');

		if (rest.len == 0 || (rest.len == 2 && label.len == 3) ||
		    label.s == host.s)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
			if (str_eqz(label, ends[i]))
				return true;
		}
	}
	return false;
}

void
url_connect(struct judge *j, const struct arg *a, enum path_class data)
{
	struct url u;
	struct arg path = *a;

	if (!host_known(a)) {
		effect_connect(j, STR_NONE, data);
		if (a->word != NULL && (a->word->flags & WORD_SUBST) != 0)
			effect_remote(j, "send unknown");
		return;
	}
	if (!url_parse(j->arena, a->text, &u)) {
		effect_unknown(j, "'%.*s' is not an address",
		    STR_ARG(secrets_mask(j->arena, a->text)));
		return;
	}
	if (str_eq(u.scheme, STR("file"))) {
		path.skip += (size_t)(u.path.s - a->text.s);
		path.text = u.path;
		effect_read(j, &path, false);
		return;
	}
	if (u.odd || misleading_host(u.host))
		effect_privilege(j, "misleading address");
	j->command->url = secrets_mask(j->arena, a->text);
	url_payload(j, &u, a->text);
	/* Without a scheme, what takes addresses means the web. */
	effect_connect_port(j, url_target(j->arena, &u),
	    u.scheme.len == 0 && u.port == 0 ? 80 : url_scheme_port(&u), data);
}

void
as_url(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	url_connect(j, a, PATH_NONE);
}

void
as_send_url(struct judge *j, const struct arg *a, struct str param)
{
	url_connect(j, a, PATH_UNKNOWN);
	effect_remote(j, param.len > 0 ? param.s : "http write");
}

void
as_host(struct judge *j, const struct arg *a, struct str param)
{
	struct url u;

	(void)param;
	if (!a->known || !url_parse(j->arena, a->text, &u) || u.host.len == 0) {
		effect_connect(j, STR_NONE, PATH_NONE);
		if (a->word != NULL && (a->word->flags & WORD_SUBST) != 0)
			effect_remote(j, "send unknown");
		return;
	}
	effect_connect_port(
	    j, url_target(j->arena, &u), url_scheme_port(&u), PATH_NONE);
}

/* "host:path" or "user@host:path", and not a path of this machine. */
static bool
is_remote_path(struct str text)
{
	const size_t colon = str_find(text, ':');

	return colon < text.len && colon > 0 && str_find(text, '/') > colon &&
	    str_find(text, '=') > colon;
}

/* A git remote: its name, a URL, host:path, or a local repository. */
void
as_remote(struct judge *j, const struct arg *a, struct str param)
{
	const struct str t = a->text;
	struct url u;

	(void)param;
	if (str_starts(t, STR("ext::"))) {
		struct arg cmd = arg_text(j->arena, str_from(t, 5));

		judge_shell_text(j, &cmd, "a transport");
		effect_unknown(j, "the transport ext:: runs a command");
		return;
	}
	if (str_search(t, STR("://")) < t.len) {
		url_connect(j, a, PATH_NONE);
	} else if (a->known && is_remote_path(t)) {
		if (url_parse(j->arena, str_head(t, str_find(t, ':')), &u))
			effect_connect_port(j, u.host, PORT_SSH, PATH_NONE);
	} else if (a->known && t.len > 0 &&
	    (t.s[0] == '/' || t.s[0] == '.' || t.s[0] == '~')) {
		effect_read(j, a, true);
	} else {
		effect_connect(j, STR_NONE, PATH_NONE);
	}
}

/* scp and rsync: "host:path", "host::module", "rsync://host/", a path. */
static bool
remote_copy(struct judge *j, const struct arg *a)
{
	struct url u;
	struct str t = a->text;
	bool daemon;

	if (str_search(t, STR("://")) < t.len) {
		url_connect(j, a, PATH_NONE);
		return true;
	}
	if (!is_remote_path(t))
		return false;
	daemon = str_search(t, STR("::")) < t.len;
	t = str_head(t, str_find(t, ':'));
	if (a->known && url_parse(j->arena, t, &u))
		effect_connect_port(
		    j, u.host, daemon ? 873 : PORT_SSH, PATH_NONE);
	else
		effect_connect(j, STR_NONE, PATH_NONE);
	return true;
}

void
as_copy_from(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (!remote_copy(j, a))
		effect_read(j, a, true);
}

void
as_copy_to(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (remote_copy(j, a))
		effect_remote(j, "upload");
	else
		effect_write(j, a, "writes");
}

static void
read_named_file(struct judge *j, const struct arg *a, size_t at)
{
	struct arg file = *a;

	file.skip += at;
	file.text = str_from(a->text, at);
	effect_read(j, &file, false);
}

/* What is sent: "@file", "name@file", text. */
void
as_data(struct judge *j, const struct arg *a, struct str param)
{
	const struct str t = a->text;
	const size_t at = str_find(t, '@');

	if (t.len > 0 && t.s[0] == '@')
		read_named_file(j, a, 1);
	else if (str_eq(param, STR("named")) && at < t.len &&
	    str_find(t, '=') > at)
		read_named_file(j, a, at + 1);
	else if (str_eq(param, STR("file")))
		read_named_file(j, a, 0);
	if (!str_eq(param, STR("header")))
		effect_remote(j, "http write");
	if (secrets_found(t))
		effect_remote(j, "send secret");
}

/* curl -F name=@file, name=<file */
void
as_form(struct judge *j, const struct arg *a, struct str param)
{
	const size_t eq = str_find(a->text, '=');

	(void)param;
	if (eq + 1 < a->text.len &&
	    (a->text.s[eq + 1] == '@' || a->text.s[eq + 1] == '<'))
		read_named_file(j, a, eq + 2);
	effect_remote(j, "http write");
	if (secrets_found(a->text))
		effect_remote(j, "send secret");
}

/* Programs that serve others with the rights of root. */
static bool
is_engine_socket(struct str path)
{
	return str_ends(path, STR("docker.sock")) ||
	    str_ends(path, STR("podman.sock")) ||
	    str_ends(path, STR("containerd.sock")) ||
	    str_ends(path, STR("crio.sock")) ||
	    str_ends(path, STR("system_bus_socket"));
}

void
as_socket(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;
	struct arg path = *a;

	(void)param;
	if (str_starts(path.text, STR("unix:"))) {
		path.skip += str_starts(path.text, STR("unix://")) ? 7 : 5;
		path.text = str_from(
		    path.text, str_starts(path.text, STR("unix://")) ? 7 : 5);
	} else if (str_search(path.text, STR("://")) < path.text.len) {
		url_connect(j, a, PATH_NONE);
		return;
	}
	arg_place(j, &path, &f);
	if (f.own)
		effect_write(j, &path, "talks to");
	else if (is_engine_socket(path.text))
		effect_privilege(j, "container engine socket");
	else
		effect_unknown(j, "%.*s talks to the socket '%.*s'",
		    STR_ARG(j->program), STR_ARG(path.text));
}

/* The source of "src:dst[:ro]" or of "type=bind,source=src,target=dst". */
static size_t
mount_source(struct str text, struct str *ret)
{
	size_t at = 0;

	if (str_starts(text, STR("type=")) ||
	    str_search(text, STR(",target=")) < text.len ||
	    str_search(text, STR(",dst=")) < text.len) {
		at = str_search(text, STR("source="));
		at = at < text.len ? at + 7 : str_search(text, STR("src="));
		if (at >= text.len)
			return text.len;
		if (str_starts(str_from(text, at), STR("src=")))
			at += 4;
		*ret = str_from(text, at);
		*ret = str_head(*ret, str_find(*ret, ','));
		return at;
	}
	*ret = str_head(text, str_find(text, ':'));
	return 0;
}

void
as_mount(struct judge *j, const struct arg *a, struct str param)
{
	struct str source = STR_NONE;
	const size_t at = mount_source(a->text, &source);
	struct arg path = *a;
	struct path_facts f;

	(void)param;
	if (at >= a->text.len || source.len == 0)
		return;
	if (a->known && str_at(source, 0) != '/' && str_at(source, 0) != '.' &&
	    str_at(source, 0) != '~')
		return; /* a volume with a name */
	path = a->known ? arg_text(j->arena, source) : path;
	arg_place(j, &path, &f);
	if (is_engine_socket(source)) {
		effect_privilege(j, "container engine socket");
	} else if (f.root && !f.in_workspace) {
		effect_privilege(j, "host file system");
	} else if (f.secret || f.holds_secrets) {
		effect_read(j, &path, true);
	} else {
		effect_write(j, &path, "mounts");
	}
}
