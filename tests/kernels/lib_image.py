"""
What a machine with another kernel is made of: the kernel's package, a small
Debian, a first file system that finds it, and an archive of what is tried.

All of it is kept in one folder and made again only when it changes.
"""

import glob
import hashlib
import io
import lzma
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import tarfile

SUITE = "bookworm"  # of the small Debian
KERNELS = {  # name: where from, what it is called
    "5.10": ("bullseye", r"linux-image-5\.10\.0-[0-9]+-cloud-amd64"),
    "6.1": (SUITE, r"linux-image-6\.1\.0-[0-9]+-cloud-amd64"),
    "6.12": (SUITE, r"linux-image-6\.12\.[0-9]+\+deb12-cloud-amd64"),
    "6.18": ("trixie-backports",
             r"linux-image-6\.18\.[0-9]+\+deb13-cloud-amd64"),
    "newest": ("trixie-backports",
               r"linux-image-[0-9]+\.[0-9]+\.[0-9]+\+deb13-cloud-amd64"),
}
PACKAGES = """
    acl apparmor attr bindfs bubblewrap busybox-static ca-certificates curl dbus
    dbus-user-session fuse3 gcc libc6-dev
    git iproute2 kmod libc-ares2 libcap2 libcurl4 libidn2-0 libjansson4
    libmicrohttpd12 libncursesw6 libpam-systemd libpcre2-8-0 libseccomp2
    libsqlite3-0 libssl3 libyaml-0-2 make nftables openssh-client openssl passwd
    procps python3 python3-pyte strace systemd systemd-sysv tmux util-linux
""".split()
IMAGE_BYTES = 1536 << 20
COMMAND_S = 900
# What finds a disk.
FIRST_MODULES = ("virtio", "virtio_ring", "virtio_pci_legacy_dev",
                 "virtio_pci_modern_dev", "virtio_pci", "virtio_blk")
MODULE_FOLDERS = ("fs/overlayfs", "fs/fuse", "net", "drivers/net", "lib", "crypto")
TREE = ("tests", "rules", "docs", "README.md", "reviewer")
PLACE = "srv/assent"  # in the machine


class Missing(Exception):
    """Cannot be had here; says why."""


class Link(str):
    """Where a symbolic link leads."""


def run(words, **more):
    more.setdefault("stdout", subprocess.PIPE)
    more.setdefault("timeout", COMMAND_S)
    ran = subprocess.run(words, stderr=subprocess.STDOUT, text=True,
                         check=False, **more)
    if ran.returncode != 0:
        raise Missing(f"'{' '.join(words[:4])}...' failed: "
                      f"{(ran.stdout or '').strip()[-400:]}")
    return ran.stdout


def need(*programs):
    for name in programs:
        if shutil.which(name) is None:
            raise Missing(f"'{name}' is not installed; "
                          "./dev test kernels installs it")


def mirror():
    """Where this machine has its Debian packages from."""
    need("apt-get")
    for line in run(["apt-get", "indextargets", "--format",
                     "$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)",
                     "Created-By: Packages"]).splitlines():
        origin, codename, component, uri = line.split(" ", 3)
        if (origin, codename, component) == ("Debian", SUITE, "main"):
            return uri
    raise Missing(f"this machine has no Debian {SUITE} among its package "
                  "sources")


