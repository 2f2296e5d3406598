#!/usr/bin/env python3
"""Lose each hardening flag once; elf.py has to notice."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

SOURCE = """
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
	char text[32];

	memset(text, 0, sizeof(text));
	strncpy(text, argv[argc - 1], (size_t)argc * 7);
	printf("%s", text);
	return 0;
}
"""

COMPILE = [
    "-O2", "-g", "-std=gnu17", "-fPIE", "-fstack-protector-strong",
    "-fstack-clash-protection", "-fcf-protection=full",
    "-D_FORTIFY_SOURCE=2", "-ftrivial-auto-var-init=zero",
    "-fzero-call-used-regs=used-gpr", "-fno-delete-null-pointer-checks",
    "-fno-strict-overflow", "-fno-strict-aliasing", "-fvisibility=hidden",
]
LINK = ["-pie", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]

# What is lost, what stands in its place, what elf.py then says.
LOST = [
    ("-pie", "-no-pie", "PIE"),
    ("-Wl,-z,relro", "-Wl,-z,norelro", "GNU_RELRO"),
    ("-Wl,-z,now", "-Wl,-z,lazy", "bound lazily"),
    ("-Wl,-z,noexecstack", "-Wl,-z,execstack", "stack is executable"),
    ("-D_FORTIFY_SOURCE=2", "-U_FORTIFY_SOURCE", "fortified"),
    ("-fstack-protector-strong", "-fno-stack-protector", "stack protector"),
    ("-fcf-protection=full", "-fcf-protection=none",
     "-fcf-protection=full"),
    ("-fstack-clash-protection", "", "-fstack-clash-protection"),
    ("-ftrivial-auto-var-init=zero", "", "-ftrivial-auto-var-init"),
    ("-fzero-call-used-regs=used-gpr", "", "-fzero-call-used-regs"),
    ("-fno-strict-aliasing", "", "-fno-strict-aliasing"),
    ("-fvisibility=hidden", "", "-fvisibility=hidden"),
]

# In a static program nothing is bound later, and the C library's own code is
# fortified and protected: there only what the compiler notes tells.
STATIC = [(lost, instead, lost if "protector" in lost else says)
          for lost, instead, says in LOST
          if "now" not in lost and "FORTIFY" not in lost]


def build(folder, name, lost="", instead="", libraries=(), static=False):
    source = os.path.join(folder, "main.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(SOURCE)
    flags = [instead if flag == lost else flag for flag in COMPILE + LINK]
    if static:
        flags = [{"-pie": "-static-pie", "-no-pie": "-static"}.get(flag, flag)
                 for flag in flags]
    program = os.path.join(folder, name)
    subprocess.run(
        ["gcc", *[flag for flag in flags if flag], "-w", source, "-o",
         program, "-Wl,--no-as-needed", *libraries], check=True)
    return program


# What a program may not hold.
HELD = (("assent-exec", "jansson"), ("assent", "crypto"),
        ("assent-cli", "curl"))
# What it may not have taken out of an archive.
TAKEN = (("assent", "EVP_sha256"), ("assent-exec", "EVP_PBE_scrypt"))


def elf(*arguments):
    ran = subprocess.run(
        [sys.executable, os.path.join(HERE, "elf.py"), *arguments],
        stdout=subprocess.PIPE, check=False)
    return ran.returncode, ran.stdout.decode()


def main():
    wrong = []
    with tempfile.TemporaryDirectory(prefix="assent-elf.") as folder:
        for static, rows in ((False, LOST), (True, STATIC)):
            status, text = elf("--any", build(folder, "good", static=static))
            if status != 0:
                wrong.append(f"a hardened program is refused: {text}")
            for lost, instead, says in rows:
                status, text = elf("--any", build(
                    folder, "bad", lost, instead, static=static))
                if status != 1 or says not in text:
                    wrong.append(f"{lost} was lost and not missed: {text}")
        for name, function in TAKEN:
            program = build(folder, name, libraries=[
                f"-Wl,--undefined={function}", "-l:libcrypto.a"])
            status, text = elf("--needed-only", program)
            if status != 1 or "most of libcrypto" not in text:
                wrong.append(f"{name} has {function} unnoticed: {text}")
        for name, library in HELD:
            program = build(folder, name, libraries=[f"-l{library}"])
            status, text = elf("--needed-only", program)
            if status != 1 or f"lib{library}" not in text:
                wrong.append(f"{name} holds {library} unnoticed: {text}")
    for row in wrong:
        print(row)
    planted = len(LOST) + len(STATIC) + len(HELD) + len(TAKEN)
    print(f"planted: {planted} programs, {len(wrong)} not caught")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
