"""Following is killed by SIGKILL at many steps: nothing is half indexed, and the next pass goes on to the same end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.assembly import Home, open_home
from registry.core import records
from registry.core.ipld.cid import CID, RAW
from registry.settings import read_settings
from registry.workflows.follow.keep_up import bring_all_up_to_date, bring_up_to_date, follow
from tests.catalog.world import dump
from tests.support.anchors.handed_over import Book
from tests.support.anchors.signer import MemorySigner
from tests.support.liars import Teller, row, telling
from tests.support.processes.together import alone

FIRST, SECOND = MemorySigner(61), MemorySigner(62)
ROWS = 3  # of each contribution
STEPS = (2, 5, 9, 14, 20, 27, 35, 44)  # statements that the one that is killed makes


def told() -> Teller:
    """A log with contributions, a change of keys, a withdrawal and a name, and a record that is refused."""
    book = Book(FIRST)
    teller = Teller(FIRST, blocks=book.blocks, entries=book.cids)

    def images(*names: str) -> records.Contribution:
        digests = [sha256(name.encode()).digest() for name in names]
        return teller.contribution(*(row(one, CID.v1(RAW, one)) for one in sorted(digests)))

    book.say(FIRST, images("a", "b", "c"))
    book.change(FIRST, SECOND)
    book.say(SECOND, images("d", "e", "f"))
    gone = sha256(b"a").digest()
    book.say(SECOND, records.Withdrawal(target=gone, reason="asked", remedy="remove_bytes", effective=book_time()))
    book.say(SECOND, images("g", "h", "i"))
    teller.head = book.cids[-1]
    return teller


def book_time() -> str:
    return "2026-11-23T12:00:00Z"


def _follow_until(environment: dict[str, str], step: int) -> None:
    """Dies before it made so many statements that write or read."""
    home, left = open_home(read_settings(environment)), step

    @sa.event.listens_for(home.catalog.engine, "before_cursor_execute")
    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    bring_all_up_to_date(home)


def assert_nothing_half(home: Home) -> None:
    """Of a contribution there are all rows, or none; none of an entry that is not indexed."""
    with home.catalog.read() as db:
        found = db.execute(sa.text("SELECT contribution, count(*) AS n FROM contribution_rows GROUP BY 1"))
        rows = {one.contribution: one.n for one in found}
        indexed = set(db.scalars(sa.text("SELECT record FROM entries WHERE record_type = 'contribution'")))
        places = list(db.scalars(sa.text("SELECT seq FROM entries ORDER BY seq")))
        head = db.scalar(sa.text("SELECT seq FROM followed"))
    assert set(rows) == indexed
    assert set(rows.values()) <= {ROWS}
    assert places == list(range(head + 1))


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    both = [open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / name)})) for name in ("killed", "whole")]
    yield both[0], both[1]
    for home in both:
        home.close()


def test_a_killed_pass_leaves_nothing_half_and_the_next_goes_on(homes: tuple[Home, Home]) -> None:
    killed, whole = homes
    teller = told()
    with telling(teller) as address:
        for home in homes:
            follow(home, FIRST.did, [address])
        found = bring_up_to_date(whole, FIRST.did)
        assert (found["state"], found["refusals"]) == ("up to date", [])
        environment = {"EMOTIONET_HOME": str(killed.settings.home)}
        ends = []
        for step in STEPS:
            ends.append(alone(_follow_until, environment, step))
            assert_nothing_half(killed)
        assert ends[:3] == [-signal.SIGKILL] * 3
        done = bring_up_to_date(killed, FIRST.did)
    assert (done["state"], done["refusals"], done["entries"]) == ("up to date", [], found["entries"])
    assert dump(killed.catalog) == dump(whole.catalog)
