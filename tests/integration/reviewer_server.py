#!/usr/bin/env python3
"""
A provider that is slow, broken, rude or lying never gets anything approved
(I3): 125 answers, each to a question of its own, through the reviewer's real
process. Only what is exactly in form counts.
"""

import concurrent.futures
import json
import os
import shutil
import tempfile
import threading

import lib_reviewer as lib
from lib_reviewer import ALLOW, DENY, FAILED, provider

BUDGET_S = 4
WAIT = threading.Event()  # never set: a wait with an end


def pause(seconds):
    WAIT.wait(seconds)


def chat(request, text=None, choice=None, message=None, top=None):
    """A whole chat answer with some members changed."""
    if text is None:
        text = json.dumps(provider.verdict(request))
    answer = provider.envelope(request, text)
    answer["choices"][0]["message"].update(message or {})
    answer["choices"][0].update(choice or {})
    answer.update(top or {})
    return answer


def says(make):
    """A case whose answer is well-formed HTTP: make(request) -> JSON."""
    def answer(request, connection):
        connection.sendall(provider.http(make(request)))
    return answer


def raw(make):
    """A case that writes what it likes; the connection ends with it."""
    def answer(request, connection):
        made = make(request)
        if made:
            connection.sendall(made)
        return False
    return answer


def text(make):
    """A verdict text of its own in an envelope that is in order."""
    return says(lambda r: chat(r, text=make(r)))


def verdict(**other):
    return text(lambda r: json.dumps(provider.verdict(r, **other)))


def ok(request):
    return provider.http(chat(request))


def body_of(request):
    return json.dumps(chat(request)).encode()


# ---- transport -----------------------------------------------------------

def drip(make, piece, gap):
    def answer(request, connection):
        data = make(request)
        for at in range(0, len(data), piece):
            connection.sendall(data[at:at + piece])
            pause(gap)
            if at > 400:
                pause(60)
        return False
    return answer


def silent(request, connection):
    pause(BUDGET_S + 20)
    return False


def endless(request, connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json"
                       b"\r\n\r\n{\"a\": \"")
    for _ in range(100):
        connection.sendall(b"A" * 65536)
    return False


def failing_first(first, seen):
    """Fails once for each question, then answers."""
    def answer(request, connection):
        with seen["lock"]:
            again = request.action() in seen["set"]
            seen["set"].add(request.action())
        connection.sendall(ok(request) if again else first)
        return True
    return answer


def new_seen():
    return {"set": set(), "lock": threading.Lock()}


def status(line, body=None, headers="", kind="application/json"):
    return raw(lambda r: provider.http(
        body_of(r) if body is None else body, line, kind, headers))


def chunked(request, cut):
    data = body_of(request)
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n")
    if cut == "garbage":
        return head + b"zz\r\n" + data + b"\r\n0\r\n\r\n"
    return head + b"%x\r\n" % len(data) + data[:cut]


def hundred(request):
    return b"HTTP/1.1 100 Continue\r\n\r\n" * 40 + ok(request)


def many_headers(request):
    lines = "".join(f"X-{i}: y\r\n" for i in range(10000))
    return provider.http(chat(request), headers=lines)


def gzip_bomb(request):
    import gzip
    return provider.http(gzip.compress(b" " * 10000000),
                         headers="Content-Encoding: gzip\r\n")


