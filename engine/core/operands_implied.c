/*
 * From commands to files that they run by a name of their own.
 * Runs in: engine.  Trusts: the rules' effects.  Owns: nothing.
 */
#include "operands_implied.h"

#include <string.h>

#include "base/buf.h"
#include "model/limits.h"
#include "operands_int.h"

/* What a program runs where it stands. Words apart by spaces. */
static const struct operands_names builds[] = {
	{ "make gmake", { "GNUmakefile", "makefile", "Makefile" } },
	{ "npm npx yarn pnpm bun", { "package.json" } },
	{ "cargo", { "Cargo.toml", "build.rs" } },
	{ "just", { "justfile", "Justfile", ".justfile" } },
	{ "task", { "Taskfile.yml", "Taskfile.yaml" } },
	{ "rake", { "Rakefile", "rakefile" } },
	{ "mvn", { "pom.xml" } },
	{ "gradle", { "build.gradle", "build.gradle.kts" } },
	{ "cmake", { "CMakeLists.txt" } },
	{ "ninja", { "build.ninja" } },
	{ "meson", { "meson.build" } },
	{ "ant", { "build.xml" } },
	{ "scons", { "SConstruct" } },
	{ "tox", { "tox.ini" } },
	{ "nox", { "noxfile.py" } },
	{ "pytest", { "conftest.py" } },
	{ "pip pip3", { "setup.py", "pyproject.toml" } },
	{ "composer", { "composer.json" } },
	{ "bundle", { "Gemfile" } },
};

static const struct operands_table all_builds = {
	.rows = builds,
	.count = ARRAY_LEN(builds),
};

/* Options that say where it stands. */
static const char *const elsewhere[] = { "-C", "--directory", "--prefix",
	"--cwd", "--chdir", "--dir", "-S" };

bool
operands_has_word(const char *words, struct str word)
{
	struct str rest = str_of(words);

	while (rest.len > 0) {
		if (str_eq(str_cut(&rest, ' '), word))
			return true;
	}
	return false;
}

int
operands_say(const struct operands_walk *w, const char *folder, struct str name,
    bool soft, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(2 * PATH_BYTES_MAX);

	if (name.len == 0)
		return ERR_OK;
	if (name.s[0] != '/')
		buf_printf(&b, "%s/", folder);
	buf_put_str(&b, name);
	return buf_done(&b, NULL) == 0 ? w->fn(w->ctx, buf_cstr(&b), soft, e)
				       : ERR_OK;
}

int
operands_say_everywhere(
    const struct operands_walk *w, struct str name, bool soft, struct err *e)
{
	int r = ERR_OK;

	if (w->folders_open && soft)
		return ERR_OK;
	if (w->folders_open)
		return err_set(e, ERR_LIMIT,
		    "it goes through so many folders that nobody can say "
		    "which '%.*s' it runs; do it in parts",
		    STR_ARG(name));
	for (size_t i = 0; r == 0 && i < w->folder_count; i++)
		r = operands_say(w, w->folders[i], name, soft, e);
	return r;
}

int
operands_say_table(const struct operands_walk *w,
    const struct operands_table *t, struct str program, const char *folder,
    struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; i < t->count; i++) {
		const char *const *names = t->rows[i].names;

		if (!operands_has_word(t->rows[i].programs, program))
			continue;
		for (size_t k = 0;
		     r == 0 && k < OPERANDS_NAMES_MAX && names[k] != NULL; k++)
			r = folder == NULL ? operands_say_everywhere(w,
						 str_of(names[k]), t->soft, e)
					   : operands_say(w, folder,
						 str_of(names[k]), t->soft, e);
	}
	return r;
}

static int
add_folder(struct operands_walk *w, const char *folder, struct err *e)
{
	const char *copy;

	for (size_t i = 0; i < w->folder_count; i++) {
		if (strcmp(w->folders[i], folder) == 0)
			return ERR_OK;
	}
	if (w->folder_count == OPERANDS_FOLDERS_MAX) {
		w->folders_open = true;
		return ERR_OK;
	}
	copy = arena_strdup(w->arena, folder);
	if (copy == NULL)
		return err_nomem(e);
	w->folders[w->folder_count++] = copy;
	return ERR_OK;
}

/* Takes the last name away, as a shell does. */
static void
go_up(struct buf *path)
{
	const size_t slash = str_rfind(buf_str(path), '/');

	if (slash < path->len) {
		path->len = slash;
		path->s[slash] = '\0';
	}
}

/*
 * from/to, as a shell goes there: "x/.." is nothing. Where x is not the start,
 * which has no links, others may go elsewhere: as it is written, too.
 */
