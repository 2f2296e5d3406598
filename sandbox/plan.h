#ifndef SANDBOX_PLAN_H
#define SANDBOX_PLAN_H
/*
 * A sandbox as data: what will be shown, hidden, written, limited and run.
 * Making a plan reads nothing but its arguments; performing it is the work
 * of op_*.c in assent-exec.
 *
 *     r = plan_make(&(struct plan_options){ .profile = p,
 *         .workspace = ws, .home = home, .argv = argv, .argc = n,
 *         .who = who }, arena, &plan, e);
 *     plan_encode(plan, &record);      what is hashed, approved and sent
 *     plan_json(plan, &text);          --print-plan
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "model/credential.h"
#include "sandbox/net_policy.h"
#include "sandbox/profile.h"

#define PLAN_VERSION 6
#define PLAN_OPS_MAX 1024
#define PLAN_PINS_MAX 4096
#define PLAN_EDITS_MAX 1000
#define PLAN_BYTES_MAX ((size_t)16 << 20)
#define PLAN_PIN_BYTES_MAX ((size_t)64 << 20)
#define PLAN_PORTS_MAX 32
#define PLAN_SOCKETS_MAX 8
#define PLAN_SOCKET_NAME_MAX 32
#define PLAN_SOCKETS_DIR "/run/assent" /* of a run: sockets of ours */
#define PLAN_AGENT_SOCKET "ssh-agent" /* one of them */
/* Of a run: whom to trust; and where the broker leaves it, in the daemon's
 * runtime folder. */
#define PLAN_CA_DIR "/run/assent-ca"
#define PLAN_CA_HOST_DIR "tls"
#define PLAN_UID_NONE ((uid_t)-1)
/* Who runs what root asks for: an account that owns nothing. */
#define PLAN_UID_DEDICATED 59998

enum op_kind {
	OP_INVALID,
	OP_SAME, /* the host's path, read-only: folder, file or link */
	OP_TOOL, /* the same, with the owner's rights (in the home) */
	OP_ROOTED, /* the same, writable */
	OP_DIR, /* an empty folder */
	OP_LINK, /* a symbolic link to source */
	OP_FILE, /* a file with source as its text */
	OP_DEVICES, /* null, zero, full, random, urandom, tty, pts, shm */
	OP_WORKSPACE, /* the workspace, writable or not */
	OP_PROTECT, /* read-only, cannot be renamed or replaced */
	OP_PIN_NAME, /* stays writable, cannot be renamed or replaced */
	OP_MASK, /* cannot be read */
	OP_PROC, /* processes of this run alone; read-only */
	OP_TMP, /* private, empty, size in bytes */
	OP_TMP_DIR, /* a folder in it; size is its mode */
	OP_DENY, /* what the plan's globs mean below it cannot be read */
	OP_KIND_LAST = OP_DENY,
};

enum op_flags {
	OP_OPTIONAL = 1, /* nothing to do where the path is missing */
	OP_EACH_RUN = 2, /* not part of a kept template */
	OP_WRITE = 4,
	OP_OVERLAY = 8, /* writes go to a layer, see op_overlay.c */
	OP_CLEAN = 16, /* settings: credentials in the text are left out */
};

struct op {
	enum op_kind kind;
	unsigned flags;
	const char *path; /* in the sandbox */
	const char *source; /* what it shows, when that is another path */
	uint64_t size;
};

/* On whose behalf, and as whom in the kernel's eyes. */
enum plan_identity {
	IDENTITY_INVALID,
	IDENTITY_SAME, /* the launcher's own uid, in a user namespace */
	IDENTITY_SWITCH, /* root becomes uid */
	IDENTITY_DEDICATED, /* root becomes uid, files keep their owner */
};

struct plan_who {
	enum plan_identity identity;
	uid_t uid;
	gid_t gid;
	/* DEDICATED: whose rights reach its files, and who has to own the
	 * workspace; 0: root's, and whoever owns it. */
	uid_t owner;
	gid_t owner_gid;
	const char *name; /* for /etc/passwd where it has none; or NULL */
};

/*
 * The bytes that were approved: path as the run sees it. With the content
 * given it is shown whatever the file holds now; without, the file is read
 * once, and a digest that differs ends the run before it begins.
 */
enum plan_pin_kind {
	PIN_FROZEN, /* nothing in the run can change it */
	PIN_CHECKED, /* as approved when the run begins; then the run's own */
	PIN_ABSENT, /* nothing may be there when the run begins */
	PIN_TREE, /* a folder: as PIN_CHECKED, of all code below, see code.h */
};

struct plan_pin {
	enum plan_pin_kind kind;
	const char *path;
	const char *named; /* a path that leads there by links, or NULL */
	uint8_t sha256[SHA256_LEN];
	bool given;
	mode_t mode;
	struct str content;
};

enum plan_edit_op {
	PLAN_EDIT_INVALID,
	PLAN_EDIT_CREATE,
	PLAN_EDIT_REPLACE,
	PLAN_EDIT_PATCH,
	PLAN_EDIT_DELETE,
	PLAN_EDIT_MOVE,
};

struct plan_edit {
	enum plan_edit_op op;
	const char *path, *to;
	struct str content; /* or the patch */
	bool has_sha256;
	uint8_t sha256[SHA256_LEN]; /* of the file as it was shown */
};

