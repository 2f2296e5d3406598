#!/usr/bin/env python3
"""Read what the compiler and the linker really left in the programs.

    elf.py [--needed-only] [--any] BIN...

A hardening flag that got lost is a red test here, not a surprise later. With
--needed-only only the libraries are looked at (any preset); with --any the
program may lack what our own always have (the self-test's small ones).
"""

import os
import re
import subprocess
import sys

# Libraries that a program must not be linked with, however it came about.
FOREIGN = ("libcurl", "libjansson", "libsqlite3", "libmicrohttpd",
           "libpcre2", "libncurses", "libyaml", "libssl")
LEAN = ("assent-exec", "assent-proxy")
# What talks to a network is not in the programs of a person, either.
NETWORK = ("libcurl", "libssl", "libmicrohttpd", "libgnutls")
# A hook starts assent before each tool call: what it loads is time.
SLOW = (*NETWORK, "libcrypto", "libsqlite3", "libpcre2", "libncurses",
        "libtinfo", "libseccomp", "libm.")
OTHERS = {"assent": SLOW, "assent-cli": NETWORK}
# Of libcrypto's archive they hold a digest: one call more brings along most of
# it, and its tables are relocated at each start.
SMALL = ("assent", "assent-exec")
WHOLE = "EVP_"

# Flags that leave no other trace than what gcc notes in the debug data.
NOTED_FLAGS = (
    "-fstack-protector-strong", "-fstack-clash-protection",
    "-ftrivial-auto-var-init=zero", "-fzero-call-used-regs=used-gpr",
    "-fno-delete-null-pointer-checks", "-fno-strict-overflow",
    "-fno-strict-aliasing", "-fvisibility=hidden",
)


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], check=True,
                          stdout=subprocess.PIPE).stdout.decode()


def check_segments(path):
    text = readelf("-lh", path)
    if not re.search(r"Type:\s+DYN", text):
        yield "not position-independent (PIE)"
    if "GNU_RELRO" not in text:
        yield "no GNU_RELRO segment (-z relro)"
    stack = re.search(r"GNU_STACK.* ([RWE ]{3}) ", text)
    if not stack or "E" in stack.group(1):
        yield "the stack is executable (-z noexecstack)"
    for row in text.split("\n"):
        if re.match(r"\s+LOAD", row) and re.search(r" RWE ", row):
            yield "a segment is writable and executable"


def check_dynamic(path):
    text = readelf("-d", path)
    if "BIND_NOW" not in text and "NOW" not in text:
        yield "symbols are bound lazily (-z now)"
    if "PIE" not in text:
        yield "the PIE flag is not set (-pie)"
    if "TEXTREL" in text:
        yield "text relocations"
    if "RPATH" in text or "RUNPATH" in text:
        yield "a library search path is built in"


def check_symbols(path, any_program):
    # A static program has nothing dynamic but its own relocations.
    static = "(NEEDED)" not in readelf("-d", path)
    symbols = readelf("-s" if static else "--dyn-syms", path)
    if "__stack_chk_fail" not in symbols:
        yield "no stack protector (-fstack-protector-strong)"
    if not re.search(r"__\w+_chk(@|$)", symbols, re.M):
        yield "no fortified function (-D_FORTIFY_SOURCE)"
    if "__assert_fail" not in symbols and not any_program:
        yield "no assertion left (NDEBUG)"


def check_notes(path):
    producers = subprocess.run(
        ["readelf", "-W", "--debug-dump=info", path], check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode(
            "utf-8", "replace")
    noted = re.findall(r"DW_AT_producer.*: (GNU C17.*)", producers)
    if not noted:
        yield "no note of the compiler's flags (-g)"
    flags = NOTED_FLAGS
    if "X86-64" in readelf("-h", path):
        flags += ("-fcf-protection=full",)
    for flag in flags:
        if not all(flag in row for row in noted):
            yield f"not everything was compiled with {flag}"


def check_needed(path):
    program = os.path.basename(path)
    foreign = OTHERS.get(program, FOREIGN)
    if program not in (*LEAN, *OTHERS):
        return
    for name in re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("-d", path)):
        if name.startswith(foreign):
            yield f"is linked with {name}, which it may not hold"


def check_inside(path):
    if os.path.basename(path) not in SMALL:
        return
    for name in re.findall(rf"\bFUNC .* ({WHOLE}\w+)$", readelf("-s", path),
                           re.M):
        yield f"has {name} in it, and so most of libcrypto"
        return


def check(path, needed_only, any_program):
    yield from check_needed(path)
    yield from check_inside(path)
    if needed_only:
        return
    yield from check_segments(path)
    yield from check_dynamic(path)
    yield from check_symbols(path, any_program)
    yield from check_notes(path)


def main():
    flags = {arg for arg in sys.argv[1:] if arg.startswith("--")}
    paths = [arg for arg in sys.argv[1:] if not arg.startswith("--")]
    findings = 0
    for path in paths:
        for finding in check(path, "--needed-only" in flags,
                             "--any" in flags):
            findings += 1
            print(f"{path}: {finding}")
    print(f"lint.elf: {len(paths)} programs, {findings} findings")
    return 1 if findings or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
