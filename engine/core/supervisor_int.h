#ifndef CORE_SUPERVISOR_INT_H
#define CORE_SUPERVISOR_INT_H
/*
 * What the parts of the supervisor share. Private to supervisor_*.c.
 *
 *     struct supervisor s;
 *     supervisor_dirs_open -> supervisor_listen -> supervisor_start_role
 */
#include <sys/types.h>

#include "review_helpers.h"
#include "role.h"

#define SUPERVISOR_ROLES_MAX 8
#define SUPERVISOR_LISTENERS_MAX 3
#define LAUNCHERS_MAX 256
#define SUPERVISOR_RULE_DIRS_MAX 32
#define HOW_ENDED_MAX 64

enum child_state {
	CHILD_DOWN,
	CHILD_STARTING, /* executed, not yet ready */
	CHILD_UP,
};

struct supervisor;

/* One role's process, and what became of the ones before. */
struct child {
	struct supervisor *s;
	const struct role *role;
	/* As root: a user of its own, where the machine has one for it. */
	bool has_user;
	uid_t uid;
	gid_t gid;
	enum child_state state;
	pid_t pid;
	int pidfd;
	struct ipc *link; /* NULL when it hung up or broke the rules */
	bool was_up; /* at least once since the daemon started */
	bool stop_sent;
	bool listeners_given;
	bool killed; /* by us: it broke a rule or did not answer */
	int program_fd; /* the role's own program, or -1 */
	bool renewed; /* told to stop because of new settings */
	bool pinged; /* and it has not answered yet */
	unsigned missed; /* beats since then */
	unsigned restarts;
	unsigned failures; /* in a row: how long to wait */
	int64_t started_boot_ns;
	struct loop_timer *timer; /* next start, or end of patience */
	struct confine_report report;
	char how_ended[HOW_ENDED_MAX]; /* the last time, or "" */
};

struct launcher {
	struct supervisor *s;
	pid_t pid;
	int pidfd; /* -1: free */
	uid_t uid;
	gid_t gid;
	const char *ended; /* the event of its end, in the log */
};

struct listener {
	enum listener_kind kind;
	int fd;
	char path[108]; /* "" for TCP */
};

/* A configuration on its way: to all roles or to none. */
struct reload {
	struct config *now; /* owned; NULL: none is under way */
	unsigned step;
	struct child *asked; /* has not answered yet */
	struct loop_timer *timer; /* end of patience */
	bool wanted; /* another one, once this is over */
};

struct supervisor_options {
	struct config_sources sources;
	const char *rule_dirs[SUPERVISOR_RULE_DIRS_MAX];
	bool check_only;
};

struct supervisor {
	struct supervisor_options options;
	struct config *config;
	const struct executor_port *executor; /* to check settings, or NULL */
	struct loop *loop;
	int self_fd; /* this very program, for the next start of a role */
	int launcher_fd; /* assent-exec, or -1 */
	int news_fd; /* of firewall rules that change, or -1 */
	struct loop_timer *news_timer; /* to look at them again */
	struct review_helpers *review;
	int state_lock, runtime_lock;
	struct child children[SUPERVISOR_ROLES_MAX];
	size_t child_count;
	struct listener listeners[SUPERVISOR_LISTENERS_MAX];
	size_t listener_count;
	struct launcher launchers[LAUNCHERS_MAX];
	struct loop_timer *watchdog;
	struct loop_timer *beat; /* see supervisor_watch.c */
	struct reload reload;
	bool announced; /* ready, once */
	bool stopping;
	int status; /* to exit with */
};

/* supervisor_args.c: 0 to go on; else *ret_status is to be returned. */
int supervisor_args(
    int argc, char **argv, struct supervisor_options *o, int *ret_status);

/* supervisor_dirs.c: makes and locks the folders. */
int supervisor_dirs_open(struct supervisor *s, struct err *e);
void supervisor_dirs_close(struct supervisor *s);
/* Opens this program and, beside it, assent-exec and those of roles. */
int supervisor_programs_open(struct supervisor *s, struct err *e);

/* supervisor_listen.c */
int supervisor_listen(struct supervisor *s, struct err *e);
void supervisor_unlisten(struct supervisor *s);

