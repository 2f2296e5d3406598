/*
 * Make and check the proof of one row.
 * Runs in: assent.  Trusts: when checking, the first public key alone.
 * Owns: nothing.
 */
#include "proof.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "reader.h"
#include "seal.h"
#include "sql.h"
#include "store.h"
#include "store_limits.h"

#define PROOF_HEAD "c2sp.org/tlog-proof@v1"
#define PROOF_BYTES_MAX ((size_t)64 << 20)

/* ---- making ------------------------------------------------------------ */

struct make {
	struct buf dir, path, file;
	struct seal_set seals;
	struct reader *reader;
	struct merkle_proof proof;
	uint8_t leaf[SHA256_LEN];
	struct buf record;
};

static int
load(struct make *m, const char *state_dir, uint64_t seq, struct err *e)
{
	struct note_public first;
	int r = store_find(state_dir, &m->dir, &m->path, e);

	buf_printf(&m->file, "%s/" SEAL_PUBLIC_FILE, buf_cstr(&m->dir));
	if (r == 0)
		r = note_public_read(buf_cstr(&m->file), &first, e);
	buf_reset(&m->file);
	buf_printf(&m->file, "%s/" SEAL_FILE, buf_cstr(&m->dir));
	if (r == 0)
		r = buf_done(&m->file, e);
	if (r == 0)
		r = seal_set_load(&m->seals, buf_cstr(&m->file), &first, e);
	if (r != 0)
		return r;
	if (m->seals.count == 0 ||
	    m->seals.points[m->seals.count - 1].size < seq)
		return err_set(e, ERR_NOTFOUND,
		    "row %" PRIu64 " is not covered by a signed checkpoint "
		    "yet: the daemon signs within %d seconds",
		    seq, SEAL_SECONDS);
	return reader_open(buf_cstr(&m->path), NULL, &m->reader, e);
}

static int
walk_leaves(struct make *m, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	struct sha256 *sha = reader_tools(m->reader)->sha;
	int r = sql_prepare(reader_db(m->reader),
	    "SELECT seq, hash FROM log WHERE seq <= ?1 ORDER BY seq", &s, e);

	if (r != 0)
		return r;
	(void)sqlite3_bind_int64(s, 1, (int64_t)m->proof.size);
	while ((r = sql_step(s, e)) == SQL_ROW) {
		const uint8_t *hash = sql_hash(s, 1);
		const uint64_t seq = (uint64_t)sqlite3_column_int64(s, 0);

		if (hash == NULL || seq != m->proof.at + 1)
			return err_set(e, ERR_DENIED,
			    "row %" PRIu64 " is missing or damaged",
			    m->proof.at + 1);
		if (seq == m->proof.index + 1)
			memcpy(m->leaf, hash, SHA256_LEN);
		r = merkle_proof_leaf(&m->proof, sha, hash, e);
		if (r != 0)
			return r;
	}
	return r == 0 ? merkle_proof_end(&m->proof, e) : r;
}

static int
take_record(void *ctx, const struct row_view *v, struct err *e)
{
	struct make *m = ctx;

	chain_encode(v->row, v->prev, &m->record);
	return buf_done(&m->record, e);
}

/* It must lead to the root that was signed, or the log is not that log. */
static int
check_own(struct make *m, struct err *e)
{
	const struct seal_point *p = &m->seals.points[m->seals.count - 1];
	uint8_t root[SHA256_LEN];
	const int r = merkle_root_by_path(
	    &m->proof, reader_tools(m->reader)->sha, m->leaf, root, e);

	if (r == 0 && memcmp(root, p->root, SHA256_LEN) != 0)
		return err_set(e, ERR_DENIED,
		    "the log is not the one that was signed: 'assent log "
		    "verify' says more");
	return r;
}

