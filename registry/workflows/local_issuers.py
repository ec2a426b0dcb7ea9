"""Which issuers belong to this home: those whose keys it holds or held."""

from __future__ import annotations

from registry.core.errors import Conflict
from registry.core.issuers import DID_PREFIX
from registry.provenance.keys import signed_heads as signed_heads
from registry.workflows.parts import Parts

OWN, OTHER = "this registry", "somebody else"


def is_local(parts: Parts, issuer: str) -> bool:
    """Whether this home signs, or signed, as this issuer; nothing is opened or made for that."""
    return issuer in local_issuers(parts)


def local_issuers(parts: Parts) -> set[str]:
    """Every issuer whose key lies in this home, or who signed its log; of a folder that can't be read none."""
    home = parts.settings.home
    keys, logs = (home / signed_heads.KEYS).glob("0x*.json"), (home / signed_heads.FOLDER).glob("0x*")
    return {DID_PREFIX + address for address in (*(path.stem for path in keys), *(path.name for path in logs))}


def signing_issuers(parts: Parts) -> set[str]:
    """Every issuer whose key lies in this home: it can sign as these; nothing is opened or made for that."""
    return {DID_PREFIX + path.stem for path in (parts.settings.home / signed_heads.KEYS).glob("0x*.json")}


def check_signs_as(parts: Parts, issuer: str | None, what: str) -> None:
    """``Conflict`` (``key_missing``) where ``what`` belongs to an issuer whose key is not in this home (``issuer``
    None: to nobody yet).
    """
    if issuer is not None and issuer not in signing_issuers(parts):
        raise Conflict(
            f"{what} is signed by {issuer}, whose key is not in this home",
            code="key_missing",
            hint="run this in the home that holds the key.",
        )


def check_may_sign(parts: Parts) -> None:
    """``Conflict`` (``key_missing``) where the key that signed this home's log is gone; nothing is opened or made."""
    home = parts.settings.home
    addresses = sorted(path.stem for path in (home / signed_heads.KEYS).glob("0x*.json"))
    signed_heads.check_signer(home, addresses[0] if addresses else None)


def publisher_text(parts: Parts, issuer: str) -> str:
    """Whether an issuer belongs to this home, in words."""
    return OWN if is_local(parts, issuer) else OTHER
