"""Which form is chosen: ?format= first, then Accept by weight, parameters of the address before those of Accept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.api.gateway.accept import choose
from registry.api.problems import HttpProblem
from tests.api.gateway.gateway_dags import CAR_TYPE, RAW_TYPE

CAR = f"{CAR_TYPE}; version=1; order=dfs; dups="


@pytest.mark.parametrize(
    ("asked", "accept", "expected"),
    [
        ("raw", "", RAW_TYPE),
        ("car", "", CAR + "n"),
        (None, RAW_TYPE, RAW_TYPE),
        (None, CAR_TYPE, CAR + "n"),
        ("", CAR_TYPE, CAR + "n"),  # ?format= alone asks for nothing
        (None, CAR_TYPE.upper(), CAR + "n"),
        ("raw", CAR_TYPE, RAW_TYPE),  # the address wins
        ("car", RAW_TYPE, CAR + "n"),
        ("car", "text/html", CAR + "n"),
        ("car", f"{CAR_TYPE}; dups=y", CAR + "y"),  # and Accept says the rest
        (None, f"text/html, {CAR_TYPE};dups=y", CAR + "y"),
        (None, f'{CAR_TYPE}; version="1" ;ORDER=unk; dups=""', CAR + "n"),
        (None, f"{CAR_TYPE};q=0.2, {RAW_TYPE};q=0.5", RAW_TYPE),
        (None, f"{CAR_TYPE};q=0.5, {RAW_TYPE};q=0.5", CAR + "n"),
        (None, f"{CAR_TYPE};q=0, {RAW_TYPE};q=0.001", RAW_TYPE),
        (None, f"{CAR_TYPE};order=foo, {CAR_TYPE};order=dfs;dups=y;q=0.5", CAR + "y"),
        (None, f"{CAR_TYPE};version=2, {RAW_TYPE};q=0.1", RAW_TYPE),
        (None, f'text/x; a="{RAW_TYPE}, b", {CAR_TYPE}', CAR + "n"),  # a comma within quotes parts nothing
        (None, f"{CAR_TYPE}; unheard=of", CAR + "n"),
    ],
)
def test_the_form_asked_for_by_the_header_is_chosen(asked: str | None, accept: str, expected: str) -> None:
    assert choose(asked, accept, {}).media_type == expected


@pytest.mark.parametrize(
    ("asked", "accept", "status"),
    [
        (None, "", 400),
        (None, "  ", 400),
        ("", "", 400),
        (None, "*/*", 406),
        (None, "application/*", 406),
        (None, "text/html", 406),
        (None, f"{RAW_TYPE};q=0", 406),
        (None, f"{RAW_TYPE};q=2", 406),
        (None, f"{RAW_TYPE};q=0.1234", 406),
        (None, f"{CAR_TYPE}; version=2", 406),
        (None, f"{CAR_TYPE}; order=bfs", 406),
        (None, f"{CAR_TYPE}; dups=maybe", 406),
        ("car", f"{CAR_TYPE}; version=2", 406),
        ("html", RAW_TYPE, 406),
        ("RAW", RAW_TYPE, 406),
        ("ipns-record", RAW_TYPE, 406),
    ],
)
def test_what_can_not_be_given(asked: str | None, accept: str, status: int) -> None:
    with pytest.raises(HttpProblem) as raised:
        choose(asked, accept, {})
    assert raised.value.status_code == status


def test_parameters_of_the_address_win() -> None:
    assert choose("car", f"{CAR_TYPE}; dups=n", {"dups": "y"}).duplicates
    assert not choose(None, f"{CAR_TYPE}; dups=y", {"dups": "n"}).duplicates
    assert choose("car", f"{CAR_TYPE}; order=bfs", {"order": "dfs"}).media_type == CAR + "n"
    assert choose("raw", "", {"dups": "y"}).media_type == RAW_TYPE


@pytest.mark.parametrize(
    ("asked", "accept", "address", "expected"),
    [
        ("raw", "", {}, True),
        ("raw", RAW_TYPE, {}, True),
        ("car", CAR_TYPE, {}, True),
        ("car", f"{CAR_TYPE}; dups=y", {}, False),
        ("car", f"{CAR_TYPE}; dups=y", {"dups": "y"}, True),
        ("car", f"{CAR_TYPE}; dups=y", {"dups": "n"}, False),
        (None, RAW_TYPE, {}, False),
        (None, CAR_TYPE, {"dups": "y"}, False),
        ("raw", CAR_TYPE, {}, False),
        ("car", RAW_TYPE, {}, False),
        ("car", "text/html", {}, True),
        ("car", f"{RAW_TYPE}, {CAR_TYPE}", {}, True),
    ],
)
def test_whether_the_address_says_it_all(
    asked: str | None, accept: str, address: dict[str, str], expected: bool
) -> None:
    assert choose(asked, accept, address).in_address is expected


@given(st.text(alphabet='abc,;="\\ *q.0/' + CAR_TYPE, max_size=200))
def test_no_header_breaks_it(accept: str) -> None:
    try:
        found = choose(None, accept, {})
    except HttpProblem as error:
        assert error.status_code in {400, 406}  # noqa: PT017  # or it returned
    else:
        assert found.media_type in {RAW_TYPE, CAR + "n", CAR + "y"}
