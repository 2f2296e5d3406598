/*
 * What the roles of a running daemon say is enforced in them.
 * Runs in: assent doctor.  Trusts: nothing of the daemon's texts beyond their
 * being shown.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "doctor.h"
#include "show_reviewer.h"

static const struct {
	const char *key, *remedy;
} protections[] = {
	{ "no_new_privs", "a kernel from 3.5 on" },
	{ "not_dumpable", "run a build without sanitizers" },
	{ "capabilities", "report this as a bug" },
	{ "seccomp", "a kernel with CONFIG_SECCOMP_FILTER" },
};

/* The names of what a role lacks, as one text; empty when nothing. */
static void
put_missing(const json_t *enforced, struct buf *out, const char **ret_remedy)
{
	for (size_t i = 0; i < ARRAY_LEN(protections); i++) {
		if (json_is_true(json_object_get(enforced, protections[i].key)))
			continue;
		buf_printf(
		    out, "%s%s", out->len == 0 ? "" : ", ", protections[i].key);
		*ret_remedy = protections[i].remedy;
	}
	if (json_integer_value(json_object_get(enforced, "landlock")) < 1) {
		buf_printf(out, "%slandlock", out->len == 0 ? "" : ", ");
		*ret_remedy = "boot with lsm=landlock,...";
	}
}

static void
judge_role(struct findings *f, const char *name, const json_t *role)
{
	AUTO_BUF struct buf missing = BUF_INIT(FINDING_TEXT_MAX);
	const json_t *enforced = json_object_get(role, "enforced");
	const char *remedy = NULL;

	if (!json_is_true(json_object_get(role, "up"))) {
		finding_add(f, FINDING_MISSING, "role", name,
		    "see the daemon's log", "is down");
		return;
	}
	put_missing(enforced, &missing, &remedy);
	if (missing.len > 0) {
		finding_add(f, FINDING_MISSING, "role", name, remedy,
		    "lacks %s", buf_cstr(&missing));
		return;
	}
	finding_add(f, FINDING_OK, "role", name, NULL,
	    "Landlock ABI %lld, seccomp, no privileges, not dumpable",
	    (long long)json_integer_value(
		json_object_get(enforced, "landlock")));
}

static void
judge_provider(struct findings *f, const json_t *provider)
{
	const char *trouble = provider_trouble(provider);
	const char *name = client_text(provider, "name");
	const char *why = client_text(provider, "last_failure");

	if (name == NULL)
		return;
	if (trouble != NULL)
		finding_add(f, FINDING_MISSING, "reviewer", name,
		    "see the daemon's log; assent review try asks it by hand",
		    "%s%s%s", trouble, why == NULL ? "" : ": ",
		    why == NULL ? "" : why);
	else
		finding_add(f, FINDING_OK, "reviewer", name, NULL,
		    "has its key; no trouble is known");
}

/* Without one nothing is missing: people answer. But they should know. */
static void
judge_reviewer(struct findings *f, const json_t *reviewer)
{
	const json_t *state = json_object_get(reviewer, "state");
	const json_t *provider;
	const char *trouble = reviewer_trouble(reviewer);
	size_t i;

	if (!json_is_true(json_object_get(reviewer, "configured"))) {
		finding_add(f, FINDING_NOTE, "reviewer", "provider", NULL,
		    "none is configured; what rules send to review goes to a "
		    "person");
		return;
	}
	if (trouble != NULL)
		finding_add(f, FINDING_MISSING, "reviewer", "process",
		    "see the daemon's log", "%s", trouble);
	json_array_foreach(json_object_get(state, "providers"), i, provider)
	    judge_provider(f, provider);
}

/* Those that the daemon holds to. */
static void
judge_requirements(struct findings *f, struct client *c)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	const char *file;
	struct err e = ERR_INIT;

	if (client_call(c,
		&(struct client_request){
		    .method = "GET", .path = "/v1/requirements" },
		&reply, &e) != 0 ||
	    client_expect(&reply, &e) != 0) {
		finding_add(f, FINDING_MISSING, "daemon", "requirements",
		    "see the daemon's log", "cannot be told: %s", e.msg);
		return;
	}
	file = client_text(reply.json, "file");
	if (file == NULL)
		finding_add(f, FINDING_NOTE, "daemon", "requirements", NULL,
		    "there are none: every setting is free");
	else
		finding_add(f, FINDING_OK, "daemon", "requirements", NULL,
		    "%zu in %s hold; assent requirements lists them",
		    json_array_size(
			json_object_get(reply.json, "requirements")),
		    file);
}

/* Nothing was set up: nothing is missing. */
static void
judge_elevated(struct findings *f, const json_t *elevated)
{
	const char *setting = client_text(elevated, "setting");
	const char *mode = client_text(elevated, "mode");
	const char *why = client_text(elevated, "why_not");

	if (setting == NULL || mode == NULL)
		return;
	if (strcmp(mode, "elevated") == 0)
		finding_add(f, FINDING_OK, "daemon", "elevated", NULL,
		    "runs have accounts of their own, the firewall is in "
		    "force (%s)",
		    setting);
	else if (why != NULL)
		finding_add(f, FINDING_MISSING, "daemon", "elevated",
		    "assent setup --elevated, then reload the daemon",
		    "runs are as their proposer: %s", why);
	else
		finding_add(f, FINDING_NOTE, "daemon", "elevated", NULL,
		    "runs are as their proposer (%s, %s)", setting,
		    json_is_true(json_object_get(elevated, "set_up"))
			? "set up"
			: "nothing is set up");
}

void
doctor_daemon(struct findings *f, const char *runtime)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	const json_t *role, *reason;
	struct err e = ERR_INIT;
	const char *name;
	size_t i;

	if (client_open(runtime, CLIENT_AGENT, &c, &e) != 0 ||
	    client_call(c,
		&(struct client_request){ .method = "GET", .path = "/readyz" },
		&reply, &e) != 0) {
		finding_add(
		    f, FINDING_NOTE, "daemon", "running", NULL, "%s", e.msg);
		return;
	}
	finding_add(f, reply.status == 200 ? FINDING_OK : FINDING_MISSING,
	    "daemon", "ready", "see the reasons below", "status %ld",
	    reply.status);
	json_array_foreach(json_object_get(reply.json, "reasons"), i, reason)
	    finding_add(f, FINDING_MISSING, "daemon", "reason",
		"see the daemon's log", "%s",
		json_is_string(reason) ? json_string_value(reason) : "?");
	json_array_foreach(json_object_get(reply.json, "warnings"), i, reason)
	    finding_add(f, FINDING_MISSING, "daemon", "warning",
		"correct it; assentd --check and assent rules check tell more",
		"%s", json_is_string(reason) ? json_string_value(reason) : "?");
	json_object_foreach(json_object_get(reply.json, "roles"), name, role)
	    judge_role(f, name, role);
	judge_reviewer(f, json_object_get(reply.json, "reviewer"));
	judge_elevated(f, json_object_get(reply.json, "elevated"));
	judge_requirements(f, c);
}
