/*
 * From commands to files that they run by a name of their own.
 * Runs in: engine.  Trusts: the rules' effects.  Owns: nothing.
 */
#include "operands_implied.h"

#include <string.h>

#include "base/buf.h"
#include "model/limits.h"
#include "model/part_command.h"

#define NAMES_MAX 4
#define FOLDERS_MAX 8

/* What a program runs where it stands. Words apart by spaces. */
static const struct {
	const char *programs;
	const char *names[NAMES_MAX];
} builds[] = {
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

/* Options that say where it stands. */
static const char *const elsewhere[] = { "-C", "--directory", "--prefix",
	"--cwd", "--chdir", "--dir", "-S" };

struct walk {
	const struct action *a;
	operand_implied_fn *fn;
	void *ctx;
	struct str folders[FOLDERS_MAX]; /* as written, or absolute */
	size_t folder_count;
	bool searches; /* programs may be others than their names say */
};

static bool
has_word(const char *words, struct str word)
{
	struct str rest = str_of(words);

	while (rest.len > 0) {
		if (str_eq(str_cut(&rest, ' '), word))
			return true;
	}
	return false;
}

/* folder may be relative to where the action begins. */
static int
say(const struct walk *w, struct str folder, struct str name, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(2 * PATH_BYTES_MAX);

	if (name.len == 0)
		return ERR_OK;
	if (name.s[0] != '/') {
		if (folder.len == 0 || folder.s[0] != '/')
			buf_printf(&b, "%s/",
			    w->a->proposal.cwd == NULL ? ""
						       : w->a->proposal.cwd);
		buf_put_str(&b, folder);
		if (folder.len > 0)
			buf_putc(&b, '/');
	}
	buf_put_str(&b, name);
	return buf_done(&b, NULL) == 0 ? w->fn(w->ctx, buf_cstr(&b), e)
				       : ERR_OK;
}

static int
say_everywhere(const struct walk *w, struct str name, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < w->folder_count; i++)
		r = say(w, w->folders[i], name, e);
	return r;
}

static void
add_folder(struct walk *w, struct str folder)
{
	if (w->folder_count < FOLDERS_MAX)
		w->folders[w->folder_count++] = folder;
}

/* Where the action begins, where it goes, and where options send it. */
static void
find_folders(struct walk *w)
{
	const struct classification *c = &w->a->classification;

	add_folder(w, STR_NONE);
	for (size_t i = 0; i < c->part_count; i++) {
		const struct part_command *cmd = c->parts[i].command;

		if (cmd == NULL)
			continue;
		if (has_word("cd pushd", cmd->program) &&
		    cmd->operand_count > 0 && !cmd->operands[0].unknown)
			add_folder(w, cmd->operands[0].text);
		for (size_t k = 0; k < cmd->option_count; k++) {
			const struct command_opt *o = &cmd->options[k];

			for (size_t n = 0; n < ARRAY_LEN(elsewhere); n++) {
				if (o->value.s != NULL && !o->unknown_value &&
				    str_eqz(o->name, elsewhere[n]))
					add_folder(w, o->value);
			}
		}
	}
}

static int
of_build(const struct walk *w, const struct part_command *cmd, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(builds); i++) {
		if (!has_word(builds[i].programs, cmd->program))
			continue;
		for (size_t k = 0;
		     r == 0 && k < NAMES_MAX && builds[i].names[k] != NULL; k++)
			r = say_everywhere(w, str_of(builds[i].names[k]), e);
	}
	return r;
}

/* python3 -m a.b: a/b.py, or a/b/__main__.py. */
static int
of_module(const struct walk *w, const char *module, struct err *e)
{
	static const char *const ends[] = { ".py", "/__main__.py",
		"/__init__.py" };
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(ends); i++) {
		AUTO_BUF struct buf b = BUF_INIT(PATH_BYTES_MAX);

		for (const char *at = module; *at != '\0'; at++)
			buf_putc(&b, *at == '.' ? '/' : *at);
		buf_puts(&b, ends[i]);
		if (buf_done(&b, NULL) == 0)
			r = say_everywhere(w, buf_str(&b), e);
	}
	return r;
}

