#ifndef BASE_ERR_H
#define BASE_ERR_H
/*
 * Errors: a small code for the program, a sentence for the person.
 *
 *     int thing_open(const char *path, struct thing **ret, struct err *e);
 *     if (fd < 0)
 *             return err_sys(e, "cannot open '%s'", path);
 *
 * Every function that can fail returns 0 or a negative enum err_code. The
 * last parameter may be NULL and is written on failure only. Every setter
 * returns the code that it stored, so it can be returned directly.
 */
#include "mem.h"

enum err_code {
	ERR_OK = 0,
	ERR_INVALID = -1, /* the input is wrong; say what to change */
	ERR_DENIED = -2, /* the caller may not do that */
	ERR_NOTFOUND = -3, /* no such thing */
	ERR_LIMIT = -4, /* over a named limit */
	ERR_NOMEM = -5, /* memory is short */
	ERR_SYS = -6, /* the operating system said no: sys_errno */
	ERR_CONFLICT = -7, /* not in this state, or somebody was first */
	ERR_INTERNAL = -8, /* a peer or a library broke its promise */
};

#define ERR_MSG_MAX 512
#define ERR_FILE_MAX 256

struct err {
	enum err_code code;
	int sys_errno; /* with ERR_SYS */
	unsigned line, col; /* 1-based; 0 when there is no place */
	char file[ERR_FILE_MAX];
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT                                                               \
	{                                                                      \
		.code = ERR_OK                                                 \
	}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Adds ": " and the text of errno; keeps errno in sys_errno. */
int err_sys(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* ERR_INVALID with a place in a file; line and col may be 0. */
int err_at(struct err *e, const char *file, unsigned line, unsigned col,
    const char *fmt, ...) PRINTF_LIKE(5, 6);
int err_nomem(struct err *e);
/* Puts "what: " before the message that e holds; returns e's code. */
int err_wrap(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The name of a code as used in problem+json, "invalid" and so on. */
const char *err_code_name(int code);

#endif
