/*
 * What an approval for more than once matches: random pairs of scripts,
 * judged by the shipped rules, and the examples that a person would try.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classifier.h"
#include "model/action_json.h"
#include "model/part_command.h"
#include "model/pattern.h"

#define PAIRS 32000
#define SCRIPT_MAX 512

struct world {
	struct classifier *classifier;
};

static int
start(void **state)
{
	static struct world w;
	AUTO(diags_freep) struct diags *d = diags_new();
	const struct classifier_options o = {
		.policy = POLICY_ON_REQUEST,
		.reviewer = true,
	};

	assert_int_equal(rules_classifier.open(&o, d, &w.classifier, NULL), 0);
	*state = &w;
	return 0;
}

static int
stop(void **state)
{
	struct world *w = *state;

	rules_classifier.close(w->classifier);
	return 0;
}

static struct action *
judged(struct world *w, const char *script)
{
	struct action *a = NULL;

	assert_int_equal(action_new(&a, NULL), 0);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.executor = EXECUTOR_ASSENT;
	a->proposal.input.script = arena_strdup(a->arena, script);
	a->proposal.workspace = arena_strdup(a->arena, "/home/dev/proj");
	a->proposal.cwd = a->proposal.workspace;
	a->proposer.home = arena_strdup(a->arena, "/home/dev");
	a->proposer.uid = 1000;
	assert_int_equal(rules_classifier.classify(w->classifier, a, a->arena,
			     &a->classification, NULL),
	    0);
	return a;
}

static bool
grants(struct world *w, const char *approved, const char *later)
{
	AUTO(action_freep) struct action *a = judged(w, approved);
	AUTO(action_freep) struct action *b = judged(w, later);
	struct pattern p;

	return pattern_of(a, a->arena, &p, NULL) == 0 && pattern_matches(&p, b);
}

/* ---- random scripts --------------------------------------------------------- */

static uint32_t seed = 1;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static const char *
one_of(const char *const *words, size_t count)
{
	return words[draw((uint32_t)count)];
}

static void
put_command(char *out, size_t size)
{
	static const char *const forms[] = {
		"curl %s https://%s/%s",
		"curl %s https://%s/%s -o %s",
		"wget %s https://%s/%s",
		"cp %s a.txt %s",
		"cp %s %s /home/dev/notes/b.txt",
		"cat %s %s",
		"head %s %s",
		"git fetch %s https://%s/%s",
		"make %s %s",
		"npm ci %s",
		"python3 -c %s",
		"rm %s %s",
		"mv %s %s",
		"git push %s origin",
		"sudo cat %s %s",
		"frobnicate %s %s",
		"touch %s %s",
		"echo %s > %s",
		"kill %s 17",
	};
	static const char *const options[] = { "", "", "-s", "-v", "-f", "-r",
		"--quiet", "-L", "-X POST", "-d @a.txt" };
	static const char *const hosts[] = { "a.example.com", "b.example.com",
		"a.example.com:444", "registry.npmjs.org", "$HOST" };
	static const char *const paths[] = { "/home/dev/notes/x.txt",
		"/home/dev/notes/y.txt", "/home/dev/other/z", "/home/dev/top",
		"src/a.c", "../x", "/etc/hosts", "/etc/cron.d/x",
		"/home/dev/.ssh/id_rsa", "/home/dev/.bashrc", "/tmp/d/t",
		"/srv/data/f", "$F", "/home/dev/notes/*", ".git/config" };
	const char *form = one_of(forms, ARRAY_LEN(forms));
	const bool has_host = strstr(form, "https") != NULL;
	const char *first = one_of(options, ARRAY_LEN(options));
	const char *second = has_host ? one_of(hosts, ARRAY_LEN(hosts))
				      : one_of(paths, ARRAY_LEN(paths));
	const char *third = one_of(paths, ARRAY_LEN(paths));
	const char *fourth = one_of(paths, ARRAY_LEN(paths));
	const char *words[] = { first, second, third, fourth };
	size_t n = 0, w = 0;

	for (; *form != '\0' && n + 64 < size; form++) {
		if (form[0] != '%') {
			out[n++] = *form;
			continue;
		}
		form++;
		n += (size_t)snprintf(
		    out + n, size - n, "%s", words[w < 4 ? w++ : 3]);
	}
	out[n] = '\0';
}

