/*
 * Every folder of tests/data/hooks/CLIENT: "input" is what the client sends,
 * "options" how the hook is called; "action" or "report" is what becomes of
 * it, and "allow", "deny", "ask" are what the client is told then. "error" is
 * said of an input that is refused. --record writes what is not there yet.
 * Runs in: tests.  Trusts: the tree's own files.  Owns: nothing.
 */
#include "hooks.h"

#include "base/mem.h"
#include "cases.h"
#include "model/action_json.h"

#define TEXT_MAX ((size_t)16 << 20)
#define HASH "abababababababababababababababababababababababababababababababab"

struct walk {
	const char *client;
	bool record;
};

static void
print_output(const struct hook_output *o, struct buf *out)
{
	buf_put_str(out, buf_str(&o->out));
	if (o->problem.len > 0)
		buf_printf(out, "stderr: %s", buf_cstr(&o->problem));
	buf_printf(out, "status: %d\n", o->status);
}

static const char *
check_answer(const struct walk *w, const char *folder, const struct hook *h,
    enum hook_verdict verdict)
{
	static const char *const names[] = {
		[HOOK_DENY] = "deny",
		[HOOK_ASK] = "ask",
		[HOOK_ALLOW] = "allow",
	};
	AUTO_BUF struct buf got = BUF_INIT(TEXT_MAX);
	struct hook_output out = HOOK_OUTPUT_INIT;
	const struct hook_ruling ruling = {
		.verdict = verdict,
		.pending = verdict == HOOK_ASK,
		.id = "act_01TEST",
		.sha256 = HASH,
		.message = "the daemon's \"reason\"",
	};
	const char *why;

	hook_answer(h, &ruling, &out);
	print_output(&out, &got);
	why = case_compare(w->record, folder, names[verdict], &got);
	hook_output_done(&out);
	return why;
}

static const char *
check_call(const struct walk *w, const char *folder, struct hook *h)
{
	AUTO_BUF struct buf json = BUF_INIT(TEXT_MAX);
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;
	const char *why;

	if (hook_action(h, &json, &e) != 0) {
		buf_reset(&json);
		buf_printf(&json, "%s\n", e.msg);
		return case_compare(w->record, folder, "error", &json);
	}
	if (action_new(&a, &e) != 0 ||
	    action_from_json(buf_str(&json), false, a, &e) != 0) {
		(void)printf("%s\n%s\n", buf_cstr(&json), e.msg);
		return "the action is not one that assent takes";
	}
	buf_printf(&json, "\nkey %s\n", hook_key(h));
	why = case_compare(w->record, folder, "action", &json);
	for (unsigned v = HOOK_DENY; v <= HOOK_ALLOW && why == NULL; v++)
		why = check_answer(w, folder, h, (enum hook_verdict)v);
	return why;
}

static const char *
check_report(const struct walk *w, const char *folder, struct hook *h)
{
	AUTO_BUF struct buf got = BUF_INIT(TEXT_MAX);
	struct hook_output out = HOOK_OUTPUT_INIT;
	struct err e = ERR_INIT;
	const char *why;

	if (hook_event(h) != HOOK_IGNORED && hook_report(h, &got, &e) != 0)
		return "no report";
	buf_printf(&got, "\nsession %s\nkey %s\n",
	    hook_session(h) == NULL ? "" : hook_session(h), hook_key(h));
	hook_pass(h, &out);
	print_output(&out, &got);
	why = case_compare(w->record, folder, "report", &got);
	hook_output_done(&out);
	return why;
}

static void
read_options(const char *folder, struct hook_options *o)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);

	if (!case_file(folder, "options", &text))
		return;
	if (strstr(buf_cstr(&text), "advise") != NULL)
		o->mode = HOOK_ADVISE;
	if (strstr(buf_cstr(&text), "contain") != NULL)
		o->runner = "/opt/it's here/assent";
}

static const char *
check(void *ctx, const char *folder)
{
	AUTO_BUF struct buf input = BUF_INIT(TEXT_MAX);
	AUTO_BUF struct buf got = BUF_INIT(TEXT_MAX);
	AUTO(hook_freep) struct hook *h = NULL;
	const struct walk *w = ctx;
	struct hook_options o = { .mode = HOOK_ENFORCE };
	struct err e = ERR_INIT;
	const char *why;

	if (!case_file(folder, "input", &input))
		return "no input";
	read_options(folder, &o);
	if (hook_new(str_of(w->client), &o, &h, &e) != 0)
		return "no such client";
	if (hook_take(h, buf_str(&input), &e) != 0) {
		buf_printf(&got, "%s\n", e.msg);
		why = case_compare(w->record, folder, "error", &got);
		return why != NULL ? why
				   : check_answer(w, folder, h, HOOK_DENY);
	}
	if (hook_event(h) == HOOK_CALL || hook_event(h) == HOOK_PERMISSION)
		return check_call(w, folder, h);
	return check_report(w, folder, h);
}

int
main(int argc, char **argv)
{
	const char *const *names = hook_clients();
	char folder[CASE_PATH_MAX];
	int failed = 0;

	if (argc < 2)
		return 64;
	for (size_t i = 0; names[i] != NULL; i++) {
		struct walk w = {
			.client = names[i],
			.record = argc > 2 && strcmp(argv[2], "--record") == 0,
		};

		(void)snprintf(
		    folder, sizeof(folder), "%s/%s", argv[1], names[i]);
		(void)printf("%s: ", names[i]);
		failed |= cases_run(folder, check, &w);
	}
	return failed;
}
