"""What somebody says of an image: one list of fields on all its ways, from a table, a folder or a request to the
contribution's table, the catalog's rows, an image's history and a label that is corrected.

A new field of words stands here (one text that may be left out: None; texts by name: an empty map, and its columns'
prefix in ``PREFIXES``), among the table's columns, in a migration of SQL and in the documents, and nowhere else.

Invariants: a blank text is never kept, it is one left out; a row that comes out of ``read`` is within the bounds of
what ``clean`` lets in, whoever signed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from registry.core.errors import InvalidInput
from registry.core.ipld.cid import CID, RAW, SHA2_256
from registry.core.ports.method import Box
from registry.core.text import cleaning

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Pairs = Annotated[dict[str, str], Meta(max_length=1000)]


class AnnotationTexts(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of one contributor's annotation of an image; another contributor may differ. None or {}: not given."""

    label: str
    subject: Text | None = None  # the person in the picture: a name when it is imported, a pseudonym from then on
    licence: Text | None = None
    consent: Text | None = None
    attributes: Pairs = msgspec.field(default_factory=dict)
    sources: Pairs = msgspec.field(default_factory=dict)  # of attributes: one of SOURCES
    rights: Pairs = msgspec.field(default_factory=dict)  # by SIGNALS: the rights stated in the picture or by its owner


class Annotation(AnnotationTexts, frozen=True, kw_only=True):
    """The texts and the boxes, in hundredths of a pixel of the upright original."""

    boxes: tuple[Box, ...] = ()


