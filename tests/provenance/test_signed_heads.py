"""What a home remembers beside its database: with which keys it signed, and how far each one's log went."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.core.errors import Conflict, Unavailable
from registry.core.ipld.cid import DAG_CBOR, cid_of
from registry.core.issuers import did_of
from registry.provenance.keys import signed_heads as signed_heads
from registry.provenance.keys.keys import load_or_create
from registry.provenance.keys.signed_heads import Head, check_signer, go_on_as, heads, remember

ONE, OTHER = "0x" + "1" * 40, "0x" + "2" * 40
ENTRY, LATER = cid_of(b"entry", DAG_CBOR), cid_of(b"later", DAG_CBOR)


def test_a_home_that_never_signed_knows_no_log(tmp_path: Path) -> None:
    assert heads(tmp_path) == []
    check_signer(tmp_path, None)
    check_signer(tmp_path, ONE)


def test_the_newest_entry_of_each_key_is_remembered(tmp_path: Path) -> None:
    remember(tmp_path, did_of(OTHER), 0, ENTRY)
    remember(tmp_path, did_of(ONE), 5, LATER)
    remember(tmp_path, did_of(ONE), 5, ENTRY)
    remember(tmp_path, did_of(ONE), 4, ENTRY)
    assert heads(tmp_path) == [Head(did_of(ONE), 5, LATER), Head(did_of(OTHER), 0, ENTRY)]


@pytest.mark.parametrize("data", ["", "{", "[]", '{"seq": 1}', '{"seq": "x", "entry": ""}', '{"seq": 1, "entry": "x"}'])
def test_what_can_not_be_read_says_nothing_and_is_written_anew(tmp_path: Path, data: str) -> None:
    remember(tmp_path, did_of(ONE), 7, ENTRY)
    (tmp_path / signed_heads.FOLDER / ONE / signed_heads.HEAD).write_text(data)
    assert heads(tmp_path) == [Head(did_of(ONE), -1)]
    remember(tmp_path, did_of(ONE), 0, LATER)
    assert heads(tmp_path) == [Head(did_of(ONE), 0, LATER)]


def test_a_home_goes_on_under_another_key_only_where_that_is_meant(tmp_path: Path) -> None:
    remember(tmp_path, did_of(ONE), 0, ENTRY)
    check_signer(tmp_path, ONE.upper().replace("X", "x"))
    for address, said in ((None, "no key here"), (OTHER, OTHER)):
        with pytest.raises(Conflict, match=said) as caught:
            check_signer(tmp_path, address)
        assert (caught.value.code, did_of(ONE) in str(caught.value)) == ("key_missing", True)
    with pytest.raises(Conflict):
        load_or_create(tmp_path, "words")
    assert not list(tmp_path.glob("keys/*.json"))
    key = load_or_create(tmp_path, "words", another=True)
    check_signer(tmp_path, key.address)
    assert load_or_create(tmp_path, "words").address == key.address
    go_on_as(tmp_path, OTHER)
    check_signer(tmp_path, OTHER)


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / signed_heads.FOLDER).write_text("")
    assert heads(tmp_path) == []
    with pytest.raises(Unavailable):
        remember(tmp_path, did_of(ONE), 0, ENTRY)
    with pytest.raises(Unavailable):
        go_on_as(tmp_path, ONE)
