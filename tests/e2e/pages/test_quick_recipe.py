"""The recipe `quick` itself, trained by forms alone: what the pages offer on a machine without a GPU does end."""

from __future__ import annotations

import csv
import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from registry.demo.drawn_faces import draw_faces
from registry.workflows.images.importing.import_source import import_source
from tests.api.conftest import Client
from tests.api.pages.reading import HTML, value
from tests.support.forgery import opened_home
from tests.support.pages import make_token

pytestmark = pytest.mark.slow
OF_A_LABEL = 6  # images
SECONDS = 300


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Home]:
    """A home with some drawn faces and a worker whose trainings are processes of their own."""
    with opened_home(tmp_path, children=True) as home:
        import_source(home, str(_some_faces(tmp_path)))
        worker = home.worker()
        thread = threading.Thread(target=worker.work, daemon=True)
        thread.start()
        yield home
        worker.stopping.set()
        thread.join(60)


def _some_faces(folder: Path) -> Path:
    """The first good faces of each label that the demo draws."""
    draw_faces(folder / "all", 2023)
    some = folder / "some"
    (some / "images").mkdir(parents=True)
    with (folder / "all" / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["file"].rpartition("/")[2].startswith("face_")]
    labels = sorted({row["label"] for row in rows})
    kept = [row for label in labels for row in [one for one in rows if one["label"] == label][:OF_A_LABEL]]
    with (some / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(kept)
    for row in kept:
        name = row["file"].rpartition("/")[2]
        shutil.copy(folder / "all" / "images" / name, some / "images" / name)
    return some


class Visitor:
    """Somebody who only opens pages and sends their forms."""

    def __init__(self, client: Client, token: str) -> None:
        self.client = client
        self.send("/signin", self.open("/signin"), token=token, next="/")

    def open(self, path: str) -> str:
        answer = self.client.get(path, headers=HTML)
        assert answer.status_code == 200, answer.text[:2000]
        return str(answer.text)

    def send(self, path: str, page: str, **fields: Any) -> str:
        """Send a form of a page; where it leads."""
        form = {**fields, "csrf": value(page)}
        answer = self.client.post(path, data=form, headers=HTML, follow_redirects=False)
        assert answer.status_code == 303, answer.text[:2000]
        return str(answer.headers["location"])

    def until(self, path: str, words: str) -> str:
        end = time.monotonic() + SECONDS
        while words not in (page := self.open(path)):
            assert time.monotonic() < end, page[:4000]
            time.sleep(0.5)
        return page


def test_quick_is_trained_published_and_audited_by_forms_alone(working: Home) -> None:
    scopes = ("snapshots:write", "runs:write", "releases:write")
    with TestClient(create_app(working), raise_server_exceptions=False) as client:
        visitor = Visitor(client, make_token(working, *scopes))
        taken = visitor.send("/snapshots/new", visitor.open("/snapshots/new?preview=1"), then="train")
        form = visitor.open(taken)
        assert "<option selected>quick</option>" in form
        hidden = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', form))
        wanted = {"recipe": "quick", "do": "start", "option.epochs": "2", "option.folds": "2"}
        claim = {"metric": "macro_f1", "comparator": ">=", "threshold": "0.05"}
        run = visitor.send("/runs/new", form, **{**hidden, **wanted, **claim})
        page = visitor.until(run, f"{run}/publish")
        released = visitor.send(f"{run}/publish", page)
        page = visitor.until(released, "/releases/baf")
        (release,) = set(re.findall(r'href="(/releases/baf[a-z2-7]+)"', page))
        shown = visitor.open(release)
        assert "recipe quick" in shown
        audit = visitor.send("/audits", shown, target=release.rpartition("/")[2])
        assert "records consistent" in visitor.until(audit, 'class="verdict"')
        assert "This registry checked the records" in visitor.open(release)
