"""Texts of many CIDs, where each is written or read a million times."""

from __future__ import annotations

from collections.abc import Sequence

from registry.core.ipld import multibase
from registry.core.ipld.cid import CID

_VERSION_1 = 1  # the first byte; a version 0 CID begins as its multihash does


def texts(cids: Sequence[bytes]) -> list[str]:
    """The canonical texts of CIDs, which are given as the bytes of valid ones."""
    if len({len(one) for one in cids}) == 1 and all(one[0] == _VERSION_1 for one in cids):
        return multibase.encode_base32_each(cids)
    return [str(CID.decode(one)) for one in cids]


def canonical(text: str) -> str:
    """The canonical text of the CID that this text is. ``InvalidInput`` (``invalid_cid``) where it is none."""
    cid = CID.parse(text)
    return text if text[0] == "b" or cid.version == 0 else str(cid)  # of both there is one text for a CID
