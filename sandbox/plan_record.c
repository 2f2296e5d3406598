/*
 * A plan as bytes: what is hashed, approved, stored and sent.
 * Runs in: engine, assent-exec.  Trusts: nothing that it reads.  Owns: nothing.
 */
#include "sandbox/plan.h"

#include <string.h>

#include "model/limits.h"
#include "sandbox/plan_credentials.h"

#define STRINGS_MAX 65536

static void
put_strings(struct buf *b, const char *const *list, size_t count)
{
	rec_put_u32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		rec_put_cstr(b, list[i]);
}

static void
put_frame(const struct plan *p, struct buf *b)
{
	rec_put_u32(b, PLAN_VERSION);
	rec_put_cstr(b, p->profile);
	rec_put_u8(b, (uint8_t)p->who.identity);
	rec_put_u32(b, p->who.uid);
	rec_put_u32(b, p->who.gid);
	rec_put_u32(b, p->who.owner);
	rec_put_u32(b, p->who.owner_gid);
	rec_put_cstr(b, p->who.name);
	rec_put_cstr(b, p->workspace);
	rec_put_cstr(b, p->home);
	rec_put_u8(b, p->write);
	rec_put_u8(b, p->online);
	rec_put_u8(b, p->unconfined);
	rec_put_u8(b, p->overlay);
	rec_put_u8(b, p->strict);
	rec_put_u8(b, (uint8_t)p->records);
	rec_put_u32(b, (uint32_t)p->op_count);
	for (size_t i = 0; i < p->op_count; i++) {
		rec_put_u8(b, (uint8_t)p->ops[i].kind);
		rec_put_u32(b, p->ops[i].flags);
		rec_put_cstr(b, p->ops[i].path);
		rec_put_cstr(b, p->ops[i].source);
		rec_put_u64(b, p->ops[i].size);
	}
	put_strings(b, p->protect, p->protect_count);
	put_strings(b, p->deny, p->deny_count);
	put_strings(b, p->require, p->require_count);
	put_strings(b, p->write_roots, p->write_root_count);
	rec_put_u32(b, (uint32_t)p->port_count);
	for (size_t i = 0; i < p->port_count; i++)
		rec_put_u16(b, p->ports[i]);
	put_strings(b, p->sockets, p->socket_count);
	rec_put_u64(b, p->limits.memory_bytes);
	rec_put_u64(b, p->limits.file_bytes);
	rec_put_u64(b, p->limits.tmp_bytes);
	rec_put_u64(b, p->limits.disk_bytes);
	rec_put_u64(b, p->limits.output_bytes);
	rec_put_u64(b, p->limits.stream_bytes);
	rec_put_u32(b, p->limits.processes);
	rec_put_u32(b, p->limits.descriptors);
	rec_put_u32(b, p->limits.new_files);
	rec_put_u32(b, p->limits.cpu_percent);
}

static void
put_edit(const struct plan_edit *edit, struct buf *b)
{
	rec_put_u8(b, (uint8_t)edit->op);
	rec_put_cstr(b, edit->path);
	rec_put_cstr(b, edit->to);
	rec_put_str(b, edit->content);
	rec_put_u8(b, edit->has_sha256);
	buf_put(b, edit->sha256, SHA256_LEN);
}

static void
put_run(const struct plan *p, struct buf *b)
{
	rec_put_cstr(b, p->cwd);
	rec_put_i64(b, p->limits.wall_ms);
	if (p->online)
		net_policy_put(b, &p->net);
	plan_credentials_put(b, p->credentials, p->credential_count);
	put_strings(b, p->argv, p->argc);
	put_strings(b, p->env, p->env_count);
	rec_put_u8(b, p->tty);
	rec_put_u8(b, p->has_stdin);
	rec_put_str(b, p->stdin_text);
	rec_put_u32(b, (uint32_t)p->pin_count);
	for (size_t i = 0; i < p->pin_count; i++) {
		rec_put_u8(b, (uint8_t)p->pins[i].kind);
		rec_put_cstr(b, p->pins[i].path);
		rec_put_cstr(b, p->pins[i].named);
		buf_put(b, p->pins[i].sha256, SHA256_LEN);
		rec_put_u8(b, p->pins[i].given);
		rec_put_u32(b, p->pins[i].mode);
		rec_put_str(b, p->pins[i].content);
	}
	rec_put_u32(b, (uint32_t)p->edit_count);
	for (size_t i = 0; i < p->edit_count; i++)
		put_edit(&p->edits[i], b);
}

void
plan_encode(const struct plan *p, struct buf *out)
{
	put_frame(p, out);
	put_run(p, out);
}

void
plan_template_key(const struct plan *p, struct buf *out)
{
	put_frame(p, out);
}

