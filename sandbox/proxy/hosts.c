/*
 * The machine's own table of names.
 * Runs in: assent-proxy, before it is confined.  Trusts: the administrator.
 * Owns: copies of the names.
 */
#include "hosts.h"

#include <string.h>

#include "base/mem.h"

void
hosts_done(struct hosts *h)
{
	for (size_t i = 0; i < h->count; i++)
		mem_freep(&h->rows[i].name);
	mem_freep(&h->rows);
	*h = (struct hosts){ .rows = NULL };
}

static struct str
take_word(struct str *rest)
{
	size_t begin = 0, end;

	while (begin < rest->len && strchr(" \t\r", rest->s[begin]) != NULL)
		begin++;
	end = begin;
	while (end < rest->len && strchr(" \t\r", rest->s[end]) == NULL)
		end++;
	const struct str word = str_n(rest->s + begin, end - begin);

	*rest = str_from(*rest, end);
	return word;
}

static int
add(struct hosts *h, const struct net_addr *addr, struct str word)
{
	struct net_host host;
	char *name;

	if (h->count == HOSTS_MAX || net_host_parse(word, &host, NULL) != 0)
		return ERR_OK;
	name = mem_strndup(host.name, strlen(host.name));
	if (name == NULL ||
	    mem_grow(&h->rows, &h->cap, h->count + 1, sizeof(*h->rows)) != 0) {
		mem_freep(&name);
		return ERR_NOMEM;
	}
	h->rows[h->count++] = (struct hosts_row){ *addr, name };
	return ERR_OK;
}

int
hosts_parse(struct str text, struct hosts *ret, struct err *e)
{
	while (text.len > 0) {
		struct str line = str_cut(&text, '\n');
		struct net_addr addr;
		struct str word;

		line = str_head(line, str_find(line, '#'));
		if (net_addr_parse(take_word(&line), &addr) != 0)
			continue;
		while ((word = take_word(&line)).len > 0) {
			if (add(ret, &addr, word) != 0)
				return err_nomem(e);
		}
	}
	return ERR_OK;
}

size_t
hosts_find(
    const struct hosts *h, const char *name, struct net_addr *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < h->count && n < max; i++) {
		if (strcmp(h->rows[i].name, name) == 0)
			ret[n++] = h->rows[i].addr;
	}
	return n;
}
