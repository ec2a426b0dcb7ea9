"""Signed notes and verifier keys as C2SP signed-note v1 writes them (what golang.org/x/mod/sumdb/note reads).

A note is a text that ends in a newline, a blank line, and signature lines ``— NAME BASE64(key id || signature)``.
Invariants: a note is read only in its one form, so that writing it again gives the same bytes; signatures of unknown
keys are kept and ignored; one of a known key that does not verify makes the whole note ``Untrusted``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from registry.core.errors import InvalidInput, Untrusted
from registry.core.tlog import ed25519

ED25519 = 0x01  # signature types (signed-note, "Signature types")
COSIGNATURE = 0x04
OTHER = 0xFF  # followed by an identifier of our own
MAX_BYTES = 1 << 20
MAX_SIGNATURES = 100  # as Go's package
_DASH = "— "
_ID_SIZE = 4


def key_id(name: str, kind: bytes, public: bytes) -> bytes:
    """SHA-256(name || newline || type || public key)[:4]."""
    return sha256(name.encode() + b"\n" + kind + public).digest()[:_ID_SIZE]


@dataclass(frozen=True)
class VerifierKey:
    """An Ed25519 public key and its name, for notes (type 1) or cosignatures (type 4)."""

    name: str
    kind: int
    public: bytes

    @cached_property
    def id(self) -> bytes:
        """The four bytes that stand in its signatures."""
        return key_id(self.name, bytes([self.kind]), self.public)

    def __str__(self) -> str:
        """``NAME+HEX+BASE64``: the vkey."""
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([self.kind]) + self.public)}"


def read_key(text: str) -> VerifierKey:
    """A vkey. ``InvalidInput`` (``bad_key``) if it is none of the two types."""
    name, _, rest = text.partition("+")
    given_id, _, encoded = rest.partition("+")
    try:
        data = _decoded(encoded)
    except InvalidInput:
        data = b""
    if not is_name(name) or len(data) != 1 + ed25519.KEY_SIZE or data[0] not in (ED25519, COSIGNATURE):
        raise InvalidInput(f"{text[:80]!r} is no verifier key", code="bad_key", hint="write NAME+KEYID+BASE64.")
    found = VerifierKey(name, data[0], data[1:])
    if found.id.hex() != given_id:
        raise InvalidInput(f"the id in {text[:80]!r} is not that of its key", code="bad_key")
    ed25519.check_key(found.public)
    return found


def is_name(name: str) -> bool:
    """Whether a key, or a log, may be called so: not empty, neither blank nor plus nor control character."""
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


@dataclass(frozen=True)
class Signature:
    """One line under a note."""

    name: str
    id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {_base64(self.id + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """A text that ends in a newline, and what was signed under it. Nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.signatures))

    def by(self, key: VerifierKey) -> bytes | None:
        """This key's signature, not verified; None where there is none."""
        return next((one.signature for one in self.signatures if (one.name, one.id) == (key.name, key.id)), None)

    def with_signatures(self, more: Iterable[Signature]) -> Note:
        """The same with these; a newer one of a key takes the place of an older one."""
        found = {(one.name, one.id): one for one in self.signatures}
        found.update({(one.name, one.id): one for one in more})
        return Note(self.text, tuple(found.values()))


def read_note(data: bytes) -> Note:
    """A signed note. ``InvalidInput`` (``bad_note``) unless it is in its one form."""
    if len(data) > MAX_BYTES:
        raise _bad("it is longer than 1 MiB")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise _bad("it is not UTF-8") from None
    if any(one < " " and one != "\n" for one in whole):
        raise _bad("it has control characters")
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n"):
        raise _bad("it has no signatures")
    return Note(text + "\n", read_signatures(lines))


def read_signatures(lines: str) -> tuple[Signature, ...]:
    """Signature lines, each ended by a newline."""
    split = lines.split("\n")
    if split.pop() != "" or not split or len(split) > MAX_SIGNATURES:
        raise _bad("its signatures are none, too many, or cut off")
    return tuple(map(_signature, split))


def _signature(line: str) -> Signature:
    name, blank, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not blank or not is_name(name):
        raise _bad("a signature's line is malformed")
    data = _decoded(encoded)
    if len(data) <= _ID_SIZE:
        raise _bad("a signature is too short")
    return Signature(name, data[:_ID_SIZE], data[_ID_SIZE:])


def sign(note: str, name: str, seed: bytes) -> Signature:
    """An Ed25519 signature (type 1) of a note's text."""
    key = VerifierKey(name, ED25519, ed25519.public_key(seed))
    return Signature(name, key.id, ed25519.sign(seed, note.encode()))


def check_signed(note: Note, key: VerifierKey) -> None:
    """``Untrusted`` (``bad_signature``) unless this key (type 1) signed the note."""
    found = note.by(key)
    if found is None:
        raise Untrusted(f"the note is not signed by {key.name}", code="bad_signature")
    if not ed25519.verifies(key.public, found, note.text.encode()):
        raise Untrusted(f"the signature of {key.name} does not verify", code="bad_signature")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    """Standard base64 in its one form."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or _base64(data) != text:
        raise _bad("its base64 is malformed")
    return data


def _bad(why: str) -> InvalidInput:
    return InvalidInput(f"this is not a signed note: {why}", code="bad_note")
