"""dag-pb, UnixFS and CAR: strict readers of hostile bytes."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import EmotionetError, InvalidInput, Untrusted
from registry.core.ipld import car, unixfs
from registry.core.ipld.cid import CID, DAG_PB, RAW, cid_of
from registry.core.ipld.dagpb import Link, Node, decode_node, encode_node
from registry.core.ipld.unixfs import UnixFS, decode_unixfs, encode_unixfs

link = st.builds(Link, st.binary(min_size=32, max_size=32).map(CID.v0), st.text(max_size=10), st.integers(0, 2**40))


@given(st.lists(link, max_size=5), st.none() | st.binary(max_size=40))
def test_nodes_go_there_and_back(links: list[Link], data: bytes | None) -> None:
    node = Node(tuple(links), data)
    assert decode_node(encode_node(node)) == node


@given(st.binary(max_size=200))
def test_no_block_ends_in_another_exception(data: bytes) -> None:
    try:
        decode_unixfs(decode_node(data))
    except EmotionetError:
        return


@pytest.mark.parametrize(
    "block",
    [
        "0a",  # cut off
        "0a05aa",
        "0801",  # data as a number
        "1a00",  # an unknown field
        "0a000a00",  # data twice
        "1200",  # a link without a hash
        "0a8000",  # a length that is not minimal
    ],
)
def test_malformed_nodes_are_refused(block: str) -> None:
    with pytest.raises(InvalidInput):
        decode_node(bytes.fromhex(block))


def test_a_files_sizes_must_add_up() -> None:
    part = Link(cid_of(b"abc", RAW), "", 3)
    good = Node((part,), encode_unixfs(UnixFS(unixfs.FILE, b"", 3, (3,))))
    assert decode_unixfs(good).blocksizes == (3,)
    for bad in (UnixFS(unixfs.FILE, b"", 4, (3,)), UnixFS(unixfs.FILE, b"", 3, ()), UnixFS(unixfs.FILE, b"x", 3, (3,))):
        with pytest.raises(InvalidInput):
            decode_unixfs(Node((part,), encode_unixfs(bad)))
    with pytest.raises(InvalidInput):
        decode_unixfs(Node((), None))
    with pytest.raises(InvalidInput):
        decode_unixfs(Node((), b"\x08\x09"))


BLOCKS = [(cid_of(bytes([n]) * n, RAW), bytes([n]) * n) for n in range(1, 6)]


def written(blocks: list[tuple[CID, bytes]], roots: list[CID] | None = None) -> bytes:
    stream = io.BytesIO()
    car.write(roots if roots is not None else [blocks[0][0]], blocks, stream)
    return stream.getvalue()


def test_a_car_there_and_back() -> None:
    roots, blocks = car.read(io.BytesIO(written(BLOCKS)))
    assert (roots, list(blocks)) == ((BLOCKS[0][0],), BLOCKS)
    assert written(BLOCKS) == written(BLOCKS)
    assert car.read(io.BytesIO(written(BLOCKS, [])))[0] == ()


@given(st.integers(0, 400))
def test_a_car_that_is_cut_off_is_never_whole(length: int) -> None:
    data = written(BLOCKS)
    if length >= len(data):
        return
    try:
        _, blocks = car.read(io.BytesIO(data[:length]))
        found = list(blocks)
    except (Untrusted, InvalidInput):
        return
    assert found == BLOCKS[: len(found)]  # cut exactly between two sections: completeness is the importer's to check


def test_a_lying_block_is_named() -> None:
    cid, data = BLOCKS[2]
    with pytest.raises(Untrusted, match=str(cid)):
        list(car.read(io.BytesIO(written([*BLOCKS[:2], (cid, data + b"!")])))[1])


@given(st.binary(max_size=300))
def test_no_bytes_end_in_another_exception(data: bytes) -> None:
    try:
        list(car.read(io.BytesIO(data))[1])
    except EmotionetError:
        return


def test_a_huge_section_is_refused_before_it_is_read() -> None:
    header = written(BLOCKS[:1])[: -len(BLOCKS[0][1]) - 37]
    stream = io.BytesIO(header + b"\xff\xff\xff\xff\x7f" + b"x" * 100)
    with pytest.raises(InvalidInput, match="larger") as caught:
        list(car.read(stream)[1])
    assert caught.value.code == "malformed_car"


def test_pieces_are_the_bytes_of_the_whole_file_in_parts_that_are_bounded() -> None:
    large = [(cid_of(data, RAW), data) for data in (bytes([n]) * 100_000 for n in range(7))]
    pieces = list(car.pieces([large[0][0]], large))
    assert b"".join(pieces) == written(large)
    assert len(pieces) == 3
    assert all(car.PIECE <= len(piece) < car.PIECE + 100_100 for piece in pieces[:-1])
    assert list(car.pieces([large[0][0]], [])) == [written([], [large[0][0]])]
    assert list(car.pieces([], BLOCKS)) == [written(BLOCKS, [])]


def test_dag_pb_blocks_verify_too() -> None:
    block = unixfs.leaf_node(b"hello")
    cid = CID.v0(cid_of(block, DAG_PB).digest)
    assert list(car.read(io.BytesIO(written([(cid, block)])))[1]) == [(cid, block)]


def version_2(whole: bytes, padding: int = 0) -> bytes:
    places = (51 + padding, len(whole), 0)
    return car.PRAGMA_V2 + bytes(16) + b"".join(one.to_bytes(8, "little") for one in places) + bytes(padding) + whole


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "version 1": lambda data: data,
    "version 2": version_2,
    "version 2, padded": lambda data: version_2(data, 4000),
    "padded with zeros": lambda data: data + bytes(1025),
    "version 2 of a padded one": lambda data: version_2(data + bytes(3)),
}


@pytest.mark.parametrize("form", FORMS)
def test_whoever_reads_a_car_reads_every_form_of_it(form: str) -> None:
    data = FORMS[form](written(BLOCKS))
    assert car.is_car(data[:64])
    for read in (car.read, car.read_raw):
        roots, blocks = read(io.BytesIO(data))
        assert (roots, list(blocks)) == ((BLOCKS[0][0],), BLOCKS)


def test_zeros_hide_nothing_behind_them() -> None:
    for behind in (bytes(9) + b"x", bytes(3 << 20) + b"x"):
        with pytest.raises(InvalidInput, match="stands before others") as caught:
            list(car.read(io.BytesIO(written(BLOCKS) + behind))[1])
        assert caught.value.code == "malformed_car"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "an empty file"),
        (b"<html><body>504 Gateway Time-out</body></html>", "an HTML page: the gateway's error"),
        (b"  <!DOCTYPE html>\n<html>", "an HTML page: the gateway's error"),
        (b"\xff\xd8\xff\xe0 a picture", "a JPEG"),
        (b'{"Message": "block was not found locally", "Code": 0}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"PK\x03\x04 an archive", "a ZIP archive"),
        (b"404 page not found\n", "text"),
    ],
)
def test_something_else_is_said_to_be_that(data: bytes, said: str) -> None:
    assert not car.is_car(data)
    with pytest.raises(InvalidInput, match=said) as caught:
        car.read(io.BytesIO(data))
    assert caught.value.code == "malformed_car"
