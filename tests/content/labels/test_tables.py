"""Tables of labels as people and programs write them: what is understood, what is said of it, what is refused."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.content.labels import Labels, parse_labels, read_table
from registry.content.labels.tables.columns import check_mapping
from registry.content.labels.tables.workbook import MAX_UNPACKED
from registry.core.errors import EmotionetError, InvalidInput, UsageError

BOX = (100, 200, 3000, 4000)


def seen(found: Labels) -> list[tuple[int, str | None, str, tuple[object, ...]]]:
    assert found.rejected == ()
    return [(row.row, row.file, row.label, row.boxes) for row in found.rows]


def xlsx(*rows: tuple[object, ...], sheets: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for title in sheets:
        sheet.title, sheet = title, book.create_sheet("labels")
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


COCO = {
    "info": {"year": 2026},
    "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 100}, {"id": 2, "file_name": "b.jpg"}],
    "categories": [{"id": 7, "name": "feliz", "supercategory": "face"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 30, 40.0], "segmentation": [[1, 2]]}],
}
FORMS = {  # each says that a.jpg is feliz; the line that says it, and whether with a box
    "ours": (b"file,label\na.jpg,feliz\n", 2, False),
    "a header in capitals, blank lines between": (b"\n\nFILE , Label\n\n\na.jpg,feliz\n\n", 6, False),
    "Excel's CSV in Spain: semicolons, a byte order mark, CRLF, empty columns": (
        b"\xef\xbb\xbfFile;Label;;\r\na.jpg;feliz;;\r\n;;;\r\n",
        2,
        False,
    ),
    "Excel's sep= line": (b"sep=;\r\nfile;label\r\na.jpg;feliz\r\n", 3, False),
    "Excel's Unicode text: UTF-16 with its mark, tabs": ("file\tlabel\r\na.jpg\tfeliz\r\n".encode("utf-16"), 2, False),
    "big-endian UTF-16": (b"\xfe\xff" + "file,label\na.jpg,feliz\n".encode("utf-16-be"), 2, False),
    "pandas: an index column without a name": (b",filename,class\n0,a.jpg,feliz\n", 2, False),
    "corners with underscores, as competitions have them": (
        b"image_name,class_name,x_min,y_min,x_max,y_max\na.jpg,feliz,1.0,2.0,31.0,42.0\n",
        2,
        True,
    ),
    "TensorFlow's and Roboflow's CSV": (
        b"filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,100,100,feliz,1,2,31,42\n",
        2,
        True,
    ),
    "Kaggle's": (b"image,label\na.jpg,feliz\n", 2, False),
    "LibreOffice: every cell quoted": (b'"path","category"\n"a.jpg","feliz"\n', 2, False),
    "a cell of several lines": (b'file,label,note\nx.jpg,triste,"one\ntwo"\na.jpg,feliz,\n', 4, False),
    "Hugging Face's metadata.csv": (b"file_name,label\na.jpg,feliz\n", 2, False),
    "Hugging Face's metadata.jsonl": (b'{"file_name": "a.jpg", "label": "feliz"}\n', 1, False),
    "Hugging Face's objects": (
        b'{"file_name": "a.jpg", "objects": {"bbox": [[1, 2, 30, 40]], "categories": ["feliz"]}}\n',
        1,
        True,
    ),
    "Excel's workbook": (xlsx(("Imagen", "File", "Label"), (None, None, None), ("x", "a.jpg", "feliz")), 3, False),
    "a workbook whose first sheet is something else": (
        xlsx(("file", "label"), ("a.jpg", "feliz"), sheets=("notes",)),
        2,
        False,
    ),
    "COCO's JSON": (json.dumps(COCO).encode(), 1, True),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_as_people_have_it(form: str) -> None:
    data, line, boxed = FORMS[form]
    found = read_table(data)
    assert seen(found)[-1] == (line, "a.jpg", "feliz", (BOX,) if boxed else ())
    assert found.read_as()[0].startswith("labels.csv (")


def test_which_columns_were_taken_as_what_is_said() -> None:
    found = read_table(b"Filename;CLASS;Width;attr.Age\na;b;3;7\n", "faces.csv")
    assert found.read_as() == [
        "faces.csv (CSV, semicolons): file from Filename, label from CLASS, attr.Age; left out: Width"
    ]
    assert found.rows[0].attributes == {"Age": "7"}


def test_values_stay_as_they_are_written() -> None:
    table = xlsx(("file", "label"), ("a", "01"), ("b", "NA"), ("c", "1e3"), ("d", 1), ("e", 2.0), ("f", True))
    assert [row.label for row in read_table(table).rows] == ["01", "NA", "1e3", "1", "2", "TRUE"]
    assert [row.label for row in read_table(b"file,label\na,01\nb,NA\nc,1e3\n").rows] == ["01", "NA", "1e3"]


def test_a_column_is_named_by_hand() -> None:
    data = b"picture;what;class\na.jpg;feliz;3\n"
    mapping = check_mapping(["file=Picture", "label=what", "attr.grade=class"])
    (row,) = read_table(data, mapping=mapping).rows
    assert (row.file, row.label, row.attributes) == ("a.jpg", "feliz", {"grade": "3"})
    with pytest.raises(InvalidInput, match=r"'where' is not a column of labels\.csv") as caught:
        read_table(data, mapping={"file": "where"})
    assert "picture, what, class" in str(caught.value.hint)
    for wrong in ("label", "label=", "colour=what", "attr.=what"):
        with pytest.raises(UsageError, match="FIELD=COLUMN"):
            check_mapping([wrong])


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'file,label\na.jpg,feliz\n"b.jpg,triste\nc.jpg,feliz\n', 3),
        (b'file,label\n"a.jpg",feliz\n\nb.jpg,"triste\n', 4),
        (b'sep=;\nfile;label\n"a.jpg";feliz\n"b.jpg;triste\n"c.jpg";feliz\n', 4),
        (b'file,label\n"a.jpg"x,feliz\n', 2),
    ],
)
def test_a_quote_that_is_not_closed_is_refused_with_its_line(data: bytes, line: int) -> None:
    with pytest.raises(InvalidInput, match=f"^line {line} of labels.csv has a quote") as caught:
        read_table(data)
    assert caught.value.hint


@pytest.mark.parametrize(
    "data",
    [
        b'file,label\na.jpg,"feliz\nb.jpg,triste"\nc.jpg,feliz\n',
        b'file;label;note\na.jpg;feliz;"one\nb.jpg;triste;two"\n',
        b'label,file\n"feliz,a.jpg\ntriste,b.jpg"\n',
    ],
)
def test_a_quote_that_a_later_one_closes_swallows_no_row(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"^line 2 of labels\.csv has a quote .* in line 3"):
        read_table(data)


@pytest.mark.parametrize("sign", ["\u2028", "\u0085", "\u000b", "\r"])
def test_a_line_of_json_ends_where_json_says(sign: str) -> None:
    note = json.dumps(f"one{sign}two", ensure_ascii=sign < " ")
    data = f'{{"file_name": "a.jpg", "label": "x", "note": {note}}}\r\n{{"file_name": "b.jpg", "label": "y"}}'
    assert [(row.row, row.file) for row in read_table(data.encode()).rows] == [(1, "a.jpg"), (2, "b.jpg")]


def test_a_cell_of_several_lines_is_one_cell() -> None:
    data = b'file,label,note\na.jpg,feliz,"tired, sad\nand, more, so"\nb.jpg,triste,"as\na.jpg"\n'
    assert [(row.row, row.file) for row in read_table(data).rows] == [(2, "a.jpg"), (4, "b.jpg")]


@pytest.mark.parametrize(
    ("data", "said", "hint"),
    [
        (b"", "is empty", "file,label"),
        (b"\n \n", "is empty", "file,label"),
        ("file,label\na.jpg,feliz\n".encode("utf-16-le"), "UTF-16 without a byte order mark", "UTF-8"),
        (b"a.jpg,feliz\nb.jpg,triste\n", "neither is there: it has a.jpg, feliz", "a line above it"),
    ],
)
def test_a_table_without_its_header_is_told_what_it_lacks(data: bytes, said: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        read_table(data)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("box", ["10 20 30 40", "[10, 20, 30, 40]", "[10.0 20.0 30.0 40.0]", " [10,20,30,40] "])
def test_a_box_may_be_a_list_as_programs_write_it(box: str) -> None:
    (row,) = read_table(f"file\tlabel\tbbox\na.jpg\tfeliz\t{box}\n".encode()).rows
    assert row.boxes == ((1000, 2000, 3000, 4000),)


def test_rejections_are_numbered_as_an_editor_numbers_lines() -> None:
    found = read_table(b"sep=,\nfile,label\n\na.jpg,\nb.jpg,feliz\n,triste\n")
    assert [(bad.row, bad.code, bad.table) for bad in found.rejected] == [
        (4, "empty_label", "labels.csv"),
        (6, "no_file_or_cid", "labels.csv"),
    ]
    assert [row.row for row in found.rows] == [5]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xd8\xff\xe0 a picture", "is a JPEG, not a table"),
        (b"<html><body>503</body></html>", "is an HTML page, not a table"),
        (b"file,label\n\xff,x\n", r"not UTF-8 \(line 2, byte 11\)"),
        ("file,label\n".encode("utf-16")[:-1], "not UTF-16"),
        (b'{"file": "a", "label": "x"}\n{"file"', "line 2 of labels.csv is not JSON"),
        (b'{"file": "a", "label": "x", "label": "y"}\n', "line 1 of labels.csv states label twice"),
        (b'{"file": "a", "label": "x"}\n7\n', "line 2 of labels.csv is not a JSON object"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old workbook", "an old Office file"),
    ],
)
def test_something_else_is_said_to_be_that(data: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_table(data)


def archive(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return stream.getvalue()


def sheet_of(xml: bytes) -> bytes:
    """A workbook whose one sheet is this XML."""
    parts = {}
    with zipfile.ZipFile(io.BytesIO(xlsx(("file", "label"), ("a", "b")))) as good:
        for name in good.namelist():
            parts[name] = xml if name.startswith("xl/worksheets/sheet") else good.read(name)
    return archive(parts)


_SPACE = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SHEET = b'<worksheet xmlns="' + _SPACE + b'"><sheetData>%s</sheetData></worksheet>'


def cell(place: str, text: str) -> bytes:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


_CELLS = b'<row r="1">' + cell("A1", "file") + cell("B1", "label") + b"</row>"
HOSTILE = {
    "no workbook": (archive({"a.txt": b"x"}), "a ZIP archive, not a workbook"),
    "cut off": (xlsx(("file", "label"))[:-30], "the archive is damaged"),
    "unpacks to more than anyone has": (
        archive({"[Content_Types].xml": bytes(MAX_UNPACKED + 1)}),
        "unpack to more than",
    ),
    "more parts than anyone has": (archive({f"{n}.xml": b"" for n in range(3000)}), "unpack to more than"),
    "no XML": (sheet_of(b"nothing"), "can't be read as a workbook"),
    "a thousand million laughs": (
        sheet_of(
            b'<!DOCTYPE x [<!ENTITY a "'
            + b"ha" * 5000
            + b'"><!ENTITY b "'
            + b"&a;" * 500
            + b'"><!ENTITY c "'
            + b"&b;" * 500
            + b'">]>'
            + _SHEET % (_CELLS + b'<row r="2">' + cell("A2", "&c;") + b"</row>")
        ),
        "can't be read as a workbook",
    ),
}


@pytest.mark.parametrize("form", HOSTILE)
def test_a_hostile_workbook_is_refused(form: str) -> None:
    data, said = HOSTILE[form]
    with pytest.raises(InvalidInput, match=said):
        read_table(data)


def test_a_sheet_is_read_by_what_is_in_it_not_by_what_it_says_of_its_size() -> None:
    far = _CELLS + b'<row r="1048576">' + cell("XFD1048576", "far") + b"</row>"
    found = read_table(sheet_of(_SHEET % far))
    assert (found.rows, found.rejected) == ((), ())


@pytest.mark.parametrize("form", ["Excel's workbook", "Hugging Face's metadata.jsonl", "COCO's JSON"])
def test_a_request_of_csv_is_read_as_csv_alone(form: str) -> None:
    with pytest.raises(InvalidInput):  # the bounds of a request are counted in its lines
        parse_labels(FORMS[form][0])


COCO_WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an image that is not there": ({"annotations": [{"image_id": 9, "category_id": 7}]}, "bad_row"),
    "a category that is not there": ({"annotations": [{"image_id": 1, "category_id": 9}]}, "bad_row"),
    "a box of fractions": (
        {"annotations": [{"image_id": 1, "category_id": 7, "bbox": [0.1, 0.1, 0.5, 0.5]}]},
        "bad_box",
    ),
    "a box of three numbers": ({"annotations": [{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3]}]}, "bad_box"),
    "a file that leads out": (
        {"images": [{"id": 1, "file_name": "../a.jpg"}], "annotations": [{"image_id": 1, "category_id": 7}]},
        "path_outside",
    ),
}


@pytest.mark.parametrize("form", COCO_WRONG)
def test_an_annotation_that_can_not_be_is_named(form: str) -> None:
    change, code = COCO_WRONG[form]
    found = read_table(json.dumps({**COCO, **change}).encode())
    assert [(bad.row, bad.code) for bad in found.rejected] == [(1, code)]
    with pytest.raises(InvalidInput, match="not a COCO file of boxes"):
        read_table(json.dumps({**COCO, "images": [{"id": 1}]}).encode())


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"file,label,box\n", b'{"file": "a"}\n', b"PK\x03\x04", b"\xff\xfe"])
)
def test_no_bytes_end_in_another_exception(data: bytes, head: bytes) -> None:
    try:
        read_table(head + data)
    except EmotionetError:
        return
