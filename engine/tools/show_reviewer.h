#ifndef TOOLS_SHOW_REVIEWER_H
#define TOOLS_SHOW_REVIEWER_H
/*
 * The daemon's reviewer in one line a provider, from GET /readyz.
 *
 *     show_reviewer(json_object_get(ready, "reviewer"), &out);
 */
#include <jansson.h>

#include "base/buf.h"

/* "reviewer active: main (chat, some-model) closed" and so on. */
void show_reviewer(const json_t *reviewer, struct buf *out);
/* Why it is of no use now, or NULL. The text is a constant. */
const char *reviewer_trouble(const json_t *reviewer);
/* Why one provider is of no use now, or NULL. */
const char *provider_trouble(const json_t *provider);

#endif
