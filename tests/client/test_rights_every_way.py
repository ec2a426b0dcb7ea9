"""Whichever way an image comes, it is asked what it says of its own use, and its row tells: folder, table, CAR, CID,
upload, rows over HTTP, the client, and a reference whose bytes come later."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from registry.assembly import Home, open_home
from registry.catalog.index.indexing import index_entry
from registry.catalog.queries.labeled_images.rows import current_rows
from registry.cli.main import main
from registry.client import Registry, file_item, labeled
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import importer
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.images.registering.labeled_rows import NewRow
from registry.workflows.images.registering.register_images import register as register_rows
from registry.workflows.images.registering.relabel import relabel
from registry.workflows.images.show_image import show_image
from registry.workflows.images.uploading.uploads import Uploads
from registry.workflows.references.ask_again import ask_again
from tests.api.conftest import make_token, register, send, served
from tests.support.credentials import packet, picture, signed
from tests.support.logs import all_entries
from tests.support.processes.gateway import Gateway, serving

C2PA, TDM = "picture.c2pa.training-mining", "picture.tdm-reservation"
SAID = {C2PA: "notAllowed", TDM: "1"}
TABLE = b"file,label,contributor\na.jpg,feliz,ana\n"


class World(NamedTuple):
    """A served home that can fetch what lies ``far``; one picture that says no in two ways, and room for files."""

    home: Home
    client: httpx.Client
    token: str
    far: MemoryStore
    image: bytes = b""
    path: Path = Path()

    @property
    def address(self) -> str:
        return str(self.client.base_url)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def folder(self) -> Path:
        made = self.path / "faces"
        made.mkdir()
        (made / "a.jpg").write_bytes(self.image)
        (made / "labels.csv").write_bytes(TABLE)
        return made

    def fetched(self) -> None:
        """Let a worker fetch what is only referenced."""
        queue = self.home.queue
        self.home.worker().work(idle=lambda: not queue.pending(self.home.key.did))


@pytest.fixture(scope="module")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    far = MemoryStore()
    settings = {"EMOTIONET_HOME": str(tmp_path_factory.mktemp("rights") / "home")}
    with serving(Gateway(far)) as gateway:
        home = open_home(read_settings({**settings, "EMOTIONET_GATEWAYS": gateway.url}))
        with served(home) as address, httpx.Client(base_url=address, timeout=60) as client:
            yield World(home, client, make_token(home)["Authorization"].removeprefix("Bearer "), far)
        home.source.close()  # type: ignore[union-attr]
        home.close()


@pytest.fixture
def world(served_home: World, request: pytest.FixtureRequest, tmp_path: Path) -> World:
    colour = WAYS.index(request.getfixturevalue("way"))  # each way its own picture
    image = signed(picture(colour=10 * colour, xmp=packet('tdm:reservation="1"')), {"ai_training": "notAllowed"})
    return served_home._replace(image=image, path=tmp_path)


def of_folder(world: World) -> None:
    import_source(world.home, str(world.folder()))


def of_table(world: World) -> None:
    (cid,) = send(world.client, world.headers, [world.image])
    table = world.path / "labels.csv"
    table.write_text(f"cid,label,contributor\n{cid},feliz,ana\n")
    import_source(world.home, str(table))


def of_car(world: World) -> None:
    folder = _far_folder(world)
    with (world.path / "faces.car").open("wb") as stream:
        car.write([folder], walk_closure(world.far.get, [folder]), stream)
    import_source(world.home, str(world.path / "faces.car"))


def of_cid(world: World) -> None:
    import_source(world.home, str(_far_folder(world)))


def of_upload(world: World) -> None:
    uploads = Uploads(world.home)
    upload = uploads.begin("t1")
    assert uploads.add(upload, [("a.jpg", io.BytesIO(world.image)), ("labels.csv", io.BytesIO(TABLE))]) == []
    import_source(world.home, str(upload.source()))


def of_rows(world: World) -> None:
    (cid,) = send(world.client, world.headers, [world.image])
    register(world.client, world.headers, [_row(cid)])


def of_rows_with_boxes(world: World) -> None:
    (cid,) = send(world.client, world.headers, [world.image])
    register(world.client, world.headers, [{**_row(cid), "boxes": [[1, 2, 30, 40]]}])


def of_client(world: World) -> None:
    path = world.path / "a.jpg"
    path.write_bytes(world.image)
    with Registry(world.address, world.token) as registry:
        assert registry.register([file_item(path, "feliz", contributor="ana")]).registered == 1


def of_command_to_a_server(world: World) -> None:
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("EMOTIONET_TOKEN", world.token)
        changed.setenv("EMOTIONET_HOME", str(world.path / "sender"))
        assert main(["import", str(world.folder()), "--server", world.address]) == 0


def of_reference(world: World) -> None:
    cid = importer.add_bytes(world.far, world.image).cid
    assert world.client.post("/api/v1/images", json=[_row(cid)], headers=world.headers).status_code == 202
    world.fetched()


def of_reference_by_client(world: World) -> None:
    cid = importer.add_bytes(world.far, world.image).cid
    with Registry(world.address, world.token) as registry:
        assert registry.register([labeled(str(cid), "feliz", contributor="ana")]).referenced == 1
    world.fetched()


def _row(cid: CID) -> dict[str, Any]:
    return {"cid": str(cid), "label": "feliz", "contributor": "ana"}


def _far_folder(world: World) -> CID:
    files = {"a.jpg": world.image, "labels.csv": TABLE}
    entries = {name: (importer.add_bytes(world.far, data).cid, len(data)) for name, data in files.items()}
    return importer.add_directory(world.far, entries).cid


def _named_by_another(world: World) -> CID:
    """The CID of the image, of which a stranger's log that is followed here has a row that says nothing of rights."""
    cid = importer.add_bytes(world.far, world.image).cid
    stranger = open_home(read_settings({"EMOTIONET_HOME": str(world.path / "stranger")}))
    row = NewRow(
        row=1, name="", sha256=cid.digest, cid=cid, size=len(world.image), label="feliz", contributor="eva", held=False
    )
    register_rows(stranger, stranger.key, [row])
    with stranger.catalog.read() as db:
        entries = [CID.parse(one["cid"]) for one in all_entries(db)]
    for block in walk_closure(stranger.store.get, entries):
        world.home.store.put(*block)
    stranger.close()
    with world.home.catalog.write() as db:
        for entry in entries:
            index_entry(db, entry, world.home.store.get)
    return cid


