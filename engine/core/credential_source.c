/*
 * Open what holds the secret of a credential.
 * Runs in: supervisor, assent.  Trusts: the configuration.  Owns: nothing.
 */
#include "credential_source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"

#define SECRET_TOOL "/usr/bin/secret-tool"
#define WORDS_MAX 64

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
open_secret_service(struct review_helpers *h, const struct config_credential *c,
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
	return review_helpers_open(h, &source, who, ret, e);
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

int
credential_open(struct review_helpers *h, const struct config_credential *c,
    const struct review_identity *who, int *ret, struct err *e)
{
	const struct helper_source source = source_of(c);

	if (c->systemd != NULL)
		return open_systemd(c->systemd, ret, e);
	if (c->secret_service.count > 0)
		return open_secret_service(h, c, who, ret, e);
	return review_helpers_open(h, &source, who, ret, e);
}

int
credential_check(
    struct review_helpers *h, const struct config_credential *c, struct err *e)
{
	const struct helper_source source = source_of(c);
	AUTO_FD int fd = -1;

	if (c->systemd != NULL)
		return open_systemd(c->systemd, &fd, e);
	if (c->secret_service.count == 0)
		return review_helpers_check_source(h, &source, e);
	if (access(SECRET_TOOL, X_OK) != 0)
		return err_sys(e, "cannot start '%s' (package libsecret-tools)",
		    SECRET_TOOL);
	return ERR_OK;
}
