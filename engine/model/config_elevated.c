/*
 * What 'assent setup --elevated' left: the accounts that run what is proposed.
 * Runs in: supervisor, tools, as root.  Trusts: nothing in the file (its owner
 * was checked).  Owns: nothing.
 */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "config_int.h"

#define ACCOUNT_ID_MAX 4294967294U

static void
read_id(struct reading *r, const struct yaml *v, void *to)
{
	uint64_t id;
	uint32_t kept;

	if (!config_scalar(r, v, "a uid or gid"))
		return;
	if (num_parse_u64(v->text, 1, ACCOUNT_ID_MAX, &id) != 0) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
		    "'%.*s' is no uid or gid of an account", STR_ARG(v->text));
		return;
	}
	kept = (uint32_t)id;
	memcpy(to, &kept, sizeof(kept));
}

static const struct config_entry account_entries[] = {
	{ "name", config_read_text, offsetof(struct config_account, name) },
	{ "uid", read_id, offsetof(struct config_account, uid) },
	{ "gid", read_id, offsetof(struct config_account, gid) },
};

static void
read_account(struct reading *r, const struct yaml *v, void *to)
{
	const struct config_account *a = to;

	if (!config_is_kind(r, v, YAML_MAP, "an account"))
		return;
	config_read_entries(
	    r, v, account_entries, ARRAY_LEN(account_entries), to);
	if (a->name == NULL || a->uid == 0 || a->gid == 0)
		yaml_diag(r->diags, v, DIAG_ERROR, "E206",
		    "run assent setup --elevated again",
		    "an account has a name, a uid and a gid");
}

static void
read_online(struct reading *r, const struct yaml *v, void *to)
{
	struct config_elevated *e = to;

	if (!config_is_kind(r, v, YAML_LIST, "online"))
		return;
	if (v->count == 0 || v->count > ELEVATED_POOL_MAX) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
		    "online has 1 to %d accounts", ELEVATED_POOL_MAX);
		return;
	}
	for (size_t i = 0; i < v->count; i++)
		read_account(r, &v->items[i], &e->online[i]);
	e->online_count = v->count;
}

static void
read_ports(struct reading *r, const struct yaml *v, void *to)
{
	struct config_elevated *e = to;
	uint64_t port;

	if (!config_is_kind(r, v, YAML_LIST, "proxy_ports"))
		return;
	for (size_t i = 0; i < v->count; i++) {
		if (e->port_count == ELEVATED_PORTS_MAX ||
		    num_parse_u64(v->items[i].text, 1, 65535, &port) != 0) {
			yaml_diag(r->diags, &v->items[i], DIAG_ERROR, "E203",
			    NULL, "no port, or more than %d",
			    ELEVATED_PORTS_MAX);
			return;
		}
		e->ports[e->port_count++] = (uint16_t)port;
	}
}

static void
read_version(struct reading *r, const struct yaml *v, void *to)
{
	(void)to;
	if (v->kind != YAML_SCALAR || !str_eqz(v->text, ELEVATED_VERSION))
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "run assent setup --elevated again",
		    "it was set up by another version");
}

static const struct config_entry entries[] = {
	{ "version", read_version, 0 },
	{ "offline", read_account, offsetof(struct config_elevated, offline) },
	{ "online", read_online, 0 },
	{ "proxy_ports", read_ports, 0 },
	{ "workspaces", config_read_list,
	    offsetof(struct config_elevated, workspaces) },
};

/* The marker is written last: without it nothing is set up. */
int
config_read_elevated(struct reading *r, struct yaml *root, struct err *e)
{
	struct config_elevated *to = &r->config->elevated_setup;
	struct str text = STR_NONE;
	int rc;

	if (geteuid() != 0)
		return ERR_OK;
	rc = config_read_owned(ELEVATED_FILE, OWNER_ROOT, r->arena, &text, e);
	if (rc == ERR_NOTFOUND)
		return ERR_OK;
	if (rc == 0)
		rc = yaml_parse(
		    ELEVATED_FILE, text, r->arena, r->diags, root, e);
	if (rc != 0)
		return rc;
	if (!config_is_kind(r, root, YAML_MAP, ELEVATED_FILE))
		return ERR_OK;
	config_read_entries(r, root, entries, ARRAY_LEN(entries), to);
	if (to->offline.uid == 0 || to->online_count == 0)
		yaml_diag(r->diags, root, DIAG_ERROR, "E206",
		    "run assent setup --elevated again",
		    "the accounts offline and online are not all there");
	else
		to->set_up = true;
	return ERR_OK;
}
