"""What the reading process takes from itself before it looks at a byte: memory, time, files, network, other programs.

The kernel holds it to that where it is Linux on x86-64 or arm64; elsewhere Python's own audit hook does, which what is
written in C could pass by.
"""

import ctypes
import platform
import resource
import sys
from typing import Any

MEMORY = 1536 * 1024 * 1024
CPU_S = 100
_DENIED = {
    "x86_64": (0xC000003E, (41, 42, 43, 49, 50, 53, 56, 57, 58, 59, 62, 101, 200, 234, 288, 322, 425)),
    "aarch64": (0xC00000B7, (198, 199, 200, 201, 202, 203, 220, 221, 242, 117, 129, 130, 131, 281, 425)),
}
"""socket, connect, accept, bind, listen, socketpair, clone, fork, vfork, execve, kill, ptrace, tkill, tgkill, accept4,
execveat, io_uring_setup, by the kernel's tables. Threads come by clone too: what reads here needs none."""
_DENIED_EVENTS = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "ctypes.dlopen",
    "urllib.",
)
_ALLOW, _ERRNO_EPERM, _EACCES = 0x7FFF0000, 0x00050001, 13
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2


def limit() -> None:
    """Before anything is imported or read."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def shut() -> None:
    """After the imports: from here on no file is opened to write, no connection and no process is made."""
    if sys.platform == "linux" and platform.machine() in _DENIED:
        _filter(*_DENIED[platform.machine()])
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_DENIED_EVENTS):
        raise PermissionError(_EACCES, f"{event} while a document is read")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise PermissionError(_EACCES, "a file is opened to write while a document is read")


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("yes", ctypes.c_ubyte),
        ("no", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def _filter(machine: int, denied: tuple[int, ...]) -> None:
    """A seccomp filter: https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html"""
    steps = [
        _Step(_LOAD, 0, 0, 4),
        _Step(_JUMP_IF_EQUAL, 1, 0, machine),
        _Step(_RETURN, 0, 0, _ERRNO_EPERM),
        _Step(_LOAD, 0, 0, 0),
    ]
    for n, call in enumerate(denied):
        steps.append(_Step(_JUMP_IF_EQUAL, len(denied) - n, 0, call))
    steps += [_Step(_RETURN, 0, 0, _ALLOW), _Step(_RETURN, 0, 0, _ERRNO_EPERM)]
    kernel: Any = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    if kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        kernel.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)
