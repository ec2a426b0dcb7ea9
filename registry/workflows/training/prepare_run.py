"""A run's first step: preprocess the snapshot, write the plan, sign it, anchor it.

Invariants: the plan is signed before any fold is drawn; it holds everything that decides the result
(method, recipe with the values given on the command line, seed, claims, environment, base weights).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from registry.catalog.queries.training_runs import runs
from registry.content.unixfs import importer
from registry.content.weights_folder import read_weights
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.ports.method import Method, Prepared
from registry.core.table import tables
from registry.evaluation.base_seen import about_base
from registry.evaluation.figures.figures import METRICS
from registry.evaluation.sentences import warning_event
from registry.jobs.queue import Job
from registry.jobs.worker import Check
from registry.workflows.base_weights import base_origin, digest_of
from registry.workflows.fold_task import read_items
from registry.workflows.log.anchoring import submit_everywhere
from registry.workflows.log.append import append, put_record
from registry.workflows.names.set_name import set_name
from registry.workflows.parts import Parts
from registry.workflows.plan_beacons import beacons_to_name
from registry.workflows.runs.check_plan import after_cleaning, check_plan
from registry.workflows.training import run_context
from registry.workflows.training.clean_images import measure_images
from registry.workflows.training.code_identity import code_identity
from registry.workflows.training.run_context import RunContext


def prepare(parts: Parts, job: Job, check: Check) -> None:
    """Handler of the job ``prepare``; queues ``draw``."""
    context = run_context.begin(parts, job)
    method = parts.method(context.options["method"])
    tools = method.tools(context.values)
    items, where = read_items(parts.store.get, context.snapshot)
    run_context.check_all_held(parts, where)
    rows = measure_images(context, items, where, parts.engine(context.row["engine"]), job, check)
    prepared = method.preprocess(items, rows, context.values)
    dropped = Counter(row.reason for row in prepared if row.reason is not None)
    kept = len(prepared) - dropped.total()
    context.update(kept=kept, dropped=dict(sorted(dropped.items())))
    if not kept:
        raise InvalidInput(
            "cleaning dropped every image",
            hint="`emotionet runs show` counts the reasons: correct the images, or loosen the recipe's thresholds.",
        )
    environment = {**method.environment(), **_kept_tools(parts, tools)}
    preprocessing, plan = _records(context, prepared, method, environment)
    told = _check_before_signing(context, prepared, plan)
    check()
    signer = context.signer()
    appended = append(parts, signer, plan)
    if context.options.get("name") is not None:
        set_name(parts, signer, context.options["name"], appended.record)
    submit_everywhere(parts, signer.did, appended.entry)
    with parts.catalog.write() as db:
        parts.queue.complete(db, job)
        runs.update(
            db,
            job.run,
            preprocessing=str(preprocessing),
            plan=str(appended.record),
            plan_entry=str(appended.entry),
            updated=parts.now(),
        )
        for data in told:
            parts.queue.emit(db, job.run, "warning", data, parts.now())
        parts.queue.enqueue(db, job.run, "draw", {}, parts.now())


def _check_before_signing(
    context: RunContext, prepared: tuple[Prepared, ...], plan: records.Plan
) -> tuple[dict[str, Any], ...]:
    """Find everything that would end this run later, while no plan is signed. Emits warnings that were not given when
    the run was started.
    """
    parts = context.parts
    groups = {row.sha256: row.group for row in prepared if row.reason is None}
    items = list(tables.rows_as_dicts(context.snapshot.items, parts.store.get))
    images = after_cleaning(context.snapshot, items, groups)
    notes = (*about_base(plan.origin), *check_plan(context.snapshot, images, context.recipe, plan.claims, plan.final))
    told = tuple(map(warning_event, notes))
    with parts.catalog.read() as db:
        known = {one["data"].get("text") for one in parts.queue.events(db, context.run) if one["kind"] == "warning"}
    return tuple(data for data in told if data["text"] not in known)


def _kept_tools(parts: Parts, tools: Mapping[str, bytes]) -> dict[str, str]:
    """The CIDs of the files that preprocessing used beside the code."""
    return {f"tool {name}": str(importer.add_bytes(parts.store, data).cid) for name, data in sorted(tools.items())}


def _prepared_row(row: Prepared) -> list[object]:
    columns = records.PREPARED.columns
    return [records.to_value(getattr(row, column)) for column in columns]


def _base_fields(
    context: RunContext, base: CID | None, prepared: tuple[Prepared, ...], files: tuple[str, ...]
) -> dict[str, Any]:
    """What the plan records of its base weights beside their CID."""
    if base is None:
        return {}
    parts = context.parts
    rows = [{name: getattr(row, name) for name in ("sha256", "pixels", "group", "reason")} for row in prepared]
    items = list(tables.rows_as_dicts(context.snapshot.items, parts.store.get))
    origin, lineage, how = base_origin(parts, digest_of(read_weights(parts.store, base, files)), rows, items)
    seen = tables.build(records.SEEN, list(how.items()), parts.store.put) if origin.seen is not None else None
    return {"origin": origin, "base_trainings": tuple(bytes(one) for one in lineage.trainings), "seen": seen}


def _method_ref(method: Method) -> records.MethodRef:
    about = method.about()
    return records.MethodRef(
        id=method.id,
        version=method.version,
        licence=about.licence,
        library=about.library,
        task=about.task,
        losses=records.LossNames(training=about.losses.training, validation=about.losses.validation),
    )


def _records(
    context: RunContext, prepared: tuple[Prepared, ...], method: Method, environment: dict[str, str]
) -> tuple[CID, records.Plan]:
    parts, options = context.parts, context.options
    output = tables.build(records.PREPARED, [_prepared_row(row) for row in prepared], parts.store.put)
    recipe = put_record(parts, context.recipe)
    preprocessing = put_record(
        parts, records.Preprocessing(snapshot=context.snapshot_cid, recipe=recipe, output=output)
    )
    attributes = {
        name for row in tables.rows_as_dicts(context.snapshot.items, parts.store.get) for name in row["attributes"]
    }
    base = CID.parse(options["base"]) if options["base"] else None
    plan = records.Plan(
        preprocessing=preprocessing,
        method=_method_ref(method),
        recipe=recipe,
        code=code_identity(method.about().packages),
        environment=put_record(parts, records.Environment(values=environment)),
        base=base,
        **_base_fields(context, base, prepared, method.about().files),
        seed=int(context.values["seed"]),
        metrics=METRICS,
        groups=tuple(sorted(attributes)),
        claims=tuple(records.Claim(**claim) for claim in options["claims"]),
        final=options["final"],
        beacons=beacons_to_name(parts, unanchored=options["unanchored"]),
        correction=options.get("correction", "none"),  # none of runs that an earlier version began
    )
    parts.store.flush()
    return preprocessing, plan
