"""Checkpoints (C2SP tlog-checkpoint) and what witnesses sign under them (tlog-cosignature, Ed25519).

A checkpoint is a note of three lines or more: the log's origin, the number of entries in decimal, the root hash in
base64. Invariant: it is read only in its one form; extension lines are kept and mean nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from registry.core.errors import InvalidInput, Untrusted
from registry.core.tlog import ed25519
from registry.core.tlog.merkle import EMPTY_ROOT, HASH_SIZE
from registry.core.tlog.note import COSIGNATURE, Note, Signature, VerifierKey, read_note

MAX_SIZE = 1 << 62  # entries of a log
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME_SIZE = 8


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log's tree: its first ``size`` entries have this root hash."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The note's text."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def read_number(text: str) -> int:
    """A decimal number with no leading zeros. ``InvalidInput`` (``bad_checkpoint``)."""
    if not _NUMBER.fullmatch(text) or int(text) > MAX_SIZE:
        raise _bad(f"{text[:30]!r} is no number of entries")
    return int(text)


def read_hash(text: str) -> bytes:
    """32 bytes in standard base64. ``InvalidInput`` (``bad_checkpoint``)."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != HASH_SIZE or base64.b64encode(found).decode() != text:
        raise _bad(f"{text[:60]!r} is no hash of 32 bytes in base64")
    return found


def read_text(text: str) -> Checkpoint:
    """A checkpoint from a note's text."""
    lines = text.split("\n")
    if lines.pop() != "" or len(lines) < 3 or not all(lines):
        raise _bad("it needs three lines, none of them empty")
    found = Checkpoint(lines[0], read_number(lines[1]), read_hash(lines[2]), tuple(lines[3:]))
    if found.size == 0 and found.root != EMPTY_ROOT:
        raise _bad("an empty log has another root hash")
    return found


def read(data: bytes) -> tuple[Checkpoint, Note]:
    """A signed checkpoint, whose signatures nobody has verified yet. ``InvalidInput``: ``bad_note``,
    ``bad_checkpoint``."""
    note = read_note(data)
    return read_text(note.text), note


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(checkpoint: str, name: str, seed: bytes, time: int) -> Signature:
    """A witness's cosignature of a checkpoint's text at a POSIX time."""
    key = VerifierKey(name, COSIGNATURE, ed25519.public_key(seed))
    signature = ed25519.sign(seed, _cosigned(checkpoint, time))
    return Signature(name, key.id, time.to_bytes(_TIME_SIZE, "big") + signature)


def cosigned_at(note: Note, key: VerifierKey) -> int | None:
    """The POSIX time of this witness's cosignature; None where there is none. ``Untrusted`` (``bad_signature``) for
    one that does not verify."""
    found = note.by(key)
    if found is None:
        return None
    time = int.from_bytes(found[:_TIME_SIZE], "big")
    if len(found) != _TIME_SIZE + ed25519.SIGNATURE_SIZE or not 0 < time < 1 << 63:
        raise Untrusted(f"the cosignature of {key.name} is malformed", code="bad_signature")
    if not ed25519.verifies(key.public, found[_TIME_SIZE:], _cosigned(note.text, time)):
        raise Untrusted(f"the cosignature of {key.name} does not verify", code="bad_signature")
    return time


def cosigners(note: Note, witnesses: Iterable[VerifierKey]) -> dict[str, int]:
    """Of these witnesses those who cosigned, by the text of their key, and when. ``Untrusted`` as ``cosigned_at``."""
    times = {str(key): cosigned_at(note, key) for key in witnesses}
    return {key: time for key, time in times.items() if time is not None}


def _bad(why: str) -> InvalidInput:
    return InvalidInput(f"this is not a checkpoint: {why}", code="bad_checkpoint")
