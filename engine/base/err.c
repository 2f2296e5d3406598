/*
 * Build error values; nothing here logs, prints or exits.
 * Runs in: every program.  Trusts: its callers.  Owns: nothing.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
err_reset(struct err *e, enum err_code code)
{
	e->code = code;
	e->sys_errno = 0;
	e->line = 0;
	e->col = 0;
	e->file[0] = '\0';
	e->msg[0] = '\0';
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return (int)code;
	err_reset(e, code);
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return (int)code;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	const int saved = errno;
	char text[128];
	size_t used;
	va_list ap;

	if (e == NULL)
		return ERR_SYS;
	err_reset(e, ERR_SYS);
	e->sys_errno = saved;
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	used = strlen(e->msg);
	(void)snprintf(e->msg + used, sizeof(e->msg) - used, ": %s",
	    strerror_r(saved, text, sizeof(text)));
	errno = saved;
	return ERR_SYS;
}

int
err_at(struct err *e, const char *file, unsigned line, unsigned col,
    const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return ERR_INVALID;
	err_reset(e, ERR_INVALID);
	e->line = line;
	e->col = col;
	(void)snprintf(e->file, sizeof(e->file), "%s", file);
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return ERR_INVALID;
}

int
err_nomem(struct err *e)
{
	return err_set(e, ERR_NOMEM, "not enough memory");
}

int
err_wrap(struct err *e, int code, const char *fmt, ...)
{
	char what[ERR_MSG_MAX];
	char old[ERR_MSG_MAX];
	va_list ap;

	if (e == NULL)
		return code;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	memcpy(old, e->msg, sizeof(old));
	(void)snprintf(e->msg, sizeof(e->msg), "%.250s: %.250s", what, old);
	return code;
}

static const char *const code_names[] = {
	[-ERR_OK] = "ok",
	[-ERR_INVALID] = "invalid",
	[-ERR_DENIED] = "denied",
	[-ERR_NOTFOUND] = "not_found",
	[-ERR_LIMIT] = "limit",
	[-ERR_NOMEM] = "no_memory",
	[-ERR_SYS] = "system",
	[-ERR_CONFLICT] = "conflict",
	[-ERR_INTERNAL] = "internal",
};

const char *
err_code_name(int code)
{
	if (code > 0 || code < ERR_INTERNAL)
		return "internal";
	return code_names[-code];
}
