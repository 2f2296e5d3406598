/*
 * What a person does about one action: the path, the look, the answer.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "act.h"

#include <string.h>

#include "model/limits.h"

int
act_path(const char *id, const char *rest, struct buf *out, struct err *e)
{
	static const char safe[] = "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz";

	if (id[0] == '\0' || id[strspn(id, safe)] != '\0')
		return err_set(e, ERR_INVALID,
		    "'%s' is not the id of an action (act_...)", id);
	buf_printf(out, "/v1/actions/%s%s", id, rest);
	return buf_done(out, e);
}

int
act_look(struct client *c, const char *id, struct client_reply *ret,
    struct verdict *v, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	int r = act_path(id, "", &path, e);

	if (r == 0)
		r = client_call(c,
		    &(struct client_request){ .method = "GET", .path = path.s },
		    ret, e);
	if (r == 0)
		r = client_expect(ret, e);
	if (r == 0)
		r = verdict_read(ret->json, NULL, v, e);
	if (r == 0 && strcmp(v->id, id) != 0)
		r = err_set(e, ERR_INTERNAL,
		    "the answer is about %s, not about %s", v->id, id);
	return r;
}

int
act_check_seen(const struct verdict *v, const char *prefix, struct err *e)
{
	const size_t len = prefix == NULL ? 0 : strlen(prefix);

	if (prefix == NULL)
		return ERR_OK;
	if (len < ACT_PREFIX_MIN)
		return err_set(e, ERR_INVALID,
		    "'%s' is too short; give at least %d digits of the hash",
		    prefix, ACT_PREFIX_MIN);
	if (strncmp(v->sha256, prefix, len) != 0)
		return err_set(e, ERR_CONFLICT,
		    "%s is another action now: its hash is %s", v->id,
		    v->sha256);
	return ERR_OK;
}

int
act_send(struct client *c, const struct act *a, struct client_reply *ret,
    struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	int r = act_path(a->id, a->rest, &path, e);

	if (r == 0)
		r = client_call(c,
		    &(struct client_request){ .method = a->method,
			.path = path.s,
			.body = a->body,
			.if_match = a->etag },
		    ret, e);
	return r != 0 ? r : client_expect(ret, e);
}

int
act_parse(const struct command *c, int argc, char **argv, const char **values,
    const char **ret_id)
{
	int status = EXIT_OK;
	int at = command_parse(c, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at >= argc)
		return command_usage_error(c,
		    "name the action; 'assent pending' lists those that wait, "
		    "'assent log list --json' all");
	*ret_id = argv[at];
	argc -= at;
	argv += at;
	at = command_parse(c, argc, argv, values, NULL, NULL, &status);
	if (at < 0) {
		*ret_id = NULL;
		return status;
	}
	if (at != argc)
		return command_usage_error(c, "one action at a time");
	return EXIT_OK;
}
