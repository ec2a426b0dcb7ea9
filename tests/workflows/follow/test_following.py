"""Three registries, one of which lies: nothing false is indexed, each refusal is listed, the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.queries.labeled_images.images import get_image
from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import Conflict, NotFound
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, RAW
from registry.settings import read_settings
from registry.workflows.follow.keep_up import bring_all_up_to_date, bring_up_to_date, documents, follow, unfollow
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.append import append
from registry.workflows.log.equivocations import equivocations
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.api.conftest import served
from tests.support.anchors.signer import MemorySigner
from tests.support.liars import Teller, row, telling


def pictures(folder: Path, *numbers: int) -> Path:
    """Files that differ, with labels."""
    folder.mkdir(parents=True)
    for number in numbers:
        (folder / f"{number}.jpg").write_bytes(b"picture %d" % number)
    lines = [f"{number}.jpg,feliz,anna" for number in numbers]
    (folder / "labels.csv").write_text("\n".join(["file,label,contributor", *lines]))
    return folder


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Callable[[str], Home]]:
    opened: list[Home] = []

    def make(name: str) -> Home:
        opened.append(open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / name)})))
        return opened[-1]

    yield make
    for home in opened:
        home.close()


def rows(home: Home) -> list[tuple[str, str]]:
    with home.catalog.read() as db:
        found = db.execute(sa.text("SELECT issuer, sha256 FROM contribution_rows ORDER BY issuer, sha256"))
        return [(one.issuer, one.sha256) for one in found]


def codes(found: dict[str, Any]) -> set[str]:
    return {one["code"] for one in found["refusals"]}


def test_what_another_registry_publishes_appears_with_its_issuer(tmp_path: Path, homes: Callable[[str], Home]) -> None:
    there, here = homes("there"), homes("here")
    import_source(there, str(pictures(tmp_path / "a", 1, 2, 3)))
    import_source(here, str(pictures(tmp_path / "b", 3, 4)))
    taken = take_snapshot(there, name="faces")
    mine = rows(here)
    with served(there) as address:
        follow(here, there.key.did, [address])
        done = bring_up_to_date(here, there.key.did)
        assert (done["state"], done["refusals"]) == ("up to date", [])
        assert rows(here) == sorted([*mine, *rows(there)])
        with here.catalog.read() as db:
            assert entries.entry_of(db, CID.parse(taken["snapshot"]), there.key.did) is not None
            name = db.scalar(sa.text("SELECT name FROM names"))
        assert name == "faces"
        assert bring_up_to_date(here, there.key.did)["entries"] == done["entries"]
        (gone,) = [one for one in rows(there) if one[1] == sha256(b"picture 1").hexdigest()]
        said = records.Withdrawal(
            target=bytes.fromhex(gone[1]), reason="asked to", remedy="remove_bytes", effective=there.now()
        )
        append(there, there.key, said)
        assert bring_up_to_date(here, there.key.did)["state"] == "up to date"
    with here.catalog.read() as db:
        assert db.scalar(sa.text("SELECT target FROM withdrawals")) == gone[1]
    unfollow(here, there.key.did)
    assert documents(here) == []
    with pytest.raises(NotFound):
        bring_up_to_date(here, there.key.did)


def test_a_home_does_not_follow_itself(homes: Callable[[str], Home]) -> None:
    home = homes("one")
    with pytest.raises(Conflict):
        follow(home, home.key.did, ["http://127.0.0.1:9"])


RAW_1 = CID.v1(RAW, sha256(b"one").digest())
KEY, OTHER = MemorySigner(41), MemorySigner(42)


def _bad_signature(liar: Teller) -> None:
    liar.say(liar.profile("forged"), signature=b"\1" * 64)


def _gap(liar: Teller) -> None:
    liar.say(liar.profile("skipped"), seq=len(liar.entries) + 4)


def _swapped(liar: Teller) -> None:
    liar.say(liar.profile("a"))
    liar.say(liar.profile("b"), prev=bytes(liar.entries[-2]))


def _another_opening(liar: Teller) -> None:
    liar.say(liar.profile("a"), log=bytes(liar.entries[1]))


def _another_issuer(liar: Teller) -> None:
    stranger = Teller(OTHER)
    stranger.say(stranger.profile("stranger"))
    liar.blocks |= stranger.blocks
    liar.head = stranger.head


def _of_another_in_between(liar: Teller) -> None:
    stranger = Teller(OTHER, entries=liar.entries)
    stranger.say(stranger.profile("in between"))
    liar.blocks |= stranger.blocks
    liar.say(liar.profile("after"))


def _no_issuer_first(liar: Teller) -> None:
    liar.entries.clear()
    liar.say(liar.profile("first"), seq=0)


def _endless(liar: Teller) -> None:
    liar.say(liar.profile("endless"), seq=(1 << 53) - 1)


def _no_entry(liar: Teller) -> None:
    liar.head = liar.put(encoding.encode({"type": "entry"}))


def _newer_entry(liar: Teller) -> None:
    value = dict(records.to_value(records.parse_as(records.Entry, liar.blocks[liar.entries[-1]])))
    liar.head = liar.put(encoding.encode({**value, "v": 99}))


def _huge(liar: Teller) -> None:
    liar.head = liar.put(encoding.encode({"type": "entry", "v": 1, "fill": b"\0" * 200_000}))


def _no_head(liar: Teller) -> None:
    liar.said = b'{"issuer": 3}'


def _wrong_bytes(liar: Teller) -> None:
    liar.answer = lambda cid: b"other bytes"


def _missing_entry(liar: Teller) -> None:
    del liar.blocks[liar.entries[0]]


BROKEN_LOGS: dict[Callable[[Teller], None], str] = {
    _bad_signature: "bad_signature",
    _gap: "log_gap",
    _swapped: "log_",
    _another_opening: "log_",
    _another_issuer: "other_log",
    _of_another_in_between: "log_gap",
    _no_issuer_first: "log_without_issuer",
    _endless: "too_large",
    _no_entry: "not_an_entry",
    _newer_entry: "newer_version",
    _huge: "too_large",
    _no_head: "no_head",
    _wrong_bytes: "wrong_bytes",
    _missing_entry: "not_found",
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """An honest registry's issuer and address."""
    folder = tmp_path_factory.mktemp("honest")
    home = open_home(read_settings({"EMOTIONET_HOME": str(folder / "home")}))
    import_source(home, str(pictures(folder / "a", 1, 2, 3)))
    with served(home) as address:
        yield home.key.did, address
    home.close()


