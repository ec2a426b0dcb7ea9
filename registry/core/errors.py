"""The error tree: what went wrong decides what the caller may do next.

::

    EmotionetError
    +-- InvalidInput    what was given is malformed: mend it            (HTTP 400/422, exit 1; 2 for arguments)
    |   +-- UsageError  the command or the request itself is malformed  (HTTP 400, exit 2)
    |   +-- NewerVersion  written by a newer version of this program (as InvalidInput; an audit: not checked)
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
from typing import Any

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class EmotionetError(Exception):
    """Base of all errors; ``code`` is a stable snake_case word for programs, ``hint`` the way out, if any."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        """As it is, whatever its class is made with: an error may pass from one process to another."""
        return _again, (type(self), self.args), self.__dict__


def _again(kind: type[EmotionetError], said: tuple[Any, ...]) -> EmotionetError:
    error = kind.__new__(kind, *said)
    error.args = said
    return error


class InvalidInput(EmotionetError):
    """What was given is malformed; giving it again changes nothing."""

    code = "invalid_input"


class UsageError(InvalidInput):
    """The command line or the request itself is malformed."""

    code = "usage"


class NewerVersion(InvalidInput):
    """Version ``version`` of ``kind`` (a record's type, a table's, whose recipe) came after this program: it can't say
    that it holds, nor that it does not."""

    code = "newer_version"

    def __init__(self, kind: str, version: int) -> None:
        said = f"version {version} of {kind[:60]} is newer than this program"
        super().__init__(said, hint="install a newer Emotionet.")
        self.kind = kind
        self.version = version


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


def with_hint(error: EmotionetError) -> str:
    """The sentence and its way out in one text, where there is room for one alone: a row's reason, a run's error."""
    return f"{error}: {error.hint.rstrip('.')}" if error.hint else str(error)


WAYS = {
    errno.EACCES: "give this user access to it, or name another place.",
    errno.EPERM: "give this user access to it, or name another place.",
    errno.EROFS: "name a place that can be written.",
    errno.ENOENT: "check the path.",
    errno.ENOTDIR: "check the path: a part of it is a file.",
    errno.EISDIR: "name a file: this is a folder.",
    errno.ENAMETOOLONG: "choose a shorter name.",
    errno.EMFILE: "let a process open more files: `ulimit -n 4096`.",
    errno.EADDRINUSE: "choose another with --port, or stop what listens there.",
    **dict.fromkeys(DISK_FULL, "make room, then try again."),
}


def not_written(what: object, error: OSError) -> Unavailable:
    """What to raise where the system refused to write ``what``: ``disk_full`` where room is missing, otherwise
    ``not_written``."""
    code = "disk_full" if error.errno in DISK_FULL else "not_written"
    refused = _refused(f"{what} can't be written", error, code)
    if error.errno == errno.ENOENT:
        refused.hint = "make its folder first, or name another place."
    return refused


def not_read(what: object, error: OSError) -> Unavailable:
    """What to raise where the system refused to read ``what``: ``not_read``."""
    return _refused(f"{what} can't be read", error, "not_read")


def not_done(error: OSError) -> Unavailable:
    """What to raise where the system refused and nobody told what was wanted: it names the file, if there is one."""
    if error.errno in DISK_FULL:
        return not_written(error.filename or "the output", error)
    return _refused(f"{error.filename or 'what was asked for'} can't be used", error, "not_done")


def _refused(said: str, error: OSError, code: str) -> Unavailable:
    hint = WAYS.get(error.errno) if error.errno is not None else None
    return Unavailable(f"{said}: {error.strerror or error}", code=code, hint=hint)
