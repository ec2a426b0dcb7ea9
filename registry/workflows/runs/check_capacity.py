"""Whether this machine has enough disk and memory for a run, checked before it starts.

Invariant: an error states both numbers, the need (as the method estimates it) and what is free. A cluster's nodes are
not checked.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from registry.core.errors import EmotionetError
from registry.core.ports.method import Cost, Method
from registry.core.text.amounts import size_text
from registry.jobs.capacity import memory_for_children
from registry.workflows.parts import Parts


def free_disk(folder: Path) -> int:
    """Bytes free where a folder lies, or will lie."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return shutil.disk_usage(there).free


def disk_needed(cost: Cost, side_by_side: int) -> int:
    """Bytes of scratch space: pixels that all folds share, and a checkpoint for each that trains."""
    return cost.pixels + side_by_side * cost.checkpoint


def _saving(method: Method, what: str) -> str:
    """The options of `train` with which a run needs less; "" where the method has none."""
    found = [f"--{one.name}" for one in method.about().options if what in one.saves]
    return f", or train with a smaller {' or '.join(found)}" if found else ""


def check_disk(parts: Parts, engine: str | None, method: Method, needed: int) -> None:
    """``EmotionetError`` (``disk_full``) where a run needs more than is free."""
    if parts.settings.on_cluster(engine):
        return
    free = free_disk(parts.settings.work)
    if needed > free:
        raise EmotionetError(
            f"this run needs about {size_text(needed)} of disk below {parts.settings.work}, but only "
            f"{size_text(free)} are free",
            code="disk_full",
            hint=f"make room, set EMOTIONET_HOME to a larger disk{_saving(method, 'disk')}.",
        )


def check_memory(parts: Parts, engine: str | None, method: Method, needed: int) -> None:
    """``EmotionetError`` (``out_of_memory``) where one fold alone needs more than is free, as far as can be told."""
    free = 0 if parts.settings.on_cluster(engine) else memory_for_children()
    if free and needed > free:
        raise EmotionetError(
            f"one fold needs about {size_text(needed)} of memory, but only {size_text(free)} are free for it",
            code="out_of_memory",
            hint=f"end other programs{_saving(method, 'memory')}.",
        )
