"""`python -m bench catalog COUNT FOLDER [URL]`: a home with a catalog of so many images and 1,000 releases.

On SQLite, or in the empty PostgreSQL database that ``URL`` names. It stays in ``FOLDER`` for `bench size`, `api`,
`tail` and `pages`. 10,000,000 images take 24 GB of a PostgreSQL server's disk and ten minutes on two processors.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench import many_images, many_images_postgres
from bench.many_releases import publish_many
from registry.assembly import Home, open_home
from registry.catalog.database.engines import sqlite_file
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.run_view import ReleaseView
from registry.settings import read_settings
from tests.support.forgery import publish, simulated_release

RELEASES = 1000
_DATABASE = "EMOTIONET_DATABASE_URL"


def home_of(folder: Path, count: int, database: str = "") -> tuple[Path, dict[str, str]]:
    """A home in ``folder``, made there unless it was before, and what addresses name."""
    kept = folder / "known.json"
    if not kept.exists():
        with _environment({_DATABASE: database} if database else {}):
            known = _make(folder, count)
        kept.write_text(json.dumps({**known, "database": database, "count": str(count)}))
    return folder / "home", dict(json.loads(kept.read_text()))


def environment(home: Path) -> dict[str, str]:
    """What a server of such a home is told."""
    known = json.loads((home.parent / "known.json").read_text())
    named = {_DATABASE: known["database"]} if known["database"] else {}
    return {**os.environ, "EMOTIONET_HOME": str(home), "EMOTIONET_LOG": "warning", **named}


@contextmanager
def opened(home: Path) -> Iterator[Home]:
    """The home, open."""
    found = open_home(read_settings(environment(home)))
    yield found
    found.close()


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    yield
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


def _make(folder: Path, count: int) -> dict[str, str]:
    begin = time.perf_counter()

    def said(text: str) -> None:
        print(f"{time.perf_counter() - begin:6.0f} s: {text}", flush=True)

    with simulated_release(folder) as made:
        mine = publish(made.home, claims=("macro_f1 >= 0.20",)).view
        large = many_images.snapshot(made.home, count)
        said("a snapshot is made")
        publish_many(made.home, mine, count, RELEASES)
        said(f"{RELEASES} releases are published")
        on_sqlite = sqlite_file(made.home.settings.database_url) is not None
        (many_images if on_sqlite else many_images_postgres).fill(made.home, count, said)
        made.home.catalog.analyze()
        said(f"a catalog of {count} images is made")
        return _known(made.home, mine, str(large))


def _known(home: Home, view: ReleaseView, large: str) -> dict[str, str]:
    with home.catalog.read() as db:
        held = str(db.exec_driver_sql("SELECT sha256 FROM file_names LIMIT 1").scalar())
        run, other = (one["run"] for one in runs.list_runs(db, limit=2)[0])
        page, cursor = images.list_images(db, cursor=None, limit=1)
    following = {"cursor": b'["8888"]'.hex() if cursor else "", "image": page[0]["sha256"], "cid": page[0]["cid"]}
    names = {"release": str(records.cid(view.release)), "snapshot": str(view.preprocessing.snapshot)}
    return {**following, **names, "run": run, "other": other, "held": held, "large": large}


def main(given: list[str]) -> None:
    """Make one."""
    count, folder, *url = given
    Path(folder).mkdir(parents=True, exist_ok=True)
    home_of(Path(folder), int(count), *url)
