"""Sign checkpoints of this home's logs, keep the newest, and prove and serve the tree that it signs.

The newest checkpoint lies in ``HOME/log/<address>/checkpoint`` with the cosignatures that it got. The Ed25519 key is
made from a signature of the publishing key (deterministic, RFC 6979), which never leaves this process: it is as secret
as that key, the same on every machine that holds it, and can't be lost alone.

Invariants: no checkpoint is signed that does not go on from the one that is kept, or while the catalog has fewer
entries than that (``Conflict``: ``catalog_is_older``, ``log_fork``), or by a key that was replaced
(``key_replaced``). A checkpoint is on disk before it is given out.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from registry.catalog.queries.signed_records import entries
from registry.core.errors import Conflict, InvalidInput, NotFound, Untrusted, not_read, not_written
from registry.core.ipld.cid import CID
from registry.core.issuers import address_of
from registry.core.log import Signer
from registry.core.tlog import issuer_log, merkle, tiles
from registry.core.tlog.issuer_log import Signed
from registry.core.tlog.note import Signature
from registry.core.tlog.proof import Proof
from registry.core.tlog.tiles import Tile
from registry.files import exclusive, single_writer_file
from registry.provenance.keys.signed_heads import FOLDER
from registry.workflows.log.append import check_in_force
from registry.workflows.parts import Parts

_PURPOSE = b"emotionet: seed of the Ed25519 key that signs checkpoints, v1"


def note_seed(signer: Signer) -> bytes:
    """The seed of the Ed25519 key beside a publishing key."""
    return sha256(_PURPOSE + signer.sign(_PURPOSE)).digest()


def _folder(parts: Parts, issuer: str) -> Path:
    folder = parts.settings.home / FOLDER / address_of(issuer)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise not_written(folder, error) from error
    return folder


def kept(parts: Parts, issuer: str) -> Signed | None:
    """The newest checkpoint of an issuer's log that was signed here; None where none was."""
    path = parts.settings.home / FOLDER / address_of(issuer) / "checkpoint"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise not_read(path, error) from error
    try:
        return issuer_log.read(data, issuer_log.any_key)  # this home's own: it signed it
    except (InvalidInput, Untrusted) as error:
        raise Untrusted(
            f"{path} is damaged: {error}", code="checkpoint_damaged", hint="restore it from a backup."
        ) from error


def newest(parts: Parts, signer: Signer) -> Signed:
    """A checkpoint of all entries: the one that is kept where the log did not grow, else a new one, kept from now on.

    ``NotFound`` where nothing was signed yet.
    """
    issuer = signer.did
    folder = _folder(parts, issuer)
    with exclusive(folder / "checkpoint.lock"):
        before, hashes = kept(parts, issuer), leaves(parts, issuer)
        if not hashes:
            raise NotFound("this registry has signed nothing yet", hint="import something first.")
        if before is not None:
            _goes_on(before, hashes)
            if before.checkpoint.size == len(hashes):
                return before
        with parts.catalog.read() as db:
            check_in_force(db, signer)
        made = issuer_log.sign(signer, note_seed(signer), issuer, len(hashes), merkle.root(hashes))
        _keep(folder, made)
        return made


def _goes_on(before: Signed, hashes: list[bytes]) -> None:
    size = before.checkpoint.size
    if len(hashes) < size:
        raise Conflict(
            f"a checkpoint of {size} entries was signed, but the catalog has {len(hashes)}",
            code="catalog_is_older",
            hint="run `emotionet catalog rebuild`.",
        )
    if merkle.root(hashes[:size]) != before.checkpoint.root:
        raise Conflict(
            f"the first {size} entries of the catalog are not those of the checkpoint that was signed",
            code="log_fork",
            hint="use the catalog and the home that belong together.",
        )


def _keep(folder: Path, made: Signed) -> None:
    with single_writer_file(folder / "checkpoint") as stream:
        stream.write(str(made.note).encode())


def add_cosignatures(parts: Parts, signed: Signed, lines: Iterable[Signature]) -> Signed:
    """Keep cosignatures, verified by the caller, under a checkpoint; no-op where a newer one is kept by now."""
    folder = _folder(parts, signed.issuer)
    with exclusive(folder / "checkpoint.lock"):
        before = kept(parts, signed.issuer)
        if before is None or before.note.text != signed.note.text:
            return signed
        made = Signed(before.checkpoint, before.note.with_signatures(lines), before.key)
        _keep(folder, made)
        return made


def leaves(parts: Parts, issuer: str, start: int = 0, end: int | None = None) -> list[bytes]:
    """The leaf hashes of a log's entries from ``start`` to before ``end`` (None: the newest)."""
    return issuer_log.leaves(_cids(parts, issuer, start, end))


def _cids(parts: Parts, issuer: str, start: int, end: int | None) -> list[CID]:
    with parts.catalog.read() as db:
        found = entries.run(db, issuer, start, end)
        last = entries.newest(db, issuer)
    wanted = (last[1] + 1 if last else 0) if end is None else end
    if len(found) != max(wanted - start, 0):
        raise Conflict(f"entries of {issuer} are missing here", code="log_gap", hint="run `emotionet catalog rebuild`.")
    return found


def prove(parts: Parts, signed: Signed, entry: CID, hashes: list[bytes] | None = None) -> tuple[int, Proof]:
    """An entry's place in its log, and the proof that it is in this checkpoint's tree. ``NotFound`` where it is not.
    ``hashes``: all leaf hashes of that tree, read unless given."""
    with parts.catalog.read() as db:
        seq = entries.place_of(db, entry, signed.issuer)
    if seq is None or seq >= signed.checkpoint.size:
        raise NotFound(f"{entry} is not in the checkpoint of {signed.checkpoint.size} entries", code="not_in_log")
    hashes = leaves(parts, signed.issuer, 0, signed.checkpoint.size) if hashes is None else hashes
    return seq, Proof(seq, tuple(merkle.inclusion(hashes, seq)), signed.note)


def tile_of(parts: Parts, issuer: str, tile: Tile) -> bytes:
    """A tile's bytes, of what the kept checkpoint covers. ``NotFound`` for anything beyond."""
    signed = kept(parts, issuer)
    if signed is None or tile.end > signed.checkpoint.size:
        raise NotFound(f"the tile {tile} is not in the newest checkpoint")
    cids = _cids(parts, issuer, tile.start, tile.end)
    if tile.level == tiles.ENTRIES:
        return tiles.bundle([bytes(one) for one in cids])
    return tiles.tile_bytes(tile, issuer_log.leaves(cids))
