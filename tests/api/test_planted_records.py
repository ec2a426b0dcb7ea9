"""Records of every kind with one field that lies, brought by a stranger: no address and no page breaks on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from litestar.testing import TestClient
from msgspec import structs

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog.database.engines import translated
from registry.catalog.index.indexing import index_entry
from registry.catalog.private_data import add_source
from registry.core import log, records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from tests.api.conftest import Client
from tests.support.anchors.signer import MemorySigner
from tests.support.forgery import Released, simulated_release
from tests.support.planted import leaves, lies

OF_ALL = (
    *("/api/v1/lookup/{}", "/api/v1/lineage/{}", "/ipfs/{}?format=raw"),
    *("/lineage/{}", "/search?q={}"),
)
OF_ONE = {  # what shows records of one kind; of another kind's it says that they are none
    "snapshot": ("/api/v1/snapshots/{}", "/api/v1/snapshots/{}/items", "/snapshots/{}"),
    "release": (
        *("/api/v1/releases/{}", "/api/v1/releases/{}/report", "/api/v1/models/{}", "/api/v1/anchors/{}"),
        *("/releases/{}", "/releases/{}/report"),
    ),
}
EVERYWHERE = (*OF_ALL, *OF_ONE["snapshot"], *OF_ONE["release"])
KINDS = (
    "contribution",
    "snapshot",
    "preprocessing",
    "plan",
    "draw",
    "training",
    "evaluation",
    "release",
    "withdrawal",
    "audit",
    "name",
    "profile",
)


class Planted(NamedTuple):
    """A registry with a release, its API, and one honest record of each kind."""

    release: Released
    client: Client
    honest: dict[str, records.Record]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    with simulated_release(tmp_path_factory.mktemp("planted")) as release:
        home, view = release.home, release.view
        found: dict[str, records.Record] = {}
        pending, seen = [release.entry], set[CID]()
        while pending:
            cid = pending.pop()
            if cid in seen or cid.codec != DAG_CBOR:
                continue
            seen.add(cid)
            try:
                record = records.parse(home.store.get(cid))
            except EmotionetError:
                continue  # a table
            found.setdefault(records.type_of(record), record)
            pending += [one for _, one in leaves(records.to_value(record)) if isinstance(one, CID)]
        snapshot = bytes(view.preprocessing.snapshot)
        more = (
            records.Withdrawal(target=snapshot, reason="asked", remedy="notice", effective=home.now()),
            records.Name(name="faces", target=snapshot),
            records.Profile(name="Ana", url=None, contact=None),
            records.Audit(
                target=bytes(release.entry),
                levels=(1, 2),
                environment={"python": "3"},
                checks=(records.AuditCheck(id="1.blocks", result="holds", reason="all are", tolerance=None),),
                beacon=None,
            ),
        )
        found |= {records.type_of(one): one for one in more}
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            yield Planted(release, client, found)


@pytest.mark.parametrize("kind", KINDS)
def test_no_address_breaks_on_a_record_with_a_field_that_lies(planted: Planted, kind: str) -> None:
    home, view = planted.release.home, planted.release.view
    instead: dict[type, dict[str, Any]] = {
        CID: {
            "another type": planted.release.entry,
            "not here": cid_of(b"nowhere", DAG_CBOR),
            "raw": cid_of(b"x", RAW),
        },
        int: {"huge": 2**63 - 1, "negative": -1},
        bytes: {"an image": b"\1" * 32, "its snapshot": bytes(view.preprocessing.snapshot), "short": b"\0"},
        str: {"markup": "\0<script>alert(1)</script>", "endless": "9" * 5000},
    }
    planted_ones = {
        cid_of(data, DAG_CBOR): (name, data) for name, data in lies(records.to_value(planted.honest[kind]), instead)
    }
    bring(home, {cid: data for cid, (_, data) in planted_ones.items()})
    addresses = EVERYWHERE
    for cid, (name, _) in planted_ones.items():
        ask(planted.client, cid, addresses, name)
        addresses = (*OF_ALL, *OF_ONE.get(kind, ()))


def test_no_address_breaks_on_records_that_replace_each_other(planted: Planted) -> None:
    """Each of two is withdrawn in favour of the other: whoever follows replacements comes back to where he was."""
    home, view = planted.release.home, planted.release.view
    one, other = (structs.replace(view.snapshot, query={"label": label}) for label in ("feliz", "triste"))
    two = {records.cid(record): record for record in (one, other)}
    said: list[records.Record] = list(two.values())
    for target, replacement in (list(two), list(two)[::-1]):
        said.append(
            records.Withdrawal(
                target=bytes(target),
                reason="asked",
                remedy="notice",
                effective=home.now(),
                replacement=bytes(replacement),
            )
        )
    bring(home, {records.cid(record): records.encode(record) for record in said}, MemorySigner(12))
    for record in said:
        ask(planted.client, records.cid(record), EVERYWHERE, records.type_of(record))


def bring(home: Home, brought: Mapping[CID, bytes], key: MemorySigner | None = None) -> None:
    """As importing strangers' logs does, each record in a log of its own, or all in one; what can't be indexed is
    refused in a sentence."""
    home.store.put_many(brought.items())
    before, first = None, None
    with home.catalog.write() as db:
        for number, cid in enumerate(brought):
            signer = key or MemorySigner(int.from_bytes(cid.digest[:4], "big"))
            place = (number, before, first) if key else (0, None, None)
            entry = records.encode(log.make_entry(signer, *place, cid, home.now()))
            before = cid_of(entry, DAG_CBOR)
            first = first or before
            home.store.put_many([(before, entry)])
            add_source(db, cid, kind="car", private=False, at=home.now())
            try:
                with translated(), db.begin_nested():
                    index_entry(db, before, home.store.get)
            except EmotionetError:
                assert key is None


def ask(client: Client, cid: CID, addresses: Iterable[str], name: str) -> None:
    for address in addresses:
        answer = client.get(address.format(cid), headers={"Accept": "text/html, */*"})
        assert answer.status_code < 500 or answer.status_code == 502, (name, address, answer.text[:300])
        assert "<script>alert(1)" not in answer.text or address.startswith(("/ipfs", "/api")), (name, address)
