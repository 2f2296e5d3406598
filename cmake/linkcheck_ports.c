/*
 * What core/ports.h names and other modules define, as weak symbols: what a
 * module that depends on the ports may leave open.
 * Runs in: nothing; it is only linked.  Trusts: nothing.  Owns: nothing.
 */
#include "core/ports.h"

#define PORT __attribute__((weak))

PORT const struct history_port db_history = { .each = NULL };
PORT const struct classifier_port rules_classifier = { .open = NULL };

PORT const char *
receipt_action_id(const struct receipt *r)
{
	(void)r;
	return NULL;
}

PORT const uint8_t *
receipt_action_sha256(const struct receipt *r)
{
	(void)r;
	return NULL;
}

PORT enum row_kind
receipt_kind(const struct receipt *r)
{
	(void)r;
	return ROW_INVALID;
}

PORT uint64_t
receipt_seq(const struct receipt *r)
{
	(void)r;
	return 0;
}

PORT void
receipt_free(struct receipt *r)
{
	(void)r;
}

PORT void
receipt_freep(struct receipt **r)
{
	*r = NULL;
}
