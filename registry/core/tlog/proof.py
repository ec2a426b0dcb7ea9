"""Proofs that an entry is in a log, in C2SP's tlog-proof format, and a witness's request (tlog-witness).

Invariant: both are read only in their one form. What they hold is verified by ``registry.core.tlog.issuer_log`` and
``merkle``; nothing is verified here.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from registry.core.errors import InvalidInput
from registry.core.tlog.checkpoint import Checkpoint, read_hash, read_number, read_text
from registry.core.tlog.merkle import MOST_HASHES
from registry.core.tlog.note import MAX_BYTES, Note, read_note

HEADER = "c2sp.org/tlog-proof@v1"


def hash_lines(hashes: Sequence[bytes]) -> str:
    """One base64 line a hash."""
    return "".join(f"{base64.b64encode(one).decode()}\n" for one in hashes)


def read_hash_lines(lines: Sequence[str]) -> tuple[bytes, ...]:
    """At most 63 of them. ``InvalidInput`` (``bad_proof``)."""
    if len(lines) > MOST_HASHES:
        raise InvalidInput(f"a proof has at most {MOST_HASHES} hashes", code="bad_proof")
    return tuple(map(read_hash, lines))


@dataclass(frozen=True)
class Proof:
    """The entry at ``index`` is in the tree of the checkpoint that ``note`` signs."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note says."""
        return read_text(self.note.text)

    def __bytes__(self) -> bytes:
        return f"{HEADER}\nindex {self.index}\n{hash_lines(self.hashes)}\n{self.note}".encode()


def read_proof(data: bytes) -> Proof:
    """A tlog-proof without extra data. ``InvalidInput``: ``bad_proof``, ``bad_note``, ``bad_checkpoint``."""
    head, note = _parts(data)
    if len(head) < 2 or head[0] != HEADER or not head[1].startswith("index "):
        raise InvalidInput("this is not a tlog-proof", code="bad_proof")
    found = Proof(read_number(head[1].removeprefix("index ")), read_hash_lines(head[2:]), note)
    read_text(note.text)
    return found


@dataclass(frozen=True)
class AddCheckpoint:
    """What a log asks of a witness: its newest checkpoint, and that it goes on from the tree of ``old`` entries."""

    old: int
    hashes: tuple[bytes, ...]
    note: Note

    def __bytes__(self) -> bytes:
        return f"old {self.old}\n{hash_lines(self.hashes)}\n{self.note}".encode()


def read_add_checkpoint(data: bytes) -> AddCheckpoint:
    """The body of ``add-checkpoint``. ``InvalidInput``: ``bad_proof``, ``bad_note``, ``bad_checkpoint``."""
    head, note = _parts(data)
    if not head or not head[0].startswith("old "):
        raise InvalidInput("this does not begin with the old size", code="bad_proof")
    found = AddCheckpoint(read_number(head[0].removeprefix("old ")), read_hash_lines(head[1:]), note)
    read_text(note.text)
    return found


def _parts(data: bytes) -> tuple[list[str], Note]:
    """The lines before the first blank one, and the note after it."""
    head, blank, note = data[:MAX_BYTES].partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        blank = b""
    if not blank or len(data) > MAX_BYTES:
        raise InvalidInput("a proof is followed by a blank line and a checkpoint", code="bad_proof")
    return lines, read_note(note)
