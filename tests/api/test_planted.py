"""What strangers can plant: forged records sent as bytes, rows that name what is private, questions about what is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.index import indexing
from registry.catalog.private_data import add_source
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import reader
from registry.content.unixfs.importer import add_bytes, add_directory
from registry.core import log, records
from registry.core.errors import InvalidInput, NotFound, Untrusted
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, cid_of
from registry.core.ipld.dag import walk_closure
from registry.core.ipld.dagpb import Link
from registry.core.ipld.unixfs import file_node
from registry.core.table import tables
from registry.core.table.columns import Shape
from registry.provenance.keys.keys import Key, load_or_create
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.store.read_content import read_as
from registry.workflows.store.sync_store import sync
from tests.api.conftest import CAR_TYPE, PLUGIN, Client, Headers, fill, make_token, picture, problem
from tests.api.test_schema import operations


class Planted(NamedTuple):
    """A registry with a private folder, whose table of labels names people, beside what it publishes."""

    home: Home
    client: Client
    writer: Headers
    snapshot: CID
    root: CID
    labels: CID
    loose: CID  # a picture in the folder that no row registered


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    folder = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PLUGIN)
        home = open_home(read_settings({"EMOTIONET_HOME": str(folder / "home")}))
        root = _private(home, folder / "people")
        found = reader.list_directory(home.store, root)
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            writer = make_token(home)
            fill(client, writer, 4)
            snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
            places = (found["labels.csv"].cid, found["loose.jpg"].cid)
            yield Planted(home, client, writer, CID.parse(snapshot), root, *places)
        home.close()


def _private(home: Home, folder: Path) -> CID:
    """Import a folder of two pictures, of which one is registered: as where an import was cut off between."""
    folder.mkdir()
    (folder / "a.jpg").write_bytes(picture(50))
    (folder / "labels.csv").write_text("file,label,subject\na.jpg,feliz,Ana Secreta\n")
    found = reader.list_directory(home.store, CID.parse(import_source(home, str(folder))["root"]))
    files = {name: (entry.cid, entry.tsize) for name, entry in found.items()}
    loose = add_bytes(home.store, picture(51))
    root = add_directory(home.store, {**files, "loose.jpg": (loose.cid, loose.tsize)}).cid
    home.store.flush()
    with home.catalog.write() as db:
        add_source(db, root, kind="folder", private=True, at=home.now())
    return root


def forged(home: Home, snapshot: CID, **change: Any) -> CID:
    """A snapshot record that differs from an honest one, put into the store as a CAR would; its CID."""
    value = records.to_value(read_as(home, records.Snapshot, snapshot))
    data = encoding.encode(value | change)
    cid = cid_of(data, DAG_CBOR)
    home.store.put_many([(cid, data)])
    return cid


def other_table(home: Home, columns: tuple[str, ...] = ("sha256", "colour")) -> CID:
    """A table with other columns than are wanted."""
    shape = Shape("snapshot.items" if columns == records.SNAPSHOT_ITEMS.columns else "other", 1, columns, ("sha256",))
    return tables.build(shape, [[bytes([n]) * 32, *columns[1:]] for n in range(3)], home.store.put)


def publish(home: Home, cid: CID) -> None:
    """What importing a CAR with this root says of it."""
    with home.catalog.write() as db:
        add_source(db, cid, kind="car", private=False, at=home.now())


TAILS = ("", "/items", "/diff/{honest}", "/proof/" + "00" * 32)


def changes(home: Home) -> list[dict[str, Any]]:
    columns = records.SNAPSHOT_ITEMS.columns
    return [
        {"items": other_table(home)},
        {"items": other_table(home, columns)},  # its columns, filled with words
        {"excluded": other_table(home)},
        {"items": cid_of(b"nothing", DAG_CBOR)},
        {"count": 1_000_000},
        {"classes": ["none of its labels"]},
    ]


def test_an_unsigned_snapshot_looks_as_if_it_were_not_here(planted: Planted) -> None:
    absent = cid_of(b"\xa0", DAG_CBOR)
    for change in [{}, *changes(planted.home)]:
        cid = forged(planted.home, planted.snapshot, rule="another", **change)
        for tail in TAILS:
            address = f"/api/v1/snapshots/{{}}{tail.format(honest=planted.snapshot)}"
            mine, other = (planted.client.get(address.format(one)) for one in (cid, absent))
            assert mine.status_code == other.status_code == 404
            assert mine.json()["detail"] == other.json()["detail"].replace(str(absent), str(cid))


def test_an_imported_one_is_shown_as_far_as_it_is_true_and_as_unsigned(planted: Planted) -> None:
    whole = forged(planted.home, planted.snapshot, rule="another")
    publish(planted.home, whole)
    assert planted.client.get(f"/api/v1/snapshots/{whole}").json()["issuer"] is None
    assert planted.client.get(f"/api/v1/snapshots/{planted.snapshot}").json()["issuer"] == planted.home.key.did
    for change in changes(planted.home):
        cid = forged(planted.home, planted.snapshot, **change)
        publish(planted.home, cid)
        answers = [
            planted.client.get(f"/api/v1/snapshots/{cid}{tail.format(honest=planted.snapshot)}") for tail in TAILS
        ]
        assert {answer.status_code for answer in answers} <= {200, 404, 502}, change
        assert answers[0].status_code != 200, change


def test_no_run_starts_on_a_forged_or_an_unsigned_snapshot(planted: Planted) -> None:
    wanted = Wanted(recipe="simulated", method="simulated")
    for change in [{}, *changes(planted.home)]:
        cid = forged(planted.home, planted.snapshot, rule="not said", **change)
        with pytest.raises(InvalidInput) as raised:
            start_run(planted.home, cid, wanted)
        assert raised.value.code == "unsigned_snapshot"
        body = {"snapshot": str(cid), "recipe": "simulated", "method": "simulated"}
        problem(planted.client.post("/api/v1/runs", json=body, headers=planted.writer), 404, "not_found")


def test_a_forged_one_is_never_listed(planted: Planted, tmp_path: Path) -> None:
    for change in changes(planted.home):
        cid = forged(planted.home, planted.snapshot, **change)
        with pytest.raises((Untrusted, NotFound)):
            learn(planted.home, load_or_create(tmp_path), cid)
    listed = planted.client.get("/api/v1/snapshots").json()["items"]
    assert [one["cid"] for one in listed] == [str(planted.snapshot)]


def learn(home: Home, key: Key, record: CID) -> None:
    """A stranger's entry for a record, indexed as an imported log is."""
    entry = records.encode(log.make_entry(key, 0, None, None, record, home.now()))
    cid = cid_of(entry, DAG_CBOR)
    home.store.put_many([(cid, entry)])
    with home.catalog.write() as db:
        indexing.index_entry(db, cid, home.store.get)


