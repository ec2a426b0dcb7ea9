"""Notes, checkpoints, cosignatures and tiles against the examples of C2SP's documents, and in their one form alone."""

from __future__ import annotations

import pytest

from registry.core.errors import InvalidInput, Untrusted
from registry.core.tlog import checkpoint, ed25519, note, tiles
from registry.core.tlog.merkle import root
from registry.core.tlog.proof import read_add_checkpoint, read_proof

# C2SP signed-note, "Example"
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
# C2SP tlog-witness, the example request
REQUEST = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
SEED = bytes(range(32))


def test_the_specification_s_note_is_signed_by_its_key() -> None:
    found = note.read_note(NOTE.encode())
    note.check_signed(found, note.read_key(VKEY))
    assert str(found) == NOTE
    assert str(note.read_key(VKEY)) == VKEY
    with pytest.raises(Untrusted, match="does not verify"):
        note.check_signed(note.Note("This is another message.\n", found.signatures), note.read_key(VKEY))


def test_the_specification_s_request_is_read_and_written_as_it_is() -> None:
    found = read_add_checkpoint(REQUEST.encode())
    said = checkpoint.read_text(found.note.text)
    assert (found.old, len(found.hashes), said.origin, said.size) == (
        20852014,
        4,
        "example.com/behind-the-sofa",
        20852163,
    )
    assert bytes(found) == REQUEST.encode()


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        NOTE.encode() + b"\n",
        NOTE.encode()[:-1],
        NOTE.replace("— ", "- ").encode(),
        NOTE.replace("Uw2Q", "Uw2=").encode(),
        NOTE.replace("message.", "mess\tage.").encode(),
        NOTE.replace("example.com/foo U", "example.com/f+o U").encode(),
        NOTE.replace("aQM=", "aQN=").encode(),  # not the one form of its bytes
        b"\xff" + NOTE.encode(),
        NOTE.encode() + NOTE.encode().splitlines(keepends=True)[-1] * 100,
        b"x" * (1 << 21),
    ],
)
def test_a_note_in_any_other_form_is_refused(wrong: bytes) -> None:
    with pytest.raises(InvalidInput):
        note.read_note(wrong)


@pytest.mark.parametrize(
    "wrong", ["", "a", "a+b+c", VKEY[:-1], VKEY.replace("530d", "530e"), VKEY.replace("/foo", "/fo o"), VKEY + "A"]
)
def test_a_verifier_key_in_any_other_form_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInput, match="key"):
        note.read_key(wrong)


def test_keys_of_small_order_and_second_forms_of_a_signature_do_not_count() -> None:
    public, message = ed25519.public_key(SEED), b"message"
    signature = ed25519.sign(SEED, message)
    order = 2**252 + 27742317777372353535851937790883648493
    second = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    assert ed25519.verifies(public, signature, message)
    assert not ed25519.verifies(public, second, message)
    assert not ed25519.verifies(public, signature[:-1], message)
    for weak in (b"\x01" + bytes(31), bytes(31), b"\xff" * 32):
        with pytest.raises(InvalidInput, match="no Ed25519 key"):
            ed25519.check_key(weak)


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n",
        "a\n01\nX\n",
        "a\n-1\nX\n",
        "a\n1\n\nX\n",
        "a\n1\nAA==\n",
        "a\n0\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ],
)
def test_a_checkpoint_in_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        checkpoint.read_text(text)


def test_a_cosignature_is_of_its_witness_its_time_and_its_checkpoint() -> None:
    head = checkpoint.Checkpoint("example.com/log", 3, bytes(32))
    line = checkpoint.cosign(head.text, "witness.example", SEED, 1679315147)
    key = note.VerifierKey("witness.example", note.COSIGNATURE, ed25519.public_key(SEED))
    cosigned = note.Note(head.text, (line,))
    assert checkpoint.cosigned_at(cosigned, key) == 1679315147
    assert checkpoint.cosigners(cosigned, [key]) == {str(key): 1679315147}
    assert checkpoint.cosigned_at(note.Note(head.text, ()), key) is None
    later = note.Signature(line.name, line.id, (1679315148).to_bytes(8, "big") + line.signature[8:])
    for wrong in (note.Note(head.text.replace("3", "4"), (line,)), note.Note(head.text, (later,))):
        with pytest.raises(Untrusted, match="does not verify"):
            checkpoint.cosigned_at(wrong, key)


def test_proofs_in_other_forms_are_refused() -> None:
    body = REQUEST.split("\n\n", 1)[1]
    assert read_proof(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{body}".encode()).index == 0
    for head in ("c2sp.org/tlog-proof@v2\nindex 0", "c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v1\nindex 01"):
        with pytest.raises(InvalidInput):
            read_proof(f"{head}\n\n{body}".encode())
    with pytest.raises(InvalidInput, match="at most 63"):
        read_add_checkpoint(("old 1\n" + "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" * 64 + "\n" + body).encode())


def test_tiles_are_named_and_filled_as_the_specification_says() -> None:
    assert str(tiles.Tile(0, 1234067)) == "0/x001/x234/067"
    assert tiles.read_tile("0/x001/x234/067") == tiles.Tile(0, 1234067)
    # a tree of size 70,000: 273 full level 0 tiles and one of width 112
    assert [str(one) for one in tiles.leaf_tiles(70_000)][-2:] == ["0/272", "0/273.p/112"]
    for wrong in (
        "0/1",
        "00/001",
        "0/x000/001",
        "0/001.p/256",
        "0/001.p/0",
        "0/001.p/01",
        "64/001",
        "entries",
        "0/../1",
    ):
        with pytest.raises(InvalidInput):
            tiles.read_tile(wrong)
    leaves = [bytes([at % 256]) * 32 for at in range(600)]
    above = tiles.read_tile("1/000.p/2")
    assert tiles.tile_bytes(above, leaves[above.start : above.end]) == root(leaves[:256]) + root(leaves[256:512])
    bundle = tiles.bundle([b"one", b"", b"three"])
    assert tiles.read_bundle(bundle, 3) == [b"one", b"", b"three"]
    for cut in (bundle[:-1], bundle + b"\x00\x01"):
        with pytest.raises(Untrusted):
            tiles.read_bundle(cut, 3)
