"""What Linux holds a reading process to, native code included: no sockets, no programs, no files.

Landlock (since Linux 5.13) confines the files that a process may open, seccomp the system calls it
may make. Both are asked for by the process itself, need no rights, and cannot be undone. See
https://docs.kernel.org/userspace-api/landlock.html and
https://docs.kernel.org/userspace-api/seccomp_filter.html.
"""

import ctypes
import errno
import os
import platform
import stat
import struct
import sys
from collections.abc import Iterable
from typing import NamedTuple

_SET_NO_NEW_PRIVILEGES = 38

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_READ = _READ_FILE | _READ_DIR
# The rights that each version knows: 2 added linking across folders, 3 truncation.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14

# Where libraries and the dynamic linker's own files are; not where people keep documents.
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/gnu/store")
_LINKER = ("/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
_NOWHERE = "/dev/null"


class _Architecture(NamedTuple):
    """`audit` is its AUDIT_ARCH_ number, `column` its place in the tables below."""

    audit: int
    column: int


_ARCHITECTURES = {
    "x86_64": _Architecture(0xC000003E, 0),
    "aarch64": _Architecture(0xC00000B7, 1),
}

# System calls by their numbers on x86-64 and on 64-bit ARM, which lacks some of them.
_Table = dict[str, tuple[int, int | None]]
_NETWORK: _Table = {"socket": (41, 198), "socketpair": (53, 199)}
_PROGRAMS: _Table = {
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "kill": (62, 129),
    "tkill": (200, 130),
}
_OTHERS: _Table = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
_KERNEL: _Table = {
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
}
# What Landlock leaves open: the attributes of files.
_ATTRIBUTES: _Table = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_CLONE_THREAD = 0x10000

_INSTALL_FILTER = (317, 277)
_FILTER_MODE = 1
_ALL_THREADS = 1
# Where a filter finds the call's number, its architecture, the lower half of its first argument.
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENT_AT = 0, 4, 16
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW = 0x7FFF0000
_ERROR = 0x00050000
# x86-64 takes the calls of a second interface above this number.
_SECOND_INTERFACE = 0x40000000


def landlock_version() -> int:
    """The version of Landlock that the system has, 0 for none."""
    if sys.platform != "linux":
        return 0
    try:
        return _called(_CREATE_RULESET, None, 0, _ASK_VERSION)
    except OSError:
        return 0


def confine_files(readable: Iterable[str], scratch: str | None = None) -> None:
    """Let this thread, and those it starts, open no files but those below `readable`.

    With a `scratch` folder everything may be read and run, and files be made in that folder. Does
    nothing where the system has no Landlock.
    """
    version = landlock_version()
    if version == 0:
        return
    handled = _RIGHTS[min(version, max(_RIGHTS))]
    attributes = struct.pack("=Q", handled)
    rules = _called(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        if scratch is None:
            for path in {*readable, *_SYSTEM, *_LINKER, f"{sys.base_prefix}/lib", "/proc/self"}:
                _allow(rules, path, _READ)
        else:
            _allow(rules, "/", _READ | _EXECUTE)
            _allow(rules, scratch, handled)
        _allow(rules, _NOWHERE, _READ_FILE | _WRITE_FILE)
        _renounce_privileges()
        _called(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def confine_calls(programs: bool) -> None:
    """Let this process open no sockets and meddle with no other; `programs`: it may start some.

    Does nothing on processors whose system calls are not listed here, or without seccomp.
    """
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        return
    tables = [_NETWORK, _OTHERS, _KERNEL, _ATTRIBUTES]
    if not programs:
        tables.append(_PROGRAMS)
    numbers = [
        number
        for table in tables
        for calls in table.values()
        if (number := calls[architecture.column]) is not None
    ]
    steps = _filter(architecture, numbers, programs)
    code = ctypes.create_string_buffer(b"".join(steps))
    header = struct.pack("@HP", len(steps), ctypes.addressof(code))
    _renounce_privileges()
    try:
        _called(_INSTALL_FILTER[architecture.column], _FILTER_MODE, _ALL_THREADS, header)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL):
            raise


def _filter(architecture: _Architecture, numbers: list[int], programs: bool) -> list[bytes]:
    """A program in classic BPF; jumps count the steps to pass over."""
    refuse = _step(_RETURN, _ERROR | errno.EPERM)
    steps = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_EQUAL, architecture.audit, 1, 0),
        refuse,
        _step(_LOAD, _NUMBER_AT),
        _step(_AT_LEAST, _SECOND_INTERFACE, 0, 1),
        refuse,
    ]
    for number in numbers:
        steps += [_step(_EQUAL, number, 0, 1), refuse]
    if not programs:
        column = architecture.column
        steps += [
            # Its arguments are out of a filter's sight; the C library then asks for the older one.
            _step(_EQUAL, _CLONE3[column], 0, 1),
            _step(_RETURN, _ERROR | errno.ENOSYS),
            _step(_EQUAL, _CLONE[column], 0, 3),
            _step(_LOAD, _ARGUMENT_AT),
            _step(_ANY_BIT, _CLONE_THREAD, 1, 0),
            refuse,
        ]
    return [*steps, _step(_RETURN, _ALLOW)]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _allow(rules: int, path: str, rights: int) -> None:
    """Allow what is below a path; one that is not there needs no rule."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_FILES
        _called(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", rights, opened), 0)
    finally:
        os.close(opened)


def _renounce_privileges() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise _error()


def _called(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    whole = [ctypes.c_long(it) if isinstance(it, int) else it for it in (number, *arguments)]
    result = libc.syscall(*whole)
    if result == -1:
        raise _error()
    return int(result)


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
