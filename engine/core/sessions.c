/*
 * Names of sessions and the uid that each belongs to: a set-associative
 * table, so that a flood of names costs no more than the table.
 * Runs in: engine.  Trusts: nothing in a name.  Owns: its table.
 */
#include "sessions.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"

#define WAYS 8
#define SETS (SESSIONS_MAX / WAYS)

struct entry {
	uint8_t name_sha256[SHA256_LEN];
	uint64_t used; /* 0: free */
	uid_t uid;
};

struct sessions {
	uint64_t clock;
	struct entry sets[SETS][WAYS];
};

int
sessions_new(struct sessions **ret, struct err *e)
{
	*ret = mem_new(1, sizeof(**ret));
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

void
sessions_free(struct sessions *s)
{
	mem_freep(&s);
}

/* The entry of that name, or the one that was not used for longest. */
static struct entry *
find(struct entry *set, const uint8_t *name_sha256)
{
	struct entry *oldest = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].used != 0 &&
		    memcmp(set[i].name_sha256, name_sha256, SHA256_LEN) == 0)
			return &set[i];
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	memcpy(oldest->name_sha256, name_sha256, SHA256_LEN);
	oldest->used = 0;
	return oldest;
}

int
sessions_use(struct sessions *s, const char *name, uid_t uid, struct err *e)
{
	uint8_t sha256[SHA256_LEN];
	struct entry *entry;
	int r;

	r = sha256_of(name, strlen(name), sha256, e);
	if (r != 0)
		return r;
	entry = find(s->sets[(sha256[0] | sha256[1] << 8) % SETS], sha256);
	if (entry->used != 0 && entry->uid != uid)
		return err_set(e, ERR_DENIED,
		    "this session belongs to another user; use a name of "
		    "your own");
	entry->uid = uid;
	entry->used = ++s->clock;
	return ERR_OK;
}
