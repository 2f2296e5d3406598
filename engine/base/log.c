/*
 * One escaped line on stderr per event.
 * Runs in: every role.  Trusts: nothing in values.  Owns: its level and name.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "text.h"

#define LOG_LINE_MAX 4096

static const char *log_role = "assent";
static enum log_level log_max = LOG_INFO;

static const char *const level_names[] = {
	[LOG_ERR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

void
log_open(const char *role, enum log_level level)
{
	log_role = role;
	log_max = level;
}

void
log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	AUTO_BUF struct buf line = BUF_INIT(LOG_LINE_MAX * 6);
	const int saved = errno;
	struct timespec now;
	char values[LOG_LINE_MAX];
	va_list ap;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(values, sizeof(values), fmt, ap);
	va_end(ap);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	text_time(&line, now.tv_sec * (int64_t)1000000000 + now.tv_nsec);
	buf_printf(&line, " %s %s[%d] %s ", level_names[level], log_role,
	    (int)getpid(), event);
	text_escape(&line, str_of(values));
	buf_putc(&line, '\n');
	if (line.failed == 0 && write(STDERR_FILENO, line.s, line.len) < 0)
		errno = saved; /* nobody is left to tell */
	errno = saved;
}
