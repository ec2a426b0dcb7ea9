"""Start a run: check every option, write the run down, queue its first job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.queries.signed_records import entries
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import Conflict, InvalidInput, NotFound, UsageError
from registry.core.ipld.cid import CID
from registry.core.ports.method import Cost, Method
from registry.core.records import to_value
from registry.core.snapshots import checked_tables as snapshot_tables
from registry.core.table import tables
from registry.evaluation import base_seen
from registry.evaluation.sentences import warning_event
from registry.jobs import engines
from registry.jobs.engines.ray_probe import check_reachable
from registry.provenance.recipe_numbers import check_evaluation
from registry.settings import DEFAULT_METHOD
from registry.workflows.base_weights import base_origin, digest_of, keep_base, read_base
from registry.workflows.local_issuers import check_may_sign
from registry.workflows.methods import check_options
from registry.workflows.names.set_name import check_new_name
from registry.workflows.parts import Parts
from registry.workflows.plan_beacons import beacons_to_name
from registry.workflows.read_claims import read_claims
from registry.workflows.runs.check_capacity import check_disk, check_memory, disk_needed
from registry.workflows.runs.check_plan import before_cleaning, check_plan
from registry.workflows.store.read_content import read_as
from registry.workflows.training import run_context

_FINAL = re.compile(r"fold:(\d{1,3})\Z")


@dataclass(frozen=True)
class Wanted:
    """What `train` was asked for, beside the snapshot."""

    recipe: str | None = None  # None: the one that the method takes where none is named
    method: str = DEFAULT_METHOD
    overrides: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] | None = None  # all of an earlier run's, of ``recipe`` in ``recipe_version``
    recipe_version: int = 1
    base: str | None = None
    claims: Sequence[str] = ()
    final: str | None = None
    engine: str = "local"
    unanchored: bool = False
    correction: records.Correction = "holm"  # of verdicts, for attempts
    name: str | None = None  # what the run's issuer calls its plan, once it is signed


@dataclass(frozen=True)
class Checked:
    """The options of a run, each checked as far as possible before cleaning.

    ``warnings`` are notes; ``origin`` says which images the base weights have seen.
    """

    snapshot: CID
    record: records.Snapshot
    recipe: str
    values: Mapping[str, Any]
    claims: Sequence[records.Claim]
    final: str
    beacons: tuple[str, ...]  # that the plan would name
    base: Mapping[str, bytes] | None
    origin: records.Origin | None
    cost: Cost
    warnings: tuple[records.Note, ...]


def check_request(parts: Parts, snapshot: CID, wanted: Wanted) -> Checked:
    """The first thing that can't be is an error; a dry run finds the same."""
    check_may_sign(parts)
    if wanted.name is not None:
        check_new_name(wanted.name)
    snapshot, record = _signed_snapshot(parts, snapshot)
    claims = read_claims(parts, record, wanted.claims)
    if wanted.engine not in engines.NAMES:
        raise UsageError(f"there is no engine {wanted.engine!r}", hint=f"use {' or '.join(engines.NAMES)}.")
    beacons = beacons_to_name(parts, unanchored=wanted.unanchored)
    if parts.settings.on_cluster(wanted.engine):
        check_reachable(parts.settings.ray_address or "")
    method = parts.method(wanted.method)
    check_options(method.about(), wanted.overrides)
    name, values = _recipe(method, wanted)
    method.tools(values)
    final = wanted.final or str(values["final"])
    _check_final(final, run_context.fold_count(values))
    recipe = records.Recipe(name=name, method=wanted.method, version=method.recipe_version, values=dict(values))
    check_evaluation(recipe)
    items = list(tables.rows_as_dicts(record.items, parts.store.get))
    run_context.check_all_held(parts, {row["sha256"]: row["image"] for row in items})
    images = before_cleaning(record, items)
    warnings = check_plan(record, images, recipe, claims, final)
    cost = _check_capacity(parts, wanted, record.count, values)
    base = read_base(parts, method, wanted.base, values) if wanted.base else None
    origin = None
    if base is not None:
        rows = [{"sha256": one.sha256, "group": one.group, "pixels": None, "reason": None} for one in images]
        origin = base_origin(parts, digest_of(base), rows, items)[0]
    notes = (*base_seen.before_cleaning(origin), *warnings)
    return Checked(snapshot, record, name, values, claims, final, beacons, base, origin, cost, notes)


