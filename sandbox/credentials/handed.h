#ifndef CREDENTIALS_HANDED_H
#define CREDENTIALS_HANDED_H
/*
 * A secret in memory that a run gets as a descriptor: nobody can change it,
 * and whoever made it can take it back.
 *
 *     r = handed_make(value, &h, e);     h.fd is what is given away
 *     handed_wipe(&h);                   all that still have it read zeros
 */
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct handed {
	int fd; /* sealed; -1: none */
	void *at; /* the only place from which it can be written */
	size_t len;
};

int handed_make(struct str value, struct handed *ret, struct err *e);
/* Also of one that was never made, if it is all zeros. */
void handed_wipe(struct handed *h);

#endif
