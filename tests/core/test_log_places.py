"""An entry's place in its log, entries that contradict it, and the codes by which callers tell these apart.

Each case here was a line of ``core/log.py`` that could be changed without a test that noticed (``make mutants``).
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from registry.core import issuers, log, records
from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, DAG_PB, RAW, cid_of
from registry.core.records import Entry
from tests.core.test_log import ANA, LUIS, NOON, RECORD, Logs

ONE, OTHER = bytes(cid_of(b"\xa0", DAG_CBOR)), bytes(cid_of(b"\xa1\x61a\x01", DAG_CBOR))


def signed(**fields: Any) -> Entry:
    """An entry with these fields, well signed whatever they say."""
    first = log.make_entry(ANA, 0, None, None, RECORD, NOON)
    draft = msgspec.structs.replace(first, **fields)
    return msgspec.structs.replace(draft, signature=ANA.sign(log.signing_bytes(draft)))


@pytest.mark.parametrize(
    ("seq", "prev", "first"),
    [
        (0, None, ONE),
        (0, ONE, None),
        (0, ONE, ONE),
        (2, None, None),
        (2, ONE, None),
        (2, None, ONE),
        (1, ONE, OTHER),
        (-1, ONE, ONE),
        (-1, None, None),
    ],
)
def test_an_entry_that_contradicts_its_own_place_is_refused(seq: int, prev: bytes | None, first: bytes | None) -> None:
    with pytest.raises(Untrusted, match=f"entry {seq} of {ANA.did}") as caught:
        log.verify_entry(signed(seq=seq, prev=prev, log=first))
    assert caught.value.code == "log_gap"


@pytest.mark.parametrize(("seq", "prev", "first"), [(0, None, None), (1, ONE, ONE), (2, OTHER, ONE)])
def test_an_entry_in_its_place_is_taken(seq: int, prev: bytes | None, first: bytes | None) -> None:
    log.verify_entry(signed(seq=seq, prev=prev, log=first))


@pytest.mark.parametrize(("seq", "prev"), [(1, None), (0, ONE), (1, ONE)])
def test_only_the_entry_of_number_zero_with_none_before_it_opens_a_log(seq: int, prev: bytes | None) -> None:
    with pytest.raises(Untrusted, match=f"entry {seq} is not the first") as caught:
        log.check_first(signed(seq=seq, prev=prev, log=prev), records.Issuer(chains=()))
    assert caught.value.code == "log_gap"


def test_a_log_opens_with_the_issuers_chains_that_its_entry_links_to() -> None:
    issuer, first = records.Issuer(chains=()), log.make_entry(ANA, 0, None, None, RECORD, NOON)
    assert log.check_first(first, issuer) == issuer
    withdrawal = records.Withdrawal(target=ONE, reason="asked", effective=NOON, remedy="notice")
    other = signed(record=records.cid(withdrawal))
    for entry, record in ((first, withdrawal), (other, withdrawal), (other, issuer)):
        with pytest.raises(Untrusted, match="must name its issuer's chains") as caught:
            log.check_first(entry, record)
        assert caught.value.code == "log_without_issuer"


def back(logs: Logs, newest: CID, until: CID | None) -> str:
    """The code with which the way back ends."""
    with pytest.raises(Untrusted) as caught:
        list(log.walk_back(newest, until, logs.get))
    return str(caught.value.code)


def test_the_way_back_tells_a_gap_from_a_fork() -> None:
    logs = Logs()
    first, second, third = logs.chain(ANA, 3)
    fork = logs.append(ANA, 1, first, "another second")
    theirs = logs.chain(LUIS, 1)[0]
    apart = logs.append(ANA, 0, None, "another first")
    assert [entry.seq for _, entry in log.walk_back(third, second, logs.get)] == [2, 1]
    assert [entry.seq for _, entry in log.walk_back(third, None, logs.get)] == [2, 1, 0]
    assert back(logs, third, theirs) == "log_gap"
    assert back(logs, third, apart) == "log_fork"
    assert back(logs, third, fork) == "log_fork"
    assert back(logs, second, third) == "log_gap"  # nothing newer lies on the way back


def test_an_entry_that_names_no_entry_before_it_ends_the_way_back() -> None:
    logs = Logs()
    newest = logs.keep(signed(seq=2, prev=b"no CID", log=ONE))
    assert back(logs, newest, None) == "log_gap"


@pytest.mark.parametrize("cid", [cid_of(b"x", RAW), cid_of(b"x", DAG_PB), CID.v1(DAG_CBOR, b"", 0)])
def test_what_can_be_no_entry_has_no_digest_to_anchor(cid: CID) -> None:
    with pytest.raises(InvalidInput, match="no entry's CID") as caught:
        log.anchor_digest(cid)
    assert caught.value.code == "not_an_entry"


def test_what_is_no_issuer_is_refused_with_the_form_of_one() -> None:
    with pytest.raises(InvalidInput, match="'0x1' is not an issuer") as caught:
        issuers.check_did("0x1")
    assert caught.value.code == "invalid_did"
    assert "did:pkh:" in (caught.value.hint or "")


@pytest.mark.parametrize(("seq", "prev"), [(-1, None), (0, cid_of(b"x", DAG_CBOR)), (1, None)])
def test_nothing_is_signed_that_contradicts_its_place(seq: int, prev: CID | None) -> None:
    with pytest.raises(InvalidInput, match="seq 0 and none before it") as caught:
        log.make_entry(ANA, seq, prev, prev, RECORD, NOON)
    assert caught.value.code == "invalid_entry"
