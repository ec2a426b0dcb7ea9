"""The trustless gateway: verified blocks and CARs of what is published, and nothing of what is not."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from registry.assembly import Home
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import importer, reader
from registry.core import records
from registry.core.ipld import car
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, cid_of, verify
from registry.workflows.images.importing.import_source import import_source
from tests.api.conftest import Client, Headers, Resting, fill, picture, problem, register, send
from tests.support.blocks import overwrite

RAW_TYPE, CAR_TYPE = "application/vnd.ipld.raw", "application/vnd.ipld.car"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "Maria Lopez"
    found.mkdir()
    for index in range(4):
        (found / f"maria_{index}.jpg").write_bytes(picture(index, 2_500_000 if index == 0 else 300))
    lines = [f"maria_{index}.jpg,feliz" for index in range(4)]
    (found / "labels.csv").write_text("file,label\n" + "\n".join(lines) + "\n")
    return found


def files(home: Home, root: CID) -> dict[str, CID]:
    return {name: entry.cid for name, entry in reader.list_directory(home.store, root).items()}


def read_car(body: bytes) -> tuple[tuple[CID, ...], dict[CID, bytes]]:
    roots, blocks = car.read(io.BytesIO(body))
    return roots, dict(blocks)


def test_a_private_folder_is_not_given_out(client: Client, home: Home, folder: Path) -> None:
    root = CID.parse(import_source(home, str(folder))["root"])
    listed = files(home, root)
    for hidden in (root, listed["labels.csv"], CID.v1(RAW, root.digest)):
        for form in ("raw", "car"):
            problem(client.get(f"/ipfs/{hidden}?format={form}"), 404, "not_found")
    problem(client.get(f"/ipfs/{root}/labels.csv?format=raw"), 404, "not_found")
    problem(client.get(f"/ipfs/{root}/maria_1.jpg?format=raw"), 404, "not_found")
    assert "maria" not in client.get("/api/v1/images").text.lower()
    answer = client.get(f"/ipfs/{listed['maria_1.jpg']}?format=raw")  # registered: public by its CID alone
    assert answer.content == picture(1)
    big = read_car(client.get(f"/ipfs/{listed['maria_0.jpg']}?format=car").content)[1]
    assert len(big) == 4
    leaf = next(cid for cid in big if cid.codec == RAW)
    assert client.get(f"/ipfs/{leaf}?format=raw").content == big[leaf]


def test_a_published_folder_is_given_out(client: Client, home: Home, folder: Path) -> None:
    import_source(home, str(folder))
    root = CID.parse(import_source(home, str(folder), publish_source=True)["root"])
    assert client.get(f"/ipfs/{root}/maria_1.jpg?format=raw").content == picture(1)
    roots, blocks = read_car(client.get(f"/ipfs/{root}/maria_0.jpg?format=car").content)
    assert roots == (files(home, root)["maria_0.jpg"],)
    assert next(iter(blocks)) == root  # the way to it comes first
    store = MemoryStore()
    store.put_many(blocks.items())
    assert b"".join(reader.read_file(store, reader.resolve(store, root, "maria_0.jpg"))) == picture(0, 2_500_000)
    whole = read_car(client.get(f"/ipfs/{root}", headers={"Accept": CAR_TYPE}).content)[1]
    assert len(whole) == 1 + 1 + 3 + 4  # directory, labels.csv, small files, the large one's blocks
    entity = read_car(client.get(f"/ipfs/{root}?format=car&dag-scope=entity").content)[1]
    assert set(entity) == {root}
    assert len(read_car(client.get(f"/ipfs/{roots[0]}?format=car&dag-scope=entity").content)[1]) == 4
    assert len(read_car(client.get(f"/ipfs/{roots[0]}?format=car&dag-scope=block").content)[1]) == 1


def test_records_are_public_and_verify(client: Client, writer: Headers) -> None:
    fill(client, writer, 4)
    snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
    entry = client.get("/api/v1/snapshots").json()["items"][0]["entry"]
    data = client.get(f"/ipfs/{entry}", headers={"Accept": RAW_TYPE}).content
    verify(CID.parse(entry), data)
    found = records.parse_as(records.Entry, data)
    assert str(found.record) == snapshot
    roots, blocks = read_car(client.get(f"/ipfs/{entry}?format=car").content)
    assert roots == (CID.parse(entry),)
    for index in range(4):  # a snapshot links its images: they go along
        assert cid_of(picture(index), RAW) in blocks


def test_what_was_only_sent_is_not_given_out(client: Client, writer: Headers, home: Home) -> None:
    one, two = send(client, writer, [picture(0), picture(1)])
    problem(client.get(f"/ipfs/{one}?format=raw"), 404, "not_found")
    register(client, writer, [{"cid": str(one), "label": "feliz"}])
    assert client.get(f"/ipfs/{one}?format=raw").content == picture(0)
    problem(client.get(f"/ipfs/{two}?format=raw"), 404, "not_found")
    kept = importer.add_bytes(home.store, b"work of a run that was not published")
    problem(client.get(f"/ipfs/{kept.cid}?format=raw"), 404, "not_found")


def test_a_withdrawn_image_is_gone(client: Client, writer: Headers) -> None:
    big = picture(7, 2_500_000)
    cid, *others = send(client, writer, [big, *[picture(index) for index in range(4)]])
    register(client, writer, [{"cid": str(one), "label": "feliz"} for one in (cid, *others)])
    snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
    inner = [one for one in read_car(client.get(f"/ipfs/{cid}?format=car").content)[1] if one.codec == RAW]
    assert len(inner) == 3
    copied = {"If-None-Match": client.get(f"/ipfs/{snapshot}?format=car").headers["etag"]}
    assert client.get(f"/ipfs/{snapshot}?format=car", headers=copied).status_code == 304
    client.post(f"/api/v1/images/{cid}/withdrawal", json={"reason": "asked to"}, headers=writer)
    for form in ("raw", "car"):
        problem(client.get(f"/ipfs/{cid}?format={form}"), 410, "withdrawn")
    for leaf in inner:
        problem(client.get(f"/ipfs/{leaf}?format=raw"), 404, "not_found")
    whole = client.get(f"/ipfs/{snapshot}?format=car", headers=copied)
    assert whole.status_code == 200, "a copy with the image in it is not said to be right still"
    copied = {"If-None-Match": whole.headers["etag"]}
    assert client.get(f"/ipfs/{snapshot}?format=car", headers=copied).status_code == 304
    blocks = read_car(whole.content)[1]
    assert cid not in blocks
    assert not set(inner) & set(blocks)
    assert others[0] in blocks
    assert client.get(f"/ipfs/{others[0]}?format=raw").status_code == 200


@pytest.mark.parametrize(
    "accept", ["*/*", "text/html", "application/json", f"{CAR_TYPE}; version=2", f"{CAR_TYPE}; order=weird"]
)
def test_only_what_can_be_verified(resting: Resting, accept: str) -> None:
    client, cid = resting.client, resting.images[0]
    problem(client.get(f"/ipfs/{cid}", headers={"Accept": accept}), 406, "not_acceptable")


@pytest.mark.parametrize("form", ["html", "tar", "dag-json", "RAW", "raw,car"])
def test_a_form_that_is_not_known_is_refused(resting: Resting, form: str) -> None:
    client, cid = resting.client, resting.images[0]
    problem(client.get(f"/ipfs/{cid}?format={form}", headers={"Accept": RAW_TYPE}), 406, "not_acceptable")


def test_answers_may_be_cached_for_good_and_asked_for_by_head(client: Client, writer: Headers) -> None:
    cid, *_ = fill(client, writer, 4)
    for form, start in (("raw", f'"{cid}.raw"'), ("car", f'W/"all.n.{cid}.')):
        answer = client.get(f"/ipfs/{cid}?format={form}")
        etag = answer.headers["etag"]
        assert etag.startswith(start)
        kept = "public, max-age=29030400, immutable" if form == "raw" else "public, no-cache"
        assert answer.headers["cache-control"] == kept
        assert answer.headers["vary"] == "Accept"
        assert answer.headers["x-ipfs-roots"] == str(cid)
        assert answer.headers["content-disposition"].startswith("attachment")
        again = client.get(f"/ipfs/{cid}?format={form}", headers={"If-None-Match": etag})
        assert again.status_code == 304
        assert again.content == b""
        head = client.head(f"/ipfs/{cid}?format={form}")
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["etag"] == etag
    assert client.head(f"/ipfs/{cid}?format=raw").headers["content-length"] == "300"


@pytest.mark.parametrize(
    "path",
    [
        "nonsense?format=raw",
        "%2e%2e?format=raw",
        "..%2f..%2fetc%2fpasswd?format=raw",
        "%2e%2e/%2e%2e/etc/passwd?format=raw",
        "{cid}/..%2f..%2fetc%2fpasswd?format=raw",
        "{cid}/%2e%2e/%2e%2e/etc/passwd?format=raw",
        "{cid}/a%00b?format=raw",
        "{cid}/" + "a/" * 500 + "?format=raw",
        "{cid}/" + "x" * 5000 + "?format=raw",
        "{unknown}?format=raw",
        "{unknown}/etc/passwd?format=car",
        "bafkqaaa/x?format=raw",
        "Qm?format=raw",
        "b" * 300 + "?format=raw",
    ],
)
def test_no_path_leads_out(resting: Resting, path: str) -> None:
    client, cid = resting.client, resting.images[0]
    answer = client.get("/ipfs/" + path.format(cid=cid, unknown=cid_of(b"unknown", DAG_PB)))
    assert answer.status_code in {400, 404}, answer.text
    problem(answer, answer.status_code, answer.json()["code"])
    assert "root:" not in answer.text


def test_an_identity_cid_answers_for_itself(client: Client) -> None:
    inline = CID.v1(RAW, b"hello", hash_code=0)
    assert client.get(f"/ipfs/{inline}?format=raw").content == b"hello"


def test_a_block_is_a_block_under_any_codec(client: Client, writer: Headers) -> None:
    cid, *_ = fill(client, writer, 4)
    assert client.get(f"/ipfs/{CID.v1(DAG_CBOR, cid.digest)}?format=raw").content == picture(0)
    problem(client.get(f"/ipfs/{CID.v1(DAG_CBOR, cid.digest)}?format=car"), 422, "malformed_cbor")


def test_a_damaged_block_is_not_given_out(client: Client, writer: Headers, home: Home) -> None:
    cid, *_ = fill(client, writer, 4)
    assert client.get(f"/ipfs/{cid}?format=car").status_code == 200
    overwrite(home.store, CID.parse(str(cid)), b"x" + picture(0)[1:])
    for form in ("raw", "car"):  # what was given before, and is kept in memory, was verified then
        answer = client.get(f"/ipfs/{cid}?format={form}")
        problem(answer, 404, "damaged")
        assert b"x" + picture(0)[1:] not in answer.content


def test_what_comes_later_is_seen(client: Client, writer: Headers, home: Home) -> None:
    (cid,) = send(client, writer, [picture(0)])
    unknown = cid_of(b"unknown", RAW)
    problem(client.get(f"/ipfs/{unknown}?format=raw"), 404, "not_found")
    register(client, writer, [{"cid": str(cid), "label": "feliz"}])
    assert client.get(f"/ipfs/{cid}?format=raw").status_code == 200
    snapshot = client.post("/api/v1/snapshots", json={}, headers=writer).json()["snapshot"]
    assert client.get(f"/ipfs/{snapshot}?format=raw").status_code == 200
