"""Whether this machine has room for a run, asked before it starts.

Invariant: both numbers are told, what is needed (as the method estimates it) and what is free; a cluster's nodes are
not asked.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry.core.errors import EmotionetError
from registry.core.ports.method import Method
from registry.jobs.capacity import room_here
from registry.workflows.parts import Parts


def free_disk(folder: Path) -> int:
    """Bytes free where a folder lies, or will lie."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return shutil.disk_usage(there).free


def size_text(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"


def disk_needed(method: Method, values: Mapping[str, Any], images: int, side_by_side: int) -> int:
    """Bytes of scratch space: pixels that all folds share, and a checkpoint for each that trains."""
    pixels, checkpoint = method.disk(values, images)
    return pixels + side_by_side * checkpoint


def check_disk(parts: Parts, engine: str | None, needed: int) -> None:
    """``EmotionetError`` (``disk_full``) where a run needs more than is free."""
    if parts.settings.on_cluster(engine):
        return
    free = free_disk(parts.settings.work)
    if needed > free:
        raise EmotionetError(
            f"this run needs about {size_text(needed)} of disk below {parts.settings.work}, and {size_text(free)} are "
            "free",
            code="disk_full",
            hint="make room, set EMOTIONET_HOME to a larger disk, or train on fewer or smaller pictures (--imgsz).",
        )


def check_memory(parts: Parts, engine: str | None, needed: int) -> None:
    """``EmotionetError`` (``out_of_memory``) where one fold alone needs more than is free, as far as can be told."""
    free = 0 if parts.settings.on_cluster(engine) else room_here()
    if free and needed > free:
        raise EmotionetError(
            f"one fold needs about {size_text(needed)} of memory, and {size_text(free)} are free for it",
            code="out_of_memory",
            hint="end other programs, or train with smaller batches or pictures (--batch, --imgsz).",
        )
