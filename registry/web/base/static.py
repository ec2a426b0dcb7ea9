"""The files that pages are made with (style sheets, modules, the mark), and the address that each is served at.

Invariant: an address names the version of all files together, so a module's import of its neighbour has the same
version, and a browser may keep what it got for ever.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


@cache
def contents() -> dict[str, bytes]:
    """Every file by its name."""
    found = files("registry.web").joinpath("static").iterdir()
    return {one.name: one.read_bytes() for one in found if one.name.rpartition(".")[2] in TYPES}


@cache
def version() -> str:
    """A digest of all files."""
    digest = hashlib.sha256()
    for name, data in sorted(contents().items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def address(name: str) -> str:
    """Where a file is served. ``KeyError`` where there is none, so that a typing error is found by the first test."""
    if name not in contents():
        raise KeyError(name)
    return f"/static/{version()}/{name}"
