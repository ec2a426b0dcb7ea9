"""Make the release that every later version must audit and predict from: ``python -m tests.vectors.make FOLDER``.

It writes ``release.car`` (without images), ``face.png`` and ``expected.json``. Drawn faces, the simulated method, a
fixed key, one fixed time and pseudonyms that follow from names: made again by the same program, every byte is the same
(another Pillow may draw other pictures). Made once a version of the formats; what lies in ``release-N`` never changes.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog import private_data as private
from registry.core.ipld.cid import CID
from registry.core.issuers import address_of
from registry.demo.drawn_faces import EMOTIONS, HEADER, draw_face, drawn_person
from registry.demo.planted_noise import png
from registry.jobs.engines import Needs
from registry.provenance.keys import keystore
from registry.provenance.keys import signed_heads as signed_heads
from registry.settings import read_settings
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.predict import predict
from registry.workflows.releases.publish_release import publish_release, show_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.training import prepare_run
from registry.workflows.training.steps import IN_CHILD
from tests.support.anchors.signer import MemorySigner
from tests.support.forgery import PLUGIN

TIME = "2026-12-01T12:00:00Z"
KEY = 2026
PERSONS = 6
FIGURE = ("value", "low", "high", "n")
CLAIMS = ("macro_f1 >= 0.50", "recall(feliz) >= 0.99", "accuracy >= 0.80", "macro_f1 >= 0.80")


class InProcess:
    """An engine that does a fold in this process, where time stands still."""

    shards = 1

    def __init__(self, home: Home) -> None:
        self._home = home

    def run(
        self,
        kind: str,
        spec: Mapping[str, Any],
        folder: Path,
        needs: Needs,
        check: Callable[[], None],
        report: Callable[[Mapping[str, Any]], None],
    ) -> dict[str, Any]:
        folder.mkdir(parents=True, exist_ok=True)
        return IN_CHILD[kind](self._home, spec, folder, report)


class FixedHome(Home):
    """A home in which it is always the same time."""

    def now(self) -> str:
        return TIME

    def engine(self, name: str | None) -> InProcess:
        return InProcess(self)


def draw(folder: Path) -> Path:
    """A folder of ``PERSONS`` times the four emotions with its labels.csv."""
    r = random.Random(KEY)
    (folder / "images").mkdir(parents=True)
    lines = [HEADER]
    for number in range(PERSONS):
        person = drawn_person(number, r)
        for emotion in EMOTIONS:
            picture, box = draw_face(person, emotion, r)
            name = f"{person.name[-2:]}-{emotion}.png"
            (folder / "images" / name).write_bytes(png(picture.resize((48, 48))))
            small = " ".join(str(one * 48 // picture.width) for one in box)
            lines.append(f"{name},{emotion},drawer,{person.name},CC0-1.0,{small},drawing,{person.tone}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def fixed_home(folder: Path, patch: pytest.MonkeyPatch) -> FixedHome:
    """A home with the key ``KEY``, where nothing is left to chance."""
    patch.setenv("EMOTIONET_HOME", str(folder / "home"))
    patch.setenv("EMOTIONET_PASSPHRASE", "vectors")
    patch.syspath_prepend(str(PLUGIN))
    patch.setattr(prepare_run, "code_identity", lambda packages: "emotionet release-1")
    patch.setattr(private, "secrets", SimpleNamespace(token_bytes=bytes))
    signer = MemorySigner(KEY)
    address = address_of(signer.did)
    keys = folder / "home" / "keys"
    keys.mkdir(parents=True, mode=0o700)
    signed_heads.mark_made(folder / "home", address)
    path = keys / f"{address}.json"
    path.touch(mode=0o600)
    path.write_text(keystore.encrypt(signer.secret, address, "vectors", keystore.RANDOM_N), encoding="ascii")
    return FixedHome(read_settings())


def release(home: Home, faces: Path) -> dict[str, Any]:
    """Import, snapshot, run and release; the document of `emotionet release publish`."""
    import_source(home, str(faces))
    snapshot = CID.parse(take_snapshot(home)["snapshot"])
    wanted = Wanted(recipe="simulated", method="simulated", claims=CLAIMS)
    run = start_run(home, snapshot, wanted)
    home.worker().work(run)
    return publish_release(home, run)


def expected(home: Home, made: Mapping[str, Any], car: Path, face: Path) -> dict[str, Any]:
    """What every later version must say of it."""
    shown = show_release(home, CID.parse(made["release"]))
    report = audit_car(car)
    ids = ("release", "entry", "issuer", "plan", "draw", "snapshot", "preprocessing")
    [prediction] = predict(home, CID.parse(made["release"]), [face])
    return {
        "sha256": hashlib.sha256(car.read_bytes()).hexdigest(),
        "ids": {name: shown[name] for name in ids},
        "checks": {check.id: check.result for check in report.checks},
        "figures": {name: {part: one[part] for part in FIGURE} for name, one in shown["metrics"].items()},
        "claims": {
            f"{one['metric']} {one['comparator']} {one['threshold']}": one["verdict"] for one in shown["claims"]
        },
        "prediction": {name: prediction[name] for name in ("label", "confidence", "detections")},
    }


def make(folder: Path) -> None:
    """All three files."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        home = fixed_home(Path(scratch), patch)
        faces = draw(Path(scratch) / "faces")
        made = release(home, faces)
        car, face = folder / "release.car", folder / "face.png"
        export_held(home, CID.parse(made["entry"]), car, without_images=True)
        face.write_bytes((faces / "images" / "00-feliz.png").read_bytes())
        found = json.dumps(expected(home, made, car, face), indent=1, sort_keys=True, ensure_ascii=False)
        (folder / "expected.json").write_text(found + "\n", encoding="utf-8")
        home.close()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
