"""The types of request bodies: every field named, every length bounded, nothing else accepted.

Invariant: a request that does not fit its type is refused before anything is read or written. The bounds here are those
in the description at /schema.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

import msgspec
from litestar.params import HeaderParameter, PathParameter, QueryParameter
from msgspec import Meta

from registry.core.errors import InvalidInput
from registry.core.labeling.labeled_row import AnnotationTexts
from registry.core.records import Remedy
from registry.core.text.claim_text import EXAMPLE
from registry.exports.attest.names import Unsigned
from registry.workflows.snapshots.terms import Terms

MIB = 1 << 20
JSON_BYTES = 1 * MIB  # any request but the two below
ROWS_BYTES = 1024 * MIB  # POST /images, as sent and as unpacked
BODY_SECONDS = 1800  # that it may take to come
CAR_BYTES = 1024 * MIB  # POST /blocks
MAX_BLOCKS = 1_000_000  # blocks of one CAR
CAR_TYPE = "application/vnd.ipld.car"
MAX_ASKED = 10_000  # CIDs of one POST /blocks/missing
MAX_IMAGE_BYTES = 64 * MIB  # one image, encoded
MAX_PAGE = 1000

_CID = "a CID (an entry's is taken for its record's) or its beginning, a name (faces, faces@2), or latest"
_IMAGE = "a CID, or a sha256 in hex, or the beginning of one"
_RUN = "a run's id or its beginning, its name, or latest"
Name = Annotated[str, Meta(min_length=1, max_length=200)]
NewName = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9]*([-_][a-z0-9]+)*$",
        max_length=63,
        description="what this registry's issuer calls it from now on: a signed record; the name moves",
    ),
]
CidText = Annotated[str, Meta(min_length=1, max_length=256, description=_CID)]
Word = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]
Pixels = Annotated[float, Meta(ge=0, le=1_000_000)]
Boxes = Annotated[list[tuple[Pixels, Pixels, Pixels, Pixels]], Meta(max_length=100)]
RowSignature = Annotated[
    str, Meta(pattern="^0x[0-9a-fA-F]{130}$", description="the contributor's own signature (EIP-712)")
]
Attributes = Annotated[dict[Name, Name], Meta(max_length=32)]

CidPath = Annotated[str, PathParameter(min_length=1, max_length=256, description=_CID)]
ImagePath = Annotated[str, PathParameter(min_length=1, max_length=256, description=_IMAGE)]
_NO_NUL = "^[^\\u0000]*$"  # which PostgreSQL can't be asked about: alike on both databases
RunPath = Annotated[str, PathParameter(min_length=1, max_length=200, pattern=_NO_NUL, description=_RUN)]
AuditPath = Annotated[str, PathParameter(min_length=1, max_length=64, pattern=_NO_NUL, description="an audit's id")]
Target = Annotated[str | None, QueryParameter(min_length=1, max_length=256, description=_CID)]
LineageFormat = Annotated[Literal["json", "prov"], QueryParameter(name="format")]
ProofFormat = Annotated[
    Literal["json", "car"],
    QueryParameter(name="format", description="car: a file that `emotionet verify` checks"),
]
ReleaseFormat = Annotated[Unsigned, QueryParameter(name="format", description="which program reads it")]
ClaimNumber = Annotated[int, QueryParameter(ge=1, le=1000, description="which claim as PRML, from 1")]
StatusFilter = Annotated[Literal["referenced", "stored", "withdrawn"] | None, QueryParameter()]
Lang = Annotated[Literal["en", "es"], QueryParameter(description="the page's language")]
Claim = Annotated[str, Meta(min_length=1, max_length=1000, description=f"like `{EXAMPLE}`")]
MAX_CLAIMS = 32  # judged by one request
ClaimFilter = Annotated[
    list[Claim] | None,
    QueryParameter(
        max_items=MAX_CLAIMS,
        schema_extra={"items": {"type": "string", "minLength": 1, "maxLength": 1000}},  # which the framework leaves out
        description=f"like `{EXAMPLE}`, at most 1000 characters: judged and marked as after the fact",
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="the largest number of items")]
Cursor = Annotated[str | None, QueryParameter(max_length=512, description="`next` of the previous page")]
IssuerFilter = Annotated[
    str | None, QueryParameter(max_length=64, pattern=_NO_NUL, description="an issuer's DID, or its address")
]
TokenFilter = Annotated[
    str | None,
    QueryParameter(
        min_length=1, max_length=200, pattern=_NO_NUL, description="a token's name, its id, or the id's beginning"
    ),
]
Filter = Annotated[str | None, QueryParameter(min_length=1, max_length=200, pattern=_NO_NUL)]
_SUBJECT = "the pseudonym that images have: over HTTP nobody's name is looked up, for it would tell whose that is"
SubjectFilter = Annotated[
    str | None, QueryParameter(min_length=1, max_length=200, pattern=_NO_NUL, description=_SUBJECT)
]
Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="the same key with the same body gives the same answer",
    ),
]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every request: an unknown field is an error, not ignored."""


class ImageRow(AnnotationTexts, Request, frozen=True, kw_only=True):
    """One label for one image whose bytes are held here. Boxes are [x, y, w, h] in pixels of the upright image."""

    cid: CidText
    label: Annotated[str, Meta(max_length=1000)]
    contributor: Name | None = None
    boxes: Boxes = msgspec.field(default_factory=list)
    attributes: Attributes = msgspec.field(default_factory=dict)
    sources: Attributes = msgspec.field(default_factory=dict)
    signature: RowSignature | None = None


