/*
 * Credentials as a record. Apart from where they are read: the sandbox's
 * helpers link records, and no reader of YAML.
 * Runs in: every role.  Trusts: nothing in the record.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "config_int.h"

#define AT(member) offsetof(struct config_credential, member)

static const size_t texts[] = {
	AT(name),
	AT(kind_name),
	AT(header),
	AT(username),
	AT(variable),
	AT(ca_file),
	AT(file),
	AT(env),
	AT(systemd),
	AT(agent),
	AT(public_key),
};

static const size_t lists[] = {
	AT(hosts),
	AT(host_keys),
	AT(profiles),
	AT(sessions),
	AT(agents),
	AT(users),
	AT(secret_service),
	AT(command),
};

static void
put_list(struct buf *b, const struct credential_list *l)
{
	rec_put_cstrs(b, l->items, l->count);
}

static struct credential_list
get_list(struct rec *r, struct arena *a)
{
	struct credential_list l = { .count = rec_count(r, CONFIG_ITEMS_MAX) };

	l.items = arena_array(a, l.count, sizeof(*l.items));
	for (size_t i = 0; l.items != NULL && i < l.count; i++)
		l.items[i] = rec_cstr(r, a);
	return l;
}

void
config_put_credentials(struct buf *b, const struct config *c)
{
	rec_put_u32(b, (uint32_t)c->credential_count);
	for (size_t i = 0; i < c->credential_count; i++) {
		const struct config_credential *k = &c->credentials[i];
		const char *text;
		struct credential_list list;

		for (size_t n = 0; n < ARRAY_LEN(texts); n++) {
			memcpy(&text, (const char *)k + texts[n], sizeof(text));
			rec_put_cstr(b, text);
		}
		for (size_t n = 0; n < ARRAY_LEN(lists); n++) {
			memcpy(&list, (const char *)k + lists[n], sizeof(list));
			put_list(b, &list);
		}
		rec_put_u8(b, k->ask);
		rec_put_u8(b, k->plaintext);
	}
}

void
config_get_credentials(struct rec *r, struct config *c)
{
	struct arena *a = c->arena;

	c->credential_count = rec_count(r, CREDENTIALS_MAX);
	c->credentials =
	    arena_array(a, c->credential_count, sizeof(*c->credentials));
	for (size_t i = 0; c->credentials != NULL && i < c->credential_count;
	     i++) {
		struct config_credential *k = &c->credentials[i];

		for (size_t n = 0; n < ARRAY_LEN(texts); n++) {
			const char *text = rec_cstr(r, a);

			memcpy((char *)k + texts[n], &text, sizeof(text));
		}
		for (size_t n = 0; n < ARRAY_LEN(lists); n++) {
			const struct credential_list l = get_list(r, a);

			memcpy((char *)k + lists[n], &l, sizeof(l));
		}
		k->ask = rec_u8(r) != 0;
		k->plaintext = rec_u8(r) != 0;
		if (k->name == NULL || k->kind_name == NULL)
			r->failed = 1;
	}
}
