/*
 * Messages that wait.
 * Runs in: assent.  Trusts: nothing.  Owns: copies of them.
 */
#include "held.h"

#include <string.h>

#include "base/mem.h"

bool
held_has_room(const struct held_list *l, size_t len)
{
	return l->count < HELD_MAX && l->bytes + len <= HELD_BYTES_MAX;
}

char *
held_copy(struct str s)
{
	char *text = mem_new(1, s.len + 1);

	if (text != NULL && s.len > 0)
		memcpy(text, s.s, s.len);
	return text;
}

int
held_add(struct held_list *l, struct held *h, struct str id, struct str line)
{
	h->id = held_copy(id);
	h->line = held_copy(line);
	if (h->id == NULL || h->line == NULL) {
		free(h->id);
		free(h->line);
		h->id = h->line = NULL;
		return ERR_NOMEM;
	}
	h->len = line.len;
	h->next = l->first;
	l->first = h;
	l->count++;
	l->bytes += line.len;
	return ERR_OK;
}

struct held *
held_find(const struct held_list *l, struct str id)
{
	for (struct held *h = l->first; h != NULL; h = h->next) {
		if (str_eqz(id, h->id))
			return h;
	}
	return NULL;
}

struct str
held_line(const struct held *h)
{
	return str_n(h->line, h->len);
}

void
held_let_go(struct held_list *l, struct held *h)
{
	free(h->line);
	h->line = NULL;
	l->bytes -= h->len;
	h->len = 0;
}

void
held_remove(struct held_list *l, struct held *h)
{
	for (struct held **at = &l->first; *at != NULL; at = &(*at)->next) {
		if (*at == h) {
			*at = h->next;
			l->count--;
			break;
		}
	}
	held_let_go(l, h);
	free(h->id);
	h->id = NULL;
}
