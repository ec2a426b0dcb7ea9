"""Methods run again for an audit, on this machine: each in a child process that gets files and gives back values.

Invariants: nothing that a stranger made is read by a library in this process. What was seen is kept in the audit's
folder by all that decides it (method, software, recipe, weights, images), so a killed audit goes on, and nothing is
seen twice. A training goes on from its own checkpoint. A child that is silent for long is ended.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from registry.core.errors import EmotionetError, Unavailable, Untrusted, not_written
from registry.core.ipld.dag import Get
from registry.core.ports.method import Cost, Detection
from registry.core.run_view import draw_view
from registry.core.text.cleaning import counted
from registry.files import single_writer_file
from registry.jobs.capacity import memory_for_children
from registry.jobs.child import run_child
from registry.provenance.checks.target.deep import Watch
from registry.provenance.checks.target.rerun import Asked, Read, Retrained, Retraining
from registry.workflows.audit.rerun_child import SEE, TRAIN, encode_task
from registry.workflows.fold_task import fold_task, read_members
from registry.workflows.methods import installed

CHUNK = 64  # images that are kept together
TOGETHER = 16  # chunks that one child sees
SILENT, SILENT_EXPORTED = 1800.0, 300.0  # seconds without a word; loading libraries on a busy machine included
TOLD = 3  # images after which it is said how long all will take

_Kept = msgspec.json.Decoder(list[list[tuple[int, int, int, int, int, int]]])
Chunk = tuple[tuple[Detection, ...], ...]


@dataclass(frozen=True)
class _Part:
    """Images that some weights are to see, and where the answer is kept."""

    asked: Asked
    images: tuple[bytes, ...]
    kept: Path


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
        missing = [part for of in parts for part in of if _kept(part) is None]
        told = _Told(self._watch, sum(len(part.images) for part in missing))
        for exported in (False, True):
            those = [part for part in missing if part.asked.exported is exported]
            for start in range(0, len(those), TOGETHER):
                self._seen(method, recipe, classes, those[start : start + TOGETHER], read, told)
        return [
            {sha256: found for part in of for sha256, found in zip(part.images, _needed(part), strict=True)}
            for of in parts
        ]

    def _parts(self, common: list[Any], asked: Asked) -> Iterator[_Part]:
        files = {name: hashlib.sha256(data).hexdigest() for name, data in asked.weights.items()}
        for start in range(0, len(asked.images), CHUNK):
            images = asked.images[start : start + CHUNK]
            all_of_it = [*common, files, asked.exported, [one.hex() for one in images]]
            yield _Part(asked, images, self._folder / "seen" / f"{_key(all_of_it)}.json")

    def _seen(
        self,
        method: str,
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
        parts: Sequence[_Part],
        read: Read,
        told: _Told,
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
        alive = _Alive(limit, exported=limit == SILENT_EXPORTED)

        def report(document: Mapping[str, Any]) -> None:
            alive.heard()
            told(int(document.get("seen", 0)))
            if "part" in document:
                _keep(parts[document["part"]], document["detections"])

        try:
            run_child(SEE, spec, work, alive.check, report)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def train(self, work: Retraining, get: Get, read: Read) -> Retrained:
        """As ``target.rerun.Rerun.train``."""
        method, view = installed(work.method), draw_view(get, work.draw)
        members = read_members(get, view.snapshot, view.preprocessing.output)
        decides = [method.id, method.version, method.environment(), str(work.draw), work.fold, dict(work.recipe)]
        place = self._folder / "training" / _key(decides)
        folder, array = place / "fold", place / "pixels.npy"
        _made(folder)
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
            alive = _Alive(SILENT)
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

    def _epochs(self, alive: _Alive, work: Retraining) -> Callable[[Mapping[str, Any]], None]:
        """What a training's child says, for whoever watches."""

        def report(document: Mapping[str, Any]) -> None:
            alive.heard()
            if "estimate" in document:
                self._say_time(int(document["estimate"]), work)
            if "epoch" in document:
                total = work.epochs or int(document.get("epochs", 0))
                self._watch.progress("level 8: epochs", int(document["epoch"]), total)

        return report

    def _say_time(self, seconds: int, work: Retraining) -> None:
        all_epochs = installed(work.method).cost(work.recipe, 0).epochs
        needed = seconds if work.epochs is None else -(-seconds * work.epochs // max(1, all_epochs))
        self._watch.say(f"level 8: about {_time(needed)} on this machine, if it does nothing else")


class _Told:
    """How far all of the seeing is; once, how long it will take."""

    def __init__(self, watch: Watch, total: int) -> None:
        self._watch, self._total, self._done, self._first = watch, total, 0, 0.0

    def __call__(self, seen: int) -> None:
        if not seen:
            return
        self._done += seen
        self._watch.progress("level 7: images", self._done, self._total)
        if self._done == 1:  # what came before it was loading
            self._first = time.monotonic()
        if self._done == 1 + TOLD and self._total > self._done:
            each = (time.monotonic() - self._first) / TOLD
            self._watch.say(f"level 7: about {_time(round(each * (self._total - self._done)))} are left")


class _Alive:
    """Ends a child that says nothing for too long."""

    def __init__(self, seconds: float, *, exported: bool = False) -> None:
        self._seconds, self._exported, self._at = seconds, exported, time.monotonic()

    def heard(self) -> None:
        """It said something."""
        self._at = time.monotonic()

    def check(self) -> None:
        """``Untrusted`` of a stranger's program, ``Unavailable`` of a method."""
        if time.monotonic() - self._at <= self._seconds:
            return
        said = f"it was silent for {self._seconds:.0f} s and was ended"
        raise Untrusted(said, code="endless") if self._exported else Unavailable(said, code="endless")


def _written(work: Path, parts: Sequence[_Part], read: Read) -> list[dict[str, Any]]:
    """The files that a child needs, and which of them each part is."""
    shutil.rmtree(work, ignore_errors=True)
    _made(work / "images")
    folders: dict[int, str] = {}
    listed = []
    try:
        for part in parts:
            name = folders.setdefault(id(part.asked), f"weights-{len(folders)}")
            _made(work / name)
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


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error) from error


