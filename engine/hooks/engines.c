/*
 * Clients that spoke with another policy engine before: the questions of OPA
 * and of Kubernetes' admission, with an action where theirs have a document.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "engines.h"

#include <string.h>

#include "base/mem.h"

#define ADMISSION_KIND "AdmissionReview"
#define ADMISSION_VERSION "admission.k8s.io/v1"
#define ADMISSION_REFUSED 403 /* response.status.code of a no */

static const struct client_event call_event[] = { { "call", HOOK_CALL } };

static const struct client_names action_names = {
	.event = "event",
	.session = "session",
	.call = "call",
	.tool = "tool",
	.input = "input",
	.cwd = "cwd",
};

/* The action inside becomes the whole. */
static int
take_action(struct hook *h, size_t node, const char *member, struct err *e)
{
	int r;

	if (node == 0 || h->doc.nodes[node].kind != DOC_OBJECT)
		return err_set(e, ERR_INVALID,
		    "the body has no object '%s'; it is the action to decide",
		    member);
	r = hook_enter(h, node, e);
	if (r != 0)
		return r;
	h->event_name = "call";
	hook_place_action(h);
	return ERR_OK;
}

/* ---- OPA: POST /v1/data/assent/allow ------------------------------------ */

static int
read_opa(struct hook *h, struct err *e)
{
	return take_action(h, hook_node(h, 0, "input"), "input", e);
}

static void
put_details(const struct hook_ruling *r, enum say say, struct jsonw *w)
{
	jsonw_kstr(w, "decision",
	    say == SAY_ALLOW     ? "allow"
		: say == SAY_ASK ? "ask"
				 : "deny");
	jsonw_kstr(w, "reason", r->message);
	if (r->id[0] == '\0')
		return;
	jsonw_kstr(w, "id", r->id);
	jsonw_kstr(w, "action_sha256", r->sha256);
}

static enum say
say_plainly(const struct hook *h, const struct hook_ruling *r)
{
	if (h->event == HOOK_UNKNOWN)
		return SAY_DENY;
	if (r->verdict == HOOK_ASK)
		return SAY_ASK;
	return r->verdict == HOOK_ALLOW ? SAY_ALLOW : SAY_DENY;
}

static void
answer_opa(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out)
{
	const enum say say = say_plainly(h, r);
	struct jsonw w = jsonw_on(&out->out);

	jsonw_object(&w);
	if (r->id[0] != '\0')
		jsonw_kstr(&w, "decision_id", r->id);
	jsonw_key(&w, "result");
	jsonw_bool(&w, say == SAY_ALLOW);
	jsonw_key(&w, "assent");
	jsonw_object(&w);
	put_details(r, say, &w);
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(&out->out, '\n');
	out->status = say == SAY_ALLOW ? 0 : 1;
}

const struct hook_client engine_opa = {
	.name = "opa",
	.names = &action_names,
	.events = call_event,
	.event_count = ARRAY_LEN(call_event),
	.read = read_opa,
	.answer = answer_opa,
	.pass = pass_empty,
};

/* ---- Kubernetes: POST /v1/admission ------------------------------------- */

static bool
is_text(const struct hook *h, const char *name, const char *wanted)
{
	const char *text = hook_text(h, 0, name);

	return text != NULL && strcmp(text, wanted) == 0;
}

static int
read_kubernetes(struct hook *h, struct err *e)
{
	const size_t request = hook_node(h, 0, "request");
	const size_t object =
	    request == 0 ? 0 : hook_node(h, request, "object");

	if (!is_text(h, "kind", ADMISSION_KIND) ||
	    !is_text(h, "apiVersion", ADMISSION_VERSION))
		return err_set(e, ERR_INVALID,
		    "the body is no " ADMISSION_KIND " of " ADMISSION_VERSION);
	if (request != 0)
		h->request_id = hook_text(h, request, "uid");
	if (h->request_id == NULL)
		return err_set(e, ERR_INVALID, "request.uid is missing");
	return take_action(h, object == 0 ? 0 : hook_node(h, object, "spec"),
	    "request.object.spec", e);
}

static void
answer_kubernetes(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out)
{
	const enum say say = say_plainly(h, r);
	struct jsonw w = jsonw_on(&out->out);

	jsonw_object(&w);
	jsonw_kstr(&w, "apiVersion", ADMISSION_VERSION);
	jsonw_kstr(&w, "kind", ADMISSION_KIND);
	jsonw_key(&w, "response");
	jsonw_object(&w);
	jsonw_kstr(&w, "uid", h->request_id == NULL ? "" : h->request_id);
	jsonw_key(&w, "allowed");
	jsonw_bool(&w, say == SAY_ALLOW);
	jsonw_key(&w, "status");
	jsonw_object(&w);
	if (say != SAY_ALLOW)
		jsonw_kint(&w, "code", ADMISSION_REFUSED);
	jsonw_kstr(&w, "message", r->message);
	jsonw_end(&w);
	if (r->id[0] != '\0') {
		jsonw_key(&w, "auditAnnotations");
		jsonw_object(&w);
		put_details(r, say, &w);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(&out->out, '\n');
	out->status = say == SAY_ALLOW ? 0 : 1;
}

const struct hook_client engine_kubernetes = {
	.name = "kubernetes",
	.names = &action_names,
	.events = call_event,
	.event_count = ARRAY_LEN(call_event),
	.read = read_kubernetes,
	.answer = answer_kubernetes,
	.pass = pass_empty,
};
