"""Each kind of source that `emotionet follow --from` takes: a registry, a gateway, an entry's CID, the chain."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry.assembly import Home, open_home
from registry.catalog.schema.derived import REBUILDABLE
from registry.content.sources.gateway import GatewayClient
from registry.core.errors import NotFound, UsageError
from registry.core.ipld.cid import CID, RAW
from registry.core.issuers import address_of
from registry.core.log import anchor_digest
from registry.settings import read_settings
from registry.workflows.follow.heads import newest_anchored
from registry.workflows.follow.keep_up import bring_up_to_date, follow
from registry.workflows.follow.records_taken import index_followed
from registry.workflows.upkeep.maintenance import rebuild_catalog
from registry.workflows.upkeep.rebuild_from_log import rebuild_from_log
from tests.catalog.world import dump
from tests.support.anchors.signer import MemorySigner
from tests.support.anchors.simulated import SimulatedChain
from tests.support.liars import Teller, row, telling

KEY = MemorySigner(71)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path / "home")}))
    yield opened
    opened.close()


@pytest.fixture
def teller() -> Teller:
    found = Teller(KEY)
    one = sha256(b"one").digest()
    found.say(found.contribution(row(one, CID.v1(RAW, one))))
    found.say(found.profile("a"))
    return found


def ask(home: Home, *sources: str) -> dict[str, Any]:
    follow(home, KEY.did, sources)
    return bring_up_to_date(home, KEY.did)


def test_a_registry_s_address_says_where_the_log_ends_and_gives_blocks(home: Home, teller: Teller) -> None:
    with telling(teller) as address:
        assert ask(home, address)["entries"] == 3


def test_a_gateway_gives_blocks_alone_and_says_nothing_of_logs(home: Home, teller: Teller) -> None:
    head, teller.silent_of_logs = str(teller.head), True
    with telling(teller) as address:
        alone = ask(home, address)
        assert (alone["entries"], [one["code"] for one in alone["refusals"]]) == (0, ["no_head"])
        found = ask(home, address, head)
    assert (found["state"], found["entries"], found["refusals"]) == ("up to date", 3, [])


@pytest.mark.parametrize("form", ["{}", "ipfs://{}", "/ipfs/{}"])
def test_an_entry_s_cid_is_of_the_log_and_an_older_one_is_no_step_back(home: Home, teller: Teller, form: str) -> None:
    teller.silent_of_logs = True
    with telling(teller) as address:
        assert ask(home, form.format(teller.entries[1]), address)["entries"] == 2
        assert ask(home, form.format(teller.entries[2]), address)["entries"] == 3
        found = ask(home, form.format(teller.entries[0]), address)
    assert (found["state"], found["entries"], found["refusals"]) == ("up to date", 3, [])


def test_the_chain_s_newest_anchor_whose_entry_can_be_had_is_the_head(home: Home, teller: Teller) -> None:
    teller.silent_of_logs = True
    chain = SimulatedChain(address_of(KEY.did))
    home.__dict__["anchors"] = chain
    for entry in teller.entries:
        chain.submit(anchor_digest(entry))
    chain.submit(sha256(b"what nobody has").digest())
    with telling(teller) as address:
        found = ask(home, "chain", address)
    assert (found["state"], found["entries"], found["refusals"]) == ("up to date", 3, [])


def test_a_rebuild_finds_its_head_among_the_chain_s_anchors(home: Home, teller: Teller) -> None:
    chain = SimulatedChain(address_of(KEY.did))
    home.__dict__["anchors"] = chain
    with telling(teller) as address:
        source = GatewayClient([address])
        with pytest.raises(NotFound, match="anchored nothing"):
            newest_anchored(home, KEY.did, source)
        chain.submit(anchor_digest(teller.entries[1]))
        chain.submit(anchor_digest(teller.entries[2]))
        head = newest_anchored(home, KEY.did, source)
        assert head == teller.entries[2]
        assert rebuild_from_log(home, head, source)["problems"] == []
        source.close()
    with home.catalog.read() as db:
        assert db.scalar(sa.text("SELECT count(*) FROM entries WHERE record_type IS NOT NULL")) == 3


@pytest.mark.parametrize("wrong", ["nonsense", "http://registry.example", "file:///etc/passwd", "chain:1"])
def test_what_is_no_source_is_refused_before_anything_is_followed(home: Home, wrong: str) -> None:
    with pytest.raises(Exception, match=r".") as found:
        follow(home, KEY.did, [wrong])
    assert found.type.__module__ == "registry.core.errors"
    with pytest.raises(UsageError):
        follow(home, KEY.did, [])


def test_a_rebuild_takes_followed_logs_in_as_far_as_they_were_verified(home: Home, teller: Teller) -> None:
    with telling(teller) as address:
        ask(home, address)
    before = dump(home.catalog)
    assert rebuild_catalog(home)["problems"] == []
    assert dump(home.catalog) == before
    with home.catalog.write() as db:
        for table in reversed(REBUILDABLE):
            db.execute(sa.delete(table))
        index_followed(home, db)
    with home.catalog.read() as db:
        assert db.scalar(sa.text("SELECT count(*) FROM entries WHERE record_type IS NOT NULL")) == 3
        assert list(db.scalars(sa.text("SELECT issuer FROM contribution_rows"))) == [KEY.did]
