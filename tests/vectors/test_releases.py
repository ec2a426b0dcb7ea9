"""Old releases: every later version reads, audits and predicts from them, and keeps their bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from registry.core import records
from registry.core.errors import InvalidInput
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.table import tables
from registry.core.text.figure_names import FigureName
from registry.evaluation.figures import figures
from registry.provenance.checks.results import FAILS, HOLDS
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.releases.predict import predict
from registry.workflows.releases.publish_release import show_release
from registry.workflows.upkeep.maintenance import rebuild_catalog
from tests.vectors.make import FIGURE, FixedHome, fixed_home, make

HERE = Path(__file__).parent
RELEASES = sorted(path.parent for path in HERE.glob("release-*/release.car"))


def put_release(home: FixedHome, path: Path) -> None:
    """Put the blocks of a file into a home's store, as whoever restores it from anywhere would."""
    with path.open("rb") as stream:
        _, sections = car.read_raw(stream)
        home.store.put_many(sections)


def expected(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "expected.json").read_text(encoding="utf-8")))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FixedHome]:
    opened = fixed_home(tmp_path, monkeypatch)
    yield opened
    opened.close()


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.mark.usefixtures("home")
def test_an_old_release_is_audited(folder: Path) -> None:
    report = audit_car(folder / "release.car")
    found = {check.id: check.result for check in report.checks}
    wanted = expected(folder)
    assert (report.target, report.issuer) == (wanted["ids"]["release"], wanted["ids"]["issuer"])
    assert report.holds
    assert FAILS not in found.values()
    assert {id for id, result in wanted["checks"].items() if result == HOLDS} <= {
        id for id, result in found.items() if result == HOLDS
    }


@pytest.mark.usefixtures("home")
def test_an_old_release_holds_though_a_figure_came_after_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overall = figures._overall

    def more(made: Any, one: str) -> Any:
        return [*overall(made, one), made.bare(FigureName("kappa"), Fraction(1, 2), 1, one)]

    monkeypatch.setattr(figures, "_overall", more)
    report = audit_car(folder / "release.car")
    assert {check.id for check in report.checks if check.result == FAILS} == {"6.metrics"}, "it is computed"
    monkeypatch.setattr(figures, "LISTS", (*figures.LISTS, (*figures.METRICS, "kappa")))
    report = audit_car(folder / "release.car")
    assert [check.id for check in report.checks if check.result == FAILS] == []
    assert {"4.plan", "6.metrics"} <= {check.id for check in report.checks if check.result == HOLDS}


def test_an_old_release_is_cataloged_shown_and_predicts(folder: Path, home: FixedHome) -> None:
    wanted = expected(folder)
    put_release(home, folder / "release.car")
    assert rebuild_catalog(home)["problems"] == []
    release = CID.parse(wanted["ids"]["release"])
    shown = show_release(home, release)
    assert {name: shown[name] for name in wanted["ids"]} == wanted["ids"]
    found = {name: {part: one[part] for part in FIGURE} for name, one in shown["metrics"].items()}
    assert wanted["figures"].items() <= found.items()
    [prediction] = predict(home, release, [folder / "face.png"])
    assert {name: prediction[name] for name in wanted["prediction"]} == wanted["prediction"]


def test_an_old_releases_blocks_are_encoded_again_to_the_same_bytes(folder: Path) -> None:
    with (folder / "release.car").open("rb") as stream:
        _, sections = car.read_raw(stream)
        blocks = dict(sections)
    types, kinds = set(), set()
    for cid, data in blocks.items():
        if cid.codec != DAG_CBOR:
            continue
        with suppress(InvalidInput):
            record = records.parse(data)
            types.add(records.type_of(record))
            assert records.encode(record) == data
        value = encoding.decode(data)
        if isinstance(value, dict) and value.get("type") == "table":
            header = tables.read(cid, blocks.__getitem__)
            kinds.add(header.written.kind)
            assert header.count == len(list(tables.iterate(cid, blocks.__getitem__)))
    assert types >= {"issuer", "contribution", "snapshot", "recipe", "plan", "draw", "training", "release", "entry"}
    assert kinds >= {"contribution.rows", "snapshot.items", "preprocessing.output", "draw.folds", "training.history"}


def test_a_release_made_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make(tmp_path / name)
    for name in ("release.car", "expected.json", "face.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert (tmp_path / "one" / "release.car").stat().st_size < 300_000
