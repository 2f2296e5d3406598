/*
 * The store alone: durable rows with 1 to 512 rows a commit, each beside a
 * bare write+fdatasync loop of as many bytes in the same run; then verify,
 * and the first page of lists over a million rows.
 *
 *     bench_append [ROWS]      ROWS of the large log, 1000000 by default
 *
 * Runs in: the bench.  Trusts: its own folder.  Owns: a temporary folder.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "core/ports.h"
#include "db/reader.h"
#include "db/verify.h"

#define ROUND_S 2.0
#define ROWS_DEFAULT 1000000
#define BODY_BYTES 480
#define BATCH_LARGE 2048
#define PAGE_ROWS 50
#define FRAME_BYTES 4120
#define ROWS_PER_FRAME 4

struct place {
	char dir[48], state[64], db[96];
};

static void
die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "bench_append: %s: %s\n", what, e->msg);
	exit(1);
}

static double
now_s(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu_s(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6 +
	    (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void
place_make(struct place *p)
{
	const char *tmp = getenv("TMPDIR");
	struct err e = ERR_INIT;

	(void)snprintf(p->dir, sizeof(p->dir), "%.24s/assent-bench-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(p->dir) == NULL) {
		(void)err_sys(&e, "cannot make '%s'", p->dir);
		die("start", &e);
	}
	(void)snprintf(p->state, sizeof(p->state), "%s/state", p->dir);
	(void)snprintf(p->db, sizeof(p->db), "%s/assent.db", p->state);
}

static void
append_one(struct recorder *r, uint64_t n)
{
	static const char *const sessions[] = { "s-1", "s-2", "s-3", "s-4" };
	uint8_t action[SHA256_LEN] = { 0 }, hash[SHA256_LEN];
	char id[ACTION_ID_MAX], body[BODY_BYTES + 1];
	struct err e = ERR_INIT;
	uint64_t seq = 0;
	int len;

	memcpy(action, &n, sizeof(n));
	(void)snprintf(id, sizeof(id), "act_01JZ%010" PRIu64 "ABCDEFGHJKMN", n);
	len = snprintf(body, sizeof(body),
	    "{\"text\":\"git push origin feature/%" PRIu64
	    "\",\"cwd\":\"/home/dev/proj\",\"pad\":\"%*s\"}",
	    n, BODY_BYTES - 110, "");
	const struct row row = {
		.kind = ROW_DECIDED,
		.action_id = id,
		.session = n == 77 ? "s-rare" : sessions[n / 1000 % 4],
		.uid = 1000,
		.tool = TOOL_SHELL,
		.decision = n % 10 == 9 ? DECISION_DENY : DECISION_ALLOW,
		.by = BY_RULE,
		.rule_id = "git.push.feature",
		.time_real_ns =
		    INT64_C(1795000000000000000) + (int64_t)n * 1000000,
		.body = str_n(body, (size_t)len),
		.action_sha256 = action,
		.policy_sha256 = action,
	};

	if (db_recorder.append(r, &row, &seq, hash, NULL, &e) != 0)
		die("append", &e);
}

static void
commit(struct recorder *r)
{
	struct err e = ERR_INIT;

	if (db_recorder.commit(r, &e) != 0)
		die("commit", &e);
}

static struct recorder *
open_store(const struct place *p)
{
	struct recorder *r = NULL;
	struct err e = ERR_INIT;

	if (db_recorder.open(p->state, &r, &e) != 0)
		die("open", &e);
	return r;
}

/* The floor: as many bytes as a commit writes, and one fdatasync. */
static double
bare_per_s(const struct place *p, size_t batch)
{
	const size_t len = (batch / ROWS_PER_FRAME + 2) * FRAME_BYTES;
	AUTO_FREE char *bytes = mem_new(len, 1);
	char path[96];
	AUTO_FD int fd = -1;
	double start;
	uint64_t n = 0;
	off_t at = 0;

	(void)snprintf(path, sizeof(path), "%s/bare", p->dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	start = now_s();
	while (fd >= 0 && bytes != NULL && now_s() - start < ROUND_S / 2) {
		if (pwrite(fd, bytes, len, at) < 0 || fdatasync(fd) != 0)
			break;
		/* As a write-ahead log: begun anew from time to time. */
		at = at > (off_t)16 << 20 ? 0 : at + (off_t)len;
		n++;
	}
	return (double)(n * batch) / (now_s() - start);
}

static void
measure_batch(const struct place *p, size_t batch)
{
	struct recorder *r = open_store(p);
	const double bare = bare_per_s(p, batch);
	double start, cpu, wall;
	uint64_t n = 0;

	append_one(r, n++);
	commit(r);
	start = now_s();
	cpu = cpu_s();
	while (now_s() - start < ROUND_S) {
		for (size_t i = 0; i < batch; i++)
			append_one(r, n++);
		commit(r);
	}
	wall = now_s() - start;
	cpu = cpu_s() - cpu;
	(void)printf("rows_batch_%zu\t%.0f\tper s\n", batch, (double)n / wall);
	(void)printf("rows_batch_%zu_cpu\t%.1f\tus a row, user and system\n",
	    batch, cpu / (double)n * 1e6);
	(void)printf(
	    "bare_batch_%zu\t%.0f\tper s (write and fdatasync alone)\n", batch,
	    bare);
	(void)printf("rows_batch_%zu_of_bare\t%.2f\tof the bare loop\n", batch,
	    (double)n / wall / bare);
	(void)fflush(stdout);
	db_recorder.close(r);
	(void)nftw(p->state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the large log ----------------------------------------------------- */

static void
fill(const struct place *p, uint64_t rows)
{
	struct recorder *r = open_store(p);
	const double start = now_s();
	struct stat st = { 0 };

	for (uint64_t n = 0; n < rows; n++) {
		append_one(r, n);
		if ((n + 1) % BATCH_LARGE == 0)
			commit(r);
	}
	commit(r);
	(void)printf(
	    "fill\t%.0f\trows per s\n", (double)rows / (now_s() - start));
	db_recorder.close(r);
	(void)stat(p->db, &st);
	(void)printf("row_bytes\t%.0f\tbytes of disk a row (%d of them body)\n",
	    (double)st.st_size / (double)rows, BODY_BYTES);
}

static void
measure_verify(const struct place *p)
{
	struct verify_result v;
	struct err e = ERR_INIT;
	const double start = now_s(), cpu = cpu_s();

	if (verify_log(
		&(struct verify_options){ .state_dir = p->state }, &v, &e) != 0)
		die("verify", &e);
	(void)printf(
	    "verify\t%.0f\trows per s\n", (double)v.rows / (now_s() - start));
	(void)printf("verify_cpu\t%.2f\tus a row\n",
	    (cpu_s() - cpu) / (double)v.rows * 1e6);
}

static void
measure_start(const struct place *p)
{
	const double start = now_s();
	struct recorder *r = open_store(p);

	(void)printf(
	    "open\t%.1f\tms to open the large log\n", (now_s() - start) * 1e3);
	db_recorder.close(r);
}

static int
count_row(void *ctx, const struct row_view *v, struct err *e)
{
	(void)v;
	(void)e;
	++*(unsigned *)ctx;
	return 0;
}

static void
measure_list(const struct place *p, const char *name, const struct log_query *q)
{
	AUTO(reader_closep) struct reader *r = NULL;
	struct err e = ERR_INIT;
	unsigned count = 0;
	const double start = now_s();

	if (reader_open(p->db, NULL, &r, &e) != 0 ||
	    reader_each(r, q, count_row, &count, &e) != 0)
		die("list", &e);
	(void)printf("list_%s\t%.2f\tms for %u rows\n", name,
	    (now_s() - start) * 1e3, count);
}

static int
drop_json(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	(void)seq;
	(void)e;
	*(size_t *)ctx += json.len;
	return 0;
}

static void
measure_export(const struct place *p)
{
	struct recorder *r = open_store(p);
	const struct log_filter f = { .limit = 100000 };
	struct err e = ERR_INIT;
	size_t bytes = 0;
	const double start = now_s();

	if (db_recorder.list(r, &f, drop_json, &bytes, &e) != 0)
		die("export", &e);
	(void)printf(
	    "export_json\t%.0f\trows per s\n", f.limit / (now_s() - start));
	db_recorder.close(r);
}

static void
measure_lists(const struct place *p, uint64_t rows)
{
	char id[ACTION_ID_MAX];

	(void)snprintf(
	    id, sizeof(id), "act_01JZ%010" PRIu64 "ABCDEFGHJKMN", rows / 3);
	measure_list(p, "newest",
	    &(struct log_query){ .newest_first = true, .limit = PAGE_ROWS });
	measure_list(p, "denied",
	    &(struct log_query){
		.newest_first = true, .limit = PAGE_ROWS, .decision = "deny" });
	measure_list(p, "action", &(struct log_query){ .action_id = id });
	measure_list(p, "rare_session",
	    &(struct log_query){ .newest_first = true,
		.limit = PAGE_ROWS,
		.session = "s-rare" });
	measure_list(p, "since",
	    &(struct log_query){ .newest_first = true,
		.limit = PAGE_ROWS,
		.since_ns = INT64_C(1795000000000000000) +
		    (int64_t)(rows - 20) * 1000000 });
}

int
main(int argc, char **argv)
{
	static const size_t batches[] = { 1, 16, 64, 512 };
	uint64_t rows = ROWS_DEFAULT;
	struct place p;

	if (argc > 1 &&
	    num_parse_u64(str_of(argv[1]), 1, UINT64_C(100000000), &rows) != 0)
		return 64;
	place_make(&p);
	for (size_t i = 0; i < ARRAY_LEN(batches); i++)
		measure_batch(&p, batches[i]);
	fill(&p, rows);
	measure_start(&p);
	measure_verify(&p);
	measure_lists(&p, rows);
	measure_export(&p);
	(void)nftw(p.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