/* PATH=.:$PATH; x.sh: programs may come from the folder it stands in. */
static int
of_search(const struct walk *w, const char *folder, struct err *e)
{
	const struct classification *c = &w->a->classification;
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < c->part_count; i++) {
		const struct part_command *cmd = c->parts[i].command;

		if (cmd != NULL && !cmd->dynamic && cmd->written.len > 0 &&
		    str_find(cmd->written, '/') == cmd->written.len)
			r = say(w, str_of(folder), cmd->written, e);
	}
	return r;
}

static bool
is_start(const struct action *a, const char *path)
{
	return (a->proposal.cwd != NULL &&
		   strcmp(path, a->proposal.cwd) == 0) ||
	    (a->proposal.workspace != NULL &&
		strcmp(path, a->proposal.workspace) == 0);
}

static int
of_code(const struct walk *w, const struct part *p, const struct effect *f,
    struct err *e)
{
	if (f->target == NULL)
		return ERR_OK;
	if (f->target[0] == '/')
		return w->searches && is_start(w->a, f->target)
		    ? of_search(w, f->target, e)
		    : ERR_OK;
	if (p->command == NULL || f->code_class != CODE_WORKSPACE)
		return ERR_OK;
	if (str_starts(p->command->program, STR("python")))
		return of_module(w, f->target, e);
	return of_build(w, p->command, e);
}

/* hash -p FILE NAME: from now on NAME is FILE. */
static int
of_hash(const struct walk *w, const struct part_command *cmd, struct err *e)
{
	if (!str_eqz(cmd->program, "hash"))
		return ERR_OK;
	for (size_t i = 0; i < cmd->option_count; i++) {
		if (cmd->options[i].value.s != NULL)
			return say(w, STR_NONE, cmd->options[i].value, e);
	}
	return cmd->operand_count > 0
	    ? say(w, STR_NONE, cmd->operands[0].text, e)
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
of_plus(const struct walk *w, const struct part_command *cmd, struct err *e)
{
	size_t i = 0;

	if (!has_word("bash sh dash ash zsh ksh mksh", cmd->program))
		return ERR_OK;
	while (i < cmd->operand_count &&
	    str_starts(cmd->operands[i].text, STR("+")))
		i++;
	return i > 0 && i < cmd->operand_count
	    ? say_everywhere(w, cmd->operands[i].text, e)
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
of_effect(const struct walk *w, const struct part *p, const struct effect *f,
    struct err *e)
{
	if (f->kind == EFFECT_RUN_CODE)
		return of_code(w, p, f, e);
	/* What it reads may be what it writes, and then runs. */
	if (f->kind == EFFECT_READ && f->path_class == PATH_WORKSPACE &&
	    f->target != NULL && f->target[0] == '/' &&
	    !is_start(w->a, f->target) && writes_code(&w->a->classification))
		return w->fn(w->ctx, f->target, e);
	return ERR_OK;
}

int
operands_implied(
    const struct action *a, operand_implied_fn *fn, void *ctx, struct err *e)
{
	const struct classification *c = &a->classification;
	struct walk w = { .a = a, .fn = fn, .ctx = ctx };
	int r = ERR_OK;

	find_folders(&w);
	w.searches = is_uncertain(c);
	for (size_t i = 0; r == 0 && i < c->part_count; i++) {
		const struct part *p = &c->parts[i];

		if (p->command != NULL)
			r = of_hash(&w, p->command, e);
		if (r == 0 && p->command != NULL)
			r = of_plus(&w, p->command, e);
		for (size_t k = 0; r == 0 && k < p->effect_count; k++)
			r = of_effect(&w, p, &p->effects[k], e);
	}
	return r;
}