def of_a_label_of_what_another_named(world: World) -> None:
    """While nobody here has said anything of it, it is asked all the same, and not kept: no row could tell its no."""
    cid = _named_by_another(world)
    ask_again(world.home, [str(cid)])
    world.fetched()
    assert not world.home.store.has(cid)
    told = show_image(world.home, str(cid))
    reference = told["reference"]
    assert (told["status"], reference["state"], reference["code"]) == ("referenced", "given_up", "reserved")
    relabel(world.home, str(cid), "feliz", "ana")
    assert own_rows(world) == [("ana", "feliz", {})], "nobody has seen the picture"
    ask_again(world.home, [str(cid)])
    world.fetched()
    assert show_image(world.home, str(cid))["status"] == "stored"


def of_a_label_before_the_bytes_came(world: World) -> None:
    cid = _named_by_another(world)
    relabel(world.home, str(cid), "feliz", "ana")
    assert own_rows(world) == [("ana", "feliz", {})], "nobody has seen the picture"
    ask_again(world.home, [str(cid)])
    world.fetched()


def own_rows(world: World) -> list[tuple[str, str, dict[str, str]]]:
    with world.home.catalog.read() as db:
        mine = hashlib.sha256(world.image).digest()
        rows = [row for row in current_rows(db) if (row["issuer"], row["sha256"]) == (world.home.key.did, mine)]
    return [(row["contributor"], row["label"], row["rights"]) for row in rows]


def of_an_import_of_a_table_that_refers_to_it(world: World) -> None:
    cid = importer.add_bytes(world.far, world.image).cid
    table = world.path / "labels.csv"
    table.write_text(f"cid,label,contributor\n{cid},feliz,ana\n")
    assert import_source(world.home, str(table))["referenced"] == 1
    world.fetched()


WAYS: list[Callable[[World], None]] = [
    of_folder,
    of_table,
    of_car,
    of_cid,
    of_upload,
    of_rows,
    of_rows_with_boxes,
    of_client,
    of_command_to_a_server,
    of_reference,
    of_reference_by_client,
    of_a_label_of_what_another_named,
    of_a_label_before_the_bytes_came,
    of_an_import_of_a_table_that_refers_to_it,
]


@pytest.mark.parametrize("way", WAYS)
def test_whichever_way_it_comes_a_picture_is_asked_what_it_says(world: World, way: Callable[[World], None]) -> None:
    way(world)
    assert own_rows(world) == [("ana", "feliz", SAID)]
