"""A backup's file: an uncompressed tar, which any tar program reads.

``backup.json`` comes first and says what it is; ``manifest.json`` comes near the end with the size and the sha256 of
every other file, then ``manifest.sha256`` in the form of sha256sum. Between them: ``home/…`` (files of the home as they
are on disk), ``database/TABLE.jsonl`` (``registry.catalog.database.copying``), ``blocks.car`` and ``blocks.json`` (the
pins and the heads of logs).

Invariants: a file that was cut, changed or is no backup is refused before anything of it is used; names are compared
with what a backup may hold, and no name is ever a path that the archive chose. The digests find accidents: whoever can
write the file can also write its manifest.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import msgspec

from registry.core.errors import InvalidInput, NewerVersion, Untrusted
from registry.core.progress import Progress

FIRST, MANIFEST, LAST = "backup.json", "manifest.json", "manifest.sha256"
KIND, VERSION = "emotionet-backup", 1
HOME, DATABASE = "home/", "database/"
BLOCKS, PINS = "blocks.car", "blocks.json"
_KEY = r"0x[0-9a-fA-F]{40}"
_NAMES = re.compile(
    rf"home/keys/(?:next/|replaced/)?(?:{_KEY}\.json|passphrase)|home/log/(?:made/{_KEY}|{_KEY}/(?:head\.json|checkpoint))"
    r"|home/journal\.jsonl|database/[a-z][a-z0-9_]{0,60}\.jsonl|blocks\.(?:car|json)|backup\.json"
)
_MOST = 64 << 20  # bytes of a file that is read as a whole
_PIECE = 1 << 20
_UNIT = tarfile.BLOCKSIZE


class _Log(msgspec.Struct):
    issuer: str
    seq: int
    entry: str


class _Said(msgspec.Struct):
    """What a manifest says besides its files."""

    program: str
    time: str
    schema: str
    logs: list[_Log]
    signs_as: list[str]
    rows: int
    settings: dict[str, str]
    opens_key: bool
    blocks: dict[str, int] | None


class _Counted:
    """Where a file's bytes go; knows their number and digest."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.size, self.digest = stream, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._stream.write(data)


