#ifndef SANDBOX_GATE_INT_H
#define SANDBOX_GATE_INT_H
/* What the files of the gate share. */
#include <limits.h>

#include "gate/gate.h"

/* How a handler ends: an errno to answer with, a value, or one of these. */
enum gate_answer {
	GATE_NATIVE = 1, /* the kernel goes on; the domain decides */
	GATE_SENT, /* already answered, or a worker will */
	GATE_PLAIN, /* as GATE_NATIVE, and nobody need remember it */
};

/* Where a path leads: the folder, held open, and a name in it. */
struct gate_place {
	int parent; /* O_PATH; owned */
	char name[NAME_MAX + 1];
	char rel[PATH_MAX]; /* in root, when root is not NULL */
	const struct gate_root *root;
	bool exists;
	struct stat st; /* when it exists; links are not followed */
	int why; /* errno, where the way to it ends for the gate */
};

#define GATE_PLACE_INIT                                                        \
	{                                                                      \
		.parent = -1                                                   \
	}
void gate_place_done(struct gate_place *p);

/* 0 or -errno; path has PATH_MAX bytes. */
int gate_read(struct gate *g, uint64_t address, void *to, size_t len);
int gate_read_path(struct gate *g, uint64_t address, char *path);
/* The caller's descriptor number dirfd, or its working folder. */
int gate_folder(struct gate *g, int dirfd);
/* 0 when place is filled, GATE_NATIVE when the kernel is to decide. */
int gate_resolve(struct gate *g, int dirfd, const char *path, bool follow,
    struct gate_place *ret);
/* The same for a folder of our own (an absolute path needs none). */
int gate_resolve_from(struct gate *g, int dirfd, const char *path, bool follow,
    struct gate_place *ret);
/* The caller's descriptor that "/dev/fd/1" and the like name, or -1. */
int gate_descriptor(const struct gate *g, const char *path);
/* "/proc/self/" becomes the caller's. */
void gate_name_caller(const struct gate *g, char path[static PATH_MAX]);
/* The caller still waits: what was read belongs to it. */
bool gate_valid(const struct gate *g);
/* A number of the caller's /proc status; field: "\nName:". -1: not known. */
long gate_status(const struct gate *g, const char *field, int base);
mode_t gate_umask(struct gate *g);
bool gate_is_proc(int fd);
bool gate_permits(
    const struct gate *g, const struct gate_place *p, enum guard_act act);
/* Renaming what is at from to the configuration of a repository. */
bool gate_permits_config(
    const struct gate_place *from, const struct gate_place *to);
/* A folder may be renamed so: where it is does not change what it is. */
bool gate_may_go(const struct gate_place *from, const struct gate_place *to);
/* Where the worktree NAME of a repository's list is. */
bool gate_worktree_path(int list, const char *name, char path[static PATH_MAX]);
/* p's folder is where a repository keeps a worktree, and leads back to it. */
bool gate_is_worktree(const struct gate_place *p);
/* The pointer that the gate has made: it says what the run would write. */
bool gate_is_common(const struct gate *g, const struct gate_place *p);
/* A new pointer of a worktree: its text, made by the gate; *ret_own: what the
 * run writes counts. False when it may not be made. */
bool gate_worktree(struct gate *g, const struct gate_place *p,
    char text[static PATH_MAX], bool *ret_own);
int gate_denied(struct gate *g, const char *what, const struct gate_place *p);
/* Where the kernel refuses by itself, the person is told why. */
void gate_note_outside(struct gate *g, const struct gate_place *p);
void gate_violation(struct gate *g, const char *what, const char *path);
bool gate_is_own(const struct gate *g, dev_t dev, ino_t ino);
void gate_add_own(struct gate *g, dev_t dev, ino_t ino);
void gate_send(struct gate *g, int error, int64_t value, bool native);
/* Hands fd to the caller as the result of its call. */
void gate_send_fd(struct gate *g, int fd, bool cloexec);
/* In a child: true, and the caller answers there and exits. */
bool gate_fork(struct gate *g, int *ret_answer);

/* Without namespaces: below the run's own temporary folder. */
bool gate_is_private(const struct gate *g, const char *folder);
/* Nothing below it is protected, or mounts hold that. */
bool gate_may_take(const struct gate *g, const struct gate_place *p);

int gate_call_open(struct gate *g);
int gate_call_attr(struct gate *g);
bool gate_is_attr(int nr);
int gate_call_bare(struct gate *g);
bool gate_is_bare(int nr);
int gate_call_names(struct gate *g);
int gate_call_socket(struct gate *g);
/* gate_refused.c: by its arguments, whatever else its number may mean. */
bool gate_is_refused(const struct seccomp_data *d);
int gate_call_refused(struct gate *g);
/* 0: not one of these calls. */
bool gate_is_open(int nr);
/* Is it the opening of a node that every run has, and many shells open? */
bool gate_opens_node(struct gate *g);
bool gate_is_socket(int nr);

#endif
