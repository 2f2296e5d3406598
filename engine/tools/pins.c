/*
 * Descriptions of an MCP server's tools, kept from one session to the next.
 * Runs in: assent.  Trusts: the owner of the state folder; nothing of the
 * server.  Owns: the file.
 */
#include "pins.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/config.h"
#include "model/json_in.h"

#define FILE_BYTES_MAX ((size_t)32 << 20)
#define TOOL_BYTES_MAX ((size_t)256 << 10)
#define TOOLS_MAX 1000
#define ARENA_BYTES 65536
#define SAY_BYTES 4096

struct pin {
	char *name;
	char *first; /* as it was accepted: JSON with sorted members */
	char *now; /* what else it said in this session; NULL: the same */
	char *annotations; /* JSON object, or NULL */
	bool listed, is_new;
};

struct pins {
	char *path;
	struct pin *v;
	size_t count;
	bool broken; /* nothing can be remembered */
};

/* ---- texts --------------------------------------------------------------- */

/* One form for one meaning: the order of members says nothing. */
static char *
canonical(const json_t *tool)
{
	AUTO_FREE char *text =
	    json_dumps(tool, JSON_SORT_KEYS | JSON_INDENT(1));
	const size_t len = text == NULL ? 0 : strlen(text);
	char *whole;

	if (text == NULL || len > TOOL_BYTES_MAX)
		return NULL;
	whole = mem_new(1, len + 2);
	if (whole == NULL)
		return NULL;
	memcpy(whole, text, len);
	whole[len] = '\n';
	return whole;
}

static struct pin *
find(const struct pins *p, const char *tool)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->v[i].name, tool) == 0)
			return &p->v[i];
	}
	return NULL;
}

/* first is taken. */
static struct pin *
add(struct pins *p, const char *tool, char *first)
{
	struct pin *more;

	if (p->count == TOOLS_MAX)
		return NULL;
	more = realloc(p->v, (p->count + 1) * sizeof(*more));
	if (more == NULL)
		return NULL;
	p->v = more;
	p->v[p->count] = (struct pin){ .name = strdup(tool), .first = first };
	if (p->v[p->count].name == NULL)
		return NULL;
	return &p->v[p->count++];
}

void
pins_free(struct pins *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->count; i++) {
		free(p->v[i].name);
		free(p->v[i].first);
		free(p->v[i].now);
		free(p->v[i].annotations);
	}
	free(p->v);
	free(p->path);
	free(p);
}

void
pins_freep(struct pins **p)
{
	pins_free(*p);
	*p = NULL;
}

/* ---- the file ------------------------------------------------------------ */

/* The name is part of a path: what could lead elsewhere is refused. */
static int
path_of(
    const char *state, const char *server, bool make, char **ret, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES);
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	const char *folder = NULL;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = config_state_dir(state, a, &folder, e);
	if (r != 0)
		return r;
	buf_printf(&path, "%s/mcp", folder);
	r = buf_done(&path, e);
	if (r == 0 && make)
		r = fdio_make_dir(buf_cstr(&path), 0700, e);
	buf_printf(&path, "/%s.json", server);
	return r != 0 ? r : buf_take(&path, ret, e);
}

static int
take_file(struct pins *p, const json_t *file, struct err *e)
{
	const json_t *tools = json_object_get(file, "tools");
	const json_t *tool;
	const char *name;

	if (json_integer_value(json_object_get(file, "assent_mcp")) != 1 ||
	    !json_is_object(tools))
		return err_set(e, ERR_INVALID,
		    "'%s' is not what assent wrote; 'assent mcp-proxy "
		    "--forget' "
		    "removes it",
		    p->path);
	/* json_object_foreach casts const away */
	for (void *at = json_object_iter((json_t *)(uintptr_t)tools);
	     at != NULL;
	     at = json_object_iter_next((json_t *)(uintptr_t)tools, at)) {
		char *text;

		name = json_object_iter_key(at);
		tool = json_object_iter_value(at);
		text = canonical(tool);
		if (text == NULL || add(p, name, text) == NULL) {
			free(text);
			return err_set(e, ERR_LIMIT,
			    "'%s' has more than can be held", p->path);
		}
	}
	return ERR_OK;
}

static int
read_file(struct pins *p, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
	json_auto_t *file = NULL;
	int r;

	if (access(p->path, F_OK) != 0 && errno == ENOENT)
		return ERR_OK;
	r = fdio_read_file(p->path, &text, e);
	if (r == 0)
		r = json_in(buf_str(&text), &file, e);
	return r != 0 ? err_wrap(e, r, "'%s'", p->path) : take_file(p, file, e);
}

