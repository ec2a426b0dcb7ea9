"""Messages of Sign-In with Ethereum (EIP-4361): written, read, and checked against what a server expects.

Invariants: a message is read by the EIP's grammar and by nothing looser, so that what the wallet showed is what was
agreed to; ``check`` refuses another domain, URI, chain or version, and what is not valid yet or no more. The nonce and
the signature are their callers'. Times are aware datetimes; a message is at most ``LONGEST`` characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from registry.core.errors import InvalidInput, Untrusted

LONGEST = 4096
SKEW = timedelta(minutes=1)  # by which the wallet's clock may be ahead
_PLAIN = r"A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;="  # reserved and unreserved of RFC 3986
_URI = rf"[A-Za-z][A-Za-z0-9+.\-]*:(?:[{_PLAIN}]|%[0-9A-Fa-f]{{2}})+"
_NAME = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})"
_AUTHORITY = rf"(?:(?:{_NAME}|:)*@)?(?:\[[0-9A-Fa-f:.]+\]|{_NAME}+)(?::[0-9]{{0,5}})?"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
_MESSAGE = re.compile(
    rf"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://)?(?P<domain>{_AUTHORITY})"
    r" wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9A-Fa-f]{40})\n\n"
    rf"(?:(?P<statement>[{_PLAIN} ]*)\n)?\n"
    rf"URI: (?P<uri>{_URI})\n"
    r"Version: (?P<version>1)\n"
    r"Chain ID: (?P<chain>[0-9]{1,20})\n"
    r"Nonce: (?P<nonce>[A-Za-z0-9]{8,256})\n"
    rf"Issued At: (?P<issued>{_TIME})"
    rf"(?:\nExpiration Time: (?P<expires>{_TIME}))?"
    rf"(?:\nNot Before: (?P<before>{_TIME}))?"
    r"(?:\nRequest ID: (?P<request>(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*))?"
    rf"(?:\nResources:(?P<resources>(?:\n- {_URI})*))?",
    re.ASCII,
)
_HINT = "ask for a nonce, and sign the message that EIP-4361 makes of it."


@dataclass(frozen=True)
class SignIn:
    """What a message says. ``address`` as it is written, with or without EIP-55's capitals."""

    domain: str
    address: str
    uri: str
    chain: int
    nonce: str
    issued: datetime
    scheme: str | None = None
    statement: str | None = None
    expires: datetime | None = None
    not_before: datetime | None = None


def parse(text: str) -> SignIn:
    """A message. ``InvalidInput`` (``bad_sign_in_message``) for what the grammar does not allow."""
    found = _MESSAGE.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise InvalidInput("this is no message of EIP-4361", code="bad_sign_in_message", hint=_HINT)
    return SignIn(
        domain=found["domain"],
        address=found["address"],
        uri=found["uri"],
        chain=int(found["chain"]),
        nonce=found["nonce"],
        issued=_time(found["issued"]),
        scheme=found["scheme"],
        statement=found["statement"],
        expires=_time(found["expires"]) if found["expires"] else None,
        not_before=_time(found["before"]) if found["before"] else None,
    )


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError as error:
        reason = f"{text} is no time: {error}"
        raise InvalidInput(reason, code="bad_sign_in_message", hint=_HINT) from error


def check(message: SignIn, origin: str, chain: int, now: datetime, oldest: timedelta) -> None:
    """``Untrusted`` unless the message was made for ``origin`` (scheme and host) and ``chain``, and is valid now.

    ``oldest``: how long ago it may have been issued.
    """
    expected = urlsplit(origin)
    scheme = message.scheme or expected.scheme
    if (scheme.lower(), message.domain.lower()) != (expected.scheme, expected.netloc.lower()):
        raise _refused(f"it was made for {message.domain}, not for {expected.netloc}", "wrong_domain")
    uri = urlsplit(message.uri)
    if (uri.scheme.lower(), uri.netloc.lower()) != (expected.scheme, expected.netloc.lower()):
        raise _refused(f"its URI is {message.uri}, not one of {origin}", "wrong_uri")
    if message.chain != chain:
        raise _refused(f"it names the chain {message.chain}, not {chain}", "wrong_chain")
    if not now - oldest <= message.issued <= now + SKEW:
        raise _refused("it was not issued just now", "not_issued_now")
    if message.expires is not None and message.expires <= now:
        raise _refused("it has expired", "sign_in_expired")
    if message.not_before is not None and message.not_before > now:
        raise _refused("it is not valid yet", "not_valid_yet")


def _refused(reason: str, code: str) -> Untrusted:
    return Untrusted(f"the message can't be taken: {reason}", code=code, hint=_HINT)


def write(origin: str, address: str, chain: int, nonce: str, issued: str, statement: str) -> str:
    """The message that a wallet is asked to sign."""
    parts = urlsplit(origin)
    return (
        f"{parts.scheme}://{parts.netloc} wants you to sign in with your Ethereum account:\n{address}\n\n"
        f"{statement}\n\n"
        f"URI: {origin}/signin\nVersion: 1\nChain ID: {chain}\nNonce: {nonce}\nIssued At: {issued}"
    )
