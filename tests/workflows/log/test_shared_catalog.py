"""One catalog, two homes: each signs with its own key and holds its own records and images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.assembly import Home, open_home
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.signed_records import entries
from registry.catalog.schema import derived
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.registering.relabel import relabel
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.upkeep.maintenance import rebuild_catalog
from tests.support.logs import log_of


def _folder(path: Path, count: int) -> Path:
    path.mkdir()
    lines = ["file,label,contributor"]
    for number in range(count):
        (path / f"{number}.jpg").write_bytes(f"{path.name} {number}".encode())
        lines.append(f"{number}.jpg,feliz,ana")
    (path / "labels.csv").write_text("\n".join(lines))
    return path


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    """Two homes; the second one corrects what the first one said of an image that only the first one holds."""
    catalog = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    places = [{"EMOTIONET_HOME": str(tmp_path / name), "EMOTIONET_DATABASE_URL": catalog} for name in ("one", "two")]
    one, two = (open_home(read_settings(place)) for place in places)
    import_source(one, str(_folder(tmp_path / "first", 3)))
    import_source(two, str(_folder(tmp_path / "second", 2)))
    relabel(two, _first(one), "triste", "ana")
    yield one, two
    one.close()
    two.close()


def _first(home: Home) -> str:
    with home.catalog.read() as db:
        return str(images.list_images(db, contributor="ana", limit=1)[0][0]["sha256"])


def _state(home: Home) -> list[tuple[str, bool]]:
    with home.catalog.read() as db:
        return [
            (row.sha256, row.stored) for row in db.execute(sa.select(derived.images).order_by(derived.images.c.sha256))
        ]


def _length(home: Home) -> int:
    with home.catalog.read() as db:
        newest = entries.newest(db, home.key.did)
    return -1 if newest is None else newest[1]


@pytest.mark.parametrize("who", [0, 1])
def test_a_snapshot_of_what_is_held_elsewhere_is_refused_before_it_is_signed(
    homes: tuple[Home, Home], tmp_path: Path, who: int
) -> None:
    mine, other = homes[who], homes[1 - who]
    length = _length(mine)
    with pytest.raises(NotFound, match=f"contribution .* of {other.key.did}") as raised:
        take_snapshot(mine)
    assert "emotionet import" in str(raised.value.hint)
    assert _length(mine) == length
    with other.catalog.read() as db:
        said = [CID.parse(one["record"]) for one in log_of(db, other.key.did)]
    for record in said[1:]:  # as the hint says
        export_held(other, record, tmp_path / f"{record}.car")
        import_source(mine, str(tmp_path / f"{record}.car"))
    assert take_snapshot(mine)["count"] > 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 1)])
def test_a_rebuild_takes_nothing_from_what_another_home_holds(homes: tuple[Home, Home], order: tuple[int, int]) -> None:
    before = _state(homes[0])
    assert all(stored for _, stored in before)
    for who in order:
        rebuild_catalog(homes[who])
        assert _state(homes[who]) == before
