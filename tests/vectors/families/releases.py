"""A release's CAR, whole and forged: what an audit says of it.

The forger holds the issuer's key (``tests.vectors.make.KEY``): whatever is changed, everything above it is made again
and signed. A vector gives what differs from ``release-1/release.car``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from registry.core import log, records
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.table import tables
from registry.provenance.checks.results import FAILS
from registry.workflows.audit.audit_file import audit_car
from tests.support.anchors.signer import MemorySigner
from tests.vectors.families.vector import Family, Vector
from tests.vectors.make import KEY

BASE = Path(__file__).parents[1] / "release-1" / "release.car"
MINE, OTHER = MemorySigner(KEY), MemorySigner(11)
Value = dict[str, Any]
Change = Callable[[Any], Any]


@cache
def base() -> tuple[tuple[CID, ...], dict[CID, bytes]]:
    """Roots and blocks of the honest file."""
    with BASE.open("rb") as stream:
        roots, blocks = car.read(stream)
        return roots, dict(blocks)


def write(given: Any, path: Path) -> Path:
    """The file that a vector's input is."""
    _, blocks = base()
    gone = set(given["without"])
    file = [(cid, data) for cid, data in blocks.items() if cid not in gone] + [tuple(one) for one in given["blocks"]]
    with path.open("wb") as stream:
        car.write(given["roots"], file, stream)
    return path


def audited(given: Any) -> dict[str, Any]:
    """What an audit without a chain says of the file: whether it holds, and the checks that don't."""
    with tempfile.TemporaryDirectory() as folder:
        report = audit_car(write(given, Path(folder) / "release.car"))
    return {"holds": report.holds, "fails": [check.id for check in report.checks if check.result == FAILS]}


class Forgery:
    """The honest file's blocks with some of them changed, and all that links to them or names them made again."""

    def __init__(self, changes: Mapping[CID, Change], signer: MemorySigner = MINE) -> None:
        self._changes, self._signer = changes, signer
        self.made: dict[CID, CID] = {}
        self.blocks: dict[CID, bytes] = {}
        self.roots = [self.again(root) for root in base()[0]]

    def again(self, cid: CID) -> CID:
        """What a block became."""
        if cid in self.made or cid.codec != DAG_CBOR or cid not in base()[1]:
            return self.made.get(cid, cid)
        value = self._linked(encoding.decode(base()[1][cid]))
        if cid in self._changes:
            value = self._changes[cid](value)
        if isinstance(value, dict) and value.get("type") == "entry":
            value = self._signed(value, cid)
        data = value if isinstance(value, bytes) else encoding.encode(value)
        self.made[cid] = cid_of(data, DAG_CBOR)
        self.blocks[self.made[cid]] = data
        return self.made[cid]

    def _linked(self, value: Any) -> Any:
        if isinstance(value, CID):
            return self.again(value)
        if isinstance(value, list):
            return [self._linked(one) for one in value]
        return {key: self._linked(one) for key, one in value.items()} if isinstance(value, dict) else value

    def _signed(self, value: Value, cid: CID) -> Value:
        if value["prev"] is not None:
            value["prev"] = bytes(self.again(CID.decode(value["prev"])))
        signer = self._signer if cid in self._changes else MINE
        if value == encoding.decode(base()[1][cid]) and signer is MINE:
            return value
        del value["signature"]
        value |= {"issuer": signer.did, "key": signer.public_key}
        return {**value, "signature": signer.sign(log.pae(log.PAYLOAD_TYPE, encoding.encode(value)))}

    def given(self) -> Value:
        """As a vector's input."""
        honest = base()[1]
        gone = [old for old, new in self.made.items() if new != old]
        return {
            "roots": self.roots,
            "without": gone,
            "blocks": [[cid, data] for cid, data in self.blocks.items() if cid not in honest],
        }


