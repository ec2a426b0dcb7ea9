"""Level 6's checks of weights: their digests taken again from the published bytes, by everyone and without the method;
what else stands in a model.json is the method's to compare, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from registry.core import tensors
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.records import Weights
from registry.core.text.cleaning import counted
from registry.core.weights import ONNX, ONNX_FILE, SAFETENSORS, WEIGHTS, check_folder, check_names, weights_digest
from registry.provenance.checks.results import Check, Failed, NotChecked, equal, guarded, run
from registry.provenance.checks.target.subject import Subject
from registry.provenance.release_view import final_weights, native_weights

_ONNX_BEGINS = b"\x08"  # a protobuf whose first field is the version of the format
_NO_DIGEST = (
    "an ONNX file stores its tensors in another form, so they have no comparable digest: this version can't tell "
    "whether it is the same model"
)


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this kind; of ONNX and of checkpoints only where some are published."""
    yield run("6.weights", partial(weights, subject))
    yield run("6.base", partial(base, subject))
    if guarded(partial(_formats, subject), set[str]()) & {ONNX}:
        yield run("6.onnx", partial(onnx, subject))
    if guarded(partial(_has_checkpoints, subject), False):
        yield run(
            "6.checkpoints",
            partial(states, subject),
        )


def _formats(subject: Subject) -> set[str]:
    return {one.format for one in subject.release.release.weights} if subject.is_release else set()


def _has_checkpoints(subject: Subject) -> bool:
    return subject.is_release and any(one.checkpoints for one in subject.release.trainings)


def _release(subject: Subject) -> None:
    if not subject.is_release:
        raise NotChecked("only a release has weights")


def weights(subject: Subject) -> str:
    """6.weights: each published folder is the one of its fold's training; its tensors have the stated digest, its
    model.json the snapshot's classes in their order; further files are ONNX; and the final one is there."""
    _release(subject)
    release = subject.release
    own = native_weights(release)
    stated = sorted((str(one.fold), str(one.cid), one.tensors) for one in own)
    equal("weights", stated, sorted((str(one.fold), str(one.weights), one.tensors) for one in release.trainings))
    for one in own:
        _check_folder(subject, one)
    for one in release.release.weights:
        if one.format == ONNX:
            _check_further(subject, one)
    final_weights(release)
    digests = counted(len({one.tensors for one in own}), "different digest")
    return f"{counted(len(own), 'folder')}, {digests}, recomputed from the bytes"


def _check_folder(subject: Subject, one: Weights) -> None:
    what = "the refit" if one.fold is None else f"fold {one.fold}"
    files, model = _folder(subject, one.cid)
    equal(f"format of {what}, safetensors or not", one.format == SAFETENSORS, WEIGHTS in files)
    found = weights_digest(files)
    if found != one.tensors:
        raise Failed(f"the weights of {what} have the digest {found}, but the release states {one.tensors}")
    equal(f"classes of {what}", tuple(model["names"]), subject.release.snapshot.classes)
    method, recipe = subject.installed_method(), subject.release.recipe
    if method is None:
        return
    values = method.read_recipe(recipe.version, recipe.values)
    try:
        method.check_model(values, model)
    except InvalidInput as error:
        raise Failed(f"the weights of {what}: {error}") from error


def _folder(subject: Subject, cid: CID) -> tuple[dict[str, bytes], Mapping[str, Any]]:
    """A weights folder's files and its model.json. ``Untrusted`` (``hostile_weights``) for what is none."""
    there = subject.reading.names(cid)
    check_names(there)
    files = {name: subject.reading.whole(link) for name, link in there.items()}
    return files, check_folder(files)


def base(subject: Subject) -> str:
    """6.base: what the plan names as base is a weights folder; what it had seen before, no bytes can say."""
    _release(subject)
    if subject.release.plan.base is None:
        return "no base weights"
    files, _ = _folder(subject, subject.release.plan.base)
    return f"tensors {weights_digest(files)}"


def onnx(subject: Subject) -> str:
    """6.onnx: what such a file computes is not looked at."""
    raise NotChecked(_NO_DIGEST)


def states(subject: Subject) -> str:
    """6.checkpoints: the digest of each, taken from its bytes, is the one that the checkpoint and the history state."""
    count = 0
    for training in subject.release.trainings:
        history = {row["epoch"]: row["state"] for row in subject.rows(training.history)}
        for one in training.checkpoints:
            there = subject.reading.names(one.cid)
            if set(there) != {tensors.STATE, tensors.NUMBERS}:
                tensors.checkpoint_digest(dict.fromkeys(there, b""))
            found = tensors.checkpoint_digest({name: subject.reading.whole(link) for name, link in there.items()})
            equal(f"state after epoch {one.epoch}", (one.state, history.get(one.epoch)), (found, found))
            count += 1
    return f"{counted(count, 'checkpoint')}, digests recomputed from the bytes"


def _check_further(subject: Subject, one: Weights) -> None:
    """A further file is of tensors that were trained, and one that begins as an ONNX does."""
    if (one.fold, one.tensors) not in {(training.fold, training.tensors) for training in subject.release.trainings}:
        raise Failed(f"the ONNX file of fold {one.fold} states tensors that no training produced")
    there = subject.reading.names(one.cid)
    if set(there) != {ONNX_FILE}:
        raise Failed(f"an ONNX folder must hold {ONNX_FILE} alone, not {', '.join(sorted(there))[:100] or 'nothing'}")
    if not subject.reading.whole(there[ONNX_FILE]).startswith(_ONNX_BEGINS):
        raise Failed(f"{ONNX_FILE} does not begin as an ONNX file does")
