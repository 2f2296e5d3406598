#ifndef CORE_ENGINE_ROLE_INT_H
#define CORE_ENGINE_ROLE_INT_H
/* Shared by engine_role.c and engine_role_rules.c: the engine's process. */
#include "base/diag.h"
#include "engine.h"
#include "engine_reader.h"
#include "engine_role.h"
#include "engine_watch.h"

#define CALL_ARENA_MAX ((size_t)8 << 20)
#define PATHS_MAX 64
#define PATHS_OF_ITS_OWN 3

struct engine_process {
	struct role_env *env;
	struct engine *engine;
	struct recorder *recorder;
	struct executor *executor;
	struct ipc *front, *reviewer, *broker;
	struct reporter_link *reporter;
	struct readers *readers;
	struct watch *watch;
	struct arena *state_arena; /* of what rule_state.h read last */
	const struct rule_dir *rule_dirs; /* in the arena */
	size_t rule_dir_count;
	struct loop_timer *tick;
	struct loop_timer *catch_up; /* or NULL: no reader is behind */
	struct loop_timer *farewell;
	int64_t stop_by_ns;
	struct arena *arena; /* rule folders: outlive a configuration */
	struct confine_path paths[PATHS_MAX];
	size_t path_count;
	const char *own_dirs[PATHS_MAX]; /* real paths, in the arena */
	char boot_id[BOOT_ID_MAX]; /* "": not known */
	size_t own_dir_count;
};

/* Why something that was asked for was not done; a view into the arena. */
struct refusal {
	uint64_t ticket;
	const char *why;
};

/* u64 ticket, cstr why: otherwise stands for a why that is missing. */
int refusal_read(const struct ipc_msg *m, const char *otherwise,
    struct arena *a, struct refusal *ret, struct err *e);
/* Where rules come from, before it is confined; and the rules. */
int engine_open_rules(
    struct engine_process *p, struct engine_options *o, struct err *e);
/* Readers of repositories' rules, and the watch over rule files. */
int engine_open_readers(struct engine_process *p, struct err *e);
/* engine_out.loaded */
void engine_rules_loaded(
    void *ctx, const uint8_t digest[static SHA256_LEN], struct str archive);
/* engine_out.project */
int engine_out_project(void *ctx, uint64_t ticket, uid_t uid, gid_t gid,
    const char *workspace, struct err *e);
/* engine_role_limits.c */
int engine_limits(
    struct role_env *env, struct confine_options *o, struct err *e);
/* engine_role_broker.c: the link to the broker, and engine_out's part. */
int engine_broker_peer(struct engine_process *p, int fd, struct err *e);
int engine_out_broker_run(void *ctx, const struct broker_run *r, struct err *e);
void engine_out_broker_verdict(void *ctx, uint64_t use, bool allowed);
/* SE_PROJECT, SE_PROJECT_FAILED; ctx is the role's env. */
int engine_on_project(void *ctx, struct ipc_msg *m, struct err *e);
int engine_on_project_failed(void *ctx, struct ipc_msg *m, struct err *e);
/* SE_NOT_RELOADED */
int engine_on_not_reloaded(void *ctx, struct ipc_msg *m, struct err *e);

#endif
