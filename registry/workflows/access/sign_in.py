"""Sign-In with Ethereum: a nonce of this server, the message that a wallet signs, and the token that it gets for it.

Invariants: a nonce follows from a key that all processes share, so asking for one writes nothing; a used one is kept
until it would have expired, so that it is used once. A session ends within ``HOURS``, with its message, or with its
account, whichever is first. A wallet writes in its own name, as a did:pkh; a contract's names its chain.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from registry.catalog import accounts, tokens
from registry.catalog.database.database import Connection
from registry.catalog.queries.signed_records.key_changes import current_key, issuer_signed_by
from registry.catalog.tokens import Caller, Configured
from registry.core.errors import Conflict, Untrusted
from registry.core.issuers import address_of, did_of
from registry.provenance.keys import contract_wallets, sign_in_message, wallets
from registry.provenance.keys.sign_in_message import SignIn
from registry.workflows.parts import Parts

HOURS = 12
NONCE_LIFE = timedelta(minutes=10)
STATEMENT = "Sign in to this Emotionet registry. This costs nothing and sends no transaction."
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MAC = 24  # hex digits


class NoAccount(Untrusted):
    """A wallet that proved who it is, and may not sign in here."""


class Session(NamedTuple):
    """A session that began: whose it is, its token's text, and when it ends."""

    caller: Caller
    token: str
    expires: str


def origin(parts: Parts, scheme: str, host: str) -> str:
    """The scheme and host that a wallet signs in to: what is set, or how this machine itself was reached.

    ``Conflict`` (``no_public_url``) otherwise: a host that a client names proves nothing, since whoever deceives
    somebody into signing for another site could name that one here.
    """
    if parts.settings.public_url:
        return parts.settings.public_url
    try:
        named = urlsplit(f"//{host}").hostname
    except ValueError:
        named = None
    if named not in LOOPBACK:
        raise Conflict(
            "this registry does not know the address that others reach it by",
            code="no_public_url",
            hint="its operator sets EMOTIONET_PUBLIC_URL.",
        )
    return f"{scheme}://{host.lower()}"


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _key(parts: Parts) -> bytes:
    with parts.catalog.read() as db:
        found = accounts.known_nonce_key(db)
    if found is None:
        with parts.catalog.write() as db:
            accounts.make_nonce_key(db)
            found = accounts.known_nonce_key(db)
    assert found is not None
    return found


def _mac(key: bytes, body: str) -> str:
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()[:_MAC]


def new_nonce(parts: Parts) -> tuple[str, str]:
    """A nonce, and when it expires."""
    ends = datetime.fromisoformat(parts.now()) + NONCE_LIFE
    body = f"{int(ends.timestamp()):010x}{secrets.token_hex(10)}"
    return body + _mac(_key(parts), body), _text(ends)


def _nonce_ends(parts: Parts, nonce: str, now: datetime) -> datetime:
    """``Untrusted`` (``bad_nonce``) for what is not this server's, or has expired."""
    body, mac = nonce[:-_MAC], nonce[-_MAC:]
    if len(nonce) == 30 + _MAC and hmac.compare_digest(_mac(_key(parts), body).encode(), mac.encode()):
        ends = datetime.fromtimestamp(int(body[:10], 16), UTC)
        if ends > now:
            return ends
    raise Untrusted("the nonce is not one of this server, or is too old", code="bad_nonce", hint="ask for a new one.")


def terms(parts: Parts, origin: str) -> dict[str, Any]:
    """What a message must say to be taken: a nonce and its end, domain, URI, chain, version, a statement."""
    nonce, expires = new_nonce(parts)
    address = urlsplit(origin)
    fixed = {"version": "1", "chain_id": parts.settings.sign_in_chain, "statement": STATEMENT}
    return {
        "nonce": nonce,
        "expires": expires,
        "scheme": address.scheme,
        "domain": address.netloc,
        "uri": f"{origin}/signin",
        **fixed,
    }


def message(parts: Parts, origin: str, address: str) -> str:
    """The message that a wallet signs. ``InvalidInput`` for what is no address."""
    account = wallets.with_capitals(accounts.parse_address(address))
    nonce, _ = new_nonce(parts)
    return sign_in_message.write(origin, account, parts.settings.sign_in_chain, nonce, parts.now(), STATEMENT)


def _signer(parts: Parts, said: SignIn, address: str, text: str, signature: str) -> str:
    """In whose name the wallet at ``address`` writes, which signed ``text``: with a key, or as a contract's signature
    (ERC-1271). ``Untrusted`` (``bad_signature``) where it did neither.
    """
    wrong = Untrusted(
        f"{said.address} did not sign this message",
        code="bad_signature",
        hint="sign it as it stands, with personal_sign.",
    )
    try:
        if wallets.signer_of(text, signature) == address:
            return did_of(address)
    except Untrusted as error:
        wrong = error
    if not parts.settings.chain_rpc:
        wrong.hint = f"{wrong.hint} A contract wallet can't be asked: this registry has no EMOTIONET_CHAIN_RPC."
        raise wrong
    from registry.provenance.anchors.ethereum import node_of  # web3 takes half a second to load

    data = contract_wallets.signature_of(signature)
    if not contract_wallets.signed(node_of(parts.settings), said.chain, address, text, data):
        raise wrong
    return f"did:pkh:eip155:{said.chain}:{address}"  # on another chain it may be somebody else's


def _as_issuer(db: Connection, address: str, contributor: str) -> tuple[str, str]:
    """Account and contributor of a wallet: of a key that took an issuer's log over, the issuer's. ``NoAccount`` for a
    key that an issuer replaced."""
    did = did_of(address)
    if current_key(db, did) != did:
        raise NoAccount(
            f"the key of {address} was replaced by its issuer", code="key_replaced", hint="sign in with the newer one."
        )
    issuer = issuer_signed_by(db, did)
    if contributor != did or issuer == did or current_key(db, issuer) != did:
        return address, contributor
    return address_of(issuer), issuer


def sign_in(parts: Parts, configured: Configured, origin: str, text: str, signature: str) -> Session:
    """A session for the wallet that signed ``text``. ``InvalidInput`` for no message, ``Untrusted`` for one that does
    not count here, ``NoAccount`` for a wallet that may not sign in.
    """
    now = datetime.fromisoformat(parts.now())
    said = sign_in_message.parse(text)
    sign_in_message.check(said, origin, parts.settings.sign_in_chain, now, NONCE_LIFE)
    ends = _nonce_ends(parts, said.nonce, now)
    address = wallets.checked_address(said.address)
    contributor = _signer(parts, said, address, text, signature)
    longest = now + timedelta(hours=HOURS)
    expires = _text(min(longest, said.expires or longest))
    with parts.catalog.write() as db:
        address, contributor = _as_issuer(db, address, contributor)
        scopes = accounts.scopes_of(db, address, configured)
        if not scopes:
            hint = f"its operator adds it: `emotionet accounts add {said.address}`."
            raise NoAccount(f"{said.address} is no account of this registry", code="no_account", hint=hint)
        if not accounts.use_nonce(db, said.nonce, _text(now), _text(ends)):
            raise Untrusted("the nonce was used before", code="bad_nonce", hint="ask for a new one.")
        named: Mapping[str, Any] = {"contributor": contributor, "account": address}
        name = f"wallet {said.address} {secrets.token_hex(3)}"
        identity, token = tokens.create(db, scopes, _text(now), expires, name=name, **named)
    return Session(Caller(identity, name, scopes, **named), token, expires)
