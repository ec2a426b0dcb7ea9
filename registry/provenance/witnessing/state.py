"""What this home's witness has cosigned, in ``HOME/witness``: its key, and of each log the newest checkpoint.

``key.json`` is made at random beside the state and never derived from the publishing key: two machines with one
publishing key must not cosign by two memories. ``<sha256 of the origin>/checkpoint`` is what was cosigned last,
``refused/N.json`` what was refused because it did not go on from it, at most ``MOST_REFUSED`` of a log.

Invariants: of one log, each checkpoint that is cosigned goes on from the one before, by a verified consistency proof.
A checkpoint is on disk, flushed, before its cosignature leaves; who is killed in between gives the cosignature when it
is asked again. One process at a time decides about a log. What was restored from an older copy can't be told from the
newest: whoever restores a witness makes it a new key.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from registry.core.errors import Conflict, EmotionetError, InvalidInput, Untrusted, not_read, not_written
from registry.core.tlog import checkpoint, ed25519, equivocation, issuer_log, merkle, note
from registry.core.tlog.issuer_log import Signed
from registry.core.tlog.note import Note, Signature, VerifierKey
from registry.files import exclusive, single_writer_file

FOLDER = "witness"
MOST_REFUSED = 8
Clock = Callable[[], int]
Handovers = Callable[[str], Sequence[bytes]]
_HASH = re.compile("[0-9a-f]{64}")


def _none(_issuer: str) -> Sequence[bytes]:
    return ()


class OldSize(Conflict):
    """The proof begins at another size than what was cosigned last (``size``): the log asks again from there."""

    code = "witness_size"

    def __init__(self, size: int) -> None:
        super().__init__(f"the newest checkpoint that was cosigned here has {size} entries", hint="prove from there.")
        self.size = size


class Witness:
    """The witness in a folder; its key is made when it is first needed. ``clock`` gives POSIX seconds, ``handovers``
    the blocks of an issuer's changes of keys, as far as they are known: evidence against a log needs them."""

    def __init__(self, folder: Path, clock: Clock, name: str | None = None, handovers: Handovers = _none) -> None:
        self._folder, self._clock, self._name, self.handovers = folder, clock, name, handovers

    @cached_property
    def _key(self) -> tuple[str, bytes]:
        path = self._folder / "key.json"
        with self._locked(self._folder):
            if not path.exists():
                seed = secrets.token_bytes(ed25519.SEED_SIZE)
                name = self._name or f"emotionet/witness/{ed25519.public_key(seed)[:8].hex()}"
                if not note.is_name(name):
                    raise InvalidInput(f"a witness can't be called {name!r}", code="bad_name")
                with single_writer_file(path, mode=0o600) as stream:
                    stream.write(json.dumps({"name": name, "seed": seed.hex()}).encode())
            try:
                found = json.loads(path.read_bytes())
                return str(found["name"]), bytes.fromhex(found["seed"])
            except OSError as error:
                raise not_read(path, error) from error
            except (ValueError, LookupError, TypeError) as error:
                raise InvalidInput(f"{path} is damaged", code="key_file_damaged", hint="restore it.") from error

    @property
    def key(self) -> VerifierKey:
        """What verifies its cosignatures."""
        name, seed = self._key
        return VerifierKey(name, note.COSIGNATURE, ed25519.public_key(seed))

    def latest(self, origin: str) -> Note | None:
        """What was cosigned last of a log, with the cosignature; None before the first."""
        return self._read(self._of(origin))

    def latest_by_hash(self, origin_hash: str) -> Note | None:
        """The same by the sha-256 of the origin, in hex; None for what is none."""
        return self._read(self._folder / origin_hash) if _HASH.fullmatch(origin_hash) else None

    def cosign(self, signed: Signed, old: int, proof: Sequence[bytes]) -> Signature:
        """Cosign a checkpoint that its issuer signed (tlog-witness, add-checkpoint).

        ``OldSize`` where ``old`` is not the size that was cosigned last; ``InvalidInput`` (``bad_old_size``) where it
        is beyond the checkpoint's; ``Untrusted`` (``bad_proof``; ``log_fork`` where that is shown) where the checkpoint
        does not go on from what was cosigned last. What is smaller, or does not go on, is kept among what was refused.
        """
        folder = self._of(signed.checkpoint.origin)
        with self._locked(folder):
            before = self._read(folder)
            last = None if before is None else issuer_log.verified(before, issuer_log.any_key)
            self._check(folder, last, signed, old, proof)
            name, seed = self._key
            line = checkpoint.cosign(signed.note.text, name, seed, self._clock())
            with single_writer_file(folder / "checkpoint") as stream:
                stream.write(str(signed.note.with_signatures([line])).encode())
            return line

    def _check(self, folder: Path, last: Signed | None, signed: Signed, old: int, proof: Sequence[bytes]) -> None:
        size, known = signed.checkpoint.size, 0 if last is None else last.checkpoint.size
        if old > size:
            raise InvalidInput(f"the old size {old} is beyond the checkpoint's {size}", code="bad_old_size")
        if last is not None and size < known:
            _keep(folder, _unfit(last, signed, f"it has {size} entries, and {known} were cosigned before"))
        if old != known:
            raise OldSize(known)
        before = merkle.EMPTY_ROOT if last is None else last.checkpoint.root
        try:
            merkle.check_consistency(old, before, size, signed.checkpoint.root, proof)
        except Untrusted as error:
            if last is None:
                raise
            shown = _shown_by_proof(last, signed, proof, self.handovers(signed.issuer))
            _keep(folder, shown or _unfit(last, signed, str(error)))
            raise _refusal(signed, str(error), shown=shown is not None) from error

    def refuse_fork(self, signed: Signed, shown: dict[str, Any]) -> Untrusted:
        """Keep evidence that a checkpoint excludes what was cosigned before; the error to raise."""
        folder = self._of(signed.checkpoint.origin)
        with self._locked(folder):
            _keep(folder, shown)
        return _refusal(signed, equivocation.check(shown).text, shown=True)

    def refused(self, origin: str) -> list[dict[str, Any]]:
        """What was refused of a log, the first first."""
        found = sorted((self._of(origin) / "refused").glob("*.json"), key=lambda one: int(one.stem))
        return [json.loads(one.read_bytes()) for one in found]

    def _of(self, origin: str) -> Path:
        return self._folder / sha256(origin.encode()).hexdigest()

    def _read(self, folder: Path) -> Note | None:
        try:
            return note.read_note((folder / "checkpoint").read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise not_read(folder / "checkpoint", error) from error

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[Path]:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise not_written(folder, error) from error
        with exclusive(folder / "lock"):
            yield folder


def _unfit(last: Signed, signed: Signed, why: str) -> dict[str, Any]:
    """What is kept of a checkpoint that was refused without anything that shows a lie."""
    return {"why": why, "halves": [str(last.note), str(signed.note)]}


def _refusal(signed: Signed, why: str, *, shown: bool) -> Untrusted:
    code = "log_fork" if shown else "bad_proof"
    return Untrusted(f"this checkpoint of {signed.issuer} was refused: {why}", code=code)


def _shown_by_proof(
    last: Signed, signed: Signed, proof: Sequence[bytes], handovers: Sequence[bytes]
) -> dict[str, Any] | None:
    """The evidence, where the log's own proof shows that its tree begins with another one; None where nothing is
    shown: anyone can send a proof that proves nothing."""
    try:
        if last.checkpoint.size == signed.checkpoint.size:
            return equivocation.of_checkpoints(last, signed, handovers=handovers)
        prefix = merkle.older_root(last.checkpoint.size, signed.checkpoint.size, proof)
        return equivocation.by_proof(last, signed, prefix, proof, handovers)
    except EmotionetError:
        return None


def _keep(folder: Path, document: dict[str, Any]) -> None:
    """Once, and never more than ``MOST_REFUSED``: one says it all, and who forks a log could send any number."""
    refused = folder / "refused"
    try:
        refused.mkdir(exist_ok=True, mode=0o700)
        known = [one.read_bytes() for one in refused.glob("*.json")]
    except OSError as error:
        raise not_written(refused, error) from error
    data = equivocation.to_bytes(document)
    if data not in known and len(known) < MOST_REFUSED:
        with single_writer_file(refused / f"{len(known)}.json") as stream:
            stream.write(data)
