"""A test as root that has an /etc of its own, which is gone afterwards."""

import os
import subprocess
import sys
import tempfile

from lib_daemon import skip


def alone():
    """Again, with an /etc of its own."""
    if os.environ.get("ASSENT_ALONE") == "1":
        return
    if os.geteuid() != 0:
        skip("a place in /etc needs root")
    own = tempfile.mkdtemp(prefix="assent-etc-")
    script = ('mount -t tmpfs tmpfs "$0" && mkdir "$0/up" "$0/work" && '
              'mount -t overlay overlay -o '
              '"lowerdir=/etc,upperdir=$0/up,workdir=$0/work" /etc')
    probe = subprocess.run(["unshare", "-m", "sh", "-c", script, own],
                           capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        os.rmdir(own)
        skip(f"no mount namespace with an /etc of its own: {probe.stderr}")
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", script + ' && exec "$@"', own,
         sys.executable, "-B", *sys.argv], check=False,
        env=dict(os.environ, ASSENT_ALONE="1"))
    os.rmdir(own)
    sys.exit(ran.returncode)
