#ifndef MODEL_ACTION_H
#define MODEL_ACTION_H
/*
 * The case file: one proposed tool call and all that becomes of it.
 *
 *     propose -> classify -> review -> ask -> record -> execute -> report
 *
 * Each stage reads it const and adds one section, written once. All text
 * lives in the action's arena. Zero is never "allow".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "model/limits.h"

enum tool {
	TOOL_INVALID,
	TOOL_SHELL,
	TOOL_EXEC,
	TOOL_STDIN,
	TOOL_FILE,
	TOOL_FETCH,
	TOOL_MCP,
	TOOL_PERMISSION,
};

/* Ordered: combining is max, strictest wins. */
enum decision {
	DECISION_INVALID,
	DECISION_ALLOW,
	DECISION_REVIEW,
	DECISION_ASK,
	DECISION_DENY,
};

enum decided_by {
	BY_INVALID,
	BY_RULE,
	BY_DEFAULT,
	BY_GRANT,
	BY_REVIEWER,
	BY_HUMAN,
	BY_TIMEOUT,
	BY_POLICY,
	BY_CEILING,
};

enum risk {
	RISK_INVALID,
	RISK_LOW,
	RISK_MEDIUM,
	RISK_HIGH,
	RISK_CRITICAL,
};

enum executor_kind {
	EXECUTOR_INVALID,
	EXECUTOR_ASSENT,
	EXECUTOR_CLIENT,
};

enum approval_policy {
	POLICY_INVALID,
	POLICY_UNTRUSTED,
	POLICY_ON_REQUEST,
	POLICY_NEVER,
};

enum edit_op {
	EDIT_INVALID,
	EDIT_CREATE,
	EDIT_REPLACE,
	EDIT_PATCH,
	EDIT_DELETE,
	EDIT_MOVE,
};

/* What an understood part of an action does to the world. */
enum effect_kind {
	EFFECT_INVALID,
	EFFECT_READ,
	EFFECT_WRITE,
	EFFECT_DELETE,
	EFFECT_CONNECT,
	EFFECT_RUN_CODE,
	EFFECT_SIGNAL,
	EFFECT_PRIVILEGE,
	EFFECT_REMOTE_STATE,
	EFFECT_WIDEN,
	EFFECT_UNKNOWN,
};

enum path_class {
	PATH_NONE,
	PATH_WORKSPACE,
	PATH_OUTSIDE, /* outside the workspace, of no other class */
	PATH_HOME,
	PATH_TEMP,
	PATH_SECRET,
	PATH_PROTECTED,
	PATH_SYSTEM,
	PATH_UNKNOWN, /* a dynamic word */
	PATH_GENERATED, /* deleted: output in the workspace that can be made
			 * again (build, caches, *.o) */
};

enum code_class {
	CODE_NONE,
	CODE_WORKSPACE,
	CODE_INLINE,
	CODE_OUTSIDE,
	CODE_DOWNLOADED,
};

const char *tool_name(enum tool t);
const char *decision_name(enum decision d);
const char *decided_by_name(enum decided_by b);
const char *risk_name(enum risk r);
const char *executor_name(enum executor_kind k);
const char *approval_policy_name(enum approval_policy p);
const char *edit_op_name(enum edit_op op);
const char *effect_kind_name(enum effect_kind k);
const char *path_class_name(enum path_class c);
const char *code_class_name(enum code_class c);
/* 0 (the invalid value) for an unknown name. */
enum decision decision_of(struct str name);
enum risk risk_of(struct str name);
enum executor_kind executor_of(struct str name);
enum approval_policy approval_policy_of(struct str name);
enum effect_kind effect_kind_of(struct str name);
enum path_class path_class_of(struct str name);
enum code_class code_class_of(struct str name);
enum decision decision_max(enum decision a, enum decision b);

struct env_var {
	char *name, *value;
};

struct edit {
	char *path;
	enum edit_op op;
	char *content; /* create, replace */
	char *patch; /* patch: unified diff */
	char *to; /* move */
	char *sha256; /* hex of the file as the agent saw it, or NULL */
};

struct turn {
	char *role, *text;
};

/* Tool input. Fields that a tool does not have stay NULL or 0. */
struct tool_input {
	char *script, *shell; /* shell */
	char **argv; /* exec */
	size_t argc;
	char *stdin_text; /* shell, exec; stdin: text */
	char *target_action; /* stdin: the running action's id */
	int64_t timeout_ms; /* shell, exec; 0 = profile's */
	struct env_var *env; /* shell, exec */
	size_t env_count;
	struct edit *edits; /* file */
	size_t edit_count;
	char *method, *url, *body; /* fetch */
	struct env_var *headers; /* fetch */
	size_t header_count;
	char *server, *mcp_tool; /* mcp */
	char *mcp_args; /* mcp: JSON text as received, compact */
	char *annotations; /* mcp: JSON text, claimed */
	char **write, **read, **hosts; /* permission */
	size_t write_count, read_count, host_count;
	char *scope; /* permission */
};

