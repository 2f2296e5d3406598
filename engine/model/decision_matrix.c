/*
 * How often which decision became which.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "decision_matrix.h"

uint64_t
decision_matrix_moved(const struct decision_matrix *m, bool looser)
{
	uint64_t sum = 0;

	for (int i = DECISION_ALLOW; i <= DECISION_DENY; i++) {
		for (int k = DECISION_ALLOW; k <= DECISION_DENY; k++) {
			if (looser ? k < i : k > i)
				sum += m->n[i][k];
		}
	}
	return sum;
}

static uint64_t
all_of(const struct decision_matrix *m)
{
	uint64_t sum = 0;

	for (int i = DECISION_ALLOW; i <= DECISION_DENY; i++) {
		for (int k = DECISION_ALLOW; k <= DECISION_DENY; k++)
			sum += m->n[i][k];
	}
	return sum;
}

void
decision_matrix_json(const struct decision_matrix *m, struct jsonw *w)
{
	jsonw_kint(w, "calls", (int64_t)all_of(m));
	jsonw_kint(w, "loosened", (int64_t)decision_matrix_moved(m, true));
	jsonw_kint(w, "tightened", (int64_t)decision_matrix_moved(m, false));
	jsonw_key(w, "matrix");
	jsonw_object(w);
	for (int i = DECISION_ALLOW; i <= DECISION_DENY; i++) {
		jsonw_key(w, decision_name((enum decision)i));
		jsonw_object(w);
		for (int k = DECISION_ALLOW; k <= DECISION_DENY; k++)
			jsonw_kint(w, decision_name((enum decision)k),
			    (int64_t)m->n[i][k]);
		jsonw_end(w);
	}
	jsonw_end(w);
}