@pytest.mark.parametrize("lie", BROKEN_LOGS, ids=lambda lie: lie.__name__.strip("_"))
def test_of_a_log_that_does_not_verify_nothing_is_indexed(
    lie: Callable[[Teller], None], honest: tuple[str, str], homes: Callable[[str], Home]
) -> None:
    liar, here = Teller(KEY), homes("here")
    liar.say(liar.contribution(row(sha256(b"one").digest(), RAW_1)))
    lie(liar)
    with telling(liar) as address:
        follow(here, KEY.did, [address])
        follow(here, honest[0], [honest[1]])
        by_issuer = {one["issuer"]: one for one in bring_all_up_to_date(here)}
    assert any(code.startswith(BROKEN_LOGS[lie]) for code in codes(by_issuer[KEY.did])), by_issuer[KEY.did]
    assert by_issuer[KEY.did]["state"] != "up to date"
    assert by_issuer[KEY.did]["head"] is None
    assert by_issuer[honest[0]]["state"] == "up to date"
    assert {issuer for issuer, _ in rows(here)} == {honest[0]}
    with here.catalog.read() as db:
        assert entries.issuers(db) == [honest[0]]


def test_what_an_entry_says_is_refused_by_itself(tmp_path: Path, homes: Callable[[str], Home]) -> None:
    here, liar = homes("here"), Teller(KEY)
    import_source(here, str(pictures(tmp_path / "b", 3, 4)))
    mine, own = sha256(b"picture 3").digest(), rows(here)
    liar.say(liar.contribution(row(sha256(b"one").digest(), RAW_1)))
    refused = {
        liar.say(liar.contribution(row(mine, RAW_1))): "malformed_rows",
        liar.say(liar.contribution(row(sha256(b"one").digest(), RAW_1), issuer=here.key.did)): "foreign_contribution",
        liar.say(liar.put(encoding.encode({"type": "profile", "v": 1, "name": 3}))): "malformed_record",
        liar.say(liar.put(encoding.encode({"type": "profile", "v": 99, "name": "x"}))): "newer_version",
        liar.say(liar.put(b"\xff")): "",
        liar.say(CID.v1(0x71, sha256(b"nowhere").digest())): "not_found",
    }
    liar.say(liar.contribution(row(mine, CID.v1(RAW, mine), label="triste")))
    withdrawal = records.Withdrawal(target=mine, reason="mine now", remedy="remove_bytes", effective=here.now())
    liar.say(withdrawal)  # of what it said of the image, too: nothing of this home's goes with it
    other = records.Withdrawal(
        target=sha256(b"picture 4").digest(), reason="mine, too", remedy="remove_bytes", effective=here.now()
    )
    refused[liar.say(other)] = "may_not"
    liar.say(liar.profile("still here"))
    with telling(liar) as address:
        follow(here, KEY.did, [address])
        found = bring_up_to_date(here, KEY.did)
        by_entry = {one["about"]: one for one in found["refusals"]}
        assert set(by_entry) == {str(cid) for cid in refused}, found["refusals"]
        for cid, code in refused.items():
            assert by_entry[str(cid)]["code"].startswith(code), by_entry[str(cid)]
        assert found["state"] == "incomplete"  # one block is missing, and is tried again
        assert found["entries"] == len(liar.entries)
        again = bring_up_to_date(here, KEY.did)
        assert sorted(one["code"] for one in again["refusals"]) == sorted(one["code"] for one in found["refusals"])
    assert [one for one in rows(here) if one[0] == here.key.did] == own
    assert {one[1] for one in rows(here) if one[0] == KEY.did} == {sha256(b"one").hexdigest(), mine.hex()}
    assert here.store.has(CID.v1(RAW, mine))
    with here.catalog.read() as db:
        assert db.scalar(sa.text("SELECT count(*) FROM withdrawals")) == 1  # shown as a notice
        image = get_image(db, mine.hex())
    assert image is not None
    assert (image["status"], [one["issuer"] for one in image["speakers"]]) == ("stored", [here.key.did])