def row_of(home: Home, key: Key, sha256: bytes, cid: CID) -> None:
    """A row that a stranger signed, learned of as an imported log is."""
    values = {"sha256": sha256, "contributor": "x", "cid": bytes(cid), "size": 1, "label": "feliz", "boxes": []}
    values |= {"attributes": {}, "subject": None, "licence": None, "consent": None, "replaces": None}
    values |= {"sources": {}, "rights": {}, "signature": None}
    shape = records.CONTRIBUTION_ROWS
    table = tables.build(shape, [[values[name] for name in shape.columns]], home.store.put)
    contribution = records.encode(records.Contribution(rows=table, issuer=key.did))
    record = cid_of(contribution, DAG_CBOR)
    home.store.put_many([(record, contribution)])
    learn(home, key, record)


@pytest.mark.parametrize("name", ["labels", "loose", "root"])
def test_what_is_private_stays_so_whatever_a_row_says(home: Home, client: Client, tmp_path: Path, name: str) -> None:
    root = _private(home, tmp_path / "people")
    files = reader.list_directory(home.store, root)
    cid = {"labels": files["labels.csv"].cid, "loose": files["loose.jpg"].cid, "root": root}[name]
    row_of(home, load_or_create(tmp_path), cid.digest if cid.codec == RAW else b"r" * 32, cid)
    problem(client.get(f"/ipfs/{cid}?format=raw"), 404, "not_found")
    target = MemoryStore()
    sync(home, home.embedded, target, ("embedded", "memory"))
    assert not target.has(cid)
    assert target.has(files["a.jpg"].cid)


