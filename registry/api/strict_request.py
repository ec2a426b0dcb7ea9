"""Requests whose bodies are read strictly.

Invariant: a body that is no JSON, ends too early or states a key twice is the sender's fault, and says so.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Any

from litestar import Request
from litestar.exceptions import InternalServerException, SerializationException

from registry.api.problems import HttpProblem, told_by
from registry.core.text.json_faults import NO_CHARACTER, half_pair, repeated_key

log = logging.getLogger("registry.api")


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body, where it is no JSON or ends too early, is the sender's fault, however it is broken."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body's pieces. ``HttpProblem`` 400 (``client_gone``), which nobody reads, for a client that hung up."""
        pieces = super().stream()
        while True:
            try:
                piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except InternalServerException as error:  # the framework's only one here: it takes that for a defect
                log.info("%s %s: the client went away", self.method, self.url.path, extra=told_by(self))
                raise HttpProblem(400, "the client went away before its body had come", code="client_gone") from error
            yield piece

    async def json(self) -> Any:
        """The decoded body. ``HttpProblem`` 400 for bytes that are no UTF-8, nesting without end, half of a surrogate
        pair and a key that is stated twice (``repeated_key``)."""
        try:
            found = await super().json()
        except UnicodeDecodeError as error:
            wrong = _not_utf_8(await self.body())
            raise HttpProblem(400, f"the body is not UTF-8: {wrong}", hint="send JSON as UTF-8.") from error
        except RecursionError as error:
            raise HttpProblem(400, "the body nests too deep", hint="nest less.") from error
        except SerializationException as error:
            at = half_pair(await self.body())
            reason = f"the body is not JSON: {error}" if at is None else f"{at or 'the body'} holds {NO_CHARACTER}"
            raise HttpProblem(400, reason) from error
        if (key := repeated_key(await self.body())) is not None:
            raise HttpProblem(400, f"the body states {key} twice", code="repeated_key", hint="state each key once.")
        return found


def _not_utf_8(body: bytes) -> str:
    """The first byte that begins no letter; the decoder counts from the text's own beginning."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} (0x{body[error.start]:02x}) begins no letter"
    return "a text in it can't be read"