static void
make_script(char *out, size_t size)
{
	static const char *const around[] = { "", "", "", "", "cd src && ",
		"X=1 ", "export A=b; ", "ls | ", "true; " };
	char command[SCRIPT_MAX / 4], more[SCRIPT_MAX / 4];

	put_command(command, sizeof(command));
	put_command(more, sizeof(more));
	(void)snprintf(out, size, "%s%s%s%s", one_of(around, ARRAY_LEN(around)),
	    command, draw(5) == 0 ? " && " : "", draw(5) == 0 ? more : "");
}

/* The same with a word in another's place, or one more. */
static void
change_script(const char *from, char *out, size_t size)
{
	static const char *const words[] = { "/home/dev/notes/z.txt",
		"/home/dev/notes/x.txt", "/home/dev/notes/w", "/home/dev/q",
		"/srv/data/g", "/tmp/d/u", "/etc/hosts", "src/b.c", "a.txt",
		"https://a.example.com/new", "https://b.example.com/new",
		"https://a.example.com:444/n", "-s", "-f", "-r", "--quiet",
		"$F", "/home/dev/.bashrc", "/home/dev/notes/*", "x; rm -rf y",
		"> /home/dev/notes/v" };
	const char *word = one_of(words, ARRAY_LEN(words));
	const bool instead = draw(4) != 0;
	size_t at = draw((uint32_t)strlen(from)), end;

	while (at > 0 && from[at - 1] != ' ')
		at--;
	end = at + strcspn(from + at, " ");
	(void)snprintf(out, size, "%.*s%s%s%s", (int)at, from, word,
	    instead ? "" : " ", from + (instead ? end : at));
}

/* ---- the properties --------------------------------------------------------- */

static struct str
folder(const char *path)
{
	const struct str s = str_of(path);

	return str_head(s, str_rfind(s, '/'));
}

/* In the approved action the same kind, on the same host or in the same
 * folder; written down once more, without the pattern. */
static bool
was_approved(const struct action *a, const struct effect *f)
{
	for (size_t i = 0; i < a->classification.part_count; i++) {
		const struct part *p = &a->classification.parts[i];

		for (size_t k = 0; k < p->effect_count; k++) {
			const struct effect *o = &p->effects[k];

			if (o->decision == DECISION_ALLOW ||
			    o->kind != f->kind ||
			    o->path_class != f->path_class ||
			    o->code_class != f->code_class)
				continue;
			if (o->target == NULL || f->target == NULL) {
				if (o->target == f->target)
					return true;
				continue;
			}
			if (strcmp(o->target, f->target) == 0)
				return true;
			if ((f->kind == EFFECT_READ ||
				f->kind == EFFECT_WRITE) &&
			    str_eq(folder(o->target), folder(f->target)))
				return true;
			if (f->path_class == PATH_WORKSPACE ||
			    f->code_class == CODE_WORKSPACE)
				return true;
		}
	}
	return false;
}

static bool
is_never_granted(const struct effect *f)
{
	return f->kind == EFFECT_DELETE || f->kind == EFFECT_PRIVILEGE ||
	    f->kind == EFFECT_REMOTE_STATE || f->kind == EFFECT_WIDEN ||
	    f->kind == EFFECT_UNKNOWN || f->kind == EFFECT_SIGNAL ||
	    f->path_class == PATH_SECRET || f->path_class == PATH_PROTECTED ||
	    f->path_class == PATH_UNKNOWN;
}

static void
check_match(const struct action *a, const struct action *b)
{
	const struct classification *c = &b->classification;

	assert_true(
	    c->decision == DECISION_REVIEW || c->decision == DECISION_ASK);
	assert_false(c->floor);
	for (size_t i = 0; i < c->part_count; i++) {
		const struct part *p = &c->parts[i];

		if (p->decision == DECISION_ALLOW)
			continue;
		assert_false(p->floor);
		assert_null(p->not_understood);
		for (size_t k = 0; k < p->effect_count; k++) {
			const struct effect *f = &p->effects[k];

			if (is_never_granted(f) ||
			    (f->decision != DECISION_ALLOW &&
				!was_approved(a, f)))
				fail_msg("approved: %s\nlater: %s\neffect: "
					 "%s %s",
				    a->proposal.input.script,
				    b->proposal.input.script,
				    effect_kind_name(f->kind),
				    f->target == NULL ? "-" : f->target);
		}
	}
}

