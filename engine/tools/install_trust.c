/*
 * Which hooks Codex trusts, told by where they stand in their file: ours come
 * and go, and those of others move with it.
 * Runs in: assent.  Trusts: the user's own files.  Owns: nothing.
 */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "install.h"
#include "model/json_in.h"

#define INDEX_MAX 1000000

/* "pre_tool_use:1:0", behind the name of the file. */
struct place {
	struct str event;
	size_t group, hook;
};

static bool
read_place(struct str text, struct place *ret)
{
	const struct str event = str_cut(&text, ':');
	const struct str group = str_cut(&text, ':');
	uint64_t g, h;

	if (event.len == 0 || num_parse_u64(group, 0, INDEX_MAX, &g) != 0 ||
	    num_parse_u64(text, 0, INDEX_MAX, &h) != 0)
		return false;
	*ret = (struct place){
		.event = event,
		.group = (size_t)g,
		.hook = (size_t)h,
	};
	return true;
}

/* Is "PreToolUse" the event "pre_tool_use"? */
static bool
is_event(const char *name, struct str snake)
{
	size_t at = 0;

	for (const char *s = name; *s != '\0'; s++) {
		const bool upper = isupper((unsigned char)*s) != 0;

		if (upper && s != name &&
		    (at >= snake.len || snake.s[at++] != '_'))
			return false;
		if (at >= snake.len ||
		    snake.s[at++] != (char)tolower((unsigned char)*s))
			return false;
	}
	return at == snake.len;
}

static const json_t *
groups_of(const json_t *root, struct str event)
{
	/* json_object_foreach casts const away */
	json_t *hooks = (json_t *)(uintptr_t)json_object_get(root, "hooks");
	const char *name;
	json_t *groups;

	json_object_foreach(hooks, name, groups)
	{
		if (is_event(name, event))
			return groups;
	}
	return NULL;
}

/* ---- from old to new --------------------------------------------------------- */

/* Looks for a hook by its place, or for the n-th of others. */
struct walk {
	const struct install *in;
	size_t group, hook, others; /* where it is */
	bool ours; /* the one that it is at */
};

/* The next hook; false at the end. */
static bool
step(struct walk *w, const json_t *groups)
{
	while (w->group < json_array_size(groups)) {
		const json_t *hooks =
		    json_object_get(json_array_get(groups, w->group), "hooks");
		const json_t *one = json_array_get(hooks, w->hook);

		if (one != NULL) {
			w->ours = install_is_ours(w->in,
			    json_string_value(json_object_get(one, "command")));
			return true;
		}
		w->group++;
		w->hook = 0;
	}
	return false;
}

enum whose {
	WHOSE_NOBODY, /* no hook stands there */
	WHOSE_OURS,
	WHOSE_OTHERS,
};

static enum whose
find_at(const struct install *in, const json_t *groups, const struct place *p,
    size_t *ret_number)
{
	struct walk w = { .in = in };

	for (; step(&w, groups); w.hook++) {
		if (w.group == p->group && w.hook == p->hook) {
			*ret_number = w.others;
			return w.ours ? WHOSE_OURS : WHOSE_OTHERS;
		}
		w.others += !w.ours;
	}
	return WHOSE_NOBODY;
}

static bool
find_number(const struct install *in, const json_t *groups, size_t number,
    struct place *ret)
{
	struct walk w = { .in = in };

	for (; step(&w, groups); w.hook++) {
		if (!w.ours && w.others++ == number) {
			ret->group = w.group;
			ret->hook = w.hook;
			return true;
		}
	}
	return false;
}

/* ---- sections ------------------------------------------------------------------ */

static bool
names_hook(struct str line, const char *hooks, struct str *ret)
{
	const struct str begin = STR("[hooks.state.\"");
	struct str key;

	line = str_trim(line);
	if (!str_starts(line, begin) || !str_ends(line, STR("\"]")))
		return false;
	key = str_from(line, begin.len);
	key = str_head(key, key.len - 2);
	if (!str_starts(key, str_of(hooks)))
		return false;
	key = str_from(key, strlen(hooks));
	if (!str_starts(key, STR(":")))
		return false;
	*ret = str_from(key, 1);
	return true;
}

/* The first line of a section goes out as it has to be; false: the section is
 * left out. */
static bool
put_header(const struct install *in, const struct install_trust *t,
    const json_t *const roots[2], struct str line, struct buf *out)
{
	struct str where;
	struct place p;
	size_t number = 0;

	if (!names_hook(line, t->hooks, &where) || !read_place(where, &p)) {
		buf_put_str(out, line);
		buf_putc(out, '\n');
		return true;
	}
	switch (find_at(in, groups_of(roots[0], p.event), &p, &number)) {
	case WHOSE_OURS:
	/* what is not there is trusted nowhere; ours may come there now */
	case WHOSE_NOBODY:
		return false;
	case WHOSE_OTHERS:
		if (!find_number(in, groups_of(roots[1], p.event), number, &p))
			return false;
		break;
	}
	buf_printf(out, "[hooks.state.\"%s:%.*s:%zu:%zu\"]\n", t->hooks,
	    STR_ARG(p.event), p.group, p.hook);
	return true;
}

static int
read_hooks(const char *text, json_t **ret, struct err *e)
{
	*ret = NULL;
	return text == NULL || str_trim(str_of(text)).len == 0
	    ? ERR_OK
	    : json_in(str_of(text), ret, e);
}

int
install_put_trusted(const struct install *in, const struct install_trust *t,
    struct str text, struct buf *out, struct err *e)
{
	json_auto_t *before = NULL, *after = NULL;
	bool keeps = true;
	int r = read_hooks(t->before, &before, e);

	if (r == 0)
		r = read_hooks(t->after, &after, e);
	while (r == 0 && text.len > 0) {
		const struct str line = str_cut(&text, '\n');

		if (str_starts(str_trim(line), STR("["))) {
			keeps = put_header(in, t,
			    (const json_t *[]){ before, after }, line, out);
		} else if (keeps) {
			buf_put_str(out, line);
			buf_putc(out, '\n');
		}
	}
	return r;
}
