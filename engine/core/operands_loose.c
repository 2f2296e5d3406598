/*
 * Files that become code by the way they are used: read into a shell's input
 * or words, named by an option, collected by a runner of tests, standing where
 * a folder is run.
 * Runs in: engine.  Trusts: the rules' effects.  Owns: nothing.
 */
#include "operands_int.h"

#include <string.h>

#include "base/buf.h"
#include "model/limits.h"

/* What a program runs of a folder that it is told to run. */
static const struct operands_names entries[] = {
	{ "python python3", { "__main__.py" } },
	{ "node nodejs bun deno tsx",
	    { "package.json", "index.js", "index.mjs", "index.cjs" } },
	{ "pip pip3 uv", { "setup.py", "setup.cfg", "pyproject.toml" } },
	{ "direnv", { ".envrc" } },
};

/* What it obeys where it stands, though that is no code of its own. */
static const struct operands_names obeyed[] = {
	{ "docker podman",
	    { "Dockerfile", "Containerfile", "compose.yaml",
		"docker-compose.yml", "docker-compose.yaml" } },
	{ "docker-compose podman-compose",
	    { "compose.yaml", "compose.yml", "docker-compose.yml",
		"docker-compose.yaml" } },
	{ "vagrant", { "Vagrantfile" } },
	{ "pre-commit", { ".pre-commit-config.yaml" } },
	{ "npm npx yarn pnpm bun", { "package.json" } },
	{ "jest npx", { "jest.config.js", "jest.config.ts" } },
	{ "vitest npx", { "vitest.config.js", "vitest.config.ts" } },
};

static const struct operands_table all_entries = {
	.rows = entries,
	.count = ARRAY_LEN(entries),
	.soft = true,
};

static const struct operands_table all_obeyed = {
	.rows = obeyed,
	.count = ARRAY_LEN(obeyed),
	.soft = true,
};

/* Options whose value is a file that it runs or obeys. */
static const struct {
	const char *programs;
	const char *options;
} options[] = {
	{ "node nodejs bun tsx",
	    "-r --require --import --loader --experimental-loader" },
	{ "ruby", "-r" },
	{ "tox", "-c --conf" },
	{ "docker podman docker-compose podman-compose kubectl",
	    "-f --file "
	    "--filename" },
	{ "emacs", "-l --load --script" },
	{ "gradle", "-b --build-file -c --settings-file -I --init-script" },
};

/* Their operands are tests, scripts and commands. */
static const char operands_are_code[] =
    "pytest py.test jest vitest mocha ava tap phpunit rspec bun deno go uv "
    "poetry pipenv nose2 tsx ts-node parallel tmux screen ansible-playbook";

static bool
has_effect(const struct part *p, enum effect_kind kind)
{
	for (size_t i = 0; i < p->effect_count; i++) {
		if (p->effects[i].kind == kind)
			return true;
	}
	return false;
}

static bool
has_code_from_anywhere(const struct part *p)
{
	for (size_t i = 0; i < p->effect_count; i++) {
		if (p->effects[i].kind == EFFECT_RUN_CODE &&
		    p->effects[i].target == NULL)
			return true;
	}
	return false;
}

/* Does it run a text that shows only when it runs? */
static bool
runs_data(const struct part *p)
{
	const struct part_command *cmd = p->command;

	if (cmd == NULL)
		return false;
	if (operands_has_word("eval source .", cmd->program))
		return p->not_understood != NULL;
	if (!has_effect(p, EFFECT_RUN_CODE))
		return false;
	return p->not_understood != NULL || has_effect(p, EFFECT_UNKNOWN) ||
	    has_code_from_anywhere(p) || part_command_is_open(cmd);
}

static bool
any_runs_data(const struct classification *c)
{
	for (size_t i = 0; i < c->part_count; i++) {
		if (runs_data(&c->parts[i]))
			return true;
	}
	return false;
}

/* sqlite3 db < x.sql, pip install -r x.txt: what it does is in that file. */
static bool
reads_statements(const struct part *p)
{
	if (p->command == NULL || !p->command->described)
		return false;
	for (size_t i = 0; i < p->effect_count; i++) {
		if (p->effects[i].kind == EFFECT_UNKNOWN ||
		    p->effects[i].code_class == CODE_DOWNLOADED)
			return true;
	}
	return false;
}

static bool
is_written(const struct part *p, const char *path)
{
	for (size_t i = 0; i < p->effect_count; i++) {
		if (p->effects[i].kind == EFFECT_WRITE &&
		    p->effects[i].target != NULL &&
		    strcmp(p->effects[i].target, path) == 0)
			return true;
	}
	return false;
}

