#ifndef SANDBOX_PROFILE_H
#define SANDBOX_PROFILE_H
/*
 * What a run may see, write and use: profiles and lists as data.
 *
 *     const struct profile *p = profile_find("workspace-write");
 *     if (!profile_within(asked, ceiling)) ...
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan_limits {
	uint64_t memory_bytes; /* of all processes together */
	uint64_t file_bytes; /* one file */
	uint64_t tmp_bytes; /* private /tmp, /dev/shm and caches */
	uint64_t disk_bytes; /* what the run may add to the workspace */
	uint64_t output_bytes; /* stdout and stderr, each */
	uint32_t processes;
	uint32_t descriptors;
	uint32_t new_files; /* made in the workspace */
	uint32_t cpu_percent; /* of one processor; 0: not limited */
	int64_t wall_ms;
};

struct profile {
	const char *name;
	const char *summary;
	bool write; /* the workspace is writable */
	bool online; /* the hosts that a run is granted, by the proxy */
	bool unconfined; /* no sandbox at all */
	struct plan_limits limits;
};

/* The built-in profile of that name, or NULL. */
const struct profile *profile_find(const char *name);
const struct profile *profile_at(size_t i); /* NULL after the last */

/* A list ends with NULL. */
extern const char *const profile_system[]; /* shown as on the host */
extern const char *const profile_tools[]; /* in the home, read-only */
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
