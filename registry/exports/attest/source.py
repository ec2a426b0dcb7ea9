"""What each of these exports is made of: one release, read.

Invariant: all of it follows from the release's closure and its entries; no clock and no randomness, so that the same
release gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from registry.core.ipld.cid import CID, SHA2_256
from registry.core.run_view import ReleaseView

LICENCES = frozenset(  # SPDX's names of licences that weights here come under; other texts are shown as texts
    ("AGPL-3.0-only", "Apache-2.0", "BSD-3-Clause", "CC-BY-4.0", "CC0-1.0", "GPL-3.0-only", "MIT")
)


class WeightsFile(NamedTuple):
    """One file of the weights that people get."""

    name: str
    cid: CID
    size: int  # bytes
    sha256: str  # hex, of the bytes


@dataclass(frozen=True)
class Source:
    """A release with who said it when, its final weights' files by rising name, and the sha256 of its card."""

    cid: CID
    entry: CID
    issuer: str
    issued_at: str
    planned_at: str
    view: ReleaseView
    files: tuple[WeightsFile, ...]
    card: str

    @property
    def name(self) -> str:
        """What people call the model, as its card does."""
        return f"Emotionet, recipe {self.view.recipe.name}"


def uri(cid: CID) -> str:
    """Where a record or file is found by anybody who has a gateway."""
    return f"ipfs://{cid}"


def digest_of(cid: CID) -> dict[str, str]:
    """The sha256 of a record's bytes, as its CID has it; of a file in several blocks it is that of the root's."""
    return {"sha256": cid.digest.hex()} if cid.hash_code == SHA2_256 else {}
