/*
 * A plan for people and for --print-plan: JSON with the order of operations.
 * Runs in: engine, assent-exec.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "base/jsonw.h"
#include "base/text.h"
#include "sandbox/plan.h"

static const char *const identity_names[] = {
	[IDENTITY_INVALID] = "invalid",
	[IDENTITY_SAME] = "same",
	[IDENTITY_SWITCH] = "switch",
	[IDENTITY_DEDICATED] = "dedicated",
};

static const char *const edit_names[] = {
	[PLAN_EDIT_INVALID] = "invalid",
	[PLAN_EDIT_CREATE] = "create",
	[PLAN_EDIT_REPLACE] = "replace",
	[PLAN_EDIT_PATCH] = "patch",
	[PLAN_EDIT_DELETE] = "delete",
	[PLAN_EDIT_MOVE] = "move",
};

static const char *const pin_names[] = {
	[PIN_FROZEN] = "frozen",
	[PIN_CHECKED] = "checked",
	[PIN_ABSENT] = "absent",
	[PIN_TREE] = "code",
};

static void
key_strings(struct jsonw *w, const char *key, const char *const *list, size_t n)
{
	jsonw_key(w, key);
	jsonw_array(w);
	for (size_t i = 0; i < n; i++)
		jsonw_cstr(w, list[i]);
	jsonw_end(w);
}

static void
who_json(struct jsonw *w, const struct plan_who *who)
{
	jsonw_key(w, "identity");
	jsonw_object(w);
	jsonw_kstr(w, "kind", identity_names[who->identity]);
	jsonw_kint(w, "uid", (int64_t)who->uid);
	jsonw_kint(w, "gid", (int64_t)who->gid);
	if (who->owner != 0)
		jsonw_kint(w, "owner", (int64_t)who->owner);
	jsonw_end(w);
}

static void
ops_json(struct jsonw *w, const struct plan *p)
{
	jsonw_key(w, "operations");
	jsonw_array(w);
	for (size_t i = 0; i < p->op_count; i++) {
		const struct op *op = &p->ops[i];

		jsonw_object(w);
		jsonw_kstr(w, "op", op_kind_name(op->kind));
		jsonw_kstr(w, "path", op->path);
		if (op->source != NULL)
			jsonw_kstr(w, "source", op->source);
		if (op->size != 0)
			jsonw_kint(w, "size", (int64_t)op->size);
		if ((op->flags & OP_WRITE) != 0)
			jsonw_kbool(w, "write", true);
		if ((op->flags & OP_OVERLAY) != 0)
			jsonw_kbool(w, "overlay", true);
		if ((op->flags & OP_CLEAN) != 0)
			jsonw_kbool(w, "without_credentials", true);
		if ((op->flags & OP_OPTIONAL) != 0)
			jsonw_kbool(w, "optional", true);
		if ((op->flags & OP_EACH_RUN) != 0)
			jsonw_kbool(w, "each_run", true);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
limits_json(struct jsonw *w, const struct plan_limits *l)
{
	jsonw_key(w, "limits");
	jsonw_object(w);
	jsonw_kint(w, "memory_bytes", (int64_t)l->memory_bytes);
	jsonw_kint(w, "file_bytes", (int64_t)l->file_bytes);
	jsonw_kint(w, "tmp_bytes", (int64_t)l->tmp_bytes);
	jsonw_kint(w, "disk_bytes", (int64_t)l->disk_bytes);
	jsonw_kint(w, "output_bytes", (int64_t)l->output_bytes);
	jsonw_kint(w, "stream_bytes", (int64_t)l->stream_bytes);
	jsonw_kint(w, "processes", l->processes);
	jsonw_kint(w, "descriptors", l->descriptors);
	jsonw_kint(w, "new_files", l->new_files);
	jsonw_kint(w, "cpu_percent", l->cpu_percent);
	jsonw_kint(w, "wall_ms", l->wall_ms);
	jsonw_end(w);
}

static void
pins_json(struct jsonw *w, const struct plan *p)
{
	jsonw_key(w, "pins");
	jsonw_array(w);
	for (size_t i = 0; i < p->pin_count; i++) {
		jsonw_object(w);
		jsonw_kstr(w, "kind", pin_names[p->pins[i].kind]);
		jsonw_kstr(w, "path", p->pins[i].path);
		if (p->pins[i].named != NULL)
			jsonw_kstr(w, "named", p->pins[i].named);
		jsonw_key(w, "sha256");
		jsonw_hex(w, p->pins[i].sha256, SHA256_LEN);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
edits_json(struct jsonw *w, const struct plan *p)
{
	jsonw_key(w, "edits");
	jsonw_array(w);
	for (size_t i = 0; i < p->edit_count; i++) {
		const struct plan_edit *edit = &p->edits[i];

		jsonw_object(w);
		jsonw_kstr(w, "op", edit_names[edit->op]);
		jsonw_kstr(w, "path", edit->path);
		if (edit->to != NULL)
			jsonw_kstr(w, "to", edit->to);
		jsonw_kint(w, "bytes", (int64_t)edit->content.len);
		if (edit->has_sha256) {
			jsonw_key(w, "sha256");
			jsonw_hex(w, edit->sha256, SHA256_LEN);
		}
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
credentials_json(struct jsonw *w, const struct plan *p)
{
	jsonw_key(w, "credentials");
	jsonw_array(w);
	for (size_t i = 0; i < p->credential_count; i++) {
		const struct config_credential *c = &p->credentials[i];

		jsonw_object(w);
		jsonw_kstr(w, "name", c->name);
		jsonw_kstr(w, "kind", c->kind_name);
		key_strings(w, "hosts", c->hosts.items, c->hosts.count);
		jsonw_kbool(w, "ask", c->ask);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
network_json(struct jsonw *w, const struct plan *p)
{
	AUTO_BUF struct buf text = BUF_INIT(PLAN_BYTES_MAX);

	jsonw_kstr(w, "network",
	    p->unconfined   ? "host"
		: p->online ? "proxy"
			    : "none");
	plan_network_text(p, &text);
	jsonw_kstr(w, "network_summary", buf_cstr(&text));
	if (p->online) {
		jsonw_key(w, "network_policy");
		net_policy_json(w, &p->net);
		jsonw_key(w, "ports");
		jsonw_array(w);
		for (size_t i = 0; i < p->port_count; i++)
			jsonw_int(w, p->ports[i]);
		jsonw_end(w);
	}
	key_strings(w, "sockets", p->sockets, p->socket_count);
	credentials_json(w, p);
}

static const char *const record_names[] = {
	[PLAN_RECORDS_OFF] = "off",
	[PLAN_RECORDS_AUTO] = "auto",
	[PLAN_RECORDS_ON] = "on",
};

void
plan_json(const struct plan *p, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kint(&w, "version", PLAN_VERSION);
	jsonw_kstr(&w, "profile", p->profile);
	who_json(&w, &p->who);
	jsonw_kstr(&w, "workspace", p->workspace);
	jsonw_kstr(&w, "home", p->home);
	jsonw_kstr(&w, "cwd", p->cwd);
	jsonw_kbool(&w, "write", p->write);
	network_json(&w, p);
	jsonw_kbool(&w, "unconfined", p->unconfined);
	jsonw_kbool(&w, "overlay", p->overlay);
	jsonw_kbool(&w, "strict", p->strict);
	jsonw_kstr(&w, "records", record_names[p->records]);
	key_strings(&w, "argv", p->argv, p->argc);
	key_strings(&w, "env", p->env, p->env_count);
	key_strings(&w, "protected", p->protect, p->protect_count);
	key_strings(&w, "required", p->require, p->require_count);
	key_strings(&w, "denied", p->deny, p->deny_count);
	key_strings(&w, "write_roots", p->write_roots, p->write_root_count);
	limits_json(&w, &p->limits);
	pins_json(&w, p);
	edits_json(&w, p);
	ops_json(&w, p);
	jsonw_end(&w);
}
