"""Objects by name in an S3-compatible bucket, through obstore; no other module imports that client.

Invariants: an object is there whole or not at all; ``create`` succeeds for one caller, whoever else tries; what is
absent is an answer (None), what could not be asked is ``Unavailable``. Bytes come as the service gave them: whoever
reads them verifies them. Requests that failed on the way, and answers 429, 500 and 503, are tried again for a while.
Credentials are in no message and no text form.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar

import obstore
from obstore import exceptions
from obstore.store import S3Store as Client

from registry.core.errors import Unavailable, UsageError

T = TypeVar("T")
QUICKLY = 5.0  # seconds
_PAGE = 1000  # names that a service lists at once
PART = 8 << 20  # bytes of one part of an object that is sent in several
_PLACE = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.\-]{1,62})(?:/(?P<prefix>[A-Za-z0-9._/\-]{0,200}))?")
_ROLES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")


class Object(NamedTuple):
    """What a listing says of one; ``modified`` in seconds since 1970, by the service's clock."""

    name: str
    size: int
    modified: float


@dataclass(frozen=True)
class Place:
    """Where a bucket lies and who asks. ``endpoint`` None: Amazon's of the region."""

    url: str  # s3://bucket/prefix
    endpoint: str | None = None
    region: str | None = None
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    retries: int = 8
    seconds: float = 30.0  # for one answer; all tries together get twice as long


