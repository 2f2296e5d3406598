/*
 * Families of processes, read from /proc.
 * Runs in: engine.  Trusts: the kernel; names of programs only where they can
 * make it stricter.  Owns: nothing.
 */
#include "kin.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/num.h"

#define OWN_QUESTION                                                           \
	"nobody answers his own question; answer from another terminal, "      \
	"with assent tui"
#define PROC_FILE_MAX ((size_t)16 << 10)
#define PROC_PATH_MAX 64
#define ANCESTORS_MAX 256 /* more is no family, and is refused */
#define NAME_LEN_MAX 32 /* the kernel's are shorter */
#define TOGETHER_TICKS                                                         \
	200 /* 2 s: what starts a command has started it by then */

struct kin {
	pid_t pid, parent, session;
	uint64_t started; /* in ticks since boot: a pid that is used again */
	bool has_terminal;
	char name[NAME_LEN_MAX];
};

static int
read_proc(pid_t pid, const char *file, struct buf *out)
{
	char path[PROC_PATH_MAX];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fdio_read_file(path, out, NULL);
}

/* "pid (name) state ppid pgrp session tty ... starttime": proc(5). */
static int
read_kin(pid_t pid, struct kin *ret)
{
	enum {
		PARENT = 1,
		SESSION = 3,
		TERMINAL = 4,
		STARTED = 19,
		FIELDS = 20
	};
	AUTO_BUF struct buf text = BUF_INIT(PROC_FILE_MAX);
	uint64_t v[FIELDS] = { 0 };
	struct kin k = { .pid = pid };
	struct str rest, name;

	if (pid <= 0 || read_proc(pid, "stat", &text) != 0)
		return ERR_NOTFOUND;
	/* The name may hold anything, so what follows is found from behind. */
	rest = buf_str(&text);
	name = str_head(rest, str_rfind(rest, ')'));
	rest = str_from(rest, name.len + 2);
	name = str_from(name, str_find(name, '(') + 1);
	memcpy(k.name, name.s,
	    name.len < NAME_LEN_MAX ? name.len : NAME_LEN_MAX - 1);
	for (size_t i = 0; i < FIELDS; i++) {
		const struct str word = str_cut(&rest, ' ');

		/* Those that may be negative are not asked for. */
		if (num_parse_u64(word, 0, UINT64_MAX, &v[i]) != 0 &&
		    (i == PARENT || i == SESSION || i == STARTED))
			return ERR_NOTFOUND;
	}
	k.parent = (pid_t)v[PARENT];
	k.session = (pid_t)v[SESSION];
	k.has_terminal = v[TERMINAL] != 0;
	k.started = v[STARTED];
	*ret = k;
	return ERR_OK;
}

/* ---- who proposes ----------------------------------------------------------- */

/* A hook or a server that an agent starts, or a command that it runs. */
enum errand {
	ERRAND_OWN, /* it proposes for itself */
	/* "assent run", assent-shell: an agent's, or a person's at a shell */
	ERRAND_COMMAND,
	/* "assent hook CLIENT", "assent mcp", "assent mcp-proxy": always an
	 * agent's. What "assent acp" starts is the agent: it asks itself. */
	ERRAND_HELPER,
};

static enum errand
errand_of(const struct kin *k)
{
	static const struct {
		const char *verb;
		enum errand errand;
	} errands[] = {
		{ "hook", ERRAND_HELPER },
		{ "mcp", ERRAND_HELPER },
		{ "mcp-proxy", ERRAND_HELPER },
		{ "run", ERRAND_COMMAND },
		{ "shell", ERRAND_COMMAND },
	};
	static const char *const programs[] = { "assent", "assent-cli" };
	AUTO_BUF struct buf text = BUF_INIT(PROC_FILE_MAX);
	struct str rest;

	if (strcmp(k->name, "assent-shell") == 0)
		return ERRAND_COMMAND;
	if (!str_is_one_of(str_of(k->name), programs, ARRAY_LEN(programs)) ||
	    read_proc(k->pid, "cmdline", &text) != 0)
		return ERRAND_OWN;
	rest = buf_str(&text);
	(void)str_cut(&rest, '\0');
	rest = str_cut(&rest, '\0');
	for (size_t i = 0; i < ARRAY_LEN(errands); i++) {
		if (str_eqz(rest, errands[i].verb))
			return errands[i].errand;
	}
	return ERRAND_OWN;
}

/* It adopts what others leave behind. */
static bool
is_reaper(const struct kin *k)
{
	return k->pid == 1 || strcmp(k->name, "systemd") == 0;
}

/* A person's shell: it leads the session of a terminal. */
static bool
is_at_a_terminal(const struct kin *k)
{
	static const char *const shells[] = { "sh", "bash", "dash", "zsh",
		"ksh", "mksh", "ash", "fish", "csh", "tcsh", "nu", "xonsh",
		"elvish", "login" };

	return k->pid == k->session && k->has_terminal &&
	    str_is_one_of(str_of(k->name), shells, ARRAY_LEN(shells));
}