static int
add_joined(
    struct operands_walk *w, const char *from, struct str to, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(2 * PATH_BYTES_MAX);
	AUTO_BUF struct buf written = BUF_INIT(2 * PATH_BYTES_MAX);
	const size_t start = strlen(w->folders[0]);
	bool both = false;
	int r;

	if (!str_starts(to, STR("/")))
		buf_puts(&b, from);
	buf_printf(&written, "%s/%.*s", buf_cstr(&b), STR_ARG(to));
	while (to.len > 0) {
		const struct str name = str_cut(&to, '/');

		if (str_eqz(name, "..")) {
			both = both || b.len != start ||
			    strcmp(buf_cstr(&b), w->folders[0]) != 0;
			go_up(&b);
		} else if (name.len > 0 && !str_eqz(name, ".")) {
			buf_putc(&b, '/');
			buf_put_str(&b, name);
		}
	}
	if (buf_done(&b, NULL) != 0 || buf_done(&written, NULL) != 0)
		return ERR_OK; /* no kernel goes there */
	r = add_folder(w, buf_cstr(&b), e);
	return r == 0 && both ? add_folder(w, buf_cstr(&written), e) : r;
}

/* From wherever it may be by then: which step is taken is not known. */
static int
add_step(struct operands_walk *w, struct str to, struct err *e)
{
	const size_t n = w->folder_count;
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_joined(w, w->folders[i], to, e);
	return r;
}

/* make -C a -C b goes to a/b. */
static int
add_options(
    struct operands_walk *w, const struct part_command *cmd, struct err *e)
{
	int r = ERR_OK;

	for (size_t k = 0; k < cmd->option_count; k++) {
		const struct command_opt *o = &cmd->options[k];

		for (size_t n = 0; r == 0 && n < ARRAY_LEN(elsewhere); n++) {
			if (o->value.s != NULL && !o->unknown_value &&
			    str_eqz(o->name, elsewhere[n]))
				r = add_step(w, o->value, e);
		}
	}
	return r;
}

/* They go elsewhere for themselves; others do so for what they run. */
static bool
goes_alone(const struct part_command *cmd)
{
	return operands_has_word(
	    "make gmake ninja cmake meson just git", cmd->program);
}

/* Where the action begins, where it goes, and where options send it. */
static int
find_folders(struct operands_walk *w, struct err *e)
{
	const struct classification *c = &w->a->classification;
	const char *cwd = w->a->proposal.cwd;
	int r =
	    add_folder(w, cwd == NULL || strcmp(cwd, "/") == 0 ? "" : cwd, e);

	for (size_t i = 0; r == 0 && i < c->part_count; i++) {
		const struct part_command *cmd = c->parts[i].command;

		if (cmd == NULL)
			continue;
		if (operands_has_word("cd pushd", cmd->program) &&
		    cmd->operand_count > 0 && !cmd->operands[0].unknown)
			r = add_step(w, cmd->operands[0].text, e);
		if (r == 0 && !goes_alone(cmd))
			r = add_options(w, cmd, e);
	}
	return r;
}

/* a.b and an end: a/b.py. */
static int
say_module(const struct operands_walk *w, struct str module, const char *end,
    struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(PATH_BYTES_MAX);

	for (size_t i = 0; i < module.len; i++)
		buf_putc(&b, module.s[i] == '.' ? '/' : module.s[i]);
	buf_puts(&b, end);
	return buf_done(&b, NULL) == 0
	    ? operands_say_everywhere(w, buf_str(&b), false, e)
	    : ERR_OK;
}

/* python3 -m a.b: a/b.py, or a/b/__main__.py; before that a/__init__.py, or
 * a.py where there is none. */
static int
of_module(const struct operands_walk *w, const char *module, struct err *e)
{
	static const char *const ends[] = { ".py", "/__init__.py",
		"/__main__.py" };
	const struct str all = str_of(module);
	int r = ERR_OK;

	for (size_t n = 1; n <= all.len; n++) {
		const size_t count =
		    n == all.len ? ARRAY_LEN(ends) : ARRAY_LEN(ends) - 1;

		if (n < all.len && all.s[n] != '.')
			continue;
		for (size_t i = 0; r == 0 && i < count; i++)
			r = say_module(w, str_head(all, n), ends[i], e);
	}
	return r;
}

/* PATH=.:$PATH; x.sh: programs may come from the folder it stands in. */
static int
of_search(const struct operands_walk *w, const char *folder, struct err *e)
{
	const struct classification *c = &w->a->classification;
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < c->part_count; i++) {
		const struct part_command *cmd = c->parts[i].command;

		if (cmd != NULL && !cmd->dynamic && cmd->written.len > 0 &&
		    str_find(cmd->written, '/') == cmd->written.len)
			r = operands_say(w, folder, cmd->written, false, e);
	}
	return r;
}

