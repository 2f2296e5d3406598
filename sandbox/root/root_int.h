#ifndef SANDBOX_ROOT_INT_H
#define SANDBOX_ROOT_INT_H
/* What the files that perform a plan's operations share. */
#include <stdbool.h>

#include "root/root.h"

/* Inside the new root nothing is a link that we did not make ourselves. */
#define INSIDE (RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
#define HOST (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

void root_note(struct root *r, const char *text);
/* In the second phase, makes the run the owner of a name. */
void root_give(const struct root *r, int dirfd, const char *name);
/* The folder that holds path, made where it is missing, and the last
 * component. The descriptor is root's: valid until the next call. */
int root_open_parent(struct root *r, const char *path, int *ret,
    const char **ret_name, struct err *e);
/* The place at path in the new root; makes it when it is missing. */
int root_open_place(
    struct root *r, const char *path, bool folder, int *ret, struct err *e);
/* Opens what is there (O_PATH), links not followed; -1 and errno. */
int root_open_inside(struct root *r, const char *path);
int root_open_host(struct root *r, const char *path);
/* After a mount: folders may show something else now. */
void root_forget_near(struct root *r);
int root_put_link(
    struct root *r, const char *path, const char *to, struct err *e);

int root_do_dir(struct root *r, const struct op *op, struct err *e);
int root_do_host(struct root *r, const struct op *op, struct err *e);
int root_do_workspace(struct root *r, const struct op *op, struct err *e);
/* A mount that shows lower (a detached tree) and keeps writes apart. */
int root_make_overlay(struct root *r, int lower, int *ret, struct err *e);
int root_do_protect(struct root *r, const struct op *op, struct err *e);
/* fd: op's file, open for reading, or -1. *ret_tree: a copy of it without its
 * credentials; untouched where there are none. */
int root_clean(
    struct root *r, const struct op *op, int fd, int *ret_tree, struct err *e);
int root_do_mask(struct root *r, const struct op *op, struct err *e);
int root_do_deny(struct root *r, const struct op *op, struct err *e);
/* Hides the file or folder at fd (O_PATH). */
int root_mask(struct root *r, int fd, struct err *e);
int root_do_devices(struct root *r, struct err *e);
int root_do_terminals(struct root *r, struct err *e);
int root_do_proc(struct root *r, const struct op *op, struct err *e);
int root_do_tmp(struct root *r, const struct op *op, struct err *e);
int root_do_tmp_dir(struct root *r, const struct op *op, struct err *e);
int root_do_file(
    struct root *r, const struct op *op, size_t index, struct err *e);
/* What the plan says of all code in the workspace, as it is outside. */
int root_check_code(const struct plan *p, struct err *e);
/* After everything else: the approved bytes over their files. */
int root_do_pins(struct root *r, struct err *e);

#endif
