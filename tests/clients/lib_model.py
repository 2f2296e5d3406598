"""A model on loopback: proposes one shell command, then says DONE.

    with Model("touch RAN") as m:
        ... m.port ...
        m.results       what came back for the command, as the client told it

Model(call=("notes/delete_row", {"id": "42"})) proposes that tool instead.

It speaks Anthropic's Messages, OpenAI's Responses and Chat Completions, and
Gemini's generateContent, as far as the clients ask.
"""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHELLS = ("Bash", "bash", "run_shell_command", "exec_command",
          "shell_command", "shell")


def tool_names(body):
    names = []
    for tool in body.get("tools") or []:
        names.append(tool.get("name"))
        names.append((tool.get("function") or {}).get("name"))
        for one in tool.get("functionDeclarations") or []:
            names.append(one.get("name"))
        for one in tool.get("tools") or []:
            names.append(one.get("name"))
    return [name for name in names if name]


def parts_of(kind, body):
    """Everything in the conversation that is a result of a tool."""
    if kind == "anthropic":
        return [part.get("content") for message in body.get("messages", [])
                if isinstance(message.get("content"), list)
                for part in message["content"]
                if part.get("type") == "tool_result"]
    if kind == "chat":
        return [message.get("content") for message in body.get("messages", [])
                if message.get("role") == "tool"]
    if kind == "responses":
        items = body.get("input")
        return responses_parts(items if isinstance(items, list) else [])
    return [part["functionResponse"] for content in body.get("contents", [])
            for part in content.get("parts", [])
            if "functionResponse" in part]


def responses_parts(items):
    """What a developer says behind a call is told of that call, too."""
    parts = []
    for item in items:
        if str(item.get("type", "")).endswith("call_output"):
            parts.append(item.get("output"))
        elif parts and item.get("role") == "developer":
            parts += [part.get("text") for part in item["content"]]
    return parts


