"""An argument that names content: a CID, with or without a path, or a file of this machine."""

from __future__ import annotations

from pathlib import Path

from registry.core.errors import UsageError
from registry.core.ipld.cid import CID
from registry.core.ipld.typed_cid import given


def parse_path(text: str) -> tuple[CID, str]:
    """The CID and the path of ``CID[/PATH]`` or ``/ipfs/CID[/PATH]``."""
    head, _, path = text.removeprefix("/ipfs/").removeprefix("ipfs://").partition("/")
    return given(head), path


def check_regular(path: Path) -> None:
    """``UsageError`` for what is there and is neither a file nor a folder: reading a pipe or a device may never end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UsageError(
            f"{path} is a pipe, a socket or a device, not a file",
            code="not_a_file",
            hint="save its content to a file first.",
        )


def names_content(text: str) -> bool:
    """Whether this is written as a CID, with or without a path: then a file of that name here is not what is meant
    (``fetch`` makes one), unless it is typed as ``./CID``."""
    try:
        parse_path(text)
    except UsageError:
        return text.startswith(("/ipfs/", "ipfs://"))
    return True
