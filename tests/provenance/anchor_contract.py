"""What every ``registry.core.ports.anchor.Anchors`` must do. A suite subclasses ``AnchorContract``, gives the fixtures.

Fixtures to give (each with an empty place of its own per test):

* ``anchors``: an adapter that publishes as ``PUBLISHER``'s key (any key: its address is read from its anchors);
* ``reopen``: a function that gives another adapter on the same place under the same key, as another process would;
* ``other``: an adapter on the same place under another key;
* ``unreachable``: an adapter whose place can't be reached.

Flags: ``FINAL`` is the status that ``wait`` ends with, ``KIND`` what its evidence is of, ``CHAIN`` a pattern of
``anchors.chain``, ``ON_CHAIN`` whether an anchor has a contract, a transaction and a block, ``PROVES`` whether its
evidence holds a proof. ``settle`` may be overridden where a quiet test
chain needs blocks to be mined before anything becomes final.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import ClassVar

import pytest

from registry.core.errors import InvalidInput, Unavailable
from registry.core.ipld.cid import DAG_CBOR, cid_of
from registry.core.ports.anchor import PROVEN, STATUSES, Anchor, Anchors, evidence_of

Reopen = Callable[[], Anchors]
RFC_3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def digest(text: str) -> bytes:
    """32 bytes to anchor."""
    return hashlib.sha256(text.encode()).digest()


class AnchorContract:
    """The contract of ``registry/core/ports/anchor.py``, one statement a test."""

    FINAL: ClassVar[str] = "finalized"
    CHAIN: ClassVar[str] = r"eip155:[1-9]\d*"
    KIND: ClassVar[str] = "evm"
    ON_CHAIN: ClassVar[bool] = True
    PROVES: ClassVar[bool] = False
    TIMEOUT: ClassVar[float] = 60.0

    def settle(self, anchors: Anchors, value: bytes) -> Anchor:
        """Wait until ``value`` is as final as this place can make it."""
        return anchors.wait(value, self.TIMEOUT)

    def test_it_names_its_chain_and_contract(self, anchors: Anchors) -> None:
        assert re.fullmatch(self.CHAIN, anchors.chain)
        if self.ON_CHAIN:
            assert re.fullmatch(r"0x[0-9a-f]{40}", anchors.contract or "")
        else:
            assert anchors.contract is None

    def test_what_nobody_anchored_is_none(self, anchors: Anchors) -> None:
        found = anchors.status(digest("never"))
        assert (found.digest, found.status, found.chain) == (digest("never"), "none", anchors.chain)
        assert (found.transaction, found.time, found.proof) == (None, None, None)

    def test_submit_answers_with_the_state_reached(self, anchors: Anchors) -> None:
        sent = anchors.submit(digest("a"))
        assert sent.digest == digest("a")
        assert sent.status in STATUSES
        assert sent.status != "none"
        assert sent.chain == anchors.chain
        assert anchors.status(digest("a")).status != "none"

    def test_wait_ends_with_the_final_state(self, anchors: Anchors) -> None:
        anchors.submit(digest("a"))
        final = self.settle(anchors, digest("a"))
        assert final.status == self.FINAL
        assert final == anchors.status(digest("a"))
        assert re.fullmatch(RFC_3339, final.time or "")
        assert re.fullmatch(r"0x[0-9a-f]{40}", final.publisher or "")
        assert final.contract == anchors.contract
        if self.ON_CHAIN:
            assert re.fullmatch(r"0x[0-9a-f]{64}", final.transaction or "")
        else:
            assert final.transaction is None
        assert final.proof is not None
        assert final.proof.kind == self.KIND
        assert (final.proof.proof is not None) == self.PROVES
        if final.status not in PROVEN:  # the journal's: nobody else could check it, so no evidence is made of it
            assert final.proof.statement["time"] == final.time
            return
        found = evidence_of(cid_of(b"a", DAG_CBOR), final)
        if found.block is not None:
            assert re.fullmatch(r"0x[0-9a-f]{64}", found.block.block_hash)
            stated = (found.block.chain, found.block.contract, found.block.transaction, found.block.time)
            assert stated == (final.chain, final.contract, final.transaction, final.time)
        else:
            assert found.statement["time"] == final.time

    def test_submit_again_is_the_same_anchor(self, anchors: Anchors) -> None:
        anchors.submit(digest("a"))
        final = self.settle(anchors, digest("a"))
        assert anchors.submit(digest("a")) == final
        assert self.settle(anchors, digest("a")) == final

    def test_submit_twice_at_once_is_one_anchor(self, anchors: Anchors) -> None:
        anchors.submit(digest("a"))
        anchors.submit(digest("a"))
        first = self.settle(anchors, digest("a"))
        assert self.settle(anchors, digest("a")) == first

    def test_a_final_anchor_never_goes_back(self, anchors: Anchors) -> None:
        anchors.submit(digest("a"))
        final = self.settle(anchors, digest("a"))
        for text in ("b", "c", "d"):
            anchors.submit(digest(text))
        assert anchors.status(digest("a")) == final
        for text in ("b", "c", "d"):
            later = self.settle(anchors, digest(text))
            assert later.status == self.FINAL
            assert (later.time or "") >= (final.time or "")
        assert anchors.status(digest("a")) == final

    def test_another_process_sees_it(self, anchors: Anchors, reopen: Reopen) -> None:
        anchors.submit(digest("a"))
        final = self.settle(anchors, digest("a"))
        again = reopen()
        assert again.status(digest("a")) == final
        assert again.submit(digest("a")) == final
        again.submit(digest("b"))
        self.settle(again, digest("b"))
        assert anchors.status(digest("b")).status == self.FINAL

    def test_publishers_do_not_speak_for_each_other(self, anchors: Anchors, other: Anchors) -> None:
        anchors.submit(digest("a"))
        mine = self.settle(anchors, digest("a"))
        assert other.status(digest("a")).status == "none"
        assert other.status(digest("a"), mine.publisher) == mine
        other.submit(digest("a"))
        theirs = self.settle(other, digest("a"))
        assert theirs.publisher != mine.publisher
        assert anchors.status(digest("a")) == mine
        assert anchors.status(digest("a"), theirs.publisher).status == self.FINAL

    def test_waiting_for_what_was_never_submitted_is_unavailable(self, anchors: Anchors) -> None:
        begin = time.monotonic()
        with pytest.raises(Unavailable):
            anchors.wait(digest("never"), 0.3)
        assert time.monotonic() - begin < 10

    @pytest.mark.parametrize("length", [0, 31, 33])
    def test_only_32_bytes_are_a_digest(self, anchors: Anchors, length: int) -> None:
        for ask in (anchors.submit, anchors.status):
            with pytest.raises(InvalidInput):
                ask(b"x" * length)
        with pytest.raises(InvalidInput):
            anchors.wait(b"x" * length, 0.1)

    def test_out_of_reach_is_unavailable_never_none(self, unreachable: Anchors) -> None:
        with pytest.raises(Unavailable):
            unreachable.status(digest("a"))
        with pytest.raises(Unavailable):
            unreachable.wait(digest("a"), 0.3)