static void
print_proof(const struct make *m, struct buf *out)
{
	buf_puts(out, PROOF_HEAD "\nextra ");
	note_base64(out, m->record.s, m->record.len);
	buf_printf(out, "\nindex %" PRIu64 "\n", m->proof.index);
	for (size_t i = 0; i < m->proof.count; i++) {
		note_base64(out, m->proof.path[i], SHA256_LEN);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
	buf_put_str(out, buf_str(&m->seals.newest));
	if (m->seals.handovers.len > 0)
		buf_putc(out, '\n');
	buf_put_str(out, buf_str(&m->seals.handovers));
}

static int
make(struct make *m, const char *state_dir, uint64_t seq, struct err *e)
{
	int r = load(m, state_dir, seq, e);

	if (r != 0)
		return r;
	merkle_proof_init(
	    &m->proof, seq - 1, m->seals.points[m->seals.count - 1].size);
	r = walk_leaves(m, e);
	if (r == 0)
		r = check_own(m, e);
	if (r == 0)
		r = reader_each(m->reader,
		    &(struct log_query){ .from_seq = seq, .to_seq = seq },
		    take_record, m, e);
	return r;
}

int
proof_make(const char *state_dir, uint64_t seq, struct buf *out, struct err *e)
{
	struct make m = {
		.dir = BUF_INIT(PATH_BYTES_MAX),
		.path = BUF_INIT(PATH_BYTES_MAX),
		.file = BUF_INIT(PATH_BYTES_MAX),
		.seals = SEAL_SET_INIT,
		.record = BUF_INIT(LOG_RECORD_BYTES_MAX),
	};
	int r = make(&m, state_dir, seq, e);

	if (r == 0) {
		print_proof(&m, out);
		r = buf_done(out, e);
	}
	reader_close(m.reader);
	seal_set_free(&m.seals);
	buf_free(&m.record);
	buf_free(&m.file);
	buf_free(&m.path);
	buf_free(&m.dir);
	return r;
}

/* ---- checking ---------------------------------------------------------- */

static int
no_proof(struct err *e, const char *why)
{
	return err_set(e, ERR_DENIED, "this proves nothing: %s", why);
}

static int
decode_record(struct str text, struct buf *ret, struct err *e)
{
	char *to = buf_reserve(ret, text.len);
	size_t len = text.len / 4 * 3;
	int n;

	if (to == NULL)
		return buf_done(ret, e);
	n = EVP_DecodeBlock(
	    (unsigned char *)to, (const unsigned char *)text.s, (int)text.len);
	if (n < 0 || text.len == 0)
		return no_proof(e, "its record is damaged");
	for (size_t i = text.len; i > 0 && text.s[i - 1] == '='; i--)
		len--;
	buf_advance(ret, len);
	return ERR_OK;
}

/* "head, extra, index, hashes", each on its line, up to the empty line. */
static int
parse_head(
    struct str *rest, struct merkle_proof *p, struct buf *record, struct err *e)
{
	struct str line = str_cut(rest, '\n');
	int r;

	if (!str_eq(line, STR(PROOF_HEAD)))
		return no_proof(e, "it is not a proof of this form");
	line = str_cut(rest, '\n');
	if (!str_starts(line, STR("extra ")))
		return no_proof(e, "it has no record");
	r = decode_record(str_from(line, 6), record, e);
	if (r != 0)
		return r;
	line = str_cut(rest, '\n');
	if (!str_starts(line, STR("index ")) ||
	    num_parse_u64(str_from(line, 6), 0, INT64_MAX, &p->index) != 0)
		return no_proof(e, "it has no index");
	for (line = str_cut(rest, '\n'); line.len > 0;
	     line = str_cut(rest, '\n')) {
		if (p->count == MERKLE_LEVELS ||
		    note_unbase64(line, p->path[p->count], SHA256_LEN) != 0)
			return no_proof(e, "its path is damaged");
		p->count++;
	}
	return ERR_OK;
}

/* The handovers come after the root, but are what it is trusted by. */
static int
check_notes(struct str rest, const struct note_public *first, struct note *ret,
    struct err *e)
{
	struct seal_set seals = SEAL_SET_INIT;
	int r;

	if (note_parse(rest, ret, NULL) != 0)
		return no_proof(e, "its checkpoint is damaged");
	r = seal_set_parse(
	    &seals, "the proof", str_from(rest, ret->len), first, e);
	if (r == 0 && seals.torn)
		r = no_proof(e, "it ends too early");
	if (r == 0)
		r = note_verify(ret, &seals.keys[seals.key_count - 1], e);
	seal_set_free(&seals);
	return r;
}

static void
put_text(struct buf *out, const char *name, struct str s)
{
	if (s.s == NULL)
		return;
	buf_printf(out, "  %-14s", name);
	text_escape(out, s);
	buf_putc(out, '\n');
}

static void
put_hash(struct buf *out, const char *name, const uint8_t *hash)
{
	if (hash == NULL)
		return;
	buf_printf(out, "  %-14s", name);
	text_hex(out, hash, SHA256_LEN);
	buf_putc(out, '\n');
}

static void
print_row(const struct log_row *row, const struct note *n, struct buf *out)
{
	buf_printf(out, "ok: row %" PRIu64 " of %" PRIu64 " in the log ",
	    row->seq, n->size);
	text_escape(out, n->origin);
	buf_puts(out, ", signed ");
	text_escape(out, n->time);
	buf_puts(out, "\n  time          ");
	text_time(out, row->time_real_ns);
	buf_putc(out, '\n');
	put_text(out, "kind", row->kind);
	put_text(out, "action", row->action_id);
	put_text(out, "session", row->session);
	buf_printf(out, "  %-14s%" PRIu64 "\n", "uid", row->uid);
	put_text(out, "tool", row->tool);
	put_text(out, "decision", row->decision);
	put_text(out, "decided by", row->decided_by);
	put_text(out, "rule", row->rule);
	put_hash(out, "action_sha256", row->action_sha256);
	put_hash(out, "policy_sha256", row->policy_sha256);
	put_hash(out, "body_sha256", row->body_sha256);
}

static int
check_path(const struct merkle_proof *p, const struct note *n,
    struct str record, struct err *e)
{
	AUTO(sha256_freep) struct sha256 *sha = NULL;
	uint8_t leaf[SHA256_LEN], root[SHA256_LEN];
	int r = sha256_new(&sha, e);

	if (r == 0)
		r = chain_hash(sha, record, leaf, e);
	if (r == 0)
		r = merkle_root_by_path(p, sha, leaf, root, e);
	if (r == ERR_INVALID ||
	    (r == 0 && memcmp(root, n->root, SHA256_LEN) != 0))
		return no_proof(e, "its path does not lead to the signed root");
	return r;
}

int
proof_check(struct str proof, const struct note_public *first, struct buf *out,
    struct err *e)
{
	AUTO_BUF struct buf record = BUF_INIT(LOG_RECORD_BYTES_MAX * 2);
	struct merkle_proof p = { .count = 0 };
	const uint8_t *prev;
	struct log_row row;
	struct note n;
	int r = parse_head(&proof, &p, &record, e);

	if (r == 0)
		r = check_notes(proof, first, &n, e);
	if (r != 0)
		return r;
	p.size = n.size;
	r = check_path(&p, &n, buf_str(&record), e);
	if (r == 0)
		r = chain_decode(buf_str(&record), &row, &prev, e);
	if (r == 0 && row.seq != p.index + 1)
		r = no_proof(e, "its record is that of another row");
	if (r != 0)
		return r;
	print_row(&row, &n, out);
	return buf_done(out, e);
}

int
proof_verify(
    const char *path, const char *public_key, struct buf *out, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(PROOF_BYTES_MAX);
	struct note_public first;
	int r = fdio_read_file(path, &text, e);

	if (r == 0)
		r = note_public_read(public_key, &first, e);
	return r == 0 ? proof_check(buf_str(&text), &first, out, e) : r;
}
