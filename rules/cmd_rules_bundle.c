/*
 * assent rules keygen, bundle, sign, verify, install: signed bundles of rules.
 * Runs in: assent.  Trusts: the key that it is given; nothing in bundles.
 * Owns: nothing.
 */
#include "cmd_bundle.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/minisign.h"
#include "base/num.h"
#include "base/text.h"

#define KEY_BYTES_MAX 4096
#define SECRET_MODE 0600
#define PUBLIC_MODE 0644
#define SIGNATURE_ENDING ".minisig"
#define DAY_NS (INT64_C(86400) * 1000000000)

/* ---- files ----------------------------------------------------------------- */

static int
signature_path(const char *file, struct buf *out, struct err *e)
{
	buf_printf(out, "%s" SIGNATURE_ENDING, file);
	return buf_done(out, e);
}

static int
read_public(const char *path, struct minisign_public *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(KEY_BYTES_MAX);
	const int r = fdio_read_file(path, &text, e);

	return r != 0 ? r : minisign_parse_public(buf_str(&text), ret, e);
}

static int
read_secret(const char *path, struct minisign_secret *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(KEY_BYTES_MAX);
	struct stat st;
	int r;

	if (stat(path, &st) != 0)
		return err_sys(e, "cannot stat '%s'", path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(e, ERR_INVALID,
		    "'%s' can be read by others: chmod 600", path);
	r = fdio_read_file(path, &text, e);
	if (r == 0)
		r = minisign_parse_secret(buf_str(&text), ret, e);
	if (text.len > 0)
		explicit_bzero(text.s, text.len);
	return r;
}

/* Signs the bytes of a bundle; its name and version are in the comment. */
static int
sign_file(const char *key, const char *file, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(BUNDLE_BYTES_MAX);
	AUTO_BUF struct buf bytes = BUF_INIT(BUNDLE_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(KEY_BYTES_MAX);
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf comment = BUF_INIT(MINISIGN_COMMENT_MAX);
	struct minisign_secret k;
	struct bundle b;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = fdio_read_file(file, &bytes, e);
	if (r == 0)
		r = bundle_read(buf_str(&bytes), a, &b, e);
	if (r == 0)
		r = read_secret(key, &k, e);
	if (r != 0)
		return r;
	buf_printf(&comment, "%s version %llu", b.head.name,
	    (unsigned long long)b.head.version);
	r = minisign_sign(&k, buf_str(&bytes), buf_cstr(&comment), &out, e);
	minisign_wipe(&k);
	if (r == 0)
		r = signature_path(file, &path, e);
	return r != 0
	    ? r
	    : fdio_write_file(buf_cstr(&path), out.s, out.len, PUBLIC_MODE, e);
}

/* file and its signature beside it, by the public key's file. */
static int
bundle_verify_file(const char *key, const char *file, struct arena *a,
    struct verified_bundle *ret, struct err *e)
{
	AUTO_BUF struct buf bytes = BUF_INIT(BUNDLE_BYTES_MAX);
	AUTO_BUF struct buf signature = BUF_INIT(KEY_BYTES_MAX);
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf comment = BUF_INIT(MINISIGN_COMMENT_MAX * 2);
	struct minisign_public p;
	int r = read_public(key, &p, e);

	if (r == 0)
		r = fdio_read_file(file, &bytes, e);
	if (r == 0)
		r = signature_path(file, &path, e);
	if (r == 0 && access(buf_cstr(&path), F_OK) != 0)
		r = err_set(e, ERR_DENIED,
		    "'%s' is not signed: there is no '%s'", file,
		    buf_cstr(&path));
	if (r == 0)
		r = fdio_read_file(buf_cstr(&path), &signature, e);
	/* Nothing in it is read before it is known whose it is. */
	if (r == 0)
		r = minisign_verify(
		    &p, buf_str(&bytes), buf_str(&signature), &comment, e);
	if (r != 0)
		return r;
	ret->bytes =
	    str_n(arena_strndup(a, buf_cstr(&bytes), bytes.len), bytes.len);
	if (ret->bytes.s == NULL)
		return err_nomem(e);
	return bundle_read(ret->bytes, a, &ret->bundle, e);
}

/* A set that does not load is not installed. */
static int
check_loads(const struct bundle *b, struct err *e)
{
	AUTO_FREE struct rule_text *texts = mem_new(b->count, sizeof(*texts));
	AUTO(ruleset_freep) struct ruleset *set = NULL;
	struct ruleset_options o = { .texts = texts, .text_count = b->count };

	if (texts == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < b->count; i++)
		texts[i] = (struct rule_text){ .name = b->files[i].name,
			.layer = LAYER_ORGANISATION,
			.text = b->files[i].text };
	return ruleset_load(&o, NULL, &set, e);
}

int
bundle_put_in_place(const char *key, const char *file, const char *dir,
    struct buf *out, struct err *e)
{
	AUTO(arena_freep)
	struct arena *a = arena_new(BUNDLE_BYTES_MAX * 2);
	struct verified_bundle v;
	bool changed = false;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = bundle_verify_file(key, file, a, &v, e);
	if (r == 0)
		r = check_loads(&v.bundle, e);
	if (r == 0)
		r = bundle_install(
		    &v.bundle, v.bytes, dir, cmd_now_ns(), &changed, e);
	if (r != 0)
		return r;
	text_escape(out, str_of(v.bundle.head.name));
	buf_printf(out, " version %llu %s\n",
	    (unsigned long long)v.bundle.head.version,
	    changed ? "is installed" : "was there");
	return ERR_OK;
}

/* ---- the verbs ------------------------------------------------------------- */

/* A refusal is a finding; a file that cannot be read is not. */
int
bundle_failed(const struct command *c, const struct err *e)
{
	(void)cmd_fail(c->name, e);
	return e->code == ERR_DENIED                          ? EXIT_DENIED
	    : e->code == ERR_NOMEM || e->code == ERR_INTERNAL ? EXIT_INTERNAL
							      : EXIT_CONFIG;
}

static int run_keygen(int argc, char **argv);
static int run_bundle(int argc, char **argv);
static int run_sign(int argc, char **argv);
static int run_verify(int argc, char **argv);
static int run_install(int argc, char **argv);

enum {
	OPT_KEY,
	OPT_JSON,
	OPT_KEY_COUNT,
};

static const struct command_option secret_options[] = {
	[OPT_KEY] = { "--key", "FILE", "the secret key" },
	[OPT_JSON] = { "--json", NULL, "the result as JSON" },
};

static const struct command_option public_options[] = {
	[OPT_KEY] = { "--key", "FILE",
	    "the public key, as keygen or minisign(1) made it" },
	[OPT_JSON] = { "--json", NULL, "the result as JSON" },
};

static const struct command_option keygen_options[] = {
	[OPT_KEY] = { "--key", "FILE",
	    "where the secret key goes; the public one is FILE.pub" },
	[OPT_JSON] = { "--json", NULL, "the result as JSON" },
};

const struct command rules_verb_keygen = {
	.name = "rules keygen",
	.summary = "Make a key pair that signs bundles of rules",
	.usage = "rules keygen --key FILE",
	.example = "assent rules keygen --key rules.key",
	.options = keygen_options,
	.option_count = OPT_KEY_COUNT,
	.run = run_keygen,
};

const struct command rules_verb_sign = {
	.name = "rules sign",
	.summary = "Sign a bundle: FILE.minisig beside it",
	.usage = "rules sign --key SECRET FILE",
	.details = "minisign(1) reads the signature, and its signatures are "
		   "as good as ours.",
	.example = "assent rules sign --key rules.key base.bundle",
	.options = secret_options,
	.option_count = OPT_KEY_COUNT,
	.run = run_sign,
};

const struct command rules_verb_verify = {
	.name = "rules verify",
	.summary = "Check the signature and the content of a bundle",
	.usage = "rules verify --key PUBLIC FILE",
	.details = "Exit status: 0 good, 1 unsigned, changed or by another "
		   "key, 78 no bundle.",
	.example = "assent rules verify --key rules.key.pub base.bundle",
	.options = public_options,
	.option_count = OPT_KEY_COUNT,
	.run = run_verify,
};

const struct command rules_verb_install = {
	.name = "rules install",
	.summary = "Put a signed bundle into a folder of its own",
	.usage = "rules install --key PUBLIC FILE DIR",
	.details =
	    "Unsigned, changed, expired and older bundles, those of another "
	    "name, and those\nwhose rules do not load are refused, and the "
	    "folder stays as it is. The folder\nchanges in one step.",
	.example = "assent rules install --key rules.key.pub base.bundle "
		   "/etc/assent/rules.d",
	.options = public_options,
	.option_count = OPT_KEY_COUNT,
	.run = run_install,
};

enum {
	MAKE_NAME,
	MAKE_VERSION,
	MAKE_DAYS,
	MAKE_OUT,
	MAKE_KEY,
	MAKE_JSON,
	MAKE_COUNT,
};

static const struct command_option make_options[] = {
	[MAKE_NAME] = { "--name", "NAME", "whose rules: acme/base" },
	[MAKE_VERSION] = { "--number", "N",
	    "its version; each must be greater than the one before" },
	[MAKE_DAYS] = { "--days", "N", "not to be installed after N days" },
	[MAKE_OUT] = { "--out", "FILE", "where it goes" },
	[MAKE_KEY] = { "--key", "FILE", "sign it with that secret key, too" },
	[MAKE_JSON] = { "--json", NULL, "the result as JSON" },
};

const struct command rules_verb_bundle = {
	.name = "rules bundle",
	.summary = "Make one file of a folder of rules, to be signed",
	.usage =
	    "rules bundle --name NAME --number N --out FILE [--key SECRET] "
	    "DIR",
	.details = "The rules are checked first.",
	.example = "assent rules bundle --name acme/base --number 7 --out "
		   "base.bundle --key rules.key rules.d",
	.options = make_options,
	.option_count = MAKE_COUNT,
	.run = run_bundle,
};

int
bundle_print(const struct buf *text, bool json)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&out);

	if (!json)
		return cmd_print(stdout, text);
	jsonw_object(&w);
	jsonw_key(&w, "result");
	jsonw_str(&w, str_trim(buf_str(text)));
	jsonw_end(&w);
	buf_putc(&out, '\n');
	return cmd_print(stdout, &out);
}

