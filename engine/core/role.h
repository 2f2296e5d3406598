#ifndef CORE_ROLE_H
#define CORE_ROLE_H
/*
 * The uniform life of every role but the supervisor (assentd --role=NAME):
 *
 *     SR_START    -> open      database, rules, secrets: all that needs powers
 *                    limits    what it still needs after that
 *                    confine, then RS_READY with what is enforced
 *     SR_LISTENER -> listener  only now, so nothing from outside is read
 *     SR_PEER     -> peer      by an unconfined role
 *     SR_STOP     -> stop      finish, then role_stop; close; exit 0
 *
 *     const struct role front_role = { .name = "front", .open = front_open,
 *             .limits = front_limits, .listener = front_listener,
 *             .peer = front_peer, .close = front_close };
 *
 * A function left NULL means that the role takes no such message: one that
 * comes all the same ends the link, and with it the role. A function that
 * fails ends the role; the supervisor says why and starts it again.
 *
 * In open: set the loop's idle function, load what libraries load late. After
 * confine there are no new files beyond limits, no sockets, no programs, no
 * executable memory.
 */
#include "base/confine.h"
#include "base/ipc.h"
#include "base/loop.h"
#include "core/messages.h"
#include "core/ports.h"
#include "model/config.h"

/* The production instances, named in main.c alone. */
struct role_ports {
	const struct classifier_port *classifier;
	const struct recorder_port *recorder;
	const struct executor_port *executor;
	const struct reviewer_port *reviewer; /* or NULL: nobody */
};

struct role_env {
	const char *name;
	struct loop *loop;
	struct ipc *supervisor;
	/* Valid until reload returns, then the new one is here. */
	const struct config *config;
	const struct role_ports *ports;
	void *self; /* set by open */
};

struct role {
	const char *name;
	/*
	 * For the supervisor: another program beside assentd that is this
	 * role (it has the functions; here they are NULL), which is linked to
	 * peers and started anew when settings change.
	 */
	const char *program;
	/* The program asks the supervisor for keys and for programs to be
	 * started. */
	bool takes_keys;
	bool takes_secrets; /* of the credentials: the broker */
	enum config_secrets secrets; /* of the settings: what it is given */
	/* NULL: always. Else: do these settings need it? */
	bool (*wanted)(const struct config *c);
	int (*open)(struct role_env *env, struct err *e);
	/* Fills syscalls, paths and allow_connect; what they point to lives
	 * until the role ends. NULL: nothing beyond what every role has. */
	int (*limits)(
	    struct role_env *env, struct confine_options *o, struct err *e);
	/* fd is taken, also on failure. */
	int (*listener)(struct role_env *env, enum listener_kind kind, int fd,
	    struct err *e);
	/*
	 * fd is taken, also on failure. It comes again when the peer was
	 * restarted: the old link is of no use then. peer lives as long as
	 * the role.
	 */
	int (*peer)(
	    struct role_env *env, const char *peer, int fd, struct err *e);
	/* All roles as JSON, after every change. */
	int (*status)(
	    struct role_env *env, struct str json, bool all_up, struct err *e);
	/* SIGHUP, before anybody takes it: could reload? Changes nothing.
	 * NULL: reload never fails, or is asked first and takes it whole. */
	int (*check)(
	    struct role_env *env, const struct config *now, struct err *e);
	/* SIGHUP; env->config is still the old one. Failure keeps it. */
	int (*reload)(
	    struct role_env *env, const struct config *now, struct err *e);
	/* NULL: role_stop at once. */
	void (*stop)(struct role_env *env);
	void (*close)(struct role_env *env);
	/* More messages from the supervisor; their ctx is the struct
	 * role_env. They come after the role is ready. */
	const struct ipc_row *rows;
	size_t row_count;
};

/* Ends the loop; the role then closes and exits with 0. */
void role_stop(struct role_env *env);
/*
 * For the closed function of a link to a peer. With a reason, the peer sent
 * what it may not: the supervisor ends it (I6). Without one it has hung up;
 * a new link comes by itself.
 */
void role_peer_closed(
    struct role_env *env, const char *peer, const struct err *why);
/* The whole life; returns the exit status. */
int role_run(const struct role *r, const struct role_ports *ports);

#endif
