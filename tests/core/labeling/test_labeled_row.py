"""One list of a labeled row's fields; and what no row of a stranger's table may be."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from registry.api.v1.wire import ImageRow
from registry.catalog.schema.derived import contribution_rows
from registry.content.labels.label_row import FIELDS, LabelRow
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import RAW, cid_of
from registry.core.labeling import labeled_row, row_signature
from registry.core.labeling.labeled_row import (
    MAPS,
    PREFIXES,
    TEXTS,
    Annotation,
    AnnotationTexts,
    LabeledRow,
    correct,
    read,
)
from registry.core.table.columns import CONTRIBUTION_ROWS
from registry.workflows.images.registering.labeled_rows import NewRow

IMAGE = b"a picture"
ROW: dict[str, Any] = {
    "sha256": hashlib.sha256(IMAGE).digest(),
    "contributor": "ana",
    "cid": bytes(cid_of(IMAGE, RAW)),
    "size": 9,
    "label": "feliz",
    "boxes": [[0, 0, 100, 100]],
    "attributes": {"edad": "30"},
    "sources": {"edad": "self"},
    "subject": None,
    "licence": "CC0",
    "consent": None,
    "rights": {"tdm-reservation": "1"},
    "replaces": None,
    "signature": None,
}


def test_a_rows_fields_are_the_columns_of_its_table_and_of_the_catalog() -> None:
    fields = set(LabeledRow.__struct_fields__)
    assert fields == set(CONTRIBUTION_ROWS.columns)
    assert set(contribution_rows.columns.keys()) == fields | {"contribution", "issuer", "ordinal", "withdrawn"}
    assert set(row_signature.KINDS) == fields - {"signature"}


def test_whatever_is_said_in_words_comes_in_by_every_way() -> None:
    words = set(AnnotationTexts.__struct_fields__)
    assert words == {"label", *TEXTS, *MAPS}
    assert set(PREFIXES) == set(MAPS)
    assert set(TEXTS) <= set(FIELDS)
    for way in (ImageRow, LabelRow, NewRow, LabeledRow, Annotation):
        assert words <= set(way.__struct_fields__), way


def test_a_row_is_read_and_written_alike() -> None:
    row = read(ROW)
    assert labeled_row.cells(row, CONTRIBUTION_ROWS.columns) == [ROW[name] for name in CONTRIBUTION_ROWS.columns]


@pytest.mark.parametrize(
    "change",
    [
        {"label": ""},
        {"label": "x" * 201},
        {"label": None},
        {"contributor": "a\nb"},
        {"licence": "  "},
        {"licence": 1},
        {"sha256": b"short"},
        {"sha256": b"\1" * 32},  # not that of its raw CID
        {"cid": b"no cid"},
        {"boxes": [[1, 2, 3]]},
        {"attributes": {"class": "a"}, "sources": {"edad": "self"}},
        {"attributes": {"edad": 30}},
        {"sources": {"edad": "somebody"}},
        {"sources": {"luz": "self"}},
        {"rights": {"no-signal": "1"}},
        {"rights": {"tdm-reservation": ""}},
        {"rights": ["tdm-reservation"]},
        {"signature": "text"},  # base64 of some bytes, and none
        {"sha256": "A" * 32},
    ],
    ids=str,
)
def test_a_strangers_row_is_within_the_bounds_of_what_comes_in(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read({**ROW, **change})


def test_a_row_with_one_column_too_many_is_none() -> None:
    with pytest.raises(InvalidInput, match="malformed"):
        read({**ROW, "colour": "red"})


def test_a_correction_repeats_what_it_does_not_change() -> None:
    before = Annotation(label="feliz", licence="CC0", attributes={"edad": "30"}, sources={"edad": "self"})
    assert correct(Annotation(label="triste"), before) == Annotation(
        label="triste", licence="CC0", attributes={"edad": "30"}, sources={"edad": "self"}
    )
    changed = correct(Annotation(label="feliz", attributes={"edad": "31"}, rights={"licence-text": "x"}), before)
    assert (changed.attributes, changed.sources, changed.rights) == ({"edad": "31"}, {}, {"licence-text": "x"})
    same = correct(Annotation(label="feliz", attributes={"edad": "30"}), before)
    assert same == before
