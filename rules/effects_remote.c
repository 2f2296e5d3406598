/*
 * Words of programs that act elsewhere: services, clouds, databases.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"
#include "hosts.h"

static bool
starts_with_any(struct str t, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_starts(t, str_of(words[i])))
			return true;
	}
	return false;
}

static bool
equals_any(struct str t, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eqz(t, words[i]))
			return true;
	}
	return false;
}

/* An address of socat: "TCP:host:port", "EXEC:sh", "FILE:x", "-". */
void
as_socat(struct judge *j, const struct arg *a, struct str param)
{
	struct str rest = a->text;
	struct str kind = str_cut(&rest, ':');
	static const char *const runs[] = { "EXEC", "SYSTEM", "SHELL", "exec",
		"system", "shell" };
	static const char *const files[] = { "FILE", "OPEN", "GOPEN", "CREATE",
		"file", "open", "gopen", "create", "PIPE", "pipe" };
	static const char *const hosts[] = { "TCP", "UDP", "OPENSSL", "SCTP",
		"tcp", "udp", "openssl", "SOCKS", "PROXY", "IP", "SSL" };

	(void)param;
	if (starts_with_any(kind, runs, ARRAY_LEN(runs))) {
		struct arg command =
		    arg_text(j->arena, str_head(rest, str_find(rest, ',')));

		judge_shell_text(j, &command, "an address of socat");
		effect_privilege(j, "network shell");
	} else if (str_starts(kind, STR("UNIX")) ||
	    str_starts(kind, STR("unix")) ||
	    str_starts(kind, STR("ABSTRACT"))) {
		struct arg path =
		    arg_text(j->arena, str_head(rest, str_find(rest, ',')));

		as_socket(j, &path, STR_NONE);
	} else if (starts_with_any(kind, files, ARRAY_LEN(files))) {
		struct arg path =
		    arg_text(j->arena, str_head(rest, str_find(rest, ',')));

		effect_read(j, &path, false);
		effect_remote(j, "upload");
	} else if (starts_with_any(kind, hosts, ARRAY_LEN(hosts))) {
		struct arg host =
		    arg_text(j->arena, str_head(rest, str_find(rest, ',')));

		if (str_search(kind, STR("LISTEN")) == kind.len &&
		    str_search(kind, STR("listen")) == kind.len)
			as_host(j, &host, STR_NONE);
	} else if (!str_eq(a->text, STR("-")) &&
	    !str_starts(kind, STR("STD")) && !str_starts(kind, STR("std"))) {
		effect_unknown(
		    j, "the address '%.*s' is not described", STR_ARG(a->text));
	}
}

/* httpie: a method, a URL, or a field that is sent. */
void
as_http_word(struct judge *j, const struct arg *a, struct str param)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH",
		"DELETE", "HEAD", "OPTIONS" };
	const struct str t = a->text;

	if (equals_any(t, methods, ARRAY_LEN(methods))) {
		as_method(j, a, param);
	} else if (str_search(t, STR("://")) == t.len &&
	    (str_find(t, '=') < t.len || str_find(t, '@') < t.len)) {
		if (str_search(t, STR("==")) == t.len)
			as_data(j, a, STR("named"));
	} else {
		url_connect(j, a, PATH_NONE);
	}
}

/* A name to look up: whoever asks tells the name. With "files" the machine's
 * own table is looked at first. */
void
as_dns(struct judge *j, const struct arg *a, struct str param)
{
	struct str label = a->text;
	size_t longest = 0;

	if (str_eq(param, STR("files")) && a->known &&
	    str_eq(a->text, STR("localhost")))
		return;
	while (label.len > 0) {
		const struct str one = str_cut(&label, '.');

		longest = one.len > longest ? one.len : longest;
	}
	effect_connect(j, STR_NONE, PATH_NONE);
	if (longest >= 30)
		effect_remote(j, "send encoded");
	else if (!a->known)
		effect_remote(j, "send unknown");
}

