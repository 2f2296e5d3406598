/*
 * Addresses of syslog receivers.
 * Runs in: supervisor, tools, reporter.  Trusts: nothing.  Owns: nothing.
 */
#include "syslog_url.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static const char *const prefixes[] = {
	[SYSLOG_UNIX] = "unix:",
	[SYSLOG_UDP] = "udp://",
	[SYSLOG_TCP] = "tcp://",
	[SYSLOG_TLS] = "tls://",
};

int
syslog_url_parse(const char *url, enum syslog_way *ret, const char **ret_where)
{
	for (unsigned i = 0; i < ARRAY_LEN(prefixes); i++) {
		const size_t len = strlen(prefixes[i]);

		if (strncmp(url, prefixes[i], len) != 0)
			continue;
		if (url[len] == '\0' || (i == SYSLOG_UNIX && url[len] != '/'))
			return ERR_INVALID;
		*ret = (enum syslog_way)i;
		*ret_where = url + len;
		return ERR_OK;
	}
	return ERR_INVALID;
}
