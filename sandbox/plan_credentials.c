/*
 * Credentials of a run as a record.
 * Runs in: engine, assent-exec, assent-proxy.  Trusts: nothing in the record.
 * Owns: nothing.
 */
#include "sandbox/plan_credentials.h"

#define HOSTS_MAX 1000

bool
plan_credential_is_value(const struct config_credential *c)
{
	return credential_kind_of(c) == CREDENTIAL_VALUE;
}

size_t
plan_credentials_values(const struct config_credential *list, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += plan_credential_is_value(&list[i]);
	return n;
}

void
plan_credentials_put(
    struct buf *b, const struct config_credential *list, size_t count)
{
	rec_put_u32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		const struct config_credential *c = &list[i];

		rec_put_cstr(b, c->name);
		rec_put_cstr(b, c->kind_name);
		rec_put_cstr(b, c->variable);
		rec_put_u8(b, c->plaintext);
		rec_put_u8(b, c->ask);
		rec_put_u32(b, (uint32_t)c->hosts.count);
		for (size_t n = 0; n < c->hosts.count; n++)
			rec_put_cstr(b, c->hosts.items[n]);
	}
}

static void
get_hosts(struct rec *r, struct arena *a, struct credential_list *ret)
{
	ret->count = rec_count(r, HOSTS_MAX);
	ret->items = arena_array(a, ret->count, sizeof(*ret->items));
	for (size_t i = 0; ret->items != NULL && i < ret->count; i++) {
		ret->items[i] = rec_cstr(r, a);
		if (ret->items[i] == NULL)
			r->failed = 1;
	}
	if (ret->items == NULL || r->failed != 0)
		ret->count = 0;
}

void
plan_credentials_get(struct rec *r, struct arena *a,
    struct config_credential **ret, size_t *ret_count)
{
	const size_t count = rec_count(r, CREDENTIALS_MAX);
	struct config_credential *list = arena_array(a, count, sizeof(*list));

	for (size_t i = 0; list != NULL && i < count; i++) {
		list[i].name = rec_cstr(r, a);
		list[i].kind_name = rec_cstr(r, a);
		list[i].variable = rec_cstr(r, a);
		list[i].plaintext = rec_u8(r) != 0;
		list[i].ask = rec_u8(r) != 0;
		get_hosts(r, a, &list[i].hosts);
		if (list[i].name == NULL || list[i].kind_name == NULL)
			r->failed = 1;
	}
	if (list == NULL ||
	    (r->failed == 0 &&
		plan_credentials_values(list, count) > CREDENTIAL_VALUES_MAX))
		r->failed = 1;
	*ret = list;
	*ret_count = r->failed == 0 ? count : 0;
}
