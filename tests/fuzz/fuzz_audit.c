/*
 * Any bytes as the kernel's audit records, one a line: what is shown of them
 * is printable and of bounded length, and the table holds.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include "audit/link.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "audit/record.h"
#include "base/mem.h"
#include "base/text.h"

#define SHOWN_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_record(const struct audit_record *r)
{
	const size_t len = strlen(r->object);

	assert(r->kind != AUDIT_KIND_INVALID && r->domain != 0);
	assert(len < AUDIT_OBJECT_MAX);
	assert(text_find_hidden(str_n(r->object, len), NULL) == len);
}

static void
show(struct audit_table *t, uint64_t domain)
{
	struct audit_denials d;

	audit_table_take(t, domain, &d);
	assert(d.count <= AUDIT_DENIALS_MAX);
	for (uint32_t i = 0; i <= d.count; i++) {
		AUTO_BUF struct buf out = BUF_INIT(SHOWN_MAX);

		(void)audit_denials_text(&d, i, &out);
		assert(buf_done(&out, NULL) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_n((const char *)data, size);
	AUTO_FREE struct audit_table *t = mem_new(1, sizeof(*t));
	unsigned type = AUDIT_RECORD_ACCESS;
	struct audit_record r;

	if (t == NULL)
		return 0;
	audit_table_watch(t, 0);
	while (rest.len > 0) {
		const struct str line = str_cut(&rest, '\n');

		/* A denial, whose it is, and so on. */
		if (audit_record_parse(type, line, &r)) {
			check_record(&r);
			if (audit_table_add(t, &r) != NULL)
				show(t, r.domain);
		}
		type = AUDIT_RECORD_ACCESS + AUDIT_RECORD_DOMAIN - type;
	}
	return 0;
}
