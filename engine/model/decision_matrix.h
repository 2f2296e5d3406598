#ifndef MODEL_DECISION_MATRIX_H
#define MODEL_DECISION_MATRIX_H
/* How often which decision became which: n[from][to]. */
#include "action.h"
#include "base/jsonw.h"

struct decision_matrix {
	uint64_t n[DECISION_DENY + 1][DECISION_DENY + 1];
};

/* Those that became looser, or else stricter. */
uint64_t decision_matrix_moved(const struct decision_matrix *m, bool looser);
/* Members calls, loosened, tightened and matrix of the open object. */
void decision_matrix_json(const struct decision_matrix *m, struct jsonw *w);

#endif
