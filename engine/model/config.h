#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H
/*
 * The configuration as a value: settings are a table (config.c), so that the
 * parser, the ranges and the documentation come from one row.
 *
 *     r = config_load(&(struct config_sources){ .file = path }, diags,
 *         &config, e);
 *
 * Unknown keys, wrong types and values out of range are diagnostics with a
 * place; there is no partial load. requirements.yaml (the administrator's)
 * limits and forces values and cannot be overridden. What is set but not
 * supported by this build is an error too, never ignored.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "model/action.h"
#include "model/credential.h"

enum approvals_reviewer {
	REVIEWER_INVALID,
	REVIEWER_AUTO,
	REVIEWER_USER,
};

/* Which answers may last; the order is that of core/ruling.h. */
enum config_grants {
	CONFIG_GRANTS_INVALID,
	CONFIG_GRANTS_NONE,
	CONFIG_GRANTS_SESSION,
	CONFIG_GRANTS_UNTIL,
};

enum log_payloads {
	PAYLOADS_INVALID,
	PAYLOADS_OFF,
	PAYLOADS_MASKED,
	PAYLOADS_FULL,
};

enum otlp_protocol {
	OTLP_INVALID,
	OTLP_PROTOBUF,
	OTLP_JSON,
};

enum otlp_signal {
	OTLP_LOGS,
	OTLP_TRACES,
	OTLP_METRICS,
	OTLP_SIGNALS,
};

/* How a signal of OpenTelemetry leaves: from the configuration, or from
 * OTEL_* variables (config_otel.c). */
struct config_otlp_way {
	const char *url; /* whole; NULL: it does not */
	enum otlp_protocol protocol;
	int64_t timeout_ms;
	bool gzip;
	const char *ca_file; /* or NULL */
	/* Secret texts, as otlp_headers is: or NULL. */
	const char *headers, *cert, *key;
};

/* Whether runs have accounts of their own; needs root and a set-up. */
enum elevated_mode {
	ELEVATED_INVALID,
	ELEVATED_OFF,
	ELEVATED_PREFERRED, /* else as the proposer, and that is said */
	ELEVATED_REQUIRED, /* else nothing runs */
};

/* The kernel's audit records of what a run's Landlock domain denied. */
enum sandbox_audit {
	SANDBOX_AUDIT_INVALID,
	SANDBOX_AUDIT_OFF, /* none are made */
	SANDBOX_AUDIT_AUTO, /* made and read where auditing is on */
	SANDBOX_AUDIT_ON, /* it is switched on */
};

/* Whose secrets travel with a configuration. */
enum config_secrets {
	SECRETS_NONE,
	SECRETS_OF_FRONT,
	SECRETS_OF_REPORTER,
	SECRETS_OF_ENGINE,
	SECRETS_ALL,
};

struct config_strings {
	const char **items;
	size_t count;
};

/* What the reviewer's word is worth. */
enum reviewer_mode {
	REVIEWER_MODE_INVALID,
	REVIEWER_ACTIVE,
	REVIEWER_SHADOW, /* it is asked, and a person decides */
};

enum reviewer_policy_mode {
	REVIEWER_POLICY_INVALID,
	REVIEWER_POLICY_ADD,
	REVIEWER_POLICY_REPLACE,
};

/* From which risk on two providers have to agree. */
enum reviewer_quorum {
	QUORUM_INVALID,
	QUORUM_NEVER,
	QUORUM_LOW,
	QUORUM_MEDIUM,
	QUORUM_HIGH,
};

struct config_provider {
	const char *name, *format;
	/* https; http only to loopback; unix:/path; or NULL */
	const char *url;
	const char *model; /* or NULL */
	/* Where the key is: at most one of the three. */
	const char *key_file, *key_env;
	struct config_strings key_command;
	struct config_strings command; /* of format command */
	const char *ca_file, *proxy; /* or NULL */
	struct config_strings aliases; /* names the model may answer with */
	const char *token_field; /* of format chat; NULL: the usual */
	bool no_schema; /* do not ask the provider to enforce ours */
	bool public_only; /* no private address behind the name */
};

