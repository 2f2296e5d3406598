#ifndef SANDBOX_AUDIT_LINK_H
#define SANDBOX_AUDIT_LINK_H
/*
 * The kernel's word on what a run was denied, for whoever started it as root.
 *
 *     r = audit_link_feed(switch_on, &feed, e);    ERR_*: and why not
 *     r = audit_link_open(feed, answered, ctx, &link, e);
 *     audit_link_watch(link, uid);                 before its runs begin
 *     ... audit_link_turn(link) when audit_link_fd(link) is readable
 *     domain = audit_link_domain(link, pid, uid, since);
 *     audit_link_ask(link, domain)                 answered() comes
 *
 * A process of its own reads (reader.h). Nothing here blocks.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "audit/table.h"
#include "base/buf.h"
#include "base/err.h"

struct audit_link;
struct ctl;
struct arena;

/* Of a domain that was asked about. */
typedef void audit_answered_fn(
    void *ctx, uint64_t domain, const struct audit_denials *d);

/* From here on the kernel's records are kept for whoever reads. switch_on:
 * auditing, where it is off. */
int audit_link_feed(bool switch_on, int *ret, struct err *e);
/* Takes feed. */
int audit_link_open(int feed, audit_answered_fn *answered, void *ctx,
    struct audit_link **ret, struct err *e);
void audit_link_free(struct audit_link *l);
int audit_link_fd(const struct audit_link *l);
/* False when the reader has ended: nothing more comes. */
bool audit_link_turn(struct audit_link *l);
void audit_link_watch(struct audit_link *l, uid_t uid);
/* The domain that this process entered, when something was denied in it since
 * (loop_now_ns); else 0. */
uint64_t audit_link_domain(
    const struct audit_link *l, pid_t pid, uid_t uid, int64_t since_ns);
bool audit_link_ask(struct audit_link *l, uint64_t domain);
/* How often records were lost: more than when a run began, and its own may be
 * among them. */
uint64_t audit_link_losses(const struct audit_link *l);

#define AUDIT_DENIAL_PREFIX "the kernel (Landlock): "
#define AUDIT_LOST_NOTE                                                        \
	"note: the kernel made more audit records than could be read; others " \
	"of this run may be among them"
#define AUDIT_UNREAD_NOTE "note: the kernel's records of denials are not read: "

/* "the kernel (Landlock): fs.make_dir /x (3 times)"; i == count: those that
 * found no room. False: there are none. */
bool audit_denials_text(
    const struct audit_denials *d, uint32_t i, struct buf *out);
/* All of them, as violations; the texts live in the arena. */
void audit_denials_add(
    const struct audit_denials *d, struct ctl *end, struct arena *a);

#endif
