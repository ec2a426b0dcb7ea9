"""Whether a Ray cluster answers at an address, found out in seconds: Ray itself would wait for minutes, then end the
process.

Source: a gRPC server sends HTTP/2's SETTINGS frame (RFC 9113, 3.4 and 6.5) before it receives anything.
"""

from __future__ import annotations

import os
import socket

from registry.core.errors import Unavailable

SECONDS = 3.0  # for the connection, and again for the greeting
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # with empty SETTINGS
_SETTINGS = 4
_LENGTH = 9  # of a frame's head


def check_reachable(address: str) -> None:
    """``Unavailable`` (``no_ray``) where nothing, or something else than Ray, answers. Ray itself resolves ``auto`` and
    ``local``.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        if address in ("auto", "local"):
            return
        raise _unreachable(address, "it is not HOST:PORT")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), SECONDS) as connection:
            if os.environ.get("RAY_USE_TLS", "0") in ("", "0"):
                _greeted(connection, address)
    except (OSError, OverflowError) as error:
        raise _unreachable(address, str(getattr(error, "strerror", None) or error)) from error


def _greeted(connection: socket.socket, address: str) -> None:
    connection.sendall(_PREFACE)
    said = b""
    while len(said) < _LENGTH:
        more = connection.recv(_LENGTH - len(said))
        if not more:
            break
        said += more
    if len(said) < _LENGTH or said[3] != _SETTINGS:
        raise _unreachable(address, "what answers there is not Ray")


def _unreachable(address: str, reason: str) -> Unavailable:
    return Unavailable(
        f"the Ray cluster {address} can't be reached: {reason}",
        code="no_ray",
        hint="start it, correct EMOTIONET_RAY_ADDRESS, or train with --engine local.",
    )
