/*
 * From the configuration to what the pipeline obeys.
 * Runs in: engine.  Trusts: the configuration.  Owns: nothing.
 */
#include <string.h>

#include "base/fdio.h"
#include "engine.h"
#include "grants.h"
#include "model/requirements.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_FILE_MAX ((size_t)4096)

static enum grants_allowed
grants_of(enum config_grants g)
{
	switch (g) {
	case CONFIG_GRANTS_UNTIL:
		return GRANTS_UNTIL;
	case CONFIG_GRANTS_SESSION:
		return GRANTS_SESSION;
	case CONFIG_GRANTS_NONE:
	case CONFIG_GRANTS_INVALID:
		break;
	}
	return GRANTS_NONE;
}

/* A bit for each layer; 0: as the files of rules say. */
static unsigned
cover_of(const struct config_ceiling *c)
{
	static const struct {
		const char *name;
		enum rule_layer layer;
	} layers[] = {
		{ "requirements", LAYER_REQUIREMENTS },
		{ "organisation", LAYER_ORGANISATION },
		{ "user", LAYER_USER },
	};
	const struct config_requirement *q =
	    requirement_find(c, "rules.cover", REQUIREMENT_ALLOWED);
	unsigned mask = 0;

	for (size_t i = 0; q != NULL && i < q->values.count; i++) {
		for (size_t n = 0; n < ARRAY_LEN(layers); n++) {
			if (strcmp(q->values.items[i], layers[n].name) == 0)
				mask |= 1u << layers[n].layer;
		}
	}
	return mask;
}

struct engine_settings
engine_settings_of(const struct config *c)
{
	struct engine_settings s = {
		.payloads = c->log_payloads,
		.policy = {
			.approval = c->approval_policy,
			.auto_review =
			    c->approvals_reviewer == REVIEWER_AUTO,
			/* In shadow nobody but a person decides. */
			.provider = c->provider_count > 0 &&
			    c->reviewer_mode == REVIEWER_ACTIVE,
		},
		.shadow = c->provider_count > 0 &&
		    c->approvals_reviewer == REVIEWER_AUTO &&
		    c->reviewer_mode == REVIEWER_SHADOW,
		.review_parallel = (unsigned)c->reviewer_parallel,
		.review_queue = (unsigned)c->reviewer_queue,
		.review_session_tokens = c->reviewer_session_tokens,
		.contained_clients = c->contained_clients,
		.ask_timeout_ms = c->ask_timeout_ms,
		.retention_ms = c->log_retention_ms,
		.destinations = config_destinations(c),
		.review_timeout_ms = c->review_timeout_ms,
		.full_access =
		    config_profile_allowed(c, "danger-full-access"),
		.elevated = c->elevated,
		.elevated_set_up = c->elevated_setup.set_up,
		.elevated_ready = c->elevated_setup.ready,
		.elevated_why_not = c->elevated_setup.why_not,
		.may_cover = cover_of(&c->ceiling),
		.ceiling = &c->ceiling,
		.credentials = c->credentials,
		.credential_count = c->credential_count,
		.passphrases = c->passphrases,
	};

	s.policy.grants = grants_of(c->grants);
	memcpy(s.policy.approvals, c->approvals, sizeof(c->approvals));
	memcpy(s.policy.groups, c->approver_groups, sizeof(s.policy.groups));
	return s;
}

void
engine_read_boot_id(char ret[static BOOT_ID_MAX])
{
	AUTO_BUF struct buf text = BUF_INIT(BOOT_ID_FILE_MAX);

	memset(ret, 0, BOOT_ID_MAX);
	if (fdio_read_file(BOOT_ID_FILE, &text, NULL) == 0 && text.len > 0)
		memcpy(ret, text.s,
		    text.len < BOOT_ID_MAX ? text.len : BOOT_ID_MAX - 1);
}
