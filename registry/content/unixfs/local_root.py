"""The directory of files that were added one by one, built from what is known of each.

Invariants: it holds exactly those that were added, at their paths. However many they are, what is known of them is
read from where it waits; memory holds their names and their hashes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping

from registry.content.unixfs import importer
from registry.content.unixfs.importer import Added, Sink
from registry.core.ipld.cid import CID
from registry.spool import ByPath

_AFTER = chr(ord("/") + 1)  # sorts behind all that lies in a folder


class _Entries(Mapping[str, tuple[CID, int]]):
    """What one directory holds: the folders below it, and the files, each read when it is asked for."""

    def __init__(self, files: list[str], added: ByPath[Added], prefix: str) -> None:
        self._files, self._added, self._prefix = files, added, prefix
        self.folders: dict[str, tuple[CID, int]] = {}
        self.own = array("q")  # places of its files among all

    def __iter__(self) -> Iterator[str]:
        yield from self.folders
        yield from (self._files[index][len(self._prefix) :] for index in self.own)

    def __len__(self) -> int:
        return len(self.folders) + len(self.own)

    def __getitem__(self, name: str) -> tuple[CID, int]:
        if name in self.folders:
            return self.folders[name]
        found = self._added.get(self._prefix + name)
        if found is None:
            raise KeyError(name)
        return found.cid, found.tsize


def directory(sink: Sink, profile: str, files: list[str], added: ByPath[Added]) -> Added:
    """The directory, and those below it, of what was added of the sorted ``files``."""
    return _below(sink, profile, files, added, "", (0, len(files)))


def _below(
    sink: Sink, profile: str, files: list[str], added: ByPath[Added], prefix: str, within: tuple[int, int]
) -> Added:
    """The same of those ``within``, which begin with ``prefix``."""
    entries = _Entries(files, added, prefix)
    index, end = within
    while index < end:
        name, slash, _ = files[index][len(prefix) :].partition("/")
        if not slash:
            if added.has(index):
                entries.own.append(index)
            index += 1
            continue
        behind = bisect_left(files, f"{prefix}{name}{_AFTER}", index, end)
        if any(map(added.has, range(index, behind))):
            made = _below(sink, profile, files, added, f"{prefix}{name}/", (index, behind))
            entries.folders[name] = made.cid, made.tsize
        index = behind
    return importer.add_directory(sink, entries, profile)