bool
operands_is_start(const struct action *a, const char *path)
{
	return (a->proposal.cwd != NULL &&
		   strcmp(path, a->proposal.cwd) == 0) ||
	    (a->proposal.workspace != NULL &&
		strcmp(path, a->proposal.workspace) == 0);
}

static int
of_code(const struct operands_walk *w, const struct part *p,
    const struct effect *f, struct err *e)
{
	if (f->target == NULL)
		return ERR_OK;
	if (f->target[0] == '/')
		return w->searches && operands_is_start(w->a, f->target)
		    ? of_search(w, f->target, e)
		    : ERR_OK;
	if (p->command == NULL || f->code_class != CODE_WORKSPACE)
		return ERR_OK;
	if (str_starts(p->command->program, STR("python")))
		return of_module(w, f->target, e);
	return operands_say_table(w, &all_builds, p->command->program, NULL, e);
}

/* hash -p FILE NAME: from now on NAME is FILE. */
static int
of_hash(const struct operands_walk *w, const struct part_command *cmd,
    struct err *e)
{
	if (!str_eqz(cmd->program, "hash"))
		return ERR_OK;
	for (size_t i = 0; i < cmd->option_count; i++) {
		if (cmd->options[i].value.s != NULL)
			return operands_say(
			    w, w->folders[0], cmd->options[i].value, false, e);
	}
	return cmd->operand_count > 0
	    ? operands_say(w, w->folders[0], cmd->operands[0].text, false, e)
	    : ERR_OK;
}

static bool
is_uncertain(const struct classification *c)
{
	for (size_t i = 0; i < c->part_count; i++) {
		if (c->parts[i].not_understood != NULL)
			return true;
		for (size_t k = 0; k < c->parts[i].effect_count; k++) {
			if (c->parts[i].effects[k].kind == EFFECT_UNKNOWN)
				return true;
		}
	}
	return false;
}

/* bash +x SCRIPT: an option that is taken for the script. */
static int
of_plus(const struct operands_walk *w, const struct part_command *cmd,
    struct err *e)
{
	size_t i = 0;

	if (!operands_has_word("bash sh dash ash zsh ksh mksh", cmd->program))
		return ERR_OK;
	while (i < cmd->operand_count &&
	    str_starts(cmd->operands[i].text, STR("+")))
		i++;
	return i > 0 && i < cmd->operand_count
	    ? operands_say_everywhere(w, cmd->operands[i].text, false, e)
	    : ERR_OK;
}

/* Does the action itself write code that it runs then? */
static bool
writes_code(const struct classification *c)
{
	bool writes = false, runs = false;

	for (size_t i = 0; i < c->part_count; i++) {
		for (size_t k = 0; k < c->parts[i].effect_count; k++) {
			const struct effect *f = &c->parts[i].effects[k];

			writes = writes ||
			    (f->kind == EFFECT_WRITE &&
				f->path_class == PATH_WORKSPACE);
			runs = runs || f->kind == EFFECT_RUN_CODE;
		}
	}
	return writes && runs;
}

static int
of_effect(const struct operands_walk *w, const struct part *p,
    const struct effect *f, struct err *e)
{
	if (f->kind == EFFECT_RUN_CODE)
		return of_code(w, p, f, e);
	/* What it reads may be what it writes, and then runs. */
	if (f->kind == EFFECT_READ && f->path_class == PATH_WORKSPACE &&
	    f->target != NULL && f->target[0] == '/' &&
	    !operands_is_start(w->a, f->target) &&
	    writes_code(&w->a->classification))
		return w->fn(w->ctx, f->target, false, e);
	return ERR_OK;
}

static int
of_part(const struct operands_walk *all, const struct part *p, struct err *e)
{
	struct operands_walk w = *all;
	int r = ERR_OK;

	if (p->command != NULL && goes_alone(p->command))
		r = add_options(&w, p->command, e);
	if (r == 0 && p->command != NULL)
		r = of_hash(&w, p->command, e);
	if (r == 0 && p->command != NULL)
		r = of_plus(&w, p->command, e);
	for (size_t k = 0; r == 0 && k < p->effect_count; k++)
		r = of_effect(&w, p, &p->effects[k], e);
	return r;
}

int
operands_implied(const struct action *a, struct arena *arena,
    operand_implied_fn *fn, void *ctx, struct err *e)
{
	const struct classification *c = &a->classification;
	struct operands_walk w = {
		.a = a, .fn = fn, .ctx = ctx, .arena = arena
	};
	int r = find_folders(&w, e);

	w.searches = is_uncertain(c);
	for (size_t i = 0; r == 0 && i < c->part_count; i++)
		r = of_part(&w, &c->parts[i], e);
	return r == 0 ? operands_loose(&w, e) : r;
}
