/*
 * From a denial to the word in a profile that would permit it.
 * Runs in: assent-exec.  Trusts: nothing of a violation but that it ends.
 * Owns: nothing.
 */
#include "start/hints.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "audit/link.h"
#include "glob.h"
#include "sandbox/plan.h"

#define HINT_BYTES 512
#define HIDDEN_SHOWN_MAX 3
#define NAME_SHOWN_MAX 120

/* Whole classes, by how their violations begin. */
static const struct {
	const char *begins, *hint;
} classes[] = {
	{ "connect to a socket of the host",
	    "sockets of the host are out of reach of every profile; hosts are "
	    "named by 'network', keys are lent by 'credentials'" },
	{ "connect to ",
	    "this run has no network: name its hosts (assent sandbox --host, "
	    "'network' in a profile), or run under workspace-write-online" },
	{ "limit: new files", "'limits: {files: ...}' in a profile is more" },
	{ "limit: disk use", "'limits: {disk: ...}' in a profile is more" },
	{ "limit: bytes of one file",
	    "'limits: {file: ...}' in a profile is more" },
	{ "limit: processes", "'limits: {pids: ...}' in a profile is more" },
	{ "limit: bytes of its own /tmp",
	    "'limits: {tmp: ...}' in a profile is more" },
	{ "limit: open files", "no profile gives a program more of them" },
	{ "system call chmod",
	    "set-id files are neither made nor gained under any profile" },
	{ "system call unshare",
	    "programs of a run make no namespaces of their own under any "
	    "profile; try them without (--no-sandbox and the like)" },
	{ "system call clone",
	    "programs of a run make no namespaces of their own under any "
	    "profile; try them without (--no-sandbox and the like)" },
	{ "system call socket: a unix",
	    "stream and seqpacket sockets are permitted; the host's log and "
	    "notification sockets are out of reach of every profile" },
	{ "system call of another kind of program",
	    "programs of this machine's own kind alone run in it, under every "
	    "profile" },
	{ "limit: shared memory",
	    "'limits: {memory: ...}' in a profile is more" },
	{ "read through /proc:",
	    "with 'deny' in a profile, files are read by their own names" },
	{ "write to a hard link",
	    "it has another name that may be outside; copy it, and write the "
	    "copy" },
	{ "change a hard link",
	    "it has another name that may be outside; copy it, and change the "
	    "copy" },
	{ "signal to a process outside",
	    "processes outside are out of reach of every profile" },
};

/* "create sub/x.pem", "rename to .git/config": the name at its end. */
static const char *
name_in(const char *violation)
{
	static const char *const verbs[] = { "read what is gone: ", "read ",
		"create ", "write ", "rename to ", "rename ", "link to ",
		"link ", "remove ", "change the mode or times of " };

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const size_t len = strlen(verbs[i]);

		if (strncmp(violation, verbs[i], len) == 0)
			return violation + len;
	}
	return NULL;
}

/* The entry of a list of protected paths that this name is in or leads to. */
static const char *
protected_by(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		const size_t n = strlen(name), len = strlen(list[i]);
		const size_t less = n < len ? n : len;

		if (strncasecmp(name, list[i], less) == 0 &&
		    (n == len || (n > len ? name[len] : list[i][n]) == '/'))
			return list[i];
	}
	return NULL;
}

static bool
is_shipped(const char *entry)
{
	for (size_t i = 0; profile_protected[i] != NULL; i++) {
		if (strcmp(profile_protected[i], entry) == 0)
			return true;
	}
	return false;
}

static void
of_name(const char *name, const struct plan *p, struct buf *out)
{
	const char *entry;

	for (size_t i = 0; i < p->deny_count; i++) {
		if (glob_match_any(&p->deny[i], 1, name) == GLOB_NO)
			continue;
		buf_printf(out, "'deny: %s' of the profile '%s' forbids it",
		    p->deny[i], p->profile);
		return;
	}
	entry = protected_by(p->protect, p->protect_count, name);
	if (!p->write)
		buf_printf(out,
		    "nothing in the workspace can be written under the "
		    "profile '%s': workspace-write can",
		    p->profile);
	else if (entry != NULL && !is_shipped(entry))
		buf_printf(out, "'protect: %s' of the profile '%s' forbids it",
		    entry, p->profile);
	else
		buf_puts(out,
		    "programs outside obey such names unasked (a repository's "
		    "settings and hooks, .envrc, editors' settings): no "
		    "profile opens them; change them outside of the sandbox");
}

/* The folder that a profile would open - never the home, never all. */
static void
of_outside(const char *path, const struct plan *p, struct buf *out)
{
	const struct str whole = str_of(path);
	const char *slash = strrchr(path, '/');
	const struct str folder =
	    slash == NULL ? whole : str_head(whole, (size_t)(slash - path));

	if (plan_path_within(path, "/proc") || plan_path_within(path, "/sys") ||
	    plan_path_within(path, "/dev"))
		buf_puts(out, "no profile opens the kernel's own files");
	else if (folder.len == 0 || folder.len > NAME_SHOWN_MAX ||
	    (p->home != NULL && str_eqz(folder, p->home)))
		buf_puts(out,
		    "'write' in a profile opens single folders outside of the "
		    "workspace; /tmp and ~/.cache are the run's own");
	else
		buf_printf(out,
		    "'write: [\"%.*s\"]' in a profile opens that folder; /tmp "
		    "and ~/.cache are the run's own",
		    (int)folder.len, folder.s);
}

