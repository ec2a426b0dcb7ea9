"""Trains again without what was withdrawn: the same recipe, claims and seed on the snapshot that is left.

Invariant: what is made again differs from what it stands for by what was taken back, and by what was said of the
images meanwhile; the new snapshot names the old one as ``supersedes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.snapshots.classes import classes_of
from registry.core.snapshots.query import IMAGES, SNAPSHOT
from registry.core.text.claim_text import claim_text
from registry.workflows.parts import Parts
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.snapshots.terms import Terms
from registry.workflows.store.read_content import read_as

Document = dict[str, Any]


def train_again(parts: Parts, document: Mapping[str, Any]) -> list[Document]:
    """Queue the newest run of each recipe on every snapshot that a withdrawal touches: ``supersedes, snapshot, run,
    problem``; ``problem`` says why a snapshot has no successor, or a run was not queued."""
    by_snapshot: dict[str, dict[str, str]] = {}
    for one in document["runs"]:
        with parts.catalog.read() as db:
            row = runs.row(db, one["run"])
        by_snapshot.setdefault(one["snapshot"], {})[_same(row)] = one["run"]
    found: list[Document] = []
    for snapshot, latest in by_snapshot.items():
        found += _on_reduced(parts, CID.parse(snapshot), list(latest.values()))
    return found


def _same(row: Mapping[str, Any]) -> str:
    """Equal of runs that are one plan, begun several times."""
    return repr((row["recipe_name"], sorted(row["options"].items())))


def _on_reduced(parts: Parts, old: CID, wanted: list[str]) -> list[Document]:
    told: Document = {"supersedes": str(old), "snapshot": None, "run": None, "problem": None}
    try:
        reduced = reduced_snapshot(parts, old)
    except EmotionetError as error:
        return [{**told, "problem": str(error)}]
    found = []
    for run in wanted:
        one = {**told, "snapshot": str(reduced)}
        try:
            found.append({**one, "run": start_run(parts, reduced, _wanted(parts, run))})
        except EmotionetError as error:
            found.append({**one, "problem": str(error)})
    return found


def reduced_snapshot(parts: Parts, old: CID) -> CID:
    """The images of a snapshot that were not taken back since, by the same rule. Errors as ``take_snapshot``."""
    record = read_as(parts, records.Snapshot, old)
    query = {name: value for name, value in record.query.items() if name not in (IMAGES, SNAPSHOT)}
    use = record.use or records.Use(override=None, licences=(), consent=False)
    terms = Terms(
        rule=record.rule,
        trusted=[f"{issuer}/{name}" for issuer, name in record.trusted],
        licences=use.licences,
        consent=use.consent,
        override=use.override,
    )
    classes = classes_of(record.classes, record.aliases)
    done = take_snapshot(parts, classes=classes, query=query, terms=terms, supersedes=old, snapshot=old)
    return CID.parse(done["snapshot"])


def _wanted(parts: Parts, run: str) -> Wanted:
    """What an earlier run was asked for."""
    with parts.catalog.read() as db:
        row = runs.row(db, run)
    options = row["options"]
    return Wanted(
        recipe=row["recipe_name"],
        values=options["values"],
        recipe_version=options["recipe_version"],
        method=options["method"],
        base=options.get("base"),
        claims=[_claim(one) for one in options["claims"]],
        final=options["final"],
        engine=row["engine"] or "local",
        unanchored=options["unanchored"],
        correction=options.get("correction", "none"),
    )


def _claim(value: Mapping[str, Any]) -> str:
    return claim_text(records.Claim(**value))
