/*
 * Words of a command as arguments: what they name, and where they are from.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"
#include "effects_script.h"

struct arg
arg_of(const struct shell_word *w, size_t skip)
{
	return (struct arg){
		.word = w,
		.skip = skip,
		.text = str_from(w->text, skip),
		.known = shell_word_known(w),
	};
}

struct arg
arg_text(struct arena *a, struct str text)
{
	struct shell_word *w = arena_alloc(a, sizeof(*w));

	if (w != NULL)
		w->text = text;
	return (struct arg){ .word = w, .text = text, .known = true };
}

/* A path as far as its word tells it. */
struct sketch {
	struct buf text;
	bool glob; /* text has patterns */
	bool below; /* anything beneath text is meant */
	bool unknown; /* anything that starts with text is meant */
	const char *dir; /* what an empty text with below is relative to */
	bool any_names; /* names that somebody else listed, of any place */
	bool secrets; /* names were looked for that secrets have */
	bool far; /* names of files outside of the workspace */
	bool all; /* a find listed everything that is there */
};

static unsigned
piece_flow(struct judge *j, const struct shell_piece *piece)
{
	if (piece->origin != ORIGIN_INPUT)
		return script_output(j->script, piece->part);
	/* What the reader gets, and what it lists or opens by itself. */
	return script_input(j->script, piece->part) |
	    script_flow(j->script, piece->part);
}

/* Names that a listing of the workspace gave are beneath its folder. */
static bool
is_listed(struct judge *j, const struct shell_piece *piece, struct sketch *s)
{
	unsigned flow;

	if (piece->origin != ORIGIN_OUTPUT && piece->origin != ORIGIN_INPUT)
		return false;
	if (piece->part == UINT32_MAX)
		return false;
	flow = piece_flow(j, piece);
	s->any_names = s->any_names || (flow & FLOW_ANY_NAMES) != 0;
	s->far = s->far || (flow & FLOW_FAR_NAMES) != 0;
	return flow != 0 &&
	    (flow & ~(unsigned)(FLOW_NAMES | FLOW_FAR_NAMES)) == 0;
}

/* A find for names that secrets have. */
static bool
is_hunt(struct judge *j, uint32_t part)
{
	const struct shell_part *const p = script_part(j, part);

	return p != NULL && str_eqz(shell_part_program(p), "find") &&
	    find_names_secret(j, p);
}

/* A find that lists everything. */
static bool
is_whole(const struct shell_part *find)
{
	return find != NULL && str_eqz(shell_part_program(find), "find") &&
	    find_takes_all(find);
}

static void
sketch_piece(struct judge *j, const struct arg *a, size_t i, struct str text,
    struct sketch *s)
{
	const struct shell_piece *piece = &a->word->pieces[i];
	const bool last = i + 1 == a->word->piece_count;

	switch (piece->kind) {
	case PIECE_TEXT:
		buf_put_str(&s->text, text);
		break;
	case PIECE_GLOB:
		buf_put_str(&s->text, text.len > 0 ? text : STR("*"));
		s->glob = true;
		break;
	case PIECE_DIGITS:
		buf_puts(&s->text, "1");
		break;
	case PIECE_BELOW:
		s->secrets = s->secrets || is_hunt(j, piece->part);
		if (last) {
			s->all = is_whole(script_part(j, piece->part));
			s->below = true;
			break;
		}
		buf_putc(&s->text, '*');
		s->glob = true;
		break;
	case PIECE_UNKNOWN:
		if (is_listed(j, piece, s))
			s->below = true;
		else
			s->unknown = true;
		break;
	case PIECE_INVALID:
		s->unknown = true;
		break;
	}
}

static void
sketch_word(struct judge *j, const struct arg *a, struct sketch *s)
{
	const struct shell_word *w = a->word;
	size_t skip = a->skip;

	if (w == NULL || w->piece_count == 0) {
		buf_put_str(&s->text, a->text);
		return;
	}
	for (size_t i = 0; i < w->piece_count && !s->below && !s->unknown;
	     i++) {
		struct str t = w->pieces[i].text;

		if (skip >= t.len && t.len > 0) {
			skip -= t.len;
			continue;
		}
		t = str_from(t, skip);
		skip = 0;
		sketch_piece(j, a, i, t, s);
	}
}