static int
write_file(const struct pins *p, struct err *e)
{
	json_auto_t *file = json_pack("{s:i,s:{}}", "assent_mcp", 1, "tools");
	AUTO_FREE char *text = NULL;
	json_t *tools = json_object_get(file, "tools");

	for (size_t i = 0; i < p->count; i++) {
		json_t *tool = json_loads(p->v[i].first, 0, NULL);

		if (json_object_set_new(tools, p->v[i].name, tool) != 0)
			return err_nomem(e);
	}
	text = json_dumps(file, JSON_SORT_KEYS | JSON_INDENT(1));
	if (text == NULL)
		return err_nomem(e);
	return fdio_write_file(p->path, text, strlen(text), 0600, e);
}

static void
save(struct pins *p)
{
	AUTO_BUF struct buf text = BUF_INIT(SAY_BYTES);
	struct err e = ERR_INIT;

	if (write_file(p, &e) == 0)
		return;
	p->broken = true;
	buf_puts(&text, "assent: a tool's description cannot be remembered: ");
	text_escape(&text, str_of(e.msg));
	buf_putc(&text, '\n');
	(void)fputs(buf_cstr(&text), stderr);
}

int
pins_open(
    const char *state, const char *server, struct pins **ret, struct err *e)
{
	AUTO(pins_freep) struct pins *p = mem_new(1, sizeof(*p));
	int r;

	if (p == NULL)
		return err_nomem(e);
	r = path_of(state, server, true, &p->path, e);
	if (r == 0)
		r = read_file(p, e);
	if (r == 0)
		*ret = TAKE_PTR(p);
	return r;
}

int
pins_forget(const char *state, const char *server, struct err *e)
{
	AUTO_FREE char *path = NULL;
	const int r = path_of(state, server, false, &path, e);

	if (r != 0)
		return r;
	return unlink(path) == 0 || errno == ENOENT
	    ? ERR_OK
	    : err_sys(e, "cannot remove '%s'", path);
}

/* ---- what the server says ------------------------------------------------ */

static void
take_annotations(struct pin *pin, const json_t *tool)
{
	const json_t *own = json_object_get(tool, "annotations");

	free(pin->annotations);
	pin->annotations =
	    json_is_object(own) ? json_dumps(own, JSON_COMPACT) : NULL;
}

/* What it said once in this session the model has read, whatever it says
 * later. */
static void
compare(struct pin *pin, char **text)
{
	if (strcmp(pin->first, *text) == 0)
		return;
	free(pin->now);
	pin->now = TAKE_PTR(*text);
}

void
pins_take(struct pins *p, const char *tool, struct str json)
{
	json_auto_t *value = NULL;
	AUTO_FREE char *text = NULL;
	struct pin *pin = find(p, tool);
	const bool known = pin != NULL;

	if (json_in(json, &value, NULL) == 0)
		text = canonical(value);
	if (text == NULL) {
		/* then it is not described, however it was before */
		if (known)
			pin->listed = false;
		return;
	}
	if (known) {
		compare(pin, &text);
	} else {
		pin = add(p, tool, text);
		if (pin == NULL)
			return;
		text = NULL;
		pin->is_new = true;
	}
	pin->listed = true;
	take_annotations(pin, value);
	if (!known)
		save(p);
}

struct gate_definition
pins_definition(const struct pins *p, const char *tool)
{
	const struct pin *pin = find(p, tool);
	struct gate_definition d = { .state = GATE_UNLISTED };

	if (pin == NULL || !pin->listed || p->broken)
		return d;
	d.state = pin->now != NULL ? GATE_CHANGED
	    : pin->is_new          ? GATE_NEW
				   : GATE_SAME;
	if (pin->annotations != NULL)
		d.annotations = str_of(pin->annotations);
	if (pin->now != NULL) {
		d.was = str_of(pin->first);
		d.is = str_of(pin->now);
	}
	return d;
}

int
pins_digest(
    const struct pins *p, const char *tool, uint8_t ret[static SHA256_LEN])
{
	const struct pin *pin = find(p, tool);

	if (pin == NULL || pin->now == NULL)
		return ERR_NOTFOUND;
	return sha256_of(pin->now, strlen(pin->now), ret, NULL);
}

void
pins_accept(
    struct pins *p, const char *tool, const uint8_t digest[static SHA256_LEN])
{
	struct pin *pin = find(p, tool);
	uint8_t now[SHA256_LEN];

	if (pins_digest(p, tool, now) != 0 ||
	    memcmp(now, digest, SHA256_LEN) != 0)
		return;
	free(pin->first);
	pin->first = TAKE_PTR(pin->now);
	save(p);
}
