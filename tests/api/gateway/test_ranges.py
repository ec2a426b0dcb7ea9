"""Ranges and validators: whatever is asked for, the bytes are the right ones or none."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.api.gateway.ranges import byte_range, etag_matches, parse_range, started
from registry.api.problems import HttpProblem
from registry.core.errors import NotFound

SIZES = st.integers(0, 2000)


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        (None, 10, None),
        ("bytes=0-0", 10, (0, 0)),
        ("bytes=0-", 10, (0, 9)),
        ("bytes=3-5", 10, (3, 5)),
        ("bytes=3-500", 10, (3, 9)),
        ("bytes=-3", 10, (7, 9)),
        ("bytes=-30", 10, (0, 9)),
        ("bytes= 2 - 4", 10, (2, 4)),
        ("bytes=5-3", 10, None),  # malformed: as if it were not there
        ("bytes=-", 10, None),
        ("bytes=0-1,3-4", 10, None),  # several: the whole
        ("lines=0-1", 10, None),
        ("bytes=٣-٥", 10, None),  # digits of another script are no digits here
        ("bytes=1-99999999999999999999", 10, None),  # too long to be meant
    ],
)
def test_a_range_means_these_bytes(header: str | None, size: int, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, size) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-0", 0), ("bytes=-5", 0)])
def test_a_range_that_cannot_be_met_says_the_size(header: str, size: int) -> None:
    with pytest.raises(HttpProblem) as raised:
        parse_range(header, size)
    assert raised.value.status_code == 416
    assert (raised.value.headers or {})["Content-Range"] == f"bytes */{size}"


@given(st.text(max_size=30), SIZES)
def test_no_header_breaks_it(text: str, size: int) -> None:
    try:
        found = parse_range(f"bytes={text}", size)
    except HttpProblem as error:
        assert (error.headers or {})["Content-Range"] == f"bytes */{size}"  # noqa: PT017  # or it returned
        return
    if found is not None:
        assert re.fullmatch(r"\s*\d*\s*-\s*\d*\s*", text, re.ASCII)
        assert 0 <= found[0] <= found[1] < size


@given(st.lists(st.binary(max_size=20), max_size=20), st.data())
def test_a_cut_is_a_slice(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    if not whole:
        return
    first = data.draw(st.integers(0, len(whole) - 1))
    last = data.draw(st.integers(first, len(whole) - 1))
    assert b"".join(byte_range(iter(pieces), first, last)) == whole[first : last + 1]


def test_a_cut_reads_nothing_behind_its_end() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"0123"
        yield b"4567"
        raise AssertionError("read on")

    assert b"".join(byte_range(pieces(), 1, 5)) == b"12345"


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, False), ('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("a", False)],
)
def test_validators_match_as_http_says(header: str | None, expected: bool) -> None:
    assert etag_matches(header, "a") is expected


def test_what_is_missing_shows_before_the_answer_begins() -> None:
    def broken() -> Iterator[bytes]:
        raise NotFound("not here")
        yield b""

    with pytest.raises(NotFound):
        started(broken())
    assert list(started(iter([b"a", b"b"]))) == [b"a", b"b"]
    assert list(started(iter([]))) == []