int
plan_hash(struct str record, uint8_t ret[static SHA256_LEN], struct err *e)
{
	return sha256_of(record.s, record.len, ret, e);
}

struct reader {
	struct rec r;
	struct arena *a;
};

static const char *
get_cstr(struct reader *d)
{
	return rec_cstr(&d->r, d->a);
}

/* A missing string where one must be is an ill-formed record. */
static const char *
need_cstr(struct reader *d)
{
	const char *s = rec_cstr(&d->r, d->a);

	if (s == NULL)
		d->r.failed = 1;
	return s == NULL ? "" : s;
}

static void *
get_array(struct reader *d, size_t count, size_t size)
{
	void *at = arena_array(d->a, count + 1, size);

	if (at == NULL)
		d->r.failed = 1;
	return at;
}

static const char **
get_strings(struct reader *d, size_t *ret_count)
{
	const uint32_t count = rec_count(&d->r, STRINGS_MAX);
	const char **list = get_array(d, count, sizeof(*list));

	*ret_count = 0;
	for (uint32_t i = 0; list != NULL && !d->r.failed && i < count; i++) {
		list[i] = need_cstr(d);
		*ret_count = i + 1;
	}
	return list;
}

static void
get_digest(struct reader *d, uint8_t ret[static SHA256_LEN])
{
	const struct str bytes = rec_bytes(&d->r, SHA256_LEN);

	if (bytes.len == SHA256_LEN)
		memcpy(ret, bytes.s, SHA256_LEN);
}

static void
get_op(struct reader *d, struct op *op)
{
	op->kind = (enum op_kind)rec_u8(&d->r);
	op->flags = rec_u32(&d->r);
	op->path = need_cstr(d);
	op->source = get_cstr(d);
	op->size = rec_u64(&d->r);
	if (op->kind == OP_INVALID || op->kind > OP_KIND_LAST ||
	    !plan_path_normal(op->path))
		d->r.failed = 1;
}

static void
get_limits(struct reader *d, struct plan_limits *l)
{
	l->memory_bytes = rec_u64(&d->r);
	l->file_bytes = rec_u64(&d->r);
	l->tmp_bytes = rec_u64(&d->r);
	l->disk_bytes = rec_u64(&d->r);
	l->output_bytes = rec_u64(&d->r);
	l->stream_bytes = rec_u64(&d->r);
	l->processes = rec_u32(&d->r);
	l->descriptors = rec_u32(&d->r);
	l->new_files = rec_u32(&d->r);
	l->cpu_percent = rec_u32(&d->r);
}

static void
get_who(struct reader *d, struct plan_who *who)
{
	who->identity = (enum plan_identity)rec_u8(&d->r);
	who->uid = rec_u32(&d->r);
	who->gid = rec_u32(&d->r);
	who->owner = rec_u32(&d->r);
	who->owner_gid = rec_u32(&d->r);
	who->name = get_cstr(d);
	if (who->identity == IDENTITY_INVALID ||
	    who->identity > IDENTITY_DEDICATED)
		d->r.failed = 1;
	/* Whatever a plan says, nothing ever runs as the host's root. */
	if (who->identity != IDENTITY_SAME && (who->uid == 0 || who->gid == 0))
		d->r.failed = 1;
	if (who->owner != 0 &&
	    (who->identity != IDENTITY_DEDICATED || who->owner == who->uid))
		d->r.failed = 1;
}