/* supervisor_children.c */
void supervisor_children_init(
    struct supervisor *s, const struct role *const *roles, size_t count);
/* Failure to start at all is an error of the daemon. */
int supervisor_start_roles(struct supervisor *s, struct err *e);
/* The new configuration, to all but the engine. */
/* The engine has s->config already. */
void supervisor_reload_roles(struct supervisor *s);
/* s->config is another now; no reload is under way. */
void supervisor_tell_all(struct supervisor *s);
struct child *supervisor_child(struct supervisor *s, const char *name);
/* Kills it; it is started again. */
void supervisor_end_child(struct child *c);
int supervisor_send_config(
    struct child *c, const struct config *config, uint16_t type, struct err *e);
/* Lost while there is no engine. */
void supervisor_tell_engine(
    struct supervisor *s, uint16_t type, struct str body);
/* ERR_DENIED when a role that is up lacks what now requires. */
int supervisor_check_children(
    const struct supervisor *s, const struct config *now, struct err *e);
/* Orderly, in the reverse order; the loop stops when all have ended. */
void supervisor_stop(struct supervisor *s, int status);
void supervisor_children_done(struct supervisor *s);

/* supervisor_watch.c: roles that do not answer are killed. */
void supervisor_watch(struct supervisor *s);
void supervisor_unwatch(struct supervisor *s);
ipc_handler supervisor_on_pong;

/* supervisor_reload.c: SIGHUP. */
void supervisor_reload(struct supervisor *s);
ipc_handler supervisor_on_reloaded;
/* A role is up, or it has ended. */
void supervisor_reload_up(struct supervisor *s);
void supervisor_reload_lost(struct child *c);
void supervisor_reload_done(struct supervisor *s);
/* supervisor_role.c: what the files say now, checked as far as we can. */
int supervisor_load_config(
    struct supervisor *s, struct config **ret, struct err *e);

/* Every program that these settings need is there. */
int supervisor_check_programs(
    const struct supervisor *s, const struct config *now, struct err *e);

/* supervisor_review.c: the reviewer's keys and programs, when wanted. */
bool supervisor_is_wanted(const struct supervisor *s, const struct child *c);
int supervisor_review_open(struct supervisor *s, struct err *e);
int supervisor_review_check(
    struct supervisor *s, const struct config *now, struct err *e);
void supervisor_review_send_keys(struct child *c);
ipc_handler supervisor_on_program, supervisor_on_program_done;

/* supervisor_credentials.c: the broker's secrets and its folder. */
int supervisor_credentials_open(struct supervisor *s, struct err *e);
int supervisor_credentials_check(
    struct supervisor *s, const struct config *now, struct err *e);
int supervisor_credentials_folder(struct child *c, struct err *e);
void supervisor_credentials_send(struct child *c);
ipc_handler supervisor_on_source;

/* supervisor_link.c: listeners, links and status for those that are up. */
void supervisor_introduce(struct child *c);
void supervisor_tell_status(struct supervisor *s);
bool supervisor_are_linked(const char *a, const char *b);

/* supervisor_launch.c */
int supervisor_on_launch(void *ctx, struct ipc_msg *m, struct err *e);
int supervisor_on_end_launcher(void *ctx, struct ipc_msg *m, struct err *e);
int supervisor_on_project(void *ctx, struct ipc_msg *m, struct err *e);
void supervisor_launchers_done(struct supervisor *s);

/* supervisor_require.c: ERR_DENIED when something required is not there. */
int supervisor_check_machine(const struct config *c, struct err *e);
int supervisor_check_report(const struct config *c, const char *role,
    const struct confine_report *r, struct err *e);

/* supervisor_elevated.c: ERR_DENIED where runs have to be elevated and cannot
 * be; else whether they are is in the configuration. */
int supervisor_elevated_check(struct config *c, struct err *e);
int supervisor_elevated_open(struct supervisor *s, struct err *e);
void supervisor_elevated_close(struct supervisor *s);

/* sd_notify.c: tells a service manager, if there is one. */
void sd_notify(const char *state);
/* How often it wants to hear from us, in milliseconds; 0: not at all. */
int64_t sd_watchdog_ms(void);

#endif
