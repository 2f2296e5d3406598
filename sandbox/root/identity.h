#ifndef SANDBOX_IDENTITY_H
#define SANDBOX_IDENTITY_H
/*
 * Who a run is: user namespaces, owner maps, and giving up what root has.
 *
 *     identity_idmap(&who, owner, group, &fd, e)    before any namespace
 *     identity_map_self(&who, e)                    in a new user namespace
 *     identity_become(&who, e)                      last of all
 */
#include <stdint.h>

#include "base/err.h"
#include "sandbox/plan.h"

/* Which uid and gid run what this caller asks for; workspace's owner when
 * root asks. */
int identity_choose(const char *workspace, struct plan_who *ret, struct err *e);
/* Those that were made, to be used again: nobody is in them, and what they map
 * cannot be changed. */
#define IDENTITY_MAPS_MAX 8
struct identity_maps {
	struct {
		uid_t owner, uid;
		gid_t group, gid;
		int fd;
	} at[IDENTITY_MAPS_MAX];
	size_t count, next;
};
void identity_maps_close(struct identity_maps *m);
/* A user namespace in which the owner of files is who. -1 when none is
 * needed. maps: or NULL. */
int identity_idmap(const struct plan_who *who, const char *workspace,
    struct identity_maps *maps, int *ret, struct err *e);
/* As openat2, with the rights of who's owner where it names one: root's own
 * would lead through folders that are closed to him. */
int identity_open(const struct plan_who *who, int base, const char *path,
    uint64_t flags, uint64_t resolve);
/* File rights of who's owner, where it names one, until identity_look_as_us:
 * what is made then is his, and nothing is reached that he could not. */
void identity_look_as(const struct plan_who *who);
void identity_look_as_us(const struct plan_who *who);
int identity_map_self(const struct plan_who *who, struct err *e);
/* What nothing that is executed has any more; can be done ahead. */
int identity_drop_bounding(struct err *e);
/* No capabilities, no new ones, not readable by others, dies with its
 * parent. Verified; fails closed. */
int identity_become(const struct plan_who *who, struct err *e);
/* The same for a plain user outside of any user namespace, who has none. */
int identity_give_up(struct err *e);
/* The loopback interface of a new network namespace. */
int identity_loopback(struct err *e);
/* Leaves the network of whoever started us for an empty one. */
int identity_new_network(struct err *e);
/*
 * The kernel counts a user's processes for each user namespace: in one of its
 * own a run has its whole limit, however many others run. userns: entered, or
 * -1. self: this process's folder in a /proc that can be written, when the
 * run shares its user namespace and makes another; or -1.
 */
int identity_count_apart(
    const struct plan_who *who, int userns, int self, struct err *e);
/* A namespace for identity_count_apart in which everybody is who he is. Root
 * only; *ret is to be closed, and may serve one run after the other. */
int identity_count_space(int *ret, struct err *e);

#endif
