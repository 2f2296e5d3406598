#!/usr/bin/env python3
"""Who may include whom, and who owns which library.

The folders are a star: engine/ includes no other top-level folder; rules/,
reviewer/, sandbox/ and db/ see only base/, model/ and core/ports.h, never each
other. A library has one owner, so that replacing it is one module's work.
"""

import os
import re

import tree

# folder -> the prefixes of the headers that it may include, besides its own.
MODULES = {
    "engine/base": ("base/",),
    "engine/model": ("base/", "model/"),
    "engine/core": ("base/", "model/", "core/"),
    "engine/hooks": ("base/", "model/", "hooks/"),
    "engine/api": ("base/", "model/", "core/", "hooks/", "api/"),
    "engine/otlp": ("base/", "model/", "core/", "web/", "otlp/"),
    "engine/web": ("base/", "web/"),
    "engine/tools": ("base/", "model/", "hooks/", "tools/"),
    "engine/remote": ("base/", "model/", "hooks/", "web/", "tools/lines.h",
                      "remote/"),
    "engine/tui": ("base/", "model/", "tools/", "tui/"),
    "rules": ("base/", "model/", "core/ports.h", "rules/"),
    "reviewer": ("base/", "model/", "core/ports.h", "reviewer/"),
    # A role outside of engine/ also sees what a role is and says.
    "reviewer/role": ("base/", "model/", "core/messages.h", "core/role.h",
                      "web/curl_loop.h", "web/curl_set.h",
                      "web/limits.h", "reviewer/"),
    "reviewer/tool": ("base/", "model/", "core/ports.h", "core/messages.h",
                      "core/review_helpers.h", "reviewer/"),
    "sandbox": ("base/", "model/", "core/ports.h", "sandbox/"),
    "sandbox/proxy": ("base/", "sandbox/"),
    "sandbox/credentials": ("base/", "model/", "core/ports.h",
                            "credentials/"),
    "sandbox/credentials/tool": ("base/", "model/",
                                 "core/credential_source.h",
                                 "credentials/", "tools/client.h",
                                 "tools/show.h"),
    "sandbox/broker": ("base/", "model/", "core/broker_messages.h",
                       "core/messages.h", "core/role.h", "credentials/",
                       "sandbox/broker_proto.h"),
    "db": ("base/", "model/", "core/ports.h", "db/"),
}
# Model needs the names of the recorder's rows, which the ports declare.
EXTRA = {"engine/model": ("core/ports.h",)}

# header (as a regular expression) -> the folders that may include it.
LIBRARIES = {
    r"curl/": ("reviewer/role", "engine/otlp", "engine/remote",
              "engine/web"),
    r"zlib\.h": ("engine/web",),
    r"http_parser\.h": ("engine/tools",),
    r"sqlite3\.h": ("db",),
    r"pcre2.*\.h": ("rules",),
    r"(ncurses|curses|panel|menu).*\.h|ncursesw/": ("engine/tui",),
    r"microhttpd\.h": ("engine/api",),
    r"yaml\.h": ("engine/base",),
    r"seccomp\.h": ("engine/base", "sandbox", "sandbox/proxy"),
    r"(ares|idn2)\.h": ("sandbox/proxy",),
    r"linux/landlock\.h": ("engine/base", "sandbox"),
    r"openssl/": ("engine/base", "db", "engine/api", "sandbox/credentials",
                  "sandbox/broker"),
    r"jansson\.h": ("engine/model", "engine/core", "engine/api",
                    "engine/otlp", "engine/tools", "engine/tui", "reviewer",
                    "reviewer/role", "reviewer/tool",
                    "sandbox/credentials/tool", "rules", "db"),
    r"cmocka\.h": ("tests",),
}
TEST_LIBRARIES = "tests"  # tests may use everything

# What starts programs, and the only places that do.
STARTERS = re.compile(
    r"\b(fork|vfork|clone|clone3|execve|execv|execvp|execvpe|execl|execlp"
    r"|execle|execveat|fexecve|posix_spawn|posix_spawnp|daemon)\s*\(")
STARTER_PLACES = ("engine/base/spawn.c", "engine/base/program.c",
                  "sandbox/", "tests/")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def module_of(path):
    for folder in sorted(MODULES, key=len, reverse=True):
        if path.startswith(folder + "/"):
            return folder
    return None


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_own(found, path, line, module, header):
    """An include in quotes: own file, or a public header that is permitted."""
    if header.split("/")[0] == "..":
        found.find(path, line, f"'{header}' climbs out of its folder")
        return
    if "../" in header:
        found.find(path, line, f"'{header}' has '../' in it")
        return
    if module is None:
        return
    beside = os.path.join(os.path.dirname(path), header)
    inside = os.path.join(module, header)
    for own in (beside, inside):
        if os.path.exists(os.path.join(found.root, own)):
            return
    permitted = MODULES[module] + EXTRA.get(module, ())
    if not header.startswith(permitted):
        found.find(path, line, f"{module} may not include '{header}'; only "
                   + ", ".join(permitted))


def check_library(found, path, line, module, header):
    if path.startswith(TEST_LIBRARIES + "/"):
        return
    for pattern, owners in LIBRARIES.items():
        if re.match(pattern, header) and module not in owners:
            found.find(path, line, f"<{header}> belongs to "
                       + ", ".join(owners))


def check_file(found, path):
    raw = found.read(path)
    text = tree.without_noise(raw, keep_strings=True)
    module = module_of(path)
    for match in INCLUDE.finditer(text):
        line = line_of(text, match.start())
        kind, header = match.groups()
        if kind == '"':
            check_own(found, path, line, module, header)
        check_library(found, path, line, module, header)
    if path.startswith(STARTER_PLACES):
        return
    for match in STARTERS.finditer(tree.without_noise(raw)):
        found.find(path, line_of(raw, match.start()),
                   f"{match.group(1)}() only in {', '.join(STARTER_PLACES)}")


def check(found):
    for path in found.files(suffixes=(".c", ".h")):
        check_file(found, path)


if __name__ == "__main__":
    tree.main(check, "lint.includes")
