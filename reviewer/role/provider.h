#ifndef REVIEWER_ROLE_PROVIDER_H
#define REVIEWER_ROLE_PROVIDER_H
/*
 * A provider as the role knows it: settings, key, health.
 *
 *     r = provider_open(&p, config, e);
 *     provider_take_key(&p, bytes);
 */
#include "base/jsonw.h"
#include "base/mem.h"
#include "breaker.h"
#include "model/config.h"
#include "model/provider_url.h"
#include "reviewer/format.h"

#define PROVIDERS_MAX 8
#define KEY_BYTES_MAX 4096

struct provider {
	const struct config_provider *c; /* borrowed */
	const struct wire_format *format;
	struct provider_url url; /* of c->url */
	bool key_wanted;
	bool key_known; /* it came, or it is known that it does not */
	struct secret *key; /* owned, or NULL */
	struct breaker breaker;
	bool fresh; /* the last call failed: no old connection */
	bool told; /* the operator knows */
	uint64_t calls, failures;
	const char *last_cause; /* a constant, or NULL */
};

/* What came of one call, before anybody believed a word of it. */
struct call_result {
	const char *cause; /* a constant; NULL: body is an answer */
	bool transport; /* nobody said anything: may be tried again */
	bool hard; /* the provider will not work soon */
	bool ours; /* says nothing about the provider */
	int64_t wait_ms; /* as it asked for, or -1 */
	struct str body;
};

typedef void call_done_fn(void *ctx, const struct call_result *r);

/* One call; done runs once, unless the call is cancelled. */
struct call_order {
	struct provider *provider;
	uint32_t number; /* of the provider in the configuration */
	struct buf *body; /* its bytes are taken, also on failure */
	int64_t timeout_ms;
	call_done_fn *done;
	void *ctx;
};

int provider_open(
    struct provider *p, const struct config_provider *c, struct err *e);
void provider_close(struct provider *p);
/* The text of a key: one line of visible ASCII; else there is none. */
void provider_take_key(struct provider *p, struct str bytes);
/* Is this the model that was asked for? */
bool provider_is_model(const struct provider *p, const char *returned);
/* Counts what came of a call. */
void provider_saw(
    struct provider *p, const struct call_result *r, int64_t now_ns);
void provider_status(const struct provider *p, int64_t now_ns, struct jsonw *w);

#endif
