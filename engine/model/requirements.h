#ifndef MODEL_REQUIREMENTS_H
#define MODEL_REQUIREMENTS_H
/*
 * What the administrator's requirements.yaml says of something, and where.
 *
 *     const struct config_requirement *q;
 *     if (!requirements_permit_host(ceiling, "example.com:443", &q))
 *         requirement_put(q, &why);   "/etc/assent/requirements.yaml:9
 *                                      permits *.example.org"
 */
#include "base/buf.h"
#include "model/config.h"

/* What stands for the client of an action that names none. */
#define REQUIREMENT_UNNAMED "unnamed"

/* NULL: nothing is said. */
const struct config_requirement *requirement_find(
    const struct config_ceiling *c, const char *key,
    enum requirement_kind kind);
/* Its place and what it says, as the end of a sentence. */
void requirement_put(const struct config_requirement *q, struct buf *out);
/* May this host ever be reached, granted or asked for? host: as in
 * host_pattern.h; NULL: which one is not known. *ret: what forbids it. */
bool requirements_permit_host(const struct config_ceiling *c, const char *host,
    const struct config_requirement **ret);
/* May this client propose? agent: its name, or NULL. */
bool requirements_permit_client(const struct config_ceiling *c,
    const char *agent, const struct config_requirement **ret);
/* {"file": ..., "requirements": [...]} */
void requirements_to_json(const struct config_ceiling *c, struct buf *out);
/* The same for people, a line each. */
void requirements_to_text(const struct config_ceiling *c, struct buf *out);

#endif
