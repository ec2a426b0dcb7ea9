"""What a check says of itself."""

from __future__ import annotations

from typing import NamedTuple


class Listed(NamedTuple):
    """A check, in plain words: ``title`` says what is checked, as a statement that holds or does not; ``against`` what
    it is compared with; ``failure`` what has happened where it fails; ``blind`` what it can't show though it holds."""

    id: str
    title: str
    against: str
    failure: str
    blind: str

    @property
    def level(self) -> int:
        """The number before the dot."""
        return int(self.id.split(".")[0])