/* Options with a key, and that many operands; -1 when *ret_status is it. */
static int
parse_with_key(const struct command *c, int argc, char **argv,
    const char **values, int operands, int *ret_status)
{
	const int first =
	    command_parse(c, argc, argv, values, NULL, NULL, ret_status);

	if (first < 0)
		return -1;
	if (values[OPT_KEY] == NULL || argc - first != operands) {
		*ret_status = command_usage_error(c,
		    values[OPT_KEY] == NULL ? "--key is needed"
					    : "%d operands are needed",
		    operands);
		return -1;
	}
	return first;
}

static int
make_keys(const char *path, struct err *e)
{
	AUTO_BUF struct buf secret = BUF_INIT(KEY_BYTES_MAX);
	AUTO_BUF struct buf public = BUF_INIT(KEY_BYTES_MAX);
	AUTO_BUF struct buf name = BUF_INIT(PATH_BYTES_MAX);
	struct minisign_secret k;
	int r;

	if (access(path, F_OK) == 0)
		return err_set(e, ERR_INVALID, "'%s' is there already", path);
	r = minisign_generate(&k, e);
	if (r != 0)
		return r;
	minisign_print_secret(&k, &secret);
	minisign_print_public(&k.public, &public);
	minisign_wipe(&k);
	buf_printf(&name, "%s.pub", path);
	r = fdio_write_file(path, secret.s, secret.len, SECRET_MODE, e);
	if (r == 0)
		r = fdio_write_file(
		    buf_cstr(&name), public.s, public.len, PUBLIC_MODE, e);
	explicit_bzero(secret.s, secret.len);
	return r;
}

