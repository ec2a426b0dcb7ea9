"""A small registry: a store in memory, issuers that sign, and every kind of record as it really looks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from registry.catalog import log_heads
from registry.catalog.database.database import Catalog
from registry.catalog.index.indexing import index_entry, index_evidence
from registry.catalog.queries.labeled_images.rows import contributions_in_log_order, current_rows
from registry.catalog.queries.signed_records import entries
from registry.catalog.schema.columns import metadata
from registry.catalog.schema.derived import REBUILDABLE
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import importer
from registry.core import log, records
from registry.core.ipld.cid import CID
from registry.core.table import tables
from tests.support.anchors.signer import MemorySigner
from tests.support.method_refs import method_ref

NOW = "2026-11-23T15:00:00Z"


def at(minute: int) -> str:
    """A time that rises with ``minute``."""
    return f"2026-11-23T{15 + minute // 60:02d}:{minute % 60:02d}:00Z"


def image_bytes(number: int) -> bytes:
    return f"image {number}".encode() * (number + 1)


def sha256_of(number: int) -> bytes:
    return hashlib.sha256(image_bytes(number)).digest()


@dataclass(frozen=True)
class Release:
    """The CIDs of a release's parts."""

    release: CID
    entry: CID
    plan: CID
    plan_entry: CID
    draw: CID
    preprocessing: CID
    snapshot: CID
    evaluation: CID
    trainings: tuple[CID, ...]
    weights: tuple[CID, ...]
    card: CID


