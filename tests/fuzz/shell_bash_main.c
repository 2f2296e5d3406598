/*
 * Compares what the shell reader says with what bash does: random scripts run
 * in a sandbox of their own (bwrap: no network, an empty file system), where
 * every program but a few wrappers is a stub (shell_stub_main.c) that writes down its arguments
 * and directory. Whatever a stub saw must be covered by a part. In every other
 * script the commands are deletions: the decision on the script may not be
 * looser than that on any of the deletions that bash came to, by itself.
 *
 *     shell_bash [COUNT [SEED]]     77 when there is no bash or bwrap
 *
 * Runs in: tests.  Trusts: bash.  Owns: its children.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/num.h"
#include "core/ports.h"
#include "model/limits.h"
#include "shell_gen.h"
#include "unit/rules/test_shell_match.h"

#define COUNT_DEFAULT 2500
#define SKIPPED 77
#define LOG_PATH "/log"
#define WORK_PATH "/w"
#define HOME_PATH "/home/dev"
#define LOG_BYTES_MAX ((size_t)1 << 20)
#define ARGS_MAX 256
#define SECONDS_MAX 3
#define LOST_SHOWN 10

/* ---- inside the sandbox ------------------------------------------------ */

static int
run_script(const char *script, const char *rc, bool check)
{
	char *const argv[] = { (char *)(uintptr_t) "/usr/bin/bash",
		check ? (char *)(uintptr_t) "-nc" : (char *)(uintptr_t) "-c",
		(char *)(uintptr_t) "--", (char *)(uintptr_t)script, NULL };
	char exit_var[] = "STUB_EXIT=0";
	char *const envp[] = { (char *)(uintptr_t) "PATH=/stub",
		(char *)(uintptr_t) "HOME=" HOME_PATH,
		(char *)(uintptr_t) "LC_ALL=C.UTF-8", exit_var, NULL };
	const pid_t pid = fork();
	int status;

	exit_var[sizeof(exit_var) - 2] = rc[0];
	if (pid == 0) {
		const int null = open("/dev/null", O_RDWR);

		(void)setsid();
		(void)alarm(SECONDS_MAX);
		if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
		    dup2(null, 2) < 0 || chdir(WORK_PATH) != 0)
			_exit(98);
		(void)execve(argv[0], argv, envp);
		_exit(98);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 98;
	(void)kill(-pid, SIGKILL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	(void)remove(path);
	return 0;
}

/* An empty directory with the few files that scripts expect. */
static bool
fresh_work(void)
{
	static const char *const names[] = { "file", "a.c", "d/f", "d/e/g" };

	if (chdir("/") != 0)
		return false;
	(void)nftw(WORK_PATH, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	(void)mkdir(WORK_PATH, 0755);
	(void)mkdir("/tmp", 0755);
	(void)mkdir(WORK_PATH "/d", 0755);
	(void)mkdir(WORK_PATH "/d/e", 0755);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[64];

		(void)snprintf(
		    path, sizeof(path), "%s/%s", WORK_PATH, names[i]);
		const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		if (fd >= 0)
			(void)close(fd);
	}
	const int fd =
	    open(LOG_PATH, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	return fd >= 0 && close(fd) == 0;
}

static bool
read_exact(int fd, void *p, size_t len)
{
	char *at = p;

	while (len > 0) {
		const ssize_t r = read(fd, at, len);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		at += r;
		len -= (size_t)r;
	}
	return true;
}

/*
 * Scripts come on descriptor 3, each after a word that says whether it was
 * understood; answers go to 4: status, log.
 */
static int
inside(void)
{
	uint32_t understood, len;

	while (read_exact(3, &understood, sizeof(understood)) &&
	    read_exact(3, &len, sizeof(len))) {
		AUTO_FREE char *script = malloc((size_t)len + 1);
		AUTO_BUF struct buf log = BUF_INIT(LOG_BYTES_MAX);
		AUTO_BUF struct buf answer = BUF_INIT(LOG_BYTES_MAX * 2);
		uint32_t size;

		if (script == NULL || !read_exact(3, script, len))
			return 1;
		script[len] = '\0';
		if (!fresh_work())
			return 1;
		/* What was not understood may be wrong as well. */
		const int syntax =
		    understood != 0 ? run_script(script, "0", true) : 0;

		(void)run_script(script, len % 2 == 0 ? "0" : "1", false);
		if (fdio_read_file(LOG_PATH, &log, NULL) != 0)
			buf_reset(&log);
		rec_put_u32(&answer, (uint32_t)syntax);
		buf_put(&answer, log.s, log.len);
		size = (uint32_t)answer.len;
		if (fdio_write_all(4, &size, sizeof(size), NULL) != 0 ||
		    fdio_write_all(4, answer.s, answer.len, NULL) != 0)
			return 1;
	}
	return 0;
}

/* ---- outside ----------------------------------------------------------- */

static const char *const wrappers[] = { "env", "timeout", "nice", "nohup",
	"stdbuf", "setsid", "bash", "sh", "find", "xargs", "cat" };
static const char *const stubs[] = { "canary", "tool", "ls", "rm", "f", "a",
	"file", "x" };

struct sandbox {
	pid_t pid;
	int to, from;
};

static void
add(char **argv, size_t *argc, const char *word)
{
	argv[(*argc)++] = (char *)(uintptr_t)word;
}

static void
add_bind(char **argv, size_t *argc, const char *from, const char *to)
{
	add(argv, argc, "--ro-bind");
	add(argv, argc, from);
	add(argv, argc, to);
}

static char *
joined(const char *folder, const char *name)
{
	char *out = NULL;

	if (asprintf(&out, "%s/%s", folder, name) < 0)
		exit(1);
	return out;
}

static void
exec_sandbox(const char *self)
{
	char *argv[ARGS_MAX];
	size_t n = 0;

	add(argv, &n, "bwrap");
	add(argv, &n, "--unshare-all");
	add(argv, &n, "--die-with-parent");
	add(argv, &n, "--tmpfs");
	add(argv, &n, "/");
	add_bind(argv, &n, "/usr", "/usr");
	for (size_t i = 0; i < 4; i++) {
		static const char *const roots[] = { "/lib", "/lib64", "/bin",
			"/etc/ld.so.cache" };

		if (access(roots[i], F_OK) == 0)
			add_bind(argv, &n, roots[i], roots[i]);
	}
	add(argv, &n, "--dev");
	add(argv, &n, "/dev");
	add(argv, &n, "--proc");
	add(argv, &n, "/proc");
	add(argv, &n, "--dir");
	add(argv, &n, HOME_PATH);
	for (size_t i = 0; i < ARRAY_LEN(stubs); i++)
		add_bind(argv, &n, SHELL_STUB, joined("/stub", stubs[i]));
	for (size_t i = 0; i < ARRAY_LEN(wrappers); i++) {
		add(argv, &n, "--symlink");
		add(argv, &n, joined("/usr/bin", wrappers[i]));
		add(argv, &n, joined("/stub", wrappers[i]));
	}
	add_bind(argv, &n, self, "/inside");
	add(argv, &n, "/inside");
	argv[n] = NULL;
	(void)execvp(argv[0], argv);
	_exit(127);
}

static bool
sandbox_open(const char *self, struct sandbox *s)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
		return false;
	s->pid = fork();
	if (s->pid == 0) {
		const int in = fcntl(to[0], F_DUPFD, 10);
		const int out = fcntl(from[1], F_DUPFD, 10);

		if (dup2(in, 3) < 0 || dup2(out, 4) < 0)
			_exit(127);
		(void)close(in);
		(void)close(out);
		exec_sandbox(self);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	s->to = to[1];
	s->from = from[0];
	return s->pid > 0;
}

static bool
sandbox_run(
    struct sandbox *s, struct str script, bool understood, struct buf *answer)
{
	const uint32_t flag = understood ? 1 : 0;
	const uint32_t len = (uint32_t)script.len;
	uint32_t size;
	char *p;

	buf_reset(answer);
	if (fdio_write_all(s->to, &flag, sizeof(flag), NULL) != 0 ||
	    fdio_write_all(s->to, &len, sizeof(len), NULL) != 0 ||
	    fdio_write_all(s->to, script.s, script.len, NULL) != 0 ||
	    !read_exact(s->from, &size, sizeof(size)))
		return false;
	p = buf_reserve(answer, size);
	if (p == NULL || !read_exact(s->from, p, size))
		return false;
	buf_advance(answer, size);
	return true;
}

/* ---- comparing --------------------------------------------------------- */

struct totals {
	unsigned scripts, understood, ran, commands, lost, loose;
	unsigned deletions, allowed;
};

/* What is compared: how it was read, and what the rules say of it. */
struct subject {
	struct classifier *rules;
	struct str script;
	uint64_t number;
	const struct shell_result *read;
	enum decision decision;
	bool understood;
};

static bool
dir_fits(const struct shell_part *p, const char *cwd)
{
	if (p->cwd_unknown)
		return true;
	for (size_t i = 0; i < p->cwd_count; i++) {
		const struct str d = p->cwds[i];

		if (str_eqz(d, cwd) ||
		    (p->cwd_below && strncmp(cwd, d.s, d.len) == 0))
			return true;
	}
	return false;
}

static bool
covered(const struct shell_result *r, const char *cwd, char **argv, size_t argc)
{
	for (size_t i = 0; i < r->part_count; i++) {
		const struct shell_part *const p = &r->parts[i];
		struct matcher m = { .part = p, .argv = argv, .argc = argc };

		if (p->not_understood != NULL)
			return true;
		if ((p->context & CONTEXT_GUESS) == 0 && p->argc > 0 &&
		    dir_fits(p, cwd) && words_match(&m, 0, 0))
			return true;
	}
	return false;
}

static void
show(const char *what, uint64_t number, struct str script)
{
	(void)printf("---- %s in script %llu:\n%.*s\n", what,
	    (unsigned long long)number, STR_ARG(script));
}

static bool
is_understood(const struct shell_result *r)
{
	bool understood = r->not_understood == NULL;

	for (size_t i = 0; i < r->part_count; i++)
		understood = understood && r->parts[i].not_understood == NULL;
	return understood;
}

/* ---- deciding ---------------------------------------------------------- */

static enum decision
decide(struct classifier *c, struct str script, const char *cwd)
{
	AUTO(action_freep) struct action *a = NULL;

	if (action_new(&a, NULL) != 0)
		exit(1);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.input.script =
	    arena_strndup(a->arena, script.s, script.len);
	a->proposal.executor = EXECUTOR_ASSENT;
	a->proposal.cwd = arena_strdup(a->arena, cwd);
	a->proposal.workspace = arena_strdup(a->arena, WORK_PATH);
	a->proposer.home = arena_strdup(a->arena, HOME_PATH);
	if (rules_classifier.classify(
		c, a, a->arena, &a->classification, NULL) != 0)
		exit(1);
	return a->classification.decision;
}

/* The words as bash would read them again. */
static void
quote_words(char **argv, size_t argc, struct buf *ret)
{
	for (size_t i = 0; i < argc; i++) {
		buf_puts(ret, i == 0 ? "'" : " '");
		for (const char *c = argv[i]; *c != '\0'; c++)
			*c == '\'' ? buf_puts(ret, "'\\''") : buf_putc(ret, *c);
		buf_putc(ret, '\'');
	}
}

static void
compare_deletion(struct totals *t, const struct subject *s, const char *cwd,
    char **argv, size_t argc)
{
	AUTO_BUF struct buf alone = BUF_INIT(SCRIPT_BYTES_MAX);

	quote_words(argv, argc, &alone);
	const enum decision d = decide(s->rules, buf_str(&alone), cwd);

	t->deletions++;
	/* What is not understood is never allowed, and nothing more is said. */
	if (s->decision >= (s->understood ? d : DECISION_REVIEW))
		return;
	t->allowed++;
	if (t->allowed > LOST_SHOWN)
		return;
	show("a deletion is allowed", s->number, s->script);
	(void)printf("%s, by itself %s: in %s:", decision_name(s->decision),
	    decision_name(d), cwd);
	for (size_t i = 0; i < argc; i++)
		(void)printf(" [%s]", argv[i]);
	(void)printf("\n");
}

/* Reads the stub's records. */
static void
compare(struct totals *t, const struct subject *s, struct str answer)
{
	const struct shell_result *const r = s->read;
	const struct str script = s->script;
	const uint64_t number = s->number;
	AUTO(arena_freep) struct arena *a = arena_new(LOG_BYTES_MAX * 4);
	struct rec rec = rec_of(answer);
	const uint32_t syntax = rec_u32(&rec);
	t->scripts++;
	t->understood += s->understood ? 1U : 0U;
	t->ran += rec.rest.len > 0 ? 1U : 0U;
	if (syntax != 0 && r->not_understood == NULL) {
		t->loose++;
		if (t->loose <= LOST_SHOWN)
			show(
			    "bash refuses what was understood", number, script);
	}
	while (rec.rest.len > 0) {
		const char *const cwd = rec_cstr(&rec, a);
		const uint32_t argc = rec_count(&rec, ARGS_MAX);
		char *argv[ARGS_MAX];

		for (uint32_t i = 0; i < argc; i++)
			argv[i] = rec_cstr(&rec, a);
		if (rec.failed != 0)
			break;
		t->commands++;
		if (argc > 1 && strcmp(argv[0], "rm") == 0)
			compare_deletion(t, s, cwd, argv, argc);
		if (r->not_understood != NULL || covered(r, cwd, argv, argc))
			continue;
		t->lost++;
		if (t->lost > LOST_SHOWN)
			continue;
		show("a command is lost", number, script);
		(void)printf("lost: in %s:", cwd);
		for (uint32_t i = 0; i < argc; i++)
			(void)printf(" [%s]", argv[i]);
		(void)printf("\n");
	}
}

/* The same script with deletions for the commands that do nothing. */
static void
with_deletions(struct str script, struct buf *ret)
{
	static const struct str name = { .s = "canary", .len = 6 };

	for (;;) {
		const size_t at = str_search(script, name);

		buf_put_str(ret, str_head(script, at));
		if (at == script.len)
			return;
		buf_puts(ret, "rm");
		script = str_from(script, at + name.len);
	}
}

static bool
one_script(struct sandbox *s, struct classifier *rules, struct totals *t,
    uint64_t seed)
{
	static const struct shell_context context = {
		.cwd = { .s = WORK_PATH, .len = sizeof(WORK_PATH) - 1 },
		.home = { .s = HOME_PATH, .len = sizeof(HOME_PATH) - 1 },
	};
	AUTO_BUF struct buf plain = BUF_INIT(SCRIPT_BYTES_MAX);
	AUTO_BUF struct buf script = BUF_INIT(SCRIPT_BYTES_MAX);
	AUTO_BUF struct buf answer = BUF_INIT(LOG_BYTES_MAX * 2);
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	struct gen g = {
		.seed = seed * 0x9e3779b97f4a7c15U + 1,
		.out = &plain,
	};
	struct shell_result r;

	gen_script(&g);
	if (seed % 2 == 0)
		with_deletions(buf_str(&plain), &script);
	else
		buf_put_str(&script, buf_str(&plain));
	if (plain.failed != 0 || script.failed != 0 ||
	    memchr(script.s, '\0', script.len) != NULL)
		return true;
	if (shell_understand(buf_str(&script), &context, a, &r, NULL) != 0)
		return false;
	if (!sandbox_run(
		s, buf_str(&script), r.not_understood == NULL, &answer))
		return false;
	compare(t,
	    &(struct subject){ .rules = rules,
		.script = buf_str(&script),
		.number = seed,
		.read = &r,
		.understood = is_understood(&r),
		.decision = decide(rules, buf_str(&script), WORK_PATH) },
	    buf_str(&answer));
	return true;
}

static uint64_t
number_argument(int argc, char **argv, int i, uint64_t otherwise)
{
	uint64_t v = otherwise;

	if (i < argc && num_parse_u64(str_of(argv[i]), 0, INT64_MAX, &v) != 0)
		exit(64);
	return v;
}

int
main(int argc, char **argv)
{
	char self[PATH_MAX];
	const ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct sandbox s;
	struct classifier *rules = NULL;
	struct totals t = { .scripts = 0 };
	AUTO_BUF struct buf probe = BUF_INIT(LOG_BYTES_MAX * 2);

	if (strncmp(argv[0], "/inside", 7) == 0)
		return inside();
	const uint64_t count = number_argument(argc, argv, 1, COUNT_DEFAULT);
	const uint64_t seed = number_argument(argc, argv, 2, 1);

	if (len <= 0)
		return 1;
	self[len] = '\0';
	if (rules_classifier.open(
		&(struct classifier_options){ .policy = POLICY_ON_REQUEST },
		NULL, &rules, NULL) != 0)
		return 1;
	(void)signal(SIGPIPE, SIG_IGN);
	if (access("/usr/bin/bash", X_OK) != 0 || !sandbox_open(self, &s) ||
	    !sandbox_run(&s, STR("canary probe"), true, &probe) ||
	    probe.len < 12) {
		(void)printf("SKIPPED: no bash, or bwrap cannot make a "
			     "sandbox here; the reader is not compared with "
			     "bash\n");
		return SKIPPED;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!one_script(&s, rules, &t, seed + i)) {
			(void)printf("script %llu ended the sandbox\n",
			    (unsigned long long)(seed + i));
			return 1;
		}
	}
	(void)close(s.to);
	(void)waitpid(s.pid, NULL, 0);
	rules_classifier.close(rules);
	(void)printf("seeds %llu to %llu: %u scripts, %u understood, %u ran "
		     "something, %u commands, %u LOST, %u accepted that bash "
		     "refuses; %u deletions, %u ALLOWED\n",
	    (unsigned long long)seed, (unsigned long long)(seed + count - 1),
	    t.scripts, t.understood, t.ran, t.commands, t.lost, t.loose,
	    t.deletions, t.allowed);
	/*
	 * It may not pass by understanding nothing, or by running nothing.
	 * What bash refuses to read it does not run, so that a few of these
	 * (bash has its bugs in nested substitutions) do no harm.
	 */
	return t.lost > 0 || t.allowed > 0 || t.deletions < t.commands / 8 ||
	    t.loose > t.scripts / 200 + 2 || t.understood < t.scripts / 3 ||
	    t.ran < t.scripts / 4;
}
