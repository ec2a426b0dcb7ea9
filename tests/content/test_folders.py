"""labels.csv, folders and CAR files from outside: each bad thing is named, none stops the rest."""

from __future__ import annotations

import io
import os
from pathlib import Path

import aleph_cid
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.content.car_import import Limits, import_car, import_partial
from registry.content.labels import check_inside, parse_labels, read_table
from registry.content.labels.labeled_folder import Options, held_folder, import_folder
from registry.content.stores.embedded import EmbeddedStore
from registry.content.stores.memory import MemoryStore, NullSink
from registry.content.unixfs.importer import add_bytes, add_directory
from registry.core.errors import EmotionetError, InvalidInput, Untrusted
from registry.core.ipld import car
from registry.core.ipld.cid import CID, RAW, cid_of
from registry.core.ipld.dag import walk_closure

PROFILE = "unixfs-v1-2025"


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_every_dialect_of_labels_is_read(separator: str, end: str, bom: str) -> None:
    lines = [["file", "label", "contributor", "attr.age"], ["a.jpg", "feliz", "anna", "7"], ["b.jpg", "triste", "", ""]]
    data = (bom + end.join(separator.join(line) for line in lines)).encode()
    rows, rejected = parse_labels(data)
    assert rejected == []
    assert [(row.row, row.file, row.label, row.contributor, dict(row.attributes)) for row in rows] == [
        (2, "a.jpg", "feliz", "anna", {"age": "7"}),
        (3, "b.jpg", "triste", None, {}),
    ]


def test_labels_are_normalised() -> None:
    rows, _ = parse_labels("file,label\na.jpg,  feli\u0301z \n".encode())
    assert rows[0].label == "fel\u00edz"


