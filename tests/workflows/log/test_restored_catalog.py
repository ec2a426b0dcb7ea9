"""A catalog that was restored from an older copy: whatever still knows of a newer entry keeps the log from forking."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from registry.assembly import Home, open_home
from registry.catalog.index.rebuild import rebuild
from registry.core import log, records
from registry.core.errors import Conflict, NewerVersion, Unavailable
from registry.core.ipld import encoding
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.provenance.keys import signed_heads as signed_heads
from registry.settings import read_settings
from registry.workflows.log.append import append
from registry.workflows.upkeep.maintenance import rebuild_catalog
from tests.support.anchors.signer import MemorySigner
from tests.support.logs import log_of


def record(name: str) -> records.Withdrawal:
    return records.Withdrawal(target=b"x" * 32, reason=name, remedy="notice", effective="2026-01-01T00:00:00Z")


def rebuilt(home: Home) -> None:
    rebuild(home.catalog, home.store.get, home.store.cids(), home.now())


class Restored(NamedTuple):
    """A home whose database is an older copy: one entry is missing there."""

    home: Home
    lost: CID


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Callable[[], Restored]]:
    """Append, copy the database, append again, put the copy back; opened anew by whoever calls."""
    opened: list[Home] = []
    environment = {"EMOTIONET_HOME": str(tmp_path / "home")}

    def make() -> Restored:
        home = open_home(read_settings(environment))
        append(home, home.key, record("known"))
        home.catalog.close()
        shutil.copy(tmp_path / "home" / "catalog.sqlite", tmp_path / "older")
        lost = append(home, home.key, record("lost")).entry
        home.anchors_of(home.key.did).submit(log.anchor_digest(lost))
        home.close()
        for path in (tmp_path / "home").glob("catalog.sqlite*"):
            path.unlink()
        shutil.copy(tmp_path / "older", tmp_path / "home" / "catalog.sqlite")
        opened.append(open_home(read_settings(environment)))
        return Restored(opened[-1], lost)

    yield make
    for home in opened:
        home.close()


def forget_store(home: Home) -> None:
    home.embedded._index._db.execute("DELETE FROM log_heads")


def forget_folder(home: Home) -> None:
    shutil.rmtree(home.settings.home / "log")


def forget_anchors(home: Home) -> None:
    (home.settings.home / "journal.jsonl").unlink()


WITNESSES = {"store": forget_store, "folder": forget_folder, "journal": forget_anchors}


@pytest.mark.parametrize("left", WITNESSES)
def test_one_witness_is_enough_to_refuse_a_fork(restored: Callable[[], Restored], left: str) -> None:
    home, lost = restored()
    for name, forget in WITNESSES.items():
        if name != left:
            forget(home)
    with pytest.raises(Conflict, match=str(lost)) as raised:
        append(home, home.key, record("a fork"))
    assert raised.value.code == "catalog_is_older"
    assert "catalog rebuild" in str(raised.value.hint)
    rebuilt(home)
    done = append(home, home.key, record("goes on"))
    with home.catalog.read() as db:
        found = log_of(db, home.key.did)
    assert [row["cid"] for row in found[-2:]] == [str(lost), str(done.entry)]
    assert done.new


def test_the_heads_row_refuses_what_a_rebuild_did_not_find(restored: Callable[[], Restored]) -> None:
    """The tables that can be rebuilt are older than the row, which a rebuild leaves alone."""
    home, _ = restored()
    rebuilt(home)
    newest = append(home, home.key, record("newest")).entry
    for forget in WITNESSES.values():
        forget(home)
    with home.catalog.write() as db:
        db.exec_driver_sql("DELETE FROM entries WHERE cid = ?", (str(newest),))
    with pytest.raises(Conflict, match=str(newest)) as raised:
        append(home, home.key, record("a fork"))
    assert raised.value.code == "catalog_is_older"


def test_what_no_survivor_knows_of_is_not_found_out(restored: Callable[[], Restored]) -> None:
    """The limit, as docs/adr/0012 says it: everything was restored to an older state together."""
    home, lost = restored()
    for forget in WITNESSES.values():
        forget(home)
    forked = append(home, home.key, record("a fork")).entry
    theirs, ours = (records.parse_as(records.Entry, home.store.get(cid)) for cid in (lost, forked))
    assert (theirs.issuer, theirs.seq, theirs.prev) == (ours.issuer, ours.seq, ours.prev)


def test_another_entry_in_the_place_that_a_witness_names_is_a_fork(restored: Callable[[], Restored]) -> None:
    home, _ = restored()
    rebuilt(home)
    forget_folder(home)
    signed_heads.remember(home.settings.home, home.key.did, 1, records.cid(record("an entry of another log")))
    with pytest.raises(Conflict) as raised:
        append(home, home.key, record("more"))
    assert raised.value.code == "log_fork"


def test_a_hint_that_can_not_be_written_loses_nothing(
    restored: Callable[[], Restored], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home, _ = restored()
    rebuilt(home)

    def refuse(*_: object) -> None:
        raise Unavailable("the disk is read-only")

    monkeypatch.setattr(signed_heads, "remember", refuse)
    with caplog.at_level(logging.WARNING):
        done = append(home, home.key, record("more"))
    assert "the disk is read-only" in caplog.text
    assert home.store.has(done.entry)


def test_an_anchor_of_somebody_elses_entry_is_no_reason(restored: Callable[[], Restored]) -> None:
    """Anybody's entry can be anchored on request; that says nothing of one's own log."""
    home, _ = restored()
    rebuilt(home)
    stranger = MemorySigner(5)
    entry = log.make_entry(stranger, 0, None, None, records.cid(records.Issuer(chains=())), home.now())
    home.store.put(records.cid(entry), records.encode(entry))
    home.store.flush()
    home.anchors_of(home.key.did).submit(log.anchor_digest(records.cid(entry)))
    assert append(home, home.key, record("more")).new


def signed_later(home: Home, newest: records.Entry, cid: CID, signer: log.Signer) -> CID:
    """Put the next entry of a log into the store as a later program may write it; its CID."""
    value = {
        **encoding.decode(records.encode(newest)),
        "v": 3,
        "seq": newest.seq + 1,
        "prev": bytes(cid),
        "log": log.log_of(newest, cid),
        "colour": "red",
    }
    del value["signature"]
    signature = signer.sign(log.pae(log.PAYLOAD_TYPE, encoding.encode(value)))
    data = encoding.encode({**value, "signature": signature})
    home.store.put_many([(cid_of(data, DAG_CBOR), data)])
    return cid_of(data, DAG_CBOR)


@pytest.mark.parametrize("own", [True, False])
def test_an_own_entry_that_came_after_this_program_keeps_its_place_in_the_log(tmp_path: Path, own: bool) -> None:
    environment = {"EMOTIONET_HOME": str(tmp_path / "home")}
    home = open_home(read_settings(environment))
    newest = append(home, home.key, record("known")).entry
    last = records.parse_as(records.Entry, home.store.get(newest))
    later = signed_later(home, last, newest, home.key if own else MemorySigner(7))
    forget_folder(home)
    forget_store(home)
    home.close()
    for path in (tmp_path / "home").glob("catalog.sqlite*"):
        path.unlink()
    home = open_home(read_settings(environment))
    problems = rebuild_catalog(home)["problems"]
    assert problems == [{"cid": str(later), "problem": "version 3 of entry is newer than this program"}]
    if own:
        with pytest.raises(NewerVersion, match="version 3 of entry is newer"):
            append(home, home.key, record("would fork"))
    else:  # it names this log's issuer, who did not sign it
        assert append(home, home.key, record("next")).new
    home.close()
