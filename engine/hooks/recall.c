/*
 * What was said before, by name.
 * Runs in: assent.  Trusts: nothing.  Owns: copies.
 */
#include "recall.h"

#include <stdlib.h>
#include <string.h>

static struct recall_item *
find(struct recall *r, struct str name)
{
	for (size_t i = 0; i < RECALL_MAX; i++) {
		if (r->items[i].name != NULL && str_eqz(name, r->items[i].name))
			return &r->items[i];
	}
	return NULL;
}

static void
forget(struct recall_item *item)
{
	free(item->name);
	free(item->text);
	*item = (struct recall_item){ .name = NULL };
}

void
recall_set(struct recall *r, struct str name, struct str text)
{
	struct recall_item *item = find(r, name);

	if (item != NULL)
		forget(item);
	if (name.len == 0 || name.len > RECALL_NAME_MAX || text.len == 0)
		return;
	if (item == NULL) {
		item = &r->items[r->next++ % RECALL_MAX];
		forget(item);
	}
	item->name = strndup(name.s, name.len);
	item->text = strndup(text.s, text.len);
	if (item->name == NULL || item->text == NULL)
		forget(item);
}

const char *
recall_text(const struct recall *r, struct str name)
{
	for (size_t i = 0; i < RECALL_MAX; i++) {
		if (r->items[i].name != NULL && str_eqz(name, r->items[i].name))
			return r->items[i].text;
	}
	return NULL;
}

void
recall_done(struct recall *r)
{
	for (size_t i = 0; i < RECALL_MAX; i++)
		forget(&r->items[i]);
}