def test_a_block_that_was_missing_is_taken_in_when_it_comes(homes: Callable[[str], Home]) -> None:
    here, teller = homes("here"), Teller(KEY)
    teller.say(teller.contribution(row(sha256(b"one").digest(), RAW_1)))
    held = teller.blocks
    hidden = records.parse_as(records.Entry, held[teller.entries[1]]).record
    teller.answer = lambda cid: None if cid == hidden else held.get(cid)
    with telling(teller) as address:
        follow(here, KEY.did, [address])
        assert bring_up_to_date(here, KEY.did)["state"] == "incomplete"
        assert rows(here) == []
        teller.answer = None
        done = bring_up_to_date(here, KEY.did)
    assert (done["state"], done["refusals"]) == ("up to date", [])
    assert rows(here) == [(KEY.did, sha256(b"one").hexdigest())]


def test_a_head_never_goes_back_and_a_fork_is_kept_with_both_halves(homes: Callable[[str], Home]) -> None:
    here, teller = homes("here"), Teller(KEY)
    for name in ("a", "b", "c"):
        teller.say(teller.profile(name))
    with telling(teller) as address:
        follow(here, KEY.did, [address])
        known = bring_up_to_date(here, KEY.did)["head"]
        teller.head = teller.entries[1]
        back = bring_up_to_date(here, KEY.did)
        assert (back["state"], back["head"], codes(back)) == ("rolled back", known, {"rolled_back"})
        del teller.entries[2:]
        for name in ("x", "y", "z"):
            teller.say(teller.profile(name))
        forked = bring_up_to_date(here, KEY.did)
    assert (forked["state"], forked["head"]) == ("forked", known)
    assert "log_fork" in codes(forked)
    (evidence,) = equivocations(here, KEY.did)
    assert evidence["issuer"] == KEY.did
    with here.catalog.read() as db:
        assert db.scalar(sa.text("SELECT count(*) FROM entries")) == 4


