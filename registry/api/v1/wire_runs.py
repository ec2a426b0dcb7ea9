"""Bodies of requests about runs, releases and audits."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from registry.api.v1.wire import _NO_NUL, _RUN, MAX_CLAIMS, CidText, Claim, Name, NewName, Request, Word
from registry.core.errors import InvalidInput
from registry.core.records import Correction
from registry.settings import DEFAULT_METHOD

_OVERRIDES = ("folds", "repeats", "seed", "epochs", "imgsz", "batch")


class NewRun(Request, frozen=True):
    """A training run. ``recipe`` by name, ``base`` by CID: paths of this machine are not taken. ``options`` are the
    method's own, as `emotionet train --method NAME --help` lists them; ``epochs``, ``imgsz`` and ``batch``, which the
    documented method has, may also stand beside ``folds``, as they do on the command line. The method checks them."""

    snapshot: CidText
    recipe: Word | None = None
    method: Word = DEFAULT_METHOD
    folds: Annotated[int, Meta(ge=2, le=100)] | None = None
    repeats: Annotated[int, Meta(ge=1, le=20)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    epochs: int | None = None
    imgsz: int | None = None
    batch: int | None = None
    options: Annotated[dict[Word, int], Meta(max_length=32)] = msgspec.field(default_factory=dict)
    base: CidText | None = None
    claims: Annotated[list[Name], Meta(max_length=32)] = msgspec.field(default_factory=list)
    final: Annotated[str, Meta(pattern=r"^(fold:\d{1,3}|refit)$")] | None = None
    unanchored: bool = False
    correction: Correction = "holm"
    name: NewName | None = None

    def overrides(self) -> dict[str, int]:
        """What replaces values of the recipe. ``InvalidInput`` where a name is given twice with different values."""
        own = {name: value for name in _OVERRIDES if (value := getattr(self, name)) is not None}
        if twice := sorted(name for name in own if self.options.get(name, own[name]) != own[name]):
            raise InvalidInput(f"{twice[0]} has two values here", code="two_values", hint="give it once.")
        return {**self.options, **own}


class NewRelease(Request, frozen=True):
    """Which completed run to publish."""

    run: Annotated[str, Meta(min_length=1, max_length=200, pattern=_NO_NUL, description=_RUN)]
    name: NewName | None = None


class NewClaims(Request, frozen=True):
    """Claims to judge after the fact, as texts."""

    claims: Annotated[list[Claim], Meta(min_length=1, max_length=MAX_CLAIMS)]


MOST_SAMPLED = 1_000_000  # images of an audit's sample


class NewAudit(Request, frozen=True):
    """What to audit, up to which level (1 to 4 and 6 unless said), and whose release it must be."""

    target: CidText
    level: Annotated[int, Meta(ge=1, le=8)] | None = None
    issuer: Annotated[str, Meta(pattern="^(did:pkh:eip155:1:)?0x[0-9a-fA-F]{40}$")] | None = None
    sample: Annotated[int, Meta(ge=1, le=MOST_SAMPLED)] | None = None  # of the deeper levels: how many at most
    all: bool = False  # of the deeper levels: no sample
    fold: Annotated[int, Meta(ge=0, le=10_000)] | None = None  # of level 8
    epochs: Annotated[int, Meta(ge=1, le=100_000)] | None = None  # of level 8: only the first ones
    publish: bool = False  # sign what was found with this registry's key
