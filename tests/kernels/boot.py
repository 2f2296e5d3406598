#!/usr/bin/env python3
"""
Boot a machine with another kernel and run in it what guest.py names.

    boot.py KERNEL [BOOT[:PLACE,...]...]    e.g. boot.py 6.1 systemd
    boot.py --list                          all of them, a row each
    boot.py --only KERNEL[/BOOT[/PLACE]]    as they are listed

The machine is QEMU's with 1.2 GB of memory, on KVM where that is there. Its
disk is thrown away. Files are kept in ASSENT_KERNELS.
"""

import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, TOP + "/tests/integration")
os.environ.setdefault("ASSENT_SOURCE", TOP)
os.environ.setdefault("ASSENT_BIN", TOP + "/build/dev/bin")

import lib_image  # noqa: E402  (what is tried finds the programs by those)
import places  # noqa: E402
from lib_image import Missing  # noqa: E402

MEMORY_MB = 1200
LIMIT_S = {"kvm": 900, "tcg": 2700}
ANY_KERNEL = (6, 12)
FIRST_WORD_S = 60  # when a machine that boots at all has said something
# What the machine is started as: the kernel's words, the first program.
PLAIN = "/srv/assent/tests/kernels/first.sh"
BOOTS = {
    "plain": ("", PLAIN),
    "systemd": ("systemd.show_status=1 systemd.mask=getty.target",
                "/lib/systemd/systemd"),
    "version1": ("", PLAIN),
    "nothing": ("lsm=yama", PLAIN),
    "tests": ("", PLAIN),
}
TOO_OLD = "old"
# Without KVM each takes minutes: what differs by kernel is tried on each.
WANTED = {
    "5.10": (TOO_OLD,),
    "6.1": ("plain", "systemd", "version1", "nothing"),
    "6.12": ("plain", "systemd", "version1", "nothing", "tests"),
    "6.18": ("plain", "systemd", "tests"),
    "newest": ("plain", "systemd", "version1", "nothing", "tests"),
}
UNIT = """[Unit]
Description=What is tried on this kernel
After=basic.target dbus.service

[Service]
ExecStart=/srv/assent/tests/kernels/first.sh
Restart=no
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
"""


def accelerators():
    """Both where there is KVM: inside of a virtual machine it may be there
    and boot nothing."""
    asked = os.environ.get("ASSENT_KERNELS_BY")
    if asked:
        return [asked]
    there = os.access("/dev/kvm", os.R_OK | os.W_OK)
    return ["kvm", "tcg"] if there else ["tcg"]


def command(how_fast, kernel, words, image, folder):
    return [
        "qemu-system-x86_64", "-machine", "q35,accel=" + how_fast,
        "-cpu", "host,arch-capabilities=off" if how_fast == "kvm" else "max",
        "-m", str(MEMORY_MB), "-smp", "2", "-nodefaults", "-no-reboot",
        "-display", "none", "-nic", "none",
        "-kernel", lib_image.unpack_kernel(kernel),
        "-initrd", folder + "/first.cpio",
        "-append", "console=ttyS0 loglevel=4 panic=-1 " + words,
        "-drive", "if=virtio,format=raw,snapshot=on,file=" + image,
        "-drive", "if=virtio,format=raw,readonly=on,file="
        + folder + "/payload.tar",
        "-serial", f"file:{folder}/console.txt",
        "-serial", f"file:{folder}/results.txt"]


def watch(machine, how_fast, folder):
    """Waits for its end; true when it said anything in time."""
    end = time.time() + LIMIT_S[how_fast]
    first = time.time() + FIRST_WORD_S
    try:
        while machine.poll() is None and time.time() < end:
            if how_fast == "kvm" and time.time() > first and \
                    os.path.getsize(folder + "/console.txt") == 0 and \
                    os.path.getsize(folder + "/results.txt") == 0:
                return False
            time.sleep(0.5)
        return True
    finally:
        machine.kill()
        machine.wait()


def boot(folder, name, how):
    """The results that the machine wrote."""
    kernel, release = lib_image.get_kernel(folder, name)
    words, first = BOOTS.get(how.partition(":")[0], ("", PLAIN))
    source = os.environ["ASSENT_SOURCE"]
    image = lib_image.get_root(folder)
    lib_image.make_first(folder, kernel, folder + "/first.cpio")
    unit = "etc/systemd/system/assent-tried.service"
    wanted = "etc/systemd/system/multi-user.target.wants/assent-tried.service"
    lib_image.make_payload(kernel, release, source, os.environ["ASSENT_BIN"], {
        lib_image.PLACE + "/first": first + "\n",
        lib_image.PLACE + "/boot": how + "\n",
        unit: UNIT,
        wanted: lib_image.Link("../assent-tried.service"),
    }, folder + "/payload.tar")
    began = time.time()
    for how_fast in accelerators():
        with subprocess.Popen(
                command(how_fast, kernel, words, image, folder),
                env=dict(os.environ, TMPDIR=folder),
                stdin=subprocess.DEVNULL) as machine:
            if watch(machine, how_fast, folder):
                break
    with open(folder + "/results.txt", encoding="utf-8",
              errors="replace") as text:
        out = text.read().replace("\r\n", "\n")
    print(f"== {release}, {how}: {time.time() - began:.0f} s ({how_fast})")
    return out, folder + "/console.txt"


def report(out, console):
    """Shows what was tried; true when all of it went well."""
    print(out, end="")
    failed = re.findall(r"^FAILED (\S+)", out, re.M)
    ended = re.search(r"^END (\d+) tried$", out, re.M)
    if not ended:
        with open(console, encoding="utf-8", errors="replace") as text:
            print("the machine ended early; its console:\n"
                  + text.read()[-3000:])
        return False
    if int(ended.group(1)) == 0:
        print("nothing was tried")
    return not failed and int(ended.group(1)) > 0


def rows():
    """KERNEL/BOOT/PLACE, each."""
    for name, boots in WANTED.items():
        for how in boots:
            for place, _ in places.of(how, ANY_KERNEL):
                yield f"{name}/{how}/{place}"


def asked(words):
    """The kernel, and what it is booted as."""
    if words[0] != "--only":
        return words[0], words[1:] or list(WANTED[words[0]])
    name, *more = words[1].split("/")
    known = [row.split("/") for row in rows()]
    if not any(row[:len(more) + 1] == [name, *more] for row in known):
        sys.exit(f"'{words[1]}' is none of these:\n" + "\n".join(rows()))
    return name, [":".join(more)] if more else list(WANTED[name])


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(rows()))
        return 0
    name, boots = asked(sys.argv[1:])
    folder = os.environ.get("ASSENT_KERNELS") or \
        os.environ["ASSENT_SOURCE"] + "/build/kernels"
    os.makedirs(folder, exist_ok=True)
    good = True
    try:
        lib_image.need("qemu-system-x86_64")
        for how in boots:
            good = report(*boot(folder, name, how)) and good
    except Missing as why:
        print(f"SKIP: no machine with kernel {name}: {why}")
        return 77
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
