/*
 * Records of the messages between roles.
 * Runs in: front, engine, supervisor.  Trusts: nothing read.  Owns: nothing.
 */
#include "core/messages.h"

#include "base/jsonw.h"

void
call_encode(const struct call *c, struct buf *out)
{
	rec_put_u64(out, c->id);
	rec_put_u8(out, (uint8_t)c->route);
	rec_put_u8(out, (uint8_t)c->role);
	rec_put_u32(out, c->uid);
	rec_put_u32(out, c->gid);
	rec_put_i64(out, c->pid);
	rec_put_cstr(out, c->target);
	rec_put_cstr(out, c->idempotency_key);
	rec_put_cstr(out, c->if_match);
	rec_put_cstr(out, c->if_none_match);
	rec_put_cstr(out, c->traceparent);
	rec_put_i64(out, c->wait_ms);
	rec_put_u8(out, c->stream ? 1 : 0);
	rec_put_u64(out, c->last_event_id);
	rec_put_str(out, c->action_record);
	rec_put_u32(out, (uint32_t)c->field_count);
	for (size_t i = 0; i < c->field_count; i++) {
		rec_put_cstr(out, c->fields[i].name);
		rec_put_cstr(out, c->fields[i].value);
	}
}

static int
call_fields(struct rec *in, struct arena *a, struct call *ret)
{
	ret->field_count = rec_count(in, CALL_FIELDS_MAX);
	if (ret->field_count == 0)
		return ERR_OK;
	ret->fields = arena_array(a, ret->field_count, sizeof(*ret->fields));
	if (ret->fields == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < ret->field_count; i++) {
		ret->fields[i].name = rec_cstr(in, a);
		ret->fields[i].value = rec_cstr(in, a);
		if (ret->fields[i].name == NULL)
			in->failed = 1;
	}
	return ERR_OK;
}

int
call_decode(struct str record, struct arena *a, struct call *ret, struct err *e)
{
	struct rec in = rec_of(record);

	*ret = (struct call){ .id = rec_u64(&in) };
	ret->route = (enum api_route)rec_u8(&in);
	ret->role = (enum caller_role)rec_u8(&in);
	ret->uid = rec_u32(&in);
	ret->gid = rec_u32(&in);
	ret->pid = (pid_t)rec_i64(&in);
	ret->target = rec_cstr(&in, a);
	ret->idempotency_key = rec_cstr(&in, a);
	ret->if_match = rec_cstr(&in, a);
	ret->if_none_match = rec_cstr(&in, a);
	ret->traceparent = rec_cstr(&in, a);
	ret->wait_ms = rec_i64(&in);
	ret->stream = rec_u8(&in) == 1;
	ret->last_event_id = rec_u64(&in);
	ret->action_record = rec_str(&in);
	if (call_fields(&in, a, ret) != 0)
		return err_nomem(e);
	if (ret->route == ROUTE_INVALID || ret->route > ROUTE_REFUSED ||
	    ret->role > CALLER_ADMIN)
		return err_set(
		    e, ERR_INVALID, "call has no such route or role");
	return rec_done(&in, e);
}

const char *
call_field(const struct call *c, const char *name)
{
	for (size_t i = 0; i < c->field_count; i++) {
		if (str_eqz(str_of(c->fields[i].name), name))
			return c->fields[i].value;
	}
	return NULL;
}

void
reply_encode(const struct reply *r, struct buf *out)
{
	rec_put_u64(out, r->id);
	rec_put_u16(out, (uint16_t)r->status);
	rec_put_u8(out, (uint8_t)r->type);
	rec_put_u8(out, r->chunks ? 1 : 0);
	rec_put_u8(out, r->paced ? 1 : 0);
	rec_put_cstr(out, r->etag);
	rec_put_cstr(out, r->location);
	rec_put_u32(out, r->retry_after_s);
	rec_put_str(out, r->body);
}

int
reply_decode(
    struct str record, struct arena *a, struct reply *ret, struct err *e)
{
	struct rec in = rec_of(record);

	*ret = (struct reply){ .id = rec_u64(&in) };
	ret->status = rec_u16(&in);
	ret->type = (enum body_type)rec_u8(&in);
	ret->chunks = rec_u8(&in) == 1;
	ret->paced = rec_u8(&in) == 1;
	ret->etag = rec_cstr(&in, a);
	ret->location = rec_cstr(&in, a);
	ret->retry_after_s = rec_u32(&in);
	ret->body = rec_str(&in);
	if (ret->type > BODY_JSONL || ret->status < 200 || ret->status > 599)
		return err_set(e, ERR_INVALID, "reply has no such type");
	return rec_done(&in, e);
}

static const char *
status_title(unsigned status)
{
	static const struct {
		unsigned status;
		const char *title;
	} titles[] = {
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
		if (titles[i].status == status)
			return titles[i].title;
	}
	return "Error";
}

void
problem_json(struct buf *out, unsigned status, const char *code,
    const char *detail, const char *extra)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "type", "about:blank");
	jsonw_kstr(&w, "title", status_title(status));
	jsonw_kint(&w, "status", status);
	jsonw_kstr(&w, "code", code);
	jsonw_kstr(&w, "detail", detail);
	if (extra != NULL) {
		buf_putc(out, ',');
		buf_puts(out, extra);
	}
	jsonw_end(&w);
}