/* -o Name=value of ssh: some run a command. */
void
as_ssh_option(struct judge *j, const struct arg *a, struct str param)
{
	static const char *const runs[] = { "proxycommand", "localcommand",
		"knownhostscommand", "permitlocalcommand", "match",
		"remotecommand", "proxyusefdpass", "pkcs11provider",
		"securitykeyprovider", "include", "xauthlocation" };
	size_t eq = str_find(a->text, '=');
	char name[40];
	size_t n = 0;
	struct arg value = *a;

	(void)param;
	if (eq == a->text.len)
		eq = str_find(a->text, ' ');
	for (; n < eq && n + 1 < sizeof(name); n++) {
		const char c = a->text.s[n];

		name[n] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	name[n] = '\0';
	if (!equals_any(str_of(name), runs, ARRAY_LEN(runs))) {
		if (!a->known)
			effect_unknown(j, "an option of ssh is not known");
		return;
	}
	value.skip += eq + 1;
	value.text = str_from(a->text, eq + 1);
	judge_shell_text(j, &value, "an option of ssh");
	effect_unknown(j, "that option of ssh runs a command");
}

/* The last operand of rsync --delete: what is not in the source goes. */
void
as_mirror_to(struct judge *j, const struct arg *a, struct str param)
{
	as_copy_to(j, a, param);
	if (str_find(a->text, ':') == a->text.len)
		effect_delete(j, a, true);
	else
		effect_remote(j, "deletion on another machine");
}

/* A private key by its place or its name. */
static bool
is_public_name(struct str t)
{
	return str_ends(t, STR(".pub")) || str_ends(t, STR(".crt")) ||
	    str_ends(t, STR(".cer")) || str_ends(t, STR(".csr"));
}

void
as_secret_file(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;

	(void)param;
	arg_place(j, a, &f);
	if (is_public_name(a->text)) {
		effect_read(j, a, false);
		return;
	}
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_READ,
		.path_class = PATH_SECRET,
		.target = f.abs,
		.why = judge_say(j, "%.*s reads a key", STR_ARG(j->program)) });
}

/* ssh-keygen -f: read when it only shows, else made. */
void
as_keyfile(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	for (size_t i = 1; i < j->shell->argc; i++) {
		const struct str t = j->shell->argv[i].text;

		if (t.len > 1 && t.s[0] == '-' && t.s[1] != '-' &&
		    (str_find(t, 'l') < t.len || str_find(t, 'y') < t.len) &&
		    t.s[1] != 'f') {
			effect_read(j, a, false);
			return;
		}
	}
	effect_write(j, a, "writes");
}

/* -in of openssl for certificates: a file that is not a key. */
void
as_openssl_read(struct judge *j, const struct arg *a, struct str param)
{
	/* A certificate is public; a key is not, whatever it is called. */
	if (a->known && str_search(a->text, STR("key")) == a->text.len)
		as_stat(j, a, STR("file"));
	else
		effect_read(j, a, false);
	(void)param;
}

/* --network=host, --pid=host: the container shares it. */
void
as_host_namespace(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_starts(a->text, STR("host")) ||
	    str_starts(a->text, STR("container:")) || !a->known)
		effect_privilege(j, "container without limits");
}

/* kubectl get secrets */
void
as_kube_kind(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (!str_starts(a->text, STR("secret")))
		return;
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_READ,
		.path_class = PATH_SECRET,
		.target = "secrets of the cluster",
		.why = "it shows secrets of the cluster" });
}

void
as_setting_name(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (secret_name(a->text))
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = PATH_SECRET,
			.target = "credentials",
			.why = "it shows a stored credential" });
}

/* aws s3 cp: a file of here, or an object there. */
void
role_s3_word(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_starts(a->text, STR("s3://")) ||
	    str_starts(a->text, STR("gs://")))
		return;
	if (j->operand_at == 0)
		effect_read(j, a, true);
	else
		effect_write(j, a, "writes");
}