def test_what_was_registered_of_a_private_folder_is_given_out(planted: Planted) -> None:
    image = reader.list_directory(planted.home.store, planted.root)["a.jpg"].cid
    assert planted.client.get(f"/ipfs/{image}?format=raw").content == picture(50)


@pytest.mark.parametrize("name", ["labels", "root"])
def test_a_row_of_what_is_private_is_answered_as_one_of_what_is_not_here(planted: Planted, name: str) -> None:
    cid: CID = getattr(planted, name)
    absent = cid_of(b"nothing of the kind", cid.codec)
    rows = [{"cid": str(one), "label": "feliz"} for one in (cid, absent)]
    one, other = planted.client.post("/api/v1/images?rows=all", json=rows, headers=planted.writer).json()["results"]
    assert one == {**other, "row": 1, "cid": str(cid), "reason": other["reason"].replace(str(absent), str(cid))}
    assert other["code"] == "not_held"


@pytest.mark.parametrize(
    "data", [b"file,label\na.jpg,x\n", b"<svg xmlns='x'/>", b"<html>", b"", b"%PDF-1.7", bytes(64)]
)
def test_what_registers_begins_as_an_image(client: Client, writer: Headers, home: Home, data: bytes) -> None:
    cid = add_bytes(home.store, data).cid
    home.store.flush()
    rows = [{"cid": str(cid), "label": "feliz"}]
    (answer,) = client.post("/api/v1/images?rows=all", json=rows, headers=writer).json()["results"]
    assert (answer["status"], answer["code"]) == ("rejected", "not_an_image")


@pytest.mark.parametrize("boxes", [[], [[1, 2, 3, 4]]])
def test_a_row_of_an_image_that_no_training_can_decode_says_so(
    client: Client, writer: Headers, home: Home, boxes: list[list[float]]
) -> None:
    cid = add_bytes(home.store, b"\x89PNG\r\n\x1a\nnot really").cid
    home.store.flush()
    rows = [{"cid": str(cid), "label": "feliz", "boxes": boxes}]
    (answer,) = client.post("/api/v1/images", json=rows, headers=writer).json()["results"]
    assert answer["status"] == "registered"
    assert "training can't decode the image" in answer["note"]


@pytest.mark.parametrize("name", ["labels", "loose", "root", "absent"])
def test_a_car_leans_on_nothing_private(planted: Planted, name: str) -> None:
    cid = cid_of(b"nowhere", RAW) if name == "absent" else getattr(planted, name)
    node = file_node((Link(cid, "", 10),), (10,))
    stream = io.BytesIO()
    car.write([cid_of(node, DAG_PB)], [(cid_of(node, DAG_PB), node)], stream)
    headers = {**planted.writer, "Content-Type": CAR_TYPE}
    found = problem(
        planted.client.post("/api/v1/blocks", content=stream.getvalue(), headers=headers), 422, "car_incomplete"
    )
    assert str(cid) in found["detail"]
    whole = io.BytesIO()  # who sends the bytes along tells nothing and learns nothing
    if name in {"labels", "loose"}:
        blocks = [(cid_of(node, DAG_PB), node), *walk_closure(planted.home.store.get, [cid])]
        car.write([cid_of(node, DAG_PB)], blocks, whole)
        assert planted.client.post("/api/v1/blocks", content=whole.getvalue(), headers=headers).status_code == 200


def leaning(home: Home, cid: CID, shape: str) -> CID:
    """A file whose second part, or a directory whose second entry, is ``cid``: as a stranger's CAR brought it here."""
    head = add_bytes(home.store, picture(52)[:64])
    if shape == "directory":
        root = add_directory(home.store, {"a.jpg": (head.cid, 64), "b": (cid, 10)}).cid
    else:
        size = reader.file_size(home.store, cid) if home.store.has(cid) and cid.codec == RAW else 10
        node = file_node((Link(head.cid, "", 64), Link(cid, "", size)), (64, size))
        root = cid_of(node, DAG_PB)
        home.store.put_many([(root, node)])
    home.store.flush()
    publish(home, root)
    return root


