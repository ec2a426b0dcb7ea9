"""Python imports this when it starts, in every process whose PYTHONPATH names this folder: sockets are refused.

Whatever is tried is written into the file that EMOTIONET_TEST_TRIED names, so that no library can swallow it.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

REFUSED = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
ASKED = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in REFUSED and event not in ASKED:
        return
    if event in REFUSED and arguments[0].family == socket.AF_UNIX:
        return
    with open(os.environ["EMOTIONET_TEST_TRIED"], "a", encoding="utf-8") as tried:  # noqa: PTH123  pathlib comes later
        tried.write(f"{event} {arguments[1:]!r} by {sys.argv!r}\n")
    raise PermissionError(f"{event}: this process has no network")


sys.addaudithook(_hook)
