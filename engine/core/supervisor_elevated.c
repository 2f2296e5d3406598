/*
 * Elevated runs: is their firewall in force, now and after others have
 * touched it; said aloud where it is not.
 * Runs in: supervisor, as root.  Trusts: the kernel, nft.
 * Owns: the socket that tells of changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "model/elevated.h"
#include "supervisor_int.h"

#define NEWS_BYTES 8192
#define AGAIN_MS 200
#define NEWS_MAX 1000 /* read at once; then others have their turn */

/* What is missing is put there again; then it has to be there. */
static int
look(const struct config_elevated *s, struct err *e)
{
	struct err why = ERR_INIT;
	int r = spawn_namespaces_check(e);

	/* What stands alone without them is for plain users. */
	if (r != 0)
		return r;
	r = elevated_firewall_check(s, &why);
	if (r == 0)
		return ERR_OK;
	log_warn("elevated", "loading the firewall, for %s", why.msg);
	r = elevated_firewall_load(s, e);
	return r == 0 ? elevated_firewall_check(s, e) : r;
}

static void
settle(struct config *c)
{
	struct config_elevated *s = &c->elevated_setup;
	struct err why = ERR_INIT;

	/* Taken away meanwhile: what it made is not made again. */
	s->ready = access(ELEVATED_FILE, F_OK) != 0
	    ? err_set(&why, ERR_NOTFOUND, "'%s' is gone", ELEVATED_FILE) == 0
	    : look(s, &why) == 0;
	s->why_not = NULL;
	if (s->ready)
		return;
	s->why_not = arena_strdup(c->arena, why.msg);
	log_err("elevated", "runs are not elevated: %s", why.msg);
}

/* Of the settings, whether they can be kept here; ready and why not. */
int
supervisor_elevated_check(struct config *c, struct err *e)
{
	struct config_elevated *s = &c->elevated_setup;

	if (c->elevated == ELEVATED_OFF)
		return ERR_OK;
	if (s->set_up)
		settle(c);
	if (s->ready || c->elevated != ELEVATED_REQUIRED)
		return ERR_OK;
	if (geteuid() != 0)
		return err_set(e, ERR_DENIED,
		    "elevated runs are required, and only root's daemon has "
		    "them");
	return err_set(e, ERR_DENIED, "elevated runs are required, and %s",
	    s->set_up ? s->why_not == NULL ? "memory is short" : s->why_not
		      : "nothing is set up: run assent setup --elevated");
}

static void
drain(int fd)
{
	char news[NEWS_BYTES];

	for (int i = 0; i < NEWS_MAX; i++) {
		/* Lost ones (ENOBUFS) are news as well. */
		if (recv(fd, news, sizeof(news), MSG_DONTWAIT) < 0 &&
		    errno != ENOBUFS && errno != EINTR)
			return;
	}
}

/* assent setup locks the folder of its marker: what it changes is not ours to
 * undo while it is at work. */
static bool
setup_is_at_work(void)
{
	AUTO_FD int fd = open(ELEVATED_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 &&
	    errno == EWOULDBLOCK;
}

static void look_again(void *ctx);

/* Somebody changed rules, maybe we. Nothing runs elevated without its
 * firewall, so the roles hear of it at once. */
static void
hear(struct supervisor *s)
{
	struct config_elevated *setup = &s->config->elevated_setup;
	const bool before = setup->ready;

	if (!setup->set_up || s->config->elevated == ELEVATED_OFF ||
	    s->stopping)
		return;
	if (setup_is_at_work() || s->reload.now != NULL) {
		if (s->news_timer == NULL)
			(void)loop_after(s->loop, AGAIN_MS, look_again, s,
			    &s->news_timer, NULL);
		return;
	}
	settle(s->config);
	if (setup->ready == before)
		return;
	log_warn("elevated", "runs are %s from now on",
	    setup->ready ? "elevated" : "not elevated");
	supervisor_tell_all(s);
}

static void
look_again(void *ctx)
{
	struct supervisor *s = ctx;

	s->news_timer = NULL;
	hear(s);
}

static void
on_news(void *ctx, int fd, unsigned events)
{
	(void)events;
	drain(fd);
	hear(ctx);
}

static int
open_news(void)
{
	struct sockaddr_nl at = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1U << (NFNLGRP_NFTABLES - 1),
	};
	AUTO_FD int fd = socket(AF_NETLINK,
	    SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		return -1;
	return TAKE_FD(fd);
}

/* Before the first look, so that no change is missed. */
int
supervisor_elevated_open(struct supervisor *s, struct err *e)
{
	int r;

	/* Also where nothing is set up yet: a reload may change that. */
	if (geteuid() == 0)
		s->news_fd = open_news();
	if (s->news_fd < 0 && s->config->elevated_setup.set_up)
		log_warn("elevated", "changes of the firewall are not seen: %s",
		    strerrordesc_np(errno));
	if (s->news_fd >= 0 &&
	    loop_fd(s->loop, s->news_fd, LOOP_READ, on_news, s, e) != 0)
		return ERR_SYS;
	r = supervisor_elevated_check(s->config, e);
	if (r == 0 && s->config->elevated_setup.set_up)
		log_info("elevated", "setting=%s ready=%s",
		    elevated_mode_name(s->config->elevated),
		    s->config->elevated_setup.ready ? "yes" : "no");
	return r;
}

void
supervisor_elevated_close(struct supervisor *s)
{
	if (s->news_fd < 0)
		return;
	if (s->loop != NULL) {
		loop_forget(s->loop, s->news_fd);
		loop_cancel(s->loop, s->news_timer);
	}
	fd_closep(&s->news_fd);
	s->news_fd = -1;
}
