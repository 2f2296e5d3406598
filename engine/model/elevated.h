#ifndef MODEL_ELEVATED_H
#define MODEL_ELEVATED_H
/*
 * The firewall of elevated runs: nothing leaves this machine's own network as
 * one of their accounts, and inside of it nothing but a named proxy is
 * reached. Runs have a network of their own besides; this is the second wall.
 *
 *     r = elevated_firewall_load(&config->elevated_setup, e);
 *     r = elevated_firewall_check(&config->elevated_setup, e);
 */
#include "base/buf.h"
#include "base/err.h"
#include "model/config.h"

#define ELEVATED_TABLE "assent_elevated"

/* The table as nft prints it, so that what is there can be compared. */
void elevated_firewall_put(const struct config_elevated *s, struct buf *out);
/* In one transaction in the place of what was there. Root. */
int elevated_firewall_load(const struct config_elevated *s, struct err *e);
/* ERR_NOTFOUND: nft or the table is missing; ERR_DENIED: it is another. */
int elevated_firewall_check(const struct config_elevated *s, struct err *e);
/* Away with it; that there is none is no error. */
int elevated_firewall_remove(struct err *e);

#endif