@pytest.mark.parametrize("shape", ["file", "directory"])
@pytest.mark.parametrize("name", ["labels", "loose", "root"])
def test_what_a_strangers_car_links_to_is_not_given_out_with_it(planted: Planted, shape: str, name: str) -> None:
    cid: CID = getattr(planted, name)
    absent = cid_of(b"in no store", cid.codec)
    mine, other = (leaning(planted.home, one, shape) for one in (cid, absent))
    for query in ("format=car", "format=car&dups=y", "format=car&dag-scope=entity&entity-bytes=70:*"):
        one, another = (planted.client.get(f"/ipfs/{root}?{query}") for root in (mine, other))
        assert one.status_code == another.status_code, query
        assert planted.home.store.get(cid) not in one.content
    if shape == "file":
        rows = [{"cid": str(mine), "label": "feliz"}]
        (answer,) = planted.client.post("/api/v1/images?rows=all", json=rows, headers=planted.writer).json()["results"]
        assert (answer["status"], answer["code"]) == ("rejected", "not_held")


@pytest.mark.parametrize("name", ["labels", "loose"])
def test_weights_hold_no_part_that_is_private(planted: Planted, name: str) -> None:
    answers = []
    for cid in (getattr(planted, name), cid_of(b"in no store", RAW)):
        file = leaning(planted.home, cid, "file")
        size = reader.file_size(planted.home.store, file)
        weights = add_directory(planted.home.store, {"weights.safetensors": (file, size)}).cid
        planted.home.store.flush()
        publish(planted.home, weights)
        answers.append(planted.client.get(f"/api/v1/models/{weights}/weights"))
        assert not planted.home.store.has(cid) or planted.home.store.get(cid) not in answers[-1].content
    assert answers[0].status_code == answers[1].status_code


def test_a_published_folder_is_whole_though_a_private_one_shares_its_files(
    home: Home, client: Client, tmp_path: Path
) -> None:
    private = reader.list_directory(home.store, _private(home, tmp_path / "people"))
    files = {name: (entry.cid, entry.tsize) for name, entry in private.items() if name != "loose.jpg"}
    shared = add_directory(home.store, {**files, "again.csv": files["labels.csv"]}).cid
    home.store.flush()
    with home.catalog.write() as db:
        add_source(db, shared, kind="folder", private=False, at=home.now())
    answer = client.get(f"/ipfs/{shared}?format=car")
    assert answer.status_code == 200
    assert home.store.get(files["labels.csv"][0]) in answer.content
    problem(client.get(f"/ipfs/{private['loose.jpg'].cid}?format=raw"), 404, "not_found")


ASKED: dict[str, list[dict[str, Any]]] = {  # what a POST asks about, in its body
    "/api/v1/audits": [{"target": "{}"}, {"target": "{}", "level": 2}],
    "/api/v1/blocks/missing": [{"cids": ["{}"]}, {"root": "{}"}],
    "/api/v1/snapshots": [{"supersedes": "{}"}, {"snapshot": "{}"}],
    "/api/v1/runs": [
        {"snapshot": "{}", "recipe": "simulated", "method": "simulated"},
        {"snapshot": "{honest}", "base": "{}", "recipe": "simulated", "method": "simulated"},
    ],
    "/api/v1/releases/{cid}/claims": [{"claims": ["macro_f1 >= 0.5"]}],
    "/api/v1/names": [{"name": "planted", "target": "{}"}],
    "/api/v1/images/{identity}/labels": [{"label": "feliz"}],
    "/api/v1/images/{identity}/withdrawal": [{"reason": "asked to"}],
    "/api/v1/withdrawals": [
        {"target": "{}", "reason": "asked to"},
        {"target": "{}", "reason": "asked to", "dry_run": True},
    ],
}
UNASKED = {  # bytes and rows are above; a run's id is no CID, and a session asks of none
    "/api/v1/blocks",
    "/api/v1/images",
    "/api/v1/releases",
    "/api/v1/session",
    "/api/v1/session/nonce",
    "/witness/add-checkpoint",
}


