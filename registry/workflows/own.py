"""Whether something was said by this home, or by somebody else."""

from __future__ import annotations

from registry.core.log import DID_PREFIX, address_of
from registry.provenance.keys import FOLDER
from registry.workflows.parts import Parts

OWN, OTHER = "this registry", "somebody else"


def is_own(parts: Parts, issuer: str) -> bool:
    """Whether the issuer's key lies in this home; nothing is opened or made for that."""
    return (parts.settings.home / FOLDER / f"{address_of(issuer)}.json").is_file()


def own_issuers(parts: Parts) -> set[str]:
    """Every issuer that this home ever signed as, the one of its key among them."""
    logs = parts.settings.home / "log"
    return {parts.key.did, *(DID_PREFIX + folder.name for folder in logs.glob("0x*"))}


def whose(parts: Parts, issuer: str) -> str:
    """The same in words."""
    return OWN if is_own(parts, issuer) else OTHER
