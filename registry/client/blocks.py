"""Blocks to a server, those alone that it lacks; and from it, each hashed."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator, Sequence

import httpx
import msgspec

from registry.client.connection import Connection, WrongAnswer, document
from registry.content.stores.verified import VerifiedSource, verified_block
from registry.core.ipld import car
from registry.core.ipld.cid import CID, MAX_BLOCK

CAR_TYPE = "application/vnd.ipld.car"
ASKED = 10_000  # CIDs of one question
Block = tuple[CID, bytes]


class _Missing(msgspec.Struct, frozen=True):
    missing: list[str]
    withdrawn: list[str] = []


class _Taken(msgspec.Struct, frozen=True):
    roots: list[str]
    blocks: int


class Blocks(VerifiedSource):
    """Blocks of one server. As a ``BlockReader`` it fetches what the server gives out."""

    def __init__(self, connection: Connection, stopped: threading.Event | None = None) -> None:
        """Once ``stopped`` is set, nothing more is asked or sent."""
        self._connection, self._stopped = connection, stopped

    def missing(self, cids: Iterable[CID]) -> set[CID]:
        """Which of these roots have to be sent; what was withdrawn has not."""
        asked = list(dict.fromkeys(cids))
        found: set[CID] = set()
        for start in range(0, len(asked), ASKED):
            part = asked[start : start + ASKED]
            names = {str(cid): cid for cid in part}
            answer = self._connection.ask(
                "POST",
                "/api/v1/blocks/missing",
                document(_Missing),
                content=msgspec.json.encode({"cids": list(names)}),
                headers={"Content-Type": "application/json"},
                stopped=self._stopped,
            )
            found |= {names[text] for text in answer.missing if text in names}
        return found

    def send(self, roots: Sequence[CID], blocks: Iterable[Block]) -> int:
        """Send all below ``roots``; how many bytes that took. They are held in memory."""
        stream = io.BytesIO()
        car.write(list(roots), blocks, stream)
        body = stream.getvalue()
        wanted = sorted({str(root) for root in roots})

        def read(pieces: Iterator[bytes], headers: httpx.Headers) -> None:
            taken = document(_Taken)(pieces, headers)
            if sorted(set(taken.roots)) != wanted:
                raise WrongAnswer("the answer is about other blocks than were sent")

        headers = {"Content-Type": CAR_TYPE}
        self._connection.ask("POST", "/api/v1/blocks", read, content=body, headers=headers, stopped=self._stopped)
        return len(body)

    def fetch_block(self, cid: CID) -> bytes:
        """The verified bytes. ``NotFound`` if the server does not give them out, ``Untrusted`` if they are wrong."""
        server = self._connection.server

        def read(pieces: Iterator[bytes], _: httpx.Headers) -> bytes:
            data = b""
            for piece in pieces:
                data += piece
                if len(data) > MAX_BLOCK:
                    raise WrongAnswer(f"{server} sends more bytes than a block may have")
            return data

        headers = {"Accept": "application/vnd.ipld.raw"}
        data = self._connection.ask("GET", f"/ipfs/{cid}", read, headers=headers, params={"format": "raw"})
        return verified_block(cid, data, server, "ask another server, or a gateway.")
