/*
 * A person who answers what he asked himself, at the terminal where he asked:
 * he knows what no program that he started knows.
 * Runs in: engine.  Trusts: the kernel for the uid of who answers; the file of
 * passphrases, whose owner was checked.  Owns: how often somebody guessed.
 */
#include <string.h>

#include "base/log.h"
#include "base/passphrase.h"
#include "engine_int.h"

#define WAIT_MAX_NS (300 * SECOND_NS)
#define DOUBLINGS_MAX 16

static struct str
passphrases(const struct engine *g)
{
	return g->o.set.passphrases == NULL ? STR_NONE
					    : str_of(g->o.set.passphrases);
}

bool
engine_has_passphrase(const struct call *c)
{
	return call_field(c, "passphrase") != NULL;
}

const char *
engine_asker_answers(const struct engine *g, const struct live *l)
{
	return passphrase_has(passphrases(g), l->a->proposer.uid) ? "passphrase"
								  : "never";
}

/* ---- guesses ---------------------------------------------------------------- */

/* Who guesses, or a free place; NULL while all are taken by others. */
static struct guesser *
guesser_of(struct engine *g, uid_t uid)
{
	const int64_t now = g->o.env.boot_ns();
	struct guesser *place = NULL;

	for (size_t i = 0; i < GUESSERS_MAX; i++) {
		struct guesser *one = &g->guessers[i];

		if (one->wrong > 0 && one->uid == uid)
			return one;
		if (one->wrong > 0 && one->until_boot_ns + WAIT_MAX_NS < now)
			one->wrong = 0; /* long ago */
		if (one->wrong == 0)
			place = one;
	}
	if (place != NULL)
		*place = (struct guesser){ .uid = uid };
	return place;
}

/* Each one that is wrong makes the next wait twice as long. */
static void
count_wrong(const struct engine *g, struct guesser *one)
{
	const unsigned times =
	    one->wrong < DOUBLINGS_MAX ? one->wrong : DOUBLINGS_MAX;
	const int64_t wait_ns = SECOND_NS << times;

	one->wrong++;
	one->until_boot_ns = g->o.env.boot_ns() +
	    (wait_ns < WAIT_MAX_NS ? wait_ns : WAIT_MAX_NS);
}

int
engine_prove_person(struct engine *g, const struct call *c, struct err *e)
{
	const char *passphrase = call_field(c, "passphrase");
	struct guesser *one = guesser_of(g, c->uid);
	int64_t left_ns;
	int r;

	/* Over TCP nobody tells one user from another. */
	if (passphrase == NULL || c->pid <= 0)
		return err_set(e, ERR_DENIED,
		    "a passphrase counts at the approver socket alone");
	if (one == NULL)
		return err_set(e, ERR_DENIED,
		    "too many users guess at passphrases; answer from another "
		    "terminal");
	left_ns = one->until_boot_ns - g->o.env.boot_ns();
	if (left_ns > 0)
		return err_set(e, ERR_DENIED,
		    "too many wrong passphrases: wait for %lld seconds, or "
		    "answer from another terminal",
		    (long long)(left_ns / SECOND_NS + 1));
	r = passphrase_check(passphrases(g), c->uid, str_of(passphrase), e);
	if (r == 0) {
		one->wrong = 0;
		return ERR_OK;
	}
	if (r == ERR_NOTFOUND)
		return err_set(e, ERR_DENIED,
		    "you have no passphrase; 'assent passphrase' makes one");
	if (r == ERR_DENIED) {
		count_wrong(g, one);
		log_warn("passphrase", "uid=%u wrong=%u", (unsigned)c->uid,
		    one->wrong);
	}
	return r;
}
