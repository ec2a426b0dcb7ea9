"""The checkpoint from which a killed fold continues: plain tensors and numbers, written whole or not at all, read
without unpickling.

Invariants: a checkpoint belongs to one task. One that was cut short, has a changed bit (torch does not check its own
checksums) or belongs to another task is put aside, and the training reports it. One from another kind of machine is
used, and reported. A file is what torch writes, followed by its sha256.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError  # the error alone
from typing import IO, Any

import torch

from pipeline.hardware import agree, hardware
from pipeline.workspace import task_digest
from registry.core.errors import EmotionetError
from registry.core.ports.method import FoldTask
from registry.files import single_writer_file

_DIGEST = 32  # bytes
_UNUSABLE = (OSError, EOFError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, UnpicklingError)


def path_of(task: FoldTask) -> Path:
    """Where a fold's checkpoint lies."""
    return task.workdir / "checkpoint.pt"


class _Hashed:
    """A file that is written to once, from its beginning, and its digest."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle, self.digest = handle, hashlib.sha256()
        self.failed: Exception | None = None

    def write(self, data: bytes) -> int:
        """Write all of it."""
        self.digest.update(data)
        try:
            return self._handle.write(data)
        except (OSError, EmotionetError) as error:
            self.failed = error
            raise

    def flush(self) -> None:
        """What torch asks for at its end."""
        self._handle.flush()


def write(task: FoldTask, values: Mapping[str, Any]) -> None:
    """A machine that loses its power has the old one or the new one."""
    with single_writer_file(path_of(task)) as stream:
        hashed = _Hashed(stream)
        try:
            torch.save({**values, "task": task_digest(task), "machine": _machine()}, hashed)
        except RuntimeError:
            if hashed.failed:  # of which torch says only that its archive is too short
                raise hashed.failed from None
            raise
        stream.write(hashed.digest.digest())


def read(task: FoldTask) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """What was written, or None; and what there is to tell of it."""
    path = path_of(task)
    if not path.exists():
        return None, []
    try:
        saved = _load(path)
        if saved["task"] != task_digest(task):
            raise ValueError("another task's")
        before, epoch = saved["machine"], int(saved["epoch"]) + 1
    except _UNUSABLE as error:
        return None, [{"event": "restarted", "reason": f"checkpoint not usable: {type(error).__name__}"}]
    told = {"event": "resumed", "epoch": epoch}
    if not agree(before, _machine()):  # its bits are others from here on
        told["before_on"] = ", ".join(str(before[name]) for name in sorted(before))
    return saved, [*saved["events"], told]


def _load(path: Path) -> dict[str, Any]:
    data = memoryview(path.read_bytes())
    if hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
        raise ValueError("other bytes than were written")
    found: dict[str, Any] = torch.load(io.BytesIO(data[:-_DIGEST]), weights_only=True, map_location="cpu")
    return found


def _machine() -> dict[str, str]:
    """What decides bits, beside the task."""
    return {**hardware(), "torch": str(torch.__version__)}
