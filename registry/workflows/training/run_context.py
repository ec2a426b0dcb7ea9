"""What the steps of a run share: its records, its images by sha256, its options.

Invariant: a step reads everything that it needs from the catalog's run row and from records, so after a crash any
worker can take up any step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.catalog.queries.labeled_images.images import not_stored
from registry.catalog.queries.training_runs import runs
from registry.content.unixfs import reader
from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import TOGETHER
from registry.core.log import Signer
from registry.core.ports.store import BlockReader, read_ahead
from registry.core.progress import Progress
from registry.core.text.cleaning import counted
from registry.jobs.queue import Job
from registry.workflows.local_issuers import check_signs_as
from registry.workflows.parts import Parts

NAMED = 5  # images that an error names


@dataclass(frozen=True)
class RunContext:
    """A run's row and its snapshot."""

    parts: Parts
    run: str
    row: Mapping[str, Any]
    options: Mapping[str, Any]
    snapshot_cid: CID
    snapshot: records.Snapshot

    @property
    def values(self) -> Mapping[str, Any]:
        """The recipe's values in the method's newest version: an older program may have started the run."""
        method = self.parts.method(self.options["method"])
        return method.read_recipe(self.options["recipe_version"], self.options["values"])

    @property
    def recipe(self) -> records.Recipe:
        """The recipe's record."""
        method = self.options["method"]
        version = self.parts.method(method).recipe_version
        return records.Recipe(
            name=str(self.row["recipe_name"]), method=method, version=version, values=dict(self.values)
        )

    def signer(self) -> Signer:
        """The run's issuer, who signs its plan and anchors it. ``Conflict`` (``key_missing``) without its key."""
        check_signs_as(self.parts, self.row["issuer"], f"the plan of run {self.run}")
        return self.parts.key

    def cid(self, name: str) -> CID:
        """A CID that an earlier step wrote into the run's row."""
        return CID.parse(self.row[name])

    def update(self, **fields: Any) -> None:
        """Write fields of the run's row."""
        with self.parts.catalog.write() as db:
            runs.update(db, self.run, updated=self.parts.now(), **fields)

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """Add an event to the run's, for those who follow it."""
        with self.parts.catalog.write() as db:
            self.parts.queue.emit(db, self.run, kind, dict(data), self.parts.now())

    def progress(self, check: Callable[[], None]) -> Progress:
        """A progress callback that stops a cancelled run and emits about 20 events a step."""
        last: dict[str, int] = {}

        def report(what: str, done: int, total: int) -> None:
            check()
            step = max(1, total // 20)
            if done == total or done >= last.get(what, 0) + step:
                last[what] = done
                self.emit("progress", {"what": what, "done": done, "total": total})

        return report


def fold_count(values: Mapping[str, Any]) -> int:
    """Folds that are trained, those of all repeats together, of a recipe's values."""
    return int(values["folds"]["k"]) * int(values["folds"]["repeats"])


def work_folder(parts: Parts, run: str) -> Path:
    """Where a run's pixels, checkpoints and logs lie."""
    return parts.settings.work / run


def drop_pixels(parts: Parts, run: str) -> None:
    """Remove a run's pixels. Resuming the run makes them again."""
    for pixels in work_folder(parts, run).glob("*.npy"):
        pixels.unlink(missing_ok=True)


def load(parts: Parts, run: str) -> RunContext:
    """The context of a run. ``NotFound`` if there is none by this id."""
    with parts.catalog.read() as db:
        row = runs.row(db, run)
    snapshot_cid = CID.parse(row["snapshot"])
    snapshot = records.parse_as(records.Snapshot, parts.store.get(snapshot_cid))
    return RunContext(parts, run, row, row["options"], snapshot_cid, snapshot)


def begin(parts: Parts, job: Job) -> RunContext:
    """The first call of every handler: the run's context; the run's status becomes running.

    ``Cancelled`` or ``Conflict`` (``lease_lost``) where this worker no longer holds the job.
    """
    with parts.catalog.write() as db:
        parts.queue.guard(db, job)
        runs.update(db, job.run, status="running", updated=parts.now())
    return load(parts, job.run)


def check_all_held(parts: Parts, where: Mapping[bytes, CID]) -> None:
    """``InvalidInput`` (``images_not_held``) that names images of a snapshot whose bytes are not here."""
    with parts.catalog.read() as db:
        doubtful = not_stored(db, (sha256.hex() for sha256 in where))
    missing = [str(cid) for cid in (where[bytes.fromhex(one)] for one in doubtful) if not parts.store.has(cid)]
    if missing:
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise InvalidInput(
            f"the bytes of {counted(len(missing), 'image')} of this snapshot are not held here: "
            f"{', '.join(missing[:NAMED])}{more}",
            code="images_not_held",
            hint="get them (`emotionet images fetch`), or take a snapshot without --include-referenced.",
        )


def image_reader(store: BlockReader, where: Mapping[bytes, CID]) -> Callable[[bytes], bytes]:
    """A function from an image's sha256 to its verified bytes; the next ones of ``where`` are fetched with it."""
    order = list(where)
    place = {sha256: number for number, sha256 in enumerate(order)}
    told: set[bytes] = set()

    def read(sha256: bytes) -> bytes:
        if sha256 not in told:
            coming = order[place[sha256] : place[sha256] + TOGETHER]
            told.update(coming)
            read_ahead(store, [where[one] for one in coming])
        return reader.read_whole(store, where[sha256])

    return read
