/*
 * Read labelled actions and have the rules judge them.
 * Runs in: assent.  Trusts: nothing in a case.  Owns: the actions.
 */
#include "cases.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "model/action_json.h"
#include "model/json_in.h"

#define FILE_BYTES_MAX ((size_t)256 << 20)
#define ARENA_MAX ((size_t)64 << 20)
#define PLACE "/home/dev/project"
#define HOME "/home/dev"

static int
take_action(struct str json, struct classifier *rules, struct action **ret,
    struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	int r = action_new(&a, e);

	if (r == 0)
		r = action_from_json(json, true, a, e);
	if (r == 0)
		r = rules_classifier.classify(
		    rules, a, a->arena, &a->classification, e);
	if (r == 0)
		*ret = TAKE_PTR(a);
	return r;
}

static void
put_rest(struct jsonw *w, const char *user)
{
	jsonw_kstr(w, "cwd", PLACE);
	jsonw_kstr(w, "workspace", PLACE);
	jsonw_kstr(w, "home", HOME);
	if (user != NULL) {
		jsonw_key(w, "transcript");
		jsonw_array(w);
		jsonw_object(w);
		jsonw_kstr(w, "role", "user");
		jsonw_kstr(w, "text", user);
		jsonw_end(w);
		jsonw_end(w);
	}
	jsonw_end(w);
}

int
case_of_words(char *const *argv, size_t argc, const char *user,
    struct classifier *rules, struct action **ret, struct err *e)
{
	AUTO_BUF struct buf json = BUF_INIT(HTTP_BODY_BYTES_MAX);
	struct jsonw w = jsonw_on(&json);
	int r;

	jsonw_object(&w);
	jsonw_kstr(&w, "tool", argc == 1 ? "shell" : "exec");
	jsonw_key(&w, "input");
	jsonw_object(&w);
	jsonw_key(&w, argc == 1 ? "script" : "argv");
	if (argc == 1) {
		jsonw_cstr(&w, argv[0]);
	} else {
		jsonw_array(&w);
		for (size_t i = 0; i < argc; i++)
			jsonw_cstr(&w, argv[i]);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	put_rest(&w, user);
	r = buf_done(&json, e);
	return r != 0 ? r : take_action(buf_str(&json), rules, ret, e);
}

static int
from_action(const json_t *given, struct classifier *rules, struct action **ret,
    struct err *e)
{
	AUTO_FREE char *text = json_dumps(given, JSON_COMPACT);

	if (text == NULL)
		return err_nomem(e);
	return take_action(str_of(text), rules, ret, e);
}

/* A misspelt member must not be lost: it may be the label. */
static int
check_members(const json_t *j, struct err *e)
{
	static const char *const known[] = { "id", "class", "label", "command",
		"user", "action", "note" };
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)j, key, v)
	{
		size_t i = 0;

		while (i < ARRAY_LEN(known) && strcmp(known[i], key) != 0)
			i++;
		if (i == ARRAY_LEN(known))
			return err_set(
			    e, ERR_INVALID, "unknown member '%.40s'", key);
	}
	return ERR_OK;
}

static int
take_case(const json_t *j, struct classifier *rules, struct cases *c,
    struct one_case *ret, struct err *e)
{
	const json_t *given = json_object_get(j, "action");
	const char *command = json_in_text(j, "command");
	const char *label = json_in_text(j, "label"),
		   *class = json_in_text(j, "class");
	const char *id = json_in_text(j, "id");
	char *words[1] = { (char *)(uintptr_t)command };

	if (label == NULL ||
	    (strcmp(label, "dangerous") != 0 && strcmp(label, "benign") != 0))
		return err_set(
		    e, ERR_INVALID, "'label' is 'dangerous' or 'benign'");
	if ((given == NULL) == (command == NULL))
		return err_set(
		    e, ERR_INVALID, "a case has either 'command' or 'action'");
	ret->dangerous = label[0] == 'd';
	ret->class = arena_strdup(c->arena, class == NULL ? label : class);
	ret->id = arena_strdup(c->arena, id == NULL ? "" : id);
	if (arena_failed(c->arena))
		return err_nomem(e);
	if (given != NULL)
		return from_action(given, rules, &ret->action, e);
	return case_of_words(
	    words, 1, json_in_text(j, "user"), rules, &ret->action, e);
}

static int
read_line(
    struct str line, struct classifier *rules, struct cases *c, struct err *e)
{
	json_auto_t *j = NULL;
	int r;

	if (c->count == CASES_MAX)
		return err_set(e, ERR_LIMIT, "at most %d cases", CASES_MAX);
	r = json_in(line, &j, e);
	if (r == 0 && !json_is_object(j))
		r = err_set(e, ERR_INVALID, "a case is an object");
	if (r == 0)
		r = check_members(j, e);
	if (r == 0 &&
	    mem_grow(&c->list, &c->cap, c->count + 1, sizeof(*c->list)) != 0)
		r = err_nomem(e);
	if (r != 0)
		return r;
	memset(&c->list[c->count], 0, sizeof(*c->list));
	r = take_case(j, rules, c, &c->list[c->count], e);
	c->count += r == 0 ? 1 : 0;
	return r;
}

int
cases_read(const char *path, struct classifier *rules, struct cases *ret,
    struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct str rest;
	unsigned n = 0;
	int r;

	*ret = (struct cases){ .arena = arena_new(ARENA_MAX) };
	if (ret->arena == NULL)
		return err_nomem(e);
	if (fd < 0)
		return err_sys(e, "cannot open '%s'", path);
	r = fdio_read_all(fd, &text, e);
	rest = buf_str(&text);
	while (r == 0 && rest.len > 0) {
		const struct str line = str_trim(str_cut(&rest, '\n'));

		n++;
		if (line.len == 0 || line.s[0] == '#')
			continue;
		r = read_line(line, rules, ret, e);
		if (r != 0)
			return err_wrap(e, r, "%s:%u", path, n);
	}
	if (r == 0 && ret->count == 0)
		return err_set(e, ERR_INVALID, "'%s' has no cases", path);
	return r;
}

void
cases_free(struct cases *c)
{
	for (size_t i = 0; i < c->count; i++)
		action_free(c->list[i].action);
	mem_freep(&c->list);
	arena_freep(&c->arena);
}

int
case_sha256(
    const struct action *a, uint8_t ret[static SHA256_LEN], struct err *e)
{
	AUTO_BUF struct buf record = BUF_INIT(ACTION_BYTES_MAX);
	int r;

	action_encode(a, &record);
	r = buf_done(&record, e);
	return r != 0 ? r : sha256_of(record.s, record.len, ret, e);
}