/* Who proposes: told by the kernel, never by the request. */
struct proposer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	uint64_t started; /* when its process did, in ticks; 0: not known */
	char *home; /* from the password file (check, evaluate: as stated) */
};

struct proposal {
	enum tool tool;
	struct tool_input input;
	char *cwd, *workspace;
	char *session;
	char *agent_name, *agent_version; /* claims */
	char *justification; /* a claim */
	struct turn *transcript; /* a claim */
	size_t transcript_count;
	char *profile; /* asked for; NULL = the session's */
	enum executor_kind executor;
	bool execute;
	bool overlay; /* on a copy of the workspace */
	bool tty; /* with a terminal of its own */
};

/* Where a rule is: shown with every decision. */
struct rule_ref {
	const char *id, *file;
	unsigned line;
	enum decision decision;
	const char *reason, *suggest;
	bool floor;
};

struct effect {
	enum effect_kind kind;
	enum path_class path_class;
	enum code_class code_class;
	const char *target; /* path, host[:port], program; NULL if none */
	uint16_t port; /* connect: what the scheme means; 0: not said */
	const char *why; /* "option -o writes its operand" */
	/* Unknown, but only as the answer of an MCP server to a read is. */
	bool by_server;
	enum decision decision;
	struct rule_ref rule; /* id NULL: by default */
};

/* A simple command, an edit, a request: what rules judge. */
struct part {
	const char *text; /* normalised, secrets masked, not escaped */
	const char *context; /* "in $( )", "via env", or NULL */
	enum decision decision;
	enum risk risk;
	struct effect *effects;
	size_t effect_count;
	struct rule_ref *rules; /* those that matched, strictest first */
	size_t rule_count;
	const char *not_understood; /* why, or NULL */
	const struct part_command *command; /* part_command.h; or NULL */
	bool floor; /* a floor asks for more than allow */
};

/* What the run would be permitted; hashed, shown, never widened (I5). */
/* What a rule denies whatever reaches for it. */
struct denied_host {
	const char *host; /* a pattern, as the rule has it */
	const char *rule;
};

struct execution_profile {
	const char *name;
	const char **hosts; /* host or host:port */
	size_t host_count;
	bool online; /* it connects, also where no host can be told */
	const char *network; /* "runs offline" or the like; or NULL */
	const char **write; /* beyond the workspace */
	size_t write_count;
	const char **read;
	size_t read_count;
	const struct denied_host *denied; /* also where the profile names it */
	size_t denied_count;
};

/*
 * A file that the action would execute or edit, as it was found when somebody
 * was about to look at it. Part of the plan, so of what is hashed (I4).
 */
enum operand_state {
	OPERAND_INVALID,
	OPERAND_FILE, /* sha256 holds */
	OPERAND_ABSENT, /* nothing is there */
	OPERAND_OTHER, /* a folder or the like: no content to hold on to */
	OPERAND_UNREADABLE, /* nobody can vouch for it: why says so */
	OPERAND_TREE, /* sha256 holds for all code below the folder */
};

struct operand {
	const char *named; /* absolute, as the action names it */
	const char *path; /* where that leads, links followed */
	enum operand_state state;
	bool edited; /* else executed */
	bool frozen; /* nothing in the action may change it */
	bool soft; /* held on to where it can be; known until the look */
	bool tree; /* a folder: all code below it */
	uint8_t sha256[SHA256_LEN];
	const char *why;
};

/* By rules. */
struct classification {
	enum decision decision;
	enum risk risk;
	enum decided_by by; /* BY_RULE, BY_DEFAULT, BY_POLICY, BY_CEILING */
	const char *reason;
	const char *suggest;
	const char *display; /* what is proposed in one text, secrets masked */
	struct part *parts;
	size_t part_count;
	bool floor; /* the decision comes from a floor rule */
	struct rule_ref rule; /* that decided; id NULL: none did */
	struct execution_profile profile;
	uint8_t policy_sha256[SHA256_LEN];
	/* Of the repository's own rules; all zero: it has none. */
	uint8_t project_sha256[SHA256_LEN];
};

/* By the LLM reviewer. */
enum review_outcome {
	REVIEW_INVALID,
	REVIEW_APPROVE,
	REVIEW_ESCALATE,
	REVIEW_DENY,
};

struct review {
	enum review_outcome outcome;
	enum risk risk;
	const char *rationale, *model, *provider;
	const char *cause; /* of an escalation: one word, or NULL */
	int64_t latency_ms, input_tokens, output_tokens;
	uint32_t attempts;
	bool cached; /* given before, for the very same question */
};

