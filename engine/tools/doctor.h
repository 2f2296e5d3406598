#ifndef TOOLS_DOCTOR_H
#define TOOLS_DOCTOR_H
/*
 * What protects here and what does not, as found by trying (I10).
 *
 *     struct findings f = { 0 };
 *     doctor_kernel(&f);     what this kernel offers
 *     doctor_sandbox(&f);    what a real sandbox holds
 *     doctor_daemon(&f, runtime);
 */
#include <stddef.h>

#include "base/jsonw.h"
#include "base/mem.h"

#define FINDINGS_MAX 40
#define FINDING_NAME_MAX 48
#define FINDING_TEXT_MAX 256

enum finding_state {
	FINDING_OK,
	FINDING_MISSING, /* a protection is not there */
	FINDING_NOTE, /* worth knowing, nothing to mend */
};

struct finding {
	enum finding_state state;
	const char *area; /* "kernel" */
	/* may hold text from outside */
	char name[FINDING_NAME_MAX], detail[FINDING_TEXT_MAX];
	const char *remedy; /* or NULL */
};

struct findings {
	struct finding list[FINDINGS_MAX];
	size_t count;
};

/* remedy is kept only where the state is FINDING_MISSING. */
void finding_add(struct findings *f, enum finding_state state, const char *area,
    const char *name, const char *remedy, const char *fmt, ...)
    PRINTF_LIKE(6, 7);

void doctor_kernel(struct findings *f);
void doctor_sandbox(struct findings *f);
void doctor_daemon(struct findings *f, const char *runtime);
/* What assent install left in this client's settings, tried. */
void doctor_client(struct findings *f, const char *client);

#endif