/* 0 and NULL: as in the base. */
struct config_profile {
	const char *name, *summary;
	const char *base; /* another profile's name, or NULL */
	const char *where; /* file:line, for messages */
	/* Paths begin with /, ~/ or $workspace. */
	struct config_strings write;
	bool has_write; /* an empty list: nothing is writable */
	struct config_strings read, hide; /* beyond the base */
	struct config_strings deny; /* globs in the workspace */
	struct config_strings protect; /* paths at its top */
	/* "host[:port] [http|tls|tcp] [METHOD...]" that it reaches */
	struct config_strings network;
	bool has_network; /* an empty list: no network */
	bool network_only; /* nobody is asked about other hosts */
	/* Of those: a part of the TLS hello may be encrypted. */
	struct config_strings network_ech;
	const char *network_upstream; /* host:port of a site's proxy */
	uint64_t net_connections, net_up_bytes, net_down_bytes, net_rate_bytes;
	int64_t net_idle_ms;
	struct config_strings env; /* NAME, NAME* or NAME=value */
	bool overlay, strict;
	/* As whom it runs: "own", "offline", "online", or NULL: as the network
	 * and the setting say. */
	const char *identity;
	uint64_t memory_bytes, output_bytes, stream_bytes;
	uint64_t file_bytes, tmp_bytes, disk_bytes;
	uint64_t pids, files, cpu_percent;
	int64_t wall_ms;
};

/* require: [landlock>=3, seccomp]. */
struct config_require {
	const char *feature;
	uint64_t min; /* 0: only that it is there */
};

struct config_rule_dir {
	const char *path;
	bool user; /* the user's own, else the organisation's */
	bool requirements; /* the administrator's */
	bool optional; /* a default place: it need not exist */
	bool missing; /* and did not, when it was looked for */
};

enum requirement_kind {
	REQUIREMENT_INVALID,
	REQUIREMENT_ALLOWED,
	REQUIREMENT_DENIED,
	REQUIREMENT_FORCED,
};

/* One word of requirements.yaml; what it is asked for: requirements.h. */
struct config_requirement {
	const char *key; /* "telemetry.otlp" */
	enum requirement_kind kind;
	struct config_strings values;
	const char *where; /* file:line */
};

/* requirements.yaml; an empty list permits everything. */
struct config_ceiling {
	struct config_strings approval_policy, approvals_reviewer, profiles;
	struct config_strings credentials; /* by name */
	const char *file; /* NULL: there is none */
	struct config_requirement *lines;
	size_t line_count;
};

#define ELEVATED_DIR "/etc/assent"
#define ELEVATED_FILE ELEVATED_DIR "/elevated.yaml"
#define ELEVATED_VERSION "1"
#define ELEVATED_POOL_MAX 64
#define ELEVATED_PORTS_MAX 16

struct config_account {
	const char *name;
	uint32_t uid, gid;
};

/* Left by 'assent setup --elevated'. */
struct config_elevated {
	bool set_up;
	/* The supervisor found its firewall in force; why not, otherwise. */
	bool ready;
	const char *why_not;
	struct config_account offline;
	struct config_account online[ELEVATED_POOL_MAX];
	size_t online_count;
	uint16_t ports[ELEVATED_PORTS_MAX]; /* of proxies on this machine */
	size_t port_count;
	struct config_strings workspaces; /* with rights by ACL */
};

