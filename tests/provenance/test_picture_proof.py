"""A proof about one picture checks with nothing but the file, and no other file says the same."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.cli.main import main
from registry.core import log, records
from registry.core.errors import EmotionetError, InvalidInput, Untrusted
from registry.core.ipld import car, encoding
from registry.core.ipld.cid import CID, DAG_CBOR, RAW, cid_of
from registry.core.table import tables
from registry.provenance import picture_proof
from registry.provenance.picture_proof import Proof, make_proof, verify_proof
from registry.provenance.proof_sentences import sentence, sentences
from registry.workflows.store.prove_picture import prove, prove_each, releases_of
from tests.support.anchors.signer import MemorySigner
from tests.support.forgery import Released, forge, simulated_release

PICTURE = hashlib.sha256(b"2").digest()  # enojado
ODD = hashlib.sha256(b"3").digest()  # of no class
STRANGER = hashlib.sha256(b"never seen").digest()
Blocks = list[tuple[CID, bytes]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("proofs")) as found:
        yield found


@pytest.fixture(scope="module")
def file(made: Released) -> bytes:
    """About a picture that was trained on."""
    return prove(made.home, PICTURE, [made.entry])


def opened(data: bytes) -> tuple[list[CID], Blocks]:
    roots, sections = car.read_raw(io.BytesIO(data))
    return list(roots), list(sections)


def written(roots: list[CID], blocks: Blocks) -> bytes:
    stream = io.BytesIO()
    car.write(roots, blocks, stream)
    return stream.getvalue()


def refused(data: bytes) -> bool:
    try:
        verify_proof(data)
    except EmotionetError:
        return True
    return False


def test_a_proof_says_which_folds_were_trained_on_the_picture(made: Released, file: bytes) -> None:
    proof = verify_proof(file)
    (use,) = proof.uses
    rows = {
        row["repeat"]: row["fold"]
        for row in tables.rows_as_dicts(made.view.draw.folds, made.home.store.get)
        if row["sha256"] == PICTURE
    }
    folds = {row["fold"] for row in tables.rows_as_dicts(made.view.draw.folds, made.home.store.get)}
    assert {number: one.judged for number, one in enumerate(use.repeats)} == rows
    assert {*use.repeats[0].trained, use.repeats[0].judged} == folds
    assert (use.included, use.label, use.issuer) == (True, "enojado", made.home.key.did)
    assert sentence(use).startswith("This picture was in the data of release bafy")
    assert f"judged in fold {rows[0]}" in sentence(use)
    assert len(file) < picture_proof.MAX_BYTES


def test_absence_and_what_was_left_out_are_proved_too(made: Released) -> None:
    (use,) = verify_proof(prove(made.home, STRANGER, [made.entry])).uses
    assert (use.included, use.excluded, use.repeats) == (False, None, ())
    (odd,) = verify_proof(prove(made.home, ODD, [made.view.preprocessing.snapshot])).uses
    assert (odd.kind, odd.included, odd.excluded) == ("snapshot", False, "unknown_label")
    assert sentence(odd).startswith("This very file is not in snapshot")


def test_only_an_absence_says_that_only_this_file_was_looked_for(made: Released, file: bytes) -> None:
    absent = verify_proof(prove(made.home, STRANGER, [made.entry]))
    assert "is another file and may be in it" in sentences(absent)[1]
    assert sentences(verify_proof(file)) == [sentence(verify_proof(file).uses[0])]


def test_every_changed_removed_or_added_block_is_refused(file: bytes) -> None:
    roots, blocks = opened(file)
    for place, (cid, data) in enumerate(blocks):
        for at in range(0, len(data), max(1, len(data) // 40)):
            changed = bytearray(data)
            changed[at] ^= 1
            assert refused(written(roots, [*blocks[:place], (cid, bytes(changed)), *blocks[place + 1 :]])), (place, at)
        assert refused(written(roots, [*blocks[:place], *blocks[place + 1 :]]))
    extra = (cid_of(b"more", RAW), b"more")
    with pytest.raises(Untrusted, match="does not need"):
        verify_proof(written(roots, [*blocks, extra]))
    assert not refused(written(roots, blocks))


@pytest.mark.parametrize(
    "wrong",
    [
        {"v": 2},
        {"v": 0},
        {"v": True},
        {"image": b"short"},
        {"image": "text"},
        {"entries": []},
        {"entries": [b"bytes"]},
        {"more": 1},
        {"type": "release"},
    ],
)
def test_a_statement_of_another_kind_is_none(file: bytes, wrong: dict[str, Any]) -> None:
    roots, blocks = opened(file)
    value = encoding.encode({**encoding.decode(blocks[0][1]), **wrong})
    root = cid_of(value, DAG_CBOR)
    assert roots == [blocks[0][0]]
    assert refused(written([root], [(root, value), *blocks[1:]]))


def test_the_statement_may_stand_anywhere_in_the_file(file: bytes) -> None:
    roots, sections = car.read_raw(io.BytesIO(file))
    stream = io.BytesIO()
    car.write(roots, list(sections)[::-1], stream)
    assert picture_proof.is_proof(stream.getvalue())
    assert verify_proof(stream.getvalue()) == verify_proof(file)
    assert not picture_proof.is_proof(b"")


def test_a_proof_about_one_picture_is_none_about_another(file: bytes) -> None:
    _, blocks = opened(file)
    value = encoding.encode({**encoding.decode(blocks[0][1]), "image": STRANGER})
    root = cid_of(value, DAG_CBOR)
    said = _verified(written([root], [(root, value), *blocks[1:]]))
    assert said is None or not said.uses[0].included


def _verified(data: bytes) -> Proof | None:
    try:
        return verify_proof(data)
    except EmotionetError:
        return None


def test_anothers_signature_shows(
    made: Released, file: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever signs somebody's release again is another issuer; whoever only takes its name is refused."""
    other = MemorySigner(7)
    entry = records.parse_as(records.Entry, made.home.store.get(made.entry))
    for named in (other.did, entry.issuer):
        draft = msgspec.structs.replace(entry, issuer=named, key=other.public_key, seq=0, prev=None, log=None)
        data = records.encode(msgspec.structs.replace(draft, signature=other.sign(log.signing_bytes(draft))))
        made.home.store.put(cid_of(data, DAG_CBOR), data)
        if named != other.did:
            with pytest.raises(Untrusted):
                make_proof(made.home.store.get, PICTURE, [cid_of(data, DAG_CBOR)])
            continue
        forged = make_proof(made.home.store.get, PICTURE, [cid_of(data, DAG_CBOR)])
        assert verify_proof(forged).uses[0].issuer == other.did
        (tmp_path / "proof.car").write_bytes(forged)
        assert main(["verify", str(tmp_path / "proof.car"), "--issuer", entry.issuer]) == 1
        assert "not by" in capsys.readouterr().err


