"""On a real chain: an honest release holds online at every level that is built, and offline nothing contradicts."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from msgspec import structs

from registry.assembly import open_home
from registry.cli.main import main
from registry.core import records
from registry.core.ipld import car
from registry.core.ipld.cid import DAG_CBOR, cid_of
from registry.core.records import EvmBlock
from registry.core.table import tables
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.provenance.checks.target.deep import DeepOptions
from registry.provenance.evidence.shown import Trust
from registry.settings import read_settings
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.anchor_documents import submit_anchor
from registry.workflows.store.export_held import export_held
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.anchors.chain import fund
from tests.support.forgery import PLUGIN, faces, failed, publish, results, write_car

SHOWN = ("3.named", "3.order", "3.beacon", "3.evidence")


def test_an_anchored_release_holds(
    anvil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EMOTIONET_CHAIN_RPC", anvil)
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN))
    monkeypatch.syspath_prepend(str(PLUGIN))
    first = open_home(read_settings())
    fund(anvil, first.key.address)
    monkeypatch.setenv("EMOTIONET_CHAIN_CONTRACT", first.chain.deploy())
    first.close()
    home = open_home(read_settings())
    import_source(home, str(faces(tmp_path / "faces")))
    released = publish(home)
    submit_anchor(home, released.entry)
    image = next(tables.iterate(released.view.snapshot.items, home.store.get))
    withdraw(home, image[0].hex(), "later")  # an entry after the anchored one
    submit_anchor(home, None)
    report = audit_target(home, str(released.entry))
    assert (failed(report), report.exit_code(strict=True)) == ([], 0)
    path = tmp_path / "release.car"
    export_held(home, released.entry, path)
    online = audit_car(path, offline=False, chain=home.anchors)
    assert (failed(online), online.exit_code(strict=True)) == ([], 0)
    drawn = [audit_target(home, str(released.entry), level=5, deep=DeepOptions(sample=5)).sample for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert isinstance(drawn[0] and drawn[0].beacon, EvmBlock)  # of the release's anchor, as the chain says
    home.close()
    offline = results(audit_car(path))
    hashes = trusted_blocks_show_the_same(path, tmp_path / "forged.car")
    monkeypatch.delenv("EMOTIONET_CHAIN_RPC")
    capsys.readouterr()
    named = [part for chain, block in sorted(hashes) for part in ("--block", f"{chain}:{block}")]
    for blocks, wanted in ((named, HOLDS), (["--block", f"eip155:1:0x{'0b' * 32}"], UNCHECKED), ([], UNCHECKED)):
        assert main(["audit", str(path), "--offline", "--json", *blocks]) == 0
        told = {one["id"]: one["result"] for one in json.loads(capsys.readouterr().out)["checks"]}
        assert [told[id] for id in SHOWN[1:]] == [wanted] * 3, blocks
    assert main(["audit", str(path), "--offline", "--block", "eip155:1"]) == 2
    assert FAILS not in offline.values()
    assert {id for id, result in offline.items() if result == UNCHECKED and id[0] in "1234"} == {
        "2.labels",
        "2.query",
        "3.order",
        "3.beacon",
        "3.evidence",  # nobody trusts the blocks of its proofs
        "3.witnesses",
        "4.attempts",  # the file does not hold what the log's other entries say
    }


def trusted_blocks_show_the_same(path: Path, other: Path) -> set[tuple[str, str]]:
    """Offline, by the hashes of two blocks; and no forged proof does."""
    with path.open("rb") as stream:
        roots, sections = car.read_raw(stream)
        blocks = {cid: data for cid, data in sections if cid is not None}
    found = [records.parse(data) for cid, data in blocks.items() if cid in roots and cid.codec == DAG_CBOR]
    proofs = [one for one in found if isinstance(one, records.Evidence) and one.kind == records.EVM]
    hashes = {(one.block.chain, one.block.block_hash) for one in proofs if one.block}
    assert len(hashes) >= 2

    def audited(file: Path, trusted: Collection[tuple[str, str]]) -> dict[str, str]:
        return results(audit_car(file, trust=Trust(blocks=lambda: trusted)))

    held = audited(path, hashes)
    assert {id: held[id] for id in SHOWN} == dict.fromkeys(SHOWN, HOLDS)
    strangers = {("eip155:1", block) for _, block in hashes}
    assert [audited(path, strangers)[id] for id in SHOWN] == [HOLDS, UNCHECKED, UNCHECKED, UNCHECKED]
    for forged in forgeries(proofs[0], proofs[1]):
        data = records.encode(forged)
        write_car(other, [*roots, cid_of(data, DAG_CBOR)], [*blocks.items(), (cid_of(data, DAG_CBOR), data)])
        for trusted in (hashes, set[tuple[str, str]]()):  # whoever is trusted
            assert audited(other, trusted)["3.evidence"] == FAILS, forged
    return hashes


def forgeries(one: records.Evidence, another: records.Evidence) -> Iterator[records.Evidence]:
    """Another entry's proof, a changed one, and one under another statement."""
    assert one.proof
    assert another.proof
    yield structs.replace(one, proof=another.proof)
    yield structs.replace(one, entry=another.entry)
    yield structs.replace(one, proof=one.proof[:-1] + bytes([one.proof[-1] ^ 1]))
    yield structs.replace(one, statement={**one.statement, "contract": "0x" + "11" * 20})
    yield structs.replace(one, statement=another.statement)
    yield structs.replace(one, statement={**one.statement, "blockHash": "0x" + "11" * 32})