struct config {
	struct arena *arena; /* owned */
	enum elevated_mode elevated;
	struct config_elevated elevated_setup;
	enum sandbox_audit sandbox_audit;
	int64_t launcher_timeout_ms, role_timeout_ms;
	enum approval_policy approval_policy;
	enum approvals_reviewer approvals_reviewer;
	unsigned contained_clients; /* see config_contains */
	int64_t ask_timeout_ms;
	enum config_grants grants;
	unsigned approvals[RISK_CRITICAL + 1]; /* by risk; 0: one */
	/* By risk: of which group one of those people has to be; or "". */
	char approver_groups[RISK_CRITICAL + 1][GROUP_NAME_MAX];
	int64_t review_timeout_ms;
	enum reviewer_mode reviewer_mode;
	enum reviewer_policy_mode reviewer_policy_mode;
	enum reviewer_quorum reviewer_quorum;
	const char *reviewer_policy_file; /* or NULL */
	int64_t reviewer_parallel, reviewer_queue;
	int64_t reviewer_cache_ms; /* 0: none */
	int64_t reviewer_session_tokens; /* 0: no limit */
	struct config_provider *providers;
	size_t provider_count;
	struct config_profile *profiles;
	size_t profile_count;
	struct config_credential *credentials;
	size_t credential_count;
	const char *listen_tcp; /* "127.0.0.1:7878" or NULL */
	const char *token_file;
	/* The text of token_file (api/auth.h has its form); the supervisor
	 * reads it, front alone gets it. */
	const char *token;
	const char *passphrase_file; /* or NULL: the default place, if any */
	/* Its text (base/passphrase.h); the supervisor reads it, the engine
	 * alone gets it. NULL: nobody has one. */
	const char *passphrases;
	enum log_payloads log_payloads;
	int64_t log_retention_ms; /* 0: for ever */
	/* Where the log is sent to; NULL: nowhere. */
	const char *otlp, *syslog, *journal, *telemetry_file, *webhook;
	enum otlp_protocol otlp_protocol;
	const char *telemetry_ca_file;
	const char *otlp_headers_file, *webhook_key_file;
	/* Their texts; the supervisor reads them, the reporter alone gets
	 * them. */
	const char *otlp_headers, *webhook_key;
	/* Who we are for those who ask for a certificate: files, texts. */
	const char *telemetry_cert_file, *telemetry_key_file;
	const char *telemetry_cert, *telemetry_key;
	struct config_otlp_way otlp_ways[OTLP_SIGNALS];
	/* How we are called; NULL: assent. Lines "name=value", or NULL. */
	const char *otlp_service, *otlp_resource;
	struct config_require *require;
	size_t require_count;
	struct config_rule_dir *rule_dirs;
	size_t rule_dir_count;
	struct config_ceiling ceiling;
	const char *state_dir, *runtime_dir;
	const char *home; /* of the user whose daemon this is, or NULL */
};

/* Where it comes from: the command line. NULL: the default places. */
struct config_sources {
	const char *file, *requirements, *state_dir, *runtime_dir;
	const char *const *rule_dirs; /* besides /etc/assent/rules.d */
	size_t rule_dir_count;
	bool no_file; /* the defaults, whatever files there are */
	/* The daemon's own, for OTEL_*; NULL: it says nothing. */
	const char *const *environment;
};

/* Its name beside the configuration. */
#define CONFIG_PASSPHRASES "passphrases"

/* On ERR_INVALID the findings are in d. */
int config_load(const struct config_sources *s, struct diags *d,
    struct config **ret, struct err *e);
void config_free(struct config *c);
void config_freep(struct config **c);
/* Opens a file whose owner and mode are right, checked on the descriptor;
 * secret: nobody else may even read it. ERR_NOTFOUND when there is none. */
int config_open_owned(const char *path, bool secret, int *ret, struct err *e);
/* For a role: secrets only where it needs them. */
void config_encode(
    const struct config *c, enum config_secrets secrets, struct buf *out);
/* Is the log sent anywhere? */
bool config_has_destination(const struct config *c);
unsigned config_destinations(const struct config *c);
bool config_has_otlp(const struct config *c);
/* Is that the name of a destination that a configuration can have? */
bool config_is_destination(const char *name);
int config_decode(struct str record, struct config **ret, struct err *e);
/* Is what this client runs itself contained, as the administrator says? */
bool config_contains(unsigned contained_clients, const char *agent);
/* May an action of this daemon run under that profile at all? */
bool config_profile_allowed(const struct config *c, const char *profile);
const struct config_profile *config_profile(
    const struct config *c, const char *name);
/* The runtime folder that a client looks in: --runtime or the default. */
int config_runtime_dir(
    const char *given, struct arena *a, const char **ret, struct err *e);
/* The state folder that offline tools look in: --state or the default. */
int config_state_dir(
    const char *given, struct arena *a, const char **ret, struct err *e);
/* Where passphrases are when no setting says so; NULL without a home. */
int config_passphrases_path(struct arena *a, const char **ret, struct err *e);
const char *elevated_mode_name(enum elevated_mode m);
/* Every setting: key, values, default, help. */
void config_describe(struct buf *out);

#endif
