"""Where a followed issuer's newest entry is said to be: a registry's answer, the chain's anchors, or a CID.

Invariant: what a source says is only where to begin: nothing counts before the log that leads there was verified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from registry.content.sources.fetch import Through
from registry.content.sources.gateway import GatewayClient, check_gateway
from registry.core import log
from registry.core.errors import EmotionetError, NotFound, Unavailable, Untrusted, UsageError
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.ipld.cid import is_cid as is_cid
from registry.core.ipld.dag import Get
from registry.core.issuers import address_of
from registry.core.ports.store import BlockReader
from registry.workflows.parts import Parts

CHAIN = "chain"
NEWEST = 16  # anchors that are looked at, from the newest back: anybody may anchor what nobody can fetch


class Said(NamedTuple):
    """A head by a source; ``served``: it is said to be the newest, so that an older one is a step back."""

    source: str
    entry: CID
    served: bool


class _Head(msgspec.Struct, frozen=True):
    issuer: str
    entry: str


def check_source(text: str) -> str:
    """A source as it is kept: a CID, ``chain`` (or its CAIP-2 name), or an address. ``UsageError`` otherwise."""
    if is_cid(text.removeprefix("ipfs://").removeprefix("/ipfs/")):
        return str(CID.parse(text.removeprefix("ipfs://").removeprefix("/ipfs/")))
    return text if text == CHAIN or text.startswith("eip155:") else check_gateway(text)


def is_address(source: str) -> bool:
    """Whether blocks can be fetched from it."""
    return source.startswith(("http://", "https://"))


def head_of(parts: Parts, issuer: str, source: str, client: GatewayClient | None, get: Get) -> Said | None:
    """What a source says to be the newest entry; None where it is a gateway that knows of no logs.

    ``Unavailable``, ``NotFound``, ``Untrusted`` (``no_head``) for an answer that is none.
    """
    if is_address(source):
        assert client is not None
        return _served(issuer, source, client.document)
    if is_cid(source):
        return Said(source, CID.parse(source), served=False)
    return _anchored(parts, issuer, source, get)


def _served(issuer: str, source: str, ask: Callable[[str, str], bytes]) -> Said | None:
    try:
        said = msgspec.json.decode(ask(source, f"/api/v1/issuers/{issuer}/head"), type=_Head)
    except NotFound:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Untrusted(f"{source} answers with something that is no head of a log", code="no_head") from error
    if said.issuer != issuer or not is_cid(said.entry):
        raise Untrusted(f"{source} answers with the head of another log, or with none", code="no_head")
    return Said(source, CID.parse(said.entry), served=True)


def newest_anchored(parts: Parts, issuer: str, source: BlockReader) -> CID:
    """The newest entry of an issuer's that this home's chain anchors and ``source`` has. ``NotFound``."""
    said = _anchored(parts, issuer, CHAIN, Through(source, parts.store).get)
    if said is None:
        raise NotFound(f"{issuer} has anchored nothing on {parts.anchors.chain}", hint="name the log's newest entry.")
    return said.entry


def _anchored(parts: Parts, issuer: str, source: str, get: Get) -> Said | None:
    """The newest entry of the issuer's that is anchored and can be had."""
    if source not in (CHAIN, parts.anchors.chain):
        raise UsageError(f"this home reads {parts.anchors.chain}, not {source}", hint="set EMOTIONET_CHAIN_RPC.")
    best: tuple[int, CID] | None = None
    anchored = list(parts.anchors.anchored_by(address_of(issuer)))
    absent: EmotionetError | None = None
    for digest in anchored[: -NEWEST - 1 : -1]:
        cid = CID.v1(DAG_CBOR, digest)
        try:
            entry = log.read_entry(cid, get)
        except (NotFound, Untrusted, Unavailable) as error:
            absent = error
            continue
        if entry.issuer == issuer and (best is None or entry.seq > best[0]):
            best = (entry.seq, cid)
    if best is None and absent is not None:
        raise Unavailable(f"what {issuer} anchored can't be had: {absent}", hint="name a gateway that has it.")
    return None if best is None else Said(source, best[1], served=False)


def client_of(sources: Sequence[str], gateways: Sequence[str]) -> GatewayClient | None:
    """Where blocks are fetched: the sources that are addresses, then this home's own gateways; None where none is."""
    urls = list(dict.fromkeys([*filter(is_address, sources), *gateways]))
    return GatewayClient(urls) if urls else None
