#ifndef RULES_EFFECTS_INT_H
#define RULES_EFFECTS_INT_H
/*
 * Inside of the evaluator: one run judges one action, one judge one part.
 *
 *     effects_of -> run_script -> judge_part -> roles -> effect_add
 *
 * Private to rules/effects*.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "effects.h"
#include "paths.h"
#include "programs_int.h"
#include "secrets.h"
#include "shell/shell.h"

#define SCRIPT_NEST_MAX 8 /* texts within texts that are shell again */
#define OPERANDS_KEPT_MAX 4096
#define OPTIONS_SEEN_MAX 256
#define WRITTEN_MAX 256

/* What a part does to the data that pass through it. */
enum flow {
	FLOW_SECRET = 1, /* holds what was read from a secret place */
	FLOW_DOWNLOAD = 2, /* came from another machine */
	FLOW_WORKSPACE = 4, /* content of files of the workspace */
	FLOW_ENVIRONMENT = 8, /* values of variables, names of accounts */
	FLOW_DECODED = 16, /* made readable only here: base64 -d, xxd -r */
	FLOW_NAMES = 32, /* names of files below the workspace */
	FLOW_UNKNOWN = 64, /* read from who knows where */
	FLOW_ANY_NAMES = 128, /* names of files of any place */
};

/* A file that this action writes before it is used. */
struct written {
	const char *abs;
	unsigned flow;
	struct str text; /* the content when it is known */
	bool text_known;
};

struct script; /* one text with its parts, under evaluation */

struct run {
	const struct programs *programs;
	const struct action *action;
	struct arena *arena;
	struct part *parts; /* in the arena, PARTS_MAX at most */
	struct part_command *commands;
	size_t count, cap;
	unsigned depth; /* of texts within texts */
	bool overflow; /* over a limit: reported once */
	struct written written[WRITTEN_MAX];
	size_t written_count;
	unsigned flow_all; /* of all parts so far */
	bool empty_ok; /* a text without commands: nothing is done */
};

/* A word, or what is left of it behind "--option=". */
struct arg {
	const struct shell_word *word;
	size_t skip; /* bytes of its text that are not meant */
	struct str text; /* the likely text behind those */
	bool known; /* exactly text */
};

struct judge {
	struct run *run;
	struct script *script;
	const struct shell_part *shell;
	const struct programs *programs;
	struct arena *arena;
	const struct entry *entry; /* the innermost subcommand, or NULL */
	struct str program;
	struct part_command *command;
	struct effect *effects;
	size_t effect_count, effect_cap;
	unsigned flow_in, flow_out;
	size_t written_from; /* files that this part wrote: from here */
	/* what -C has changed; NULL: the part's own */
	const char *dir;
	bool dir_unknown;
	const struct option *seen[OPTIONS_SEEN_MAX];
	size_t seen_count;
	struct arg *operands; /* in the arena */
	size_t operand_count, operand_cap;
	size_t operand_at; /* the operand that a role looks at */
	struct str by; /* "option --output", "operand": for why */
	bool wrapper; /* the commands inside are parts of their own */
	bool stop; /* a role took the rest of the words */
	bool has_child; /* a role saw a command to start */
	const char *not_understood;
};

/* ---- words (effects_word.c) -------------------------------------------- */

struct arg arg_of(const struct shell_word *w, size_t skip);
/* A text that is known, as an argument. */
struct arg arg_text(struct arena *a, struct str text);
/* What place the argument names; every directory it may be relative to. */
void arg_place(struct judge *j, const struct arg *a, struct path_facts *ret);
/* The flow of the pieces: substitutions and input. */
unsigned arg_flow(struct judge *j, const struct arg *a);

/* ---- effects (effects_add.c) ------------------------------------------- */

void effect_add(struct judge *j, const struct effect *what);
/* Kinds with a place. */
void effect_read(struct judge *j, const struct arg *a, bool tree);
void effect_write(struct judge *j, const struct arg *a, const char *verb);
void effect_delete(struct judge *j, const struct arg *a, bool tree);
/* Runs the file that the argument names. */
void effect_run(struct judge *j, const struct arg *a);
/* host, or host:port; data: the class of what is sent, PATH_NONE: nothing. */
void effect_connect(struct judge *j, struct str host, enum path_class data);
void effect_unknown(struct judge *j, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *judge_say(struct judge *j, const char *fmt, ...) PRINTF_LIKE(2, 3);
void acts_apply(struct judge *j, const struct acts *acts, const struct arg *a);
/* Roles of several files, gathered in the table of effects_roles.c. */
role_fn role_read, role_tree, role_stat, role_write, role_meta, role_create,
    role_edit, role_delete, role_deltree, role_move, role_truncate,
    role_overwrite, role_link, role_setdate, role_dest, role_unpack,
    role_archive, role_compress, role_awkfile, role_report, role_install_dir,
    role_cmake_command, role_run, role_program, role_helper, role_search_path,
    role_run_path, role_option_text, role_alias, role_script, role_shell,
    role_code, role_child, role_dir, role_project, role_config,
    role_module_file, role_perl_module, role_perl_edit, role_doc_input,
    role_setting, role_gdb, role_pipe_or_file, role_shell_file, role_checkpoint,
    role_any;
role_fn role_url, role_send_url, role_host, role_remote, role_copy_from,
    role_copy_to, role_data, role_form, role_mount, role_socket;
role_fn role_sed, role_awk, role_sql, role_jq, role_editor;
role_fn role_checkout, role_clone_dir, role_method;
role_fn role_go_package, role_java_class, role_mvn_goal;
role_fn role_requirement, role_npx_package, role_npx_local, role_npm_setting,
    role_yarn_config, role_bundle_config, role_guard, role_global,
    role_script_or_url, role_sqlite;
role_fn role_socat, role_http_word, role_dns, role_ssh_option, role_mirror_to,
    role_keyfile, role_secret_file, role_openssl_read, role_host_namespace,
    role_kube_kind, role_aws_setting, role_s3_word, role_cloud_verb, role_mongo,
    role_redis, role_sqlite_sql, role_sysctl, role_ip_word, role_media;
void role_sqlite_input(struct judge *j);
role_fn role_clone_from;
role_fn role_make_dry, role_media_in;
role_fn role_git_setting, role_git_key, role_refspec, role_git_url;
role_fn role_package, role_script_name, role_make_word, role_module;
handler_fn handle_find, handle_test, handle_echo, handle_git_config;
/* Connects to the peer of a URL; data as in effect_connect. */
void url_connect(struct judge *j, const struct arg *a, enum path_class data);
void effect_remote(struct judge *j, const char *target);
void effect_privilege(struct judge *j, const char *target);

/* ---- commands (effects_command.c) -------------------------------------- */

void judge_command(struct judge *j);
/* Judges words from index on as options and operands of an entry. */
void judge_words(struct judge *j, const struct entry *en, size_t from);
bool judge_seen(const struct judge *j, const char *option);
/* A shell text inside this part: its commands become parts. */
void judge_shell_text(struct judge *j, const struct arg *a, const char *via);
void judge_child(struct judge *j, size_t from, const char *via);
bool find_names_generated(struct judge *j, const struct shell_part *find);
/* Text in another language (effects_code.c). */
void judge_code(struct judge *j, struct str language, const struct arg *a);

/* Adds a part that no shell text has. 0, ERR_NOMEM or ERR_LIMIT. */
int run_add_part(struct run *run, const struct part *part,
    const struct part_command *command);
/* Remembers that this action wrote a file. */
void written_add(struct judge *j, const char *abs, unsigned flow,
    struct str text, bool text_known);

#endif
