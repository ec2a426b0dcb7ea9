"""The log of `serve` and `worker`: lines of text or of JSON, on stderr.

Invariants: one event is one line, whatever a stranger wrote into an address (in text, the lines of a traceback follow
it, indented). No secret of the settings, no token and no password of an address appears in a line or in its traceback,
whoever wrote the message. Below ``warning`` only this project's own events are logged.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import unquote, urlsplit

from registry.settings import Settings

FIELDS = ("method", "path", "status", "ms", "request", "run", "job", "attempt", "seconds")  # told apart in JSON
_TOKEN = re.compile(r"emn_[A-Za-z0-9_-]+|(?i:bearer)\s+\S+")
_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]+@")
HIDDEN = "[hidden]"


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


class _Hiding(logging.Formatter):
    """Formats a record, then hides what must not be read."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._secrets = sorted((one for one in secrets if one), key=len, reverse=True)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """RFC 3339, UTC."""
        return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback's lines below it."""
        return self.hide(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, its controls and line breaks escaped."""
        return _one_line(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """The traceback, set in."""
        return "\n".join("  " + _one_line(line) for line in super().formatException(ei).splitlines())

    def hide(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _PASSWORD.sub(rf"\1:{HIDDEN}@", _TOKEN.sub(HIDDEN, text))


class _Json(_Hiding):
    """One JSON object a line; a traceback is its ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, object] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.hide(record.getMessage()),
        }
        said |= {name: self._plain(getattr(record, name)) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            said["exception"] = self.hide(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=False)

    def _plain(self, value: object) -> object:
        return self.hide(value) if isinstance(value, str) else value


def secrets_of(settings: Settings) -> list[str]:
    """Every text of the settings that no line may hold."""
    passwords = [urlsplit(one).password for one in settings.addresses]
    found = [
        settings.passphrase,
        settings.key,
        settings.s3_key,
        settings.s3_secret,
        settings.chain_rpc,
        *passwords,
        *(unquote(one) for one in passwords if one),
    ]
    return [one for one in found if one]


def set_up(settings: Settings, stream: TextIO | None = None) -> None:
    """Begin to write: this project's events from ``settings.log`` on, everybody else's warnings."""
    kind = _Json if settings.log_format == "json" else _Hiding
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(kind(secrets_of(settings)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("registry").setLevel(settings.log.upper())
