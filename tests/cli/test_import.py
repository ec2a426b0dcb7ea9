"""`import`: a dry run says the same, a sentence where nothing is registered, each small input that once failed."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from registry.cli.main import main
from registry.content.stores.memory import MemoryStore
from registry.content.unixfs.importer import add_bytes
from registry.core.ipld import car
from registry.core.ipld.cid import CID
from registry.core.ipld.dag import walk_closure
from registry.demo import planted_noise
from tests.conftest import ROOT

Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, dict[str, Any], str]:
        status = main([*arguments, "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else {}, err

    return run


def picture(number: int = 0, size: tuple[int, int] = (200, 140), form: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (number * 60, 50, 90)).save(stream, form, **options)
    return stream.getvalue()


def folder(path: Path, labels: str, count: int = 3) -> Path:
    path.mkdir(parents=True)
    for number in range(count):
        (path / f"{number}.jpg").write_bytes(picture(number))
    (path / "labels.csv").write_text(labels, encoding="utf-8")
    return path


BOXES = "0.jpg,feliz,10 10 40 40\n0.jpg,feliz,80 80 50 50\n"


def test_rows_of_one_picture_are_one_statement_with_all_boxes(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, done, _ = run("import", str(folder(tmp_path / "faces", f"file,label,box\n{BOXES}1.jpg,triste,\n")))
    assert (status, done["rows"], done["registered"], done["merged"], done["unchanged"]) == (0, 3, 2, 1, 0)
    again = run("import", str(tmp_path / "faces"))[1]
    assert (again["registered"], again["corrected"], again["unchanged"], again["merged"]) == (0, 0, 2, 1)
    assert main(["show", done["contribution"], "--table", "rows"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    boxes = [[1000, 1000, 4000, 4000], [8000, 8000, 5000, 5000]]
    assert sorted((row["label"], row["boxes"]) for row in rows) == [("feliz", boxes), ("triste", [])]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("0.jpg,feliz,,,\n0.jpg,triste,,,\n", "contradicting_labels"),
        ("0.jpg,feliz,anna,,\n0.jpg,feliz,ben,,\n", "contradicting_rows"),
        ("0.jpg,feliz,,CC0,\n0.jpg,feliz,,CC-BY,\n", "contradicting_rows"),
        ("0.jpg,feliz,,,7\n0.jpg,feliz,,,8\n", "contradicting_rows"),
    ],
)
def test_rows_that_contradict_each_other_are_all_refused(run: Run, tmp_path: Path, rows: str, code: str) -> None:
    text = f"file,label,subject,licence,attr.age\n{rows}1.jpg,feliz,,,\n"
    status, done, err = run("import", str(folder(tmp_path / "faces", text)))
    assert (status, done["registered"], done["unchanged"]) == (0, 1, 0)
    assert [(bad["row"], bad["code"]) for bad in done["rejected"]] == [(2, code), (3, code)]
    assert "labels.csv:2 (0.jpg) rejected" in err


@pytest.mark.parametrize(
    ("box", "kept", "said"),
    [
        ("190 130 20 20", [[19000, 13000, 1000, 1000]], "cut to the picture of 200 x 140 pixels"),
        ("-5 -5 25 25", [[0, 0, 2000, 2000]], "cut to the picture"),
        ("0 0 200 140", [[0, 0, 20000, 14000]], ""),
        ("900 900 10 10", None, "lies outside the picture of 200 x 140 pixels"),
        ("199.5 0 10 10", None, "lies outside"),
        ("0.5 0.5 0.25 0.25", None, "multiply fractions by the picture's width and height"),
    ],
)
def test_a_box_lies_in_its_picture(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path, box: str, kept: list[list[int]] | None, said: str
) -> None:
    source = str(folder(tmp_path / "faces", f"file,label,box\n0.jpg,feliz,{box}\n1.jpg,triste,\n"))
    status, done, err = run("import", source)
    assert (status, said in err) == (0, True)
    assert [bad["code"] for bad in done["rejected"]] == ([] if kept else ["bad_box"])
    assert main(["show", done["contribution"], "--table", "rows"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["boxes"] for row in rows if row["label"] == "feliz"] == ([kept] if kept else [])


def test_boxes_are_in_the_upright_picture(run: Run, tmp_path: Path) -> None:
    source = folder(tmp_path / "faces", "file,label,box\nturned.jpg,feliz,100 150 30 30\n")
    exif = Image.Exif()
    exif[0x0112] = 6
    (source / "turned.jpg").write_bytes(picture(4, exif=exif.tobytes()))  # 140 x 200 once it is upright
    status, done, _ = run("import", str(source))
    assert (status, done["rejected"], done["notes"]) == (0, [], [])


def changes(done: dict[str, Any]) -> dict[str, Any]:
    known = ("root", "roots", "rows", "merged", "images", "rejected", "notes", "unnamed", "undecodable", "problem")
    return {name: done[name] for name in known}


@pytest.mark.parametrize("labels", [f"file,label,box\n{BOXES}1.jpg,,\n9.jpg,x,\n2.jpg,a,\n2.jpg,b,\n", "file,label\n"])
def test_a_dry_run_says_what_the_import_would(run: Run, home: Path, tmp_path: Path, labels: str) -> None:
    source = folder(tmp_path / "faces", labels)
    (source / "cut.jpg").write_bytes(picture(3)[:400])
    dry_status, dry, _ = run("import", str(source), "--dry-run")
    assert not home.exists()
    status, done, _ = run("import", str(source))
    assert (dry_status, changes(dry)) == (status, changes(done))
    assert (dry["dry_run"], done["dry_run"], dry["registered"]) == (True, False, done["registered"])
    root = done["root"]
    whole = tmp_path / "whole"  # a CAR, whatever it is called
    assert run("export", root, "-o", str(whole))[0] == 0
    for again in (str(whole), root, f"/ipfs/{root}", f"ipfs://{root}/"):
        dry_status, dry, _ = run("import", again, "--dry-run")
        assert (dry_status, dry["root"], dry["rows"], dry["rejected"]) == (status, root, done["rows"], done["rejected"])


def test_several_roots_are_each_imported_and_named(run: Run, tmp_path: Path, home: Path) -> None:
    roots: list[CID] = []
    blocks: dict[CID, bytes] = {}
    for name in ("one", "two"):
        source = folder(tmp_path / name, "file,label\n0.jpg,feliz\n" if name == "one" else "file,label\n1.jpg,triste\n")
        root = CID.parse(run("import", str(source))[1]["root"])
        roots.append(root)
        assert run("export", str(root), "-o", str(tmp_path / f"{name}.car"))[0] == 0
        with (tmp_path / f"{name}.car").open("rb") as stream:
            blocks.update(car.read(stream)[1])
    with (tmp_path / "both.car").open("wb") as stream:
        car.write(roots, blocks.items(), stream)
    status, done, _ = run("import", str(tmp_path / "both.car"))
    assert (status, done["roots"], done["rows"], done["images"]) == (0, [str(root) for root in roots], 2, 2)


def nothing(path: Path) -> str:
    path.mkdir()
    return str(path)


def no_labels(path: Path) -> str:
    (folder(path, "") / "labels.csv").unlink()
    return str(path)


def labels_alone(path: Path) -> str:
    return str(folder(path, "file,label\n0.jpg,feliz\n", count=0))


def all_refused(path: Path) -> str:
    return str(folder(path, "file,label\n0.jpg,\n1.jpg,\n"))


def one_file(path: Path) -> str:
    path.write_bytes(picture())
    return str(path)


def weights(path: Path) -> str:
    store = MemoryStore()
    root = add_bytes(store, b"weights").cid
    with path.open("wb") as stream:
        car.write([root], walk_closure(store.get, [root]), stream)
    return str(path)


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (nothing, "there is no file in it"),
        (no_labels, "nothing in it gives labels"),
        (labels_alone, "neither beside labels.csv nor in images/"),
        (all_refused, "none of 2 rows"),
        (one_file, "is one file, a JPEG"),
        (weights, "is no folder"),
    ],
)
def test_nothing_registered_is_an_error_with_the_way_out(
    run: Run, tmp_path: Path, make: Callable[[Path], str], said: str, dry: list[str]
) -> None:
    source = make(tmp_path / "source")
    status, done, err = run("import", source, *dry)
    assert (status, done["registered"]) == (1, 0)
    assert said in err
    assert "\nhint: " in err
    assert run("import", source, "--hold", *dry)[0] == 0


def test_a_table_is_checked_before_files_are_read(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "faces", "file,label\n0.jpg,feliz\n")
    (tmp_path / "other.csv").write_text('file,label\n"0.jpg,feliz\n')

    def read(*_: object) -> None:
        raise AssertionError("a file was read")

    monkeypatch.setattr("registry.content.unixfs.local_tree.LocalTree.add", read)
    status, _, err = run("import", str(source), "--labels", str(tmp_path / "other.csv"))
    assert (status, "line 2 of" in err) == (1, True)


def test_a_table_may_be_named_itself(run: Run, tmp_path: Path) -> None:
    source = folder(tmp_path / "faces", "file,label\n0.jpg,feliz\n")
    (source / "mine.csv").write_text("picture;what\n1.jpg;triste\n2.jpg;triste\n")
    status, done, _ = run("import", str(source / "mine.csv"), "--map", "file=picture", "--map", "label=what")
    assert (status, done["registered"], done["labels"][0]["columns"]) == (0, 2, {"file": "picture", "label": "what"})
    assert sorted(done["unnamed"]) == ["0.jpg", "labels.csv"]


def damaged(data: bytes) -> bytes:
    """A picture whose header and end are as they were."""
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0x5A for byte in data[middle : middle + 20]) + data[middle + 20 :]


def long_text() -> PngInfo:
    texts = PngInfo()
    texts.add_text("Comment", "a" * 3_000_000, zip=True)
    return texts


def test_a_box_is_looked_at_whatever_a_png_says_beside(run: Run, tmp_path: Path) -> None:
    source = folder(tmp_path / "faces", "file,label,box\nlong.png,feliz,900 900 20 20\n0.jpg,feliz,\n")
    (source / "long.png").write_bytes(picture(form="PNG", pnginfo=long_text()))
    status, done, _ = run("import", str(source))
    assert (status, [one["code"] for one in done["rejected"]]) == (0, ["bad_box"])


def test_what_registers_and_can_not_be_decoded_is_told_at_import(run: Run, tmp_path: Path) -> None:
    source = folder(tmp_path / "faces", "file,label\n")
    files = {
        "cut.jpg": (picture()[:400], "cut off"),
        "empty.jpg": (b"", "empty"),
        "lfs.jpg": (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        "phone.jpg": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC: convert it to JPEG"),
        "new.avif": (picture(form="AVIF"), "AVIF: convert it"),
        "phone.cr3": (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera's raw picture: convert it"),
        "grey.pgm": (b"P5\n# GIMP\n2 1\n255\n\0\0", "a PPM: convert it"),
        "annexed.jpg": (b"/annex/objects/SHA256E-s9--00.jpg\n", "a git-annex pointer"),
        **{f"bad.{form.lower()}": (damaged(picture(form=form)), "damaged") for form in ("PNG", "WEBP", "GIF")},
        "large.png": (planted_noise.bomb(), "more than any recipe reads"),
        "good.webp": (picture(form="WEBP"), ""),
        "good.tif": (picture(form="TIFF"), ""),
        "described.png": (picture(form="PNG", pnginfo=long_text()), ""),
    }
    for name, (data, _) in files.items():
        (source / name).write_bytes(data)
    (source / "labels.csv").write_text("file,label\n" + "".join(f"{name},feliz\n" for name in files))
    status, done, err = run("import", str(source))
    assert status == 0
    told = {one["name"]: one["reason"] for one in done["undecodable"]}
    assert set(told) == {name for name, (_, reason) in files.items() if reason}
    assert all(files[name][1] in reason for name, reason in told.items())
    assert "phone.jpg is registered, but training can't decode it" in err


def test_a_label_as_given_or_its_class(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run("import", str(folder(tmp_path / "faces", "file,label\n0.jpg,happy\n1.jpg,feliz\n2.jpg,alegre\n")))
    counts = {}
    for label in ("happy", "feliz", "alegre", "triste"):
        assert main(["images", "list", "--label", label, "--json"]) == 0
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        counts[label] = [(one["label"], one["class"]) for one in sorted(found, key=lambda one: str(one["label"]))]
    assert counts == {
        "happy": [("happy", "feliz")],
        "feliz": [("feliz", "feliz"), ("happy", "feliz")],
        "alegre": [("alegre", None)],
        "triste": [],
    }
    assert run("snapshot", "create")[1]["unknown_labels"] == {"alegre": 1}


def test_an_archive_is_to_be_unpacked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "faces.zip").write_bytes(b"PK\x03\x04" + bytes(60))
    status, _, err = run("import", str(tmp_path / "faces.zip"))
    assert (status, "hint: unpack it" in err) == (1, True)


def test_the_file_of_a_refused_row_is_named_by_it(run: Run, tmp_path: Path) -> None:
    rows = "0.jpg,feliz,900 900 9 9\n1.jpg,feliz,x\n2.jpg,,\n3.jpg,feliz,\n"
    done = run("import", str(folder(tmp_path / "faces", f"file,label,box\n{rows}", count=5)))[1]
    assert (len(done["rejected"]), done["unnamed"]) == (3, ["4.jpg"])


def test_a_dry_run_tells_only_of_pictures_that_would_be_registered(run: Run, tmp_path: Path) -> None:
    source = folder(tmp_path / "faces", "file,label\n0.jpg,feliz\nbad.jpg,feliz\nbad.jpg,triste\n")
    (source / "bad.jpg").write_bytes(b"no picture")
    dry, done = run("import", str(source), "--dry-run")[1], run("import", str(source))[1]
    assert dry["undecodable"] == done["undecodable"] == []
    assert dry["rejected"] == done["rejected"]


def test_boxes_cut_are_told_for_each_file_that_says_some(run: Run, tmp_path: Path) -> None:
    source = folder(tmp_path / "faces", "", count=2)
    (source / "labels.csv").unlink()
    (source / "classes.txt").write_text("feliz\n")
    for number in range(2):
        (source / f"{number}.txt").write_text("0 0.9 0.5 0.21 0.5\n")
    notes = run("import", str(source))[1]["notes"]
    assert [note.partition(": cut")[0] for note in notes] == ["0.txt:1 (0.jpg)", "1.txt:1 (1.jpg)"]


def test_a_name_of_several_lines_is_shown_in_one(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = folder(tmp_path / "faces", "file,label\n0.jpg,feliz\n", count=1)
    (source / "a\nemotionet: error: b.jpg").write_bytes(b"")
    assert main(["import", str(source)]) == 0
    out, err = capsys.readouterr()
    assert "a\ufffdemotionet: error: b.jpg" in out
    assert not [line for line in (out + err).splitlines() if line.startswith("emotionet: error")]


def case(name: str) -> Path:
    """A small input beside the checkout; the suite stands without."""
    path = Path(os.environ.get("EMOTIONET_TEST_DATA") or ROOT.parent / "shared" / "data").parent / "cases" / name
    if not path.exists():
        pytest.skip("the small inputs are not here")
    return path


CASES = {  # what each small input does: exit status, rows that are registered or known, what is said
    "01_box_per_row": (0, 1, "1 merged with another row"),
    "02_mpo_not_exported": (0, 5, "5 rows"),
    "03_nfd_name": (0, 1, "1 row,"),
    "04_box_outside": (1, 0, "lies outside the picture"),
    "06_no_suffix": (0, 4, "4 rows"),
    "06_upper.CAR": (0, 4, "4 rows"),
    "07_carv2.car": (0, 4, "4 rows"),
    "08_nul_padded.car": (0, 4, "4 rows"),
    "09_wrapped.car": (0, 4, "the labels were found in faces/"),
    "10_symlink.car": (0, 4, "symbolic link is not followed: link.jpg"),
    "11_html.car": (1, None, "an HTML page: the gateway's error?"),
    "11_jpeg.car": (1, None, "is not a CAR file but a JPEG"),
    "13_no_labels_csv_here": (1, 0, "/faces`"),
    "13b_metadata_csv": (0, 4, "metadata.csv"),
    "15_unclosed_quote": (1, None, "line 3 of labels.csv"),
    "17_sheet_16bit": (0, 5, "5 rows"),
    "18_windows_path": (0, 1, "is read with \\ as /"),
    "19_not_images": (0, 3, "HEIC: convert it to JPEG"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_that_once_failed(home: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    status, count, said = CASES[name]
    assert main(["import", str(case(name))]) == status
    out, err = capsys.readouterr()
    assert said in out + err
    if count is not None:
        assert main(["images", "list", "--quiet"]) == 0
        assert len(capsys.readouterr().out.split()) == count


def test_a_fetch_names_links_and_brings_the_rest(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    root = run("import", str(case("10_symlink.car")))[1]["root"]
    status, done, err = run("fetch", root, "-o", str(tmp_path / "out"))
    assert (status, done["links"]) == (0, ["link.jpg"])
    assert "left out link.jpg: it is a symbolic link, and links are not followed" in err
    assert (tmp_path / "out" / "labels.csv").is_file()


def test_a_person_is_found_by_the_name_in_the_table_and_by_the_pseudonym(run: Run, tmp_path: Path) -> None:
    run("import", str(folder(tmp_path / "faces", "file,label,subject\n0.jpg,feliz,Jo\n1.jpg,feliz,Al\n")))
    listed = run("images", "list", "--subject", "Jo")[1]
    pseudonym = listed["subject"]
    assert pseudonym != "Jo"
    assert run("images", "list", "--subject", pseudonym)[1] == listed
    status, _, err = run("images", "list", "--subject", "jo")
    assert (status, "no subject of this name is known here" in err) == (3, True)
    done = run("snapshot", "create", "--subject", "Jo")[1]
    assert done["count"] == 1
    assert run("show", done["snapshot"])[1]["query"] == {"subject": pseudonym}
