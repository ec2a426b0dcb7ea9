"""A registry that says whatever a test wants: a log made by hand, behind a server that misbehaves on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from registry.core import log, records
from registry.core.ipld.cid import CID, DAG_CBOR, cid_of
from registry.core.table import tables
from tests.support.anchors.signer import MemorySigner

NOW = "2026-11-23T15:00:00Z"


@dataclass
class Teller:
    """An issuer with blocks in memory; ``entries`` are its log, ``head`` is what its server says to be the newest."""

    key: MemorySigner
    blocks: dict[CID, bytes] = field(default_factory=dict)
    entries: list[CID] = field(default_factory=list)
    head: CID | None = None
    answer: Callable[[CID], bytes | None] | None = None  # instead of the block; None: 404
    said: bytes | None = None  # instead of the head's document
    silent_of_logs: bool = False  # a gateway: it has blocks, and no document

    def put(self, data: bytes) -> CID:
        cid = cid_of(data, DAG_CBOR)
        self.blocks[cid] = data
        return cid

    def put_record(self, record: records.Record) -> CID:
        return self.put(records.encode(record))

    def say(self, record: records.Record | CID, **changed: Any) -> CID:
        """Sign the next entry; ``changed`` fields are signed as they are, right or wrong."""
        if not self.entries and not isinstance(record, records.Issuer) and not changed:
            self.say(records.Issuer(chains=()))
        cid = record if isinstance(record, CID) else self.put_record(record)
        seq, before = len(self.entries), self.entries[-1] if self.entries else None
        entry = records.Entry(
            issuer=self.key.did,
            key=self.key.public_key,
            v=1,
            authority=None,
            seq=seq,
            prev=None if before is None else bytes(before),
            log=None if before is None else bytes(self.entries[0]),
            record=cid,
            issued_at=NOW,
            alg=log.ALG,
            signature=b"",
        )
        entry = msgspec.structs.replace(entry, **changed)
        if "signature" not in changed:
            entry = msgspec.structs.replace(entry, signature=self.key.sign(log.signing_bytes(entry)))
        self.entries.append(self.put_record(entry))
        self.head = self.entries[-1]
        return self.entries[-1]

    def contribution(self, *rows: dict[str, Any], issuer: str | None = None) -> records.Contribution:
        shape = records.CONTRIBUTION_ROWS
        table = tables.build(
            shape, [[row[name] for name in shape.columns] for row in rows], lambda cid, data: self._keep(cid, data)
        )
        return records.Contribution(issuer=issuer or self.key.did, rows=table)

    def _keep(self, cid: CID, data: bytes) -> None:
        self.blocks[cid] = data

    def profile(self, name: str) -> records.Profile:
        return records.Profile(name=name, url=None, contact=None)


def row(sha256: bytes, cid: CID, label: str = "feliz", contributor: str = "ana") -> dict[str, Any]:
    """A contribution's row."""
    empty: dict[str, Any] = {"boxes": [], "attributes": {}, "sources": {}, "rights": {}}
    none = dict.fromkeys(("subject", "consent", "replaces", "signature"))
    named = {"sha256": sha256, "cid": bytes(cid), "label": label, "contributor": contributor}
    return {**empty, **none, **named, "size": 7, "licence": "CC-BY-4.0"}


class _Answer(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        teller: Teller = self.server.teller
        if self.path.startswith("/ipfs/"):
            cid = CID.parse(self.path.removeprefix("/ipfs/").partition("?")[0])
            body = teller.blocks.get(cid) if teller.answer is None else teller.answer(cid)
        elif teller.silent_of_logs:
            body = None
        else:
            head = {"issuer": teller.key.did, "entry": str(teller.head), "seq": len(teller.entries) - 1}
            body = json.dumps(head).encode() if teller.said is None else teller.said
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")


@contextmanager
def telling(teller: Teller) -> Iterator[str]:
    """The address of its server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.daemon_threads = True
    server.teller = teller  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
