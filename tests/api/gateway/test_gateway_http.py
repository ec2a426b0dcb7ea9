"""What the gateway's answers say of themselves."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from registry.assembly import Home
from registry.core.ipld.cid import CID, RAW, cid_of
from tests.api.conftest import Client, problem
from tests.api.gateway.gateway_dags import (
    CAR_TYPE,
    DATA,
    RAW_TYPE,
    content,
    directory,
    get,
    put,
    read_car,
    sharded,
)
from tests.api.gateway.gateway_dags import publish as publish_in


@pytest.mark.parametrize("path", ["{root}/", "{root}//", "{root}/tree/", "{root}//tree//"])
def test_empty_parts_of_a_path_mean_nothing(client: Client, root: CID, path: str) -> None:
    answer = get(client, f"/ipfs/{path.format(root=root)}?format=car")
    assert answer.status_code == 200
    assert len(answer.headers["x-ipfs-roots"].split(",")) == (2 if "tree" in path else 1)


def test_a_block_is_answered_with_its_headers(client: Client, root: CID) -> None:
    leaf = cid_of(b"leaf", RAW)
    answer = get(client, f"/ipfs/{root}/plain.txt?format=raw")
    expected = {
        "content-type": RAW_TYPE,
        "content-length": "4",
        "content-disposition": f'attachment; filename="{leaf}.bin"',
        "x-content-type-options": "nosniff",
        "etag": f'"{leaf}.raw"',
        "cache-control": "public, max-age=29030400, immutable",
        "accept-ranges": "bytes",
        "vary": "Accept",
        "x-ipfs-path": f"/ipfs/{root}/plain.txt",
        "x-ipfs-roots": f"{root},{leaf}",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert "content-location" not in answer.headers


def test_a_car_is_answered_with_its_headers(client: Client, root: CID) -> None:
    leaf = cid_of(b"leaf", RAW)
    answer = get(client, f"/ipfs/{root}/plain.txt?format=car")
    expected = {
        "content-type": f"{CAR_TYPE}; version=1; order=dfs; dups=n",
        "content-disposition": f'attachment; filename="{leaf}.car"',
        "x-content-type-options": "nosniff",
        "cache-control": "public, no-cache",
        "accept-ranges": "none",
        "vary": "Accept",
        "x-ipfs-path": f"/ipfs/{root}/plain.txt",
        "x-ipfs-roots": f"{root},{leaf}",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert answer.headers["etag"].startswith('W/"all.')


def test_roots_are_those_of_the_path_not_the_nodes_between(client: Client, home: Home, root: CID) -> None:
    inner, names = sharded(home.store)
    answer = get(client, f"/ipfs/{root}/shards/{names[0]}?format=car")
    leaf = cid_of(b"the same for all", RAW)
    assert answer.headers["x-ipfs-roots"] == f"{root},{inner},{leaf}"
    assert len(read_car(answer.content)[1]) > 3


def test_a_long_way_is_not_told_in_a_header(client: Client, home: Home) -> None:
    deep = put(home.store, b"x")
    for _ in range(80):
        deep = directory(home.store, {"a": deep})
    publish_in(home, deep)
    answer = get(client, f"/ipfs/{deep}/{'a/' * 79}a?format=raw")
    assert answer.content == b"x"
    assert "x-ipfs-roots" not in answer.headers
    assert len(read_car(get(client, f"/ipfs/{deep}/{'a/' * 79}a?format=car").content)[1]) == 81


@pytest.mark.parametrize("form", ["raw", "car"])
def test_heads_say_the_same_without_a_body(client: Client, root: CID, form: str) -> None:
    address = f"/ipfs/{root}/tree?format={form}"
    got, head = client.get(address), client.head(address)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-type", "etag", "x-ipfs-roots", "x-ipfs-path", "content-disposition", "accept-ranges"):
        assert head.headers[name] == got.headers[name]
    assert head.headers.get("content-length") == (str(len(got.content)) if form == "raw" else None)
    assert client.head(f"/ipfs/{root}/tree?format={form}", headers={"Range": "bytes=0-1"}).status_code == 200
    assert client.head(f"/ipfs/{cid_of(b'unknown', RAW)}?format={form}").status_code == 404
    assert client.head(f"/ipfs/{root}/nothing?format={form}").status_code == 404


@pytest.mark.parametrize("form", ["raw", "car"])
def test_what_is_known_is_not_sent_again(client: Client, root: CID, form: str) -> None:
    address = f"/ipfs/{root}/tree?format={form}"
    etag = client.get(address).headers["etag"]
    for known in (etag, f"W/{etag}".replace("W/W/", "W/"), f'"other", {etag}', "*"):
        answer = get(client, address, If_None_Match=known)
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == etag
    assert get(client, address, If_None_Match='"other"').status_code == 200


def test_every_answer_has_its_own_etag(client: Client, root: CID) -> None:
    queries = [
        "format=raw",
        "format=car",
        "format=car&dag-scope=entity",
        "format=car&dag-scope=block",
        "format=car&entity-bytes=0:*",
        "format=car&entity-bytes=0:5",
        "format=car&entity-bytes=0:-5",
        "format=car&car-dups=y",
    ]
    etags = [get(client, f"/ipfs/{root}/tree?{query}").headers["etag"] for query in queries]
    etags.append(get(client, f"/ipfs/{root}?format=car").headers["etag"])
    tree = get(client, f"/ipfs/{root}/tree?format=raw").headers["x-ipfs-roots"].split(",")[-1]
    etags.append(get(client, f"/ipfs/{tree}?format=car").headers["etag"])  # another way to the same
    assert len(set(etags)) == len(etags)
    same = [get(client, f"/ipfs/{root}/tree?{query}") for query in ("format=car", "format=car&dag-scope=all")]
    assert same[0].headers["etag"] == same[1].headers["etag"]
    assert same[0].content == same[1].content


@pytest.mark.parametrize(
    ("header", "status", "body", "range_"),
    [
        ("bytes=1-2", 206, b"ea", "bytes 1-2/4"),
        ("bytes=-1", 206, b"f", "bytes 3-3/4"),
        ("bytes=2-", 206, b"af", "bytes 2-3/4"),
        ("bytes=0-0,2-3", 200, b"leaf", None),
        ("bytes=4-", 416, None, "bytes */4"),
    ],
)
def test_a_range_of_a_block_is_answered(
    client: Client, root: CID, header: str, status: int, body: bytes | None, range_: str | None
) -> None:
    answer = get(client, f"/ipfs/{root}/plain.txt?format=raw", Range=header)
    assert answer.status_code == status
    assert answer.headers.get("content-range") == range_
    if body is None:
        problem(answer, 416, "range_not_satisfiable")
    else:
        assert answer.content == body
        assert answer.headers["content-length"] == str(len(body))
    assert get(client, f"/ipfs/{root}/plain.txt?format=car", Range=header).status_code == 200  # a CAR has none


def test_a_range_only_of_what_is_known(client: Client, root: CID) -> None:
    address = f"/ipfs/{root}/plain.txt?format=raw"
    etag = client.get(address).headers["etag"]
    assert get(client, address, Range="bytes=0-0", If_Range=etag).status_code == 206
    assert get(client, address, Range="bytes=0-0", If_Range='"other"').content == b"leaf"


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("foobar.bin", 'attachment; filename="foobar.bin"'),
        ("two words.car", 'attachment; filename="two words.car"'),
        ("testтест.pdf", "attachment; filename=\"test____.pdf\"; filename*=UTF-8''test%D1%82%D0%B5%D1%81%D1%82.pdf"),
        ('a"b', "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b"),
        ("100%", "attachment; filename=\"100_\"; filename*=UTF-8''100%25"),
        ("../../etc/passwd", 'attachment; filename=".._.._etc_passwd"'),
        ("a\r\nSet-Cookie: b\\", 'attachment; filename="a__Set-Cookie: b_"'),
    ],
)
def test_a_name_to_save_it_under(client: Client, root: CID, filename: str, expected: str) -> None:
    for form in ("raw", "car"):
        answer = get(client, f"/ipfs/{root}?format={form}&filename={quote(filename, safe='')}")
        assert answer.headers["content-disposition"] == expected
        assert "set-cookie" not in answer.headers


def test_content_location_where_the_address_does_not_say_it(client: Client, root: CID) -> None:
    path = f"/ipfs/{root}/with%20space"
    assert get(client, path, Accept=RAW_TYPE).headers["content-location"] == f"{path}?format=raw"
    answer = get(client, f"{path}?dag-scope=entity&download=true", Accept=f"{CAR_TYPE}; dups=y")
    location = answer.headers["content-location"]
    assert location == f"{path}?format=car&car-order=dfs&car-dups=y&dag-scope=entity"
    again = get(client, location)
    assert again.content == answer.content
    assert again.headers["content-type"] == answer.headers["content-type"]
    assert "content-location" not in again.headers
    answer = get(client, f"{path}?format=raw&filename=a%26b", Accept=CAR_TYPE)
    assert answer.headers["content-location"] == f"{path}?format=raw&filename=a%26b"


def test_several_accept_headers_are_one_list(client: Client, root: CID) -> None:
    headers = [("Accept", "text/html"), ("Accept", f"{CAR_TYPE};q=0.1"), ("Accept", RAW_TYPE)]
    assert client.get(f"/ipfs/{root}", headers=headers).headers["content-type"] == RAW_TYPE


def test_entity_bytes_are_cut_as_asked_over_http(client: Client, root: CID) -> None:
    for query in (
        "entity-bytes=150:160",
        "entity-bytes=150:160&dag-scope=entity",
        "entity-bytes=150:160&dag-scope=all",
    ):
        answer = get(client, f"/ipfs/{root}/tree?format=car&{query}")
        (target,), order, received = read_car(answer.content)
        assert len(order) == 3  # directory, file, the middle of three parts
        assert content(received, target, 150, 161) == DATA[150:161]
    answer = get(client, f"/ipfs/{root}/tree?format=car&entity-bytes=150:160&dag-scope=block")
    assert read_car(answer.content)[1] == [root, target]
    problem(get(client, f"/ipfs/{root}/tree?format=car&entity-bytes=300:*"), 400, "entity_bytes")


def test_duplicates_are_sent_where_the_header_asks_for_them(client: Client, root: CID) -> None:
    twice = get(client, f"/ipfs/{root}/tree", Accept=f"{CAR_TYPE}; dups=y")
    assert twice.headers["content-type"] == f"{CAR_TYPE}; version=1; order=dfs; dups=y"
    order = read_car(twice.content)[1]
    assert len(order) == 2 + 3  # three parts of the same bytes
    assert len(read_car(get(client, f"/ipfs/{root}/tree?format=car").content)[1]) == 2 + 1


def test_a_path_may_end_within_a_block(client: Client, home: Home, root: CID) -> None:
    document = get(client, f"/ipfs/{root}/document/text?format=raw")
    target = CID.parse(document.headers["x-ipfs-roots"].split(",")[-1])
    assert document.content == home.store.get(target)
    assert get(client, f"/ipfs/{root}/document/file?format=raw").content == b"leaf"
    problem(get(client, f"/ipfs/{root}/document/none?format=raw"), 404, "not_found")