static int
run_keygen(int argc, char **argv)
{
	const char *values[OPT_KEY_COUNT] = { NULL };
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct err e = ERR_INIT;
	int status = EXIT_OK;

	if (parse_with_key(&rules_verb_keygen, argc, argv, values, 0, &status) <
	    0)
		return status;
	if (make_keys(values[OPT_KEY], &e) != 0)
		return bundle_failed(&rules_verb_keygen, &e);
	text_escape(&out, str_of(values[OPT_KEY]));
	buf_puts(&out, ".pub is the public key\n");
	return bundle_print(&out, values[OPT_JSON] != NULL);
}

static int
run_sign(int argc, char **argv)
{
	const char *values[OPT_KEY_COUNT] = { NULL };
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int first =
	    parse_with_key(&rules_verb_sign, argc, argv, values, 1, &status);

	if (first < 0)
		return status;
	if (sign_file(values[OPT_KEY], argv[first], &e) != 0)
		return bundle_failed(&rules_verb_sign, &e);
	text_escape(&out, str_of(argv[first]));
	buf_puts(&out, " is signed\n");
	return bundle_print(&out, values[OPT_JSON] != NULL);
}

static int
run_verify(int argc, char **argv)
{
	AUTO(arena_freep)
	struct arena *a = arena_new(BUNDLE_BYTES_MAX * 2);
	const char *values[OPT_KEY_COUNT] = { NULL };
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct verified_bundle v;
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int first =
	    parse_with_key(&rules_verb_verify, argc, argv, values, 1, &status);

	if (first < 0)
		return status;
	if (a == NULL ||
	    bundle_verify_file(values[OPT_KEY], argv[first], a, &v, &e) != 0)
		return bundle_failed(&rules_verb_verify, &e);
	text_escape(&out, str_of(v.bundle.head.name));
	buf_printf(&out, " version %llu, %zu files, signed by that key\n",
	    (unsigned long long)v.bundle.head.version, v.bundle.count);
	return bundle_print(&out, values[OPT_JSON] != NULL);
}

