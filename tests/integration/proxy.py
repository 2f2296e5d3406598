#!/usr/bin/env python3
"""assent-proxy alone: real clients, real servers in namespaces, bad input."""

import lib_proxy as lib
from lib_proxy import Proxy, allow


def plain_requests_pass_by_every_door(world):
    seen = []
    port = 80
    world.serve(lib.WEB, port, lib.http_server(seen))
    with Proxy(world, [allow("web.test:80")]) as proxy:
        for kind, extra in (("http", []), ("http", ["-p"]), ("socks", [])):
            seen.clear()
            got = proxy.curl(*extra, "http://web.test/a?b=1", kind=kind)
            assert got.stdout == b"hello from the web\n", got
            event = proxy.event()
            assert event["allow"] and event["host"] == "web.test", event
            assert event["address"] == lib.WEB, event
            assert event["method"] == "GET", event
            assert event["down"] == len(got.stdout), event
            assert event["by"] == "web.test:80", event
            first, fields, _ = seen[0]
            assert first == "GET /a?b=1 HTTP/1.1", first
            assert "proxy-connection" not in fields, fields
        got = proxy.curl("http://other.test/", "-w", "%{http_code}")
        assert got.stdout.endswith(b"403"), got
        event = proxy.event()
        assert not event["allow"] and event["host"] == "other.test", event
        proxy.no_more_events()


with lib.World({"web.test": [lib.WEB]}) as shared:
    plain_requests_pass_by_every_door(shared)
