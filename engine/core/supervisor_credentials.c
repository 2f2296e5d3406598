/*
 * The broker's process: its secrets, as descriptors that it can read them
 * from, and the folder in which it leaves what runs may see.
 * Runs in: supervisor.  Trusts: the configuration.  Owns: nothing; what the
 * environment held is the helpers'.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "broker_messages.h"
#include "credential_source.h"
#include "supervisor_int.h"

#define DIR_MODE 0755 /* certificates are no secret */

int
supervisor_credentials_check(
    struct supervisor *s, const struct config *now, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < now->credential_count; i++) {
		const struct config_credential *c = &now->credentials[i];

		r = credential_check(s->review, c, e);
		if (r != 0)
			r = err_wrap(
			    e, ERR_INVALID, "credential '%s'", c->name);
	}
	return r;
}

int
supervisor_credentials_open(struct supervisor *s, struct err *e)
{
	const struct config *c = s->config;
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < c->credential_count; i++) {
		if (c->credentials[i].env != NULL)
			r = review_helpers_take_variable(
			    s->review, c->credentials[i].env, e);
	}
	return r != 0 ? r : supervisor_credentials_check(s, c, e);
}

/* ---- for the broker ---------------------------------------------------------- */

int
supervisor_credentials_folder(struct child *c, struct err *e)
{
	char path[PATH_BYTES_MAX];
	AUTO_FD int fd = -1;
	struct stat st;

	if (!c->role->takes_secrets)
		return ERR_OK;
	if (snprintf(path, sizeof(path), "%s/" BROKER_DIR,
		c->s->config->runtime_dir) >= (int)sizeof(path))
		return err_set(e, ERR_LIMIT, "the runtime folder is too long");
	if (mkdir(path, DIR_MODE) != 0 && errno != EEXIST)
		return err_sys(e, "cannot make '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "cannot open '%s'", path);
	if (st.st_uid != geteuid() && !(c->has_user && st.st_uid == c->uid))
		return err_set(e, ERR_DENIED,
		    "'%s' belongs to somebody else; remove it", path);
	if (fchmod(fd, DIR_MODE) != 0 ||
	    (c->has_user && fchown(fd, c->uid, c->gid) != 0))
		return err_sys(e, "cannot give '%s' to the broker", path);
	return ERR_OK;
}

static struct review_identity
identity_of(const struct child *c)
{
	return (struct review_identity){
		.set = c->has_user,
		.uid = c->uid,
		.gid = c->gid,
	};
}

static void
send_one(struct child *c, size_t at)
{
	const struct review_identity who = identity_of(c);
	const struct config_credential *k = &c->s->config->credentials[at];
	AUTO_BUF struct buf b = BUF_INIT(16);
	AUTO_FD int fd = -1;
	struct err e = ERR_INIT;
	int r = credential_open(c->s->review, k, &who, &fd, &e);

	rec_put_u32(&b, (uint32_t)at);
	if (r == 0)
		r = ipc_send(c->link, SR_KEY, buf_str(&b), fd, &e);
	if (r != 0)
		log_err("no-secret", "credential=%s why=%s", k->name, e.msg);
}

void
supervisor_credentials_send(struct child *c)
{
	const size_t count = c->s->config->credential_count;

	for (size_t i = 0; c->link != NULL && i < count; i++) {
		/* What is in an agent is asked for when it is used. */
		if (c->s->config->credentials[i].agent == NULL)
			send_one(c, i);
	}
}

int
supervisor_on_source(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct child *c = ctx;
	const struct config *config = c->s->config;
	struct rec in = rec_of(m->payload);
	const uint64_t ticket = rec_u64(&in);
	const uint32_t at = rec_u32(&in);
	AUTO_BUF struct buf b = BUF_INIT(ERR_MSG_MAX + 32);
	const struct review_identity who = identity_of(c);
	AUTO_FD int fd = -1;
	struct err why = ERR_INIT;
	int r = rec_done(&in, e);

	if (r != 0)
		return r;
	/* While settings change the broker may still have the old ones. */
	r = at >= config->credential_count
	    ? err_set(&why, ERR_CONFLICT, "the settings have changed")
	    : credential_open(
		  c->s->review, &config->credentials[at], &who, &fd, &why);
	rec_put_u64(&b, ticket);
	if (r == 0)
		return ipc_send(m->from, SR_SOURCE, buf_str(&b), fd, e);
	rec_put_cstr(&b, why.msg);
	return ipc_send(m->from, SR_SOURCE_FAILED, buf_str(&b), -1, e);
}
