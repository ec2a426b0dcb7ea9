"""What the kit lays behind ``release-1``: withdrawals and changes of keys, honest and made up; and proofs of pictures.

Invariants: each is made of ``release-1/release.car`` and the test keys alone, the same to the byte each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import structs

from registry.core import records
from registry.core.ipld import encoding
from registry.core.ipld.cid import DAG_CBOR, cid_of
from registry.core.keys.proofs import prove
from registry.core.records import Keys, Withdrawal
from registry.core.table import tables
from registry.provenance.picture_proof import is_proof
from tests.support.anchors.signer import MemorySigner
from tests.vectors.families import proofs
from tests.vectors.families.releases import MINE, OTHER, Parts, Value, entry_of, plain

NEW, THIEF = MemorySigner(31), MemorySigner(32)
HOLDS = ("1.blocks", "1.records", "2.issuer", "2.keys", "2.log", "2.signatures", "2.withdrawals")
Case = tuple[Value, tuple[str, ...], tuple[str, ...]]  # the input, what must hold, what must fail
WITHDRAWN = "2026-12-02T12:00:00Z"


class _Behind:
    """The release's file with one more entry behind the release's."""

    def __init__(self) -> None:
        self.at = Parts()
        said = encoding.decode(self.at.blocks[self.at.entry])
        self.seq, self.log = said["seq"] + 1, said["log"]

    def with_entry(self, record: records.Record, signer: MemorySigner = MINE, **other: Any) -> Value:
        """Its own root, as exports have it."""
        fields = {"log": self.log, "issuedAt": WITHDRAWN, **other}
        seq, prev = fields.pop("seq", self.seq), fields.pop("prev", bytes(self.at.entry))
        entry = entry_of(signer, records.cid(record), seq, prev, **fields)
        blocks = [list(entry), [records.cid(record), records.encode(record)]]
        return plain(roots=[*self.at.roots, entry[0]], blocks=blocks)

    def image(self) -> bytes:
        items = self.at.read(self.at.snapshot)["items"]
        return bytes(next(iter(tables.iterate(items, self.at.blocks.__getitem__)))[0])

    def keys(self, *, revoked_from: int | None = None, by: MemorySigner = NEW, proof: bool = True) -> Keys:
        """The log goes to ``NEW``; ``by``: who proves it."""
        said = Keys(successor=NEW.did, proof=None, revoked_from=revoked_from, recovery=None)
        made = prove(by, MINE.did, self.log, bytes(self.at.entry), self.seq, said) if proof else None
        return structs.replace(said, proof=made)


def behind() -> dict[str, Case]:
    """Each file by its name."""
    at = _Behind()
    return {**_withdrawals(at), **_keys(at)}


def _withdrawals(at: _Behind) -> dict[str, Case]:
    of_image = _withdrawal(at.image())
    of_release = _withdrawal(bytes(at.at.release))
    stranger = MemorySigner(33)
    opening = bytes(cid_of(b"an opening elsewhere", DAG_CBOR))
    return {
        "withdrawal, of an image by the issuer": (at.with_entry(of_image), HOLDS, ()),
        "withdrawal, of the release": (at.with_entry(of_release), HOLDS, ()),
        "withdrawal, by a stranger": (
            at.with_entry(of_image, stranger, seq=1, prev=opening, log=opening),
            HOLDS,
            (),
        ),
        "withdrawal, by a stranger in the issuer's name": (
            at.with_entry(of_image, stranger, issuer=MINE.did),
            (),
            ("2.signatures",),
        ),
        "withdrawal, in the release's place of the log": (
            at.with_entry(of_image, seq=at.seq - 1),
            (),
            ("2.log",),
        ),
        "withdrawal, issued before the release": (
            at.with_entry(of_image, issuedAt="2026-11-01T12:00:00Z"),
            (),
            ("2.times",),
        ),
    }


def _withdrawal(target: bytes) -> Withdrawal:
    return Withdrawal(
        target=target,
        issuer=None,
        contributor=None,
        reason="asked for",
        remedy="notice",
        effective=WITHDRAWN,
        replacement=None,
    )


def _keys(at: _Behind) -> dict[str, Case]:
    return {
        "keys, handed over after the release": (at.with_entry(at.keys()), HOLDS, ()),
        "keys, revoked from the next entry on": (at.with_entry(at.keys(revoked_from=at.seq)), HOLDS, ()),
        "keys, revoked from the release's entry on": (
            at.with_entry(at.keys(revoked_from=at.seq - 1)),
            (),
            ("2.keys",),
        ),
        "keys, taken by a thief": (at.with_entry(at.keys(), THIEF, issuer=MINE.did), (), ("2.signatures",)),
        "keys, without the successor's proof": (at.with_entry(at.keys(proof=False)), (), ("2.signatures",)),
        "keys, proved by another key": (at.with_entry(at.keys(by=OTHER)), (), ("2.signatures",)),
    }


def proofs_of_pictures() -> Iterator[tuple[str, bytes, bool | None]]:
    """A name, the file, and whether what it states holds; None where a newer program wrote it."""
    for one in proofs.vectors():
        data = proofs.file_of(one.input)
        if is_proof(data):
            yield one.name, data, None if one.refused == "newer_version" else not one.refused
