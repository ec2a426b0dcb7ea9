"""What is done to a file as a whole: its roots, blocks that nothing leads to, the order of blocks, entries of the log.

``FILE`` variants change no record. Some of them say the same as the honest file: those are no tampering.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import msgspec

from registry.core import log, records
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from tests.support.forgery import OtherKey
from tests.tampering.forger import Forger
from tests.tampering.sealed import File

FILE = "file"
Signer = log.Signer | None
Made = Iterator[tuple[str, str, str, str, Callable[[], File]]]  # what, field, how, by whom, the file


class Wider:
    """Of one release."""

    def __init__(self, forger: Forger) -> None:
        self._forger, self._sealed = forger, forger.sealed
        self._file, self._other = forger.sealed.file, forger.sealed.other
        self._entries: Mapping[CID, records.Entry] = {
            cid: records.parse_as(records.Entry, data) for cid, data in self._file.sections if b"dtypeeentry" in data
        }

    def __iter__(self) -> Made:
        yield from self._roots()
        yield from self._beside()
        yield from self._order()
        yield from self._log()
        yield from self._signatures()
        yield from self._weights()

    def _roots(self) -> Made:
        file = self._file
        for at, root in enumerate(file.roots):
            rest = (*file.roots[:at], *file.roots[at + 1 :])
            said = f"root {self._said(root)}"
            yield said, "(root)", "removed with what only it leads to", "outsider", self._only(rest)
            yield said, "(root)", "no root any more", "outsider", _file(rest, file.sections)
            yield said, "(root)", "first", "outsider", _file((root, *rest), file.sections)
            yield said, "(root)", "twice", "outsider", _file((*file.roots, root), file.sections)
        nowhere = cid_of(b"nowhere", DAG_CBOR)
        yield FILE, "roots", "one that is missing", "outsider", _file((*file.roots, nowhere), file.sections)
        yield FILE, "roots", "none", "outsider", _file((), file.sections)
        yield FILE, "roots", "reversed", "outsider", _file(file.roots[::-1], file.sections)
        for name, roots in {
            "first": (*self._other.roots, *file.roots),
            "last": (*file.roots, *self._other.roots),
        }.items():
            both = dict(file.sections) | dict(self._other.sections)
            yield FILE, "roots", f"another release's {name}", "outsider", _file(roots, both.items())
        for cid in self._forger.values:
            if cid not in file.roots:
                yield FILE, "roots", f"{self._said(cid)} too", "outsider", _file((*file.roots, cid), file.sections)

    def _only(self, roots: tuple[CID, ...]) -> Callable[[], File]:
        """What these roots lead to, and the blocks that no root led to before."""

        def make() -> File:
            kept, before = self._reached(roots), self._reached(self._file.roots)
            return File(roots, tuple((c, data) for c, data in self._file.sections if c in kept or c not in before))

        return make

    def _reached(self, roots: Iterable[CID]) -> set[CID]:
        blocks, found, pending = self._forger.blocks, set[CID](), list(roots)
        while pending:
            cid = pending.pop()
            if cid in blocks and cid not in found:
                found.add(cid)
                pending += encoding.links(blocks[cid], cid.codec) if cid.codec in encoding.LINKING else ()
        return found

    def _said(self, cid: CID) -> str:
        value = self._forger.values.get(cid)
        kind = value.get("type", "node") if isinstance(value, dict) else "file"
        below = self._forger.values.get(value["record"]) if kind == "entry" and isinstance(value, dict) else None
        return f"{kind} of {below['type']}" if isinstance(below, dict) else str(kind)

    def _beside(self) -> Made:
        """Blocks and records that nothing leads to, added."""
        sections = self._file.sections
        junk = (cid_of(b"junk", RAW), b"junk")
        yield FILE, "blocks", "one that nothing leads to", "outsider", _file(self._file.roots, (*sections, junk))
        for cid, data in self._other.sections:
            if cid not in self._forger.blocks:
                what = f"beside {_type(data)}"
                yield (
                    what,
                    "(block)",
                    "another release's",
                    "outsider",
                    _file(self._file.roots, (*sections, (cid, data))),
                )
        for cid, data in sections:
            if cid.codec == DAG_CBOR:
                raw = (cid_of(data, RAW), data)
                rest = tuple(one for one in sections if one[0] != cid)
                name = f"block {_type(data)}"
                yield name, "(block)", "as raw bytes", "outsider", _file(self._file.roots, (*rest, raw))

    def _order(self) -> Made:
        roots, sections = self._file.roots, self._file.sections
        yield FILE, "order", "reversed", "outsider", _file(roots, sections[::-1])
        yield FILE, "order", "sorted", "outsider", _file(roots, sorted(sections, key=lambda one: bytes(one[0])))
        yield FILE, "blocks", "all twice", "outsider", _file(roots, (*sections, *sections))

    def _log(self) -> Made:
        """Entries beside those in the file, signed by the holder or somebody else; entries that change places."""
        key, other = self._sealed.key, OtherKey()
        kinds = {self._said(cid): cid for cid in self._entries}
        for said, cid in kinds.items():
            entry = self._entries[cid]
            records_ = {self._said(one): one for one in self._forger.values if "record" not in self._forger.values[one]}
            for name, record in records_.items():
                if record == entry.record or name in ("node", "table", "file"):
                    continue
                twin = msgspec.structs.replace(entry, record=record)
                yield f"entry beside {said}", "(fork)", f"says a {name} in its place", "holder", self._added(twin, key)
                away = msgspec.structs.replace(twin, issuer=other.did, key=other.public_key)
                yield (
                    f"entry beside {said}",
                    "(fork)",
                    f"says a {name}, of another",
                    "outsider",
                    self._added(away, other),
                )
            for how, moved in _moved(entry, cid):
                yield f"entry beside {said}", "(fork)", how, "holder", self._added(moved, key)
        for (one, a), (two, b) in combinations(self._entries.items(), 2):
            said = f"{self._said(one)} and {self._said(two)}"
            for field, names in {"(places)": ("seq", "prev", "log"), "record": ("record",)}.items():
                yield said, field, "exchanged", "holder", self._exchanged((one, a), (two, b), names, key)

    def _exchanged(
        self, one: tuple[CID, records.Entry], two: tuple[CID, records.Entry], names: Iterable[str], signer: Signer
    ) -> Callable[[], File]:
        def with_of(cid: CID, other: records.Entry) -> dict[str, object]:
            return {**self._forger.values[cid], **{name: getattr(other, name) for name in names}}

        changed = {one[0]: with_of(one[0], two[1]), two[0]: with_of(two[0], one[1])}
        return lambda: self._forger.forge(changed, signer=signer)

    def _weights(self) -> Made:
        """Two trainings' weights, or histories, change places, with all that is said of them."""
        values = self._forger.values
        trainings = [cid for cid, one in values.items() if isinstance(one, dict) and one.get("type") == "training"]
        release = next(cid for cid, one in values.items() if isinstance(one, dict) and one.get("type") == "release")
        for one, two in combinations(trainings, 2):
            a, b = values[one], values[two]
            for names in (("weights", "tensors"), ("history",), ("weights", "tensors", "history")):
                changed: dict[CID, Any] = {
                    one: {**a, **{name: b[name] for name in names}},
                    two: {**b, **{name: a[name] for name in names}},
                }
                if "weights" in names:
                    given = {a["weights"]: b["weights"], b["weights"]: a["weights"]}
                    tensors = {a["tensors"]: b["tensors"], b["tensors"]: a["tensors"]}
                    said = [
                        {**w, "cid": given.get(w["cid"], w["cid"]), "tensors": tensors.get(w["tensors"], w["tensors"])}
                        for w in values[release]["weights"]
                    ]
                    changed[release] = {**values[release], "weights": said}
                yield "training", " and ".join(names), "exchanged", "holder", self._forged(changed)

    def _forged(self, changed: Mapping[CID, Any]) -> Callable[[], File]:
        return lambda: self._forger.forge(changed, signer=self._sealed.key)

    def _added(self, entry: records.Entry, signer: log.Signer) -> Callable[[], File]:
        def make() -> File:
            data = records.encode(msgspec.structs.replace(entry, signature=signer.sign(log.signing_bytes(entry))))
            return File(self._file.roots, (*self._file.sections, (cid_of(data, DAG_CBOR), data)))

        return make

    def _signatures(self) -> Made:
        for one, two in combinations(self._entries.items(), 2):
            for by, signer in (("outsider", None), ("holder", self._sealed.key)):
                yield "entry", "signature", "exchanged", by, self._exchanged(one, two, ("signature",), signer)


def _moved(entry: records.Entry, cid: CID) -> Iterator[tuple[str, records.Entry]]:
    replace = msgspec.structs.replace
    yield "the next but one", replace(entry, seq=entry.seq + 2, prev=bytes(cid), log=entry.log or bytes(cid))
    yield "a later place, the same entry before", replace(entry, seq=entry.seq + 1)
    yield "a later time", replace(entry, issued_at="2031-01-01T00:00:00Z")
    yield "an earlier time", replace(entry, issued_at="2001-01-01T00:00:00Z")
    yield (
        "another first entry",
        replace(entry, seq=entry.seq + 1, prev=bytes(cid), log=bytes(cid_of(b"first", DAG_CBOR))),
    )


def _type(data: bytes) -> str:
    try:
        value = encoding.decode(data)
    except Exception:
        return "of a file"
    return str(value.get("type", "node")) if isinstance(value, dict) else "node"


def _file(roots: Iterable[CID], sections: Iterable[tuple[CID, bytes]]) -> Callable[[], File]:
    return lambda: File(tuple(roots), tuple(sections))