/* How much worse one place is than another for an argument. */
static int
base_rank(enum path_class c)
{
	switch (c) {
	case PATH_NONE:
	case PATH_GENERATED:
	case PATH_WORKSPACE:
		return 0;
	case PATH_TEMP:
		return 1;
	case PATH_UNKNOWN:
		return 2;
	case PATH_OUTSIDE:
		return 3;
	case PATH_HOME:
		return 4;
	case PATH_SECRET:
	case PATH_PROTECTED:
	case PATH_SYSTEM:
		return 5;
	}
	return 5;
}

static bool
is_work(const struct path_facts *f)
{
	return f->may_be_work || (f->base == PATH_WORKSPACE && !f->generated);
}

static void
merge(struct path_facts *to, const struct path_facts *f, bool first)
{
	if (first) {
		*to = *f;
		to->likely = f->base;
		return;
	}
	to->may_be_work = is_work(to) || is_work(f);
	if (base_rank(f->base) > base_rank(to->base)) {
		to->base = f->base;
		to->abs = f->abs;
	}
	to->secret = to->secret || f->secret;
	to->protected = to->protected || f->protected;
	to->startup = to->startup || f->startup;
	to->own = to->own || f->own;
	to->manifest = to->manifest || f->manifest;
	to->root = to->root || f->root;
	to->holds_secrets = to->holds_secrets || f->holds_secrets;
	to->holds_protected = to->holds_protected || f->holds_protected;
	to->device = to->device || f->device;
	to->glob = to->glob || f->glob;
	to->generated = to->generated && f->generated;
	to->template = to->template && f->template;
	to->sink = to->sink && f->sink;
	to->in_workspace = to->in_workspace && f->in_workspace;
}

/* Only what makes a place worse: for texts that are merely likely. */
static void
merge_worse(struct path_facts *to, const struct path_facts *f)
{
	to->may_be_work = is_work(to) || is_work(f);
	to->secret = to->secret || f->secret;
	to->protected = to->protected || f->protected;
	to->startup = to->startup || f->startup;
	to->own = to->own || f->own;
	to->root = to->root || f->root;
	to->device = to->device || f->device;
	if (base_rank(f->base) > base_rank(to->base)) {
		to->base = f->base;
		to->abs = f->abs;
	}
}

/* The word with a star for each unknown piece that has no likely text. */
static void
likely_text(const struct arg *a, struct buf *out)
{
	const struct shell_word *w = a->word;
	size_t skip = a->skip;

	for (size_t i = 0; w != NULL && i < w->piece_count; i++) {
		struct str t = w->pieces[i].text;

		if (skip > 0 && skip >= t.len) {
			skip -= t.len;
			continue;
		}
		t = str_from(t, skip);
		skip = 0;
		if (t.len > 0)
			buf_put_str(out, t);
		else if (w->pieces[i].kind != PIECE_TEXT)
			buf_putc(out, '*');
	}
	if (w == NULL || w->piece_count == 0)
		buf_put_str(out, a->text);
}

static bool
is_absolute(struct str path)
{
	return path.len > 0 && (path.s[0] == '/' || path.s[0] == '~');
}

/* What a link on the way leads to counts as well; whatever is worse. */
static void
follow(struct judge *j, struct path_facts *ret)
{
	const struct path_place at = {
		.cwd = "/",
		.workspace = j->run->real_workspace,
		.home = j->run->real_home,
	};
	AUTO_BUF struct buf real = BUF_INIT(2 * PATH_BYTES_MAX);
	struct path_facts f;
	const char *copy;

	if (path_follow(ret->abs, &real, NULL) != ERR_OK)
		return;
	if (str_eqz(buf_str(&real), ret->abs))
		return;
	copy = arena_strndup(j->arena, real.s, real.len);
	if (copy == NULL)
		return;
	(void)paths_judge(programs_paths(j->programs), &at, str_of(copy), false,
	    j->arena, &f);
	merge(ret, &f, false);
}

