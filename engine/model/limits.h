#ifndef MODEL_LIMITS_H
#define MODEL_LIMITS_H
/*
 * Every limit on what comes from outside, with its unit in its name. Beyond
 * a limit the answer is an error or a person, never an allow.
 */

#define ACTION_BYTES_MAX ((size_t)4 << 20) /* canonical record */
#define ACTION_ARENA_MAX ((size_t)32 << 20) /* everything one action holds */
#define SCRIPT_BYTES_MAX ((size_t)1 << 20)
#define SCRIPT_UNDERSTOOD_MAX ((size_t)64 << 10) /* longer: not understood */
#define ARGV_WORDS_MAX 4096
#define ENV_VARS_MAX 256
#define ACTION_FILES_MAX 64 /* files that one action executes or edits */
#define EDITS_MAX 1000
#define TRANSCRIPT_ITEMS_MAX 1000
#define JSON_DEPTH_MAX 32
#define JSON_NODES_MAX 200000 /* values in one JSON text */
#define ARG_BYTES_MAX 131071 /* one argument or variable: the kernel's */
#define URL_BYTES_MAX 8192
#define TIMEOUT_MS_MAX 86400000 /* a day */
#define PERMISSION_ITEMS_MAX 256
#define PATH_BYTES_MAX 4096
#define NAME_BYTES_MAX 128 /* session, agent, profile, tool names */
#define REASON_BYTES_MAX 4096 /* justification, reason, message */
#define IDEMPOTENCY_KEY_MAX 128

#define HTTP_HEAD_BYTES_MAX 16384
#define HTTP_BODY_BYTES_MAX ((size_t)4 << 20)
#define HTTP_BUFFERED_BYTES_MAX ((size_t)64 << 20) /* of all clients */
#define HTTP_HELD_BYTES_MAX ((size_t)128 << 20) /* answers not taken */
#define HTTP_REQUEST_DEADLINE_MS 10000
#define HTTP_IDLE_MS 300000 /* between two requests */
#define HTTP_STALL_MS 30000 /* a client takes nothing of its answer */
#define HTTP_LINGER_MS 1000 /* after the last answer */
#define HTTP_READER_STALL_MS 3600000 /* the same of a run's output */
#define HTTP_LAST_STALL_MS 300000 /* of what is left of it, once it is whole */
#define HTTP_SIGN_OF_LIFE_MS 15000 /* a comment in an event stream */
#define HTTP_WAIT_MS_MAX 600000
#define HTTP_CONNECTIONS_MAX 4096
#define HTTP_CONNECTIONS_PER_UID_MAX 2048
#define MCP_SESSIONS_MAX 1024 /* over HTTP; the oldest idle one ends */
#define MCP_SESSIONS_PER_UID_MAX 512
#define MCP_IDLE_MS 1800000 /* then a session ends */
#define MCP_STREAMS_MAX 32 /* of a session */
#define MCP_WORKS_PER_SESSION_MAX 16 /* calls under way */
#define MCP_WORKS_MAX 4096 /* of all sessions, and subscriptions */
#define MCP_WORKS_PER_UID_MAX 1024
#define MCP_KEPT_BYTES_MAX ((size_t)1 << 20) /* of a session, for who resumes */
#define MCP_KEPT_ALL_BYTES_MAX ((size_t)64 << 20) /* of all sessions */

#define PENDING_MAX 10000
#define PENDING_PER_UID_MAX 2000
#define ASK_TIMEOUT_MS_DEFAULT 600000
#define REVIEW_TIMEOUT_MS_DEFAULT 90000

#define PARTS_MAX 2048
#define EFFECTS_PER_PART_MAX 512
#define RULES_MAX 100000
#define RULE_FILE_BYTES_MAX ((size_t)16 << 20)

#define RUN_OUTPUT_BYTES_DEFAULT ((size_t)8 << 20)
#define OUTCOME_OUTPUT_BYTES_MAX ((size_t)1 << 20) /* in a decision */
#define RUN_WINDOW_BYTES ((size_t)512 << 10) /* of output not yet taken */
#define RUN_FIRST_READER_MS 2000 /* output that is not kept waits for one */
#define RUN_ORPHAN_MS 2000 /* from HUP to KILL when its reader hung up */
#define RUN_KEPT_BYTES_MAX ((size_t)256 << 20) /* output of all actions */
#define RUN_KEPT_ENDED_BYTES_MAX ((size_t)64 << 20) /* that ended */
#define RUN_WALL_MS_DEFAULT 600000

#endif