def questions(planted: Planted) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    """Every question that the description knows of with a CID in it, the CID's place marked with {}."""
    schema = planted.client.get("/schema").json()
    for path, method, operation in operations(schema):
        names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"} - {"run"}
        queries = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"} & {"target"}
        if method == "post" and not path.endswith(("/cancel", "/resume")):
            if path not in UNASKED and not path.startswith("/api/v1/session"):  # no CID is asked about there
                address = path.replace("{cid}", "{}").replace("{identity}", "{}")
                yield from ((method, address, body) for body in ASKED[path])
            continue
        for name in sorted(names & {"cid", "other", "digest", "identity", "image"}):
            address = path.replace(f"{{{name}}}", "{}")
            for rest in names - {name}:
                address = address.replace(f"{{{rest}}}", "a" if rest == "path" else str(planted.snapshot))
            forms = ("?format=raw", "?format=car") if path.startswith("/ipfs") else ("",)
            yield from ((method, address + form, None) for form in forms)
        yield from ((method, f"{path}?{name}={{}}", None) for name in queries)


def test_every_address_answers_alike_for_what_is_private_and_what_is_not_here(planted: Planted) -> None:
    record = forged(planted.home, planted.snapshot, rule="private")
    private = [(record, cid_of(b"\xa0", DAG_CBOR)), (planted.root, cid_of(b"absent", DAG_PB))]
    private += [(one, cid_of(b"absent", RAW)) for one in (planted.labels, planted.loose)]
    asked = list(questions(planted))
    assert len(asked) > 25
    for cid, absent in private:
        for method, address, body in asked:
            mine, other = (_ask(planted, method, address, body, str(one)) for one in (cid, absent))
            assert mine == (other[0], other[1].replace(str(absent), str(cid))), (method, address, body)


def _ask(planted: Planted, method: str, address: str, body: dict[str, Any] | None, cid: str) -> tuple[int, str]:
    filled = None
    if body is not None:
        texts = {"{}": cid, "{honest}": str(planted.snapshot)}
        filled = {name: texts.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
        filled |= {name: [cid] for name in filled if name == "cids"}
    answer = planted.client.request(method, address.replace("{}", cid), json=filled, headers=planted.writer)
    return answer.status_code, answer.text


PAGES = (
    *("/snapshots/{}", "/snapshots/{}/items", "/snapshots/{}/excluded", "/snapshots/{}/people", "/lineage/{}"),
    *("/snapshots/{}/diff/{honest}", "/snapshots/{honest}/diff/{}", "/snapshots/{}/items/" + "00" * 32, "/search?q={}"),
)


def test_no_address_breaks_on_a_planted_snapshot_or_repeats_what_it_states(planted: Planted) -> None:
    """Whatever shows a record is asked about records whose tables and counts are not what they state, and whose query
    says what no query can."""
    strange: list[dict[str, Any]] = [
        {"query": {"images": "x", "snapshot": 5}},
        {"query": {"label": b"\0", "a": {"b": [None, True]}}},
    ]
    asked = [address for method, address, _ in questions(planted) if method == "get"]
    assert len(asked) > 15
    for change in [*changes(planted.home), *strange]:
        cid = forged(planted.home, planted.snapshot, **change)
        publish(planted.home, cid)
        answers = [planted.client.get(address.replace("{}", str(cid))) for address in asked]
        answers += [
            planted.client.get(
                page.replace("{}", str(cid)).format(honest=planted.snapshot), headers={"Accept": "text/html"}
            )
            for page in PAGES
        ]
        assert [(one.url.path, change) for one in answers if one.status_code >= 500 and one.status_code != 502] == []
        shown = [one for one in answers if one.status_code == 200 and "/ipfs/" not in one.url.path]
        assert not any("1000000" in one.text or "1,000,000" in one.text for one in shown), change