/* The words of a cloud's command line: is one a verb that changes? */
void
as_cloud_verb(struct judge *j, const struct arg *a, struct str param)
{
	static const char *const reads[] = { "list", "describe", "show", "get",
		"ls", "info", "status", "version", "help", "read", "logs",
		"tail", "view", "whoami", "account", "projects", "config",
		"search", "print-settings", "releases", "ps", "domains",
		"regions", "sizes", "cat", "stat", "du", "hash", "inspect",
		"diff", "lint", "doctor", "dev", "build" };
	static const char *const secrets[] = { "print-access-token",
		"print-identity-token", "get-access-token", "get-credentials",
		"auth:token", "config:get", "secrets", "access",
		"get-login-password", "connection-string", "keys" };
	static const char *const changes[] = { "create", "delete", "update",
		"set", "deploy", "run", "start", "stop", "restart", "remove",
		"rm", "add", "apply", "destroy", "publish", "push", "scale",
		"rollback", "reset", "enable", "disable", "cp", "rsync", "mv",
		"sync", "upload", "up", "down", "import", "export", "link",
		"unlink", "login", "logout", "ssh", "scp", "launch", "invoke",
		"release", "promote", "set-iam-policy",
		"add-iam-policy-binding", "submit", "resize", "attach",
		"detach", "patch", "edit", "purge", "restore", "rotate",
		"grant", "revoke", "mb", "rb", "load", "query", "addons:create",
		"config:set", "pg:reset", "maintenance:on", "init", "connect",
		"execute", "exec", "put", "open", "env", "tunnel", "proxy" };

	(void)param;
	if (secret_name(a->text) && !equals_any(a->text, secrets, 0))
		as_setting_name(j, a, param);
	if (equals_any(a->text, secrets, ARRAY_LEN(secrets)))
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = PATH_SECRET,
			.target = "credentials",
			.why = "it shows credentials of the cloud" });
	else if (equals_any(a->text, changes, ARRAY_LEN(changes)))
		effect_remote(j, "change in the cloud");
	else if (j->operand_count == 1 &&
	    !equals_any(a->text, reads, ARRAY_LEN(reads)))
		effect_remote(j, "change in the cloud");
}

/* mongosh --eval: methods that change. */
void
as_mongo(struct judge *j, const struct arg *a, struct str param)
{
	static const char *const losses[] = { "drop", "remove(", "deleteMany",
		"deleteOne", "dropDatabase", "renameCollection" };

	(void)param;
	for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
		if (str_search(a->text, str_of(losses[i])) < a->text.len)
			effect_remote(j, "database loss");
	}
}

/* The first word of a redis command. */
void
as_redis(struct judge *j, const struct arg *a, struct str param)
{
	static const char *const reads[] = { "get", "info", "ping", "keys",
		"llen", "lrange", "scan", "type", "ttl", "exists", "dbsize",
		"hgetall", "hget", "hkeys", "hlen", "mget", "smembers", "scard",
		"zrange", "zcard", "time", "echo", "strlen", "pttl", "memory",
		"object", "lastsave", "role", "command", "xlen", "xrange",
		"sismember", "zscore", "hscan", "sscan", "zscan" };
	char word[16];
	size_t n = 0;

	(void)param;
	if (j->operand_at > 0)
		return;
	for (; n < a->text.len && n + 1 < sizeof(word); n++) {
		const char c = a->text.s[n];

		word[n] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	word[n] = '\0';
	if (equals_any(str_of(word), reads, ARRAY_LEN(reads)))
		return;
	if (strcmp(word, "config") == 0 || strcmp(word, "module") == 0 ||
	    strcmp(word, "slaveof") == 0 || strcmp(word, "replicaof") == 0 ||
	    strcmp(word, "debug") == 0 || strcmp(word, "eval") == 0 ||
	    strcmp(word, "script") == 0 || strcmp(word, "acl") == 0)
		effect_remote(j, "database command");
	effect_remote(j, "database loss");
}

/* sqlite3 DB < script: the statements are in its input. */
void
as_sqlite_input(struct judge *j)
{
	const struct shell_part *p = j->shell;

	if (p->stdin_kind == STDIN_TEXT && shell_word_known(&p->stdin_text)) {
		const struct arg text = arg_of(&p->stdin_text, 0);

		as_sqlite_sql(j, &text, STR_NONE);
		return;
	}
	effect_write(j, &j->operands[0], "may write");
	effect_unknown(j, "the statements are in its input");
}

/* SQL for a database file of here: a loss is a loss of that file. */
void
as_sqlite_sql(struct judge *j, const struct arg *a, struct str param)
{
	const size_t before = j->effect_count;
	const struct arg *db = &j->operands[0];
	struct path_facts f;
	bool changes = false, loses = false;
	size_t kept = before;

	as_sql(j, a, param);
	arg_place(j, db, &f);
	for (size_t i = before; i < j->effect_count; i++) {
		const struct effect *e = &j->effects[i];

		if (e->kind == EFFECT_REMOTE_STATE && e->target != NULL &&
		    strcmp(e->target, "database command") != 0) {
			changes = true;
			loses =
			    loses || strcmp(e->target, "database loss") == 0;
			continue;
		}
		changes = changes || e->kind != EFFECT_UNKNOWN;
		j->effects[kept++] = *e;
	}
	j->effect_count = kept;
	if (loses && f.in_workspace && !f.generated)
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_DELETE,
			.path_class = PATH_WORKSPACE,
			.target = f.abs,
			.why = "the statement deletes data" });
	else if (changes)
		effect_write(j, db, "writes");
}

