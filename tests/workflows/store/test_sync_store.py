"""Publishing to a real Kubo: all that is public and nothing else, pinned, read back; and a home that lives on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.assembly import Home, open_home
from registry.catalog.queries.labeled_images import images
from registry.catalog.queries.roots import published_roots
from registry.cli.main import main
from registry.content.stores.kubo import KuboStore
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs.importer import add_bytes
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID, RAW
from registry.core.ipld.dag import walk_closure
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import publish_release
from registry.workflows.runs.start_run import Wanted, start_run
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from registry.workflows.store.sync_store import sync
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.blocks import lose
from tests.support.processes.kubo import Kubo
from tests.workflows.conftest import Folder

pytestmark = pytest.mark.usefixtures("children_here")

NAMES = ("embedded", "kubo")


@pytest.fixture
def node(kubo: Kubo) -> Iterator[KuboStore]:
    store = KuboStore(kubo.api)
    yield store
    for root in list(store.pins()):
        store.unpin(root)
    store.close()


def released(opened: Home, labeled: Folder) -> CID:
    import_source(opened, str(labeled(36)))
    snapshot = CID.parse(take_snapshot(opened)["snapshot"])
    run = start_run(opened, snapshot, Wanted(recipe="simulated", method="simulated"))
    opened.worker().work(run)
    return CID.parse(publish_release(opened, run)["entry"])


def test_a_release_is_published_whole_and_survives_the_nodes_collection(
    opened: Home, labeled: Folder, node: KuboStore, kubo: Kubo
) -> None:
    entry = released(opened, labeled)
    done = sync(opened, opened.embedded, node, NAMES)
    assert (done["published"], done["absent"], done["withheld"]) == (True, [], 0)
    assert done["sent"] == done["blocks"] > 50
    kubo.call("repo/gc")
    assert dict(walk_closure(node.get, [entry])) == dict(walk_closure(opened.store.get, [entry]))
    again = sync(opened, opened.embedded, node, NAMES)
    assert (again["sent"], again["blocks"]) == (0, done["blocks"])


def test_nothing_private_and_nothing_withdrawn_is_sent(opened: Home, labeled: Folder, node: KuboStore) -> None:
    private = CID.parse(import_source(opened, str(labeled(12, name="private")))["root"])
    public = CID.parse(import_source(opened, str(labeled(12, name="public")), publish_source=True)["root"])
    add_bytes(opened.store, b"never registered")
    with opened.catalog.read() as db:
        image = images.list_images(db, cursor=None, limit=1)[0][0]
        cids = [cid for cid in published_roots(db) if cid.codec == RAW]
    image_cid = next(cid for cid in cids if cid.digest.hex() == image["sha256"])
    withdraw(opened, image["sha256"], "asked to")
    done = sync(opened, opened.embedded, node, NAMES)
    assert done["withheld"] >= 1
    assert node.has(public)
    assert not node.has(private)
    assert not node.has(image_cid)
    with opened.catalog.read() as db:
        assert private not in published_roots(db)


def test_what_is_absent_here_is_named(opened: Home, labeled: Folder) -> None:
    import_source(opened, str(labeled(4)))
    with opened.catalog.read() as db:
        image = next(cid for cid in published_roots(db) if cid.codec == RAW)
    lose(opened.store, image)
    target = MemoryStore()
    done = sync(opened, opened.embedded, target, NAMES)
    assert done["absent"] == [str(image)]
    assert done["published"]


def test_a_target_that_forgets_is_not_called_published(opened: Home, labeled: Folder) -> None:
    import_source(opened, str(labeled(4)))

    class Forgetful(MemoryStore):
        def pin(self, cid: CID) -> None:
            super().pin(cid)
            self.flip(cid)

    with pytest.raises(Unavailable, match="does not return"):
        sync(opened, opened.embedded, Forgetful(), NAMES)


def test_a_home_that_lives_on_a_node(
    environment: dict[str, str], labeled: Folder, kubo: Kubo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EMOTIONET_IPFS_API", kubo.api)
    opened = open_home(read_settings())
    entry = released(opened, labeled)
    assert isinstance(opened.store, KuboStore)
    assert entry in set(opened.store.pins())
    done = export_held(opened, entry, tmp_path / "release.car")
    assert done["blocks"] > 50
    opened.close()
    assert not (opened.settings.blocks / "packs").exists()


def test_the_command_says_what_it_published(
    environment: dict[str, str],
    labeled: Folder,
    kubo: Kubo,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(("import", str(labeled(4)), "--quiet")) == 0
    assert main(("store", "sync")) == 2
    assert "EMOTIONET_IPFS_API" in capsys.readouterr().err
    monkeypatch.setenv("EMOTIONET_IPFS_API", "/ip4/127.0.0.1/tcp/1")
    assert main(("store", "sync")) == 3
    monkeypatch.setenv("EMOTIONET_IPFS_API", kubo.api)
    capsys.readouterr()
    assert main(("store", "sync", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["published"] is True
    assert main(("store", "sync", "--to", "embedded")) == 2
