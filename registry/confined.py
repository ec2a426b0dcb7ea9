"""Bounds of a process that opens a stranger's file with a library that was not written for strangers.

What a process may do is bounded by the system (memory, processor, sizes of files) and by an audit hook of Python, which
can't be taken away: nothing is sent or started, nothing is written outside one folder. The hook sees what Python code
does; it is a second wall behind libraries that are meant to read files, not a sandbox for machine code.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any

FILE_BYTES = 1 << 30
_FORBIDDEN = frozenset(
    {
        *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"),
        *("socket.gethostbyname", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
        *("os.fork", "os.forkpty", "pty.spawn", "ctypes.dlopen", "os.kill", "os.killpg", "os.chmod", "os.chown"),
        *("os.link", "os.symlink", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.mkdir", "shutil.rmtree"),
    }
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def bound(memory: int, cpu_seconds: int) -> None:
    """Limits that this process can't lift again. ``memory`` in bytes."""
    for what, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def guard(out: Path) -> None:
    """From here on nothing is sent, started, or written outside ``out``. An audit hook can't be taken away."""
    home = f"{out.resolve()}/"

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN:
            raise PermissionError(f"{event} is not allowed in this process")
        if event == "open" and not isinstance(arguments[0], int) and arguments[2] & _WRITING:
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100  pathlib is no part of what is guarded
            if not path.startswith((home, "/dev/")):
                raise PermissionError("this process may write only into its own folder")

    sys.addaudithook(hook)