class LabeledRow(Annotation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of CONTRIBUTION_ROWS: an annotation, its image and contributor, and the contribution whose row it corrects.

    With a ``signature`` the contributor is a did:pkh and has signed all the rest (``row_signature``).
    """

    sha256: bytes
    contributor: str
    cid: bytes  # named
    size: int
    replaces: bytes | None = None  # named
    signature: bytes | None = None


SOURCES = ("self", "perceived", "inferred")  # given by the person themselves, by someone who looked, by a program
STATED = ("c2pa.training-mining", "iptc.data-mining", "tdm-reservation", "licence-text")  # by who gives the row
PICTURE = "picture."  # before a signal that was read out of the picture itself when it was registered
SIGNALS = (*STATED, *(PICTURE + name for name in STATED))
TEXTS = tuple(one.name for one in msgspec.structs.fields(AnnotationTexts) if one.default is None)
MAPS = tuple(one.name for one in msgspec.structs.fields(AnnotationTexts) if one.default_factory is dict)
ANNOTATION_FIELDS = Annotation.__struct_fields__
_getter = lru_cache(attrgetter)
PREFIXES = {"attributes": "attr.", "sources": "source.", "rights": "rights."}  # of a table's columns, one a name


def clean(label: str, texts: Mapping[str, str | None], maps: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The fields of ``AnnotationTexts``, cleaned; of ``texts`` and ``maps``, what ``TEXTS`` and ``MAPS`` name.

    ``InvalidInput`` for a text that no row may hold.
    """
    annotation: dict[str, Any] = {"label": cleaning.clean("label", label)}
    for name in TEXTS:
        annotation[name] = cleaning.clean_given(name, texts.get(name))
    for name in MAPS:
        given = maps.get(name)
        annotation[name] = cleaning.clean_pairs(given, clean_name[name], _clean_value[name]) if given else {}
    return annotation


def _source(value: str) -> str:
    return _one_of("a source", SOURCES, value, "unknown_source")


def _signal(name: str) -> str:
    return _one_of("a signal of rights", SIGNALS, name, "unknown_signal")


def _one_of(what: str, known: Sequence[str], given: str, code: str) -> str:
    if given.strip() not in known:
        raise InvalidInput(f"{given[:200]!r} is not {what}", code=code, hint=f"use one of {', '.join(known)}.")
    return given.strip()


_Clean = Mapping[str, Callable[[str], str]]
clean_name: _Clean = {"attributes": cleaning.clean_attribute, "sources": cleaning.clean_attribute, "rights": _signal}
_clean_value: _Clean = {
    "attributes": partial(cleaning.clean, "value"),
    "sources": _source,
    "rights": partial(cleaning.clean, "right"),
}


def column_field(name: str) -> str | None:
    """What a column is called here, where ``PREFIXES`` has a prefix for it; None where not.

    ``InvalidInput`` for a name that can't stand behind its prefix.
    """
    for field, prefix in PREFIXES.items():
        if len(name) > len(prefix) and name[: len(prefix)].casefold() == prefix:
            clean_name[field](name[len(prefix) :])
            return prefix + name[len(prefix) :]
    return None


def annotation_of(row: Mapping[str, Any]) -> Annotation:
    """What a row says, of whatever else it holds."""
    return Annotation(**{**{name: row[name] for name in ANNOTATION_FIELDS}, "boxes": tuple(map(tuple, row["boxes"]))})


def correct(annotation: Annotation, before: Annotation) -> Annotation:
    """What counts from now on: what is annotation, and of the row before whatever that leaves out.

    The source of an attribute goes with its value: where another value is given, the source before says nothing of it.
    """
    kept = {name: getattr(annotation, name) or getattr(before, name) for name in ANNOTATION_FIELDS}
    maps = {name: {**getattr(before, name), **getattr(annotation, name)} for name in MAPS}
    changed = {name for name, value in annotation.attributes.items() if before.attributes.get(name) != value}
    sources = {name: value for name, value in before.sources.items() if name not in changed} | annotation.sources
    return Annotation(**{**kept, **maps, "sources": sources})


def check_sources(annotation: Annotation) -> None:
    """``InvalidInput`` (``source_of_nothing``) where a source is given of an attribute that the row does not have."""
    for name in annotation.sources:
        if name not in annotation.attributes:
            raise InvalidInput(
                f"the source of {name!r} is given, and the attribute is not",
                code="source_of_nothing",
                hint=f"fill in attr.{name}, or leave source.{name} blank.",
            )


def cells(row: LabeledRow, columns: Sequence[str]) -> list[Any]:
    """The row as it stands in its table."""
    found = list(_getter(*columns)(row))
    found[columns.index("boxes")] = list(map(list, row.boxes))
    return found


def read(values: Mapping[str, Any]) -> LabeledRow:
    """A row of a table that anybody may have signed. ``InvalidInput`` ``malformed_rows`` unless it is one."""
    try:
        row = msgspec.convert(values, LabeledRow, strict=True, builtin_types=(bytes,))  # no text for bytes
    except msgspec.ValidationError as error:
        raise malformed(str(error)) from error
    if len(row.sha256) != 32:
        raise malformed("a sha256 has 32 bytes")
    _check_texts(row)
    image = CID.decode(row.cid)
    if (image.codec, image.hash_code) == (RAW, SHA2_256) and image.digest != row.sha256:
        raise malformed(f"{image} is not the image {row.sha256.hex()}")
    return row


def malformed(reason: str) -> InvalidInput:
    """A contribution's table that no program of ours would have written."""
    return InvalidInput(f"this contribution's rows are malformed: {reason}", code="malformed_rows")


def _check_texts(row: LabeledRow) -> None:
    """Within the bounds of what comes in here, so that both databases can hold it."""
    given = [(name, getattr(row, name)) for name in ("label", "contributor", *TEXTS)]
    given += [("attribute", name) for name in row.attributes] + [("value", value) for value in row.attributes.values()]
    given += [("right", value) for value in row.rights.values()]
    try:
        for field, value in given:
            if value is not None:
                cleaning.check(field, value)
        for value in row.sources.values():
            _source(value)
        for name in row.rights:
            _signal(name)
        check_sources(row)
    except InvalidInput as error:
        raise malformed(str(error)) from error
