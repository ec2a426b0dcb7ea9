"""How a SQLite file is opened where nothing can be written: on a medium for reading, or in somebody else's folder.

Invariant: nothing is made and nothing changed; a file that can be written is not opened this way.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def read_only_uri(path: Path) -> str | None:
    """The URI to open a SQLite file by, None where it, or its place, can be written, and where there is none.

    In WAL mode SQLite writes beside the file even to read it. Without a WAL nobody is writing, and the file is read as
    one that does not change; with one, its index must lie there too.
    """
    if not path.exists() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return None
    wal, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    waiting = wal.exists() and (wal.stat().st_size > 0 or index.exists())
    return f"file:{quote(str(path))}?mode=ro{'' if waiting else '&immutable=1'}"
