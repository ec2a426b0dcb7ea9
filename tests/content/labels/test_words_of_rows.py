"""Where an attribute comes from, what a picture says of its use, a contributor's signature: in every form of table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from registry.content.labels import LabelRow, read_table
from registry.content.labels.tables.columns import check_mapping
from registry.core.errors import InvalidInput, UsageError
from tests.content.labels.test_tables import xlsx

HEADER = ("file", "label", "attr.edad", "source.edad", "rights.tdm-reservation", "rights.licence-text", "licence")
CELLS = ("a.jpg", "feliz", "30", "self", "1", "for research only", "CC0")


def lines(separator: str) -> bytes:
    return "\n".join(separator.join(row) for row in (HEADER, CELLS)).encode()


NESTED = {
    "file_name": "a.jpg",
    "label": "feliz",
    "attributes": {"edad": 30},
    "sources": {"edad": "self"},
    "rights": {"tdm-reservation": 1, "licence-text": "for research only"},
    "licence": "CC0",
}
FORMS = {
    "CSV": lines(","),
    "CSV with semicolons": lines(";"),
    "TSV": lines("\t"),
    "Excel": xlsx(HEADER, CELLS),
    "lines of JSON": json.dumps(dict(zip(HEADER, CELLS, strict=True))).encode(),
    "lines of JSON with objects": json.dumps(NESTED).encode(),
    "capitals": lines(",").replace(b"source.", b"Source.").replace(b"rights.", b"RIGHTS."),
}


def only(data: bytes) -> LabelRow:
    found = read_table(data)
    assert found.rejected == ()
    (row,) = found.rows
    return row


@pytest.mark.parametrize("form", FORMS)
def test_sources_and_rights_are_read_from_every_form(form: str) -> None:
    row = only(FORMS[form])
    assert (row.attributes, row.sources) == ({"edad": "30"}, {"edad": "self"})
    assert row.rights == {"tdm-reservation": "1", "licence-text": "for research only"}
    assert row.licence == "CC0"


def test_a_blank_cell_says_nothing_of_sources_and_rights() -> None:
    row = only(b"file,label,attr.edad,source.edad,rights.tdm-reservation,signature\na.jpg,feliz,,,,\n")
    assert (row.attributes, row.sources, row.rights, row.signature) == ({}, {}, {}, None)


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("source.edad", "my aunt", "unknown_source"),
        ("source.edad", "SELF", "unknown_source"),
        ("rights.licence-text", "x" * 1001, "bad_text"),
        ("signature", "0x1234", "bad_row_signature"),
        ("signature", "signed: me", "bad_row_signature"),
    ],
)
def test_what_says_nothing_we_know_is_refused_by_row(column: str, cell: str, code: str) -> None:
    found = read_table(f"file,label,{column}\na.jpg,feliz,{cell}\nb.jpg,feliz,\n".encode())
    assert [bad.code for bad in found.rejected] == [code]
    assert [row.file for row in found.rows] == ["b.jpg"]


def test_a_signal_that_nobody_knows_is_refused_with_the_table() -> None:
    """A reservation that is misspelt would be lost in silence."""
    with pytest.raises(InvalidInput, match="tdm_reservation") as caught:
        read_table(b"file,label,rights.tdm_reservation\na.jpg,feliz,1\n")
    assert caught.value.code == "unknown_signal"
    assert "tdm-reservation" in str(caught.value.hint)


def test_columns_are_mapped_to_sources_and_rights_too() -> None:
    mapping = check_mapping(["source.edad=how", "rights.tdm-reservation=tdm"])
    (row,) = read_table(b"file,label,attr.edad,how,tdm\na.jpg,feliz,30,perceived,0\n", mapping=mapping).rows
    assert (row.sources, row.rights) == ({"edad": "perceived"}, {"tdm-reservation": "0"})
    wrong: list[Any] = ["source.=how", "rights.=tdm", "source=how"]
    for pair in wrong:
        with pytest.raises(UsageError, match="FIELD=COLUMN"):
            check_mapping([pair])
