"""A stranger's release whose tables are not what they should be: whatever is asked about it, no answer is a 500."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import open_home
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.core.table.columns import Shape
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from tests.support.forgery import PLUGIN, Released, car_of, forge, replaced, simulated_release

TABLES = {
    "predictions": records.PREDICTIONS,
    "curves": records.CURVES,
    "output": records.PREPARED,
    "folds": records.FOLDS,
    "items": records.SNAPSHOT_ITEMS,
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("forged")) as found:
        yield found


def other(honest: Released, name: str, form: str) -> CID:
    """A table in the place of one: with other columns, or with its own columns full of words."""
    shape = TABLES[name] if form == "words" else Shape("other", 1, ("a", "b"), ("a",))
    rows = [[b"\1" * 32 if column == "sha256" else 0 if column in shape.key else "word" for column in shape.columns]]
    return tables.build(shape, rows, honest.home.store.put)


def forged(honest: Released, name: str, form: str) -> CID:
    view = honest.view
    owner: dict[str, tuple[CID, Any]] = {
        "predictions": (view.release.evaluation, view.evaluation),
        "curves": (view.release.evaluation, view.evaluation),
        "output": (view.plan.preprocessing, view.preprocessing),
        "folds": (view.release.draw, view.draw),
        "items": (view.preprocessing.snapshot, view.snapshot),
    }
    cid, record = owner[name]
    return forge(honest.home, honest.entry, replaced(cid, record, **{name: other(honest, name, form)}))


@pytest.mark.parametrize("form", ["columns", "words"])
@pytest.mark.parametrize("name", TABLES)
def test_no_question_about_it_ends_in_a_defect(
    honest: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str
) -> None:
    entry = forged(honest, name, form)
    path = car_of(honest.home, entry, tmp_path / "forged.car")
    monkeypatch.syspath_prepend(str(PLUGIN))
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home")}))
    try:
        import_source(home, str(path))
    except EmotionetError:
        return  # it was refused
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        snapshot = honest.view.preprocessing.snapshot
        release = records.parse_as(records.Entry, home.store.get(entry)).record
        answers = [
            client.get(path)
            for one in (entry, release)
            for path in (
                "/api/v1/releases",
                "/api/v1/snapshots",
                "/api/v1/plans",
                f"/api/v1/releases/{one}",
                f"/api/v1/releases/{one}/report",
                f"/api/v1/lineage/{one}",
                f"/api/v1/lookup/{one}",
                f"/api/v1/models/{one}",
                f"/api/v1/snapshots/{snapshot}",
                f"/api/v1/anchors/{one}",
            )
        ]
        answers += [
            client.get(path, headers={"Accept": "text/html"})
            for path in (
                "/releases",
                f"/releases/{release}",
                f"/releases/{release}/images",
                f"/releases/{release}/images?right=no&order=sure",
                f"/releases/{release}/compare/{release}",
                f"/releases/{release}/file?images=no",
                f"/lineage/{release}",
            )
        ]
        answers.append(client.post(f"/api/v1/releases/{release}/claims", json={"claims": ["macro_f1 >= 0.1"]}))
        answers.append(client.post("/api/v1/audits", json={"target": str(entry)}))
        assert [(answer.url.path, answer.status_code) for answer in answers if answer.status_code == 500] == []
        assert answers[-1].json().get("holds") is not True
    home.close()
