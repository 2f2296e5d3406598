"""
Just enough of JSON Schema and OpenAPI to hold real answers to the document
that the daemon serves.

    api = Openapi(document)
    api.check("getAction", status, headers, body)     AssertionError
"""

import re

TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool,
    "null": type(None), "integer": int, "number": (int, float),
}


def is_type(value, name):
    if name in ("integer", "number") and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[name])


class Openapi:
    def __init__(self, document):
        self.document = document
        self.operations = {}
        for path in document["paths"].values():
            for method, operation in path.items():
                if method != "parameters":
                    self.operations[operation["operationId"]] = operation
        self.seen = set()

    def follow(self, node):
        while "$ref" in node:
            at = self.document
            for step in node["$ref"].lstrip("#/").split("/"):
                at = at[step]
            node = at
        return node

    def check(self, operation, status, headers, body):
        """An answer is one that its operation describes."""
        responses = self.operations[operation]["responses"]
        answer = responses.get(str(status), responses.get("default"))
        where = f"{operation} {status}"
        assert answer is not None, f"{where} is not described: {body}"
        content = self.follow(answer).get("content", {})
        self.seen.add(operation)
        if not content:
            assert body in (None, b""), f"{where} has a body: {body}"
            return
        media = headers["Content-Type"].split(";")[0]
        assert media in content, f"{where} is {media}"
        if media.endswith("json"):
            self.validate(content[media]["schema"], body, where)
        else:
            assert isinstance(body, (bytes, dict)), f"{where}: {body}"

    def is_valid(self, schema, value):
        try:
            self.validate(schema, value, "")
        except AssertionError:
            return False
        return True

    def validate(self, schema, value, where):
        schema = self.follow(schema)
        if "oneOf" in schema:
            n = sum(self.is_valid(s, value) for s in schema["oneOf"])
            assert n == 1, f"{where} is {n} of oneOf: {value}"
        if "anyOf" in schema:
            assert any(self.is_valid(s, value) for s in schema["anyOf"]), (
                f"{where} is none of anyOf: {value}")
        if "const" in schema:
            assert value == schema["const"], f"{where}: {value}"
        if "enum" in schema:
            assert value in schema["enum"], f"{where}: {value}"
        if "type" in schema:
            names = schema["type"]
            names = names if isinstance(names, list) else [names]
            assert any(is_type(value, n) for n in names), (
                f"{where} is not {names}: {value!r}")
        if isinstance(value, str):
            self.check_text(schema, value, where)
        if isinstance(value, dict):
            self.check_members(schema, value, where)
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                self.validate(schema["items"], item, f"{where}[{i}]")

    def check_text(self, schema, value, where):
        if "pattern" in schema:
            assert re.search(schema["pattern"], value), f"{where}: {value}"
        assert len(value) >= schema.get("minLength", 0), f"{where} is short"

    def check_members(self, schema, value, where):
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            assert name in value, f"{where} has no {name}: {value}"
        for name, member in value.items():
            if name in properties:
                self.validate(properties[name], member, f"{where}.{name}")
            elif schema.get("additionalProperties") is False:
                raise AssertionError(f"{where} has {name}")
