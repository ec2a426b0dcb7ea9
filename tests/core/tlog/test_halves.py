"""Evidence of two histories from proofs of inclusion and entries: shown where they exclude each other, only there."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest

from registry.core import records
from registry.core.errors import EmotionetError, Untrusted
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.tlog import equivocation, issuer_log, merkle
from registry.core.tlog.equivocation import Half
from tests.support.anchors.handed_over import Book
from tests.support.anchors.signer import MemorySigner
from tests.support.tree_logs import TreeLog, entries

SIZES = (1, 2, 3, 5, 6, 8, 11, 13)


def half(log: TreeLog, at: int) -> Half:
    """The proof that an entry is in a log's tree."""
    return bytes(log.proof(at)), log.cids[at]


def grown(log: TreeLog, count: int) -> TreeLog:
    """The same log later."""
    found = TreeLog(0)
    found.cids = [*log.cids, *entries(count, "later")]
    return found


@pytest.mark.parametrize("size", SIZES)
def test_a_proof_tells_of_each_run_what_the_whole_tree_does(size: int) -> None:
    log = TreeLog(size)
    leaves = log.leaves
    for at in range(size):
        known = merkle.known_by_inclusion(leaves[at], at, size, merkle.inclusion(leaves, at))
        assert known[(0, size)] == merkle.root(leaves)
        for (start, count), one in known.items():
            assert one == merkle.root(leaves[start : start + count])


def test_an_honest_log_is_never_accused_however_it_grew() -> None:
    for size in SIZES:
        older = TreeLog(size)
        ours = [half(older, at) for at in range(size)]
        for more in (0, 1, 5):
            newer = grown(older, more)
            places = {0, size // 2, size - 1, size + more - 1}  # ends and middle: all pairs took half a minute
            theirs = [half(newer, other) for other in sorted(places)]
            for one, other in itertools.product(ours, theirs):
                with pytest.raises(Untrusted, match="can be of one log"):
                    equivocation.of_trees(one, other)


def test_two_trees_of_different_sizes_that_do_not_fit_are_shown_by_two_proofs() -> None:
    older = TreeLog(5)
    forked = TreeLog(0)
    forked.cids = [*older.cids[:3], *entries(6, "other")]
    document = equivocation.of_trees(half(older, 2), half(forked, 2))
    shown = equivocation.read(equivocation.to_bytes(document))
    assert (shown.issuer, shown.kind) == (older.signer.did, "trees")
    assert "a tree of 5 entries" in shown.text
    assert "a tree of 9 entries" in shown.text
    assert "they differ in entry 3" in shown.text


def log_of_entries(story: str, count: int, number: int = 7) -> tuple[TreeLog, list[bytes]]:
    """A log of real entries, and its tree."""
    book = Book(MemorySigner(number))
    for at in range(count - 1):
        book.say(MemorySigner(number), records.Profile(name=f"{story}{at}", url=None, contact=None))
    tree = TreeLog(0, number)
    tree.cids = list(book.cids)
    return tree, [book.blocks[cid] for cid in book.cids]


def test_an_entry_and_a_tree_that_does_not_hold_it_are_shown() -> None:
    tree, held = log_of_entries("a", 6)
    _, others = log_of_entries("b", 6)
    assert equivocation.read(equivocation.to_bytes(equivocation.of_trees(others[3], half(tree, 3)))).kind == "trees"
    by_its_sibling = equivocation.of_trees(half(tree, 2), others[3])
    assert "they differ in entry 2" in equivocation.check(by_its_sibling).text
    by_the_one_before = equivocation.of_trees(half(tree, 3), others[4])
    assert "they differ in entry 3" in equivocation.check(by_the_one_before).text
    for at in range(6):
        with pytest.raises(Untrusted, match="can be of one log"):
            equivocation.of_trees(held[at], half(tree, at))
    with pytest.raises(Untrusted, match="can be of one log"):  # nothing shows it: the proof knows no such entry
        equivocation.of_trees(others[1], half(tree, 5))
    stranger = log_of_entries("b", 6, number=8)[1]
    with pytest.raises(Untrusted):
        equivocation.of_trees(stranger[3], half(tree, 3))


def changes(document: dict[str, Any]) -> list[dict[str, Any]]:
    """With one thing changed, each of which makes it worth nothing."""
    entry, proof = document["halves"]
    _, leaf = document["leaves"]
    zeros = base64.b64encode(bytes(36)).decode()
    lines = proof.split("\n")
    return [
        {**document, "halves": [proof, entry]},
        {**document, "halves": [entry, entry]},
        {**document, "halves": [entry, "\ud800"]},
        {**document, "halves": [entry, "\n".join([lines[0], lines[1], *lines[3:]])]},
        {**document, "halves": [entry, proof.replace("\n6\n", "\n7\n")]},
        {**document, "halves": [entry[:-8] + "AAAAAAA=", proof]},
        {**document, "leaves": [None, None]},
        {**document, "leaves": [leaf, leaf]},
        {**document, "leaves": [None, zeros]},
        {**document, "leaves": [None, 3]},
        {**document, "leaves": [None]},
        {**document, "leaves": None},
        {**document, "issuer": MemorySigner(9).did},
        {**document, "beside": 3},
        {**document, "beside": ["%"]},
        {**document, "beside": ["AA=="] * 1000},
        {**document, "kind": "checkpoints"},
    ]


def test_a_changed_document_accuses_nobody() -> None:
    tree, _ = log_of_entries("a", 6)
    document = equivocation.of_trees(log_of_entries("b", 6)[1][3], half(tree, 3))
    for changed in changes(document):
        with pytest.raises(EmotionetError):
            equivocation.check(changed)
        with pytest.raises(EmotionetError):
            equivocation.read(json.dumps(changed).encode())


def test_entries_that_rest_on_changes_of_keys_are_shown_with_these() -> None:
    first, second = MemorySigner(7), MemorySigner(8)
    book = Book(first)
    book.change(first, second)
    profiles = [records.Profile(name=name, url=None, contact=None) for name in "ab"]
    drafts = [book.put(book.draft(second, one)) for one in profiles]
    halves = [book.blocks[cid] for cid in drafts]
    document = equivocation.of_entries(halves[0], halves[1], book.get)
    assert len(document["beside"]) == 2
    shown = equivocation.read(equivocation.to_bytes(document))
    assert shown.issuer == first.did
    for kept in (0, 1):
        with pytest.raises(EmotionetError):
            equivocation.check({**document, "beside": document["beside"][:kept]})


def test_a_leaf_that_is_no_cid_is_refused() -> None:
    tree = TreeLog(3)
    with pytest.raises(EmotionetError):
        equivocation.of_trees((bytes(tree.proof(1)), cid_of(b"other", DAG_CBOR)), half(tree, 1))
    assert issuer_log.leaf(CID.decode(bytes(tree.cids[1]))) == tree.leaves[1]
