/*
 * assentd: picks the role, and names the production instances of the ports.
 * Runs in: every role of the daemon.  Trusts: its argv; a role's socket.
 * Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "api/front_role.h"
#include "core/engine_role.h"
#include "core/supervisor_role.h"
#include "model/command.h"
#include "model/project.h"

#define ROLE_OPTION "--role="

static bool
has_providers(const struct config *c)
{
	return c->provider_count > 0 && c->approvals_reviewer == REVIEWER_AUTO;
}

/* Programs of their own: no other role maps the network client. */
static const struct role reviewer_program = {
	.name = "reviewer",
	.program = "assent-reviewer",
	.takes_keys = true,
	.wanted = has_providers,
};

static const struct role reporter_program = {
	.name = "reporter",
	.program = "assent-reporter",
	.secrets = SECRETS_OF_REPORTER,
	.wanted = config_has_destination,
};

static bool
has_credentials(const struct config *c)
{
	return c->credential_count > 0;
}

/* The one that holds secrets, and has no network. */
static const struct role broker_program = {
	.name = "broker",
	.program = "assent-broker",
	.takes_secrets = true,
	.wanted = has_credentials,
};

/* In this order they start; the last one stops first. The engine's last rows
 * go out before the reporter goes. */
static const struct role *const roles[] = {
	&reporter_program,
	&engine_role,
	&reviewer_program,
	&broker_program,
	&front_role,
};

static const struct role_ports ports = {
	.classifier = &rules_classifier,
	.recorder = &db_recorder,
	.executor = &sandbox_executor,
	.reviewer = &llm_reviewer,
};

static int
run_role(const char *name)
{

	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (strcmp(roles[i]->name, name) == 0 &&
		    roles[i]->program == NULL)
			return role_run(roles[i], &ports);
	}
	(void)fprintf(stderr, "assentd: there is no role '%s'\n", name);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	const size_t len = strlen(ROLE_OPTION);

	if (argc == 2 && strncmp(argv[1], ROLE_OPTION, len) == 0)
		return run_role(argv[1] + len);
	if (argc == 3 && strcmp(argv[1], PROJECT_READER_OPTION) == 0)
		return project_reader_main(argv[2]);
	return supervisor_main(argc, argv, roles, ARRAY_LEN(roles), &ports);
}