class AskedBlocks(Request, frozen=True):
    """Either ``cids``, or a ``root`` and, to ask for some of what it reaches alone, a ``bitmap``."""

    cids: Annotated[list[CidText], Meta(max_length=MAX_ASKED)] | None = None
    root: CidText | None = None
    bitmap: Annotated[str, Meta(max_length=200_000, description="base64; the first block is the lowest bit")] | None = (
        None
    )

    def check(self) -> None:
        """``InvalidInput`` unless exactly one of both is asked for."""
        if (self.cids is None) == (self.root is None) or (self.bitmap is not None and self.root is None):
            raise InvalidInput("a question has either cids or a root", code="asked_twice", hint="send one of them.")

    def asked_bits(self, count: int) -> list[bool]:
        """For each of ``count`` blocks whether it is asked for. ``InvalidInput`` (``bad_bitmap``) for no base64."""
        if self.bitmap is None:
            return [True] * count
        try:
            packed = base64.b64decode(self.bitmap, validate=True)
        except ValueError as error:
            raise InvalidInput("the bitmap is not base64", code="bad_bitmap", hint="encode it again.") from error
        return [at >> 3 < len(packed) and bool(packed[at >> 3] >> (at & 7) & 1) for at in range(count)]


class WantedName(Request, frozen=True):
    """What a name stands for from now on."""

    name: NewName
    target: Annotated[str, Meta(min_length=1, max_length=256, description=f"{_CID}; a run by its id, too")]


class NewLabel(Request, frozen=True):
    """Another label for an image; ``contributor`` is this registry unless named.

    With the contributor's ``signature`` the row says the label and ``rights`` alone: it is of the image by the ``cid``
    that `GET /images/{id}` gives, and ``replaces`` names the contributor's newest contribution there, if there is one.
    """

    label: Name
    contributor: Name | None = None
    signature: RowSignature | None = None
    rights: Attributes = msgspec.field(default_factory=dict)


class NewWithdrawal(Request, frozen=True):
    """Why an image is withdrawn. Do not write names: the text becomes part of a public record.

    ``remedy`` is what the withdrawal asks for: that it is known (notice), that the bytes are deleted, here at once
    (remove_bytes), or that models are trained again without it (retrain). ``retrain``: queue that here, too.
    ``dry_run``: only say what it would touch.
    """

    reason: Annotated[str, Meta(min_length=1, max_length=2000)]
    remedy: Remedy = "notice"
    retrain: bool = False
    dry_run: bool = False


class AnyWithdrawal(NewWithdrawal, frozen=True, kw_only=True):
    """The same of anything: ``target`` is a CID, a sha256 or a name. With ``contributor`` (and ``issuer``, this
    registry's unless given) what this contributor said of the image, or without a target of all images."""

    target: Annotated[str, Meta(min_length=1, max_length=600)] | None = None
    contributor: Name | None = None
    issuer: Name | None = None


class Query(Request, frozen=True):
    """Which rows a snapshot takes; every value exactly as given, and all of them by one row.

    A contributor's name under several issuers is several people: say whose with `issuer`.
    """

    label: Name | None = None
    issuer: Name | None = None
    contributor: Name | None = None
    subject: Annotated[Name, Meta(description=_SUBJECT)] | None = None
    licence: Name | None = None
    consent: Name | None = None
    attributes: Attributes = msgspec.field(default_factory=dict)
    rights: Attributes = msgspec.field(default_factory=dict)

    def to_query(self) -> dict[str, Any]:
        """As ``registry.core.snapshots.query.matches`` takes it: only what is asked for."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name))}


Rule = Literal["majority", "newest", "unanimous", "trusted"]


class NewSnapshot(Request, frozen=True):
    """A snapshot of what the catalog says now. ``classes``: a set by name, or the text of a classes file.

    ``rule``: by which several people's labels of an image become one; ``trusted``: whose labels count by `trusted`, by
    name or as ISSUER/NAME. ``licences``: an image states one of these and no other; ``require_consent``: it states a
    consent. Images that say no of their use are left out, unless ``override_rights`` says why not: the reason becomes
    part of the public record, so write no names. ``images``: only of these, each by a CID or its sha256 in hex; any
    that is malformed, unknown, withdrawn or named twice refuses the request, unless ``partial`` takes the others.
    ``snapshot``: only of the images that this one holds. ``query`` may narrow either.
    ``include_referenced``: also images whose bytes are not here.
    """

    classes: Annotated[str, Meta(min_length=1, max_length=65_536)] = "emociones"
    query: Query = msgspec.field(default_factory=Query)
    rule: Rule | None = None
    trusted: Annotated[list[Name], Meta(max_length=1000)] = msgspec.field(default_factory=list)
    licences: Annotated[list[Name], Meta(max_length=100)] = msgspec.field(default_factory=list)
    require_consent: bool = False
    override_rights: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    supersedes: CidText | None = None
    name: NewName | None = None
    include_referenced: bool = False
    images: Annotated[list[Annotated[str, Meta(min_length=1, max_length=600)]], Meta(max_length=100_000)] | None = None
    partial: bool = False
    snapshot: CidText | None = None

    def terms(self) -> Terms:
        """As ``take_snapshot`` takes them."""
        return Terms(self.rule, self.trusted, self.licences, self.require_consent, self.override_rights)


class NewSession(Request, frozen=True):
    """A message of Sign-In with Ethereum (EIP-4361) of what `POST /session/nonce` answered, and its signature."""

    message: Annotated[str, Meta(min_length=1, max_length=4096)]
    signature: Annotated[
        str,
        Meta(
            pattern="^0x([0-9a-fA-F]{2})+$",
            max_length=8194,
            description="made by personal_sign (EIP-191), or what a contract wallet takes for one (ERC-1271)",
        ),
    ]