class Model:
    def __init__(self, command="", call=None):
        self.command, self.call = command, call
        self.more = {}  # arguments of the command besides
        self.guardian = None  # who answers Codex's reviews: bytes to a reply
        self.results = []
        self.requests = 0
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                self.send_json({})

            def do_GET(self):
                self.send_json({"object": "list", "data": [
                    {"id": "mock-model", "object": "model", "created": 1,
                     "owned_by": "mock"}]})

            def do_POST(self):
                self.model = model
                raw = self.read_raw()
                if model.guardian is not None and self.headers.get(
                        "x-openai-subagent") == "guardian":
                    self.send_reply(*model.guardian(raw))
                    return
                try:
                    answer(self, json.loads(raw or b"{}"))
                except ValueError:
                    answer(self, {})

            def read_raw(self):
                if self.headers.get("transfer-encoding") == "chunked":
                    raw = b""
                    while True:
                        size = int(self.rfile.readline().strip() or b"0", 16)
                        raw += self.rfile.read(size)
                        self.rfile.readline()
                        if size == 0:
                            break
                else:
                    raw = self.rfile.read(
                        int(self.headers.get("content-length") or 0))
                return raw

            def send_reply(self, status, kind, body):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # it gave up
                    self.wfile.write(body)

            def send_json(self, value):
                body = json.dumps(value).encode()
                self.send_reply(200, "application/json",
                                b"" if self.command == "HEAD" else body)

            def send_events(self, events):
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                for event in events:
                    text = event if isinstance(event, str) else \
                        json.dumps(event)
                    name = event.get("type") if isinstance(event, dict) else ""
                    head = f"event: {name}\n" if name else ""
                    self.wfile.write(f"{head}data: {text}\n\n".encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    def plan(self, kind, body):
        """The call to propose: name and arguments; None when there is none."""
        self.requests += 1
        results = parts_of(kind, body)
        if results:
            self.results = results
            return None
        if self.call is not None:
            return self.call
        names = tool_names(body)
        for name in SHELLS:
            if name in names:
                key = "cmd" if name == "exec_command" else "command"
                args = {key: self.command, **self.more}
                if name in ("Bash", "bash", "run_shell_command"):
                    args["description"] = "run the requested command"
                return name, args
        return None


def answer(handler, body):
    path = handler.path.split("?")[0]
    for end, kind, make in (("/messages", "anthropic", anthropic),
                            ("/responses", "responses", responses),
                            ("/chat/completions", "chat", chat)):
        if path.endswith(end):
            make(handler, body, handler.model.plan(kind, body))
            return
    if "enerateContent" in path:
        gemini(handler, body, handler.model.plan("gemini", body), path)
    else:
        handler.send_json({"input_tokens": 10, "totalTokens": 10})


def anthropic(handler, body, call):
    usage = {"input_tokens": 10, "output_tokens": 5}
    if call:
        content = {"type": "tool_use", "id": f"toolu_{time.time_ns()}",
                   "name": call[0], "input": call[1]}
        stop = "tool_use"
    else:
        content = {"type": "text", "text": "DONE"}
        stop = "end_turn"
    message = {"id": f"msg_{time.time_ns()}", "type": "message",
               "role": "assistant", "model": body.get("model", "mock"),
               "stop_sequence": None, "usage": usage}
    if not body.get("stream"):
        handler.send_json({**message, "content": [content],
                           "stop_reason": stop})
        return
    if call:
        start = {**content, "input": {}}
        delta = {"type": "input_json_delta",
                 "partial_json": json.dumps(call[1])}
    else:
        start = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": "DONE"}
    handler.send_events([
        {"type": "message_start", "message": {
            **message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {
            "stop_reason": stop, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"}])


def responses(handler, body, call):
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15,
             "input_tokens_details": {"cached_tokens": 0},
             "output_tokens_details": {"reasoning_tokens": 0}}
    name = f"resp_{time.time_ns()}"
    if call:
        item = {"type": "function_call", "id": f"fc_{time.time_ns()}",
                "call_id": f"call_{time.time_ns()}",
                "name": call[0].split("/")[-1],
                "arguments": json.dumps(call[1]), "status": "completed"}
        if "/" in call[0]:
            item["namespace"] = call[0].split("/")[0]
    else:
        item = {"type": "message", "id": "msg_1", "role": "assistant",
                "status": "completed", "content": [
                    {"type": "output_text", "text": "DONE",
                     "annotations": []}]}
    whole = {"id": name, "object": "response", "created_at": 1,
             "status": "completed", "model": body.get("model"),
             "output": [item], "usage": usage}
    if not body.get("stream"):
        handler.send_json(whole)
        return
    handler.send_events([
        {"type": "response.created", "response": {
            **whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0,
         "item": item},
        {"type": "response.output_item.done", "output_index": 0,
         "item": item},
        {"type": "response.completed", "response": whole}])


def chat(handler, body, call):
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    base = {"id": f"chatcmpl-{time.time_ns()}", "created": 1, "model": body.get("model")}
    calls = None
    if call:
        calls = [{"id": f"call_{time.time_ns()}", "type": "function",
                  "function": {"name": call[0],
                               "arguments": json.dumps(call[1])}}]
    finish = "tool_calls" if calls else "stop"
    if not body.get("stream"):
        message = {"role": "assistant",
                   "content": None if calls else "DONE"}
        if calls:
            message["tool_calls"] = calls
        handler.send_json({**base, "object": "chat.completion", "choices": [
            {"index": 0, "message": message, "finish_reason": finish}],
            "usage": usage})
        return
    piece = {**base, "object": "chat.completion.chunk"}
    delta = {"tool_calls": [{"index": 0, **calls[0]}]} if calls else \
        {"content": "DONE"}
    handler.send_events([
        {**piece, "choices": [{"index": 0, "finish_reason": None, "delta": {
            "role": "assistant", "content": ""}}]},
        {**piece, "choices": [{"index": 0, "finish_reason": None,
                               "delta": delta}]},
        {**piece, "choices": [{"index": 0, "finish_reason": finish,
                               "delta": {}}], "usage": usage},
        "[DONE]"])


def gemini(handler, body, call, path):
    part = {"functionCall": {"name": call[0], "args": call[1]}} if call else \
        {"text": "DONE"}
    kind = (body.get("generationConfig") or {}).get("responseMimeType")
    if kind == "application/json":
        part = {"text": json.dumps({
            "reasoning": "mock", "model_choice": "flash",
            "next_speaker": "user", "complexity_score": 1,
            "complexity_reasoning": "mock"})}
    reply = {"candidates": [{"index": 0, "finishReason": "STOP", "content": {
        "role": "model", "parts": [part]}}], "modelVersion": "mock",
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5,
                          "totalTokenCount": 15}}
    if path.endswith(":streamGenerateContent"):
        handler.send_events([reply])
    else:
        handler.send_json(reply)