def _keep(part: _Part, found: Any) -> None:
    data = json.dumps(found).encode()
    if len(_Kept.decode(data)) != len(part.images):
        raise EmotionetError("the method gave another number of answers than it was shown images", code="bad_method")
    _made(part.kept.parent)
    with single_writer_file(part.kept, durable=False) as stream:
        stream.write(data)


def _kept(part: _Part) -> Chunk | None:
    """What was seen before; None for a file that is missing, cut or not of these images."""
    try:
        found = _Kept.decode(part.kept.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
    return tuple(tuple(one) for one in found) if len(found) == len(part.images) else None


def _needed(part: _Part) -> Chunk:
    found = _kept(part)
    if found is None:
        raise Unavailable("what the weights saw was lost", code="lost", hint="audit again.")
    return found


def _tuples(found: Iterable[Sequence[int]]) -> tuple[Detection, ...]:
    return tuple((one[0], one[1], one[2], one[3], one[4], one[5]) for one in found)


def _key(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _check_room(cost: Cost, folder: Path) -> None:
    """``Unavailable`` (``no_room``) where this machine has not the memory or the disk that a recipe asks for."""
    memory, disk = memory_for_children(), shutil.disk_usage(folder).free
    if memory and cost.memory > memory:
        raise Unavailable(f"it needs {cost.memory >> 20} MiB of memory, and {memory >> 20} are free", code="no_room")
    if cost.pixels + cost.checkpoint > disk:
        needed = (cost.pixels + cost.checkpoint) >> 20
        raise Unavailable(f"it needs {needed} MiB of disk, and {disk >> 20} are free", code="no_room")


def _time(seconds: int) -> str:
    if seconds < 100:
        return counted(seconds, "second")
    return counted(-(-seconds // 60), "minute") if seconds < 7200 else counted(-(-seconds // 3600), "hour")