static int
run_install(int argc, char **argv)
{
	const char *values[OPT_KEY_COUNT] = { NULL };
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int first =
	    parse_with_key(&rules_verb_install, argc, argv, values, 2, &status);

	if (first < 0)
		return status;
	if (bundle_put_in_place(
		values[OPT_KEY], argv[first], argv[first + 1], &out, &e) != 0)
		return bundle_failed(&rules_verb_install, &e);
	return bundle_print(&out, values[OPT_JSON] != NULL);
}

static int
make_bundle(const char *const *values, const char *dir, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(BUNDLE_BYTES_MAX);
	AUTO_BUF struct buf bytes = BUF_INIT(BUNDLE_BYTES_MAX);
	struct bundle_head head = { .name = values[MAKE_NAME] };
	struct bundle b;
	uint64_t days = 0;
	int r;

	if (a == NULL)
		return err_nomem(e);
	if (num_parse_u64(str_of(values[MAKE_VERSION]), 1, INT64_MAX,
		&head.version) != 0 ||
	    (values[MAKE_DAYS] != NULL &&
		num_parse_u64(str_of(values[MAKE_DAYS]), 1, 36500, &days) != 0))
		return err_set(e, ERR_INVALID,
		    "--number and --days take numbers from 1 on");
	if (text_find_hidden(str_of(head.name), NULL) != strlen(head.name) ||
	    strchr(head.name, ' ') != NULL)
		return err_set(e, ERR_INVALID, "--name is one word");
	if (days > 0)
		head.expires_real_ns = cmd_now_ns() + (int64_t)days * DAY_NS;
	r = bundle_make(dir, &head, &bytes, e);
	if (r == 0)
		r = bundle_read(buf_str(&bytes), a, &b, e);
	if (r == 0)
		r = check_loads(&b, e);
	if (r == 0)
		r = fdio_write_file(
		    values[MAKE_OUT], bytes.s, bytes.len, PUBLIC_MODE, e);
	if (r == 0 && values[MAKE_KEY] != NULL)
		r = sign_file(values[MAKE_KEY], values[MAKE_OUT], e);
	return r;
}

static int
run_bundle(int argc, char **argv)
{
	const char *values[MAKE_COUNT] = { NULL };
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int first = command_parse(
	    &rules_verb_bundle, argc, argv, values, NULL, NULL, &status);

	if (first < 0)
		return status;
	if (argc - first != 1 || values[MAKE_NAME] == NULL ||
	    values[MAKE_VERSION] == NULL || values[MAKE_OUT] == NULL)
		return command_usage_error(&rules_verb_bundle,
		    "--name, --number, --out and one folder are needed");
	if (make_bundle(values, argv[first], &e) != 0)
		return bundle_failed(&rules_verb_bundle, &e);
	text_escape(&out, str_of(values[MAKE_OUT]));
	buf_puts(&out,
	    values[MAKE_KEY] != NULL ? " is made and signed\n"
				     : " is made, not signed\n");
	return bundle_print(&out, values[MAKE_JSON] != NULL);
}
