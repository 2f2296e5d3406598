"""What a kernel or a container takes away, by a filter on system calls that
holds for a process and all that it starts."""

import ctypes
import struct

LOAD, EQUAL, BITS, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERRNO, KILL = 0x7fff0000, 0x00050000, 0x80000000
SECCOMP_MODE_FILTER, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 2, 22, 38
NUMBERS = {  # x86-64
    "clone": 56, "unshare": 272, "clone3": 435, "mount": 165,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431,
    "fsmount": 432, "pidfd_open": 434, "close_range": 436, "openat2": 437,
    "pidfd_getfd": 438, "mount_setattr": 442, "landlock_create_ruleset": 444,
    "seccomp": 317, "pidfd_send_signal": 424, "setns": 308,
}
NAMESPACES = 0x7e020000


def _step(code, yes, no, value):
    return struct.pack("HBBI", code, yes, no, value)


def install(program):
    libc = ctypes.CDLL(None, use_errno=True)
    text = ctypes.create_string_buffer(b"".join(program))
    head = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(text))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                       ctypes.c_char_p(head), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter")


def without(error, *names):
    """Calls that fail with this error."""
    program = [_step(LOAD, 0, 0, 0)]
    for name in names:
        program += [_step(EQUAL, 0, 1, NUMBERS[name]),
                    _step(RETURN, 0, 0, ERRNO | error)]
    install(program + [_step(RETURN, 0, 0, ALLOW)])


def killed_for(name):
    """Who makes that call is killed."""
    install([_step(LOAD, 0, 0, 0), _step(EQUAL, 0, 1, NUMBERS[name]),
             _step(RETURN, 0, 0, KILL), _step(RETURN, 0, 0, ALLOW)])


def without_namespaces(error):
    """As containers do: clone and unshare may make none; clone3, whose flags
    nobody can see, is missing."""
    install([
        _step(LOAD, 0, 0, 0),
        _step(EQUAL, 5, 0, NUMBERS["clone3"]),
        _step(EQUAL, 1, 0, NUMBERS["clone"]),
        _step(EQUAL, 0, 4, NUMBERS["unshare"]),
        _step(LOAD, 0, 0, 16),
        _step(BITS, 0, 2, NAMESPACES),
        _step(RETURN, 0, 0, ERRNO | error),
        _step(RETURN, 0, 0, ERRNO | 38),
        _step(RETURN, 0, 0, ALLOW)])
