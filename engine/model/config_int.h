#ifndef MODEL_CONFIG_INT_H
#define MODEL_CONFIG_INT_H
/*
 * Settings as rows: what a key may hold, its default, its help, where its
 * value is kept. Private to config_*.c.
 *
 *     const struct setting *s = setting_find(STR("listen.tcp"));
 *     setting_read(&reading, s, yaml);
 */
#include "base/yaml.h"
#include "model/config.h"

#define CONFIG_BYTES_MAX ((size_t)1 << 20)
#define CONFIG_ARENA_MAX ((size_t)8 << 20)
#define CONFIG_ITEMS_MAX 1000
#define CONFIG_RECORD_MAX ((size_t)4 << 20)
#define SETTINGS_MAX 64
#define REQUIREMENTS_MAX 256
#define CONFIG_KEY_LEN_MAX 128
#define TOKEN_FILE_BYTES_MAX ((size_t)64 << 10)

/* Whose a file has to be, and who else may do what with it. */
enum config_owner {
	OWNER_EITHER, /* root's or the user's own */
	OWNER_SECRET, /* the same, and nobody else may read it */
	OWNER_ROOT, /* the administrator's */
};

enum setting_kind {
	SETTING_ENUM, /* an enum by its names */
	SETTING_MASK, /* unsigned: a list of names, a bit each */
	SETTING_DURATION, /* int64_t, milliseconds */
	SETTING_NUMBER, /* int64_t */
	SETTING_TEXT, /* const char *, NULL when not set */
	SETTING_PATH, /* the same; ~/ is the home, absolute */
	SETTING_ADDRESS, /* the same; loopback:port */
	SETTING_URL, /* the same; https, or http to this machine */
	SETTING_SYSLOG, /* the same; unix:, udp://, tcp://, tls:// */
	SETTING_PROVIDERS,
	SETTING_PROFILES,
	SETTING_REQUIRE,
	SETTING_APPROVALS,
	SETTING_CREDENTIALS,
};

struct setting {
	const char *key; /* "listen.tcp" */
	enum setting_kind kind;
	size_t at; /* offset in struct config */
	const char *const *names; /* of the enum; names[0] is NULL */
	size_t name_count;
	int64_t min, max;
	const char *preset; /* as it would be written, or NULL */
	const char *help;
};

extern const struct setting settings[];
extern const size_t setting_count;

/* A file being read. */
struct reading {
	struct config *config;
	struct arena *arena; /* the config's: values */
	struct diags *diags;
	/* Where each setting was given, or NULL. */
	const struct yaml *given[SETTINGS_MAX];
	bool no_memory;
};

/* "listen." and "tcp" in the caller's memory; empty when too long for a key. */
struct str setting_key(
    struct str section, struct str key, char ret[static CONFIG_KEY_LEN_MAX]);
const struct setting *setting_find(struct str key);
bool setting_is_section(struct str key);
/* Puts the value at its place; findings become diags. */
void setting_read(
    struct reading *r, const struct setting *s, const struct yaml *v);
void settings_preset(struct config *c);
/* All keys of a file's map. */
void settings_read_map(struct reading *r, const struct yaml *map);
void config_unknown_key(struct reading *r, const struct yaml *key,
    const char *const *names, size_t count);
/* A scalar that is not empty, or a diag. */
bool config_scalar(struct reading *r, const struct yaml *v, const char *what);
const char *config_text(struct reading *r, const struct yaml *v);
/* One key of a small map: where its value goes. */
#define CONFIG_ENTRIES_MAX 24
struct config_entry {
	const char *key;
	void (*read)(struct reading *r, const struct yaml *v, void *to);
	size_t at;
};
/* config_lists.c */
void config_read_entries(struct reading *r, const struct yaml *map,
    const struct config_entry *entries, size_t count, void *to);
bool config_is_kind(struct reading *r, const struct yaml *v,
    enum yaml_kind kind, const char *what);
void config_read_text(struct reading *r, const struct yaml *v, void *to);
void config_read_list(struct reading *r, const struct yaml *v, void *to);
/* config_reviewer.c */
void config_read_providers(struct reading *r, const struct yaml *v);
void config_read_require(struct reading *r, const struct yaml *v);
void config_read_approvals(struct reading *r, const struct yaml *v);
bool config_read_strings(struct reading *r, const struct yaml *v,
    const char *what, struct config_strings *ret);
/* config_credentials.c */
void config_read_credentials(struct reading *r, const struct yaml *v);
void config_put_credentials(struct buf *b, const struct config *c);
void config_get_credentials(struct rec *r, struct config *c);
/* config_telemetry.c */
void config_read_url(
    struct reading *r, const struct setting *s, const struct yaml *v);
void config_read_syslog(
    struct reading *r, const struct setting *s, const struct yaml *v);
/* What belongs together, and the files with secrets. */
int config_check_telemetry(
    struct reading *r, const char *const *environment, struct err *e);
/* A certificate and its private key, as text. */
int config_read_pair(struct reading *r, const char *cert, const char *key,
    const char **ret_cert, const char **ret_key, struct err *e);
/* config_otel.c: how OTLP leaves, when everything else is known. */
int config_set_otlp(
    struct reading *r, const char *const *environment, struct err *e);
void config_put_text(
    struct reading *r, const struct setting *s, const char *text);
/* Where a setting was given, or NULL. */
const struct yaml *config_place_of(const struct reading *r, const char *key);
/* A private file of plain ASCII, as hint tells how to make one. */
int config_read_secret(struct reading *r, const char *path, const char *hint,
    const char **ret, struct err *e);
/* config_elevated.c */
int config_read_elevated(struct reading *r, struct yaml *root, struct err *e);
/* config_profiles.c */
void config_read_profiles(struct reading *r, const struct yaml *v);
/* config_ceiling.c: requirements, applied over what reading has. */
void config_apply_ceiling(struct reading *r, const struct yaml *root);
/* config_requirements.c: what only requirements can say, with its place. */
bool requirement_is_section(struct str key);
/* False: key is none of those. */
bool requirement_read(struct reading *r, struct str key, const struct yaml *v);
void requirement_keep(struct reading *r, const char *key,
    enum requirement_kind kind, const struct yaml *v);
/* What was chosen before the requirements were read. */
void requirements_hold_hosts(struct reading *r);
void requirements_hold_providers(
    struct reading *r, const struct yaml *v, const struct config_strings *list);
/* "allowed", "denied" or "forced" must be one that the key takes. */
bool requirement_list(struct reading *r, const struct yaml *v, const char *what,
    struct config_strings *ret);
/* ~/ is the home; NULL after a diag when it is not absolute. */
const char *config_path(
    struct reading *r, const struct yaml *v, const char *what);
/* config_paths.c */
int config_find_home(struct arena *a, const char **ret, struct err *e);
int config_set_dirs(
    struct config *c, const struct config_sources *s, struct err *e);
char *config_join(struct arena *a, const char *dir, const char *rest);
/* Opens path, checks its owner and mode, gives its text in the arena.
 * ERR_NOTFOUND when there is none. */
int config_read_owned(const char *path, enum config_owner owner,
    struct arena *a, struct str *ret, struct err *e);
/* The default places: config.yaml, requirements.yaml. */
int config_default_file(struct config *c, const char *name, bool system_only,
    const char **ret, struct err *e);

#endif