static int
say_reads(const struct operands_walk *w, const struct part *p, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < p->effect_count; i++) {
		const struct effect *f = &p->effects[i];

		if (f->kind == EFFECT_READ && f->path_class == PATH_WORKSPACE &&
		    f->target != NULL && f->target[0] == '/' &&
		    !operands_is_start(w->a, f->target) &&
		    !is_written(p, f->target))
			r = w->fn(w->ctx, f->target, true, e);
	}
	return r;
}

/* A name without an end, as folders have: "tests", "sub/dir", ".". */
static bool
may_be_folder(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name == NULL ? path : name + 1;
	return strchr(name, '.') == NULL || name[strspn(name, ".")] == '\0';
}

static int
say_entries(const struct operands_walk *w, const struct part *p, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < p->effect_count; i++) {
		const struct effect *f = &p->effects[i];

		if (f->kind == EFFECT_RUN_CODE && f->target != NULL &&
		    f->target[0] == '/' && may_be_folder(f->target))
			r = operands_say_table(
			    w, &all_entries, p->command->program, f->target, e);
	}
	return r;
}

static int
say_options(const struct operands_walk *w, const struct part_command *cmd,
    struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (!operands_has_word(options[i].programs, cmd->program))
			continue;
		for (size_t k = 0; r == 0 && k < cmd->option_count; k++) {
			const struct command_opt *o = &cmd->options[k];

			if (o->value.s != NULL && !o->unknown_value &&
			    (operands_has_word(options[i].options, o->name) ||
				operands_has_word(
				    options[i].options, o->spelt)))
				r = operands_say_everywhere(
				    w, o->value, true, e);
		}
	}
	return r;
}

/* tests/a/test_x.py::test_y: that file, and each conftest.py on the way. */
static int
say_operand(const struct operands_walk *w, struct str text, bool is_pytest,
    struct err *e)
{
	const size_t end = str_find(text, ':');
	const struct str path = str_head(text, end);
	int r = ERR_OK;

	if (path.len == 0 || (path.s[0] == '-' && path.len > 1))
		return ERR_OK;
	if (str_find(path, '.') < path.len || str_find(path, '/') < path.len)
		r = operands_say_everywhere(w, path, true, e);
	for (size_t i = 1; is_pytest && r == 0 && i <= path.len; i++) {
		AUTO_BUF struct buf b = BUF_INIT(PATH_BYTES_MAX);

		if (i < path.len && path.s[i] != '/')
			continue;
		buf_printf(&b, "%.*s/conftest.py", (int)i, path.s);
		if (str_find(str_head(path, i), '.') == i &&
		    buf_done(&b, NULL) == 0)
			r = operands_say_everywhere(w, buf_str(&b), true, e);
	}
	return r;
}

static int
say_operands(const struct operands_walk *w, const struct part_command *cmd,
    struct err *e)
{
	const bool is_pytest =
	    operands_has_word("pytest py.test", cmd->program);
	int r = ERR_OK;

	if (!operands_has_word(operands_are_code, cmd->program))
		return ERR_OK;
	if (str_find(cmd->subcommand, '.') < cmd->subcommand.len)
		r = say_operand(w, cmd->subcommand, is_pytest, e);
	for (size_t i = 0; r == 0 && i < cmd->operand_count; i++) {
		if (!cmd->operands[i].unknown)
			r = say_operand(w, cmd->operands[i].text, is_pytest, e);
	}
	return r;
}

/* cd sub; ../x.sh: from wherever it stands by then. */
static int
say_program(const struct operands_walk *w, const struct part *p, struct err *e)
{
	const struct str name = p->command->written;

	return !p->command->dynamic && name.len > 0 && name.s[0] != '/' &&
		str_find(name, '/') < name.len
	    ? operands_say_everywhere(w, name, true, e)
	    : ERR_OK;
}

static bool
does_more_than_read(const struct part *p)
{
	return has_effect(p, EFFECT_RUN_CODE) ||
	    has_effect(p, EFFECT_UNKNOWN) || has_effect(p, EFFECT_PRIVILEGE) ||
	    has_effect(p, EFFECT_REMOTE_STATE);
}

static int
of_part(const struct operands_walk *w, const struct part *p, bool data,
    struct err *e)
{
	int r = ERR_OK;

	if (data || reads_statements(p))
		r = say_reads(w, p, e);
	if (r != 0 || p->command == NULL || !does_more_than_read(p))
		return r;
	r = say_entries(w, p, e);
	if (r == 0)
		r = operands_say_table(
		    w, &all_obeyed, p->command->program, NULL, e);
	if (r == 0)
		r = say_options(w, p->command, e);
	if (r == 0)
		r = say_operands(w, p->command, e);
	return r == 0 ? say_program(w, p, e) : r;
}

int
operands_loose(const struct operands_walk *w, struct err *e)
{
	const struct classification *c = &w->a->classification;
	const bool data = any_runs_data(c);
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < c->part_count; i++)
		r = of_part(w, &c->parts[i], data, e);
	return r;
}
