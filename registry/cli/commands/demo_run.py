"""The demo: the whole workflow once, from import to audit, on drawn faces or on real ones, and the next commands."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.cli.output import Output, cell, table
from registry.cli.watching import work_until_ended
from registry.core.claim_text import claim_text
from registry.core.errors import EmotionetError, InvalidInput
from registry.core.ipld.cid import CID

if TYPE_CHECKING:
    from registry.assembly import Home

CLAIMS = ("macro_f1 >= 0.80", "recall_gap(class) <= 0.20")
SEED = 2023


def demo(opened: Home, output: Output, *, data: str | None, recipe: str, base: str | None) -> int:
    """Run it; exit status 0 if the audit holds."""
    from registry.workflows.audit.audit_target import audit_target
    from registry.workflows.releases.publish_release import publish_release
    from registry.workflows.runs.start_run import Wanted, start_run
    from registry.workflows.store.export_held import export_held

    started = time.monotonic()
    imported = _import(opened, output, data or str(_draw(opened, output)))
    snapshot = _snapshot(opened, imported)
    run = start_run(opened, CID.parse(snapshot["snapshot"]), Wanted(recipe=recipe, base=base, claims=CLAIMS))
    output.say(f"run {run}: preprocess, plan, anchor, draw, train, evaluate")
    work_until_ended(opened, run, output)
    run_document = _run(opened, run)
    if run_document["status"] != "completed":
        raise EmotionetError(
            f"the run {run_document['status']}: {run_document['error'] or 'see `emotionet runs logs`'}"
        )
    release = publish_release(opened, run)
    audit = audit_target(opened, release["entry"])
    folder = opened.settings.home / "reports"
    folder.mkdir(exist_ok=True)
    car = folder / f"{release['release']}.car"
    exported = export_held(opened, CID.parse(release["entry"]), car)
    report = _report(opened, folder, release, exported["path"])
    seconds = round(time.monotonic() - started)
    document = {
        "root": imported["root"],
        "import": imported,
        "snapshot": snapshot,
        "run": run_document,
        "release": release,
        "audit": audit.to_json(),
        "report": str(report),
        "car": exported["path"],
        "seconds": seconds,
    }
    output.document({**document, "id": release["release"]}, identity="id", text=_text(document))
    return audit.exit_code(strict=False)


def _draw(opened: Home, output: Output) -> Path:
    from registry.demo.drawn_faces import draw_faces

    folder = opened.settings.home / "demo-drawings"
    output.say(f"drawing faces into {folder} (drawings, not photographs: real ones can't ship with the project)")
    draw_faces(folder, SEED)
    return folder


def _import(opened: Home, output: Output, source: str) -> dict[str, Any]:
    from registry.workflows.images.import_source import import_source

    bars = output.progress()
    done = import_source(opened, source, progress=bars)
    bars.close()
    if done["problem"] is not None:
        raise InvalidInput(f"{source}: {done['problem']['reason']}", hint=done["problem"]["hint"])
    return done


def _snapshot(opened: Home, imported: dict[str, Any]) -> dict[str, Any]:
    """Of this source's images alone, where the catalog holds others too."""
    from registry.workflows.snapshots.take_snapshot import take_snapshot

    return take_snapshot(opened, source=CID.parse(imported["root"]))


def _run(opened: Home, run: str) -> dict[str, Any]:
    from registry.catalog.queries import runs

    with opened.catalog.read() as db:
        return runs.get(db, run)


def _report(opened: Home, folder: Path, release: dict[str, Any], car: str) -> Path:
    from registry.files import whole_file
    from registry.web.report.collect import collect
    from registry.web.report.report import render_report

    data = collect(opened, CID.parse(release["release"]), "en", _next(car, release["release"]))
    path = folder / f"{release['release']}.html"
    with whole_file(path) as stream:
        stream.write(render_report(data).encode())
    return path


def _next(car: str, release: str) -> list[str]:
    return [
        f"emotionet audit {car} --offline",
        f"emotionet release report {release} --lang es",
        f"emotionet lineage {release}",
        "emotionet serve",
    ]


def _text(document: dict[str, Any]) -> list[str]:
    imported, snapshot, run, release = (document[name] for name in ("import", "snapshot", "run", "release"))
    rejected: dict[str, int] = {}
    for bad in imported["rejected"]:
        rejected[bad["code"]] = rejected.get(bad["code"], 0) + 1
    rows = [
        ["registered", f"{imported['rows']} rows, {imported['images']} different images"],
        ["rejected rows", cell(rejected)],
        ["snapshot", f"{snapshot['count']} images: {cell(snapshot['labels'])}; left out: {cell(snapshot['excluded'])}"],
        ["cleaning", f"{run['kept']} kept; dropped: {cell(run['dropped'] or {})}"],
    ]
    for name in ("macro_f1", "pr_auc"):
        metric = release["metrics"][name]
        rows.append([name, f"{metric['value']} (95 %: {metric['low']} to {metric['high']}, {metric['n']} images)"])
    for claim in release["claims"]:
        rows.append([claim_text(claim), claim["verdict"]])
    checks = document["audit"]["checks"]
    for result in ("holds", "does not hold", "not checked"):
        names = [check["id"] for check in checks if check["result"] == result]
        if names:
            rows.append([f"audit: {result}", ", ".join(names)])

    return [
        "",
        table(["what", "result"], rows),
        "",
        f"root      {imported['root']}",
        f"snapshot  {snapshot['snapshot']}",
        f"plan      {release['plan']}",
        f"release   {release['release']}",
        f"report    {document['report']}",
        f"CAR       {document['car']}",
        "",
        f"{document['seconds']} s. Try next:",
        *(f"  {command}" for command in _next(document["car"], release["release"])),
    ]
