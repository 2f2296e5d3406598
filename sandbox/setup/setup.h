#ifndef SANDBOX_SETUP_H
#define SANDBOX_SETUP_H
/*
 * What 'assent setup --elevated' does, step by step, and undoes.
 *
 *     r = setup_make(&(struct setup_options){ .pool = 1 }, &out, e);
 *
 * Every step that is done already is left alone; what is, or would be, done
 * is written to out, a line each. The marker is written last and taken away
 * first, so that nothing believes in half of a set-up.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"

#define SETUP_GROUP "assent-runs"
#define SETUP_OFFLINE "assent-offline"
#define SETUP_ONLINE "assent-online"

struct setup_options {
	const char *workspace; /* one more, or NULL */
	size_t pool; /* accounts for runs with network; 0: as it is, or 1 */
	const uint16_t *ports; /* of proxies of this machine */
	size_t port_count;
	bool dry;
};

int setup_make(const struct setup_options *o, struct buf *out, struct err *e);
/* All of it; with a workspace, its rights alone. */
int setup_remove(const struct setup_options *o, struct buf *out, struct err *e);

/* setup_accounts.c: the group and the accounts, made where missing; their
 * numbers. dry: 0 for those that would be made. */
struct setup_accounts {
	gid_t group;
	struct config_account offline, online[ELEVATED_POOL_MAX];
	size_t online_count;
};
int setup_accounts_make(size_t pool, bool dry, struct arena *a,
    struct setup_accounts *ret, struct buf *out, struct err *e);
int setup_accounts_remove(bool dry, struct buf *out, struct err *e);

#endif
