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
	FLOW_ANY_NAMES = 128, /* names of files, of secret places, too */
	FLOW_FAR_NAMES = 256, /* names of files outside, none of them secret */
};

#define MOVED_MAX 16
#define PLACES_KEPT 64 /* a power of two */

/* What a path was judged to be: the same words come again and again. */
struct place_kept {
	struct str cwd, path; /* path.s NULL: empty */
	bool glob;
	struct path_facts facts;
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
	/* Where work was moved that could have been made again otherwise. */
	const char *moved[MOVED_MAX];
	size_t moved_count; /* MOVED_MAX: perhaps anywhere */
	bool empty_ok; /* a text without commands: nothing is done */
	/* What is about to be done here: links are followed. */
	bool follow;
	const char *real_workspace, *real_home;
	struct place_kept *places; /* PLACES_KEPT in the arena, by their hash */
};

/* A word, or what is left of it behind "--option=". */
struct arg {
	const struct shell_word *word;
	size_t skip; /* bytes of its text that are not meant */
	struct str text; /* the likely text behind those */
	bool known; /* exactly text */
	bool behind_option; /* of one not described: perhaps its value */
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
	size_t taken; /* words behind the option that a role took */
	bool has_child; /* a role saw a command to start */
	bool names_secrets; /* it looks for names that secrets have */
	bool lists_secrets; /* it lists a folder that holds secrets */
	const char *not_understood;
};

/* ---- words (effects_word.c) -------------------------------------------- */

struct arg arg_of(const struct shell_word *w, size_t skip);
/* A text that is known, as an argument. */
struct arg arg_text(struct arena *a, struct str text);
/* What place the argument names; every directory it may be relative to. */
void arg_place(struct judge *j, const struct arg *a, struct path_facts *ret);
/* A word of which nothing is said may name a secret, or what others obey. */
void arg_given(struct judge *j, const struct arg *a);
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
/* port: of the scheme, where the host names none; 0: not known. */
void effect_connect_port(
    struct judge *j, struct str host, uint16_t port, enum path_class data);
void effect_unknown(struct judge *j, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *judge_say(struct judge *j, const char *fmt, ...) PRINTF_LIKE(2, 3);
void acts_apply(struct judge *j, const struct acts *acts, const struct arg *a);
/* Roles of several files, gathered in the table of effects_roles.c. */
role_fn as_read, as_tree, as_stat, as_write, as_meta, as_create, as_edit,
    as_delete, as_deltree, as_move, as_truncate, as_overwrite, as_link,
    as_setdate, as_dest, as_unpack, as_archive, as_compress, as_awkfile,
    as_report, as_install_dir, as_cmake_command, as_run, as_program, as_helper,
    as_search_path, as_run_path, as_option_text, as_alias, as_script, as_shell,
    as_code, as_child, as_dir, as_project, as_git_dir, as_config,
    as_module_file, as_perl_module, as_perl_edit, as_doc_input, as_setting,
    as_gdb, as_pipe_or_file, as_shell_file, as_checkpoint;
role_fn as_url, as_send_url, as_host, as_remote, as_copy_from, as_copy_to,
    as_data, as_form, as_mount, as_socket;
role_fn as_sed, as_awk, as_sql, as_jq, as_editor;
role_fn as_checkout, as_clone_dir, as_method;
role_fn as_go_package, as_java_class, as_mvn_goal;
role_fn as_requirement, as_npx_package, as_npx_local, as_npm_setting,
    as_yarn_config, as_bundle_config, as_guard, as_global, as_script_or_url,
    as_sqlite;
role_fn as_socat, as_http_word, as_dns, as_ssh_option, as_mirror_to, as_keyfile,
    as_secret_file, as_openssl_read, as_host_namespace, as_kube_kind,
    as_setting_name, role_s3_word, as_cloud_verb, as_mongo, as_redis,
    as_sqlite_sql, as_sysctl, as_ip_word, as_media;
void as_sqlite_input(struct judge *j);
bool sql_is_loss(struct str statement);
role_fn as_clone_from;
role_fn as_make_dry, as_media_in, as_media_out;
role_fn as_name_glob, as_tee, as_next_read, as_next_text, as_git_object;
role_fn as_git_setting, as_git_key, as_refspec, as_git_url;
role_fn as_package, as_script_name, as_make_word, as_module;
handler_fn handle_find, handle_test, handle_echo, handle_git_config;
/* Connects to the peer of a URL; data as in effect_connect. */
void url_connect(struct judge *j, const struct arg *a, enum path_class data);
void effect_remote(struct judge *j, const char *target);
void effect_privilege(struct judge *j, const char *target);
/* Does the name of a target or a script say that it publishes? */
void name_acts_outward(struct judge *j, struct str name);

/* ---- commands (effects_command.c) -------------------------------------- */

void judge_command(struct judge *j);
/* Judges words from index on as options and operands of an entry. */
void judge_words(struct judge *j, const struct entry *en, size_t from);
bool judge_seen(const struct judge *j, const char *option);
/* A shell text inside this part: its commands become parts. */
void judge_shell_text(struct judge *j, const struct arg *a, const char *via);
void judge_child(struct judge *j, size_t from, const char *via);
bool find_names_generated(struct judge *j, const struct shell_part *find);
bool find_takes_all(const struct shell_part *find);
bool find_names_secret(struct judge *j, const struct shell_part *find);
/* Text in another language (effects_code.c). */
void judge_code(struct judge *j, struct str language, const struct arg *a);

/* ---- small languages (effects_lang.c) --------------------------- */

/* A letter, a digit or '_'. */
bool lang_ident_char(char c);
/* Is this the word that the text starts with? Letters in any case. */
bool lang_starts(struct str s, const char *word);
/* Pieces of a program's text that are not known: code not seen before. */
void lang_unknown_pieces(
    struct judge *j, const struct arg *a, const char *language);

/* Adds a part that no shell text has. 0, ERR_NOMEM or ERR_LIMIT. */
int run_add_part(struct run *run, const struct part *part,
    const struct part_command *command);

/* ---- the words, for the conditions of rules (effects_words.c) ----------- */

/* An operand of the command, behind its subcommand. */
void words_note_operand(struct judge *j, const struct shell_word *word);
/* All words of a program that is not described: what begins with '-' is an
 * option, until "--". */
void words_note_all(struct judge *j);

#endif