TRANSPORT = {
    "T01-never-replies": (silent, FAILED, "timeout", 1),
    "T02-closes-at-once": (raw(lambda r: b""), FAILED, "empty", 3),
    "T03-slow-drip-body": (drip(ok, 8, 0.05), FAILED, "timeout", 1),
    "T04-slow-drip-headers": (
        drip(lambda r: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500, 2, 0.05),
        FAILED, "timeout", 1),
    "T05-content-length-too-long": (
        raw(lambda r: ok(r).replace(b"Content-Length: ",
                                    b"Content-Length: 9")),
        FAILED, "partial", 3),
    "T06-chunked-cut": (raw(lambda r: chunked(r, 20)), FAILED, "partial", 3),
    "T07-chunk-size-garbage": (raw(lambda r: chunked(r, "garbage")), FAILED,
                               "partial", 3),
    "T08-endless-body": (endless, FAILED, "too_large", 1),
    "T09-declared-10GB": (
        raw(lambda r: b"HTTP/1.1 200 OK\r\nContent-Type: application/json"
            b"\r\nContent-Length: 10737418240\r\n\r\n{"),
        FAILED, "too_large", 1),
    "T10-gzip-bomb": (raw(gzip_bomb), FAILED, "json", 1),
    "T11-redirect-301": (
        status("301 Moved", headers="Location: /v1/other\r\n"), FAILED,
        "status_301", 1),
    "T12-redirect-307-to-allow": (
        status("307 Temporary", headers="Location: /v1/allow\r\n"), FAILED,
        "status_307", 1),
    "T13-redirect-file": (
        status("302 Found", headers="Location: file:///etc/passwd\r\n"),
        FAILED, "status_302", 1),
    "T14a-status-400-with-allow": (status("400 Bad"), FAILED, "status_400",
                                   1),
    "T14b-status-401-with-allow": (status("401 No"), FAILED, "status_401", 1),
    "T14c-status-403-with-allow": (status("403 No"), FAILED, "status_403", 1),
    "T14d-status-404-with-allow": (status("404 No"), FAILED, "status_404", 1),
    "T14e-status-413-with-allow": (status("413 Big"), FAILED, "status_413",
                                   1),
    "T14f-status-422-with-allow": (status("422 Hm"), FAILED, "status_422", 1),
    "T15-429-retry-after-1": (
        failing_first(provider.http({}, "429 Slow",
                                    headers="Retry-After: 1\r\n"),
                      new_seen()), ALLOW, None, 2),
    "T16-429-retry-after-99999": (
        status("429 Slow", b"{}", "Retry-After: 99999\r\n"), FAILED,
        "retry_after_beyond_budget", 1),
    "T17-429-insufficient-quota": (
        status("429 Slow", b'{"error": {"type": "insufficient_quota"}}'),
        FAILED, "quota", 1),
    "T18-500-then-ok": (
        failing_first(provider.http({}, "500 Oops"), new_seen()), ALLOW,
        None, 2),
    "T19-529-forever": (status("529 Overloaded"), FAILED, "status_529", 3),
    "T20-200-text-html": (status("200 OK", kind="text/html"), FAILED,
                          "content_type", 1),
    "T21-200-no-content-type": (status("200 OK", kind=None), FAILED,
                                "content_type", 1),
    "T22-content-type-lookalike": (
        status("200 OK", kind="application/json-seq"), FAILED,
        "content_type", 1),
    "T23-content-type-charset": (
        status("200 OK", kind="application/json; charset=utf-8"), ALLOW,
        None, 1),
    "T24-204": (status("204 No Content", b""), FAILED, "status_204", 1),
    "T25-206": (status("206 Partial"), FAILED, "status_206", 1),
    "T26-http09": (raw(body_of), FAILED, "transport", 1),
    "T27-10000-headers": (raw(many_headers), FAILED, "headers", 1),
    "T28-sse-though-not-asked": (
        status("200 OK", b"data: {}\n\n", kind="text/event-stream"), FAILED,
        "content_type", 1),
    "T29-100-continue-spam": (raw(hundred), ALLOW, None, 1),
    "T30-utf16-body": (
        raw(lambda r: provider.http(body_of(r).decode().encode("utf-16"))),
        FAILED, "json", 1),
    "T31-two-responses-pipelined": (
        raw(lambda r: provider.http(chat(r, json.dumps(
            provider.verdict(r, outcome="deny")))) + ok(r)), DENY, None, 1),
}

# ---- envelope --------------------------------------------------------------


def bytes_case(make):
    return raw(lambda r: provider.http(make(r)))


def replaced(old, new):
    return bytes_case(lambda r: body_of(r).replace(old, new))