class Packages:
    """Packages of another release, or (None) the machine's own."""

    def __init__(self, folder, suite):
        self.env = dict(os.environ)
        if suite is not None:
            self._apart(folder, suite)
            self.env["APT_CONFIG"] = folder + "/apt.conf"
        self._apt("apt-get", "update")

    @staticmethod
    def _apart(folder, suite):
        for name in ("lists/partial", "cache/archives/partial", "etc"):
            os.makedirs(f"{folder}/{name}", exist_ok=True)
        key = "/usr/share/keyrings/debian-archive-keyring.gpg"
        uri = mirror()
        with open(folder + "/etc/sources.list", "w", encoding="ascii") as to:
            to.write(f"deb [signed-by={key}] {uri} {suite} main\n")
        with open(folder + "/apt.conf", "w", encoding="ascii") as to:
            to.write(f'Dir::State "{folder}";\n'
                     f'Dir::State::lists "{folder}/lists";\n'
                     'Dir::State::status "/var/lib/dpkg/status";\n'
                     f'Dir::Cache "{folder}/cache";\n'
                     f'Dir::Etc::sourcelist "{folder}/etc/sources.list";\n'
                     'Dir::Etc::sourceparts "/nonexistent";\n'
                     'APT::Sandbox::User "root";\n'
                     'Acquire::Languages "none";\n')

    def _apt(self, *words, **more):
        return run(list(words), env=self.env, **more)

    def newest(self, pattern):
        """The package of that name that is the newest, and what it needs."""
        found = [line.split(" ")[0] for line in self._apt(
            "apt-cache", "search", "--names-only", f"^{pattern}$"
        ).splitlines()]
        if not found:
            raise Missing(f"no package is called {pattern}")
        name = max(found, key=lambda n: [
            int(part) for part in re.findall(r"[0-9]+", n)])
        release = name.removeprefix("linux-image-")
        also = re.findall(r"Depends: (linux-(?:binary|modules)-"
                          + re.escape(release) + ")", self._apt(
                              "apt-cache", "depends", name))
        return release, [name] + sorted(set(also))

    def unpack(self, names, to):
        shutil.rmtree(to, ignore_errors=True)
        os.makedirs(to + ".deb", exist_ok=True)
        self._apt("apt-get", "download", *names, cwd=to + ".deb")
        for path in glob.glob(to + ".deb/*.deb"):
            run(["dpkg-deb", "-x", path, to])
        shutil.rmtree(to + ".deb")


def get_kernel(folder, name):
    """The folder of an unpacked kernel, its release."""
    to = f"{folder}/kernel-{name}"
    if not os.path.exists(to + "/release"):
        suite, pattern = KERNELS[name]
        packages = Packages(f"{folder}/apt-{name}",
                            suite if suite != SUITE else None)
        release, names = packages.newest(pattern)
        packages.unpack(names, to)
        with open(to + "/release", "w", encoding="ascii") as out:
            out.write(release)
    with open(to + "/release", encoding="ascii") as text:
        return to, text.read()


def find_one(*patterns):
    for pattern in patterns:
        for path in glob.glob(pattern, recursive=True):
            return path
    raise Missing(f"nothing is at {patterns[0]}")


def get_root(folder):
    """The image of a small Debian with what the tests start."""
    key = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    image, tree = f"{folder}/root-{key}.img", f"{folder}/root"
    if os.path.exists(image):
        return image
    need("mmdebstrap", "mke2fs", "truncate")
    if os.geteuid() != 0:
        raise Missing("making the machine's disk takes root")
    for old in glob.glob(f"{folder}/root-*.img"):
        os.unlink(old)
    shutil.rmtree(tree, ignore_errors=True)
    run(["mmdebstrap", "--mode=root", "--variant=apt",
         "--include=" + ",".join(PACKAGES), SUITE, tree, mirror()])
    run(["truncate", "-s", str(IMAGE_BYTES), image + ".new"])
    run(["mke2fs", "-q", "-t", "ext4", "-d", tree, image + ".new"])
    shutil.copy(tree + "/bin/busybox", folder + "/busybox")
    shutil.rmtree(tree)
    os.rename(image + ".new", image)
    return image


# How what a kernel unpacks itself from begins, and who else unpacks that.
PACKED = {b"\x02\x21\x4c\x18": ["lz4", "-dc"],
          b"\x28\xb5\x2f\xfd": ["zstd", "-dcq"],
          b"\xfd7zX": ["xz", "-dcq"], b"\x1f\x8b": ["gzip", "-dcq"]}


def unpack_kernel(kernel):
    """The kernel as it will lie in memory. Inside of a virtual machine its
    own unpacking may never end; and this begins sooner."""
    to = kernel + "/vmlinux"
    if os.path.exists(to):
        return to
    with open(find_one(f"{kernel}/boot/vmlinuz-*",
                       f"{kernel}/**/vmlinuz"), "rb") as image:
        data = image.read()
    at, size = struct.unpack_from("<II", data, 0x248)
    packed = data[((data[0x1f1] or 4) + 1) * 512 + at:][:size - 4]
    for magic, words in PACKED.items():
        if packed.startswith(magic):
            need(words[0])
            with open(to + ".new", "wb") as out:
                subprocess.run(words, input=packed, stdout=out, check=False,
                               stderr=subprocess.DEVNULL, timeout=COMMAND_S)
            os.rename(to + ".new", to)
            return to
    raise Missing(f"nobody knows how {kernel} is packed: {packed[:6]}")