/* The record is the pattern: what the store gives back matches the same. */
static void
check_record(struct pattern *p, struct arena *arena, const struct action *b,
    bool matches)
{
	AUTO_BUF struct buf record = BUF_INIT(PATTERN_BYTES_MAX);
	struct pattern again;

	pattern_encode(p, &record);
	assert_int_equal(
	    pattern_decode(buf_str(&record), arena, &again, NULL), 0);
	assert_int_equal(pattern_matches(&again, b), matches);
	assert_int_not_equal(
	    pattern_decode(str_head(buf_str(&record), record.len - 1), arena,
		&again, NULL),
	    0);
}

static void
i7_no_grant_allows_an_effect_that_was_not_approved(void **state)
{
	struct world *w = *state;
	char one[SCRIPT_MAX], two[SCRIPT_MAX];
	size_t made = 0, matched = 0, other = 0;

	for (size_t i = 0; i < PAIRS; i++) {
		AUTO(action_freep) struct action *a = NULL;
		AUTO(action_freep) struct action *b = NULL;
		struct pattern p;

		seed = (uint32_t)i / 8 * 7919u + 1;
		make_script(one, sizeof(one));
		a = judged(w, one);
		if (pattern_of(a, a->arena, &p, NULL) != 0)
			continue;
		made++;
		seed = (uint32_t)i * 2654435761u + 1;
		if (i % 4 == 0)
			make_script(two, sizeof(two));
		else
			change_script(one, two, sizeof(two));
		b = judged(w, two);
		const bool matches = pattern_matches(&p, b);

		if (matches) {
			matched++;
			other += strcmp(one, two) != 0;
			check_match(a, b);
		}
		if (i % 64 == 0)
			check_record(&p, a->arena, b, matches);
		assert_true(pattern_matches(&p, a));
	}
	print_message("%zu patterns, %zu matches, %zu of another text\n", made,
	    matched, other);
	assert_true(made > 1000);
	assert_true(other > 100);
}

