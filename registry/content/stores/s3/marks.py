"""Pins, heads of logs, and the bucket's own name: objects whose names say it all, so that none can be half set.

Invariant: a log's head only goes forward: the newest is the first of its folder, whatever else lies there.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from registry.content.stores.s3.bucket import Bucket
from registry.core.errors import Unavailable, UsageError
from registry.core.ipld.cid import CID

_REPOSITORY = "repository"  # the object that gives the bucket a name of its own
_FAR = 10**12  # more than any log's length: newer heads are listed first


class Marks:
    """Of one bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def is_pinned(self, cid: CID) -> bool:
        """Whether there is a pin."""
        return self._bucket.size(f"pins/{cid}") is not None

    def set_pin(self, cid: CID, wanted: bool) -> None:
        """Write a pin down, or forget it."""
        if wanted:
            self._bucket.replace(f"pins/{cid}", b"pinned")
        else:
            self._bucket.delete([f"pins/{cid}"])

    def pins(self) -> Iterator[CID]:
        """Every pinned root."""
        for one in self._bucket.list("pins/"):
            yield CID.parse(one.name.removeprefix("pins/"))

    def log_head(self, issuer: str) -> tuple[int, CID] | None:
        """The newest entry of an issuer's log that was put here."""
        for one in self._bucket.list(_heads(issuer), most=1):
            place, entry = one.name.removeprefix(_heads(issuer)).split("-")
            return _FAR - int(place), CID.parse(entry)
        return None

    def set_log_head(self, issuer: str, seq: int, entry: CID) -> None:
        """Remember it, and let go of those before."""
        known = self.log_head(issuer)
        if known is not None and known[0] >= seq:
            return
        name = f"{_heads(issuer)}{_FAR - seq:013}-{entry}"
        self._bucket.replace(name, b"head")
        self._bucket.delete(one.name for one in list(self._bucket.list(_heads(issuer), after=name)))


def _heads(issuer: str) -> str:
    return f"heads/{issuer.rsplit(':', 1)[-1]}/"


def repository_name(bucket: Bucket) -> str:
    """The bucket's own name, which is made where nothing lies yet. ``UsageError`` unless writes can be conditional."""
    found = bucket.get(_REPOSITORY)
    if found is None:
        made = secrets.token_hex(16).encode()
        bucket.create(_REPOSITORY, made)
        if bucket.create(_REPOSITORY, b"another"):
            bucket.delete([_REPOSITORY])
            raise UsageError(
                f"{bucket.name} lies at a service that does not honour If-None-Match",
                code="s3_unconditional",
                hint="use one that does: machines that share it would overwrite each other's commits.",
            )
        found = bucket.get(_REPOSITORY) or b""
    if len(found) != 32 or not found.isalnum():
        raise Unavailable(f"{bucket.name} gives a damaged {_REPOSITORY}", code="s3_damaged", hint="try again.")
    return found.decode("ascii", "replace")
