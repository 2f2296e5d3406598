/*
 * The broker's process: its secrets, as descriptors that it can read them
 * from, and the folder in which it leaves what runs may see.
 * Runs in: supervisor.  Trusts: the configuration.  Owns: nothing; what the
 * environment held is the helpers'.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker_messages.h"
#include "supervisor_int.h"

#define DIR_MODE 0755 /* certificates are no secret */
#define SECRET_TOOL "/usr/bin/secret-tool"
#define WORDS_MAX 64

/* ---- sources --------------------------------------------------------------- */

/* What a service manager has decrypted for this unit alone. */
static int
open_systemd(const char *name, int *ret, struct err *e)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	AUTO_FD int folder = -1;
	AUTO_FD int fd = -1;
	struct stat st;
	int r;

	if (dir == NULL || dir[0] != '/')
		return err_set(e, ERR_NOTFOUND,
		    "this daemon has no credentials of systemd; add "
		    "LoadCredentialEncrypted=%s:... to its unit",
		    name);
	folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return err_sys(e, "cannot open '%s'", dir);
	r = fdio_open_beneath(folder, name, O_RDONLY, &fd, e);
	if (r != 0)
		return r;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IRWXO)) != 0)
		return err_set(e, ERR_DENIED,
		    "'%s/%s' is not a private file of this daemon", dir, name);
	*ret = TAKE_FD(fd);
	return ERR_OK;
}

/* secret-tool lookup ATTRIBUTE VALUE... */
static int
open_secret_service(struct supervisor *s, const struct config_credential *c,
    const struct review_identity *who, int *ret, struct err *e)
{
	const char *words[WORDS_MAX] = { SECRET_TOOL, "lookup" };
	struct helper_source source = {
		.command = { .items = words, .count = 2 },
		.session = true,
	};

	if (c->secret_service.count > WORDS_MAX - source.command.count)
		return err_set(e, ERR_LIMIT, "too many attributes");
	for (size_t i = 0; i < c->secret_service.count; i++)
		words[source.command.count++] = c->secret_service.items[i];
	return review_helpers_open(s->review, &source, who, ret, e);
}

static struct helper_source
source_of(const struct config_credential *c)
{
	return (struct helper_source){
		.file = c->file,
		.env = c->env,
		.command = { .items = c->command.items,
		    .count = c->command.count },
	};
}

static int
open_secret(struct supervisor *s, const struct config_credential *c,
    const struct review_identity *who, int *ret, struct err *e)
{
	const struct helper_source source = source_of(c);

	if (c->systemd != NULL)
		return open_systemd(c->systemd, ret, e);
	if (c->secret_service.count > 0)
		return open_secret_service(s, c, who, ret, e);
	return review_helpers_open(s->review, &source, who, ret, e);
}

/* ---- at the start, and at each reload --------------------------------------- */

int
supervisor_credentials_check(
    struct supervisor *s, const struct config *now, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < now->credential_count; i++) {
		const struct config_credential *c = &now->credentials[i];
		const struct helper_source source = source_of(c);
		AUTO_FD int fd = -1;

		/* Programs are started when the broker is up. */
		if (c->systemd != NULL)
			r = open_systemd(c->systemd, &fd, e);
		else if (c->secret_service.count > 0 &&
		    access(SECRET_TOOL, X_OK) != 0)
			r = err_sys(e,
			    "cannot start '%s' (package "
			    "libsecret-tools)",
			    SECRET_TOOL);
		else if (c->secret_service.count == 0)
			r = review_helpers_check_source(s->review, &source, e);
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

static void
send_one(struct child *c, size_t at)
{
	const struct review_identity who = {
		.set = c->has_user,
		.uid = c->uid,
		.gid = c->gid,
	};
	const struct config_credential *k = &c->s->config->credentials[at];
	AUTO_BUF struct buf b = BUF_INIT(16);
	AUTO_FD int fd = -1;
	struct err e = ERR_INIT;
	int r = open_secret(c->s, k, &who, &fd, &e);

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

	for (size_t i = 0; c->link != NULL && i < count; i++)
		send_one(c, i);
}
