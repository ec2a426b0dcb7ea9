"""Names of files that are uploaded: relative paths of a bounded length, which the disk here takes as they are."""

from __future__ import annotations

from pathlib import PurePosixPath

from registry.content.labels.label_row import check_inside
from registry.core.errors import InvalidInput

MAX_NAME = 255  # bytes of one part: more no usual file system takes
MAX_FOLDERS = 19
MAX_PATH = 2000  # bytes of all parts together


def checked_parts(name: str) -> tuple[str, ...]:
    """The parts of a name. ``InvalidInput`` where it leads out of its folder or is longer than what is taken."""
    parts = PurePosixPath(check_inside(name.replace("\\", "/"))).parts
    if any(_bytes(part) > MAX_NAME for part in parts) or _bytes(name) > MAX_PATH or len(parts) > MAX_FOLDERS + 1:
        raise InvalidInput(
            f"the name {name[:40]!r}... is too long: {MAX_NAME} bytes are taken for the name of a file or a folder, "
            f"{MAX_PATH} for a path, and {MAX_FOLDERS} folders in one another",
            code="bad_name",
            hint="shorten it.",
        )
    return parts


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
