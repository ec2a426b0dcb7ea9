"""Whether something was said by this home, or by somebody else."""

from __future__ import annotations

from registry.core.log import address_of
from registry.provenance.keys import FOLDER
from registry.workflows.parts import Parts

OWN, OTHER = "this registry", "somebody else"


def is_own(parts: Parts, issuer: str) -> bool:
    """Whether the issuer's key lies in this home; nothing is opened or made for that."""
    return (parts.settings.home / FOLDER / f"{address_of(issuer)}.json").is_file()


def whose(parts: Parts, issuer: str) -> str:
    """The same in words."""
    return OWN if is_own(parts, issuer) else OTHER