def test_another_source_makes_up_for_one_that_lies(homes: Callable[[str], Home]) -> None:
    here, teller = homes("here"), Teller(KEY)
    teller.say(teller.profile("a"))
    stale = Teller(KEY, blocks=teller.blocks, entries=teller.entries, answer=lambda cid: b"lies", said=b"{}")
    with telling(stale) as lying, telling(teller) as true:
        follow(here, KEY.did, [lying, true])
        found = bring_up_to_date(here, KEY.did)
    assert (found["state"], found["entries"], codes(found)) == ("up to date", 2, {"no_head"})


def test_a_pass_that_was_cut_off_goes_on(homes: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch) -> None:
    here, teller = homes("here"), Teller(KEY)
    for name in ("a", "b", "c"):
        teller.say(teller.profile(name))

    class Killed(BaseException):
        pass

    from registry.workflows.follow import records_taken

    true, calls = records_taken.__dict__["index_entry"], list[int]()

    def killed(*given: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        true(*given)

    with telling(teller) as address:
        follow(here, KEY.did, [address])
        monkeypatch.setattr(records_taken, "index_entry", killed)
        with pytest.raises(Killed):
            bring_up_to_date(here, KEY.did)
        monkeypatch.undo()
        done = bring_up_to_date(here, KEY.did)
    assert (done["state"], done["refusals"]) == ("up to date", [])
    with here.catalog.read() as db:
        assert db.scalar(sa.text("SELECT count(*) FROM entries WHERE record_type IS NOT NULL")) == 4


def test_too_much_that_is_refused_ends_the_listening(
    homes: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    from registry.catalog import follows

    monkeypatch.setattr(follows, "MOST", 3)
    here, liar = homes("here"), Teller(KEY)
    liar.say(liar.profile("a"))
    for number in range(5):
        liar.say(liar.put(encoding.encode({"type": "profile", "v": 1, "name": number})))
    liar.say(liar.profile("after"))
    with telling(liar) as address:
        follow(here, KEY.did, [address])
        found = bring_up_to_date(here, KEY.did)
    assert (found["state"], len(found["refusals"])) == ("refused", 3)


def test_page_and_document_list_who_is_followed_and_what_was_refused(homes: Callable[[str], Home]) -> None:
    here, liar = homes("here"), Teller(KEY)
    liar.say(liar.put(encoding.encode({"type": "profile", "v": 1, "name": "<b>"})))
    with telling(liar) as address:
        follow(here, KEY.did, [address])
        bring_up_to_date(here, KEY.did)
    with TestClient(create_app(here)) as client:
        (told,) = client.get("/api/v1/issuers").json()["items"]
        assert (told["issuer"], len(told["refusals"])) == (KEY.did, 1)
        head = client.get(f"/api/v1/issuers/{KEY.did}/head").json()
        assert head == {"issuer": KEY.did, "entry": told["head"], "seq": told["entries"] - 1}
        assert client.get(f"/api/v1/issuers/{OTHER.did}/head").status_code == 404
        for language in ("en", "es"):
            page = client.get(f"/issuers?lang={language}", headers={"Accept": "text/html"})
            assert page.status_code == 200
            assert KEY.did in page.text
            assert told["refusals"][0]["code"] in page.text
