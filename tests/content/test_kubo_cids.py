"""The importer beside a real Kubo: the same CIDs for random trees; and all that Kubo writes is read back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.content.labels.labeled_folder import import_folder
from registry.content.stores.kubo import KuboStore
from registry.content.stores.memory import NullSink
from registry.content.unixfs import importer, reader
from registry.core.errors import InvalidInput
from registry.core.ipld import unixfs
from registry.core.ipld.cid import CID, IDENTITY
from tests.content.test_hamt import exactly
from tests.support.processes.kubo import Kubo

V0, V1 = "unixfs-v0-2015", "unixfs-v1-2025"
CHUNKS = (256 << 10, 1 << 20)
PLAIN = ["--pin=false", "-Q", "-r", "--hidden"]


def random_tree(folder: Path, seed: int) -> Path:
    """A few files and folders with awkward names, sizes about the borders of chunks."""
    r = random.Random(seed)
    letters = "aZ9 -_.,'&%+áñ漢🙂~"
    sizes = [0, 1, *(chunk + delta for chunk in CHUNKS for delta in (-1, 0, 1)), 3 << 20]
    folder.mkdir()
    places = [folder]
    for number in range(r.randint(1, 4)):
        below = r.choice(places) / f"d{number}{''.join(r.choices(letters, k=3))}x"
        below.mkdir()
        places.append(below)
    for number in range(r.randint(3, 12)):
        name = f"{''.join(r.choices(letters, k=5))}{number}"
        (r.choice(places) / name).write_bytes(r.randbytes(r.choice(sizes) if number < 4 else r.randint(0, 5000)))
    for place in places:
        if not any(place.iterdir()):
            (place / "one").write_bytes(b"1")  # an empty folder is no file: an import holds files
    return folder


@pytest.mark.parametrize("seed", range(8))
def test_random_trees_have_kubos_cids(kubo: Kubo, old_kubo: Kubo, tmp_path: Path, seed: int) -> None:
    folder = random_tree(tmp_path / "tree", seed)
    for node, profile in ((kubo, V1), (old_kubo, V0)):
        theirs = node.run("add", *PLAIN, str(folder))
        assert str(import_folder(folder, NullSink(), profile).root) == theirs


@pytest.mark.parametrize("above", [0, 1])
def test_directories_at_and_above_the_threshold(kubo: Kubo, old_kubo: Kubo, tmp_path: Path, above: int) -> None:
    from registry.content.stores.memory import MemoryStore

    for node, profile in ((kubo, V1), (old_kubo, V0)):
        entries = exactly(MemoryStore(), profile, importer.HAMT_THRESHOLD + above)
        folder = tmp_path / profile
        folder.mkdir()
        for name in entries:
            (folder / name).write_bytes(b"1")
        assert node.run("add", *PLAIN, str(folder)) == str(importer.add_directory(NullSink(), entries, profile).cid)


@pytest.fixture
def store(kubo: Kubo) -> Iterator[KuboStore]:
    made = KuboStore(kubo.api)
    yield made
    made.close()


@pytest.mark.parametrize(
    "options",
    [
        ["--trickle"],
        ["--trickle", "--raw-leaves=false", "--cid-version=0"],
        ["--raw-leaves=false", "--chunker=size-1000", "--max-file-links=3"],
        ["--chunker=rabin-1000-2000-4000"],
        ["--inline", "--inline-limit=100"],
        ["--preserve-mode", "--preserve-mtime", "--raw-leaves=false"],
        ["--hash=blake2b-256"],
        ["--hash=sha2-512", "--chunker=size-4096"],
    ],
)
def test_whatever_kubo_writes_is_read_back(kubo: Kubo, store: KuboStore, tmp_path: Path, options: list[str]) -> None:
    data = {"large": random.Random(1).randbytes(150_001), "small": b"small", "empty": b""}
    folder = tmp_path / "tree"
    (folder / "below").mkdir(parents=True)
    for name, content in data.items():
        (folder / "below" / name).write_bytes(content)
    root = CID.parse(kubo.run("add", *PLAIN, *options, str(folder)))
    for name, content in data.items():
        cid = reader.resolve(store, root, f"below/{name}")
        assert b"".join(reader.read_file(store, cid)) == content
        assert b"".join(reader.read_file(store, cid, 70_000, 70_003)) == content[70_000:70_003]
        assert reader.file_size(store, cid) == len(content)
    if "--inline" in options:
        assert reader.resolve(store, root, "below/small").hash_code == IDENTITY


def test_symbolic_links_are_entries_that_are_never_followed(kubo: Kubo, store: KuboStore, tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "file").write_bytes(b"file")
    (folder / "link").symlink_to("/etc/passwd")
    root = CID.parse(kubo.run("add", *PLAIN, str(folder)))
    assert sorted(reader.list_directory(store, root)) == ["file", "link"]
    link = reader.resolve(store, root, "link")
    found = reader.read_node(store, link)
    assert found is not None
    assert (found[1].kind, found[1].data) == (unixfs.SYMLINK, b"/etc/passwd")
    with pytest.raises(InvalidInput, match="not a file"):
        list(reader.read_file(store, link))
    with pytest.raises(InvalidInput):
        reader.resolve(store, root, "link/x")


def test_a_sharded_directory_of_directories_is_read_back(kubo: Kubo, store: KuboStore, tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    folder.mkdir()
    names = [f"{number:04d}-{'n' * 200}" for number in range(1100)]
    for name in names:
        (folder / name).write_bytes(name.encode())
    root = CID.parse(kubo.run("add", *PLAIN, str(folder)))
    assert sorted(reader.list_directory(store, root)) == names
    assert b"".join(reader.read_file(store, reader.resolve(store, root, names[7]))) == names[7].encode()