def _recipe(method: Method, wanted: Wanted) -> tuple[str, Mapping[str, Any]]:
    name = wanted.recipe or method.about().recipe
    if wanted.values is None:
        return method.recipe(name, wanted.overrides)
    return name, method.read_recipe(wanted.recipe_version, wanted.values)


def _signed_snapshot(parts: Parts, cid: CID) -> tuple[CID, records.Snapshot]:
    """The record of a snapshot, or of its entry, and its CID. ``NotFound`` where it is not held; ``InvalidInput`` where
    nobody signed it (``unsigned_snapshot``); ``Untrusted`` where its tables are not what it states."""
    with parts.catalog.read() as db:
        snapshot = entries.record_of(db, cid)
        issuer = entries.first_signer(db, snapshot)
    if not parts.store.has(snapshot):
        raise NotFound(f"snapshot {snapshot} is not held here", hint="`emotionet snapshot list` lists them.")
    record = read_as(parts, records.Snapshot, snapshot)
    if issuer is None:
        raise InvalidInput(
            f"the snapshot {snapshot} is unsigned: no signed entry that is held here names it",
            code="unsigned_snapshot",
            hint="create one with `emotionet snapshot create`, or import its entry.",
        )
    snapshot_tables.check(record, parts.store.get)
    return snapshot, record


def _check_capacity(parts: Parts, wanted: Wanted, images: int, values: Mapping[str, Any]) -> Cost:
    """What a fold takes. Errors as ``check_memory`` and ``check_disk``."""
    method = parts.method(wanted.method)
    side_by_side = min(run_context.fold_count(values), parts.settings.at_once(wanted.engine))
    cost = method.cost(values, images)
    check_memory(parts, wanted.engine, method, cost.memory)
    check_disk(parts, wanted.engine, method, disk_needed(cost, side_by_side))
    return cost


def start_run(parts: Parts, snapshot: CID, wanted: Wanted, *, anew: bool = True, issuer: str | None = None) -> str:
    """Queue a run on ``snapshot``; returns its id. Nothing is queued unless all of it can be.

    What is doubtful is the run's first events (``warning``). ``Conflict`` (``unfinished_run``), unless it is to be
    begun ``anew``, where the very same was begun here and has not come to its end. ``issuer``: who will sign its
    plan and its release; this home's unless given.
    """
    checked = check_request(parts, snapshot, wanted)
    values = checked.values
    options = {
        "method": wanted.method,
        "recipe_version": parts.method(wanted.method).recipe_version,
        "values": values,
        "claims": [to_value(claim) for claim in checked.claims],
        "final": checked.final,
        "base": str(keep_base(parts, wanted.base, checked.base)) if wanted.base and checked.base else None,
        "unanchored": wanted.unanchored,
        "correction": wanted.correction,
        **({} if wanted.name is None else {"name": wanted.name}),
    }
    issuer = issuer or parts.key.did
    with parts.catalog.write() as db:
        if not anew:
            _check_unfinished(db, issuer, str(checked.snapshot), checked.recipe, options)
        run = runs.create(
            db,
            snapshot=str(checked.snapshot),
            recipe_name=checked.recipe,
            issuer=issuer,
            engine=wanted.engine,
            options=options,
            now=parts.now(),
        )
        refit = [None] if checked.final == records.REFIT else []
        for fold in (*range(run_context.fold_count(values)), *refit):
            runs.set_fold(db, run, fold, status="queued", epochs=checked.cost.epochs)
        for note in checked.warnings:
            parts.queue.emit(db, run, "warning", warning_event(note), parts.now())
        parts.queue.enqueue(db, run, "prepare", {}, parts.now())
    return run


def _check_unfinished(db: Connection, issuer: str, snapshot: str, recipe: str, options: Mapping[str, Any]) -> None:
    found = runs.unfinished(db, issuer, snapshot, recipe, options)
    if found is not None:
        raise Conflict(
            f"run {found['id']} is this same training, started {found['created']} and {found['status']}",
            code="unfinished_run",
            hint=f"resume it with `emotionet runs resume {found['id']}`, or start a new run with --anew.",
        )


def _check_final(final: str, folds: int) -> None:
    match = _FINAL.match(final)
    if final != records.REFIT and (match is None or int(match[1]) >= folds):
        raise UsageError(
            f"final must be refit, or one of fold:0 to fold:{folds - 1}, not {final!r}",
            hint="see `emotionet train --help`.",
        )
