"""A published directory that the gateway's tests ask for."""

from __future__ import annotations

import pytest

from registry.assembly import Home
from registry.content.unixfs.importer import add_bytes
from registry.core.ipld.cid import CID
from tests.api.gateway.gateway_dags import DATA, directory, publish, put_cbor, put_tree, sharded


@pytest.fixture
def root(home: Home) -> CID:
    """A published directory: small files, one in parts, a sharded directory, a document with links."""
    leaf = add_bytes(home.store, b"leaf").cid
    shards, _ = sharded(home.store)
    tree = put_tree(home.store, DATA, 100, 3)
    document = put_cbor(home.store, {"file": leaf, "text": "x"})
    found = directory(
        home.store, {"plain.txt": leaf, "with space": leaf, "shards": shards, "tree": tree, "document": document}
    )
    publish(home, found)
    return found
