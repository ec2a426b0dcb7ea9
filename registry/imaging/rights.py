"""What a picture says of its own use: its XMP (PLUS data mining, TDM reservation, a Creative Commons licence), and its
content credentials.

The bytes are looked through for XMP packets, as for places (``location``): plain, in UTF-16, in the texts that Pillow
unpacks, in ImageMagick's hex. Nothing is raised; nothing is fetched: credentials that lie elsewhere, to which a picture
has only a link, are ``notRead``. What is said in several ways counts as the strictest.

Values are those of the standards, as they stand: http://ns.useplus.org/ldf/xmp/1.0/DataMining, the TDM reservation
protocol's ``tdm:reservation``, ``cc:license``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from registry.core.errors import InvalidInput
from registry.core.labeling.labeled_row import PICTURE
from registry.core.snapshots.use import NO, UNREAD, meaning
from registry.core.text.cleaning import clean
from registry.imaging import credentials
from registry.imaging.location import packets

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 64  # values of one property that are looked at
UNREADABLE = "unreadable"  # a value that no record can hold; as any that is not known, it counts as no
C2PA = f"{PICTURE}c2pa.training-mining"


class _Property(NamedTuple):
    """A property of XMP: its namespace, which must stand in the packet, and its name."""

    signal: str
    namespace: bytes
    found: re.Pattern[bytes]


def _property(signal: str, namespace: str, name: str) -> _Property:
    """As an attribute, as an element with rdf:resource, or as one with text, perhaps in a list."""
    tag = rf"(?:[\w.-]{{1,40}}:)?{name}"
    said = (
        rf"\s{tag}\s*=\s*[\"']([^\"'<]{{0,2000}})[\"']"
        rf"|<{tag}\s[^<>]{{0,200}}?\bresource\s*=\s*[\"']([^\"'<]{{0,2000}})[\"']"
        rf"|<{tag}\s*>\s*(?:<[^<>]{{1,200}}>\s*){{0,4}}([^<]{{0,2000}})<"
    )
    return _Property(PICTURE + signal, namespace.encode(), re.compile(said.encode()))


_PROPERTIES = (
    _property("iptc.data-mining", "ns.useplus.org/ldf/xmp/1.0", "DataMining"),
    _property("tdm-reservation", "www.w3.org/ns/tdmrep", "reservation"),
    _property("licence-text", "creativecommons.org/ns#", "license"),
)
_LINK = _property("c2pa.training-mining", "purl.org/dc/terms", "provenance")  # to credentials that lie elsewhere


def read_rights(data: bytes, opened: Image | None) -> dict[str, str]:
    """Values by signal (``labeled_row.SIGNALS`` that begin with ``picture.``); ``opened``: what Pillow made of it."""
    texts = list(packets(data, opened, [one.namespace for one in (*_PROPERTIES, _LINK)]))
    found = {one.signal: _strictest(one.signal, values) for one in _PROPERTIES if (values := list(_values(one, texts)))}
    credential = credentials.training_mining(data) if credentials.are_in(data) else None
    if credential is None and any(_values(_LINK, texts)):
        credential = UNREAD
    return {**found, C2PA: credential} if credential is not None else found


def _values(one: _Property, texts: Iterable[bytes]) -> Iterator[str]:
    for text in texts:
        if one.namespace not in text:
            continue
        for count, match in enumerate(one.found.finditer(text)):
            if count == MOST:
                return
            value = next(part for part in match.groups() if part is not None).decode("utf-8", "replace").strip()
            if value:
                yield value


def _strictest(signal: str, values: list[str]) -> str:
    cleaned = sorted({_clean(value) for value in values})
    return next((value for value in cleaned if meaning(signal, value) == NO), cleaned[0])


def _clean(value: str) -> str:
    try:
        return clean("right", value)
    except InvalidInput:
        return UNREADABLE