/* sysctl NAME=VALUE */
void
as_sysctl(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_find(a->text, '=') < a->text.len)
		effect_privilege(j, "kernel settings");
	if (str_at(a->text, 0) == '/' ||
	    str_search(a->text, STR("..")) < a->text.len)
		effect_unknown(j, "'%.*s' may be any file", STR_ARG(a->text));
}

/* A word of ip, ifconfig, route, hostname: reading words are few. */
void
as_ip_word(struct judge *j, const struct arg *a, struct str param)
{
	static const char *const changes[] = { "add", "del", "delete", "set",
		"change", "replace", "flush", "up", "down", "netns", "tunnel",
		"append", "promisc", "netmask", "mtu", "vrf" };

	(void)param;
	if (str_ends(j->program, STR("name")))
		effect_privilege(j, "changes the system");
	else if (!a->known || equals_any(a->text, changes, ARRAY_LEN(changes)))
		effect_privilege(j, "network or protection settings");
}

/* -i of ffmpeg and others. */
void
as_media_in(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_search(a->text, STR("://")) < a->text.len)
		url_connect(j, a, PATH_NONE);
	else
		arg_given(j, a);
}

static bool
last_operand(const struct judge *j)
{
	return j->operand_at + 1 == j->operand_count;
}

static void
media_file(struct judge *j, const struct arg *a, bool written)
{
	static const char *const odd[] = { "msl:", "ephemeral:", "|", "@",
		"https:", "http:", "url:", "caption:@", "label:@",
		"text:", "concat:", "subfile", "gopher:", "%pipe%" };

	if (a->text.len == 0)
		return;
	if (str_search(a->text, STR("://")) < a->text.len) {
		url_connect(j, a, PATH_NONE);
		if (written || last_operand(j))
			effect_remote(j, "upload");
	} else if (starts_with_any(a->text, odd, ARRAY_LEN(odd))) {
		effect_unknown(j, "'%.*s' may read a file or run a program",
		    STR_ARG(a->text));
	} else if (str_find(a->text, '/') < a->text.len ||
	    str_at(a->text, 0) == '~' || str_at(a->text, 0) == '.') {
		struct path_facts f;

		arg_place(j, a, &f);
		if (f.secret)
			effect_read(j, a, false);
		if (written && f.base != PATH_WORKSPACE)
			effect_write(j, a, "writes");
	}
}

/* A media file, or an address that is read or, the last one, written. */
void
as_media(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	media_file(j, a, last_operand(j) && j->operand_count > 1);
}

void
as_media_out(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	media_file(j, a, true);
}