/* For the agent: what the review came to and what to do now; or NULL. */
const char *review_message(const struct review *r);

#define APPROVERS_MAX 8 /* that one question counts */
#define GROUP_NAME_MAX 33 /* of this machine; useradd's limit and the NUL */

/* The question to people: who said yes so far, who raised it to whom. */
struct inquiry {
	unsigned need; /* approvals; 0 means 1 */
	const char *group; /* one of them has to be of it; or NULL */
	const char *approvers[APPROVERS_MAX]; /* who allowed it, each once */
	size_t approver_count;
	/* Who raised it: their word is not enough. */
	const char *raisers[APPROVERS_MAX];
	size_t raiser_count;
	const char *raised_to, *raised_why; /* the last time, or NULL */
	/* Ids: what this one takes the place of, and what took its place. */
	const char *revises, *revised_to;
};

#define APPROVER_MAX 32 /* "uid:1000" */
#define LOOKERS_MAX 4

/* Somebody who has the question on his screen. */
struct looker {
	char name[APPROVER_MAX]; /* "": nobody */
	int64_t until_boot_ns;
};

/* Final, by whom, until when. */
struct ruling {
	enum decision decision; /* ALLOW or DENY */
	enum decided_by by;
	const char *approver; /* a person's name or NULL */
	const char *message; /* for the agent */
	const char *grant; /* BY_GRANT: its id; else what this answer gave */
	int64_t decided_real_ns; /* 0: not known */
	int64_t expires_boot_ns; /* CLOCK_BOOTTIME; 0 = never */
	int64_t expires_real_ns;
};

struct outcome {
	int exit, signal; /* exit -1: none; signal 0: none */
	struct str out, err_out;
	bool truncated, timed_out;
	bool shortened; /* more is kept than out and err_out have */
	bool copy; /* what it changed waits in a copy of the workspace */
	const char **violations;
	size_t violation_count;
	int64_t wall_ms;
	const char *failure; /* why it could not be run, or NULL */
};

/* As whom assent runs it. */
enum run_mode {
	MODE_NONE, /* it does not, or does not know yet */
	MODE_UNELEVATED, /* the proposer */
	MODE_ELEVATED, /* an account of its own, behind a firewall */
};

/* NULL: MODE_NONE. */
const char *run_mode_name(enum run_mode m);

enum stage {
	STAGE_INVALID,
	STAGE_PROPOSED,
	STAGE_PENDING, /* waits for a reviewer or a person */
	STAGE_DECIDED, /* ruling recorded */
	STAGE_RUNNING,
	STAGE_DONE,
	STAGE_UNKNOWN,
	STAGE_CANCELLED,
	STAGE_EXPIRED,
};

const char *stage_name(enum stage s);

#define ACTION_ID_MAX 40

/* A repository's own rules, ready to be judged by (rules/project.h). */
struct project_rules;

struct action {
	struct arena *arena; /* owned */
	/* Borrowed, while it is classified: of its workspace; NULL: none. */
	const struct project_rules *project;
	char id[ACTION_ID_MAX];
	struct proposer proposer;
	struct proposal proposal;
	/* Who executes it is a client that contains what it runs, as the
	 * administrator says; not a claim, and not in the record. */
	bool contained;
	/* Asked by a run of ours, this one, while it waits; not a claim, and
	 * not in the record. */
	const char *during;
	/* What the run is told of its place in the caller's trace, or NULL;
	 * not in the record. */
	const char *run_traceparent;
	uint8_t sha256[SHA256_LEN]; /* of the canonical record and its plan */
	int64_t proposed_real_ns;
	int64_t answer_by_real_ns; /* while it waits; 0: not known */
	enum stage stage;
	struct classification classification;
	struct operand *operands;
	size_t operand_count;
	struct review review;
	struct inquiry asking;
	struct looker lookers[LOOKERS_MAX]; /* in memory only */
	struct ruling ruling;
	enum run_mode mode;
	const char *mode_why; /* not elevated though preferred; or NULL */
	struct outcome outcome;
	uint64_t seq; /* of its last row in the log */
	uint8_t log_hash[SHA256_LEN]; /* of that row */
};

int action_new(struct action **ret, struct err *e);
void action_free(struct action *a);
void action_freep(struct action **a);

/*
 * The canonical record of the proposal and the proposer's uid and home:
 * length-prefixed, versioned, every field. It is what is hashed, stored and
 * sent from front to engine.
 */
void action_encode(const struct action *a, struct buf *out);
/* Operands by themselves: what a launcher says and what is stored. */
void operands_encode(const struct operand *list, size_t count, struct buf *out);
/* Sets r->failed where they are ill-formed. */
void operands_decode(
    struct rec *r, struct arena *a, struct operand **ret, size_t *ret_count);
int action_decode(struct str record, struct action *ret, struct err *e);

#endif
