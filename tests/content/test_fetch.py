"""Fetching a DAG: whole, resumable, bounded; nothing half-written; through the command too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.cli.main import main
from registry.content.labels.labeled_folder import import_folder
from registry.content.sources.fetch import Limits, fetch
from registry.content.sources.gateway import GatewayClient
from registry.content.sources.hosts import Patience
from registry.content.stores.embedded import EmbeddedStore
from registry.content.stores.kubo import KuboStore
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs import importer, reader
from registry.core.errors import InvalidInput, NotFound, Unavailable, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.ipld.dag import walk_closure
from registry.core.ipld.encoding import encode
from registry.core.ports.store import BlockStore
from tests.support.processes.gateway import Gateway, serving
from tests.support.processes.kubo import Kubo

QUICK = Patience(connect=1.0, read=0.5, block=1.5, hedge=0.15)


@pytest.fixture
def tree(tmp_path: Path) -> tuple[MemoryStore, CID]:
    """A folder of labels and pictures, one of them of several blocks."""
    folder = tmp_path / "faces"
    (folder / "images").mkdir(parents=True)
    lines = ["file,label"]
    for number in range(20):
        (folder / "images" / f"{number}.jpg").write_bytes(b"%d" % number * (400_000 if number == 3 else 10))
        lines.append(f"{number}.jpg,feliz")
    (folder / "labels.csv").write_text("\n".join(lines))
    store = MemoryStore()
    return store, import_folder(folder, store, "unixfs-v0-2015").root


def test_a_dag_comes_whole_and_a_second_time_costs_nothing(tree: tuple[MemoryStore, CID], tmp_path: Path) -> None:
    source, root = tree
    store = EmbeddedStore(tmp_path / "store")
    with serving(Gateway(source)) as gateway:
        client = GatewayClient([gateway.url])
        done = fetch(client, store, root)
        assert done.new == done.blocks == gateway.asked.total()
        again = fetch(client, store, root)
        client.close()
    assert (again.new, again.blocks) == (0, done.blocks)
    assert dict(walk_closure(store.get, [root])) == dict(walk_closure(source.get, [root]))
    assert list(store.verify()) == []


def test_what_was_withdrawn_where_it_is_fetched_from_is_left_out(
    tree: tuple[MemoryStore, CID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, root = tree
    picture = reader.resolve(source, root, "images/5.jpg")
    with serving(Gateway(source, "gone")) as gateway:
        gateway.only = {str(picture)}
        client = GatewayClient([gateway.url])
        with pytest.raises(NotFound, match=str(picture)):
            fetch(client, EmbeddedStore(tmp_path / "none"), root)
        gone: list[CID] = []
        fetch(client, EmbeddedStore(tmp_path / "store"), root, withdrawn=gone)
        assert gone == [picture]
        monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("EMOTIONET_GATEWAYS", gateway.url)
        _, document, _ = run(capsys, "import", str(root), "--json")
        assert (json.loads(document)["missing"], json.loads(document)["registered"]) == ([str(picture)], 19)
        gateway.only = {str(root)}
        with pytest.raises(NotFound, match=str(root)):
            fetch(client, EmbeddedStore(tmp_path / "other"), root, withdrawn=gone)
        client.close()


@pytest.mark.parametrize(("how", "error"), [("wrong", Untrusted), ("cut", Unavailable), ("absent", NotFound)])
def test_cut_off_it_goes_on_where_it_was(
    tree: tuple[MemoryStore, CID], tmp_path: Path, how: str, error: type[Exception]
) -> None:
    source, root = tree
    last = reader.resolve(source, root, "images/3.jpg")
    store = EmbeddedStore(tmp_path / "store")
    with serving(Gateway(source, how)) as gateway:
        gateway.only = {str(last)}
        client = GatewayClient([gateway.url], QUICK)
        with pytest.raises(error):
            fetch(client, store, root)
        kept = sum(1 for _ in EmbeddedStore(tmp_path / "store").cids())
        assert kept > 1  # flushed, for another process too
        assert list(store.verify()) == []
        assert list(store.pins()) == []
        assert not store.has(last)
        gateway.only, before = set(), gateway.asked.total()
        done = fetch(client, store, root)
        assert gateway.asked.total() - before == done.new
        client.close()
    assert sum(1 for _ in walk_closure(store.get, [root])) == done.blocks


def chain(store: BlockStore, length: int) -> CID:
    """Records each of which links to the one before."""
    cid = importer.add_bytes(store, b"end").cid
    for _ in range(length):
        data = encode({"next": cid})
        cid = cid_of(data, DAG_CBOR)
        store.put(cid, data)
    return cid


def test_what_a_strangers_dag_may_cost_is_bounded(tree: tuple[MemoryStore, CID]) -> None:
    source, root = tree
    for limits, code in (
        (Limits(bytes=1000), "too_large"),
        (Limits(blocks=5), "too_large"),
        (Limits(links=5), "too_large"),
        (Limits(depth=1), "too_deep"),
    ):
        store = MemoryStore()
        with pytest.raises(InvalidInput) as caught:
            fetch(source, store, root, limits)
        assert caught.value.code == code
        assert list(store.pins()) == []
    with pytest.raises(InvalidInput, match="deeper"):
        fetch(source, MemoryStore(), chain(source, 1100))


def test_a_damaged_block_here_is_fetched_again(tree: tuple[MemoryStore, CID]) -> None:
    source, root = tree
    store = MemoryStore()
    fetch(source, store, root)
    store.flip(root)
    assert fetch(source, store, root).new == 1
    assert store.get(root) == source.get(root)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_the_commands_fetch_what_is_not_held(
    tree: tuple[MemoryStore, CID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, root = tree
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    status, _, err = run(capsys, "import", str(root))
    assert (status, "EMOTIONET_GATEWAYS" in err) == (3, True)
    with serving(Gateway(source)) as gateway:
        monkeypatch.setenv("EMOTIONET_GATEWAYS", gateway.url)
        out = tmp_path / "3.jpg"
        status, document, _ = run(capsys, "fetch", f"{root}/images/3.jpg", "-o", str(out), "--json")
        assert (status, json.loads(document)["size"]) == (0, out.stat().st_size)
        assert gateway.asked.total() < 12  # the way there and the file, nothing else
        status, document, _ = run(capsys, "import", str(root), "--json")
        assert (status, json.loads(document)["registered"]) == (0, 20)
        folder = tmp_path / "folder"
        assert run(capsys, "fetch", f"/ipfs/{root}", "-o", str(folder), "--quiet")[0] == 0
        assert len(list((folder / "images").iterdir())) == 20
        gateway.how = "broken"
        missing = cid_of(b"elsewhere", 0x55)
        assert run(capsys, "fetch", str(missing))[0] == 3
    assert run(capsys, "fetch", str(missing))[0] == 3
    assert not list(tmp_path.glob(".emotionet-*"))


def test_a_file_that_expands_without_end_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.content.test_hostile import doubling

    source = MemoryStore()
    bomb = doubling(source, 60)
    nested = importer.add_bytes(source, b"x").cid
    for _ in range(150):
        nested = importer.add_directory(source, {"d": (nested, 1)}).cid
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    with serving(Gateway(source)) as gateway:
        monkeypatch.setenv("EMOTIONET_GATEWAYS", gateway.url)
        for cid, said in ((bomb, "more than"), (nested, "nested deeper")):
            status, _, err = run(capsys, "fetch", str(cid), "-o", str(tmp_path / "out"))
            assert (status, said in err) == (1, True)
            assert not (tmp_path / "out").exists()


def test_a_real_kubos_gateway_gives_the_same_dag(kubo: Kubo, tree: tuple[MemoryStore, CID], tmp_path: Path) -> None:
    source, root = tree
    node = KuboStore(kubo.api)
    node.put_many(walk_closure(source.get, [root]))
    node.close()
    client = GatewayClient([(kubo.repository / "gateway").read_text().strip()])
    store = EmbeddedStore(tmp_path / "store")
    done = fetch(client, store, root)
    client.close()
    assert done.new == done.blocks
    assert dict(walk_closure(store.get, [root])) == dict(walk_closure(source.get, [root]))
