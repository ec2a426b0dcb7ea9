"""The public suite's fixtures, where they lie beside the checkout: given out as they came in."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.assembly import Home
from registry.content.unixfs import reader
from registry.core.ipld.cid import CID, IDENTITY
from registry.workflows.images.importing.import_source import import_source
from tests.api.conftest import Client
from tests.api.gateway.gateway_dags import content, depth_first, links_of, once, read_car

HAMT = "bafybeidbclfqleg2uojchspzd4bob56dqetqjsj27gy2cq3klkkgxtpn4i"


@pytest.fixture
def fixtures(shared_data: Path) -> Path:
    found = shared_data / "gateway-fixtures"
    if not found.is_dir():
        pytest.skip("the public suite's fixtures are not here")
    return found


def bring(home: Home, fixtures: Path, name: str) -> tuple[CID, list[CID]]:
    """Import a fixture; its root, and the CIDs of its blocks."""
    path = fixtures / f"{name}.car"
    root = CID.parse(import_source(home, str(path))["root"])
    return root, read_car(path.read_bytes())[1]


def test_every_fixture_is_given_out_as_it_came_in(client: Client, home: Home, fixtures: Path) -> None:
    paths = sorted(fixtures.glob("*.car"))
    assert len(paths) >= 8
    for path in paths:
        root, blocks = bring(home, fixtures, path.stem)
        received = read_car(client.get(f"/ipfs/{root}?format=car").content)
        assert received[0] == (root,)
        assert received[1] == once(depth_first(home.store, root, links_of))
        assert set(received[1]) == {cid for cid in blocks if cid.hash_code != IDENTITY}
        for cid in received[1]:
            assert client.get(f"/ipfs/{cid}?format=raw").content == received[2].get(cid)


def test_a_sharded_directory_comes_with_the_blocks_on_the_way(client: Client, home: Home, fixtures: Path) -> None:
    root, _ = bring(home, fixtures, "single-layer-hamt-with-multi-block-files")
    assert str(root) == HAMT
    names = [name for name, _ in reader.entries(home.store, root)]
    _, order, nodes = read_car(client.get(f"/ipfs/{root}?format=car&dag-scope=entity").content)
    assert [name for name, _ in reader.entries(nodes, root)] == names
    for name in ("1.txt", "685.txt"):
        _, order, received = read_car(client.get(f"/ipfs/{root}/{name}?format=car").content)
        target = reader.resolve(received, root, name)
        assert content(received, target) == content(home.store, target)
        assert order[0] == root
        assert len(order) > 2


def test_links_of_dag_cbor_are_followed(client: Client, home: Home, fixtures: Path) -> None:
    root, _ = bring(home, fixtures, "dir-with-dag-cbor-with-links")
    document = reader.resolve(home.store, root, "document")
    answer = client.get(f"/ipfs/{document}/files/single?format=car")
    _, order, _ = read_car(answer.content)
    assert order[0] == document
    assert order[-1] == CID.parse(answer.headers["x-ipfs-roots"].split(",")[-1])


def test_a_car_with_duplicates_repeats_blocks_depth_first(client: Client, home: Home, fixtures: Path) -> None:
    root, _ = bring(home, fixtures, "dir-with-duplicate-files")
    order = read_car(client.get(f"/ipfs/{root}?format=car&car-dups=y").content)[1]
    assert order == list(depth_first(home.store, root, links_of))
    assert len(order) > len(set(order))
