"""What weights saw, kept in an audit's folder by all that decides it.

Invariants: a file is written whole and is decoded strictly; one that is missing, cut or of another number of images is
as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from registry.core.errors import EmotionetError, Unavailable, not_written
from registry.core.ports.method import Detection
from registry.files import single_writer_file
from registry.provenance.checks.target.rerun import Asked

_Kept = msgspec.json.Decoder(list[list[tuple[int, int, int, int, int, int]]])
Chunk = tuple[tuple[Detection, ...], ...]


@dataclass(frozen=True)
class Part:
    """Images that some weights are to see, and where the answer is kept."""

    asked: Asked
    images: tuple[bytes, ...]
    kept: Path


def made_folder(folder: Path) -> None:
    """Make a folder. ``Unavailable`` where the disk does not let us."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error) from error


def keep(part: Part, found: Any) -> None:
    """Keep what a child said of a part's images, one list of detections each."""
    data = json.dumps(found).encode()
    if len(_Kept.decode(data)) != len(part.images):
        raise EmotionetError("the method gave another number of answers than it was shown images", code="bad_method")
    made_folder(part.kept.parent)
    with single_writer_file(part.kept, durable=False) as stream:
        stream.write(data)


def kept_of(part: Part) -> Chunk | None:
    """What was seen before; None for a file that is missing, cut or not of these images."""
    try:
        found = _Kept.decode(part.kept.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return tuple(tuple(one) for one in found) if len(found) == len(part.images) else None


def needed(part: Part) -> Chunk:
    """What was seen a moment ago. ``Unavailable`` if somebody took it away."""
    found = kept_of(part)
    if found is None:
        raise Unavailable("what the weights saw was lost", code="lost", hint="audit again.")
    return found


def key_of(parts: list[Any]) -> str:
    """A name that follows from all of the parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
