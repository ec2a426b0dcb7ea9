"""Publishing, anchoring and auditing through a chain's node that lies or stalls: sentences, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from registry.assembly import Home, open_home
from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import Conflict, Unavailable, Untrusted
from registry.core.ipld.cid import CID
from registry.provenance.checks.results import FAILS
from registry.settings import read_settings
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.anchor_documents import submit_anchor
from registry.workflows.log.append import append
from tests.conftest import development_chain
from tests.support.anchors.chain import fund
from tests.support.anchors.lying_node import LyingNode, lying
from tests.support.children import in_this_process
from tests.support.forgery import PLUGIN, faces, failed, publish

SENTENCES = {
    "another_chain": "the log of did:pkh",
    "one_false_hash_everywhere": "another hash than the block after it",
    "receipts_of_other_transactions": "answers with the receipt of",
    "an_event_that_never_was": "the contract holds none",
    "busy": "status 503",
    "huge": "more than",
}


class Place(NamedTuple):
    """A node that may lie, the honest one behind it, and what was published while it was honest."""

    node: LyingNode
    upstream: str
    release: CID
    entry: CID


@pytest.fixture(scope="module")
def shared(anvil_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("lying")
    with (
        development_chain(anvil_program, "--block-time", "1") as upstream,
        lying(upstream) as node,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("EMOTIONET_HOME", str(folder / "home"))
        patch.setenv("EMOTIONET_CHAIN_RPC", node.url)
        patch.setenv("PYTHONPATH", str(PLUGIN))
        patch.syspath_prepend(str(PLUGIN))
        in_this_process(patch)
        first = open_home(read_settings())
        fund(upstream, first.key.address)
        patch.setenv("EMOTIONET_CHAIN_CONTRACT", first.chain.deploy())
        first.close()
        home = open_home(read_settings())
        import_source(home, str(faces(folder / "faces")))
        released = publish(home)
        submit_anchor(home, released.entry)
        home.close()
        yield Place(node, upstream, records.cid(released.view.release), released.entry)


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    yield shared
    shared.node.how = "honest"


@contextmanager
def misbehaving(place: Place, how: str) -> Iterator[Home]:
    """A home while its node misbehaves; what only stalls is not waited for long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOTIONET_FINALITY_SECONDS", "20" if how in SENTENCES else "1")
        if how == "silent":
            patch.setattr("registry.provenance.anchors.ethereum.TIMEOUT_SECONDS", 0.3)
        home = open_home(read_settings())
        place.node.how = how
        yield home
        place.node.how = "honest"
        home.close()


def newest(home: Home) -> CID:
    with home.catalog.read() as db:
        found = entries.newest(db, home.key.did)
    assert found is not None
    return found[0]


@pytest.mark.anvil
@pytest.mark.parametrize("how", [*SENTENCES, "taken_and_forgotten", "nonces_that_were_never_used", "silent"])
def test_what_is_appended_while_a_node_misbehaves_is_anchored_when_it_is_honest(place: Place, how: str) -> None:
    said = ""
    named = records.Name(name=f"n-{how.replace('_', '-')}", target=bytes(place.release))
    with misbehaving(place, how) as home:
        before = newest(home)
        try:
            appended = append(home, home.key, named).entry
        except Untrusted as error:
            appended, said = newest(home), str(error)
        assert (appended == before) == (how == "an_event_that_never_was"), "nothing is half-written"
        try:
            submit_anchor(home, None)
        except (Unavailable, Untrusted, Conflict) as error:
            said = said or str(error)
        assert SENTENCES.get(how, "") in said
        assert "hush" not in said
        assert newest(home) == appended, "what was acknowledged is there"
    again = open_home(read_settings())
    assert submit_anchor(again, None)["status"] == "finalized"
    again.close()


AUDITED = ("another_chain", "one_false_hash_everywhere", "an_anchor_now_and_then", "another_hash_now_and_then")
SILENT = ("a_web_page", "huge", "busy")


@pytest.mark.anvil
@pytest.mark.parametrize("how", ["honest", *AUDITED, *SILENT])
def test_an_audit_through_a_node_that_misbehaves_has_a_sentence_for_each_check(place: Place, how: str) -> None:
    with misbehaving(place, how) as home:
        report = audit_target(home, str(place.entry))
    for one in report.checks:
        assert "unexpected error" not in one.reason, one
        assert "hush" not in one.reason
        assert one.result != FAILS or (one.level == 3 and one.reason), one
    if how in SILENT:
        assert failed(report) == [], "a node that does not answer speaks against nobody"
    if how == "honest":
        assert (failed(report), report.exit_code(strict=True)) == ([], 0)
