"""A witness and a log that lies: what does not go on from what was seen is refused and kept, and shown to others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.core.errors import EmotionetError, InvalidInput, Unavailable, Untrusted
from registry.core.tlog import checkpoint, equivocation, merkle
from registry.core.tlog.issuer_log import origin_of
from registry.core.tlog.note import Note
from registry.core.tlog.proof import AddCheckpoint
from registry.files import single_writer_file
from registry.provenance.witnessing import state
from registry.provenance.witnessing.services import read_log
from registry.provenance.witnessing.state import MOST_REFUSED, OldSize, Witness
from registry.workflows.log.witnesses import cosign_file, cosign_log
from tests.support.tree_logs import TreeLog, entries

LOG = "https://log.example/log/x"


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness", lambda: 1_700_000_000)


def seen(witness: Witness, log: TreeLog) -> int:
    """The size of what was cosigned last."""
    note = witness.latest(origin_of(log.signer.did))
    return 0 if note is None else checkpoint.read_text(note.text).size


def pull(witness: Witness, log: TreeLog) -> None:
    """As `emotionet witness URL`."""
    signed, leaves = read_log(LOG, log.get)
    line = cosign_log(witness, signed, leaves)
    note = Note(signed.note.text, (line,))
    assert checkpoint.cosigners(note, [witness.key]) == {str(witness.key): 1_700_000_000}


def test_an_honest_log_is_cosigned_at_every_size_up_to_300(witness: Witness) -> None:
    log, all_of_it = TreeLog(0), entries(300)
    for size in (*range(1, 10), 64, 100, 255, 256, 257, 300):
        log.cids = all_of_it[:size]
        pull(witness, log)
        assert seen(witness, log) == size
    pull(witness, log)  # the same again
    assert witness.refused(origin_of(log.signer.did)) == []


def drop(log: TreeLog) -> None:
    """An entry is gone, and another came."""
    log.cids = [*log.cids[:3], *log.cids[4:], *entries(2, "new")]


def rewrite(log: TreeLog) -> None:
    log.cids = [*log.cids[:5], *entries(1, "other"), *log.cids[6:], *entries(1, "new")]


def fork(log: TreeLog) -> None:
    """It goes on from an older entry."""
    log.cids = [*log.cids[:-1], *entries(9, "fork")]


def two_trees(log: TreeLog) -> None:
    log.cids = [*log.cids[:-1], *entries(1, "other")]


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("lie", [drop, rewrite, fork, two_trees])
def test_a_log_that_shows_another_past_is_refused_and_anyone_can_check_it(
    witness: Witness, lie: Callable[[TreeLog], None], size: int
) -> None:
    log = TreeLog(size)
    pull(witness, log)
    lie(log)
    with pytest.raises(Untrusted) as refusal:
        pull(witness, log)
    assert refusal.value.code == "log_fork"
    assert seen(witness, log) == size
    (kept,) = witness.refused(origin_of(log.signer.did))
    shown = equivocation.read(equivocation.to_bytes(kept))
    assert (shown.issuer, shown.kind) == (log.signer.did, equivocation.CHECKPOINTS)
    with pytest.raises(Untrusted):  # and nothing is cosigned by asking again
        pull(witness, log)
    assert len(witness.refused(origin_of(log.signer.did))) == 1


def test_a_log_that_rolls_back_is_refused_and_kept(witness: Witness) -> None:
    log = TreeLog(9)
    pull(witness, log)
    log.cids = log.cids[:6]
    with pytest.raises(OldSize, match="has 9 entries"):
        pull(witness, log)
    (kept,) = witness.refused(origin_of(log.signer.did))
    assert "it has 6 entries, and 9 were cosigned before" in kept["why"]
    with pytest.raises(InvalidInput):  # an older checkpoint alone shows no lie: a cache may have given it out
        equivocation.check(kept)


def test_tiles_of_another_tree_cut_ones_and_silence_are_told_apart(witness: Witness) -> None:
    log = TreeLog(300)
    log.tiles_of = entries(300, "other")
    with pytest.raises(Untrusted, match="not those of the tree"):
        pull(witness, log)
    log.tiles_of, log.cut = None, 1
    with pytest.raises(Untrusted, match="bytes"):
        pull(witness, log)
    log.cut, log.silent = 0, True
    with pytest.raises(Unavailable):
        pull(witness, log)
    assert seen(witness, log) == 0


def test_a_proof_by_request_is_checked_as_the_protocol_says(witness: Witness) -> None:
    log = TreeLog(6)
    first = log.signed()
    witness.cosign(first, 0, [])
    log.cids += entries(4, "new")
    newer, proof = log.signed(), merkle.consistency(log.leaves, 6)
    with pytest.raises(OldSize) as asked:
        witness.cosign(newer, 0, [])
    assert asked.value.size == 6
    with pytest.raises(InvalidInput, match="beyond"):
        witness.cosign(newer, 11, [])
    with pytest.raises(Untrusted) as broken:  # it proves nothing, so it shows no lie either
        witness.cosign(newer, 6, proof[:-1])
    assert broken.value.code == "bad_proof"
    other = TreeLog(0)
    other.cids = [*entries(6, "other"), *entries(4, "new")]
    with pytest.raises(Untrusted) as shown:  # this one does: its own proof gives the older tree another root
        witness.cosign(other.signed(), 6, merkle.consistency(other.leaves, 6))
    assert shown.value.code == "log_fork"
    witness.cosign(newer, 6, proof)
    assert seen(witness, log) == 10
    assert [("why" in one) for one in witness.refused(origin_of(log.signer.did))] == [True, False]


def test_a_witness_that_is_killed_before_it_answers_cosigns_the_same_again(
    witness: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = TreeLog(5)
    witness.cosign(log.signed(), 0, [])
    forked = TreeLog(0)
    forked.cids = [*log.cids, *entries(3, "fork")]
    log.cids += entries(3, "new")
    newer = log.signed()

    class Killed(BaseException):
        pass

    writer = single_writer_file

    def killed_after(path: Path, **options: int) -> object:
        class Writing:
            def __enter__(self) -> object:
                self._inner = writer(path)
                return self._inner.__enter__()

            def __exit__(self, *error: object) -> None:
                self._inner.__exit__(None, None, None)
                raise Killed

        return Writing()

    monkeypatch.setattr(f"{state.__name__}.single_writer_file", killed_after)
    with pytest.raises(Killed):
        witness.cosign(newer, 5, merkle.consistency(log.leaves, 5))
    monkeypatch.setattr(f"{state.__name__}.single_writer_file", writer)
    again = Witness(tmp_path / "witness", lambda: 1_700_000_009)
    assert seen(again, log) == 8  # on disk before the answer
    with pytest.raises(Untrusted):  # so the fork can't have it any more
        again.cosign(forked.signed(), 8, [])
    line = again.cosign(newer, 8, [])
    assert checkpoint.cosigned_at(Note(newer.note.text, (line,)), witness.key) == 1_700_000_009


def test_a_witness_that_is_killed_before_it_wrote_has_cosigned_nothing(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = TreeLog(5)
    assert witness.key

    def killed(path: Path, **options: int) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"{state.__name__}.single_writer_file", killed)
        with pytest.raises(KeyboardInterrupt):
            witness.cosign(log.signed(), 0, [])
    assert seen(witness, log) == 0
    witness.cosign(log.signed(), 0, [])


def test_what_is_refused_does_not_fill_the_disk_and_logs_don_t_mix(witness: Witness) -> None:
    log, other = TreeLog(4), TreeLog(4, number=8)
    pull(witness, log)
    pull(witness, other)
    for at in range(MOST_REFUSED + 1):
        log.cids = entries(4, f"story {at}")
        with pytest.raises(Untrusted):
            pull(witness, log)
    assert len(witness.refused(origin_of(log.signer.did))) == MOST_REFUSED
    assert witness.refused(origin_of(other.signer.did)) == []


def test_a_file_is_cosigned_as_an_address_is(witness: Witness, tmp_path: Path) -> None:
    log, path = TreeLog(6), tmp_path / "checkpoint"
    path.write_text(str(log.signed().note))
    signed, _ = cosign_file(witness, path)
    assert signed.checkpoint.size == 6
    log.cids += entries(2, "new")
    path.write_text(str(log.signed().note))
    with pytest.raises(Untrusted):  # a checkpoint alone does not show that it goes on
        cosign_file(witness, path)
    path.write_bytes(bytes(AddCheckpoint(6, tuple(merkle.consistency(log.leaves, 6)), log.signed().note)))
    cosign_file(witness, path)
    assert seen(witness, log) == 8
    for wrong in (
        b"",
        b"old 1\n",
        b"\xff" * 40,
        str(log.signed().note).replace("\n8\n", "\n9\n").encode(),
        b"x" * 2**21,
    ):
        path.write_bytes(wrong)
        with pytest.raises(EmotionetError):
            cosign_file(witness, path)


def test_a_damaged_key_or_state_is_an_error_and_never_a_new_beginning(witness: Witness, tmp_path: Path) -> None:
    log = TreeLog(4)
    pull(witness, log)
    for path in (*(tmp_path / "witness").glob("*/checkpoint"), tmp_path / "witness" / "key.json"):
        assert (path.stat().st_mode & 0o077) == 0 or path.name != "key.json"
        path.write_text("{}")
        with pytest.raises(InvalidInput):
            pull(Witness(tmp_path / "witness", lambda: 1_700_000_000), log)
    with pytest.raises(InvalidInput, match="can't be called"):
        _ = Witness(tmp_path / "other", lambda: 0, "a name").key
    assert json.loads((tmp_path / "witness" / "key.json").read_text()) == {}
