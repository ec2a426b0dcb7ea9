"""A run's first step: preprocess the snapshot, write the plan, sign it, anchor it.

Invariants: the plan is said before any fold is drawn; it holds everything that decides the result
(method, recipe with the values given on the command line, seed, claims, environment, base weights).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from registry.catalog import runs
from registry.content import importer
from registry.core import records, tables
from registry.core.cid import CID
from registry.core.errors import InvalidInput
from registry.core.log import anchor_digest
from registry.core.method import Prepared
from registry.evaluation.figures import METRICS
from registry.jobs.queue import Job
from registry.jobs.worker import Check
from registry.workflows import run_context
from registry.workflows.clean_images import look_at
from registry.workflows.parts import Parts
from registry.workflows.run_context import RunContext
from registry.workflows.say import keep, say


@cache
def code_identity() -> str:
    """``emotionet <version> sha256:<digest over the source files of registry and pipeline>``."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for package in ("pipeline", "registry"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in {".py", ".toml"}:
                data = path.read_bytes()
                digest.update(f"{path.relative_to(root).as_posix()}\n{len(data)}\n".encode() + data)
    return f"emotionet {metadata.version('emotionet')} sha256:{digest.hexdigest()}"


def prepare(parts: Parts, job: Job, check: Check) -> None:
    """Handler of the job ``prepare``; queues ``draw``."""
    context = run_context.load(parts, job.run)
    context.update(status="running")
    method = parts.method(context.options["method"])
    tools = method.tools(context.values)
    items, where = run_context.read_items(parts.store, context.snapshot)
    rows = look_at(context, items, where, parts.engine(context.row["engine"]), job, check)
    prepared = method.preprocess(items, rows, context.values)
    dropped = Counter(row.reason for row in prepared if row.reason is not None)
    kept = len(prepared) - dropped.total()
    context.update(kept=kept, dropped=dict(sorted(dropped.items())))
    if not kept:
        raise InvalidInput(
            "cleaning dropped every image: look at `emotionet runs show`, or loosen the recipe's thresholds"
        )
    environment = {**method.environment(), **_kept_tools(parts, tools)}
    preprocessing, plan = _records(context, prepared, method.version, environment)
    check()
    said = say(parts, plan)
    parts.anchors.submit(anchor_digest(said.entry))
    with parts.catalog.write() as db:
        parts.queue.complete(db, job)
        runs.update(
            db,
            job.run,
            preprocessing=str(preprocessing),
            plan=str(said.record),
            plan_entry=str(said.entry),
            updated=parts.now(),
        )
        parts.queue.enqueue(db, job.run, "draw", {}, parts.now())


def _kept_tools(parts: Parts, tools: Mapping[str, bytes]) -> dict[str, str]:
    """Files that the preprocessing used beside the code, by CID."""
    return {f"tool {name}": str(importer.add_bytes(parts.store, data).cid) for name, data in sorted(tools.items())}


def _prepared_row(row: Prepared) -> list[object]:
    columns, _ = records.PREPARED
    return [records.to_value(getattr(row, column)) for column in columns]


def _records(
    context: RunContext, prepared: tuple[Prepared, ...], version: str, environment: dict[str, str]
) -> tuple[CID, records.Plan]:
    parts, options = context.parts, context.options
    output = tables.build(*records.PREPARED, [_prepared_row(row) for row in prepared], parts.store.put)
    name = str(context.row["recipe_name"])
    recipe = keep(parts, records.Recipe(name=name, method=options["method"], values=options["values"]))
    preprocessing = keep(parts, records.Preprocessing(snapshot=context.snapshot_cid, recipe=recipe, output=output))
    attributes = {
        name for row in tables.rows_as_dicts(context.snapshot.items, parts.store.get) for name in row["attributes"]
    }
    plan = records.Plan(
        preprocessing=preprocessing,
        method=records.MethodRef(id=options["method"], version=version),
        recipe=recipe,
        code=code_identity(),
        environment=keep(parts, records.Environment(values=environment)),
        base=CID.parse(options["base"]) if options["base"] else None,
        seed=int(options["values"]["seed"]),
        metrics=METRICS,
        groups=tuple(sorted(attributes)),
        claims=tuple(records.Claim(**claim) for claim in options["claims"]),
        final=options["final"],
    )
    parts.store.flush()
    return preprocessing, plan
