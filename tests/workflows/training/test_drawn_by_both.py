"""A plan that locks a chain's block and a round of drand: from its anchor to an audit that finds each false beacon."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from web3 import HTTPProvider

from registry.assembly import Home
from registry.core import records
from registry.core.log import anchor_digest
from registry.provenance.checks.report import Report
from registry.provenance.checks.results import HOLDS
from registry.workflows.audit.audit_target import audit_car
from registry.workflows.audit.trust_roots import trust_of
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.anchor_documents import submit_anchor
from registry.workflows.store.export_held import export_held
from tests.provenance.test_ethereum import adapter, key
from tests.support.anchors.chain import fund
from tests.support.beacons import OTHER_SECRET, drand_round, info, network, relays, sign
from tests.support.forgery import (
    Released,
    car_of,
    faces,
    failed,
    forge,
    opened_home,
    publish,
    reason_of,
    replaced,
    results,
    sections,
)

DRAND = f"drand:{network().hash}"


def audited(home: Home, path: Path) -> Report:
    return audit_car(path, offline=False, chain=home.anchors, trust=trust_of(home.settings))


@pytest.mark.anvil
def test_a_draw_that_mixes_block_and_round_holds_and_each_false_beacon_is_found(
    anvil: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund(anvil, key(1).address)
    contract = adapter(HTTPProvider(anvil), None, 1).deploy()
    told = tmp_path / "networks.json"
    told.write_text(json.dumps([info()]), encoding="utf-8")
    with relays("early", "honest") as both:
        monkeypatch.setenv("EMOTIONET_CHAIN_RPC", anvil)
        monkeypatch.setenv("EMOTIONET_CHAIN_CONTRACT", contract)
        monkeypatch.setenv("EMOTIONET_DRAND", "simulated")
        monkeypatch.setenv("EMOTIONET_DRAND_NETWORKS", str(told))
        monkeypatch.setenv("EMOTIONET_DRAND_RELAYS", ",".join(one.url for one in both))
        with opened_home(tmp_path) as home:
            fund(anvil, home.key.address)
            import_source(home, str(faces(tmp_path / "faces")))
            released = publish(home)
            submit_anchor(home, released.entry)
            path = tmp_path / "release.car"
            export_held(home, released.entry, path)
            report = audited(home, path)
            assert (failed(report), report.exit_code(strict=True)) == ([], 0)
            found = results(report)
            assert [found[id] for id in ("3.order", "3.beacon", "3.drand", "4.draw")] == [HOLDS] * 4
            assert released.view.plan.beacons == ("evm-block", DRAND)
            block, mixed = released.view.draw.beacons
            assert isinstance(block, records.EvmBlock)
            assert isinstance(mixed, records.DrandRound)
            assert mixed.round == network().round_after(block.time)
            find_false_beacons(released, path, block, mixed.round)


def find_false_beacons(released: Released, path: Path, block: records.EvmBlock, number: int) -> None:
    """Each is signed and anchored again by the key's holder."""
    home, view, far = released.home, released.view, number + 1_000
    other_key = records.DrandRound(chain=network().hash, round=number, signature=sign(number, OTHER_SECRET))
    later = msgspec.structs.replace(block, block_hash="0x" + "0b" * 32)
    higher = msgspec.structs.replace(block, block_number=block.block_number + 1)
    false = {
        "an early round": ((block, drand_round(number - 1)), "3.drand", f"after the plan's anchor at {block.time}"),
        "a later round": ((block, drand_round(far)), "3.drand", f"mixes round {far} of drand"),
        "a round of another key": ((block, other_key), "3.drand", "sign"),
        "the hash of another block": ((later, drand_round(number)), "3.beacon", "beacon's block"),
        "another block": ((higher, drand_round(number)), "3.beacon", "beacon's block"),
        "a block alone": ((block,), "3.drand", "the draw mixes none"),
        "a round alone": ((drand_round(number),), "4.draw", ""),
    }
    for name, (beacons, check, said) in false.items():
        draw = replaced(view.release.draw, view.draw, beacons=beacons)
        entry = forge(home, released.entry, draw)
        home.chain.submit(anchor_digest(entry))
        kept = [one for one in sections(path)[0] if one != released.entry]
        report = audited(home, car_of(home, entry, path.with_name("forged.car"), roots=[entry, *kept]))
        assert check in failed(report), name
        assert said in reason_of(report, check), name
