"""What a fold needs to go on elsewhere, kept as blocks: a lost node takes no more than a few minutes' work along.

Invariants: only where other machines reach the blocks; a home of its own goes on from its folder. The newest checkpoint
is pinned before a fold's row names it, and the one before is let go of after that. Whoever takes the fold up starts
from it, unless its own folder came further since. A store that is away delays nothing: the next epoch tries again. No
checkpoint is part of any record, so none is served or exported.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from registry.content.unixfs import importer, reader
from registry.core.errors import NotFound, Unavailable, with_hint
from registry.core.ipld.cid import CID
from registry.core.ports.store import BlockStore
from registry.files import single_writer_file

Report = Callable[[Mapping[str, Any]], None]
NOTE = "carried.json"  # which checkpoint this folder made last, or began with


class Carried:
    """The files of one fold's folder that its method names (``MethodCard.carried``)."""

    def __init__(self, store: BlockStore, folder: Path, patterns: tuple[str, ...], seconds: float) -> None:
        self._store, self._folder, self._patterns, self._seconds = store, folder, patterns, seconds
        self._kept = self._stamp()
        self._at = time.monotonic()

    def _files(self) -> list[Path]:
        found = {path for pattern in self._patterns for path in self._folder.glob(pattern)}
        return sorted(path for path in found if path.is_file() and not path.is_symlink())

    def _stamp(self) -> list[tuple[str, int, int]]:
        return [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in self._files()]

    def _noted(self) -> str | None:
        try:
            return str(json.loads((self._folder / NOTE).read_bytes())["checkpoint"])
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def _note(self, checkpoint: str) -> None:
        with single_writer_file(self._folder / NOTE) as stream:
            stream.write(json.dumps({"checkpoint": checkpoint}).encode())

    def restore(self, checkpoint: str | None, report: Report) -> None:
        """Begin with what another machine kept. What is no longer held is told, and the fold begins anew."""
        if checkpoint is None or self._noted() == checkpoint:
            return
        try:
            found = dict(_read(self._store, CID.parse(checkpoint)))
        except NotFound as error:
            report({"event": "restarted", "reason": f"its checkpoint is not held: {error}"})
            return
        for path in self._files():
            path.unlink()
        for name, data in found.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with single_writer_file(path) as stream:
                stream.write(data)
        self._note(checkpoint)
        self._kept = self._stamp()

    def keeping(self, report: Report) -> Report:
        """The same report, which keeps a checkpoint on the way where there is a new one, and time has passed."""

        def reported(document: Mapping[str, Any]) -> None:
            report(document)
            if time.monotonic() - self._at < self._seconds:
                return
            stamp = self._stamp()
            if stamp and stamp != self._kept:
                self._at = time.monotonic()
                self._keep(stamp, report)

        return reported

    def _keep(self, stamp: list[tuple[str, int, int]], report: Report) -> None:
        try:
            root = _write(self._store, self._folder, self._files())
            self._store.pin(root)
            self._note(str(root))
        except Unavailable as error:
            print(f"the checkpoint could not be kept: {with_hint(error)}", file=sys.stderr)
            return
        self._kept = stamp
        report({"checkpoint": str(root)})


def _write(store: BlockStore, folder: Path, files: list[Path]) -> CID:
    """A folder of files, and of folders of files; its CID."""
    tops: dict[str, dict[str, tuple[CID, int]]] = {}
    for path in files:
        with path.open("rb") as stream:
            added = importer.add_file(store, stream, digest=False)
        top, _, name = path.relative_to(folder).as_posix().partition("/")
        tops.setdefault(top if name else "", {})[name or top] = (added.cid, added.tsize)
    entries = tops.pop("", {})
    for top, inside in tops.items():
        made = importer.add_directory(store, inside)
        entries[top] = (made.cid, made.tsize)
    root = importer.add_directory(store, entries).cid
    store.flush()
    return root


def _read(store: BlockStore, root: CID) -> list[tuple[str, bytes]]:
    found = []
    for name, entry in reader.entries(store, root):
        if reader.is_directory(store, entry.cid):
            found += [
                (f"{name}/{inner}", reader.read_whole(store, one.cid))
                for inner, one in reader.entries(store, entry.cid)
            ]
        else:
            found.append((name, reader.read_whole(store, entry.cid)))
    return found
