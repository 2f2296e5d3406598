#ifndef MODEL_SYSLOG_URL_H
#define MODEL_SYSLOG_URL_H
/*
 * Where syslog goes, as the configuration writes it.
 *
 *     r = syslog_url_parse("tls://logs.example.com:6514", &way, &where);
 */

#define SYSLOG_URL_FORMS                                                       \
	"unix:/dev/log, udp://127.0.0.1:514, tcp://HOST:601 or "               \
	"tls://HOST:6514"

enum syslog_way {
	SYSLOG_UNIX, /* datagrams to a socket of this machine */
	SYSLOG_UDP,
	SYSLOG_TCP,
	SYSLOG_TLS,
};

/* where: the path, or host and port; points into url. 0 or ERR_INVALID. */
int syslog_url_parse(
    const char *url, enum syslog_way *ret, const char **ret_where);

#endif