def test_a_request_is_told_no_option_of_the_command_line() -> None:
    with pytest.raises(InvalidInput, match="label is not there") as caught:
        parse_labels(b"cid,emotion\n")
    assert caught.value.hint == "name the columns so in its first line."


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (",feliz,,", "no_file_or_cid"),
        ("a.jpg,,,", "empty_label"),
        ("a.jpg," + "x" * 201 + ",,", "bad_text"),
        ("/etc/passwd,feliz,,", "path_outside"),
        ("../a.jpg,feliz,,", "path_outside"),
        ("x/../../a.jpg,feliz,,", "path_outside"),
        ("..\\a.jpg,feliz,,", "path_outside"),
        ("C:\\faces\\a.jpg,feliz,,", "path_outside"),
        (",feliz,nonsense,", "bad_cid"),
        ("a.jpg,feliz,,1 2 3", "bad_box"),
        ("a.jpg,feliz,,1 2 0 4", "bad_box"),
        ("a.jpg,feliz,,1 2 -3 4", "bad_box"),
        ("a.jpg,feliz,,0.5 0.5 0.25 0.25", "bad_box"),
        ("a.jpg,feliz,,10 10 0.99 20", "bad_box"),
        ("a.jpg,feliz,,1 2 3 NaN", "bad_box"),
        ("a.jpg,feliz,,1 2 3 1e99", "bad_box"),
        ("a.jpg,feliz", "bad_row"),
        ("a.jpg,feliz,,,,x", "bad_row"),
    ],
)
def test_a_bad_row_is_named_and_stops_nothing(line: str, code: str) -> None:
    rows, rejected = parse_labels(
        f"file,label,cid,box\ngood.jpg,feliz,,\n{line}\nlast.jpg,triste,,1 2 3.5 4;5 6 7 8\n".encode()
    )
    assert [row.file for row in rows] == ["good.jpg", "last.jpg"]
    assert rows[1].boxes == ((100, 200, 350, 400), (500, 600, 700, 800))
    assert [(bad.row, bad.code) for bad in rejected] == [(3, code)]
    assert rejected[0].reason


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "label and cid"),
        (b"file\na", "label and cid"),
        (b"label\na", "label and cid"),
        (b"name,emotion,colour\na,b,c", "it has name, emotion, colour"),
        (b"file,emotion\n", "and label is not there"),
        (b"label,where\n", "and cid is not there"),
        (b"file,label,label\n", "twice"),
        (b"file,label\n\xff\xfe,x\n", "UTF-8"),
    ],
)
def test_what_is_no_labels_csv_at_all(data: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_labels(data)


@given(st.binary(max_size=200))
def test_no_bytes_end_in_another_exception(data: bytes) -> None:
    for head in (b"", b"file,label,box\n"):
        try:
            parse_labels(head + data)
        except EmotionetError:
            continue


@given(st.text(max_size=30))
def test_a_path_stays_inside(name: str) -> None:
    try:
        path = check_inside(name)
    except InvalidInput:
        return
    assert os.path.normpath(f"/folder/{path}").startswith("/folder/") or path == "."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "faces"
    (path / "images").mkdir(parents=True)
    (path / "a.jpg").write_bytes(b"a")
    (path / "images" / "b.jpg").write_bytes(b"b")
    (path / "images" / "a.jpg").write_bytes(b"another a")
    (path / "secret.txt").write_bytes(b"not named, not published")
    (path / "labels.csv").write_text("file,label\na.jpg,feliz\nb.jpg,triste\nc.jpg,triste\n")
    return path


def test_the_root_is_that_of_labels_and_the_files_it_names(folder: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    found = import_folder(folder, store, PROFILE)
    assert [(row.row.file, row.size) for row in found.rows] == [("a.jpg", 1), ("b.jpg", 1)]
    assert [(bad.row, bad.code) for bad in found.rejected] == [(4, "missing_file")]
    plain = tmp_path / "plain"
    (plain / "images").mkdir(parents=True)
    for name in ("a.jpg", "images/b.jpg", "labels.csv"):
        (plain / name).write_bytes((folder / name).read_bytes())
    assert (
        import_folder(folder, NullSink(), "unixfs-v0-2015").root
        == import_folder(plain, NullSink(), "unixfs-v0-2015").root
    )
    assert str(import_folder(plain, NullSink(), "unixfs-v0-2015").root) == aleph_cid.hash_folder(
        str(plain), cid_version=0
    )
    assert all(b"not named" not in store.get(cid) for cid in store.cids())


def test_a_held_folder_gives_the_same_rows(folder: Path) -> None:
    store = MemoryStore()
    local = import_folder(folder, store, PROFILE)
    held = held_folder(store, local.root)
    assert (held.root, held.rows) == (local.root, local.rows)
    assert [bad.code for bad in held.rejected] == ["missing_file"]
    other = held_folder(store, local.root, options=Options(labels=read_table(b"file,label\nb.jpg,enojado\n")))
    assert [row.row.label for row in other.rows] == ["enojado"]


def test_links_out_of_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.jpg").write_bytes(b"outside")
    (folder / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (folder / "inside.jpg").symlink_to(folder / "a.jpg")
    (folder / "labels.csv").write_text("file,label\nlink.jpg,feliz\ninside.jpg,feliz\n")
    found = import_folder(folder, NullSink(), PROFILE)
    assert [bad.code for bad in found.rejected] == ["link_outside"]
    assert [row.row.file for row in found.rows] == ["inside.jpg"]


def test_without_labels_everything_is_held_and_nothing_has_a_label(folder: Path) -> None:
    (folder / "labels.csv").unlink()
    found = import_folder(folder, NullSink(), PROFILE)
    assert (found.rows, found.labels) == ((), None)
    assert import_folder(folder / "a.jpg", NullSink(), PROFILE).labels is None


def test_rows_by_cid_are_found_in_the_store() -> None:
    store = MemoryStore()
    picture = add_bytes(store, b"picture")
    missing = cid_of(b"missing", RAW)
    labels = add_bytes(store, f"cid,label\n{picture.cid},feliz\n{missing},feliz\n".encode())
    root = add_directory(store, {"labels.csv": (labels.cid, labels.tsize)}).cid
    found = held_folder(store, root)
    assert [(row.cid, row.size) for row in found.rows] == [(picture.cid, 7)]
    assert [bad.row for bad in found.rejected] == [3]


def test_rows_by_cid_in_a_local_folder_are_found_where_they_are_held(tmp_path: Path) -> None:
    store = MemoryStore()
    picture, missing = add_bytes(store, b"picture"), cid_of(b"missing", RAW)
    (tmp_path / "labels.csv").write_text(f"file,cid,label\n,{picture.cid},feliz\n,{missing},triste\n")
    found = import_folder(tmp_path, store, PROFILE, held=store)
    assert [(row.cid, row.size, row.row.label) for row in found.rows] == [(picture.cid, 7, "feliz")]
    assert [(bad.row, bad.code) for bad in found.rejected] == [(3, "not_held")]
    assert len(import_folder(tmp_path, NullSink(), PROFILE).rejected) == 2


def car_of(store: MemoryStore, root: CID, blocks: list[tuple[CID, bytes]] | None = None) -> bytes:
    stream = io.BytesIO()
    listed = blocks if blocks is not None else list(walk_closure(store.get, [root]))
    car.write([root], listed, stream)
    return stream.getvalue()


def test_a_car_is_imported_whole_or_not_at_all(folder: Path) -> None:
    source = MemoryStore()
    root = import_folder(folder, source, PROFILE).root
    whole = car_of(source, root)
    store = MemoryStore()
    assert import_car(store, io.BytesIO(whole)) == [root]
    assert len(held_folder(store, root).rows) == 2
    blocks = list(walk_closure(source.get, [root]))
    lying = [*blocks[:-1], (blocks[-1][0], blocks[-1][1] + b"!")]
    cases = [
        whole[: len(whole) // 2],
        whole[:-1],
        car_of(source, root, blocks[:-1]),
        car_of(source, root, lying),
        b"",
        b"x" * 50,
    ]
    for bad in cases:
        fresh = MemoryStore()
        with pytest.raises((Untrusted, InvalidInput)):
            import_car(fresh, io.BytesIO(bad))
        assert list(fresh.cids()) == []


def test_what_a_strangers_car_may_cost_is_bounded(folder: Path) -> None:
    source = MemoryStore()
    whole = car_of(source, import_folder(folder, source, PROFILE).root)
    for limits in (Limits(bytes=10), Limits(blocks=2)):
        store = MemoryStore()
        with pytest.raises(InvalidInput, match="more than") as caught:
            import_car(store, io.BytesIO(whole), limits)
        assert caught.value.code == "too_large"
        assert list(store.cids()) == []


def version_2(whole: bytes, padding: int = 100, index: bytes = b"\x80\x08 an index") -> bytes:
    """The same file as version 2, with padding before the data and an index after it."""
    offset = 51 + padding
    places = b"".join(number.to_bytes(8, "little") for number in (offset, len(whole), offset + len(whole)))
    return car.PRAGMA_V2 + bytes(16) + places + bytes(padding) + whole + index


def test_a_car_of_version_2_is_read(folder: Path) -> None:
    source = MemoryStore()
    root = import_folder(folder, source, PROFILE).root
    whole = version_2(car_of(source, root))
    store = MemoryStore()
    assert import_car(store, io.BytesIO(whole)) == [root]
    assert len(held_folder(store, root).rows) == 2
    lies = [whole[:40], whole[:200], whole[:27] + bytes(24) + whole[51:], whole[:27] + b"\xff" * 24 + whole[51:]]
    for bad in lies:
        fresh = MemoryStore()
        with pytest.raises((Untrusted, InvalidInput)):
            import_car(fresh, io.BytesIO(bad))
        assert list(fresh.cids()) == []


def test_partial_keeps_what_verifies_and_names_the_rest(folder: Path, tmp_path: Path) -> None:
    source = MemoryStore()
    root = import_folder(folder, source, PROFILE).root
    blocks = list(walk_closure(source.get, [root]))
    lying = [*blocks[:-2], (blocks[-2][0], blocks[-2][1] + b"!")]  # one damaged, one left out
    store = EmbeddedStore(tmp_path / "store")
    kept = import_partial(store, io.BytesIO(car_of(source, root, lying)))
    assert kept.roots == (root,)
    assert kept.damaged == (blocks[-2][0],)
    assert set(kept.missing) == {blocks[-2][0], blocks[-1][0]}
    assert (kept.blocks, kept.cut) == (len(blocks) - 2, None)
    assert all(store.get(cid) == data for cid, data in blocks[:-2])
    assert list(store.pins()) == []
    cut = import_partial(EmbeddedStore(tmp_path / "cut"), io.BytesIO(car_of(source, root)[:-3]))
    assert cut.missing == (blocks[-1][0],)
    assert "cut off" in str(cut.cut)
    whole = import_partial(store, io.BytesIO(car_of(source, root)))
    assert (whole.damaged, whole.missing, whole.cut) == ((), (), None)


def test_a_refused_car_leaves_no_byte_in_the_store(folder: Path, tmp_path: Path) -> None:
    source = MemoryStore()
    root = import_folder(folder, source, PROFILE).root
    blocks = list(walk_closure(source.get, [root]))
    store = EmbeddedStore(tmp_path / "store")
    with pytest.raises(Untrusted, match="incomplete") as caught:
        import_car(store, io.BytesIO(car_of(source, root, blocks[:-1])))
    assert "--partial" in str(caught.value.hint)
    assert list(store.cids()) == []
    assert import_car(store, io.BytesIO(car_of(source, root))) == [root]
    assert list(store.verify()) == []


DAG_JSON, JSON, CBOR, UNKNOWN = 0x0129, 0x0200, 0x51, 0x300539


@pytest.mark.parametrize("codec", [DAG_JSON, JSON, CBOR, UNKNOWN])
def test_blocks_of_other_codecs_are_kept_as_bytes(codec: int) -> None:
    data = b'{"a": {"/": "bafkqaaa"}}'
    stream, store = io.BytesIO(), MemoryStore()
    car.write([cid_of(data, codec)], [(cid_of(data, codec), data)], stream)
    assert import_car(store, io.BytesIO(stream.getvalue())) == [cid_of(data, codec)]
    assert store.get(cid_of(data, codec)) == data


def test_the_gateway_fixtures_import(shared_data: Path, tmp_path: Path) -> None:
    incomplete = []
    for path in sorted((shared_data / "gateway-fixtures").glob("*.car")):
        store = EmbeddedStore(tmp_path / path.stem)
        with path.open("rb") as stream:
            kept = import_partial(store, stream)
        assert (kept.damaged, kept.cut) == ((), None)
        if kept.missing:
            incomplete.append(path.name)
        else:
            with path.open("rb") as stream:
                assert import_car(MemoryStore(), stream) == list(kept.roots)
        store.close()
    assert len(incomplete) <= 1  # one of them lacks a block on purpose
