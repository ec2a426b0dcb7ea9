"""OpenTimestamps calendars: the contract, the format against the reference's own rules, and calendars that lie."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.core.errors import EmotionetError, Unavailable, Untrusted
from registry.core.ipld.cid import DAG_CBOR, cid_of
from registry.core.ports.anchor import Anchors, evidence_of
from registry.core.records import Evidence
from registry.provenance.anchors.timestamp.calendar import Calendar
from registry.provenance.anchors.timestamp.kept import KeptStamps
from registry.provenance.evidence import opentimestamps
from registry.provenance.evidence.opentimestamps import verify
from registry.provenance.evidence.ots_format import MAGIC, PENDING, file_of, read_file
from registry.provenance.evidence.shown import NoTrustRoot, Trust
from tests.provenance.anchor_contract import AnchorContract, Reopen, digest
from tests.support.anchors.calendar import HEIGHT, CalendarServer, header_of, serving, sized
from tests.support.anchors.stamps import Away, Kept

ME, YOU = "0x" + "ab" * 20, "0x" + "cd" * 20
ENTRY = cid_of(b"an entry", DAG_CBOR)

# "Hello World!" and a line feed, in block 358391 of Bitcoin: examples/hello-world.txt.ots of opentimestamps-client 0.7
HELLO = bytes.fromhex(
    "004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294010803ba204e50d126e4674c005e04d82e84c21366780af1f4"
    "3bd54a37816b6ab34003f1c8010100000001e482f9d32ecc3ba657b69d898010857b54457a90497982ff56f97c4ec58e6f98010000006b48"
    "3045022100b253add1d1cf90844338a475a04ff13fc9e7bd242b07762dea07f5608b2de367022000b268ca9c3342b3769cdd062891317cdc"
    "ef87aac310b6855e9d93898ebbe8ec0121020d8e4d107d2b339b0050efdd4b4a09245aa056048f125396374ea6a2ab0709c6ffffffff0265"
    "33e605000000001976a9140bf057d40fbba6744862515f5b55a2310de5772f88aca0860100000000001976a914f00688ac000000000808f1"
    "20a987f716c533913c314c78e35d35884cac943fa42cac49d2b2c69f4003f85f880808f120dec55b3487e1e3f722a49b55a7783215862785"
    "f4a3acb392846019f71dc64a9d0808f120b2ca18f485e080478e025dab3d464b416c0e1ecb6629c9aefce8c8214d0424320808f02011b0e9"
    "0661196ff4b0813c3eda141bab5e91604837bdf7a0c9df37db0e3a11980808f020c34bc1a4a1093ffd148c016b1e664742914e939efabe4d"
    "3d356515914b26d9e20808f020c3e6e7c38c69f6af24c2be34ebac48257ede61ec0a21b9535e4443277be306460808f1200798bf8606e000"
    "24e5d5d54bf0c960f629dfb9dad69157455b6f2652c0e8de810808f0203f9ada6d60baa244006bb0aad51448ad2fafb9d4b6487a0999cff2"
    "6b91f0f5360808f120c703019e959a8dd3faef7489bb328ba485574758e7091f01464eb65872c975c80808f020cbfefff513ff84b915e3fe"
    "d6f9d799676630f8364ea2a6c7557fad94a5b5d7880808f1200be23709859913babd4460bbddf8ed213e7c8773a4b1face30f8acfdf093b7"
    "050808000588960d73d7190103f7ef15"
)


@pytest.fixture
def calendar() -> Iterator[CalendarServer]:
    with serving(CalendarServer()) as served:
        yield served


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "stamps.sqlite")


def place(calendar: CalendarServer, kept: KeptStamps, who: str = ME, *, headers: bool = True) -> Calendar:
    return Calendar(
        calendar.url, kept, lambda: who, lambda height: calendar.headers.get(height) if headers else None, seconds=2.0
    )


class TestCalendar(AnchorContract):
    """The contract that every place to anchor keeps; its blocks come at once."""

    KIND = "opentimestamps"
    CHAIN = r"opentimestamps:127\.0\.0\.1:\d+"
    ON_CHAIN = False
    PROVES = True

    @pytest.fixture
    def anchors(self, calendar: CalendarServer, kept: Kept) -> Anchors:
        calendar.mined = True
        return place(calendar, kept)

    @pytest.fixture
    def reopen(self, calendar: CalendarServer, tmp_path: Path) -> Reopen:
        return lambda: place(calendar, Kept(tmp_path / "stamps.sqlite"))

    @pytest.fixture
    def other(self, calendar: CalendarServer, kept: Kept) -> Anchors:
        return place(calendar, kept, YOU)

    @pytest.fixture
    def unreachable(self, calendar: CalendarServer) -> Anchors:
        return place(calendar, Away())


def completed(calendar: CalendarServer, kept: Kept, *, headers: bool = True) -> Evidence:
    calendar.mined = True
    return evidence_of(ENTRY, place(calendar, kept, headers=headers).submit(ENTRY.digest))


def trust_in(calendar: CalendarServer) -> Trust:
    return Trust(header=calendar.headers.get)


def test_a_promise_is_pending_until_bitcoin_has_it(calendar: CalendarServer, kept: Kept) -> None:
    one = place(calendar, kept)
    assert (one.submit(digest("a")).status, one.submit(digest("a")).proof) == ("pending", None)
    assert one.pending() == [digest("a")]
    with pytest.raises(Unavailable, match="pending"):
        one.wait(digest("a"), 0.1)
    calendar.mined = True
    done = place(calendar, kept).submit(digest("a"))
    assert (done.status, done.time is not None, one.pending()) == ("finalized", True, [])
    assert calendar.asked.count("/digest") == 1, "what was promised is not asked for again"


def test_without_the_blocks_header_it_is_attested_and_later_finalized(calendar: CalendarServer, kept: Kept) -> None:
    made = completed(calendar, kept, headers=False)
    assert (made.statement["height"], made.statement["time"]) == (HEIGHT, None)
    with pytest.raises(NoTrustRoot, match=f"the header of block {HEIGHT} is not at hand"):
        verify(made, Trust())
    shown = verify(made, trust_in(calendar))
    assert (shown.entry, shown.by) == (ENTRY, f"block {HEIGHT} of Bitcoin")
    asked = len(calendar.asked)
    later = place(calendar, kept).submit(ENTRY.digest)
    assert (later.status, later.time, len(calendar.asked)) == ("finalized", shown.time, asked)


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ("html", Unavailable, "a web page"),
        ("busy", Unavailable, "status 503"),
        ("huge", Unavailable, "more than"),
        ("garbage", Untrusted, "cut off"),
        ("nothing", Untrusted, "promises nothing"),
    ],
)
def test_a_calendar_that_promises_wrongly_leaves_it_pending(
    calendar: CalendarServer, kept: Kept, how: str, error: type[EmotionetError], said: str
) -> None:
    calendar.how = how
    one = place(calendar, kept)
    with pytest.raises(error, match=said):
        one.submit(digest("a"))
    assert (one.status(digest("a")).status, one.pending()) == ("pending", [digest("a")])


def test_a_promise_sends_nobody_to_an_address_that_was_not_set_up(calendar: CalendarServer, kept: Kept) -> None:
    calendar.how, calendar.mined = "elsewhere", True
    assert place(calendar, kept).submit(digest("a")).status == "pending"
    assert calendar.asked == ["/digest"]


def test_a_block_that_holds_something_else_is_a_lie(calendar: CalendarServer, kept: Kept) -> None:
    calendar.how, calendar.mined = "other", True
    with pytest.raises(Untrusted, match="does not hold this timestamp"):
        place(calendar, kept).submit(digest("a"))


def test_evidence_that_states_anything_else_than_its_proof_fails(calendar: CalendarServer, kept: Kept) -> None:
    made, trust = completed(calendar, kept), trust_in(calendar)
    assert verify(made, trust).time == made.statement["time"]
    for change in ({"height": HEIGHT + 1}, {"chain": "bip122:0"}, {"time": "2001-01-01T00:00:00Z"}, {"more": 1}):
        with pytest.raises(Untrusted):
            verify(_with(made, statement={**made.statement, **change}), trust)
    with pytest.raises(Untrusted, match="something else"):
        verify(_with(made, entry=bytes(cid_of(b"another", DAG_CBOR))), trust)


def test_a_header_that_is_none_or_another_blocks_fails(calendar: CalendarServer, kept: Kept) -> None:
    made = completed(calendar, kept)
    honest = calendar.headers[HEIGHT]
    other = header_of(bytes(32), int(time.time()))
    for header, said in ((other, "does not hold"), (honest[:72] + b"\xff\xff\x00\x1d" + honest[76:], "no header")):
        with pytest.raises(Untrusted, match=said):
            verify(made, Trust(header=lambda height, header=header: header))  # type: ignore[misc]


def test_a_promise_that_nobody_completed_shows_nothing(calendar: CalendarServer, kept: Kept) -> None:
    place(calendar, kept).submit(ENTRY.digest)
    stamp = kept.get(f"opentimestamps:{calendar.url.removeprefix('http://')}", ME, ENTRY.digest)
    assert stamp is not None
    made = Evidence(entry=bytes(ENTRY), kind="opentimestamps", statement={}, proof=stamp.proof)
    with pytest.raises(NoTrustRoot, match="only promised"):
        verify(made, Trust())


def test_what_is_read_is_written_as_it_was(calendar: CalendarServer, kept: Kept) -> None:
    proof = completed(calendar, kept).proof or b""
    assert opentimestamps.blocks_of(read_file(proof)).keys() == {HEIGHT}
    start = MAGIC + b"\x08" + ENTRY.digest
    promise = b"\x00" + PENDING + sized(sized(b"https://alice.calendar.opentimestamps.org"))
    forked = start + b"\xff" + promise + b"\xff\xf0\x01a\x08" + promise + b"\xf1\x01b\x08" + promise
    found = read_file(forked)
    assert [one.calendar for _, one in found.all()] == ["https://alice.calendar.opentimestamps.org"] * 3
    assert MAGIC + b"\x08" + found.message + found.encode() == forked


def test_a_proof_that_others_made_is_read() -> None:
    found = read_file(HELLO)
    assert found.message == hashlib.sha256(b"Hello World!\n").digest()
    assert list(opentimestamps.blocks_of(found)) == [358391]
    assert file_of(found) == HELLO


@given(st.binary(max_size=300))
def test_what_is_no_proof_is_refused_in_one_way(data: bytes) -> None:
    with suppress(Untrusted):
        found = read_file(MAGIC + b"\x08" + bytes(32) + data)
        assert read_file(MAGIC + b"\x08" + bytes(32) + found.encode()) == found


@pytest.mark.parametrize(
    "body",
    [b"\x08" * 300, b"\xf0\xff\xff\x03" + bytes(9), b"\x00" + PENDING + b"\xff" * 10, b"", b"\xf3" * 20, b"\x55"],
)
def test_a_hostile_proof_is_bounded(body: bytes) -> None:
    with pytest.raises(Untrusted):
        read_file(MAGIC + b"\x08" + bytes(32) + body)


def _with(made: Evidence, **changed: object) -> Evidence:
    fields = {"entry": made.entry, "kind": made.kind, "statement": made.statement, "proof": made.proof}
    return Evidence(**(fields | changed))  # type: ignore[arg-type]
