"""The error tree: what went wrong decides what the caller may do next.

::

    EmotionetError
    +-- InvalidInput    what was given is malformed: mend it            (HTTP 400/422, exit 1; 2 for arguments)
    |   +-- UsageError  the command or the request itself is malformed  (HTTP 400, exit 2)
    +-- Untrusted       content or a signature does not verify: never retried, never used (HTTP 502/422, exit 1)
    +-- Unavailable     something could not be read or reached: retry   (HTTP 503, exit 3)
    +-- Conflict        it contradicts what is already there            (HTTP 409, exit 1)
    +-- NotFound        it is not here                                  (HTTP 404, exit 3)
    +-- Cancelled       somebody asked for it to stop                   (exit 1)

Invariant: every error that leaves a public function of this project is one of these; an adapter
translates foreign exceptions once, at its boundary. A message is one sentence that names what was given and
what is wrong with it; ``hint`` is the way out, an imperative sentence of its own.
"""

from __future__ import annotations

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class EmotionetError(Exception):
    """Base of all errors; ``code`` is a stable snake_case word for programs, ``hint`` the way out, if any."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if code is not None:
            self.code = code


class InvalidInput(EmotionetError):
    """What was given is malformed; giving it again changes nothing."""

    code = "invalid_input"


class UsageError(InvalidInput):
    """The command line or the request itself is malformed."""

    code = "usage"


class Untrusted(EmotionetError):
    """Bytes, a record or a signature do not verify. Never retried, never used."""

    code = "untrusted"


class Unavailable(EmotionetError):
    """Something could not be read or reached; trying again may help."""

    code = "unavailable"


class Conflict(EmotionetError):
    """It contradicts what is already there."""

    code = "conflict"


class NotFound(EmotionetError):
    """It is not here (which says nothing about other places)."""

    code = "not_found"


class Cancelled(EmotionetError):
    """Somebody asked for this to stop."""

    code = "cancelled"


def not_written(what: object, error: OSError) -> Unavailable:
    """What to raise where the system refused to write ``what``: ``disk_full`` where room is missing, otherwise
    ``not_written``."""
    said = f"{what} can't be written: {error.strerror or error}"
    if error.errno in NO_ROOM:
        return Unavailable(f"{said}; make room, then try again", code="disk_full")
    return Unavailable(said, code="not_written")