class Bucket:
    """All objects whose names begin with the place's prefix, which the names here leave out."""

    def __init__(self, place: Place) -> None:
        """``UsageError`` for a place that is none; nothing is asked yet."""
        found = _PLACE.fullmatch(place.url)
        if found is None:
            raise UsageError(
                f"EMOTIONET_S3 is {place.url!r}, which names no bucket", hint="write it like s3://bucket/prefix."
            )
        self.name = f"the bucket {place.url}"
        self._client = Client(
            found["bucket"],
            prefix=(found["prefix"] or "").strip("/") or None,
            config=_config(place),
            client_options={
                "allow_http": (place.endpoint or "").startswith("http://"),
                "connect_timeout": timedelta(seconds=min(5.0, place.seconds)),
                "timeout": timedelta(seconds=place.seconds),
            },
            retry_config={
                "max_retries": place.retries,
                "retry_timeout": timedelta(seconds=2 * place.seconds),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
        )

    def _asked(self, what: str, ask: Callable[[], T]) -> T | None:
        """What is answered; None where there is no such object. What failed at once is asked a second time: the client
        does not try again what broke off in an answer's middle."""
        begun: float | None = time.monotonic()
        while True:
            try:
                return ask()
            except FileNotFoundError:
                return None
            except (exceptions.UnauthenticatedError, exceptions.PermissionDeniedError) as error:
                hint = "check EMOTIONET_S3_KEY, EMOTIONET_S3_SECRET and what they may do."
                raise Unavailable(f"{self.name} refuses {what}", code="s3_refused", hint=hint) from error
            except (exceptions.BaseError, ValueError, OSError) as error:
                if begun is None or time.monotonic() - begun > QUICKLY:
                    hint = "start it, or correct EMOTIONET_S3 and EMOTIONET_S3_ENDPOINT."
                    raise Unavailable(f"{self.name} did not do this: {what}", code="s3_away", hint=hint) from error
                begun = None

    def put(self, name: str, pieces: Sequence[bytes]) -> None:
        """Write an object whose name nobody else uses; a large one in parts."""
        if sum(map(len, pieces)) <= PART:
            self.replace(name, b"".join(pieces))
        else:
            self._written(name, lambda: obstore.put(self._client, name, iter(_parts(pieces)), chunk_size=PART))

    def create(self, name: str, data: bytes) -> bool:
        """Write an object unless one of this name is there; whether it was not. Where an answer was lost it may be the
        caller's own that is there."""

        def write() -> bool:
            try:
                obstore.put(self._client, name, data, mode="create", use_multipart=False)
            except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
                return False
            return True

        return self._written(name, write)

    def replace(self, name: str, data: bytes) -> None:
        """Write an object whatever was there."""
        self._written(name, lambda: obstore.put(self._client, name, data, use_multipart=False))

    def _written(self, name: str, write: Callable[[], T]) -> T:
        done = self._asked(f"write {name}", write)
        if done is None:
            raise Unavailable(f"{self.name} is not there", code="s3_no_bucket", hint="make the bucket first.")
        return done

    def get(self, name: str) -> bytes | None:
        """An object's bytes."""
        return self._asked(f"read {name}", lambda: bytes(obstore.get(self._client, name).bytes()))

    def size(self, name: str) -> int | None:
        """How many bytes an object has."""
        return self._asked(f"look at {name}", lambda: int(obstore.head(self._client, name)["size"]))

    def read(self, name: str, offset: int, length: int) -> bytes | None:
        """A piece of an object; fewer bytes where it ends before."""
        found = self.read_many(name, [(offset, length)])
        return None if found is None else found[0]

    def read_many(self, name: str, pieces: Sequence[tuple[int, int]]) -> list[bytes] | None:
        """Pieces of one object, in as few requests as their places allow."""
        asked = [(offset, length) for offset, length in pieces if length]
        if not asked:
            return [b""] * len(pieces)
        starts, lengths = [one[0] for one in asked], [one[1] for one in asked]
        try:
            found = self._asked(
                f"read {name}", lambda: obstore.get_ranges(self._client, name, starts=starts, lengths=lengths)
            )
        except Unavailable:
            size = self.size(name)  # a place behind its end is refused like any other request that makes no sense
            if size is None or all(offset + length <= size for offset, length in asked):
                raise
            return [self.read(name, *one) or b"" if one[0] < size else b"" for one in pieces]
        if found is None:
            return None
        given = iter(found)
        return [bytes(next(given)) if length else b"" for _, length in pieces]

    def list(self, prefix: str, after: str | None = None, most: int | None = None) -> Iterator[Object]:
        """Objects whose names begin so (a folder's name and a slash), in the order of their names; those behind
        ``after``, and no more than ``most``."""
        while True:
            page = self._asked(f"list {prefix}", partial(self._page, prefix, after, min(most or _PAGE, _PAGE)))
            yield from page or ()
            if most or not page or len(page) < _PAGE:
                return
            after = page[-1].name

    def _page(self, prefix: str, after: str | None, most: int) -> tuple[Object, ...]:
        listed = obstore.list(self._client, prefix=prefix, offset=after, chunk_size=most)
        return tuple(
            Object(one["path"], int(one["size"]), one["last_modified"].timestamp()) for one in next(iter(listed), ())
        )

    def delete(self, names: Iterable[str]) -> None:
        """Remove objects; no-op for those that are not there."""
        for name in names:
            self._asked(f"delete {name}", partial(obstore.delete, self._client, name))


def _config(place: Place) -> Any:
    """What the client is told; without keys of our own it looks for those of the machine's role."""
    if place.key and place.secret:
        given = {"access_key_id": place.key, "secret_access_key": place.secret}
    elif any(os.environ.get(name) for name in (*_ROLES, "AWS_ACCESS_KEY_ID")):
        given = {}
    else:
        raise UsageError(
            "the bucket's credentials are missing",
            code="s3_credentials",
            hint="set EMOTIONET_S3_KEY_FILE and EMOTIONET_S3_SECRET_FILE, or EMOTIONET_S3_KEY and EMOTIONET_S3_SECRET.",
        )
    if place.endpoint:
        given["endpoint"] = place.endpoint.rstrip("/")
    return given | {"region": place.region or "us-east-1"}


def _parts(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of about a mebibyte: small ones cost a call each."""
    waiting, size = list[bytes](), 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= 1 << 20:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
