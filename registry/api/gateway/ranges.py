"""Byte ranges and validators of RFC 9110 for content that never changes, because its address is its hash.

Invariants: only one range (a request for several is answered with the whole, as the RFC allows). A range that can't be
satisfied is 416 with the size. ``If-Range`` matches only the exact ETag. If-None-Match is answered before any byte is
read. No success status (200, 206) is sent before the first piece was read and verified.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from litestar.response import Stream
from litestar.response.base import Response

from registry.api.problems import HttpProblem

IMMUTABLE = "public, max-age=29030400, immutable"
HEADERS = ("range", "if-range", "if-none-match")  # what a request may say about them
_RANGE = re.compile(r"bytes=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*\Z", re.ASCII)
_ETAG = re.compile(r'(?:W/)?"([^"]*)"|(\*)', re.ASCII)


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte (inclusive) that ``Range`` asks for, None where the whole is to be sent.

    ``HttpProblem`` 416 for a range that begins behind the end.
    """
    match = _RANGE.match(header) if header else None
    if match is None or match[1] == match[2] == "":
        return None  # no range, several, or another unit: a server may send the whole
    if match[1] == "":
        first, last = max(0, size - int(match[2])), size - 1
        satisfiable = int(match[2]) > 0 and size > 0
    else:
        first, last = int(match[1]), min(int(match[2]) if match[2] else size - 1, size - 1)
        if match[2] and int(match[2]) < first:
            return None  # malformed: as if it were not there
        satisfiable = first < size
    if not satisfiable:
        raise HttpProblem(
            416,
            f"the content has {size} bytes: ask for a range within them",
            headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"},
        )
    return first, last


def etag_matches(header: str | None, etag: str) -> bool:
    """Whether ``If-None-Match`` names this ETag (its value without quotes), or any."""
    return header is not None and any(match[2] or match[1] == etag for match in _ETAG.finditer(header))


def byte_range(pieces: Iterator[bytes], first: int, last: int) -> Iterator[bytes]:
    """The bytes from ``first`` to ``last`` (inclusive) of a sequence of pieces."""
    position = 0
    for piece in pieces:
        part = piece[max(0, first - position) : last + 1 - position]
        position += len(piece)
        if part:
            yield part
        if position > last:
            return


def immutable_headers(etag: str, name: str | None = None, *, weak: bool = False) -> dict[str, str]:
    """Headers of content that is named by its hash; ``name`` makes it an attachment, whatever signs it has."""
    headers = {"ETag": f'{"W/" if weak else ""}"{etag}"', "Cache-Control": IMMUTABLE}
    return headers if name is None else {**headers, "Content-Disposition": _attachment(name)}


def _attachment(name: str) -> str:
    """RFC 6266: the name in ASCII, and in UTF-8 where that is another; never a path, never the header's end."""
    name = re.sub(r"[/\\\x00-\x1f\x7f-\x9f]", "_", name)
    plain = re.sub(r'[^ -~]|["%]', "_", name)
    return f'attachment; filename="{plain}"' + ("" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}")


def not_modified(headers: dict[str, str]) -> Response[None]:
    """304: who asks has it already."""
    return Response(None, status_code=304, headers=headers)


def started(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, the first already read: what is missing or damaged shows before the answer begins."""
    first = next(pieces, None)
    return iter(()) if first is None else chain((first,), pieces)


def send(
    pieces: Iterator[bytes] | bytes,
    size: int,
    *,
    etag: str,
    media_type: str,
    name: str,
    request_headers: dict[str, str | None],
    head: bool,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Response[Any]:
    """Answer with ``size`` bytes, all there or in pieces, or the part that Range asks for; ``request_headers`` by
    lower-case name, ``more`` headers of the answer."""
    headers = {**more, **immutable_headers(etag, name), "Accept-Ranges": "bytes"}
    if etag_matches(request_headers.get("if-none-match"), etag):
        return not_modified(headers)
    condition = request_headers.get("if-range")
    wanted = None if condition is not None and condition != f'"{etag}"' else request_headers.get("range")
    found = parse_range(wanted, size) if not head else None  # RFC 9110: Range is defined for GET alone
    status = 200
    if found is not None:
        first, last = found
        pieces = pieces[first : last + 1] if isinstance(pieces, bytes) else byte_range(pieces, first, last)
        status = 206
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        size = last + 1 - first
    headers["Content-Length"] = str(size)
    if isinstance(pieces, bytes):
        whole = b"" if head else pieces
        return Response(whole, status_code=status, headers=headers, media_type=media_type)
    body = iter(()) if head else started(pieces)
    return Stream(body, status_code=status, headers=headers, media_type=media_type)