def plain(**other: Any) -> Value:
    """The honest file, but for what is given."""
    return {"roots": list(base()[0]), "without": [], "blocks": [], **other}


class Parts:
    """Where things are in the honest file."""

    def __init__(self) -> None:
        self.roots, self.blocks = base()
        self.entry = self.roots[0]
        self.release = self.read(self.entry)["record"]
        self.said = self.read(self.release)
        self.evaluation = self.said["evaluation"]
        self.draw = self.said["draw"]
        self.plan = self.read(self.draw)["plan"]
        self.preprocessing = self.read(self.plan)["preprocessing"]
        self.snapshot = self.read(self.preprocessing)["snapshot"]
        self.recipe = self.read(self.plan)["recipe"]

    def read(self, cid: CID) -> Value:
        return dict(encoding.decode(self.blocks[cid]))


def _rounds(recipe: Value, rounds: int) -> Change:
    values = recipe["values"]
    return fields(values={**values, "evaluation": {**values["evaluation"], "rounds": rounds}})


def fields(**other: Any) -> Change:
    """A record with other fields."""
    return lambda value: {**value, **other}


def _table(
    field: str, change: Callable[[list[list[Any]]], list[list[Any]]]
) -> Callable[[CID], tuple[CID, dict[CID, bytes]]]:
    """Another table in place of a record's."""

    def made(record: CID) -> tuple[CID, dict[CID, bytes]]:
        blocks = base()[1]
        old = encoding.decode(blocks[record])[field]
        rows = [list(row) for row in tables.iterate(old, blocks.__getitem__)]
        fresh: dict[CID, bytes] = {}
        shape = tables.read(old, blocks.__getitem__).written
        return tables.build(shape, change(rows), lambda cid, data: fresh.update({cid: data})), fresh

    return made


def forged_table(record: CID, field: str, change: Callable[[list[list[Any]]], list[list[Any]]]) -> Value:
    """The file with another table in a record's field."""
    table, fresh = _table(field, change)(record)
    given = Forgery({record: fields(**{field: table})}).given()
    given["blocks"] += [[cid, data] for cid, data in fresh.items() if cid not in base()[1]]
    return given


def swapped(column: int) -> Callable[[list[list[Any]]], list[list[Any]]]:
    """The first two different values of a column change places."""

    def change(rows: list[list[Any]]) -> list[list[Any]]:
        other = next(row for row in rows if row[column] != rows[0][column])
        rows[0][column], other[column] = other[column], rows[0][column]
        return rows

    return change


def entry_of(
    signer: MemorySigner, record: CID, seq: int = 0, prev: bytes | None = None, **other: Any
) -> tuple[CID, bytes]:
    """A signed entry, with other fields than follow where they are given."""
    value = {"v": 1, "type": "entry", "issuer": signer.did, "key": signer.public_key, "seq": seq, "prev": prev}
    value |= {"log": prev, "record": record, "issuedAt": "2026-12-01T12:00:00Z", "alg": log.ALG, **other}
    data = encoding.encode({**value, "signature": signer.sign(log.pae(log.PAYLOAD_TYPE, encoding.encode(value)))})
    return cid_of(data, DAG_CBOR), data


def _said_by(signer: MemorySigner, record: records.Record) -> Value:
    data = records.encode(record)
    opening = cid_of(b"an opening elsewhere", DAG_CBOR)
    first = isinstance(record, records.Issuer)
    entry = entry_of(signer, records.cid(record)) if first else entry_of(signer, records.cid(record), 1, bytes(opening))
    return plain(blocks=[list(entry), [records.cid(record), data]])


def _evidence(entry: CID, kind: str, statement: Value) -> Value:
    value = {"v": 1, "type": "evidence", "entry": bytes(entry), "kind": kind, "statement": statement, "proof": None}
    data = encoding.encode(value)
    return plain(blocks=[[cid_of(data, DAG_CBOR), data]])