def _swapped(made: Released, table: CID) -> dict[CID, bytes]:
    """The table's rows in one node, the first two in each other's place."""
    rows = [list(row) for row in tables.iterate(table, made.home.store.get)]
    node = encoding.encode({"rows": [rows[1], rows[0], *rows[2:]]})
    made.home.store.put(cid_of(node, DAG_CBOR), node)
    header = encoding.decode(made.home.store.get(table))
    return {table: encoding.encode({**header, "root": cid_of(node, DAG_CBOR)})}


def _without(made: Released, table: CID) -> dict[CID, bytes]:
    """The table as it would be without the picture's rows."""
    rows = [list(row) for row in tables.iterate(table, made.home.store.get) if row[0] != PICTURE]
    built = tables.build(tables.read(table, made.home.store.get).shape, rows, made.home.store.put)
    return {table: made.home.store.get(built)}


@pytest.mark.parametrize("name", ["items", "folds", "output"])
def test_rows_that_the_holder_of_the_key_swaps_or_takes_out_are_refused(made: Released, name: str) -> None:
    """Signed again from the bottom up: order shows in the node itself, and the tables contradict each other."""
    view = made.view
    table = {"items": view.snapshot.items, "folds": view.draw.folds, "output": view.preprocessing.output}[name]
    swapped = forge(made.home, made.entry, _swapped(made, table))
    with pytest.raises(Untrusted, match="out of order"):
        make_proof(made.home.store.get, PICTURE, [swapped])
    gone = forge(made.home, made.entry, _without(made, table))
    if name == "items":
        assert not verify_proof(make_proof(made.home.store.get, PICTURE, [gone])).uses[0].included  # as it then says
    else:
        with pytest.raises(Untrusted):
            make_proof(made.home.store.get, PICTURE, [gone])


def test_a_node_that_should_have_ended_hides_no_row() -> None:
    """Rows enough that keys end nodes, put into one node all the same."""
    rows = [[hashlib.sha256(b"%d" % number).digest(), "withdrawn", ""] for number in range(2000)]
    blocks: dict[CID, bytes] = {}
    rows.sort()
    honest = tables.build(records.EXCLUDED, rows, blocks.__setitem__)
    header = encoding.decode(blocks[honest])
    node = encoding.encode({"rows": [one for one in rows[:1200] if one[0] != rows[7][0]]})
    blocks[cid_of(node, DAG_CBOR)] = node
    forged = encoding.encode({**header, "count": 1199, "root": cid_of(node, DAG_CBOR)})
    blocks[cid_of(forged, DAG_CBOR)] = forged
    for key in (rows[7][0], rows[8][0]):
        assert tables.find_cut(honest, (key,), blocks.__getitem__) is not None
        with pytest.raises(Untrusted, match="ended earlier"):
            tables.find_cut(cid_of(forged, DAG_CBOR), (key,), blocks.__getitem__)


def test_what_does_not_fit_into_one_file_is_written_as_several(
    made: Released, file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [made.view.preprocessing.snapshot, made.entry]
    assert len(prove_each(made.home, PICTURE, both)) == 1
    monkeypatch.setattr(picture_proof, "MAX_BYTES", len(file) + 20)
    several = prove_each(made.home, PICTURE, both)
    assert [verify_proof(one).uses[0].kind for one in several] == ["snapshot", "release"]
    monkeypatch.setattr(picture_proof, "MAX_BYTES", 500)
    with pytest.raises(InvalidInput, match="larger than"):
        prove_each(made.home, PICTURE, both)
    assert releases_of(made.home, made.home.key.did)


def test_the_commands_prove_verify_and_audit_say_the_same(
    made: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, out = tmp_path / "mine.jpg", tmp_path / "proof.car"
    picture.write_bytes(b"2")
    assert main(["prove", str(picture), "-o", str(out)]) == 0
    capsys.readouterr()
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "nothing"))
    told = []
    for command in ("verify", "audit"):
        assert main([command, str(out)]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert "trained on in fold" in told[0]
    assert not (tmp_path / "nothing").exists()
    assert main(["verify", str(out), "--image", str(picture)]) == 0
    assert main(["verify", str(out), "--image", STRANGER.hex()]) == 1
    out.write_bytes(out.read_bytes()[:-1])
    assert main(["verify", str(out)]) == 1
