/*
 * Rows between SQLite, memory and JSON.
 * Runs in: engine, assent.  Trusts: nothing in the database.  Owns: nothing.
 */
#include "row.h"

#include <jansson.h>

#include "base/mem.h"
#include "model/json_doc.h"
#include "sql.h"

#define PARSED_BYTES_MAX ((size_t)8 << 20)

enum column {
	COL_SEQ,
	COL_TIME,
	COL_KIND,
	COL_ACTION_ID,
	COL_SESSION,
	COL_UID,
	COL_TOOL,
	COL_DECISION,
	COL_DECIDED_BY,
	COL_RULE,
	COL_ACTION_SHA256,
	COL_POLICY_SHA256,
	COL_BODY_SHA256,
	COL_HASH,
	COL_COUNT,
};
_Static_assert(COL_COUNT == ROW_COLUMN_COUNT, "every column has a place");

void
row_read(sqlite3_stmt *s, struct log_row *ret, const uint8_t **ret_hash)
{
	*ret = (struct log_row){
		.seq = (uint64_t)sqlite3_column_int64(s, COL_SEQ),
		.time_real_ns = sqlite3_column_int64(s, COL_TIME),
		.kind = sql_str(s, COL_KIND),
		.action_id = sql_str(s, COL_ACTION_ID),
		.session = sql_str(s, COL_SESSION),
		.uid = (uint64_t)sqlite3_column_int64(s, COL_UID),
		.tool = sql_str(s, COL_TOOL),
		.decision = sql_str(s, COL_DECISION),
		.decided_by = sql_str(s, COL_DECIDED_BY),
		.rule = sql_str(s, COL_RULE),
		.action_sha256 = sql_hash(s, COL_ACTION_SHA256),
		.policy_sha256 = sql_hash(s, COL_POLICY_SHA256),
		.body_sha256 = sql_hash(s, COL_BODY_SHA256),
	};
	*ret_hash = sql_hash(s, COL_HASH);
}

int
row_bind(sqlite3_stmt *s, const struct log_row *row,
    const uint8_t hash[static SHA256_LEN], struct err *e)
{
	int rc = sqlite3_bind_int64(s, COL_SEQ + 1, (int64_t)row->seq);

	rc |= sqlite3_bind_int64(s, COL_TIME + 1, row->time_real_ns);
	rc |= sql_bind_str(s, COL_KIND + 1, row->kind);
	rc |= sql_bind_str(s, COL_ACTION_ID + 1, row->action_id);
	rc |= sql_bind_str(s, COL_SESSION + 1, row->session);
	rc |= sqlite3_bind_int64(s, COL_UID + 1, (int64_t)row->uid);
	rc |= sql_bind_str(s, COL_TOOL + 1, row->tool);
	rc |= sql_bind_str(s, COL_DECISION + 1, row->decision);
	rc |= sql_bind_str(s, COL_DECIDED_BY + 1, row->decided_by);
	rc |= sql_bind_str(s, COL_RULE + 1, row->rule);
	rc |= sql_bind_hash(s, COL_ACTION_SHA256 + 1, row->action_sha256);
	rc |= sql_bind_hash(s, COL_POLICY_SHA256 + 1, row->policy_sha256);
	rc |= sql_bind_hash(s, COL_BODY_SHA256 + 1, row->body_sha256);
	rc |= sql_bind_hash(s, COL_HASH + 1, hash);
	return sql_bound(s, rc, e);
}

static void
put_text(struct jsonw *w, const char *key, struct str s)
{
	jsonw_key(w, key);
	if (s.s == NULL)
		jsonw_null(w);
	else
		jsonw_str(w, s);
}

static void
put_hash(struct jsonw *w, const char *key, const uint8_t *hash)
{
	jsonw_key(w, key);
	if (hash == NULL)
		jsonw_null(w);
	else
		jsonw_hex(w, hash, SHA256_LEN);
}

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.s[i] < 0x20)
			return true;
	}
	return false;
}

/* The fast parser knows most; the other one has wider limits. */
static bool
is_json(struct str text)
{
	AUTO(arena_freep) struct arena *a = arena_new(PARSED_BYTES_MAX);
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	json_t *j;

	if (a != NULL && json_doc_parse(&d, text, a, NULL) == 0)
		return true;
	j = json_loadb(text.s, text.len, JSON_DECODE_ANY, NULL);
	json_decref(j);
	return j != NULL;
}

/* Our own writer made it, but what is on disk may have been changed: a row
 * is one line of valid JSON whatever the body is. */
static void
put_body(struct jsonw *w, struct str body)
{
	jsonw_key(w, "body");
	if (body.s == NULL || body.len == 0)
		jsonw_null(w);
	else if (has_control(body) || !is_json(body))
		jsonw_str(w, body);
	else
		jsonw_raw(w, body);
}

void
row_json(const struct row_view *v, struct buf *out)
{
	const struct log_row *row = v->row;
	struct jsonw w = jsonw_on(out);
	char ns[24];

	jsonw_object(&w);
	jsonw_key(&w, "seq");
	jsonw_uint(&w, row->seq);
	jsonw_key(&w, "time");
	jsonw_time(&w, row->time_real_ns);
	/* Exact, and a string as 64 bits are more than JSON numbers hold. */
	jsonw_key(&w, "time_ns");
	(void)snprintf(ns, sizeof(ns), "%lld", (long long)row->time_real_ns);
	jsonw_cstr(&w, ns);
	put_text(&w, "kind", row->kind);
	put_text(&w, "action_id", row->action_id);
	put_text(&w, "session", row->session);
	jsonw_key(&w, "uid");
	jsonw_uint(&w, row->uid);
	put_text(&w, "tool", row->tool);
	put_text(&w, "decision", row->decision);
	put_text(&w, "decided_by", row->decided_by);
	put_text(&w, "rule", row->rule);
	put_hash(&w, "action_sha256", row->action_sha256);
	put_hash(&w, "policy_sha256", row->policy_sha256);
	put_hash(&w, "body_sha256", row->body_sha256);
	put_hash(&w, "prev_hash", v->prev);
	put_hash(&w, "log_hash", v->hash);
	put_body(&w, v->body);
	jsonw_end(&w);
}