def cases() -> dict[str, tuple[Value, tuple[str, ...], str]]:
    """Each file, the checks that must fail, and why."""
    at = Parts()
    evaluation, beside = at.read(at.evaluation), cid_of(b"beside", RAW)
    metrics = [{**evaluation["metrics"][0], "value": "0.999999"}, *evaluation["metrics"][1:]]
    confusion = [[evaluation["confusion"][0][0] + 1, *evaluation["confusion"][0][1:]], *evaluation["confusion"][1:]]
    verdicts = [{**evaluation["verdicts"][0], "verdict": "supported", "low": "0.990000"}, *evaluation["verdicts"][1:]]
    leaf = next(cid for cid in at.blocks if cid.codec == RAW)
    block = {"chain": "eip155:1", "contract": "0x" + "0" * 40, "transaction": "0x" + "1" * 64, "blockNumber": 7}
    block |= {"blockHash": "0x" + "2" * 64, "time": "2026-12-01T12:00:01Z"}
    audit = records.Audit(target=bytes(at.release), levels=(1,), environment={}, checks=(), beacon=None)
    evaluated = {at.evaluation: fields(metrics=metrics)}
    sundial, stated = _evidence(at.entry, "sundial", {"shadow": 3}), _evidence(at.entry, "evm", block)
    return {
        "the honest file": (plain(), (), ""),
        "a block that nothing leads to": (plain(blocks=[[beside, b"beside"]]), (), ""),
        "a block twice": (plain(blocks=[[leaf, at.blocks[leaf]]]), (), ""),
        "a further root": (plain(roots=[*at.roots, at.snapshot]), (), ""),
        "the opening as the first root": (plain(roots=list(reversed(at.roots))), (), ""),
        "somebody else's audit beside it": (_said_by(OTHER, audit), (), ""),
        "no root": (plain(roots=[]), ("1.file",), "it has no target"),
        "evidence as the first root": (
            plain(roots=[stated["blocks"][0][0], *at.roots], blocks=stated["blocks"]),
            ("1.file",),
            "nobody signs evidence",
        ),
        "a flipped bit": (
            plain(without=[leaf], blocks=[[leaf, bytes([at.blocks[leaf][0] ^ 1]) + at.blocks[leaf][1:]]]),
            ("1.blocks", "1.complete"),
            "a block does not hash to its CID, and so is not there",
        ),
        "a block that is missing": (plain(without=[at.evaluation]), ("1.complete",), "a link leads to nothing"),
        "an unknown field": (Forgery({at.evaluation: fields(note="x")}).given(), ("1.records",), "exactly the fields"),
        "evidence of a kind that its version has not": (sundial, ("1.records",), "it would be of a newer version"),
        "evidence of an entry that is not in the file": (
            _evidence(cid_of(b"elsewhere", DAG_CBOR), "evm", block),
            ("1.complete", "3.named"),
            "evidence of something else says nothing of this release",
        ),
        "the first entry of the log is missing": (
            plain(roots=at.roots[:1], without=[at.roots[1]]),
            ("1.complete",),
            "a release's file names it as a root",
        ),
        "a link where none may stand": (
            _evidence(at.entry, "witness", {"x": at.plan}),
            ("1.records", "3.included"),
            "evidence links to nothing",
        ),
        "a draw where a plan must be": (
            Forgery({at.draw: fields(plan=at.preprocessing)}).given(),
            ("1.records",),
            "it is of another type",
        ),
        "a table in the place of another": (
            Forgery({at.draw: fields(folds=evaluation["predictions"])}).given(),
            ("1.tables",),
            "other columns",
        ),
        "signed by somebody else": (
            Forgery({at.entry: lambda value: value}, OTHER).given(),
            ("2.issuer",),
            "the opening is of another issuer",
        ),
        "somebody else's opening beside it": (
            _said_by(OTHER, records.Issuer(chains=())),
            ("2.issuer",),
            "others say contributions, withdrawals and audits alone",
        ),
        "a release that is issued before its plan": (
            Forgery({at.entry: fields(issuedAt="2026-11-01T12:00:00Z")}).given(),
            ("2.times",),
            "times rise along the log",
        ),
        "the plan's entry is missing": (
            plain(without=[at.said["planEntry"]]),
            ("1.complete", "2.log"),
            "the way to the plan is cut",
        ),
        "an anchor on a chain that the issuer did not name": (
            _evidence(at.entry, "evm", block),
            ("3.named",),
            "the first entry names the chains that count",
        ),
        "a claim that is not in its one form": (
            Forgery({at.plan: fields(claims=[{**at.read(at.plan)["claims"][0], "metric": "recall( feliz )"}])}).given(),
            ("4.plan", "6.metrics", "6.verdicts"),
            "a claim is in one form",
        ),
        "too few rounds": (
            Forgery({at.recipe: _rounds(at.read(at.recipe), 999)}).given(),
            ("4.recipe", "6.metrics"),
            "numbers are within their bounds",
        ),
        "another seed": (Forgery({at.draw: fields(seed=bytes(32))}).given(), ("4.draw", "4.folds"), "the seed follows"),
        "two images have exchanged folds": (forged_table(at.draw, "folds", swapped(2)), ("4.folds",), "folds follow"),
        "two images have exchanged labels": (
            forged_table(at.snapshot, "items", swapped(3)),
            ("4.items",),
            "the rule",
        ),
        "two images have exchanged groups": (
            forged_table(at.preprocessing, "output", swapped(6)),
            ("4.prepared",),
            "a person is in one group",
        ),
        "another count of images": (Forgery({at.snapshot: fields(count=3)}).given(), ("4.items",), "rows are counted"),
        "two images have exchanged detections": (
            forged_table(at.evaluation, "predictions", swapped(4)),
            ("6.metrics",),
            "figures follow from predictions",
        ),
        "two images have exchanged truths": (
            forged_table(at.evaluation, "predictions", swapped(2)),
            ("4.predictions",),
            "truth is the item's class",
        ),
        "a better figure": (Forgery(evaluated).given(), ("6.metrics",), "figures follow from predictions"),
        "a better threshold": (
            Forgery({at.evaluation: fields(thresholds=["0.990000", *evaluation["thresholds"][1:]])}).given(),
            ("6.thresholds",),
            "thresholds follow",
        ),
        "a cell of the confusion matrix": (
            Forgery({at.evaluation: fields(confusion=confusion)}).given(),
            ("6.confusion",),
            "it counts judgements",
        ),
        "a verdict": (
            Forgery({at.evaluation: fields(verdicts=verdicts), at.release: fields(claims=verdicts)}).given(),
            ("6.verdicts",),
            "verdicts follow from figures",
        ),
        "a fold's weights in place of another's": (
            Forgery(
                {at.release: fields(weights=[{**at.said["weights"][0], "fold": 1}, *at.said["weights"][1:]])}
            ).given(),
            ("6.weights",),
            "weights are those of their training",
        ),
    }


def releases() -> Sequence[Vector]:
    found = []
    for name, (given, wanted, why) in cases().items():
        said = audited(given)
        assert set(wanted) <= set(said["fails"]), (name, said)
        assert bool(wanted) != said["holds"], (name, said)
        found.append(Vector(name, given, {**said, "why": why}))
    return found


def answer(given: Any) -> Any:
    """Without the words, which are no code's."""
    return audited(given)


FAMILIES = (
    Family(
        "releases",
        "A release's CAR by what differs from release-1/release.car: its roots, blocks that are left out (without), "
        "and further blocks, [CID, bytes], as they stand. Expected of levels 1 to 4 and 6 without a chain: whether it "
        "holds, the checks that don't, and why. A verifier that makes fewer checks finds those of them that it makes.",
        answer,
        releases,
    ),
)