/* The kernel's records of what Landlock denied (audit/link.h). */
enum plan_records {
	PLAN_RECORDS_OFF, /* none are made for this run */
	PLAN_RECORDS_AUTO, /* made, and read where root can */
	PLAN_RECORDS_ON, /* auditing is switched on for that */
};

struct plan {
	const char *profile;
	struct plan_who who;
	const char *workspace, *home, *cwd;
	bool write, online, unconfined, tty;
	bool overlay, strict; /* see profile.h */
	enum plan_records records;
	struct op *ops;
	size_t op_count;
	const char **protect; /* relative to the workspace, see guard.h */
	size_t protect_count;
	const char **deny; /* globs in the workspace, see glob.h */
	size_t deny_count;
	const char **require; /* else the run does not begin */
	size_t require_count;
	const char **write_roots; /* beside the workspace */
	size_t write_root_count;
	/* With online: where programs that ignore proxies are waited for. */
	uint16_t *ports;
	size_t port_count;
	const char **sockets; /* names in PLAN_SOCKETS_DIR, see net_listen.h */
	size_t socket_count;
	struct plan_limits limits;
	/* What follows differs from run to run in one template. */
	struct net_policy net; /* with online */
	/* What it may use without having it: plan_credentials.h */
	struct config_credential *credentials;
	size_t credential_count;
	const char **argv;
	size_t argc;
	const char **env; /* NAME=value */
	size_t env_count;
	struct str stdin_text;
	bool has_stdin;
	struct plan_pin *pins;
	size_t pin_count;
	struct plan_edit *edits; /* instead of argv */
	size_t edit_count;
};

struct plan_strings {
	const char **items;
	size_t count;
};

struct plan_options {
	const struct profile *profile;
	struct plan_who who;
	const char *workspace; /* absolute, normal form */
	const char *home; /* or NULL: none is shown */
	const char *cwd; /* NULL: the workspace */
	const char *const *argv;
	size_t argc;
	const char *const *env; /* the caller's: filtered by the list */
	size_t env_count;
	const char *const *set_env; /* taken as they are */
	size_t set_env_count;
	const char *const *read, *const *write; /* beyond the profile */
	size_t read_count, write_count;
	const char *const *hide;
	size_t hide_count;
	bool network; /* also where the profile has none */
	const char *const *hosts; /* beyond the profile */
	size_t host_count;
	bool can_ask; /* about other hosts, while it runs */
	const char *const *denied; /* hosts, whatever else is said */
	size_t denied_count;
	const struct denied_host *rules_denied; /* the same, by rules */
	size_t rules_denied_count;
	const char *const *sockets;
	size_t socket_count;
	const struct config_credential *credentials;
	size_t credential_count;
	const char *ca_dir; /* of the host; with credentials */
	struct str stdin_text;
	bool has_stdin, tty, overlay;
	enum plan_records records;
	int64_t wall_ms; /* 0: the profile's; never more than that */
	const struct plan_limits *limits; /* NULL: the profile's */
	const struct plan_pin *pins;
	size_t pin_count;
	const struct plan_edit *edits;
	size_t edit_count;
};

/* ERR_INVALID or ERR_DENIED with a sentence that says what to change. */
int plan_make(const struct plan_options *o, struct arena *a, struct plan **ret,
    struct err *e);
/* What every plan of this caller begins with: operations for its root, and
 * nothing else. */
int plan_make_system(const struct plan_who *who, struct arena *a,
    struct plan **ret, struct err *e);
/* An absolute path without //, . or .. and without a final slash. */
bool plan_path_normal(const char *path);
/* True when path is root or lies below it. */
bool plan_path_within(const char *path, const char *root);
/* ~/ and $workspace become what they stand for; NULL where that is not known
 * or too long. */
const char *plan_expand(
    const char *path, const char *home, const char *workspace, struct arena *a);
/* Why this folder cannot be a workspace, or NULL. Lexical. */
const char *plan_workspace_refused(const char *workspace, const char *home);

void plan_encode(const struct plan *p, struct buf *out);
/* The plan lives in the arena and borrows from record. */
int plan_decode(
    struct str record, struct arena *a, struct plan **ret, struct err *e);
int plan_hash(struct str record, uint8_t ret[static SHA256_LEN], struct err *e);
/* The same where the frame (plan_template_key) is known to be like's: what
 * the plan has of it is borrowed from like. ERR_DENIED when it is another. */
int plan_decode_run(struct str record, struct str frame,
    const struct plan *like, struct arena *a, struct plan **ret, struct err *e);
/* Everything that a kept template depends on: two plans with the same key
 * may be run in clones of the same prepared namespaces. */
void plan_template_key(const struct plan *p, struct buf *out);
void plan_json(const struct plan *p, struct buf *out);
/* Will a run of these options have any network? */
bool plan_options_online(const struct plan_options *o);
/* plan_net.c: "runs offline", "runs with network: github.com:443 only". */
void plan_network_text(const struct plan *p, struct buf *out);
/* What a run may reach and where its proxy waits. */
int plan_make_net(const struct plan_options *o, struct plan *p, struct arena *a,
    struct err *e);
const char *op_kind_name(enum op_kind k);

#endif