static void
a_grant_covers_what_a_person_would_expect(void **state)
{
	static const char *const pairs[][2] = {
		{ "curl -s https://a.example.com/x",
		    "curl -s https://a.example.com/other/q" },
		{ "cp a.txt /home/dev/notes/x.txt",
		    "cp a.txt /home/dev/notes/y.txt" },
		{ "cat /home/dev/notes/x.txt", "cat /home/dev/notes/y.txt" },
		{ "npm ci", "npm ci" },
		{ "cd src && cat /home/dev/notes/x.txt",
		    "cd src && cat /home/dev/notes/y.txt" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (!grants(*state, pairs[i][0], pairs[i][1]))
			fail_msg(
			    "%s does not grant %s", pairs[i][0], pairs[i][1]);
	}
}

static void
a_grant_covers_nothing_else(void **state)
{
	static const char *const pairs[][2] = {
		{ "curl -s https://a.example.com/x",
		    "curl -s https://b.example.com/x" },
		{ "curl -s https://a.example.com/x",
		    "curl -s https://a.example.com@b.example.com/x" },
		{ "curl -s https://a.example.com/x",
		    "curl -s https://a.example.com/x "
		    "https://b.example.com/y" },
		{ "curl -s https://a.example.com/x",
		    "curl -s -k https://a.example.com/x" },
		{ "curl -s https://a.example.com/x",
		    "curl -s -d @src/a.c https://a.example.com/x" },
		{ "curl -s https://a.example.com/x",
		    "curl -s https://a.example.com/x > src/a.c" },
		{ "curl -s https://a.example.com/x",
		    "http_proxy=http://b curl -s https://a.example.com/x" },
		{ "curl -s https://a.example.com/x",
		    "export https_proxy=b; curl -s https://a.example.com/x" },
		{ "cp a.txt /home/dev/notes/x.txt",
		    "cp -r a.txt /home/dev/notes/x.txt" },
		{ "cp a.txt /home/dev/notes/x.txt",
		    "cp a.txt /home/dev/notes/deep/x.txt" },
		{ "cp a.txt /home/dev/notes/x.txt",
		    "cp a.txt /home/dev/notes/../.bashrc" },
		{ "cp a.txt /home/dev/notes/x.txt", "cp a.txt /home/dev/x" },
		{ "cp a.txt /home/dev/x.txt", "cp a.txt /home/dev/y.txt" },
		{ "cat /home/dev/notes/x.txt", "cat /home/dev/notes/*" },
		{ "cat /home/dev/notes/x.txt", "cat \"$F\"" },
		{ "npm ci", "npm ci --foreground-scripts" },
		{ "npm ci", "npm install left-pad" },
		{ "npm ci", "npm ci && true" },
		{ "cd src && cp a.txt /home/dev/notes/x.txt",
		    "cp a.txt /home/dev/notes/x.txt" },
		{ "export https_proxy=b; curl -s https://a.example.com/x",
		    "curl -s https://a.example.com/x" },
		{ "export https_proxy=b; curl -s https://a.example.com/x",
		    "curl -s https://a.example.com/x; export https_proxy=b" },
		{ "test -f ok && curl -s https://a.example.com/x",
		    "curl -s https://a.example.com/x" },
		{ "test -f ok && curl -s https://a.example.com/x",
		    "test -f ok || curl -s https://a.example.com/x" },
		{ "test -f ok && curl -s https://a.example.com/x",
		    "! test -f ok && curl -s https://a.example.com/x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (grants(*state, pairs[i][0], pairs[i][1]))
			fail_msg("%s grants %s", pairs[i][0], pairs[i][1]);
	}
}

static void
a_grant_for_a_copy_of_the_workspace_covers_no_run_in_it(void **state)
{
	AUTO(action_freep) struct action *a = judged(*state, "npm ci");
	AUTO(action_freep) struct action *b = judged(*state, "npm ci");
	struct pattern p;

	a->proposal.overlay = true;
	assert_int_equal(pattern_of(a, a->arena, &p, NULL), 0);
	assert_true(pattern_matches(&p, a));
	assert_false(pattern_matches(&p, b));
}

static void
what_is_answered_one_by_one_has_no_pattern(void **state)
{
	static const char *const scripts[] = { "rm -rf src",
		"git push origin main", "sudo ls", "cat /home/dev/.ssh/id_rsa",
		"cp a /home/dev/.bashrc", "frobnicate > /home/dev/notes/x",
		"cp \"$A\" /home/dev/notes/x", "kill 17", "touch /etc/cron.d/x",
		"eval \"$X\"", "ls", "git config --global core.pager x" };

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		AUTO(action_freep)
		struct action *a = judged(*state, scripts[i]);
		struct err why = ERR_INIT;
		struct pattern p;

		if (pattern_of(a, a->arena, &p, &why) == 0)
			fail_msg("'%s' has a pattern", scripts[i]);
		assert_int_equal(why.code, ERR_DENIED);
	}
}

static void
what_is_shown_is_inert_and_names_the_host(void **state)
{
	AUTO(action_freep)
	struct action *a = judged(*state, "curl -s https://a.example.com/x");
	AUTO_BUF struct buf text = BUF_INIT(PATTERN_BYTES_MAX);
	AUTO_BUF struct buf json = BUF_INIT(PATTERN_BYTES_MAX);
	AUTO_BUF struct buf never = BUF_INIT(PATTERN_BYTES_MAX);
	struct pattern p;

	assert_int_equal(pattern_of(a, a->arena, &p, NULL), 0);
	p.parts[0].options[0].name = "-s\x1b[31m\xe2\x80\xae";
	pattern_text(&p, &text);
	pattern_json(&p, &json);
	pattern_never_json(&p, &never);
	assert_null(strstr(buf_cstr(&text), "\xe2\x80\xae"));
	assert_null(strchr(buf_cstr(&text), '\x1b'));
	assert_null(strstr(buf_cstr(&json), "\xe2\x80\xae"));
	assert_non_null(
	    strstr(buf_cstr(&text), "any address at a.example.com"));
	assert_non_null(strstr(buf_cstr(&never), "another host"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    i7_no_grant_allows_an_effect_that_was_not_approved),
		cmocka_unit_test(a_grant_covers_what_a_person_would_expect),
		cmocka_unit_test(a_grant_covers_nothing_else),
		cmocka_unit_test(
		    a_grant_for_a_copy_of_the_workspace_covers_no_run_in_it),
		cmocka_unit_test(what_is_answered_one_by_one_has_no_pattern),
		cmocka_unit_test(what_is_shown_is_inert_and_names_the_host),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