/* The slot for such a path; NULL when none can be had. */
static struct place_kept *
place_slot(struct judge *j, struct str cwd, struct str path, bool glob)
{
	struct run *const run = j->run;
	uint32_t h = glob ? 2166136261u : 2166136262u;

	if (run->places == NULL)
		run->places =
		    arena_array(j->arena, PLACES_KEPT, sizeof(*run->places));
	if (run->places == NULL)
		return NULL;
	for (size_t i = 0; i < path.len; i++)
		h = (h ^ (unsigned char)path.s[i]) * 16777619u;
	return &run->places[(h ^ h >> 16 ^ cwd.len) & (PLACES_KEPT - 1)];
}

static void
judge_at(struct judge *j, struct str cwd, struct str path, bool glob,
    struct path_facts *ret)
{
	struct path_place at = {
		.workspace = j->run->action->proposal.workspace,
		.home = j->run->action->proposer.home,
	};
	struct place_kept *kept;

	if (path.len == 0 && cwd.s != NULL)
		path = STR(".");
	kept = place_slot(j, cwd, path, glob);
	if (kept != NULL && kept->path.s != NULL && kept->glob == glob &&
	    (kept->cwd.s == NULL) == (cwd.s == NULL) &&
	    str_eq(kept->path, path) && str_eq(kept->cwd, cwd)) {
		*ret = kept->facts;
		return;
	}
	if (cwd.s != NULL)
		at.cwd = arena_strndup(j->arena, cwd.s, cwd.len);
	(void)paths_judge(
	    programs_paths(j->programs), &at, path, glob, j->arena, ret);
	if (j->run->follow && !ret->glob && ret->abs[0] == '/')
		follow(j, ret);
	if (kept == NULL || path.len == 0 || arena_failed(j->arena))
		return;
	*kept = (struct place_kept){
		.path =
		    str_n(arena_strndup(j->arena, path.s, path.len), path.len),
		.cwd = at.cwd == NULL ? STR_NONE : str_n(at.cwd, cwd.len),
		.glob = glob,
		.facts = *ret,
	};
}

/* Against every directory that the command may be run in. */
static void
judge_everywhere(
    struct judge *j, struct str path, bool glob, struct path_facts *ret)
{
	const struct shell_part *sp = j->shell;
	const char *workspace = j->run->action->proposal.workspace;
	const struct str dir = j->dir == NULL ? STR_NONE : str_of(j->dir);
	bool unknown =
	    j->dir != NULL ? j->dir_unknown : sp->cwd_unknown || j->dir_unknown;
	struct path_facts f;

	if (is_absolute(path) || j->dir != NULL) {
		judge_at(j, dir, path, glob, ret);
		ret->likely = ret->base;
		if (is_absolute(path))
			return;
	} else {
		for (size_t i = 0; i < sp->cwd_count; i++) {
			judge_at(j, sp->cwds[i], path, glob, &f);
			merge(ret, &f, i == 0);
		}
		if (sp->cwd_count == 0) {
			judge_at(j, str_of(workspace), path, glob, ret);
			unknown = true;
		}
		unknown = unknown ||
		    (sp->cwd_below && str_search(path, STR("..")) < path.len);
	}
	if (unknown) {
		ret->below = PATH_NONE;
		ret->generated = false;
		ret->in_workspace = false;
		if (base_rank(ret->base) < base_rank(PATH_UNKNOWN))
			ret->base = PATH_UNKNOWN;
		ret->likely = ret->base;
	}
}

static bool
has_below(const struct arg *a)
{
	for (size_t i = 0; i < a->word->piece_count; i++) {
		if (a->word->pieces[i].kind == PIECE_BELOW)
			return true;
	}
	return false;
}

static void
judge_likely(struct judge *j, const struct arg *a, struct path_facts *ret)
{
	AUTO_BUF struct buf b = BUF_INIT(2 * PATH_BYTES_MAX);
	struct path_facts likely;

	/* What a find is given below "$x" is not below the root folder. */
	if (a->text.len > 0 && !has_below(a)) {
		judge_everywhere(j, a->text, true, &likely);
		merge_worse(ret, &likely);
	}
	likely_text(a, &b);
	if (b.failed == 0 && b.len > 1) {
		judge_everywhere(j, buf_str(&b), true, &likely);
		likely.root = false;
		if (has_below(a))
			likely.base = PATH_UNKNOWN;
		merge_worse(ret, &likely);
	}
}

