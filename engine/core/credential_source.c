/*
 * Open what holds the secret of a credential.
 * Runs in: supervisor, assent.  Trusts: the configuration.  Owns: nothing.
 */
#include "credential_source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/num.h"

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

/* ---- the user's own agent ----------------------------------------------- */

static const char *
agent_path(const struct config_credential *c, struct err *e)
{
	const char *path =
	    c->agent[0] == '/' ? c->agent : secure_getenv(c->agent);

	if (path == NULL || path[0] != '/') {
		(void)err_set(e, ERR_NOTFOUND,
		    "the variable %s, which names the agent, is not set here; "
		    "start the daemon from the session with the agent, or "
		    "write the path of its socket",
		    c->agent);
		return NULL;
	}
	return path;
}

/* A user's agent signs for that user's runs. As root the settings say whose
 * it is. */
static int
agent_owner(const struct config_credential *c, uid_t *ret, struct err *e)
{
	uint64_t uid = geteuid();

	if (uid == 0 &&
	    (c->users.count != 1 ||
		num_parse_u64(
		    str_of(c->users.items[0]), 0, UINT32_MAX - 1, &uid) != 0))
		return err_set(e, ERR_INVALID,
		    "an agent is one user's: say whose, users: [1000]");
	*ret = (uid_t)uid;
	return ERR_OK;
}

static int
open_agent(const struct config_credential *c, int *ret, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = agent_path(c, e);
	AUTO_FD int fd = -1;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	uid_t owner;
	int r;

	if (path == NULL)
		return ERR_NOTFOUND;
	r = agent_owner(c, &owner, e);
	if (r != 0)
		return r;
	if (strlen(path) >= sizeof(to.sun_path))
		return err_set(e, ERR_LIMIT, "the path '%s' is too long", path);
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		return err_sys(e, "cannot reach the agent at '%s'", path);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return err_sys(e, "cannot tell whose agent '%s' is", path);
	if (peer.uid != owner)
		return err_set(e, ERR_DENIED,
		    "the agent at '%s' is of user %u, not of %u", path,
		    (unsigned)peer.uid, (unsigned)owner);
	*ret = TAKE_FD(fd);
	return ERR_OK;
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
	if (c->agent != NULL)
		return open_agent(c, ret, e);
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
	uid_t owner;

	/* It may be started later than the daemon. */
	if (c->agent != NULL)
		return agent_path(c, e) == NULL ? ERR_NOTFOUND
						: agent_owner(c, &owner, e);
	if (c->systemd != NULL)
		return open_systemd(c->systemd, &fd, e);
	if (c->secret_service.count == 0)
		return review_helpers_check_source(h, &source, e);
	if (access(SECRET_TOOL, X_OK) != 0)
		return err_sys(e, "cannot start '%s' (package libsecret-tools)",
		    SECRET_TOOL);
	return ERR_OK;
}
