#ifndef BASE_LOG_H
#define BASE_LOG_H
/*
 * The program's own log (not the decision log, which is db/).
 *
 *     log_open("engine", LOG_INFO);
 *     log_info("ruled", "id=%s decision=%s", id, name);
 *
 * Event word, then key=value. Lines go to stderr, escaped, one write each.
 * err: a person must act.  warn: worked around.  info: one line per stage.
 */
#include "err.h"

enum log_level {
	LOG_ERR = 1,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

void log_open(const char *role, enum log_level level);
void log_line(enum log_level level, const char *event, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#define log_err(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