/*
 * Whatever stands between an agent and the command that it had started was
 * started with it: "sh -c", timeout, env, a script. Who is older is who had it
 * started. Where nobody older is left it cannot be told (ERR_NOTFOUND).
 */
static int
find_starter(const struct kin *command, enum errand errand, struct kin *ret)
{
	struct kin k = *command, parent;

	for (int depth = 0; depth < ANCESTORS_MAX; depth++) {
		const bool known =
		    k.parent > 0 && read_kin(k.parent, &parent) == 0;

		if (known && !is_reaper(&parent) &&
		    !is_at_a_terminal(&parent)) {
			k = parent;
			if (command->started - k.started > TOGETHER_TICKS)
				break;
			continue;
		}
		if (known && is_at_a_terminal(&parent))
			break;
		if (errand == ERRAND_HELPER)
			return ERR_NOTFOUND;
		break;
	}
	*ret = k;
	return ERR_OK;
}

void
kin_meet(struct proposer *p)
{
	struct kin k;
	enum errand errand;

	p->started = 0;
	if (read_kin(p->pid, &k) != 0)
		return;
	errand = errand_of(&k);
	if (errand != ERRAND_OWN && find_starter(&k, errand, &k) != 0)
		return;
	p->pid = k.pid;
	p->started = k.started;
}

/* ---- who answers ------------------------------------------------------------ */

static bool
is_agent(const struct kin *k, const struct proposer *of)
{
	return k->pid == of->pid && k->started == of->started;
}

static bool
same_control_group(pid_t a, pid_t b)
{
	AUTO_BUF struct buf x = BUF_INIT(PROC_FILE_MAX);
	AUTO_BUF struct buf y = BUF_INIT(PROC_FILE_MAX);

	return read_proc(a, "cgroup", &x) == 0 &&
	    read_proc(b, "cgroup", &y) == 0 && str_eq(buf_str(&x), buf_str(&y));
}

/*
 * A child whose parent has gone belongs to init, or to the user's service
 * manager, and is younger than the agent. It still has the agent's session;
 * or, after setsid, no terminal and the agent's control group, as no service
 * and no terminal's shell has.
 */
static bool
left_the_family(const struct kin *child, const struct kin *adopter,
    const struct proposer *of)
{
	struct kin agent;

	if (child->started < of->started || !is_reaper(adopter) ||
	    read_kin(of->pid, &agent) != 0 || !is_agent(&agent, of))
		return false;
	if (child->session == agent.session && child->pid != agent.session)
		return true;
	return !child->has_terminal && same_control_group(child->pid, of->pid);
}

/*
 * A command that was left behind on purpose, as setsid does: whose it was is
 * not told any more, but it may be anybody's of its control group.
 */
static bool
may_be_the_starter(pid_t pid, const struct proposer *of)
{
	struct kin command, adopter;

	return read_kin(of->pid, &command) == 0 && is_agent(&command, of) &&
	    errand_of(&command) == ERRAND_COMMAND && !command.has_terminal &&
	    read_kin(command.parent, &adopter) == 0 && is_reaper(&adopter) &&
	    same_control_group(pid, of->pid);
}

int
kin_answers_itself(pid_t pid, const struct proposer *of, struct err *e)
{
	struct kin k, parent;

	if (of->started == 0 && of->pid <= 0)
		return ERR_OK; /* it came over the network */
	if (of->started == 0)
		return err_set(e, ERR_DENIED,
		    "process %d, which asks, or who started it, was gone "
		    "before anybody could look, so who answers cannot be "
		    "compared; have it propose again and stay",
		    (int)of->pid);
	if (read_kin(pid, &k) != 0)
		return err_set(e, ERR_DENIED,
		    "who answers cannot be told: /proc/%d is not readable; "
		    "mount /proc without hidepid, or answer over TCP",
		    (int)pid);
	if (may_be_the_starter(pid, of))
		return err_set(e, ERR_DENIED,
		    "process %d, which asks, has left whoever started it, and "
		    "who answers may be that: run it from a terminal, or "
		    "answer from another login",
		    (int)of->pid);
	for (int depth = 0; depth < ANCESTORS_MAX; depth++) {
		if (is_agent(&k, of))
			return err_set(e, ERR_DENIED,
			    "process %d was started by process %d, which "
			    "asks: " OWN_QUESTION,
			    (int)pid, (int)of->pid);
		if (k.parent <= 0 || read_kin(k.parent, &parent) != 0)
			return ERR_OK;
		if (left_the_family(&k, &parent, of))
			return err_set(e, ERR_DENIED,
			    "process %d comes from the session of process %d, "
			    "which asks: " OWN_QUESTION,
			    (int)pid, (int)of->pid);
		k = parent;
	}
	return err_set(e, ERR_DENIED, "who answers cannot be told");
}
