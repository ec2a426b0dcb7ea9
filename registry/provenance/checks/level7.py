"""Level 7: the published weights of each fold, run again on the images that the fold judged.

Invariants: nothing is run here (``target.rerun``). On the kind of processor and with the software that the training
states, detections must be equal; elsewhere within the method's tolerance. Images that were withdrawn by who may are
left out and counted; any other that is missing leaves the check unmade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from registry.core import records
from registry.core.errors import EmotionetError, NotFound, Unavailable, Untrusted
from registry.core.ipld.cid import CID
from registry.core.ports.method import Detection, Method, Tolerance
from registry.core.text.cleaning import counted
from registry.core.weights import ONNX, check_folder, check_names
from registry.provenance.checks.apart import detections_differ
from registry.provenance.checks.results import Check, Failed, NotChecked, guarded, run
from registry.provenance.checks.target.deep import Deep
from registry.provenance.checks.target.rerun import Asked, Read, Rerun
from registry.provenance.checks.target.subject import Subject
from registry.provenance.checks.target.withdrawals import Withdrawals
from registry.provenance.recipe_numbers import threshold_rule

# what a machine lacks says nothing about a release
HERE = frozenset({"no_bf16", "out_of_memory", "lost_gpu", "no_device", "no_onnx", "no_export", "disk_full"})
Seen = Mapping[bytes, tuple[Detection, ...]]


def checks(subject: Subject) -> Iterator[Check]:
    """Predictions; and the ONNX where one is published."""
    yield run("7.predictions", partial(predictions, subject))
    if guarded(lambda: any(one.format == ONNX for one in subject.release.release.weights), False):
        yield run("7.onnx", partial(onnx, subject))


def equipment(subject: Subject, what: str) -> tuple[Deep, Rerun, Method]:
    """What running a release again needs. ``NotChecked`` without it."""
    if not subject.is_release:
        raise NotChecked(f"only a release has {what}")
    deep, method, wanted = subject.deep, subject.installed_method(), subject.release.plan.method
    if deep is None or deep.rerun is None:
        raise NotChecked("nothing can be run again here")
    if method is None:
        raise NotChecked(f"the method {wanted.id[:60]!r} in version {wanted.version[:40]!r} is not installed here")
    return deep, deep.rerun, method


class Images:
    """A snapshot's images by sha256, read within the audit's bounds."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._rows: dict[Any, Any] = {row["sha256"]: row for row in subject.rows(subject.release.snapshot.items)}

    def read(self, sha256: bytes) -> bytes:
        """Its bytes. ``NotChecked`` where they were left out or withdrawn, which ``1.images`` looks at."""
        try:
            return self._subject.reading.whole(self._rows[sha256]["image"])
        except NotFound as error:
            raise NotChecked(f"the bytes of image {sha256.hex()} are not at hand") from error

    def withdrawn(self, wanted: Sequence[bytes]) -> frozenset[bytes]:
        """Those of ``wanted`` that are not at hand because they were withdrawn by who may."""
        missing = [sha256 for sha256 in wanted if not self._is_there(sha256)]
        taken_back = Withdrawals(self._subject) if missing else None
        return frozenset(sha256 for sha256 in missing if taken_back and self._excused(taken_back, sha256))

    def _is_there(self, sha256: bytes) -> bool:
        try:
            self._subject.get(self._rows[sha256]["image"])
        except NotFound:
            return False
        return True

    def _excused(self, taken_back: Withdrawals, sha256: bytes) -> bool:
        row = self._rows[sha256]
        return taken_back.of_image(sha256, [bytes(row["image"])], row["contributors"]) is not None


def weights_files(subject: Subject, cid: CID) -> dict[str, bytes]:
    """A published weights folder, checked before any library reads it. ``Untrusted``."""
    there = subject.reading.names(cid)
    check_names(there)
    files = {name: subject.reading.whole(link) for name, link in there.items()}
    check_folder(files)
    return files


def recipe_values(subject: Subject, method: Method) -> Mapping[str, Any]:
    """The plan's recipe as the method reads it; ``InvalidInput`` for one that it refuses."""
    recipe = subject.release.recipe
    return method.read_recipe(recipe.version, recipe.values)


def see(rerun: Rerun, subject: Subject, method: Method, asked: Sequence[Asked], read: Read) -> list[Seen]:
    """``Rerun.see``; what fails for this machine's sake is not checked."""
    try:
        return rerun.see(method.id, recipe_values(subject, method), subject.release.snapshot.classes, asked, read)
    except (Untrusted, NotFound, Unavailable):
        raise
    except EmotionetError as error:
        if error.code in HERE:
            raise NotChecked(f"it can't be run here: {error}") from error
        raise


