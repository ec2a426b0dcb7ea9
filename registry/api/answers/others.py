"""Types of answers about names, searches, sessions, blocks, the log of writes and the server itself."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from registry.api.answers.parts import Address, Answer, Cid, Count, Did, Time


class Alive(Answer, frozen=True):
    """It answers."""

    ok: Literal[True]


class SentBlocks(Answer, frozen=True):
    """What was kept of a CAR."""

    roots: list[Cid]
    blocks: Count


class MissingBlocks(Answer, frozen=True):
    """Which of some blocks have to be sent."""

    missing: list[Cid]
    withdrawn: list[Cid]


class MissingBelow(Answer, frozen=True):
    """Which blocks below a root have to be sent, a bit for each, in base64."""

    root: Cid
    blocks: Count
    missing: Count
    bitmap: str


class Name(Answer, frozen=True):
    """What a name stands for now; ``reference`` is how it is written in an address here."""

    reference: str
    name: str
    issuer: Did
    number: Count
    target: Cid
    type: str | None
    entry: Cid
    issued_at: Time
    current: bool
    withdrawn: bool
    moved: bool | UnsetType = UNSET


class InSnapshot(Answer, frozen=True):
    """A snapshot that holds an image, or leaves it out."""

    snapshot: Cid
    excluded: bool
    time: Time
    issuer: Did


class InRelease(Answer, frozen=True):
    """A release of a snapshot with the image; ``trained``: whether its models were, null where that is not known."""

    release: Cid
    time: Time
    issuer: Did
    recipe: str
    withdrawn: bool
    trained: bool | None
    dropped: str | None


class Hit(Answer, frozen=True):
    """Something that a search found; which fields there are follows from its kind."""

    kind: str
    id: str
    cid: Cid | UnsetType | None = UNSET
    label: str | UnsetType | None = UNSET
    labels: dict[str, Count] | UnsetType = UNSET
    status: str | UnsetType = UNSET
    snapshots: list[InSnapshot] | UnsetType = UNSET
    releases: list[InRelease] | UnsetType = UNSET
    images: Count | UnsetType = UNSET
    of: str | UnsetType | None = UNSET
    recipe: str | UnsetType = UNSET
    run: str | UnsetType = UNSET
    issuer: Did | UnsetType = UNSET
    target: str | UnsetType = UNSET
    time: Time | UnsetType = UNSET


class Found(Answer, frozen=True):
    """What a text names exactly, and where it is a word in."""

    query: str
    exact: list[Hit]
    words: list[Hit]


class Terms(Answer, frozen=True):
    """What a message of Sign-In with Ethereum must say."""

    nonce: str
    expires: Time
    scheme: Literal["http", "https"]
    domain: str
    uri: str
    version: Literal["1"]
    chain_id: int
    statement: str


class Session(Answer, frozen=True):
    """A wallet's token. It is shown once."""

    token: str
    id: str
    account: Address
    contributor: Annotated[str, Meta(pattern="^did:pkh:eip155:[0-9]{1,20}:0x[0-9a-f]{40}$")]
    scopes: list[str]
    expires: Time


class Write(Answer, frozen=True):
    """One row of the log of writes; without a ``status`` it was cut off, or is under way."""

    id: Count
    time: Time
    token: str
    name: str | None
    account: Address | None
    client: str
    action: str
    target: str
    request: str
    status: int | None
    ended: Time | None


class Head(Answer, frozen=True):
    """Where a log ends, as far as it is known here."""

    issuer: Did
    entry: Cid
    seq: Count


class Refusal(Answer, frozen=True):
    """What was not taken of a followed log, and why. ``about``: an entry, or a source; ``again``: it is tried again."""

    about: str
    code: str
    reason: str
    seen: Time
    again: bool


class Followed(Answer, frozen=True):
    """A log of another registry that is followed here."""

    issuer: Did
    state: str
    entries: Count
    head: Cid | None
    sources: list[str]
    added: Time
    tried: Time | None
    succeeded: Time | None
    refusals: list[Refusal]
