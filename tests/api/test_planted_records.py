"""Records of every kind with one field that lies, brought by a stranger: no address and no page breaks on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.catalog.index.indexing import index_entry
from registry.core import log, records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from tests.api.conftest import Client
from tests.api.test_planted import publish
from tests.support.anchors.signer import MemorySigner
from tests.support.forgery import Released, simulated_release
from tests.support.planted import leaves, lies

ADDRESSES = (
    *("/api/v1/snapshots/{}", "/api/v1/snapshots/{}/items", "/api/v1/releases/{}", "/api/v1/releases/{}/report"),
    *("/api/v1/models/{}", "/api/v1/lineage/{}", "/api/v1/lookup/{}", "/api/v1/anchors/{}", "/ipfs/{}?format=raw"),
    *("/snapshots/{}", "/releases/{}", "/releases/{}/report", "/lineage/{}", "/search?q={}"),
)
KINDS = (
    "snapshot",
    "preprocessing",
    "plan",
    "draw",
    "training",
    "evaluation",
    "release",
    "withdrawal",
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
    key = MemorySigner(11)
    for name, data in lies(records.to_value(planted.honest[kind]), instead):
        cid = cid_of(data, DAG_CBOR)
        entry = records.encode(log.make_entry(key, 0, None, None, cid, home.now()))
        home.store.put_many([(cid, data), (cid_of(entry, DAG_CBOR), entry)])
        publish(home, cid)
        try:
            with home.catalog.write() as db:  # as an imported log is; what can't be indexed is refused in a sentence
                index_entry(db, cid_of(entry, DAG_CBOR), home.store.get)
        except EmotionetError:
            pass
        else:
            key = MemorySigner(int.from_bytes(cid.digest[:4], "big"))  # another stranger's log begins
        for address in ADDRESSES:
            answer = planted.client.get(address.format(cid), headers={"Accept": "text/html, */*"})
            assert answer.status_code < 500 or answer.status_code == 502, (name, address, answer.text[:300])
            assert "<script>alert(1)" not in answer.text or address.startswith(("/ipfs", "/api")), (name, address)