FIRST = """#!/busybox sh
/busybox mkdir -p /dev /proc /disk
/busybox mount -t devtmpfs dev /dev
/busybox mount -t proc proc /proc
# Which needs which differs by version.
for n in 1 2 3; do
	for m in {modules}; do
		[ ! -e /$m.ko ] || /busybox insmod /$m.ko 2>/dev/null
	done
done
n=0
while [ ! -b /dev/vdb ] && [ $n -lt 100 ]; do
	/busybox sleep 0.1
	n=$((n + 1))
done
/busybox mount -t ext4 /dev/vda /disk
/busybox tar -x -f /dev/vdb -C /disk
/busybox umount /proc
/busybox mount -o move /dev /disk/dev
set -- $({cmdline})
exec /busybox switch_root /disk $1
"""
# The program that the boot is for.
FIRST_PROGRAM = "/busybox cat /disk/srv/assent/first"


def cpio(entries):
    """The archive that a kernel unpacks as its first file system."""
    out = io.BytesIO()
    for number, (name, mode, data) in enumerate(
            entries + [("TRAILER!!!", 0, b"")], 1):
        raw = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        out.write(b"070701" + b"".join(b"%08X" % f for f in fields) + raw)
        out.write(b"\0" * (-out.tell() % 4))
        out.write(data)
        out.write(b"\0" * (-out.tell() % 4))
    return out.getvalue()


def make_first(folder, kernel, to):
    entries = []
    with open(folder + "/busybox", "rb") as program:
        entries.append(("busybox", stat.S_IFREG | 0o755, program.read()))
    for name in FIRST_MODULES:
        for path in glob.glob(f"{kernel}/**/{name}.ko*", recursive=True):
            opened = lzma.open if path.endswith(".xz") else open
            with opened(path, "rb") as module:
                entries.append((name + ".ko", stat.S_IFREG | 0o644,
                                module.read()))
    script = FIRST.format(modules=" ".join(FIRST_MODULES),
                          cmdline=FIRST_PROGRAM)
    entries.append(("init", stat.S_IFREG | 0o755, script.encode()))
    with open(to, "wb") as out:
        out.write(cpio(entries))


def _plain(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return None if "__pycache__" in info.name else info


def _add_modules(archive, kernel, release):
    top = find_one(f"{kernel}/lib/modules/{release}",
                   f"{kernel}/usr/lib/modules/{release}")
    for name in MODULE_FOLDERS:
        if os.path.isdir(f"{top}/kernel/{name}"):
            archive.add(f"{top}/kernel/{name}",
                        f"usr/lib/modules/{release}/kernel/{name}",
                        filter=_plain)
    for name in os.listdir(top):
        if name.startswith("modules."):
            archive.add(f"{top}/{name}", f"usr/lib/modules/{release}/{name}",
                        filter=_plain)


def make_payload(kernel, release, source, programs, more, to):
    """more: further files and links, by name in the machine; a Link leads
    to its text."""
    with tarfile.open(to, "w") as archive:
        _add_modules(archive, kernel, release)
        for path in sorted(glob.glob(programs + "/*")):
            if not os.path.basename(path).startswith("."):
                archive.add(path, f"{PLACE}/bin/{os.path.basename(path)}",
                            filter=_plain)
        for name in TREE:
            archive.add(f"{source}/{name}", f"{PLACE}/{name}", filter=_plain)
        for name, text in more.items():
            info = tarfile.TarInfo(name)
            if isinstance(text, Link):
                info.type, info.linkname = tarfile.SYMTYPE, text
                archive.addfile(info)
                continue
            info.size, info.mode = len(text.encode()), 0o755
            archive.addfile(info, io.BytesIO(text.encode()))
    # A disk has whole sectors.
    size = os.path.getsize(to)
    with open(to, "ab") as out:
        out.write(b"\0" * (-size % 4096))


if __name__ == "__main__":
    sys.exit("lib_image.py is used by boot.py")