def predictions(subject: Subject) -> str:
    """7.predictions."""
    deep, rerun, method = equipment(subject, "predictions")
    rows, left, chosen = _judged(subject, deep)
    by_fold: dict[int, dict[bytes, tuple[Detection, ...]]] = {}
    for row in rows:
        by_fold.setdefault(row["fold"], {})[row["sha256"]] = tuple((*one,) for one in row["detections"])
    trained = {one.fold: one for one in subject.release.trainings}
    folds = sorted(by_fold)
    deep.watch.say(
        f"level 7: {counted(len(rows), 'prediction')} will be made again by the weights of "
        f"{counted(len(folds), 'fold')}{chosen}"
    )
    asked = [Asked(weights_files(subject, trained[fold].weights), tuple(sorted(by_fold[fold]))) for fold in folds]
    seen = see(rerun, subject, method, asked, Images(subject).read)
    comparison, equal = _Comparison(subject), 0
    for fold, found in zip(folds, seen, strict=True):
        allowed = _allowed(subject, method, trained[fold])
        equal += sum(comparison.compare(sha256, one, found[sha256], allowed) for sha256, one in by_fold[fold].items())
    same = f"{counted(equal, 'prediction')} equal to the bit"
    apart = f", {len(rows) - equal} within the tolerance for other kinds of processors" if equal < len(rows) else ""
    return f"{same}{apart}{chosen}{left}"


def _judged(subject: Subject, deep: Deep) -> tuple[list[Any], str, str]:
    """The rows of predictions to look at; what was left out as withdrawn, and the sample, in words."""
    rows: list[Any] = list(subject.rows(subject.release.evaluation.predictions))
    images = {row["sha256"] for row in rows}
    chosen = deep.chosen(images)
    said = f"; {deep.told(len(chosen), len(images), 'judged images')}"
    gone = Images(subject).withdrawn(sorted(chosen))  # any other that is missing is met when it is read
    left = f"; {counted(len(gone), 'withdrawn image')} left out" if gone else ""
    found = [row for row in rows if row["sha256"] in chosen and row["sha256"] not in gone]
    if not found:
        raise NotChecked("no judged image is at hand")
    return found, left, said


def _allowed(subject: Subject, method: Method, training: records.Training) -> tuple[Tolerance, bool]:
    """The tolerance for what a training's machine gave, and whether none is needed here."""
    environment = records.parse_as(records.Environment, subject.get(subject.release.plan.environment))
    return method.about().tolerance, method.same_bits(training.hardware, training.events, environment.values)


class _Comparison:
    """Compares predictions image by image, by the recipe's floor and each image's size."""

    def __init__(self, subject: Subject) -> None:
        rows: list[Any] = list(subject.rows(subject.release.preprocessing.output))
        self._longer = {row["sha256"]: max(row["width"], row["height"]) for row in rows}
        self._floor = threshold_rule(subject.release.recipe).floor

    def compare(
        self,
        sha256: bytes,
        stated: Sequence[Detection],
        found: Sequence[Detection],
        allowed: tuple[Tolerance, bool],
        what: str = "the published detections are not what the weights give",
    ) -> bool:
        """Whether they are equal. ``Failed`` where they lie further apart than is allowed."""
        tolerance, same = allowed
        if tuple(stated) == tuple(found):
            return True
        said = detections_differ(stated, found, tolerance, longer=self._longer[sha256], floor=self._floor)
        if said is None and same:
            said = "they differ in the last places, on the very kind of processor that the training states"
        if said is not None:
            raise Failed(f"image {sha256.hex()}: {what}: {said}")
        return False


def onnx(subject: Subject) -> str:
    """7.onnx: what it sees in the images is what the weights see that it states to be of."""
    deep, rerun, method = equipment(subject, "an ONNX")
    rows, left, chosen = _judged(subject, deep)
    tolerance = method.about().tolerance
    exported = Tolerance(score=tolerance.exported_score, box=tolerance.exported_box, crowded=tolerance.crowded)
    compared, comparison = 0, _Comparison(subject)
    for one in (one for one in subject.release.release.weights if one.format == ONNX):
        own = [
            other for other in subject.release.release.weights if other.format != ONNX and other.tensors == one.tensors
        ]
        if not own:
            raise Failed("the ONNX states tensors that no published weights have")
        images = tuple(sorted({row["sha256"] for row in rows if one.fold in (None, row["fold"])}))
        if not images:
            raise NotChecked("the sample has no image that these weights judged")
        deep.watch.say(f"level 7: the ONNX and its weights will look at {counted(len(images), 'image')}")
        there = subject.reading.names(one.cid)
        files = {name: subject.reading.whole(link) for name, link in there.items()}
        asked = [Asked(weights_files(subject, own[0].cid), images), Asked(files, images, exported=True)]
        wanted, found = see(rerun, subject, method, asked, Images(subject).read)
        for sha256 in images:
            comparison.compare(
                sha256, wanted[sha256], found[sha256], (exported, False), "the ONNX does not see what its weights see"
            )
        compared += len(images)
    return f"{counted(compared, 'image')} seen alike within the tolerance of the export{chosen}{left}"
