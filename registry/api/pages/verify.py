"""The page that verifies a file in the reader's browser, as one file that can be saved.

Invariants: the answer is the same for everybody, with the policy that stands in the page too; there is no document at
this address, so ``Accept`` decides nothing.
"""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256

from litestar import HttpMethod, Response, route

from registry.api.pages.base.session import AnyRequest
from registry.web.verify.verify import policy, verify_page


@cache
def _page() -> tuple[bytes, bytes, str]:
    """As it is, packed, and its entity tag."""
    whole = verify_page().encode()
    return whole, gzip.compress(whole, mtime=0), f'"{sha256(whole).hexdigest()[:32]}"'


@route("/verify", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False, sync_to_thread=True)
def show_verifier(request: AnyRequest) -> Response[bytes]:
    """The page, compressed where the request takes gzip."""
    whole, packed, tag = _page()
    headers = {
        "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-cache",
        "ETag": tag,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type="text/html", headers={**headers, "Content-Encoding": "gzip"})
    return Response(whole, media_type="text/html", headers=headers)


HANDLERS = (show_verifier,)