static void
of_system_call(const char *name, const struct plan *p, struct buf *out)
{
	if (p->strict && strncmp(name, "number ", 7) == 0)
		buf_printf(out,
		    "the profile '%s' is strict; one that is not may permit it",
		    p->profile);
	else
		buf_puts(out, "no profile permits such system calls");
}

/* The first right that was missing says what it was about. */
static void
of_kernel(const char *denial, const struct plan *p, struct buf *out)
{
	static const struct {
		const char *right, *hint;
	} scopes[] = {
		{ "scope.signal",
		    "signals reach processes of the run alone, under every "
		    "profile" },
		{ "scope.abstract_unix_socket",
		    "sockets of the host are out of reach of every profile" },
		{ "ptrace",
		    "programs of the run may trace each other, and nothing "
		    "else" },
		{ "fs.change_topology", "no profile permits mounts" },
	};
	const char *path = strchr(denial, '/');

	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		if (strncmp(denial, scopes[i].right, strlen(scopes[i].right)) ==
		    0) {
			buf_puts(out, scopes[i].hint);
			return;
		}
	}
	if (path != NULL)
		of_outside(path, p, out);
}

void
hint_of(const char *violation, const struct plan *p, struct buf *out)
{
	static const char outside[] = "write outside the workspace: ";
	static const char call[] = "system call ";
	static const char kernel[] = AUDIT_DENIAL_PREFIX;
	const char *name;

	if (strncmp(violation, outside, sizeof(outside) - 1) == 0) {
		of_outside(violation + sizeof(outside) - 1, p, out);
		return;
	}
	if (strncmp(violation, kernel, sizeof(kernel) - 1) == 0) {
		of_kernel(violation + sizeof(kernel) - 1, p, out);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		const size_t len = strlen(classes[i].begins);

		if (strncmp(violation, classes[i].begins, len) == 0) {
			buf_puts(out, classes[i].hint);
			return;
		}
	}
	if (strncmp(violation, call, sizeof(call) - 1) == 0) {
		of_system_call(violation + sizeof(call) - 1, p, out);
		return;
	}
	name = name_in(violation);
	if (name != NULL)
		of_name(name, p, out);
}

void
hints_put(struct ctl *end, const struct buf *hint, struct arena *a)
{
	if (hint->failed != 0)
		return;
	for (size_t i = 0; i < end->violation_count; i++) {
		if (strcmp(end->violations[i], hint->s) == 0)
			return;
	}
	ctl_add_violation(end, arena_strdup(a, hint->s));
}

static bool
is_hidden_here(const struct op *op, const struct plan *p)
{
	struct stat st;

	return op->kind == OP_MASK && strcmp(op->path, p->workspace) != 0 &&
	    plan_path_within(op->path, p->workspace) &&
	    lstat(op->path, &st) == 0;
}

bool
hints_unexplained(const struct ctl *end)
{
	for (size_t i = 0; i < end->violation_count; i++) {
		if (strncmp(end->violations[i], "note: ", 6) != 0)
			return false;
	}
	return end->type == CTL_ENDED && WIFEXITED(end->code) &&
	    WEXITSTATUS(end->code) != 0;
}

/* Reads of what is covered never reach the gate: it is the mount that says
 * no. Who fails may have met one of these. */
void
hints_add_hidden(struct ctl *end, const struct plan *p, struct arena *a)
{
	AUTO_BUF struct buf hint = BUF_INIT(HINT_BYTES);
	const size_t top = strlen(p->workspace);
	size_t shown = 0;

	if (!hints_unexplained(end))
		return;
	buf_puts(&hint, "note: hidden from it in the workspace:");
	for (size_t i = 0; i < p->op_count; i++) {
		const struct op *op = &p->ops[i];

		if (is_hidden_here(op, p) && shown++ < HIDDEN_SHOWN_MAX)
			buf_printf(&hint, "%s %.*s", shown > 1 ? "," : "",
			    NAME_SHOWN_MAX, op->path + top + 1);
	}
	if (shown > HIDDEN_SHOWN_MAX)
		buf_printf(&hint, " and %zu more", shown - HIDDEN_SHOWN_MAX);
	if (shown > 0)
		hints_put(end, &hint, a);
}

void
hints_add(struct ctl *end, const struct plan *p, struct arena *a)
{
	const size_t count = end->violation_count;

	for (size_t i = 0; i < count; i++) {
		AUTO_BUF struct buf hint = BUF_INIT(HINT_BYTES);

		if (strncmp(end->violations[i], "note: ", 6) == 0)
			continue;
		buf_puts(&hint, HINT_PREFIX);
		hint_of(end->violations[i], p, &hint);
		if (hint.len > sizeof(HINT_PREFIX) - 1)
			hints_put(end, &hint, a);
	}
}

void
hints_add_all(struct ctl *end, const struct plan *p, struct arena *a)
{
	const bool unexplained = hints_unexplained(end);

	hints_add(end, p, a);
	if (end->type != CTL_ENDED || end->code == 0)
		return;
	if (unexplained)
		hints_add_hidden(end, p, a);
	hints_add_command(end, p, a);
}
