"""The demo: the whole workflow once, from import to audit, on drawn faces or on real ones.

Invariant: the demo makes nothing that the commands would not make; its result consists of the commands' own documents.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.catalog.queries.training_runs import runs
from registry.core.errors import EmotionetError, InvalidInput
from registry.core.ipld.cid import CID
from registry.core.progress import Progress
from registry.demo.drawn_faces import draw_faces
from registry.files import whole_file
from registry.provenance.checks.report import Report
from registry.web.report.collect import collect
from registry.web.report.report import render_report
from registry.workflows.audit.keep_audit import audit_and_keep
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.parts import Parts
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.withdrawals.files_of_home import DRAWINGS, REPORTS

CLAIMS = ("macro_f1 >= 0.80", "recall_gap(class) <= 0.20")
SEED = 2023


@dataclass(frozen=True)
class Watching:
    """The demo's observer: ``say`` prints a line, ``progress`` shows the import's progress, ``work`` works a run's jobs
    to the end.
    """

    say: Callable[[str], None]
    progress: Progress
    work: Callable[[str], None]


def demo(
    parts: Parts, watching: Watching, *, data: str | None, recipe: str, base: str | None
) -> tuple[dict[str, Any], Report]:
    """Import (``data``, or faces that are drawn), snapshot, run, publish, audit, report and CAR; all their documents,
    and the audit."""
    started = time.monotonic()
    imported = _import(parts, watching, data or str(_draw(parts, watching)))
    snapshot = take_snapshot(parts, source=CID.parse(imported["root"]))  # of these alone, where others are held too
    run = start_run(parts, CID.parse(snapshot["snapshot"]), Wanted(recipe=recipe, base=base, claims=CLAIMS))
    watching.say(f"run {run}: preprocess, plan, anchor, draw, train, evaluate")
    watching.work(run)
    run_document = _completed(parts, run)
    release = publish_release(parts, run)
    audit = audit_and_keep(parts, release["entry"])
    folder = parts.settings.home / REPORTS
    folder.mkdir(exist_ok=True)
    exported = export_held(parts, CID.parse(release["entry"]), folder / f"{release['release']}.car")
    report = _report(parts, folder, release["release"], exported["path"])
    document = {
        "root": imported["root"],
        "import": imported,
        "snapshot": snapshot,
        "run": run_document,
        "release": release,
        "audit": audit.to_json(),
        "report": str(report),
        "car": exported["path"],
        "seconds": round(time.monotonic() - started),
    }
    return document, audit


def _draw(parts: Parts, watching: Watching) -> Path:
    folder = parts.settings.home / DRAWINGS
    watching.say(f"drawing faces into {folder} (drawings, not photographs: real ones can't ship with the project)")
    draw_faces(folder, SEED)
    return folder


def _import(parts: Parts, watching: Watching, source: str) -> dict[str, Any]:
    done = import_source(parts, source, progress=watching.progress)
    if done["problem"] is not None:
        raise InvalidInput(f"{source}: {done['problem']['reason']}", hint=done["problem"]["hint"])
    return done


def _completed(parts: Parts, run: str) -> dict[str, Any]:
    with parts.catalog.read() as db:
        found = runs.get(db, run)
    if found["status"] != "completed":
        raise EmotionetError(f"the run ended as {found['status']}: {found['error'] or 'see `emotionet runs logs`'}")
    return found


def _report(parts: Parts, folder: Path, release: str, car: str) -> Path:
    data = collect(
        parts, CID.parse(release), "en", next_commands(Path(car).name, release)
    )  # a file that is mailed names no folder
    path = folder / f"{release}.html"
    with whole_file(path) as stream:
        stream.write(render_report(data).encode())
    return path


def next_commands(car: str, release: str) -> list[str]:
    """Commands to try after the demo."""
    return [
        f"emotionet audit {car} --offline",
        f"emotionet release report {release} --lang es",
        f"emotionet lineage {release}",
        "emotionet serve",
    ]
