"""Two homes with one key share a database and a store, as two machines do; one is killed at every step.

Afterwards the log has no gap and no fork, and the next append, or `catalog rebuild`, has put all of it into the store.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from registry.assembly import open_home
from registry.catalog import log_heads
from registry.catalog.index import indexing
from registry.core import log, records
from registry.core.ipld.cid import CID
from registry.provenance.keys import signed_heads as signed_heads
from registry.settings import read_settings
from registry.workflows.log import append as appending
from registry.workflows.log.append import append, finish_pending
from tests.catalog.databases import fresh_url
from tests.support.logs import log_of
from tests.support.processes.together import SECONDS, START, together

EACH = 2  # records that the one who lives appends while the other is killed
Environment = dict[str, str]
ELSEWHERE = {"EMOTIONET_IPFS_API", "EMOTIONET_S3"}


class Pair(NamedTuple):
    """The environments of two homes with the same key; nothing else of their folders is shared."""

    one: Environment
    two: Environment

    def log(self) -> list[tuple[int, CID]]:
        """The log as the database has it: no gap, no fork, every entry the next one's ``prev``, signatures checked."""
        home = open_home(read_settings(self.one))
        try:
            issuer = home.key.did
            with home.catalog.read() as db:
                found = [(row["seq"], CID.parse(row["cid"])) for row in log_of(db, issuer)]
                assert log_heads.pending(db, issuer) == []
            assert [seq for seq, _ in found] == list(range(len(found)))
            if found:
                walked = list(log.walk_back(found[-1][1], None, home.store.get))  # from the store alone
                assert [cid for cid, _ in reversed(walked)] == [cid for _, cid in found]
                assert home.store.log_head(issuer) == found[-1]
            return found
        finally:
            home.close()


def record(name: str) -> records.Withdrawal:
    return records.Withdrawal(target=b"x" * 32, reason=name, remedy="notice", effective="2026-01-01T00:00:00Z")


def shared_store(kind: str, folder: Path, request: pytest.FixtureRequest) -> Environment:
    """What both homes keep their blocks in: a folder that both machines have, an IPFS node, or a bucket."""
    if kind == "s3":
        server = request.getfixturevalue("s3")
        return dict(server.environment(server.bucket()))
    if kind == "kubo":
        return {"EMOTIONET_IPFS_API": request.getfixturevalue("kubo").api}
    (folder / "blocks").mkdir()
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "blocks").symlink_to(folder / "blocks")
    return {}


KINDS = [
    pytest.param(("postgresql", "folder"), marks=pytest.mark.postgres),
    pytest.param(("postgresql", "kubo"), marks=pytest.mark.postgres),
    pytest.param(("postgresql", "s3"), marks=pytest.mark.postgres),
    pytest.param(("sqlite", "folder")),
]


@pytest.fixture(params=KINDS, ids="-".join)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    database, store = request.param
    with fresh_url(database, tmp_path, request) as url:
        shared = {"EMOTIONET_DATABASE_URL": url, **shared_store(store, tmp_path, request)}
        both = Pair(*({"EMOTIONET_HOME": str(tmp_path / name), **shared} for name in ("one", "two")))
        home = open_home(read_settings(both.one))
        assert home.key.created
        home.close()
        shutil.copytree(tmp_path / "one" / "keys", tmp_path / "two" / "keys")
        signed_heads.mark_made(tmp_path / "two", home.key.address)  # either may begin the log, in the one database
        yield both


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_after(work: Callable[..., Any]) -> Callable[..., Any]:
    def worked(*given: Any, **named: Any) -> None:
        work(*given, **named)
        die()

    return worked


# Every step of an append: what is replaced, and by what. The store's are replaced where they stand.
STEPS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "before it is signed": (log, "make_entry", lambda _: die),
    "signed": (log, "make_entry", dies_after),
    "before it is indexed": (indexing, "index_entry", lambda _: die),
    "indexed": (indexing, "index_entry", dies_after),
    "before its record is in the store": (None, "put_many", lambda _: die),
    "its record is in the store": (None, "put_many", dies_after),
    "before its bytes are kept": (log_heads, "add_pending", lambda _: die),
    "its bytes are kept": (log_heads, "add_pending", dies_after),
    "before the head is set": (log_heads, "set_head", lambda _: die),
    "the head is set, not committed": (log_heads, "set_head", dies_after),
    "committed": (appending, "_put_pending", lambda _: die),
    "before the store knows the head": (None, "set_log_head", lambda _: die),
    "the store knows the head": (None, "set_log_head", dies_after),
    "the home knows the head": (signed_heads, "remember", dies_after),
    "before pending entries are dropped": (log_heads, "drop_pending", lambda _: die),
    "dropped, not committed": (log_heads, "drop_pending", dies_after),
    "all is done": (appending, "_put_pending", dies_after),
}


def killed(environment: Environment, step: str, name: str, gate: Any) -> None:
    home = open_home(read_settings(environment))
    module, function, change = STEPS[step]
    place = home.store if module is None else module
    home.key, home.catalog  # noqa: B018 - opened before the start
    gate.wait(SECONDS)
    setattr(place, function, change(getattr(place, function)))
    append(home, home.key, record(name))


def lives(environment: Environment, name: str, gate: Any) -> None:
    home = open_home(read_settings(environment))
    home.key, home.catalog  # noqa: B018 - as above
    gate.wait(SECONDS)
    for number in range(EACH):
        append(home, home.key, record(f"{name} {number}"))
    home.close()


def test_one_is_killed_at_every_step_while_the_other_appends(pair: Pair) -> None:
    expected = 1  # the entry that opens the log
    steps = [one for one, (module, *_) in STEPS.items() if module is None or not pair.one.keys() & ELSEWHERE]
    for number, step in enumerate(steps):  # with a node or a bucket, those at which it is asked
        codes = together((killed, (pair.one, step, f"killed {number}")), (lives, (pair.two, f"alive {number}")))
        assert codes == [-signal.SIGKILL, 0], step
        home = open_home(read_settings(pair.two))
        finish_pending(home, home.key.did)
        home.close()
        found = pair.log()
        assert len(found) - expected in (EACH, EACH + 1), step
        home = open_home(read_settings(pair.one))  # the one who was killed asks again: it is there once
        append(home, home.key, record(f"killed {number}"))
        assert not append(home, home.key, record(f"killed {number}")).new
        home.close()
        expected += EACH + 1
        assert len(pair.log()) == expected, step


def test_four_append_at_once(pair: Pair) -> None:
    work = [
        (lives, (environment, f"{name}{number}"))
        for number in range(2)
        for name, environment in zip("ab", pair, strict=True)
    ]
    assert together(*work) == [0] * 4
    assert len(pair.log()) == 1 + 4 * EACH


def test_an_append_finishes_what_another_machine_left(pair: Pair) -> None:
    for number, step in enumerate(("committed", "before the store knows the head")):
        assert together((killed, (pair.one, step, f"killed {number}"))) == [-signal.SIGKILL]
        lives(pair.two, f"after {step}", START.Barrier(1))
        pair.log()
    home = open_home(read_settings(pair.two))
    assert not append(home, home.key, record("killed 0")).new
    home.close()
