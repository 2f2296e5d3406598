#ifndef WEB_LIMITS_H
#define WEB_LIMITS_H
/*
 * What a confined role needs for libcurl: connections, names, certificates.
 */
#include <stddef.h>

extern const int web_syscalls[];
extern const size_t web_syscall_count;
/* Files and folders that are read; one that is not there is not needed. */
extern const char *const web_paths[];
extern const size_t web_path_count;

#endif