/* ".*" and the like: every name that starts with a dot, so .env as well. */
static bool
all_hidden(struct str path)
{
	const size_t slash = str_rfind(path, '/');
	const struct str name =
	    slash < path.len ? str_from(path, slash + 1) : path;

	return str_at(name, 0) == '.' &&
	    (str_at(name, 1) == '*' || str_at(name, 1) == '?' ||
		str_at(name, 1) == '[');
}

/*
 * "/dev/fd/$FD", where the script does not set the variable: a descriptor that
 * the command was given, whatever it leads to. Nothing may follow the number.
 */
static bool
is_descriptor(const struct arg *a, struct str known)
{
	const struct shell_word *w = a->word;
	const struct shell_piece *last;

	if (w == NULL || w->piece_count < 2)
		return false;
	last = &w->pieces[w->piece_count - 1];
	for (size_t i = 0; i + 1 < w->piece_count; i++) {
		if (w->pieces[i].kind != PIECE_TEXT)
			return false;
	}
	return last->kind == PIECE_UNKNOWN && last->origin == ORIGIN_VARIABLE &&
	    last->text.len == 0 && str_eq(known, STR("/dev/fd/"));
}

static void
place_of_sketch(struct judge *j, const struct arg *a, struct sketch *s,
    struct path_facts *ret)
{
	const struct str text = buf_str(&s->text);

	judge_everywhere(j, text, s->glob, ret);
	if (s->glob && all_hidden(text))
		ret->secret = true;
	if (s->below) {
		const struct shell_part *parent = script_parent(j);

		if (s->secrets || is_hunt(j, j->shell->parent))
			ret->secret = true;

		if (parent != NULL && ret->in_workspace &&
		    str_eqz(shell_part_program(parent), "find") &&
		    find_names_generated(j, parent))
			ret->generated = true;
		/* Anything beneath: as bad as the worst that is known. */
		ret->secret = ret->secret || ret->holds_secrets;
		ret->protected = ret->protected || ret->holds_protected;
		ret->glob = true;
		ret->root =
		    ret->root && !ret->in_workspace && ret->base != PATH_TEMP;
		ret->generated = ret->generated && !s->any_names;
		if (ret->base == PATH_HOME && !s->all && !is_whole(parent))
			ret->root = false;
	}
	if (s->below && s->far) {
		ret->base = ret->likely = PATH_OUTSIDE;
		ret->in_workspace = ret->generated = false;
	}
	if (s->unknown && is_descriptor(a, text)) {
		*ret = (struct path_facts){ .base = PATH_UNKNOWN,
			.abs = "",
			.likely = PATH_UNKNOWN,
			.below = PATH_NONE };
	} else if (s->unknown) {
		ret->below = str_rfind(text, '/') < text.len && !ret->root
		    ? ret->base
		    : PATH_NONE;
		if (base_rank(ret->base) < base_rank(PATH_UNKNOWN) ||
		    text.len == 0)
			ret->base = PATH_UNKNOWN;
		ret->generated = ret->sink = ret->in_workspace = false;
		ret->root = false;
		judge_likely(j, a, ret);
		ret->secret = ret->secret || s->any_names;
		ret->likely = ret->base;
	}
}

void
arg_place(struct judge *j, const struct arg *a, struct path_facts *ret)
{
	struct sketch s = { .text = BUF_INIT(2 * PATH_BYTES_MAX) };

	*ret = (struct path_facts){ .base = PATH_UNKNOWN, .abs = "" };
	if (a->known) {
		judge_everywhere(j, a->text, false, ret);
		return;
	}
	sketch_word(j, a, &s);
	if (s.text.failed == 0)
		place_of_sketch(j, a, &s, ret);
	buf_free(&s.text);
}

unsigned
arg_flow(struct judge *j, const struct arg *a)
{
	const struct shell_word *w = a->word;
	unsigned flow = 0;

	if (w == NULL || a->known)
		return 0;
	for (size_t i = 0; i < w->piece_count; i++) {
		const struct shell_piece *p = &w->pieces[i];

		if (p->kind != PIECE_UNKNOWN)
			continue;
		if (p->origin == ORIGIN_VARIABLE)
			flow |= FLOW_ENVIRONMENT;
		else if (p->part == UINT32_MAX)
			flow |= FLOW_UNKNOWN;
		else
			flow |= piece_flow(j, p);
	}
	return flow;
}