static bool
is_socket_name(const char *name)
{
	const size_t len = strlen(name);

	return len > 0 && len <= PLAN_SOCKET_NAME_MAX &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static void
get_network(struct reader *d, struct plan *p)
{
	p->port_count = rec_count(&d->r, PLAN_PORTS_MAX);
	p->ports = get_array(d, p->port_count, sizeof(*p->ports));
	for (size_t i = 0; !d->r.failed && i < p->port_count; i++) {
		p->ports[i] = rec_u16(&d->r);
		if (p->ports[i] == 0)
			d->r.failed = 1;
	}
	p->sockets = get_strings(d, &p->socket_count);
	if (p->socket_count > PLAN_SOCKETS_MAX ||
	    (p->unconfined && p->online && p->port_count > 0))
		d->r.failed = 1;
	for (size_t i = 0; !d->r.failed && i < p->socket_count; i++) {
		if (!is_socket_name(p->sockets[i]))
			d->r.failed = 1;
	}
}

static void
get_frame(struct reader *d, struct plan *p)
{
	if (rec_u32(&d->r) != PLAN_VERSION)
		d->r.failed = 1;
	p->profile = need_cstr(d);
	get_who(d, &p->who);
	p->workspace = need_cstr(d);
	p->home = get_cstr(d);
	p->write = rec_u8(&d->r) != 0;
	p->online = rec_u8(&d->r) != 0;
	p->unconfined = rec_u8(&d->r) != 0;
	p->overlay = rec_u8(&d->r) != 0;
	p->strict = rec_u8(&d->r) != 0;
	p->records = (enum plan_records)rec_u8(&d->r);
	if (p->records > PLAN_RECORDS_ON)
		d->r.failed = 1;
	p->op_count = rec_count(&d->r, PLAN_OPS_MAX);
	p->ops = get_array(d, p->op_count, sizeof(*p->ops));
	for (size_t i = 0; !d->r.failed && i < p->op_count; i++)
		get_op(d, &p->ops[i]);
	p->protect = get_strings(d, &p->protect_count);
	p->deny = get_strings(d, &p->deny_count);
	p->require = get_strings(d, &p->require_count);
	p->write_roots = get_strings(d, &p->write_root_count);
	get_network(d, p);
	get_limits(d, &p->limits);
}

static void
get_edit(struct reader *d, struct plan_edit *edit)
{
	edit->op = (enum plan_edit_op)rec_u8(&d->r);
	edit->path = need_cstr(d);
	edit->to = get_cstr(d);
	edit->content = rec_str(&d->r);
	edit->has_sha256 = rec_u8(&d->r) != 0;
	get_digest(d, edit->sha256);
	if (edit->op == PLAN_EDIT_INVALID || edit->op > PLAN_EDIT_MOVE)
		d->r.failed = 1;
}

static void
get_run(struct reader *d, struct plan *p)
{
	p->cwd = need_cstr(d);
	p->limits.wall_ms = rec_i64(&d->r);
	if (p->online && !d->r.failed &&
	    net_policy_get(&d->r, d->a, &p->net, NULL) != 0)
		d->r.failed = 1;
	plan_credentials_get(
	    &d->r, d->a, &p->credentials, &p->credential_count);
	p->argv = get_strings(d, &p->argc);
	p->env = get_strings(d, &p->env_count);
	p->tty = rec_u8(&d->r) != 0;
	p->has_stdin = rec_u8(&d->r) != 0;
	p->stdin_text = rec_str(&d->r);
	p->pin_count = rec_count(&d->r, PLAN_PINS_MAX);
	p->pins = get_array(d, p->pin_count, sizeof(*p->pins));
	for (size_t i = 0; !d->r.failed && i < p->pin_count; i++) {
		p->pins[i].kind = (enum plan_pin_kind)rec_u8(&d->r);
		p->pins[i].path = need_cstr(d);
		p->pins[i].named = get_cstr(d);
		if (p->pins[i].kind > PIN_TREE)
			d->r.failed = 1;
		get_digest(d, p->pins[i].sha256);
		p->pins[i].given = rec_u8(&d->r) != 0;
		p->pins[i].mode = rec_u32(&d->r) & 0777;
		p->pins[i].content = rec_str(&d->r);
	}
	p->edit_count = rec_count(&d->r, PLAN_EDITS_MAX);
	p->edits = get_array(d, p->edit_count, sizeof(*p->edits));
	for (size_t i = 0; !d->r.failed && i < p->edit_count; i++)
		get_edit(d, &p->edits[i]);
}

static int
check_run(const struct plan *p, struct err *e)
{
	if (!plan_path_normal(p->workspace) || !plan_path_normal(p->cwd) ||
	    (p->argc == 0 && p->edit_count == 0) || p->limits.wall_ms <= 0)
		return err_set(e, ERR_INVALID, "sandbox plan is incomplete");
	return ERR_OK;
}

int
plan_decode_run(struct str record, struct str frame, const struct plan *like,
    struct arena *a, struct plan **ret, struct err *e)
{
	struct reader d = { .a = a };
	struct plan *p = arena_alloc(a, sizeof(*p));
	int r;

	if (p == NULL)
		return err_nomem(e);
	if (!str_starts(record, frame))
		return err_set(e, ERR_DENIED, "the plan has another frame");
	*p = *like;
	d.r = rec_of(str_from(record, frame.len));
	get_run(&d, p);
	r = rec_done(&d.r, e);
	if (r == 0)
		r = check_run(p, e);
	if (r == 0)
		*ret = p;
	return r == 0 ? ERR_OK : err_wrap(e, r, "sandbox plan");
}

int
plan_decode(
    struct str record, struct arena *a, struct plan **ret, struct err *e)
{
	struct reader d = { .r = rec_of(record), .a = a };
	struct plan *p = arena_alloc(a, sizeof(*p));
	int r;

	if (p == NULL)
		return err_nomem(e);
	get_frame(&d, p);
	if (!d.r.failed)
		get_run(&d, p);
	r = rec_done(&d.r, e);
	if (r != 0)
		return err_wrap(e, r, "sandbox plan");
	r = check_run(p, e);
	if (r == 0)
		*ret = p;
	return r;
}