ENVELOPE = {
    "E01-not-json": (bytes_case(lambda r: b"approve"), "json"),
    "E02-truncated-json": (bytes_case(lambda r: body_of(r)[:-20]), "json"),
    "E03-empty-object": (bytes_case(lambda r: b"{}"), "choices"),
    "E04-top-level-array": (
        bytes_case(lambda r: b"[" + body_of(r) + b"]"), "envelope"),
    "E05-empty-body": (bytes_case(lambda r: b""), "json"),
    "E06-duplicate-choices": (
        bytes_case(lambda r: body_of(r)[:-1] + b', "choices": []}'), "json"),
    "E07-choices-empty": (says(lambda r: chat(r, top={"choices": []})),
                          "choices"),
    "E08-two-choices": (
        says(lambda r: chat(r, top={"choices": chat(r)["choices"] * 2})),
        "choices"),
    "E09-finish-length": (
        says(lambda r: chat(r, choice={"finish_reason": "length"})),
        "finish_reason"),
    "E10-content-filter": (
        says(lambda r: chat(r, choice={"finish_reason": "content_filter"})),
        "finish_reason"),
    "E11-refusal-and-content": (
        says(lambda r: chat(r, message={"refusal": "no"})), "refusal"),
    "E12-content-null": (
        says(lambda r: chat(r, message={"content": None})), "content"),
    "E13-content-array": (
        says(lambda r: chat(r, message={"content": [{"type": "text"}]})),
        "content"),
    "E14-tool-calls": (
        says(lambda r: chat(r, message={"tool_calls": [{"id": "1"}]})),
        "tool_calls"),
    "E15-role-user": (says(lambda r: chat(r, message={"role": "user"})),
                      "role"),
    "E16-nesting-200000": (
        bytes_case(lambda r: b"[" * 100000 + b"]" * 100000), "json"),
    "E17-NaN": (bytes_case(
        lambda r: body_of(r)[:-1] + b', "x": NaN}'), "json"),
    "E18-1e999": (bytes_case(
        lambda r: body_of(r)[:-1] + b', "x": 1e999}'), "json"),
    "E19-lone-surrogate": (bytes_case(
        lambda r: body_of(r)[:-1] + b', "x": "\\ud800"}'), "json"),
    "E20-raw-nul": (bytes_case(
        lambda r: body_of(r)[:-1] + b', "x": "\0"}'), "json"),
    "E21-invalid-utf8": (bytes_case(
        lambda r: body_of(r)[:-1] + b', "x": "\xff"}'), "json"),
    "E22-bom": (bytes_case(lambda r: b"\xef\xbb\xbf" + body_of(r)), "json"),
    "E23-trailing-object": (bytes_case(lambda r: body_of(r) + b"{}"), "json"),
    "E24-comment": (bytes_case(lambda r: b"/* x */" + body_of(r)), "json"),
    "E25-single-quotes": (bytes_case(
        lambda r: body_of(r).replace(b'"', b"'")), "json"),
    "E26-unknown-vendor-fields": (
        says(lambda r: chat(r, top={"vendor": {"deep": [1, 2]}},
                            choice={"logprobs": None})), ALLOW),
    "E27-200-with-error-body": (
        says(lambda r: {"error": {"code": 402, "message": "pay"}}),
        "error_body"),
    "E28-error-null-plus-error": (
        says(lambda r: chat(r, top={"error": {"message": "x"}})),
        "error_body"),
    "E29-verdict-in-reasoning-only": (
        says(lambda r: chat(r, message={
            "content": None,
            "reasoning_content": json.dumps(provider.verdict(r))})),
        "content"),
}

# ---- the verdict -------------------------------------------------------------


def good(request):
    return json.dumps(provider.verdict(request))


def without(name):
    def make(request):
        said = provider.verdict(request)
        del said[name]
        return json.dumps(said)
    return text(make)


def with_raw(old, new):
    return text(lambda r: good(r).replace(old, new))


