"""A catalog that is lost and made again, from the store or from a log and a gateway alone: all answers are the same, on
both databases, and what was withdrawn stays so whatever its reason says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.queries.signed_records.withdrawals import withdrawn_images
from registry.catalog.schema.derived import REBUILDABLE
from registry.content.sources.gateway import GatewayClient
from registry.core import records
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID, DAG_CBOR, RAW
from registry.core.issuers import address_of
from registry.core.log import anchor_digest
from registry.settings import read_settings
from registry.workflows.log.anchoring import put_evidence
from registry.workflows.log.append import append
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.upkeep.maintenance import rebuild_catalog
from registry.workflows.upkeep.rebuild_from_log import rebuild_from_log
from registry.workflows.withdrawals.remove_bytes import apply_withdrawal
from tests.api.conftest import served
from tests.catalog.databases import KINDS, fresh_url
from tests.catalog.world import dump
from tests.support.anchors.simulated import SimulatedChain
from tests.support.forgery import Released, simulated_release

LISTS = ("images", "snapshots", "plans", "releases", "names")
SHOWN = {  # by list: the field that names one, and the addresses that tell of it
    "images": ("sha256", ("images/{}", "images/{}/labels", "lookup/{}", "lineage/{}")),
    "snapshots": ("cid", ("snapshots/{}", "snapshots/{}/items", "lookup/{}", "lineage/{}")),
    "plans": ("plan", ("lineage/{}", "lookup/{}")),
    "releases": (
        "cid",
        (
            *("releases/{}", "releases/{}/report", "models/{}", "lineage/{}", "lookup/{}", "anchors/{}"),
            "audits?target={}",
        ),
    ),
}
OF_THIS_HOME = ("run", "runs", "held", "published_by")  # what no record says, so that another home can't know it


class Lost(NamedTuple):
    """A registry with a release, a withdrawn image, and what its API answers."""

    release: Released
    gone: bytes
    chain: SimulatedChain
    answers: dict[str, Any]
    tables: dict[str, list[tuple[Any, ...]]]


def audit_of(release: Released) -> records.Audit:
    """A published audit of the release, with one check."""
    check = records.AuditCheck(id="1.blocks", result="holds", reason="", tolerance=None)
    target = records.cid(release.view.release)
    return records.Audit(target=bytes(target), levels=(1,), environment={}, checks=(check,), beacon=None)


def answers(home: Home) -> dict[str, Any]:
    """Every list, and everything about all that they list, as the API gives them."""
    found: dict[str, Any] = {}
    with TestClient(create_app(home), raise_server_exceptions=False) as client:

        def ask(path: str) -> Any:
            answer = client.get(f"/api/v1/{path}")
            assert answer.status_code != 500, path
            said = answer.json() if "json" in answer.headers["content-type"] else answer.text
            found[path] = (answer.status_code, plain(said))
            return said

        for name in LISTS:
            listed = ask(f"{name}?limit=1000")
            field, about = SHOWN.get(name, ("", ()))
            for one in listed.get("items", ())[:8]:
                for path in about:
                    ask(path.format(quote(str(one[field]))))
    return found


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name not in OF_THIS_HOME}
    return [plain(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    with simulated_release(tmp_path_factory.mktemp("lost")) as release:
        home = release.home
        take_snapshot(home, query={"label": "feliz"}, name="happy")
        with home.catalog.read() as db:
            gone = bytes.fromhex(str(db.scalar(sa.text("SELECT min(sha256) FROM images WHERE labels > 0"))))
        said = records.Withdrawal(target=gone, reason="asked\0to", remedy="remove_bytes", effective=home.now())
        signed = append(home, home.key, said).entry
        home.store.pin(signed)
        apply_withdrawal(home, signed)
        entry = append(home, home.key, audit_of(release)).entry
        home.store.pin(entry)
        chain = SimulatedChain(address_of(home.key.did))
        home.__dict__["anchors"] = chain
        for one in (release.entry, entry):
            put_evidence(home, one, chain.submit(anchor_digest(one)))
        yield Lost(release, gone, chain, answers(home), dump(home.catalog))


def assert_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    assert [path for path in one if one[path] != other[path]] == []


def test_a_lost_catalog_answers_the_same_after_a_rebuild(lost: Lost) -> None:
    home = lost.release.home
    assert any(status == 200 for status, _ in lost.answers.values())
    with home.catalog.write() as db:
        for table in reversed(REBUILDABLE):
            db.execute(sa.delete(table))
    done = rebuild_catalog(home)
    assert done["problems"] == []
    assert_the_same(lost.answers, answers(home))
    assert dump(home.catalog) == lost.tables


@pytest.fixture(scope="module")
def published(lost: Lost) -> Lost:
    """The same without proofs of inclusion, which lie beside a log and which no chain knows."""
    home = lost.release.home
    with home.catalog.write() as db:
        cids = list(db.scalars(sa.text("SELECT cid FROM evidence WHERE kind = 'witness'")))
        for cid in cids:
            for table, column in (("evidence", "cid"), ("records", "cid"), ("mentions", "record")):
                db.execute(sa.text(f"DELETE FROM {table} WHERE {column} = :cid"), {"cid": cid})
    return lost._replace(answers=answers(home), tables=dump(home.catalog))


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_and_a_gateway_give_the_registry_again(
    published: Lost, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    lost = published
    there = lost.release.home
    head = CID.v1(DAG_CBOR, lost.chain.anchored_by(address_of(there.key.did))[-1])
    with served(there) as address, fresh_url(kind, tmp_path, request) as url:
        environment = {"EMOTIONET_HOME": str(tmp_path / "new"), "EMOTIONET_DATABASE_URL": url}
        shutil.copytree(there.settings.home / "keys", tmp_path / "new" / "keys")  # else it would be another's log
        home = open_home(read_settings(environment))
        home.__dict__["anchors"] = lost.chain
        source = GatewayClient([address])
        with home.catalog.read() as db:
            assert withdrawn_images(db) == set()
        _cut_off(home, head, source)
        done = rebuild_from_log(home, head, source)
        assert done["problems"] == []
        assert not home.store.has(CID.v1(RAW, lost.gone))
        with home.catalog.read() as db:
            assert withdrawn_images(db) == {lost.gone}
            reasons = list(db.scalars(sa.text("SELECT reason FROM withdrawals")))
        assert reasons == ["asked\u2400to"]
        mine = dump(home.catalog)
        held = [row for row in lost.tables["images"] if row[0] != lost.gone.hex()]  # its bytes are not fetched again
        assert [row for row in mine["images"] if row[0] != lost.gone.hex()] == held
        for name in set(mine) - {"images"}:
            assert mine[name] == lost.tables[name], name
        again = answers(home)
        source.close()
        home.close()
    differ = [path for path in lost.answers if lost.answers[path] != again.get(path)]
    assert differ == []
    assert again.keys() == lost.answers.keys()


def _cut_off(home: Home, head: CID, source: GatewayClient) -> None:
    """A rebuild that ends in the middle leaves nothing to be seen, and can be begun again."""

    class Broken:
        left = 20

        def has(self, cid: CID) -> bool:
            return source.has(cid)

        def get(self, cid: CID) -> bytes:
            self.left -= 1
            if self.left < 0:
                raise Unavailable("the gateway went away")
            return source.get(cid)

    with pytest.raises(Unavailable):
        rebuild_from_log(home, head, Broken())
    assert not any(dump(home.catalog).values())
