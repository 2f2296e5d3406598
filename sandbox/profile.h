#ifndef SANDBOX_PROFILE_H
#define SANDBOX_PROFILE_H
/*
 * What a run may see, write and use: profiles and lists as data.
 *
 *     const struct profile *p = profile_find("workspace-write");
 *
 * Those of a configuration are in profile_set.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan_limits {
	uint64_t memory_bytes; /* of all processes together */
	uint64_t file_bytes; /* one file */
	uint64_t tmp_bytes; /* private /tmp, /dev/shm and caches */
	uint64_t disk_bytes; /* what the run may add to the workspace */
	uint64_t output_bytes; /* that are kept of stdout and stderr, each */
	uint64_t stream_bytes; /* of each; more ends the run */
	uint32_t processes;
	uint32_t descriptors;
	uint32_t new_files; /* made in the workspace */
	uint32_t cpu_percent; /* of one processor; 0: not limited */
	int64_t wall_ms;
};

/* 0: as net_policy_default has it. */
struct profile_network {
	uint64_t connections; /* at one time */
	uint64_t up_bytes, down_bytes, rate_bytes; /* of the run; a second */
	int64_t idle_ms;
	const char *upstream; /* host:port of a site's proxy, or NULL */
};

/* A list ends with NULL and may be NULL. Paths begin with /, ~/ (the home of
 * whoever proposes) or $workspace. */
struct profile {
	const char *name;
	const char *summary;
	const char *where; /* file:line, or NULL: built in */
	bool write; /* the workspace is writable */
	bool online; /* hosts below, those that it is granted, by the proxy */
	bool hosts_only; /* nobody is asked about others while it runs */
	bool unconfined; /* no sandbox at all */
	bool overlay; /* writes go to a copy, applied afterwards or not */
	bool strict; /* system calls by an allow-list */
	enum profile_identity {
		RUNS_BY_DEFAULT, /* as the network and the setting say */
		RUNS_AS_OWN, /* as whoever proposed it */
		RUNS_OFFLINE, /* as one of the accounts of elevated mode */
		RUNS_ONLINE,
	} identity;
	struct plan_limits limits;
	const char *const *write_roots; /* beyond the workspace */
	const char *const *read_roots;
	const char *const *hide;
	const char *const *deny; /* globs: neither read nor written */
	const char *const *protect; /* at the top of the workspace */
	const char *const *env; /* NAME, NAME*: let through */
	const char *const *set_env; /* NAME=value */
	const char *const *require; /* landlock>=3, userns, ... */
	const char *const *hosts; /* as net_rule_parse_line reads them */
	/* The default profile's hosts: whoever names one of them gets no more
	 * of it than what is said there. Nothing is reached by them. */
	const char *const *bounds;
	const char *const *ech; /* hosts whose hello may be encrypted */
	struct profile_network net;
};

/* The built-in profile of that name, or NULL. */
const struct profile *profile_find(const char *name);
const struct profile *profile_at(size_t i); /* NULL after the last */
size_t profile_list_len(const char *const *list);

/* A list ends with NULL. */
extern const char *const profile_system[]; /* shown as on the host */
extern const char *const profile_tools[]; /* in the home, read-only */
extern const char *const profile_tool_settings[]; /* without credentials */
extern const char *const profile_tool_secrets[]; /* masked among them */
extern const char *const profile_caches[]; /* in the home, private, empty */
extern const char *const profile_hidden[]; /* masked where they exist */
extern const char *const profile_secrets[]; /* in the workspace, masked */
/* At the top of a workspace: what programs outside obey unasked. */
extern const char *const profile_protected[];
extern const char *const profile_env[]; /* names; a final * matches more */
/* A workspace may not be one of these or lie in them. */
extern const char *const profile_no_workspace[];

#endif