@dataclass
class World:
    """Says things and indexes them, unless ``index`` is False."""

    catalog: Catalog
    store: MemoryStore = field(default_factory=MemoryStore)
    key: MemorySigner = field(default_factory=lambda: MemorySigner(7))
    minute: int = 0
    heads: dict[str, tuple[CID, int]] = field(default_factory=dict)
    firsts: dict[str, CID] = field(default_factory=dict)
    entries: list[CID] = field(default_factory=list)

    def put(self, record: records.Record) -> CID:
        self.store.put(records.cid(record), records.encode(record))
        return records.cid(record)

    def image(self, number: int, *, profile: str = importer.DEFAULT_PROFILE) -> CID:
        return importer.add_bytes(self.store, image_bytes(number), profile).cid

    def append(self, record: records.Record, *, key: MemorySigner | None = None, index: bool = True) -> CID:
        """Sign and keep a record; returns its entry's CID."""
        key = key or self.key
        prev, seq = self.heads.get(key.did, (None, -1))
        if prev is None and not isinstance(record, records.Issuer):
            self.append(records.Issuer(chains=()), key=key, index=index)
            prev, seq = self.heads[key.did]
        self.minute += 1
        entry = log.make_entry(key, seq + 1, prev, self.firsts.get(key.did), self.put(record), at(self.minute))
        cid = self.put(entry)
        self.heads[key.did] = (cid, seq + 1)
        self.firsts.setdefault(key.did, cid)
        self.entries.append(cid)
        if index:
            self.index(cid)
        return cid

    def index(self, *cids: CID) -> None:
        with self.catalog.write() as db:
            log_heads.lock(db, self.key.did)  # as a home that writes this log
            for cid in cids:
                index_entry(db, cid, self.store.get)

    def row(self, number: int, label: str, contributor: str = "ana", **values: Any) -> dict[str, Any]:
        given = {
            "sha256": sha256_of(number),
            "contributor": contributor,
            "cid": bytes(self.image(number)),
            "size": len(image_bytes(number)),
            "label": label,
            "boxes": [],
            "attributes": {},
            "sources": {},
            "subject": None,
            "licence": "CC-BY-4.0",
            "consent": None,
            "rights": {},
            "replaces": None,
            "signature": None,
        }
        return {**given, **values}

    def contribution(
        self, rows: Sequence[Mapping[str, Any]], signer: MemorySigner | None = None
    ) -> records.Contribution:
        shape = records.CONTRIBUTION_ROWS
        table = tables.build(shape, [[row[name] for name in shape.columns] for row in rows], self.store.put)
        return records.Contribution(issuer=(signer or self.key).did, rows=table)

    def label(self, *rows: Mapping[str, Any], key: MemorySigner | None = None, index: bool = True) -> CID:
        """Contribute rows; returns the contribution's CID."""
        record = self.contribution(rows, key)
        self.append(record, key=key, index=index)
        return records.cid(record)

    def snapshot(self, numbers: Sequence[int], contributions: Sequence[CID], excluded: Sequence[int] = ()) -> CID:
        items: list[list[Any]] = [
            [sha256_of(n), self.image(n), len(image_bytes(n)), "feliz", ["ana"], None, {}, None, [], {}, {}]
            for n in numbers
        ]
        out = [[sha256_of(n), "unknown_label", "?"] for n in excluded]
        record = records.Snapshot(
            items=tables.build(records.SNAPSHOT_ITEMS, items, self.store.put),
            count=len(items),
            classes=("triste", "sorprendido", "feliz", "enojado"),
            query={},
            rule="majority-v1",
            contributions=tuple(contributions),
            excluded=tables.build(records.EXCLUDED, out, self.store.put),
        )
        self.append(record)
        return records.cid(record)

    def plan(self, snapshot: CID, numbers: Sequence[int], seed: int = 1) -> tuple[CID, records.Plan]:
        """A plan (not said yet) that drops the first image."""
        output: list[list[Any]] = [
            [sha256_of(n), 8, 8, None, [], "", sha256_of(n), "blurred", "0.5"]
            if n == numbers[0]
            else [sha256_of(n), 8, 8, sha256_of(n), [], "full_frame", sha256_of(n), None, None]
            for n in numbers
        ]
        recipe = self.put(
            records.Recipe(name="quick", method="yolov8", version=1, values={"folds": {"k": 2}, "seed": seed})
        )
        preprocessing = records.Preprocessing(
            snapshot=snapshot, recipe=recipe, output=tables.build(records.PREPARED, output, self.store.put)
        )
        record = records.Plan(
            preprocessing=self.put(preprocessing),
            method=method_ref("yolov8"),
            recipe=recipe,
            code="emotionet",
            environment=self.put(records.Environment(values={"numpy": "2"})),
            base=None,
            seed=seed,
            metrics=("macro_f1",),
            groups=(),
            claims=(records.Claim(metric="macro_f1", comparator=">=", threshold="0.900000"),),
            final="fold:0",
        )
        return records.cid(preprocessing), record

    def training(self, draw: CID, fold: int) -> tuple[CID, records.Training]:
        weights = importer.add_bytes(self.store, f"weights {draw} {fold}".encode()).cid
        history = tables.build(records.HISTORY, [[epoch, {"loss": "0.5"}, None] for epoch in range(3)], self.store.put)
        record = records.Training(
            draw=draw,
            fold=fold,
            arguments={},
            hardware={"device": "cpu"},
            events=(),
            weights=weights,
            tensors="sha256:" + hashlib.sha256(bytes(weights)).hexdigest(),
            history=history,
            checkpoints=(),
            started=NOW,
            ended=NOW,
        )
        return self.put(record), record

    def release(
        self,
        snapshot: CID,
        numbers: Sequence[int],
        *,
        seed: int = 1,
        supersedes: CID | None = None,
        index: bool = True,
    ) -> Release:
        """Everything from the plan to the release, said and kept."""
        preprocessing, plan = self.plan(snapshot, numbers, seed)
        plan_entry = self.append(plan, index=index)
        folds = [[sha256_of(n), 0, n % 2] for n in numbers[1:]]
        draw = self.put(
            records.Draw(
                plan=records.cid(plan),
                beacons=(),
                seed=bytes(32),
                folds=tables.build(records.FOLDS, folds, self.store.put),
            )
        )
        trained = [self.training(draw, fold) for fold in (0, 1)]
        evaluation = self.put(
            records.Evaluation(
                draw=draw,
                predictions=tables.build(records.PREDICTIONS, [], self.store.put),
                trainings=tuple(cid for cid, _ in trained),
                thresholds=("0.100000", "0.100000"),
                threshold_of_all="0.100000",
                metrics=(),
                per_fold=(),
                per_repeat=(),
                spread=(),
                curves=tables.build(records.CURVES, [], self.store.put),
                confusion=(),
                several=(),
                optimistic=(),
                overfitting=(),
                fairness=(),
                tests=(),
                verdicts=(),
                notes=(),
            )
        )
        card = importer.add_bytes(self.store, b"# Card").cid
        record = records.Release(
            draw=draw,
            plan_entry=plan_entry,
            trainings=tuple(cid for cid, _ in trained),
            evaluation=evaluation,
            weights=tuple(
                records.Weights(fold=one.fold, format="safetensors", cid=one.weights, tensors=one.tensors)
                for _, one in trained
            ),
            card=card,
            licence="AGPL-3.0-only",
            claims=(),
            attempts=records.Attempts(count=1, number=1),
            supersedes=bytes(supersedes) if supersedes else None,
        )
        entry = self.append(record, index=index)
        return Release(
            release=records.cid(record),
            entry=entry,
            plan=records.cid(plan),
            plan_entry=plan_entry,
            draw=draw,
            preprocessing=preprocessing,
            snapshot=snapshot,
            evaluation=evaluation,
            trainings=tuple(cid for cid, _ in trained),
            weights=tuple(one.weights for _, one in trained),
            card=card,
        )

    def withdraw(self, target: bytes, *, key: MemorySigner | None = None) -> CID:
        record = records.Withdrawal(target=target, reason="asked", remedy="notice", effective=at(self.minute))
        self.append(record, key=key)
        return records.cid(record)

    def withdraw_rows(self, contributor: str) -> None:
        """Of this issuer's contributor, whether it has any."""
        said = {"reason": "asked", "remedy": "notice", "effective": at(self.minute)}
        self.append(records.Withdrawal(target=None, issuer=self.key.did, contributor=contributor, **said))  # type: ignore[arg-type]

    def evidence(self, entry: CID, number: int = 5) -> CID:
        block = records.Block(
            chain="eip155:31337",
            contract="0x" + "1" * 40,
            transaction="0x" + "2" * 64,
            block_hash="0x" + "3" * 64,
            block_number=number,
            time=at(self.minute),
        )
        statement = records.to_value(block)
        cid = self.put(records.Evidence(entry=bytes(entry), kind="evm", statement=statement, proof=None))
        with self.catalog.write() as db:
            index_evidence(db, cid, self.store.get)
        return cid

    def stamp(self, entry: CID, kind: str = "rfc3161", **statement: str) -> CID:
        """Evidence of another kind than a chain's."""
        cid = self.put(records.Evidence(entry=bytes(entry), kind=kind, statement=dict(statement), proof=b"token"))
        with self.catalog.write() as db:
            index_evidence(db, cid, self.store.get)
        return cid

    def everything(self) -> Release:
        """One of each: labels, a correction, a snapshot, a release, evidence, an audit, a name, withdrawals."""
        first = self.label(*(self.row(n, "feliz") for n in range(6)), self.row(0, "triste", "ben", subject="p1"))
        second = self.label(self.row(1, "enojado", replaces=bytes(first)))
        snapshot = self.snapshot(range(5), [first, second], excluded=[5])
        made = self.release(snapshot, range(5))
        self.evidence(made.entry)
        check = records.AuditCheck(id="1.1", result="holds", reason="", tolerance=None)
        self.append(
            records.Audit(target=bytes(made.release), levels=(1, 2), environment={}, checks=(check,), beacon=None)
        )
        self.append(records.Name(name="first", target=bytes(made.plan)))
        self.withdraw(sha256_of(3))
        self.withdraw_rows("nobody")
        with self.catalog.write() as db:
            from registry.catalog.queries.labeled_images import images

            for number in range(6):
                images.put_images(db, [(sha256_of(number), len(image_bytes(number)), ())], stored=True)
        return made


def dump(catalog: Catalog, names: Sequence[str] | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables that can be rebuilt (or of ``names``), in one order."""
    chosen = REBUILDABLE if names is None else [metadata.tables[name] for name in names]
    with catalog.read() as db:
        return {table.name: sorted((tuple(row) for row in db.execute(sa.select(table))), key=repr) for table in chosen}


def newest(world: World) -> CID:
    with world.catalog.read() as db:
        found = entries.newest(db, world.key.did)
    assert found is not None
    return found[0]


def bearing_on(db: sa.Connection, sha256s: Collection[bytes]) -> list[CID]:
    """The contributions that a snapshot of these images names."""
    named = {str(row["contribution"]) for row in current_rows(db, None, sorted(sha256s))}
    return contributions_in_log_order(db, named)
