"""An issuer's log as a transparency log: its origin, its leaves, its note key, and whose a checkpoint is.

The entry with number ``seq`` is leaf ``seq``; a leaf's bytes are the entry's CID bytes, which commit to the entry and
let a tree be made, and an inclusion be checked, without the entries' bytes.

The origin is ``emotionet/log/`` and the issuer's DID: a log is its issuer's wherever it is served. A checkpoint carries
two signatures of this name: an Ed25519 one (type 1), which every tlog tool verifies, and the issuer's own (type 0xff,
``IDENTIFIER``), whose bytes are the publishing key (33), the Ed25519 key (32) and an ECDSA signature (64) over DSSE's
PAE of both Ed25519 key and note text. So each checkpoint says itself, signed by the publishing key, that its Ed25519
key is its issuer's: nobody has to be told a log's key.

Invariants: a checkpoint counts only with both signatures; which publishing key may sign a tree is decided by
``may_sign`` (issuer, address), the issuer's first key alone unless given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from registry.core.errors import InvalidInput, Untrusted
from registry.core.ipld.cid import CID
from registry.core.issuers import KEY_SIZE, address_of, address_of_key, is_did, signed_by
from registry.core.log import Signer, pae
from registry.core.tlog import checkpoint as checkpoints
from registry.core.tlog import ed25519, merkle, note
from registry.core.tlog.checkpoint import Checkpoint
from registry.core.tlog.note import Note, Signature, VerifierKey
from registry.core.tlog.proof import Proof, read_proof

PREFIX = "emotionet/log/"
PAYLOAD_TYPE = "application/vnd.emotionet.checkpoint"
IDENTIFIER = b"emotionet/issuer-checkpoint/v1"
_BOUND = KEY_SIZE + ed25519.KEY_SIZE
MaySign = Callable[[str, str], bool]


def origin_of(issuer: str) -> str:
    """The origin of an issuer's log."""
    return PREFIX + issuer


def issuer_of(origin: str) -> str:
    """Whose log it is. ``InvalidInput`` (``other_log``) for the origin of a log of another kind."""
    issuer = origin.removeprefix(PREFIX)
    if not origin.startswith(PREFIX) or not is_did(issuer):
        raise InvalidInput(f"{origin[:80]!r} is not an Emotionet log", code="other_log")
    return issuer


def leaf(entry: CID) -> bytes:
    """The leaf hash of an entry."""
    return merkle.leaf_hash(bytes(entry))


def leaves(entries: Iterable[CID]) -> list[bytes]:
    """The leaf hashes of a log's entries, in order."""
    return [leaf(one) for one in entries]


@dataclass(frozen=True)
class Signed:
    """A checkpoint that its issuer signed (verified), the note with all its lines, and the key of its Ed25519 one."""

    checkpoint: Checkpoint
    note: Note
    key: VerifierKey

    @property
    def issuer(self) -> str:
        """Whose log."""
        return issuer_of(self.checkpoint.origin)


def sign(signer: Signer, seed: bytes, issuer: str, size: int, root: bytes) -> Signed:
    """The checkpoint of an issuer's log. ``seed``: of the Ed25519 key."""
    checkpoint = Checkpoint(origin_of(issuer), size, root)
    public = ed25519.public_key(seed)
    own = signer.public_key + public + signer.sign(_payload(public, checkpoint.text))
    lines = (
        note.sign(checkpoint.text, checkpoint.origin, seed),
        Signature(checkpoint.origin, _id(checkpoint.origin, signer.public_key), own),
    )
    return Signed(checkpoint, Note(checkpoint.text, lines), VerifierKey(checkpoint.origin, note.ED25519, public))


def read(data: bytes, may_sign: MaySign | None = None) -> Signed:
    """A checkpoint whose issuer signed it. ``InvalidInput`` if it is none, ``Untrusted`` (``bad_signature``) if it is
    not its issuer's."""
    _, found = checkpoints.read(data)
    return verified(found, may_sign)


def verified(found: Note, may_sign: MaySign | None = None) -> Signed:
    """The same of a note that was read."""
    checkpoint = checkpoints.read_text(found.text)
    issuer = issuer_of(checkpoint.origin)
    for line in found.signatures:
        key = line.signature[:KEY_SIZE]
        if line.name != checkpoint.origin or line.id != _id(checkpoint.origin, key):
            continue
        public, signature = line.signature[KEY_SIZE:_BOUND], line.signature[_BOUND:]
        address = address_of_key(key)
        allowed = may_sign(issuer, address) if may_sign else address == address_of(issuer)
        if not allowed or not signed_by(key, signature, _payload(public, found.text)):
            raise Untrusted(f"the checkpoint was not signed by {issuer}", code="bad_signature")
        verifier = VerifierKey(checkpoint.origin, note.ED25519, public)
        note.check_signed(found, verifier)
        return Signed(checkpoint, found, verifier)
    raise Untrusted(f"the checkpoint has no signature of {issuer}", code="bad_signature")


def any_key(_issuer: str, _address: str) -> bool:
    """A ``may_sign`` for a note of one's own keeping: who may sign it was asked before it was kept."""
    return True


def included(data: bytes, entry: CID, seq: int, may_sign: MaySign | None = None) -> Signed:
    """The checkpoint of a tlog-proof that shows that ``entry`` is at ``seq`` in its issuer's log. ``Untrusted``:
    ``bad_signature``, ``bad_proof``; ``InvalidInput`` for bytes that are no such proof."""
    proof: Proof = read_proof(data)
    signed = verified(proof.note, may_sign)
    if proof.index != seq:
        raise Untrusted(f"the proof is of entry {proof.index}, not of entry {seq}", code="bad_proof")
    merkle.check_inclusion(leaf(entry), seq, signed.checkpoint.size, signed.checkpoint.root, proof.hashes)
    return signed


def _id(origin: str, key: bytes) -> bytes:
    return note.key_id(origin, bytes([note.OTHER]) + IDENTIFIER, key)


def _payload(public: bytes, text: str) -> bytes:
    return pae(PAYLOAD_TYPE, public + text.encode())
