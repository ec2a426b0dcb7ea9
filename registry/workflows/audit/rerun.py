"""Methods run again for an audit, on this machine: each in a child process that gets files and gives back values.

Invariants: nothing that a stranger made is read by a library in this process. What was seen is kept in the audit's
folder by all that decides it (method, software, recipe, weights, images), so a killed audit goes on, and nothing is
seen twice. A training goes on from its own checkpoint. A child that is silent for long is ended.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from registry.core.errors import Unavailable, Untrusted, not_written
from registry.core.ipld.dag import Get
from registry.core.ports.method import Cost, Detection
from registry.core.run_view import draw_view
from registry.files import single_writer_file
from registry.jobs.capacity import memory_for_children
from registry.jobs.child import run_child
from registry.provenance.checks.target.deep import Watch
from registry.provenance.checks.target.rerun import Asked, Read, Retrained, Retraining
from registry.workflows.audit.kept_sightings import Part, keep, kept_of, key_of, made_folder, needed
from registry.workflows.audit.rerun_child import SEE, TRAIN, encode_task
from registry.workflows.audit.rerun_watch import Alive, Told, time_text
from registry.workflows.fold_task import fold_task, read_members
from registry.workflows.methods import installed

CHUNK = 64  # images that are kept together
TOGETHER = 16  # chunks that one child sees
SILENT, SILENT_EXPORTED = 1800.0, 300.0  # seconds without a word; loading libraries on a busy machine included


class LocalRerun:
    """``folder``: the audit's own."""

    def __init__(self, folder: Path, watch: Watch) -> None:
        self._folder, self._watch = folder, watch

    def see(
        self, method: str, recipe: Mapping[str, Any], classes: tuple[str, ...], asked: Sequence[Asked], read: Read
    ) -> list[Mapping[bytes, tuple[Detection, ...]]]:
        """As ``target.rerun.Rerun.see``."""
        common = [method, installed(method).version, installed(method).environment(), dict(recipe), list(classes)]
        parts = [[*self._parts(common, one)] for one in asked]
        missing = [part for of in parts for part in of if kept_of(part) is None]
        told = Told(self._watch, sum(len(part.images) for part in missing))
        for exported in (False, True):
            those = [part for part in missing if part.asked.exported is exported]
            for start in range(0, len(those), TOGETHER):
                self._seen(method, recipe, classes, those[start : start + TOGETHER], read, told)
        return [
            {sha256: found for part in of for sha256, found in zip(part.images, needed(part), strict=True)}
            for of in parts
        ]

    def _parts(self, common: list[Any], asked: Asked) -> Iterator[Part]:
        files = {name: hashlib.sha256(data).hexdigest() for name, data in asked.weights.items()}
        for start in range(0, len(asked.images), CHUNK):
            images = asked.images[start : start + CHUNK]
            all_of_it = [*common, files, asked.exported, [one.hex() for one in images]]
            yield Part(asked, images, self._folder / "seen" / f"{key_of(all_of_it)}.json")

    def _seen(
        self,
        method: str,
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
        parts: Sequence[Part],
        read: Read,
        told: Told,
    ) -> None:
        """One child for some parts, each kept as soon as it is told."""
        work = self._folder / "seeing"
        spec = {
            "method": method,
            "recipe": dict(recipe),
            "classes": list(classes),
            "parts": _written(work, parts, read),
        }
        limit = SILENT_EXPORTED if any(part.asked.exported for part in parts) else SILENT
        alive = Alive(limit, exported=limit == SILENT_EXPORTED)

        def report(document: Mapping[str, Any]) -> None:
            alive.heard()
            told(int(document.get("seen", 0)))
            if "part" in document:
                keep(parts[document["part"]], document["detections"])

        try:
            run_child(SEE, spec, work, alive.check, report)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def train(self, work: Retraining, get: Get, read: Read) -> Retrained:
        """As ``target.rerun.Rerun.train``."""
        method, view = installed(work.method), draw_view(get, work.draw)
        members = read_members(get, view.snapshot, view.preprocessing.output)
        decides = [method.id, method.version, method.environment(), str(work.draw), work.fold, dict(work.recipe)]
        place = self._folder / "training" / key_of(decides)
        folder, array = place / "fold", place / "pixels.npy"
        made_folder(folder)
        _check_room(method.cost(work.recipe, len(members.items)), folder)
        try:
            index = method.materialize(members.kept, read, work.recipe, array, self._watch.progress)
            task = fold_task(
                get,
                view,
                members,
                work.fold,
                recipe=work.recipe,
                base=work.base,
                array=array,
                index=index,
                folder=folder,
                stop_after=work.epochs,
            )
            with single_writer_file(folder / "task") as stream:
                stream.write(encode_task(task))
            alive = Alive(SILENT)
            spec = {"method": work.method, "task": "task"}
            found = run_child(TRAIN, spec, folder, alive.check, self._epochs(alive, work))
        finally:
            array.unlink(missing_ok=True)
        if work.epochs is None:  # nothing is left to go on with
            shutil.rmtree(place, ignore_errors=True)
        return Retrained(
            history=[(int(epoch), dict(values), state) for epoch, values, state in found["history"]],
            tensors=str(found["tensors"]),
            predictions={bytes.fromhex(name): _tuples(seen) for name, seen in found["predictions"].items()},
        )

    def _epochs(self, alive: Alive, work: Retraining) -> Callable[[Mapping[str, Any]], None]:
        """What a training's child says, for whoever watches."""

        def report(document: Mapping[str, Any]) -> None:
            alive.heard()
            if "estimate" in document:
                self._saytime_text(int(document["estimate"]), work)
            if "epoch" in document:
                total = work.epochs or int(document.get("epochs", 0))
                self._watch.progress("level 8: epochs", int(document["epoch"]), total)

        return report

    def _saytime_text(self, seconds: int, work: Retraining) -> None:
        all_epochs = installed(work.method).cost(work.recipe, 0).epochs
        needed = seconds if work.epochs is None else -(-seconds * work.epochs // max(1, all_epochs))
        self._watch.say(f"level 8: about {time_text(needed)} on this machine, if it does nothing else")


def _written(work: Path, parts: Sequence[Part], read: Read) -> list[dict[str, Any]]:
    """The files that a child needs, and which of them each part is."""
    shutil.rmtree(work, ignore_errors=True)
    made_folder(work / "images")
    folders: dict[int, str] = {}
    listed = []
    try:
        for part in parts:
            name = folders.setdefault(id(part.asked), f"weights-{len(folders)}")
            made_folder(work / name)
            for file, data in part.asked.weights.items():
                if "/" in file or file in (".", ".."):
                    raise Untrusted(f"{file[:60]!r} is no file of weights", code="hostile_weights")
                (work / name / file).write_bytes(data)
            for sha256 in part.images:
                (work / "images" / sha256.hex()).write_bytes(read(sha256))
            images = [sha256.hex() for sha256 in part.images]
            files = sorted(part.asked.weights)
            listed.append({"weights": name, "files": files, "images": images, "exported": part.asked.exported})
    except OSError as error:
        raise not_written(work, error) from error
    return listed


def _tuples(found: Iterable[Sequence[int]]) -> tuple[Detection, ...]:
    return tuple((one[0], one[1], one[2], one[3], one[4], one[5]) for one in found)


def _check_room(cost: Cost, folder: Path) -> None:
    """``Unavailable`` (``no_room``) where this machine has not the memory or the disk that a recipe asks for."""
    memory, disk = memory_for_children(), shutil.disk_usage(folder).free
    if memory and cost.memory > memory:
        raise Unavailable(f"it needs {cost.memory >> 20} MiB of memory, and {memory >> 20} are free", code="no_room")
    if cost.pixels + cost.checkpoint > disk:
        needed = (cost.pixels + cost.checkpoint) >> 20
        raise Unavailable(f"it needs {needed} MiB of disk, and {disk >> 20} are free", code="no_room")
