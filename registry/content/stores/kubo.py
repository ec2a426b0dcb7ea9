"""Kubo as a block store, through ipfshttpclient; no other module imports that client.

Invariants: the node is never trusted: every block from it is hashed, and after sending blocks the node is asked whether
it has each. It is only asked for blocks that it holds (offline), so a missing block is an answer and not a wait. Blocks
are collected and sent as one CAR, so their CIDs do not depend on the node's settings; until ``flush`` only this process
can read them.

What the client lacks (version 0.8.0a2, measured against Kubo 0.42): it checks no version unless ``connect`` is used,
asserts on more than one answer unless ``stream``, and ignores errors in trailers.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipfshttpclient
from ipfshttpclient import exceptions

from registry.content.stores.asked_together import AskedTogether
from registry.content.stores.kubo_network import KuboNetwork
from registry.content.stores.kubo_removal import remove
from registry.content.stores.multiaddress import multiaddress
from registry.content.stores.removal import Roots
from registry.core.errors import InvalidInput, NotFound, Unavailable
from registry.core.ipld import car
from registry.core.ipld.cid import CID, raw_cid
from registry.core.ipld.dag import check_present

# the client passes an argument that urllib3 2 takes and no longer needs
warnings.filterwarnings("ignore", message="The 'strict' parameter", category=FutureWarning)
BUFFER = 32 << 20  # bytes that wait for a flush
SECONDS = 60.0  # for one answer
_ABSENT = re.compile(r"not found|could not find", re.IGNORECASE)
_MISSING = re.compile(r"could not find ([A-Za-z0-9]{40,120})")


class KuboStore(AskedTogether):
    """Implements ``registry.core.ports.store.BlockStore`` on the RPC of a Kubo node."""

    where = "in the IPFS node"

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = multiaddress(address)
        self._local = threading.local()
        self._guard = threading.RLock()
        self._waiting: dict[bytes, tuple[CID, bytes]] = {}
        self._size = 0

    @property
    def _client(self) -> Any:
        """A client of this thread: its session keeps the connection."""
        client = getattr(self._local, "client", None)
        if client is None:
            client = ipfshttpclient.Client(self._address, timeout=SECONDS, chunk_size=1 << 20, session=True)
            self._local.client = client
            self._local.closing = weakref.finalize(client, client._client.close_session)
        return client

    def close(self) -> None:
        """Close this thread's connection, and those for many requests. What was not flushed is not kept."""
        super().close()
        closing = getattr(self._local, "closing", None)
        if closing is not None:
            closing()
            del self._local.client, self._local.closing

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except exceptions.ErrorResponse as error:
            if _ABSENT.search(str(error)):
                raise NotFound(
                    f"{what} is not held by the IPFS node {self._address}", hint="import it there first."
                ) from error
            raise Unavailable(f"the IPFS node {self._address} refused: {str(error)[:300]}") from error
        except exceptions.Error as error:
            raise Unavailable(
                f"the IPFS node {self._address} can't be reached or does not answer ({type(error).__name__})",
                hint="start it, or correct EMOTIONET_IPFS_API.",
            ) from error

    def network(self) -> KuboNetwork:
        """A reader that lets the node look for blocks among its peers."""
        return KuboNetwork(self)

    def fetch_block(self, cid: CID, offline: bool) -> bytes:
        """What the node gives for a CID, unverified."""
        with self._asking(f"block {cid}"):
            return bytes(self._client.block.get(str(cid), offline=offline))

    def holds(self, cid: CID) -> bool:
        """Whether the node holds a block, or it waits here."""
        if cid.multihash in self._waiting:
            return True
        try:
            with self._asking(f"block {cid}"):
                self._client.block.stat(str(cid), offline=True)
        except NotFound:
            return False
        return True

    def find(self, cid: CID) -> bytes | None:
        """The bytes that the node gives, or that wait here."""
        waiting = self._waiting.get(cid.multihash)
        if waiting:
            return waiting[1]
        ahead = self._ahead.find(cid)
        if ahead is None:
            ahead = self.fetch_block(cid, offline=True)
            self._ahead.keep(cid, ahead)
        return ahead

    def damaged(self, cid: CID) -> NotFound:
        """Remembered too: the node has to drop it before it takes the block again."""
        self._ahead.forget(cid)
        self._damaged.add(cid.multihash)
        return super().damaged(cid)

    def write_block(self, cid: CID, data: bytes) -> bool:
        """Take a block as it is, until ``flush`` for this process alone; whether it did not wait already."""
        if cid.multihash in self._waiting:
            return False
        with self._guard:
            if cid.multihash in self._damaged:
                self.drop(cid)
            if self._size + len(data) > BUFFER:
                self.flush()
            self._waiting[cid.multihash] = (cid, data)
            self._size += len(data)
        return True

    def drop(self, cid: CID) -> None:
        """Remove a block, which the node would keep if it is damaged. ``Unavailable`` where it is pinned."""
        with self._asking(f"block {cid}"):
            answers = self._client._client.request("/block/rm", (str(cid),), decoder="json", opts={"force": "true"})
        if any(answer.get("Error") for answer in answers):
            said = f"block {cid} is damaged in the IPFS node, and pinned there"
            raise Unavailable(said, hint="run `ipfs repo verify --drop` there, then import.")
        self._damaged.discard(cid.multihash)

    def flush(self) -> None:
        """Send what waits as one CAR, which the node writes and flushes, and ask that it has every block."""
        with self._guard:
            if not self._waiting:
                return
            stream, blocks = io.BytesIO(), list(self._waiting.values())
            car.write([blocks[0][0]], blocks, stream)
            stream.seek(0)
            options = {"pin-roots": "false", "stats": "true", "fast-provide-root": "false"}
            with self._asking("the CAR"):
                answers = list(self._client.dag.imprt(stream, stream=True, opts=options))
            taken = sum(answer.get("Stats", {}).get("BlockCount", 0) for answer in answers)
            if taken != len(blocks):
                said = f"the IPFS node {self._address} took {taken} of {len(blocks)} blocks"
                raise Unavailable(said, hint="try again.")
            self._waiting, self._size = {}, 0

    def cids(self) -> Iterator[CID]:
        """Every block of the node, as a raw version 1 CID."""
        with self._asking("the list of blocks"):
            for answer in self._client.unstable.refs.local(stream=True):
                yield raw_cid(CID.parse(answer["Ref"]).multihash)

    def pin(self, cid: CID) -> None:
        """Keep a closure from the node's garbage collection; said only after the node lists the pin."""
        self.flush()
        try:
            with self._asking(f"the closure of {cid}"):
                self._client.pin.add(str(cid), recursive=True, offline=True, timeout=None)
        except NotFound as error:
            check_present(self, [cid])  # names the block that is missing
            missing = _MISSING.search(str(error.__cause__))
            raise NotFound(f"block {missing[1] if missing else cid} is not held by the IPFS node") from error
        if cid not in set(self.pins()):
            raise Unavailable(
                f"the IPFS node {self._address} reported that it pinned {cid}, but it did not", hint="try again."
            )

    def unpin(self, cid: CID, *, recursive: bool = True) -> None:
        """Forget a pin; no-op if there is none."""
        try:
            with self._asking(f"a pin of {cid}"):
                self._client.pin.rm(str(cid), recursive=recursive)
        except Unavailable as error:
            if "not pinned" not in str(error):
                raise

    def pins(self) -> Iterator[CID]:
        """Every root that the node pins with all below it; and what it pins alone since something below was removed."""
        for kind in ("recursive", "direct"):
            with self._asking("the list of pins"):
                for answer in self._client.pin.ls(type=kind, stream=True, opts={"stream": "true"}):
                    if answer.get("Cid"):
                        yield CID.parse(answer["Cid"])

    def pinned_by(self, cid: CID) -> tuple[str, CID] | None:
        """How a block is pinned (``recursive``, ``direct``, ``indirect``), and the root to which the pin belongs."""
        try:
            with self._asking(f"a pin of {cid}"):
                found = self._client.pin.ls(str(cid))["Keys"]
        except (NotFound, Unavailable) as error:
            if isinstance(error, Unavailable) and "not pinned" not in str(error):
                raise
            return None
        how = next(iter(found.values()))["Type"]
        kind, _, root = how.partition(" through ")
        return kind, CID.parse(root or str(cid))

    def pin_alone(self, cid: CID) -> None:
        """Keep one block, whatever is below it."""
        with self._asking(f"block {cid}"):
            self._client.pin.add(str(cid), recursive=False, offline=True, timeout=None)

    def remove(self, denied: Sequence[CID], listed: Roots) -> int:
        """Delete what is taken back, from the node's pins too."""
        self.flush()
        return remove(self, denied, listed)

    def log_head(self, issuer: str) -> tuple[int, CID] | None:
        """The newest entry of an issuer's log that was put here: a file of the node's own folder (MFS)."""
        try:
            with self._asking("the head of a log"):
                seq, entry = bytes(self._client.files.read(_head_path(issuer))).decode("ascii").split()
            return int(seq), CID.parse(entry)
        except Unavailable as error:
            if "does not exist" not in str(error):
                raise
        except (NotFound, ValueError, InvalidInput):  # a node that was killed may have left half a file
            pass
        return None

    def set_log_head(self, issuer: str, seq: int, entry: CID) -> None:
        """Remember it; it only goes forward where one writer at a time sets it (the log's lock)."""
        known = self.log_head(issuer)
        if known is not None and known[0] >= seq:
            return
        with self._asking("the head of a log"):
            data = io.BytesIO(f"{seq} {entry}".encode())
            self._client.files.write(_head_path(issuer), data, create=True, truncate=True, opts={"parents": "true"})


def _head_path(issuer: str) -> str:
    return f"/emotionet/log/{issuer.rsplit(':', 1)[-1]}"
