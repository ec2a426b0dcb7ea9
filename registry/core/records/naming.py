"""What an issuer calls things, and who the issuer says to be.

Invariants: names are those of ``core.names``; texts are as ``core.text`` cleans them, checked whenever a record is made
or read. Nothing here is proved: a profile's domain counts as shown only where the domain itself names the issuer.
"""

from __future__ import annotations

import re

from registry.core.errors import InvalidInput
from registry.core.records.base import Record
from registry.core.text.cleaning import clean
from registry.core.text.names import check_name

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # of a domain
_URL = re.compile(rf"https://{_LABEL}(?:\.{_LABEL})+(?:/[!-~]{{0,300}})?", re.ASCII)


class Name(Record, frozen=True, kw_only=True, tag="name"):
    """An issuer's own name for a snapshot, a plan or a release, which moves with each further record of this name.

    ``target`` is named (a CID's bytes): a name takes nothing along. The history of a name is the issuer's log.
    """

    name: str  # a lower-case letter, then letters and digits with single - or _ between them; at most 63
    target: bytes  # named: a snapshot, a plan or a release

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name(self.name)


class Profile(Record, frozen=True, kw_only=True, tag="profile"):
    """Who an issuer says to be; the newest of an issuer's log counts.

    The domain of ``url`` counts as shown only where ``https://DOMAIN/.well-known/emotionet.json`` names the issuer.
    """

    name: str  # at most 200 characters, trimmed, NFC
    url: str | None  # https, a host in lower case without a port
    contact: str | None  # where to write to, in words

    def __post_init__(self) -> None:
        super().__post_init__()
        for field, text in (("name", self.name), ("contact", self.contact)):
            if text is not None and clean(field, text) != text:
                raise InvalidInput(f"the {field} is not trimmed, or not in NFC", code="bad_text", hint="clean it.")
        if self.url is not None and not _URL.fullmatch(self.url):
            raise InvalidInput(
                f"{self.url[:80]!r} is not an address of a site",
                code="bad_url",
                hint="write it like https://example.org/us.",
            )
