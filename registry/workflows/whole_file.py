"""A file for people that appears whole or not at all, or one sentence on why it can't."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from registry.core.errors import UsageError, not_written


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what shall be ``path``: a file beside it, which takes its name at the end and else is removed.

    It is made at once, so that a place where nothing can be written is known before the work. ``UsageError`` for a
    path that is no file's, ``Unavailable`` where the system refuses to write.
    """
    temporary = None
    try:
        if path.name in ("", "..") or path.is_dir():
            raise UsageError(f"{str(path)!r} is a folder: name a file")
        temporary = path.with_name(path.name + ".part")
        temporary.touch()
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