VERDICT = {
    "OK-allow": (verdict(), ALLOW),
    "OK-deny": (verdict(outcome="deny"), DENY),
    "V01-fenced": (text(lambda r: "```json\n" + good(r) + "\n```"),
                   "verdict_json"),
    "V02-prose-before": (text(lambda r: "Sure: " + good(r)), "verdict_json"),
    "V03-prose-after": (text(lambda r: good(r) + " Done."), "verdict_json"),
    "V04-extra-field": (verdict(note="x"), "shape"),
    "V05-missing-field": (without("rationale"), "shape"),
    "V06-bare-allow": (text(lambda r: '{"outcome": "approve"}'), "shape"),
    "V07-Approve-capital": (verdict(outcome="Approve"), "enum"),
    "V08-outcome-true": (verdict(outcome=True), "shape"),
    "V09-outcome-array": (verdict(outcome=["approve"]), "shape"),
    "V10-outcome-null": (verdict(outcome=None), "shape"),
    "V11-outcome-1": (verdict(outcome=1), "shape"),
    "V12-duplicate-outcome": (
        text(lambda r: good(r)[:-1] + ', "outcome": "approve"}'),
        "verdict_json"),
    "V13-escaped-duplicate-key": (
        text(lambda r: good(r)[:-1] + ', "\\u006futcome": "approve"}'),
        "verdict_json"),
    "V14-cyrillic-approve": (verdict(outcome="\u0430pprove"), "enum"),
    "V15-fullwidth-approve": (verdict(outcome="\uff41pprove"), "enum"),
    "V16-approve-trailing-space": (verdict(outcome="approve "), "enum"),
    "V17-approve-nul-suffix": (
        with_raw('"approve"', '"approve\\u0000"'), "verdict_json"),
    "V18-wrong-action": (verdict(action_sha256="0" * 64), "action_mismatch"),
    "V19-sha-prefix": (
        text(lambda r: json.dumps(provider.verdict(
            r, action_sha256=r.marks["action_sha256"][:32]))),
        "action_mismatch"),
    "V20-sha-uppercase": (
        text(lambda r: json.dumps(provider.verdict(
            r, action_sha256=r.marks["action_sha256"].upper()))),
        "action_mismatch"),
    "V21-stale-nonce": (verdict(nonce_first="a" * 32), "nonce"),
    "V22-empty-nonce": (verdict(nonce_last=""), "nonce"),
    "V23-approve-critical": (verdict(risk_level="critical"), "incoherent"),
    "V24-approve-high-unknown": (
        verdict(risk_level="high", user_authorization="unknown"),
        "incoherent"),
    "V25-approve-high-authorised": (
        verdict(risk_level="high", user_authorization="medium"), ALLOW),
    "V26-deny-low": (verdict(outcome="deny", risk_level="low"), DENY),
    "V27-scope-session": (verdict(scope="session"), "shape"),
    "V28-rewrites-command": (verdict(command="rm -rf /"), "shape"),
    "V29-amends-policy": (verdict(policy={"allow": ["*"]}), "shape"),
    "V30-rationale-1MB": (verdict(rationale="x" * 200000), "verdict_size"),
    "V31-rationale-700B": (verdict(rationale="x" * 700), "rationale_size"),
    "V32-rationale-ansi-bidi": (
        verdict(rationale="\u001b[2J\u202e\u200b\U000e0041 fine"), ALLOW),
    "V33-double-encoded": (text(lambda r: json.dumps(good(r))),
                           "verdict_json"),
    "V34-canary-leak": (
        text(lambda r: json.dumps(provider.verdict(
            r, rationale=r.marks["canary"]))), "canary"),
    "V35-nested-verdict": (
        text(lambda r: json.dumps({"verdict": provider.verdict(r)})),
        "shape"),
    "V36-array-of-verdicts": (text(lambda r: "[" + good(r) + "]"),
                              "verdict_json"),
    "V37-whitespace-around": (text(lambda r: "\n " + good(r) + " \n"), ALLOW),
    "V38-empty-content": (text(lambda r: ""), "verdict_json"),
    "V39-schema-echoed": (
        text(lambda r: json.dumps(r.json["response_format"])), "shape"),
    "V40-yes": (text(lambda r: "yes"), "verdict_json"),
    "V41-refusal-text": (text(lambda r: "I cannot help with that."),
                         "verdict_json"),
    "V42-action-from-evidence-echo": (
        verdict(action_sha256="d" * 64, nonce_first="e" * 32), "action"),
}

# ---- the other two formats -----------------------------------------------------


def changed(**top):
    def make(request):
        answer = provider.envelope(request, good(request))
        answer.update(top)
        return answer
    return says(make)


def output(*items):
    """Responses with these output items; "TEXT" stands for the verdict."""
    def make(request):
        answer = provider.envelope(request, good(request))
        filled = json.dumps(items).replace(
            '"TEXT"', json.dumps(good(request)))
        answer["output"] = json.loads(filled)
        return answer
    return says(make)


def content(*blocks, **top):
    def make(request):
        answer = provider.envelope(request, good(request))
        filled = json.dumps(blocks).replace(
            '"TEXT"', json.dumps(good(request)))
        answer["content"] = json.loads(filled)
        answer.update(top)
        return answer
    return says(make)