class Writer:
    """Writes a backup into a stream that can go back to fill in sizes."""

    def __init__(self, stream: IO[bytes], about: dict[str, Any]) -> None:
        self._stream = stream
        self.files: list[dict[str, Any]] = []
        self.add(FIRST, json_bytes({"type": KIND, "v": VERSION, **about}))

    @contextmanager
    def file(self, name: str) -> Iterator[_Counted]:
        """Where to write one file's bytes."""
        begin = self._stream.tell()
        self._stream.write(_header(name, 0))
        counted = _Counted(self._stream)
        yield counted
        self._stream.write(bytes(-counted.size % _UNIT))
        end = self._stream.tell()
        self._stream.seek(begin)
        self._stream.write(_header(name, counted.size))
        self._stream.seek(end)
        self.files.append({"name": name, "size": counted.size, "sha256": counted.digest.hexdigest()})

    def add(self, name: str, data: bytes) -> None:
        """One file whose bytes are at hand."""
        with self.file(name) as out:
            out.write(data)

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the manifest and the end."""
        data = json_bytes({**manifest, "files": list(self.files)})
        self.add(MANIFEST, data)
        self.add(LAST, f"{hashlib.sha256(data).hexdigest()}  {MANIFEST}\n".encode())
        self._stream.write(bytes(2 * _UNIT))


class Archive:
    """A backup that is whole: ``manifest`` is what it says, ``digest`` tells it from every other."""

    def __init__(self, stream: IO[bytes], progress: Progress) -> None:
        """``InvalidInput`` (``not_a_backup``), ``NewerVersion``, ``Untrusted`` (``backup_damaged``)."""
        self._members = _members(stream)
        self._stream = stream
        about = _object(self._small(FIRST)) if FIRST in self._members else {}
        if about.get("type") != KIND:
            raise not_a_backup()
        version = about.get("v")
        if type(version) is not int or version > VERSION:
            raise NewerVersion("backup", version if type(version) is int else 0)
        if MANIFEST not in self._members or LAST not in self._members:
            raise damaged("it ends before its manifest")
        said = self._small(MANIFEST)
        self.digest = hashlib.sha256(said).hexdigest()
        if self._small(LAST) != f"{self.digest}  {MANIFEST}\n".encode():
            raise damaged("its manifest was changed")
        whole = _object(said)
        self._check(whole, progress)
        try:
            self.manifest: dict[str, Any] = msgspec.to_builtins(msgspec.convert({**about, **whole}, _Said))
        except msgspec.ValidationError as error:
            raise damaged(f"its manifest can't be read: {error}") from error

    def _check(self, manifest: dict[str, Any], progress: Progress) -> None:
        try:
            listed = {str(one["name"]): one for one in manifest["files"]}
        except (LookupError, TypeError) as error:
            raise damaged("its manifest names no files") from error
        if set(listed) != set(self._members) - {MANIFEST, LAST}:
            raise damaged("it does not hold the files that its manifest names")
        whole, done = sum(size for _, size in self._members.values()), 0
        for name, one in listed.items():
            if not _NAMES.fullmatch(name):
                raise damaged(f"a backup holds no file {name[:80]!r}")
            digest = hashlib.sha256()
            for piece in self.pieces(name):
                digest.update(piece)
                done += len(piece)
                progress("verify", done, whole)
            if digest.hexdigest() != one.get("sha256"):
                raise damaged(f"{name} is not what its manifest says")

    def names(self, prefix: str) -> list[str]:
        """The files whose names begin so."""
        return [name for name in self._members if name.startswith(prefix)]

    def pieces(self, name: str) -> Iterator[bytes]:
        """A file's bytes."""
        at, left = self._members[name]
        while left:
            self._stream.seek(at)
            piece = self._stream.read(min(_PIECE, left))
            if not piece:
                raise damaged("it was cut off")
            at, left = at + len(piece), left - len(piece)
            yield piece

    def lines(self, name: str) -> Iterator[bytes]:
        """A file's lines."""
        rest = b""
        for piece in self.pieces(name):
            whole, found, after = piece.rpartition(b"\n")
            if found:
                yield from (rest + whole).split(b"\n")
                rest = after
            else:
                rest += piece
            if len(rest) > _MOST:
                raise damaged(f"a line of {name} is too long")
        if rest:
            yield rest

    def object(self, name: str) -> dict[str, Any]:
        """A file's JSON object."""
        return _object(self._small(name))

    def _small(self, name: str) -> bytes:
        if self._members[name][1] > _MOST:
            raise damaged(f"{name} is too large")
        return b"".join(self.pieces(name))


def _members(stream: IO[bytes]) -> dict[str, tuple[int, int]]:
    """Where each file's bytes lie and how many they are."""
    found: dict[str, tuple[int, int]] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            for info in tar:
                if info.type != tarfile.REGTYPE or info.name in found:
                    raise damaged(f"a backup holds no such file as {info.name[:80]!r}")
                if len(found) > 10_000:
                    raise damaged("it holds too many files")
                found[info.name] = (info.offset_data, info.size)
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        if FIRST in found:
            raise damaged("it was cut off, or changed") from error
        raise not_a_backup() from error
    return found


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")


def json_bytes(value: dict[str, Any]) -> bytes:
    """A JSON object as a file's bytes."""
    return (json.dumps(value, indent=1) + "\n").encode()


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged("a part of it is no JSON") from error
    if not isinstance(value, dict):
        raise damaged("a part of it is no JSON object")
    return value


def not_a_backup() -> InvalidInput:
    """The file is something else."""
    return InvalidInput("this is no backup", code="not_a_backup", hint="name a file that `emotionet backup` wrote.")


def damaged(why: str) -> Untrusted:
    """It is a backup that can't be relied on."""
    return Untrusted(f"the backup is damaged: {why}", code="backup_damaged", hint="copy it again, or take another.")
