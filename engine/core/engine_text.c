/*
 * Text of others in rows of the log: masked, left out, or whole, as the
 * setting log.payloads says.
 * Runs in: engine.  Trusts: nothing in text.  Owns: nothing.
 *
 * Each masked value leaves a keyed hash in its row, so that whoever knows a
 * secret can ask the log where it was seen (assent log find-secret), and
 * nobody else learns anything.
 */
#include <stdio.h>
#include <string.h>

#include "base/hmac.h"
#include "engine_int.h"

#define ROW_TEXT_MAX ((size_t)2048)
#define MASK_ARENA_MAX ((size_t)8 << 20)
#define KEY_LEN_MAX 64
#define HASHES_MAX 16
#define HASH_LEN                                                               \
	16 /* of the digest's bytes: enough to find, too few to guess */

struct seen {
	const struct engine *g;
	uint8_t hashes[HASHES_MAX][HASH_LEN];
	size_t count;
};

/* ---- text ----------------------------------------------------------------- */

static struct str
masked(const struct engine *g, struct arena *a, struct str text)
{
	if (g->o.set.payloads == PAYLOADS_FULL)
		return text;
	if (a == NULL || g->o.classifier_port->mask == NULL)
		return STR_NONE;
	return g->o.classifier_port->mask(a, text);
}

static void
put_length(struct jsonw *w, const char *key, size_t len)
{
	char name[KEY_LEN_MAX];

	(void)snprintf(name, sizeof(name), "%s_bytes", key);
	jsonw_kint(w, name, (int64_t)len);
}

static void
put_cut(struct jsonw *w, const char *key, struct str text, size_t max)
{
	jsonw_key(w, key);
	jsonw_str(w, str_head(text, max));
	if (text.len > max)
		put_length(w, key, text.len);
}

static void
put_masked(struct engine *g, struct jsonw *w, const char *key, const char *text,
    size_t max)
{
	AUTO(arena_freep) struct arena *a = arena_new(MASK_ARENA_MAX);

	put_cut(w, key, masked(g, a, str_of(text)), max);
}

void
row_put_remark(
    struct engine *g, struct jsonw *w, const char *key, const char *text)
{
	if (text != NULL)
		put_masked(g, w, key, text, ROW_TEXT_MAX);
}

static void
put_payload(struct engine *g, struct jsonw *w, const char *key,
    const char *text, size_t max)
{
	if (text == NULL)
		return;
	if (g->o.set.payloads == PAYLOADS_OFF)
		put_length(w, key, strlen(text));
	else
		put_masked(g, w, key, text, max);
}

void
row_put_payload(
    struct engine *g, struct jsonw *w, const char *key, const char *text)
{
	put_payload(g, w, key, text, ROW_TEXT_MAX);
}

/* What a client reports is kept whole: prompts, output of tools. */
static bool
is_payload(const char *name)
{
	static const char *const names[] = { "text", "stdout", "stderr" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

void
row_put_report(struct engine *g, struct jsonw *w, const struct env_var *field)
{
	if (is_payload(field->name))
		put_payload(g, w, field->name, field->value, SIZE_MAX);
	else
		row_put_remark(g, w, field->name, field->value);
}

/* ---- hashes --------------------------------------------------------------- */

static void
see(void *ctx, struct str value)
{
	uint8_t mac[SHA256_LEN];
	struct seen *s = ctx;

	if (s->count == HASHES_MAX ||
	    hmac_sha256(str_n((const char *)s->g->mask_key, SHA256_LEN), value,
		mac, NULL) != 0)
		return;
	for (size_t i = 0; i < s->count; i++) {
		if (memcmp(s->hashes[i], mac, HASH_LEN) == 0)
			return;
	}
	memcpy(s->hashes[s->count++], mac, HASH_LEN);
}

static void
look(struct seen *s, const char *text)
{
	if (text != NULL)
		s->g->o.classifier_port->secrets(str_of(text), see, s);
}

static void
look_pairs(struct seen *s, const struct env_var *pairs, size_t count)
{
	AUTO_BUF struct buf pair = BUF_INIT(MASK_ARENA_MAX);

	for (size_t i = 0; i < count; i++) {
		buf_reset(&pair);
		buf_printf(&pair, "%s=%s", pairs[i].name, pairs[i].value);
		look(s, buf_cstr(&pair));
	}
}

/* The option before a value tells that it is secret, so words are seen
 * together. */
static void
look_words(struct seen *s, char *const *words, size_t count)
{
	AUTO_BUF struct buf all = BUF_INIT(MASK_ARENA_MAX);

	for (size_t i = 0; i < count; i++)
		buf_printf(&all, "%s%s", i > 0 ? " " : "", words[i]);
	look(s, buf_cstr(&all));
}

static void
look_input(struct seen *s, const struct tool_input *in)
{
	const char *const texts[] = { in->script, in->stdin_text, in->url,
		in->body, in->mcp_args };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		look(s, texts[i]);
	look_words(s, in->argv, in->argc);
	look_pairs(s, in->env, in->env_count);
	look_pairs(s, in->headers, in->header_count);
	for (size_t i = 0; i < in->edit_count; i++) {
		look(s, in->edits[i].content);
		look(s, in->edits[i].patch);
	}
}

static void
put_seen(struct jsonw *w, const struct seen *s)
{
	if (s->count == 0)
		return;
	jsonw_key(w, ROW_MASKED_KEY);
	jsonw_array(w);
	for (size_t i = 0; i < s->count; i++)
		jsonw_hex(w, s->hashes[i], HASH_LEN);
	jsonw_end(w);
}

static bool
can_look(const struct engine *g)
{
	return g->has_mask_key && g->o.classifier_port->secrets != NULL;
}

void
row_put_masked_of(struct engine *g, struct jsonw *w, const struct proposal *p)
{
	struct seen s = { .g = g };

	if (!can_look(g))
		return;
	look_input(&s, &p->input);
	look(&s, p->justification);
	put_seen(w, &s);
}

void
row_put_masked_in(struct engine *g, struct jsonw *w, const struct call *c)
{
	struct seen s = { .g = g };

	if (!can_look(g))
		return;
	for (size_t i = 0; i < c->field_count; i++)
		look(&s, c->fields[i].value);
	put_seen(w, &s);
}
