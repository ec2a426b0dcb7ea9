"""What only a socket shows: a CAR that can't be finished is cut off, so that nobody takes it for whole; names that
are encoded once (the framework's test client decodes them twice)."""

from __future__ import annotations

import random
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from registry.assembly import Home
from registry.content.unixfs import reader
from registry.content.unixfs.importer import add_bytes
from registry.core.ipld.cid import CID
from registry.workflows.images.importing.import_source import import_source
from tests.api.gateway.gateway_dags import CAR_TYPE, directory, links_of, publish, put, read_car
from tests.support.blocks import overwrite

NAMES = [
    "with space",
    "per%20cent",
    "%2F",
    "a+b;c",
    "ä ñ 日本",
    "q?x#y",
    "..dots",
    'quo"te\\',
    "Portugal%2C+España=Peninsula%20Ibérica.txt",
]


@pytest.fixture
def root(home: Home) -> CID:
    """Three files of 1 MiB, of which the last is damaged where it lies."""
    files = {f"{index}.jpg": put(home.store, random.Random(index).randbytes(1 << 20)) for index in range(3)}
    found = directory(home.store, files)
    publish(home, found)
    overwrite(home.store, files["2.jpg"], b"damaged")
    return found


@pytest.mark.parametrize("duplicates", ["y", "n"])
def test_a_car_that_cannot_be_finished_is_cut_off(server: str, home: Home, root: CID, duplicates: str) -> None:
    received: list[bytes] = []
    address = f"{server}/ipfs/{root}?format=car&car-dups={duplicates}"
    with httpx.stream("GET", address, timeout=30) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_bytes()
        with pytest.raises(httpx.RemoteProtocolError):  # an answer that ends would not raise
            received.extend(pieces)
    held = links_of(root, home.store.get(root))
    assert read_car(b"".join(received))[1] == [root, *held[:2]]  # what came is right as far as it goes
    assert httpx.get(f"{server}/healthz").status_code == 200


def test_what_is_damaged_at_the_beginning_is_an_error(server: str, home: Home) -> None:
    part = put(home.store, b"part of something small")
    root = directory(home.store, {"part": part})
    publish(home, root)
    overwrite(home.store, part, b"damaged")
    assert httpx.get(f"{server}/ipfs/{root}?format=car").status_code == 404
    assert httpx.get(f"{server}/ipfs/{root}?format=car&dag-scope=entity").status_code == 200


def test_heads_and_lengths_on_the_wire(server: str, home: Home) -> None:
    cid = add_bytes(home.store, b"leaf").cid
    publish(home, cid)
    with httpx.Client(base_url=server) as client:  # one connection: a wrong length would break what follows
        for _ in range(2):
            for form in ("raw", "car"):
                head = client.head(f"/ipfs/{cid}?format={form}")
                assert (head.status_code, head.content) == (200, b"")
                assert client.head(f"/ipfs/{cid}x?format={form}").status_code == 400
            assert client.get(f"/ipfs/{cid}?format=raw", headers={"Range": "bytes=1-2"}).content == b"ea"
            assert read_car(client.get(f"/ipfs/{cid}?format=car").content)[1] == [cid]


def test_names_are_decoded_once(server: str, home: Home) -> None:
    files = {name: put(home.store, name.encode()) for name in NAMES}
    root = directory(home.store, files)
    publish(home, root)
    with httpx.Client(base_url=server) as client:
        for name, cid in files.items():
            answer = client.get(f"/ipfs/{root}/{quote(name, safe='')}?format=raw")
            assert answer.content == name.encode()
            sent = answer.headers["x-ipfs-path"]
            assert sent.isascii()
            assert client.get(f"{sent}?format=raw").content == name.encode()  # which leads there again
            answer = client.get(f"/ipfs/{root}/{quote(name, safe='')}", headers={"Accept": CAR_TYPE})
            assert read_car(answer.content)[:2] == ((cid,), [root, cid])
            assert client.get(answer.headers["content-location"]).content == answer.content
        for other in ("with%2520space", "per%20cent", "a%20b;c"):
            assert client.get(f"/ipfs/{root}/{other}?format=raw").status_code == 404


def test_the_public_suite_s_percent_encoded_name(server: str, home: Home, shared_data: Path) -> None:
    path = shared_data / "gateway-fixtures" / "dir-with-percent-encoded-filename.car"
    if not path.is_file():
        pytest.skip("the public suite's fixtures are not here")
    root = CID.parse(import_source(home, str(path))["root"])
    ((name, entry),) = reader.entries(home.store, root)
    assert "%" in name
    answer = httpx.get(f"{server}/ipfs/{root}/{quote(name, safe='')}?format=raw")
    assert answer.content == home.store.get(entry.cid)