TEXT = {"type": "text", "text": "TEXT"}
MESSAGE = {"type": "message", "role": "assistant",
           "content": [{"type": "output_text", "text": "TEXT"}]}
OTHERS = {
    "responses": {
        "D01-ok": (changed(), ALLOW),
        "D02-incomplete": (
            changed(status="incomplete",
                    incomplete_details={"reason": "max_output_tokens"}),
            "status_field"),
        "D03-refusal": (
            output({"type": "message", "role": "assistant", "content":
                    [{"type": "refusal", "refusal": "no"}]}), "refusal"),
        "D04-function-call": (
            output({"type": "function_call", "name": "x"}), "output_item"),
        "D05-two-messages": (output(MESSAGE, MESSAGE), "two_texts"),
        "D06-failed": (
            changed(status="failed", error={"code": "server_error"}),
            "error_body"),
    },
    "messages": {
        "D07-ok": (changed(), ALLOW),
        "D08-tool-use-not-asked-for": (
            content({"type": "tool_use", "name": "verdict", "input": {}},
                    stop_reason="tool_use"), "stop_reason"),
        "D09-max-tokens": (changed(stop_reason="max_tokens"), "stop_reason"),
        "D10-refusal": (changed(stop_reason="refusal"), "refusal"),
        "D11-two-texts": (content(TEXT, TEXT), "block"),
        "D12-a-tool-beside-the-text": (
            content(TEXT, {"type": "tool_use", "name": "x"}), "block"),
        "D13-thinking-then-text": (
            content({"type": "thinking", "thinking": "hm"}, TEXT), ALLOW),
        "D14-text-then-thinking": (
            content(TEXT, {"type": "thinking", "thinking": "hm"}), "block"),
    },
}


def all_cases():
    """name -> (format, answer, outcome, cause, tries)"""
    found = {}
    for name, (answer, outcome, cause, tries) in TRANSPORT.items():
        found[name] = ("chat", answer, outcome, cause, tries)
    tables = {"chat": {**ENVELOPE, **VERDICT}, **OTHERS}
    for wire, cases in tables.items():
        for name, (answer, what) in cases.items():
            if what in (ALLOW, DENY):
                found[name] = (wire, answer, what, None, 1)
            else:
                found[name] = (wire, answer, FAILED, what, 1)
    return found


def main():
    folder = tempfile.mkdtemp(prefix="assent-reviewer-")
    checks = lib.Checks()
    cases = all_cases()

    def answer(request, connection):
        name = request.action().split(" ")[-1]
        return cases[name][1](request, connection)

    server = provider.serve(provider.Tcp(answer))
    url = f"http://127.0.0.1:{server.server_address[1]}"
    key = lib.write_key(folder)
    budget = f"{BUDGET_S * (2 if lib.SANITIZES else 1)}s"
    configs = {wire: lib.write_settings(
        folder, lib.settings([lib.provider_line(url, key, format=wire)],
                             budget), wire + ".yaml")
        for wire in ("chat", "responses", "messages")}
    # A proxy of the environment is not asked, whatever it promises.
    environment = {**os.environ, "https_proxy": "http://127.0.0.1:1",
                   "http_proxy": "http://127.0.0.1:1",
                   "ALL_PROXY": "http://127.0.0.1:1"}

    def run(name):
        wire, _, outcome, cause, tries = cases[name]
        said, code, stderr = lib.attempt(
            configs[wire], f"unknown-program {name}",
            environment=environment)
        if said is None:
            return name, False, f"status {code}: {stderr}"
        holds = (said["outcome"] == outcome
                 and (cause is None or said["cause"].startswith(cause))
                 and said["requests"] == tries
                 and (code == 0) == (outcome == ALLOW))
        return name, holds, json.dumps(said)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name, holds, detail in pool.map(run, cases):
            checks.that(name, holds, detail)
    for request in server.requests:
        held = {"chat": "authorization", "responses": "authorization",
                "messages": "x-api-key"}
        wire = cases[request.action().split(" ")[-1]][0]
        if lib.SECRET not in request.headers.get(held[wire], ""):
            checks.that("the key is sent where it belongs", False,
                        str(request.headers))
        if lib.SECRET.encode() in request.body:
            checks.that("the key is in no body", False)
    server.shutdown()
    shutil.rmtree(folder)
    print(f"{len(cases)} cases")
    checks.end()


if __name__ == "__main__":
    main()
