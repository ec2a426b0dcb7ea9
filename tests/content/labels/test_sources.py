"""Where a folder says its labels, local and held by CID alike: and what is said where nothing fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from registry.content.labels.labeled_folder import Folder, Options, held_folder, import_folder
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs.importer import add_bytes, add_directory
from registry.core.errors import InvalidInput
from registry.core.ipld.cid import DAG_PB, cid_of
from registry.core.ipld.dagpb import Link, Node, encode_node
from registry.core.ipld.unixfs import SYMLINK, UnixFS, directory_node, encode_unixfs

PROFILE = "unixfs-v1-2025"
PICTURE = "picture"  # is drawn: 100 x 50 pixels
COCO = {
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
    "categories": [{"id": 1, "name": "feliz"}, {"id": 2, "name": "triste"}],
    "annotations": [
        {"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]},
        {"image_id": 2, "category_id": 2, "bbox": [0, 0, 100, 50]},
    ],
}
LABELED = {("a.jpg", "feliz"), ("b.jpg", "triste")}
BOXED = {("a.jpg", (1000, 1000, 2000, 2000)), ("b.jpg", (0, 0, 10000, 5000))}
YOLO = {"labels/a.txt": "0 0.2 0.4 0.2 0.4\n", "labels/b.txt": "1 0.5 0.5 1 1\n"}
PICTURES = {"images/a.jpg": PICTURE, "images/b.jpg": PICTURE}
FORMS: dict[str, tuple[Mapping[str, str], bool]] = {
    "labels.csv": ({"labels.csv": "file,label\na.jpg,feliz\nb.jpg,triste\n", **PICTURES}, False),
    "another table, the only one that fits": (
        {"faces.tsv": "path\tclass\na.jpg\tfeliz\nb.jpg\ttriste\n", "notes.csv": "a,b\n", **PICTURES},
        False,
    ),
    "one folder a class": ({"feliz/a.jpg": PICTURE, "triste/b.jpg": PICTURE}, False),
    "one folder a class below splits": ({"train/feliz/a.jpg": PICTURE, "val/triste/b.jpg": PICTURE}, False),
    "COCO, as its programs write it": (
        {"annotations/instances.json": json.dumps(COCO), "train2017/a.jpg": PICTURE, "train2017/b.jpg": PICTURE},
        True,
    ),
    "YOLO with a list of names": ({"data.yaml": "names: [feliz, triste]\n", **YOLO, **PICTURES}, True),
    "YOLO with a map of names": ({"data.yaml": "names:\n  0: feliz\n  1: triste\n", **YOLO, **PICTURES}, True),
    "labelImg: text beside the pictures, classes.txt": (
        {
            "classes.txt": "feliz\ntriste\n",
            **{name.removeprefix("labels/"): text for name, text in YOLO.items()},
            "a.jpg": PICTURE,
            "b.jpg": PICTURE,
        },
        True,
    ),
    "Roboflow: a split above images and labels": (
        {
            "data.yaml": "names: ['feliz', 'triste']\n",
            **{f"train/{name}": text for name, text in {**YOLO, **PICTURES}.items()},
        },
        True,
    ),
    "YOLO's polygons": (
        {
            "data.yaml": "names: [feliz, triste]\n",
            "labels/a.txt": "0 0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.6\n",
            "labels/b.txt": "1 0 0 1 0 1 1 0 1\n",
            **PICTURES,
        },
        True,
    ),
}


def make(folder: Path, files: Mapping[str, str]) -> Path:
    for number, (name, text) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text == PICTURE:
            Image.new("RGB", (100, 50), (number, 9, 9)).save(path)
        else:
            path.write_text(text, encoding="utf-8")
    return folder


def labeled(found: Folder) -> set[tuple[str, str]]:
    assert found.rejected == ()
    return {((row.row.file or "").rpartition("/")[2], row.row.label) for row in found.rows}


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_says_its_labels(form: str, tmp_path: Path) -> None:
    files, boxed = FORMS[form]
    store = MemoryStore()
    local = import_folder(make(tmp_path, files), store, PROFILE)
    assert labeled(local) == LABELED
    if boxed:
        assert {((row.row.file or "").rpartition("/")[2], row.row.boxes[0]) for row in local.rows} == BOXED
    again = held_folder(store, local.root)  # what was imported says the same to whoever gets it by its CID
    assert again.rows == local.rows
    assert local.labels is not None
    assert local.labels.read_as()


def test_what_no_row_names_is_counted(tmp_path: Path) -> None:
    files = {"labels.csv": "file,label\na.jpg,feliz\n", "a.jpg": PICTURE, "b.jpg": PICTURE, ".hidden": "", "x/c": ""}
    assert import_folder(make(tmp_path, files), MemoryStore(), PROFILE).unnamed == ("b.jpg", "x/c")


@pytest.mark.parametrize(
    ("files", "said", "hint"),
    [
        ({}, "there is no file in it; what is read", "labels.csv"),
        ({"a.jpg": PICTURE, "b.jpg": PICTURE}, "(it holds 2 .jpg)", "labels.csv"),
        ({"one/a.jpg": PICTURE}, "(it holds 1 .jpg)", "labels.csv"),
        ({"faces/labels.csv": "file,label\n", "faces/a.jpg": PICTURE}, "faces/labels.csv", "emotionet import"),
        ({"data.csv": "name,what\na,b\n"}, "it has name, what", "--map"),
        ({"train/_annotations.csv": "filename,class\n", "train/a.jpg": PICTURE}, "train/_annotations.csv", "/train`"),
        ({"one/_a.coco.json": json.dumps(COCO), "one/a.jpg": PICTURE}, "one/_a.coco.json", "/one`"),
        ({"annotations/faces.csv": "file,label\n", "images/a.jpg": PICTURE}, "annotations/faces.csv", "--labels"),
        ({"set1/l.csv": "file,label\n", "set1/a.jpg": PICTURE, "set2/b.jpg": PICTURE}, "set1/l.csv", "/set1`"),
        ({"x/y/feliz/a.jpg": PICTURE, "x/y/triste/b.jpg": PICTURE}, "one folder per class in x/y/", "/x/y`"),
        ({"labels.json": "[{}]", "a.jpg": PICTURE}, "labels.json is JSON, but not whole or not COCO's", "labels.csv"),
        ({"labels.xls": "", "a.jpg": PICTURE}, "labels.xls is not read: save it as .xlsx", "labels.csv"),
    ],
)
def test_where_nothing_says_a_label_the_way_out_is_told(
    files: Mapping[str, str], said: str, hint: str, tmp_path: Path
) -> None:
    problem = import_folder(make(tmp_path, files), MemoryStore(), PROFILE).problem
    assert problem is not None
    assert (said in problem.reason, hint in problem.hint) == (True, True)


@pytest.mark.parametrize("own", ["feliz/._a.jpg", ".ipynb_checkpoints/a.jpg", "__MACOSX/feliz/a.jpg"])
def test_what_systems_keep_for_themselves_is_no_picture_of_a_class(own: str, tmp_path: Path) -> None:
    files = {"feliz/a.jpg": PICTURE, "triste/b.jpg": PICTURE, own: PICTURE, "feliz/Thumbs.db": ""}
    found = import_folder(make(tmp_path, files), MemoryStore(), PROFILE)
    assert labeled(found) == LABELED
    assert found.unnamed == ()


@pytest.mark.parametrize(
    "text",
    ["names: [feliz, triste\n", "a: &a [x]\nnames: [*a, *a]\n", "names: feliz\n", "names: {feliz: 0}\n"],
)
def test_names_of_classes_that_cant_be_read_are_no_numbers(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"data\.yaml names no classes") as caught:
        import_folder(make(tmp_path, {"data.yaml": text, **YOLO, **PICTURES}), MemoryStore(), PROFILE)
    assert caught.value.hint


@pytest.mark.parametrize(
    "others", [{"dvc.yaml": "stages: [\n"}, {"x/deploy.yaml": "names: {a: b}\n"}, {"mkdocs.yml": "site_name: x\n"}]
)
def test_others_yaml_names_no_classes(others: Mapping[str, str], tmp_path: Path) -> None:
    files = {"set/data.yaml": "names: [feliz, triste]\n", **others}
    files |= {f"set/{name}": text for name, text in {**YOLO, **PICTURES}.items()}
    assert labeled(import_folder(make(tmp_path, files), MemoryStore(), PROFILE)) == LABELED


def test_two_files_that_name_the_classes_differently_are_not_chosen_between(tmp_path: Path) -> None:
    files = {"a/data.yaml": "names: [feliz]\n", "b/data.yaml": "names: [triste]\n", **YOLO, **PICTURES}
    with pytest.raises(InvalidInput, match=r"a/data\.yaml, b/data\.yaml"):
        import_folder(make(tmp_path, files), MemoryStore(), PROFILE)


def test_a_mapping_without_a_table_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    files = {"feliz/a.jpg": PICTURE, "triste/b.jpg": PICTURE}
    options = Options(mapping={"label": "emotion"})
    found = import_folder(make(tmp_path, files), MemoryStore(), PROFILE, options=options)
    assert found.labels is not None
    assert "there is no table here" in found.labels.read_as()[-1]


def test_of_two_tables_none_is_guessed(tmp_path: Path) -> None:
    files = {"one.csv": "file,label\n", "two.csv": "file,label\n"}
    with pytest.raises(InvalidInput, match=r"one\.csv, two\.csv"):
        import_folder(make(tmp_path, files), MemoryStore(), PROFILE)


def test_a_wrapping_folder_of_what_came_by_cid_is_gone_into_and_links_are_named() -> None:
    store = MemoryStore()
    picture, table = add_bytes(store, b"picture"), add_bytes(store, b"file,label\na.jpg,feliz\nlink.jpg,feliz\n")
    block = encode_node(Node((), encode_unixfs(UnixFS(SYMLINK, b"/etc/passwd"))))
    link = cid_of(block, DAG_PB)
    store.put(link, block)
    inner = directory_node(
        (
            Link(picture.cid, "a.jpg", picture.tsize),
            Link(table.cid, "labels.csv", table.tsize),
            Link(link, "link.jpg", len(block)),
        )
    )
    store.put(cid_of(inner, DAG_PB), inner)
    root = add_directory(store, {"faces": (cid_of(inner, DAG_PB), len(inner))}).cid
    found = held_folder(store, root)
    assert [(row.row.file, row.row.label) for row in found.rows] == [("a.jpg", "feliz")]
    assert [(bad.row, bad.code) for bad in found.rejected] == [(3, "symbolic_link")]
    assert "1 symbolic link is not followed: faces/link.jpg" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0 0.5 0.5 0.2\n0 0.5 0.5 0.2 0.2\n", "bad_row"),
        ("9 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n", "bad_row"),
        ("0 50 25 20 20\n0 0.5 0.5 0.2 0.2\n", "bad_box"),
        ("0 0.5 0.5 0.001 0.2\n0 0.5 0.5 0.2 0.2\n", "bad_box"),
        ("0 0.5 0.5 nan 0.2\n0 0.5 0.5 0.2 0.2\n", "bad_row"),
        ("x\n0 0.5 0.5 0.2 0.2\n", "bad_row"),
    ],
)
def test_a_bad_line_of_yolos_is_named(text: str, code: str, tmp_path: Path) -> None:
    files = {
        "data.yaml": "names: [feliz]\n",
        "labels/0.txt": "0 0.5 0.5 0.2 0.2\n",
        "images/0.jpg": PICTURE,
        "labels/a.txt": text,
        "images/a.jpg": PICTURE,
    }
    found = import_folder(make(tmp_path, files), MemoryStore(), PROFILE)
    assert [(bad.table, bad.row, bad.code) for bad in found.rejected] == [("labels/a.txt", 1, code)]
    assert len(found.rows) == 2
