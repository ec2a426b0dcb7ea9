"""Weights in the store: a UnixFS directory of the files that a method has, written and read here alone.

Invariant: what lies beside those files is never read; a store's corrupt block counts as missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from registry.content.unixfs import importer, reader
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID
from registry.core.ports.store import BlockReader
from registry.core.weights import MODEL


def keep_weights(sink: importer.Sink, files: Mapping[str, bytes]) -> CID:
    """Write a folder of files (of whatever format a method exports); its CID."""
    added = {name: importer.add_bytes(sink, data) for name, data in sorted(files.items())}
    return importer.add_directory(sink, {name: (one.cid, one.tsize) for name, one in added.items()}).cid


def read_weights(store: BlockReader, directory: CID, names: Sequence[str]) -> dict[str, bytes]:
    """Files by name, of ``MethodCard.files``. ``InvalidInput`` if one is missing, ``NotFound`` if a block is."""
    return {name: reader.read_whole(store, cid) for name, cid in _files(store, directory, names).items()}


def read_model_json(store: BlockReader, directory: CID) -> bytes:
    """What stands beside the weights; they are not read."""
    return reader.read_whole(store, _files(store, directory, (MODEL,))[MODEL])


def _files(store: BlockReader, directory: CID, names: Sequence[str]) -> dict[str, CID]:
    there = reader.list_directory(store, directory)
    missing = [name for name in names if name not in there]
    if missing:
        raise InvalidInput(f"{directory} holds no {' and no '.join(missing)}", hint="give a directory of weights.")
    return {name: there[name].cid for name in names}
