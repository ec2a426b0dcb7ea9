"""Makes everything above a change again, in memory: CIDs, tables, entries; and signs, where the forger can.

Invariants: every link to, and every name of, a block that is made again is exchanged for the new one; nothing else
changes. What only others could make again (stamps, rounds, proofs of a tree) is left as it is, or left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from registry.core import log, records
from registry.core.errors import EmotionetError
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.keys.proofs import prove
from tests.tampering.sealed import File, Sealed
from tests.tampering.values import walk

Changed = Mapping[CID, Any]  # a block's new value (decoded), or the CID of another block that takes its place


class Forger:
    """Of one release."""

    def __init__(self, sealed: Sealed) -> None:
        self.sealed = sealed
        self.blocks = sealed.blocks
        self.values = {cid: encoding.decode(data) for cid, data in self.blocks.items() if cid.codec == DAG_CBOR}
        names = {bytes(cid): cid for cid in self.blocks}
        self._below: dict[CID, set[CID]] = {}
        self._above: dict[CID, set[CID]] = {}
        for cid, data in self.blocks.items():
            value = self.values.get(cid)
            found = set(_named(value, names)) if cid in self.values else set(encoding.links(data, cid.codec))
            self._below[cid] = found
            for below in found:
                self._above.setdefault(below, set()).add(cid)

    def below(self, cid: CID) -> set[CID]:
        """What a block links to or names."""
        return self._below.get(cid, set())

    def above(self, changed: Iterable[CID]) -> set[CID]:
        """The blocks that a change of these changes, themselves too."""
        found, pending = set[CID](), list(changed)
        while pending:
            cid = pending.pop()
            if cid not in found:
                found.add(cid)
                pending += self._above.get(cid, ())
        return found

    def forge(
        self,
        changed: Changed,
        more: Mapping[CID, bytes] | None = None,
        *,
        signer: log.Signer | None = None,
        keep_evidence: bool = False,
    ) -> File:
        """The file with some blocks changed and those above made again; ``signer`` None: entries keep the signatures
        that they have."""
        changed = {cid: value for cid, value in changed.items() if value != cid}
        return _Making(self, changed, signer, keep_evidence).file(more or {})


def _named(value: Any, names: Mapping[bytes, CID]) -> Iterable[CID]:
    for _, one in walk(value):
        if isinstance(one, CID):
            yield one
        elif isinstance(one, bytes) and one in names:
            yield names[one]


class _Making:
    def __init__(self, forger: Forger, changed: Changed, signer: log.Signer | None, keep_evidence: bool) -> None:
        self._forger, self._changed, self._signer = forger, changed, signer
        self._dirty = forger.above(changed)
        self._keep = keep_evidence or signer is None
        self._new: dict[CID, CID] = {}
        self._made: dict[CID, bytes] = {}

    def file(self, more: Mapping[CID, bytes]) -> File:
        found: dict[CID, bytes] = {}
        gone = {cid for cid in self._forger.blocks if cid not in self._changed and not self._keep and self._goes(cid)}
        for cid, data in self._forger.sealed.file.sections:
            if cid in gone:
                continue
            new = self._again(cid)
            found[new] = self._made.get(new, data)
        found |= {cid: data for cid, data in self._made.items() if b"dtypedkeys" in data}
        found |= more
        roots = tuple(self._again(cid) for cid in self._forger.sealed.file.roots if cid not in gone)
        return File(roots, tuple(found.items()))

    def _goes(self, cid: CID) -> bool:
        """Evidence that would speak against the change: of entries that were made again, and of trees with them."""
        value = self._forger.values.get(cid)
        if not isinstance(value, dict) or value.get("type") != "evidence":
            return False
        return cid in self._dirty or (value.get("kind") == records.WITNESS and self._signs_again())

    def _signs_again(self) -> bool:
        return any(_type(self._forger.values.get(cid)) == "entry" for cid in self._dirty)

    def _again(self, cid: CID) -> CID:
        if cid not in self._dirty:
            return cid
        if cid not in self._new:
            self._new[cid] = cid  # a change that names what lies above it can't follow it there
            self._new[cid] = self._make(cid)
        return self._new[cid]

    def _make(self, cid: CID) -> CID:
        value = self._changed.get(cid)
        if isinstance(value, CID):
            return value
        old = self._forger.blocks.get(cid, b"")
        if cid.codec != DAG_CBOR:
            made = self._exchanged(cid, value if isinstance(value, bytes) else old)
            return self._keep_block(cid_of(made, cid.codec), made)
        data = self._exchanged(cid, old if cid not in self._changed else encoding.encode(value))
        if self._signer is not None and not self._forged(cid) and _type(self._forger.values[cid]) == "entry":
            data = self._signed(data, self._signer)
        return self._keep_block(cid_of(data, DAG_CBOR), data)

    def _forged(self, cid: CID) -> bool:
        """Whether an entry's signature is what was changed: then it stays so."""
        new, old = self._changed.get(cid), self._forger.values[cid]
        if not isinstance(new, dict):
            return False
        return new.get("signature") not in (None, old.get("signature"))

    def _signed(self, data: bytes, signer: log.Signer) -> bytes:
        """An entry signed as it stands; what is no entry stays as it is."""
        try:
            entry = records.parse_as(records.Entry, data)
        except EmotionetError:
            return data
        entry = self._agreed(entry)
        by = self._forger.sealed.signer_of(entry.key, signer)
        return records.encode(msgspec.structs.replace(entry, signature=by.sign(log.signing_bytes(entry))))

    def _agreed(self, entry: records.Entry) -> records.Entry:
        """A handover to the holder's own key is agreed to again, for its new place."""
        key, data = self._forger.sealed.key, self._forger.blocks.get(entry.record, b"")
        if b"dtypedkeys" not in data or self._signer is not key or None in (entry.log, entry.prev):
            return entry
        said = records.parse_as(records.Keys, data)
        if said.successor != key.did:
            return entry
        assert entry.log is not None
        assert entry.prev is not None
        proof = prove(key, entry.issuer, entry.log, entry.prev, entry.seq, said)
        made = records.encode(msgspec.structs.replace(said, proof=proof))
        return msgspec.structs.replace(entry, record=self._keep_block(cid_of(made, DAG_CBOR), made))

    def _keep_block(self, cid: CID, data: bytes) -> CID:
        self._made[cid] = data
        return cid

    def _exchanged(self, cid: CID, data: bytes) -> bytes:
        """With each CID that was made again in the old one's place: they have one length, so nothing else moves."""
        below = self._forger.below(cid) if cid not in self._changed else self._dirty
        for one in below:
            if one in self._dirty and one != cid and bytes(one) in data:
                data = data.replace(bytes(one), bytes(self._again(one)))
        return data


def _type(value: Any) -> Any:
    return value.get("type") if isinstance(value, dict) else None
