/*
 * Every folder of tests/data/codex_app: "lines" is what Codex's app-server
 * sends, the last one what is judged; "action" is what becomes of it, "allow",
 * "deny" and "question" are what goes back to Codex and to its client then.
 * "next" is said of a line that is no question. --record writes what is not
 * there yet.
 * Runs in: tests.  Trusts: the tree's own files.  Owns: nothing.
 */
#include "base/mem.h"
#include "cases.h"
#include "codex_app.h"
#include "model/action_json.h"

#define TEXT_MAX ((size_t)16 << 20)

struct walk {
	bool record;
};

static const char *
check_next(const struct walk *w, const char *folder, enum bridge_next next,
    const struct buf *out)
{
	static const char *const names[] = {
		[BRIDGE_PASS] = "pass",
		[BRIDGE_HOLD] = "hold",
		[BRIDGE_ANSWER] = "answer",
		[BRIDGE_DROP] = "drop",
		[BRIDGE_CANCEL] = "cancel",
	};
	AUTO_BUF struct buf got = BUF_INIT(TEXT_MAX);

	buf_printf(&got, "%s\n%s\n", names[next], buf_cstr(out));
	return case_compare(w->record, folder, "next", &got);
}

static const char *
check_answer(const struct walk *w, const char *folder, struct str line,
    enum hook_verdict verdict)
{
	AUTO_BUF struct buf got = BUF_INIT(TEXT_MAX);
	struct err e = ERR_INIT;
	const int r = codex_app_protocol.put_answer(
	    line, verdict, "the \"reason\"", &got, &e);

	if (r == ERR_NOTFOUND && verdict == HOOK_ALLOW)
		buf_puts(&got, "as it came, to the client");
	else if (r != 0)
		return "no answer";
	buf_putc(&got, '\n');
	return case_compare(
	    w->record, folder, verdict == HOOK_ALLOW ? "allow" : "deny", &got);
}

static const char *
check_question(const struct walk *w, const char *folder, struct str line,
    const struct bridge_question *q)
{
	AUTO_BUF struct buf got = BUF_INIT(TEXT_MAX);
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;
	const char *why;

	if (action_new(&a, &e) != 0 ||
	    action_from_json(q->body, false, a, &e) != 0) {
		(void)printf("%.*s\n%s\n", STR_ARG(q->body), e.msg);
		return "the action is not one that assent takes";
	}
	buf_printf(&got, "%.*s\nsession %s\ncall %s\n", STR_ARG(q->body),
	    q->session, q->call);
	why = case_compare(w->record, folder, "action", &got);
	if (why == NULL)
		why = check_answer(w, folder, line, HOOK_ALLOW);
	if (why == NULL)
		why = check_answer(w, folder, line, HOOK_DENY);
	if (why != NULL)
		return why;
	buf_reset(&got);
	if (codex_app_protocol.put_question(line, &got, &e) != 0)
		return "no question";
	buf_putc(&got, '\n');
	return case_compare(w->record, folder, "question", &got);
}

static const char *
project(void *ctx, const char *folder)
{
	(void)ctx;
	return folder;
}

static const char *
check(void *ctx, const char *folder)
{
	const struct bridge_options o = { .cwd = "/home/dev",
		.project = project };
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	AUTO_BUF struct buf out = BUF_INIT(TEXT_MAX);
	struct bridge_question q = { .id = STR_NONE };
	struct bridge_result result;
	enum bridge_next next = BRIDGE_DROP;
	struct str rest, line = STR_NONE;
	const char *why;
	void *x = NULL;

	if (!case_file(folder, "lines", &text))
		return "no lines";
	if (codex_app_protocol.open(&o, &x, NULL) != 0)
		return "no memory";
	rest = buf_str(&text);
	while (rest.len > 0) {
		line = str_cut(&rest, '\n');
		next = codex_app_protocol.agent(x, line, &q, &result, &out);
	}
	why = next == BRIDGE_HOLD ? check_question(ctx, folder, line, &q)
				  : check_next(ctx, folder, next, &out);
	codex_app_protocol.close(x);
	return why;
}

int
main(int argc, char **argv)
{
	struct walk w = {
		.record = argc > 2 && strcmp(argv[2], "--record") == 0,
	};

	return argc < 2 ? 64 : cases_run(argv[1], check, &w);
}
