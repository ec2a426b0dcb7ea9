"""What leaves for other tools is all that training reads, with the same pixels, boxes and texts."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import pandas
import pytest
from PIL import Image
from PIL.ImageCms import ImageCmsProfile, createProfile
from PIL.PngImagePlugin import PngInfo
from pyarrow import parquet

from pipeline.cleaning.label_boxes import choose_boxes
from registry.assembly import Home
from registry.cli.main import main
from registry.content.unixfs import importer
from registry.core import records
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.imaging.decode import decode
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.append import append
from registry.workflows.snapshots.export_snapshot import export_snapshot, snapshot_rows
from registry.workflows.snapshots.take_snapshot import take_snapshot

pytestmark = pytest.mark.filterwarnings("ignore")  # mlcroissant's own warnings, of pandas and of its optional parts

READ = """
import hashlib, json, os, sys
from pathlib import Path
from pipeline.workspace import quiet
quiet()
from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
os.chdir(sys.argv[1])
data = check_det_dataset(str(Path(sys.argv[1]) / "data.yaml"))
dataset = build_yolo_dataset(get_cfg(overrides={"imgsz": 48}), data["train"], 1, data, mode="val")
found = {}
for number, label in enumerate(dataset.labels):
    pixels = dataset.load_image(number)[0][..., ::-1]
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    found[Path(label["im_file"]).stem] = [label["cls"].ravel().tolist(), label["bboxes"].tolist(), digest]
print(json.dumps(found))
"""


def read_yolo(folder: Path) -> dict[str, Any]:
    """By sha256 the classes, boxes and the pixels' digest that ultralytics finds."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def taken(opened: Home, folder: Path, rows: list[tuple[bytes, str, str]], **given: Any) -> CID:
    """A snapshot of images with a label and a licence each."""
    folder.mkdir()
    lines = ["file,label,licence"]
    for number, (data, label, licence) in enumerate(rows):
        (folder / f"{number}.img").write_bytes(data)
        lines.append(f"{number}.img,{label},{licence}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    import_source(opened, str(folder))
    return CID.parse(take_snapshot(opened, **given)["snapshot"])


def all_kinds() -> dict[str, bytes]:
    """Pictures of every kind that training reads, 48 pixels wide."""
    plain = Image.linear_gradient("L").resize((48, 32)).convert("RGB")
    marked = plain.copy()
    marked.paste((200, 30, 30), (0, 0, 12, 8))
    turned, half = Image.Exif(), marked.convert("RGBA")
    turned[0x0112] = 3
    half.putalpha(Image.linear_gradient("L").resize((48, 32)))
    deep = Image.fromarray(np.linspace(0, 65535, 48 * 32).reshape(32, 48).astype(np.uint16))

    def several() -> dict[str, Any]:
        return {"save_all": True, "append_images": [plain.copy()]}  # Pillow leaves its notes on them

    made: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        **{kind: (marked, kind, {}) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")},
        **{f"{kind} of several": (marked, kind, several()) for kind in ("MPO", "PNG", "WEBP", "GIF", "TIFF")},
        **{f"{kind} turned": (marked, kind, {"exif": turned}) for kind in ("JPEG", "PNG", "WEBP", "TIFF")},
        **{f"{kind} see-through": (half, kind, {}) for kind in ("PNG", "WEBP", "TIFF", "GIF")},
        **{f"{kind} of sixteen bits": (deep, kind, {}) for kind in ("PNG", "TIFF")},
        **{f"{kind} in grey": (plain.convert("L"), kind, {}) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF")},
        **{f"{kind} for print": (marked.convert("CMYK"), kind, {}) for kind in ("JPEG", "TIFF")},
        **{f"{kind} with a palette": (marked.quantize(16), kind, {}) for kind in ("PNG", "BMP", "TIFF")},
        **{f"{kind} of one bit": (marked.convert("1"), kind, {}) for kind in ("PNG", "BMP", "TIFF")},
    }
    data = {}
    for name, (image, kind, options) in made.items():
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        data[name] = stream.getvalue()
    return {**data, **hard_for_others(marked)}


def hard_for_others(image: Image.Image) -> dict[str, bytes]:
    """Pictures that training reads, and ultralytics leaves out or sees otherwise."""
    packet = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" {}/>'
    turned = packet.format('tiff:Orientation="6"') + "</x:xmpmeta>"
    long, described = PngInfo(), PngInfo()
    long.add_text("Comment", "a" * 3_000_000, zip=True)
    described.add_itxt("XML:com.adobe.xmp", turned)
    profile = ImageCmsProfile(createProfile("sRGB")).tobytes()
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "PNG, hard: long text": ("PNG", {"pnginfo": long}),
        "PNG, hard: long profile": ("PNG", {"icc_profile": profile + bytes(3_000_000)}),
        "PNG, hard: turned by XMP": ("PNG", {"pnginfo": described}),
        "JPEG, hard: turned by XMP": ("JPEG", {"xmp": turned.encode()}),
        "WEBP, hard: turned by XMP": ("WEBP", {"xmp": turned.encode()}),
    }
    data = {"PNG, hard: without its end": png(image.transpose(Image.Transpose.ROTATE_180))[:-12]}
    for name, (kind, options) in made.items():
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        data[name] = stream.getvalue()
    return data


def test_whatever_training_reads_is_exported_and_read_alike(opened: Home, tmp_path: Path) -> None:
    data = all_kinds()
    assert len(set(data.values())) == len(data)
    snapshot = taken(opened, tmp_path / "kinds", [(one, "feliz", "") for one in data.values()])
    done = export_snapshot(opened, snapshot, "yolo", tmp_path / "yolo")
    assert (done["images"], done["left_out"]) == (len(data), [])
    found, apart = read_yolo(tmp_path / "yolo"), set()
    for name, one in data.items():
        seen = np.asarray(decode(one, 1 << 20))
        if (
            found[hashlib.sha256(one).hexdigest()][2]
            != hashlib.sha256(repr(seen.shape).encode() + seen.tobytes()).hexdigest()
        ):
            apart.add(name)
    assert not [name for name in apart if not name.startswith(("JPEG", "WEBP"))]  # other decoders of them: other bits
    kept = {name for name, one in data.items() if hashlib.sha256(one).hexdigest() not in done["converted"]}
    assert {"JPEG", "PNG", "WEBP", "BMP", "JPEG turned", "PNG of sixteen bits"} <= kept
    assert not [
        name for name in kept if any(word in name for word in ("MPO", "GIF", "TIFF", "several", "through", "hard"))
    ]
    dataset = export_snapshot(opened, snapshot, "croissant", tmp_path / "croissant")
    long = {hashlib.sha256(one).hexdigest(): "PNG" for name, one in data.items() if "hard: long" in name}
    assert (dataset["images"], dataset["converted"]) == (len(data), long)
    loaded = mlcroissant.Dataset(jsonld=str(tmp_path / "croissant" / "croissant.json")).records(record_set="items")
    assert len(list(loaded)) == len(data)


def test_no_exception_is_swallowed_on_the_way(
    opened: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = taken(opened, tmp_path / "in", [(png(Image.new("RGB", (9, 9))), "feliz", ""), (b"GIF89a", "feliz", "")])
    assert main(["snapshot", "export", str(snapshot), "--format", "yolo", "-o", str(tmp_path / "one")]) == 0
    assert "left out: 1 (undecodable: " in capsys.readouterr().out

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("registry.imaging.decode.without", no_memory)
    with pytest.raises(MemoryError):
        export_snapshot(opened, snapshot, "yolo", tmp_path / "other")
    assert not list(tmp_path.glob("*other*"))


LOOKALIKES = ("01", "007", "1e3", "NA", "None", "nan", "null", "True", "-inf", "1.50", "N/A", "2024-01-01")
Said = dict[str | None, tuple[str | None, str | None]]  # by sha256: label and licence


@pytest.fixture
def lookalikes(opened: Home, tmp_path: Path) -> tuple[CID, Said]:
    """A snapshot of labels and licences that look like numbers, or like nothing, and of a picture without an object."""
    rows, wanted = [], Said()
    for number, label in enumerate((*LOOKALIKES, "fondo")):
        data = png(Image.new("RGB", (40, 30), (number * 9, 80, 200)))
        licence = LOOKALIKES[-1 - number] if number < len(LOOKALIKES) else ""
        rows.append((data, label, licence))
        wanted[hashlib.sha256(data).hexdigest()] = (None if label == "fondo" else label, licence or None)
    return taken(opened, tmp_path / "in", rows, classes="\n".join((*LOOKALIKES, "fondo = nothing"))), wanted


def text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else None


def test_mlcroissant_loads_texts_as_they_are(opened: Home, lookalikes: tuple[CID, Said], tmp_path: Path) -> None:
    snapshot, wanted = lookalikes
    export_snapshot(opened, snapshot, "croissant", tmp_path / "out")
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
    assert not dataset.metadata.issues.errors
    loaded = list(dataset.records(record_set="items"))
    assert {
        text(one["items/sha256"]): (text(one["items/label"]), text(one["items/licence"])) for one in loaded
    } == wanted
    for one in loaded:
        label = text(one["items/label"])
        assert label is None or LOOKALIKES[int(one["items/class"])] == label


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_rows_keep_texts_as_they_are(lookalikes: tuple[CID, Said], tmp_path: Path, form: str) -> None:
    snapshot, wanted = lookalikes
    out = tmp_path / f"items.{form}"
    assert main(["snapshot", "export", str(snapshot), "--format", form, "-o", str(out)]) == 0
    if form == "parquet":
        rows = parquet.read_table(out).to_pylist()
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    else:
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {row["sha256"]: (row["label"] or None, row["licence"] or None) for row in rows} == wanted


def test_a_picture_without_an_object_is_background_for_ultralytics(
    opened: Home, lookalikes: tuple[CID, Said], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot, wanted = lookalikes
    export_snapshot(opened, snapshot, "yolo", tmp_path / "out")
    (empty,) = [str(name) for name, (label, _) in wanted.items() if label is None]
    assert (tmp_path / "out" / "labels" / "train" / f"{empty}.txt").read_bytes() == b""
    found = read_yolo(tmp_path / "out")
    assert {name for name, (kinds, *_) in found.items() if not kinds} == {empty}
    assert len(found) == len(wanted)
    assert main(["snapshot", "show", str(snapshot)]) == 0
    assert "and 1 without an object" in capsys.readouterr().out


def test_pictures_without_an_object_come_back_from_a_yolo_folder_as_its_note_says(
    opened: Home, lookalikes: tuple[CID, Said], tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot, wanted = lookalikes
    export_snapshot(opened, snapshot, "yolo", tmp_path / "out")
    empty = [path.stem for path in (tmp_path / "out" / "labels").rglob("*.txt") if not path.stat().st_size]
    (tmp_path / "empty.csv").write_text("file,label\n" + "".join(f"images/train/{one}.png,fondo\n" for one in empty))
    capsys.readouterr()
    assert main(["import", str(tmp_path / "out")]) == 0
    assert (
        "1 picture has an empty text file, and so no label: a table of their own (--labels)" in capsys.readouterr().out
    )
    assert main(["import", str(tmp_path / "out"), "--labels", str(tmp_path / "empty.csv")]) == 0
    again = take_snapshot(opened, classes="\n".join((*LOOKALIKES, "fondo = nothing")))
    rows = {row["sha256"]: row["label"] for row in snapshot_rows(opened, CID.parse(again["snapshot"]))}
    assert rows == {name: label for name, (label, _) in wanted.items()}


def test_digests_and_links_of_a_table_are_text(
    opened: Home, lookalikes: tuple[CID, Said], capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = records.parse_as(records.Snapshot, opened.store.get(lookalikes[0]))
    for cid, table, name in ((lookalikes[0], "items", "image"), (snapshot.contributions[0], "rows", "cid")):
        for form in ("csv", "jsonl"):
            capsys.readouterr()
            assert main(["show", str(cid), "--table", table, "--format", form]) == 0
            out = capsys.readouterr().out
            rows = list(csv.DictReader(io.StringIO(out))) if form == "csv" else list(map(json.loads, out.splitlines()))
            assert {row["sha256"] for row in rows} == set(lookalikes[1])
            assert all(CID.parse(row[name]) for row in rows)


BOXES: dict[str, tuple[list[list[int]], list[list[int]]]] = {  # as stated of an image of 40 by 30, and as they count
    "none": ([], []),
    "inside": ([[400, 300, 2000, 1500]], [[400, 300, 2000, 1500]]),
    "partly outside": ([[-500, 300, 2000, 9000]], [[0, 300, 1500, 2700]]),
    "outside": ([[90000, 90000, 1000, 1000]], []),
    "outside beside one inside": ([[90000, 0, 100, 100], [0, 0, 500, 500]], [[0, 0, 500, 500]]),
    "below a pixel": ([[50, 50, 25, 25]], []),
    "twice": ([[0, 0, 500, 500], [0, 0, 500, 500]], [[0, 0, 500, 500]]),
}


def stated(opened: Home, boxes: dict[bytes, list[list[int]]]) -> CID:
    """A snapshot as a stranger may sign it, with these boxes."""
    rows = []
    for data, some in boxes.items():
        image, sha256 = importer.add_bytes(opened.store, data).cid, hashlib.sha256(data).digest()
        rows.append([sha256, image, len(data), "feliz", ["a stranger"], None, {}, None, some, {}, {}])
    record = records.Snapshot(
        items=tables.build(records.SNAPSHOT_ITEMS, sorted(rows), opened.store.put),
        count=len(rows),
        classes=("feliz",),
        aliases={"feliz": 0},
        query={},
        rule="majority-v1",
        contributions=(),
        excluded=tables.build(records.EXCLUDED, [], opened.store.put),
    )
    return append(opened, opened.key, record).record


def test_training_and_every_export_agree_on_boxes(opened: Home, tmp_path: Path) -> None:
    pictures = {name: png(Image.new("RGB", (40, 30), (place * 30, 80, 200))) for place, name in enumerate(BOXES)}
    names = {hashlib.sha256(data).hexdigest(): name for name, data in pictures.items()}
    cid = stated(opened, {data: BOXES[name][0] for name, data in pictures.items()})
    wanted = {name: counted for name, (_, counted) in BOXES.items()}
    export_snapshot(opened, cid, "croissant", tmp_path / "croissant")
    table = pandas.read_parquet(tmp_path / "croissant" / "items.parquet")
    assert {names[one]: json.loads(boxes) for one, boxes in zip(table["sha256"], table["boxes"], strict=True)} == wanted
    assert {names[row["sha256"]]: row["boxes"] for row in snapshot_rows(opened, cid)} == wanted
    full = {name: counted or [[0, 0, 4000, 3000]] for name, counted in wanted.items()}
    export_snapshot(opened, cid, "yolo", tmp_path / "yolo")
    for one, (_, centres, _) in read_yolo(tmp_path / "yolo").items():
        found = [[(x - w / 2) * 4000, (y - h / 2) * 3000, w * 4000, h * 3000] for x, y, w, h in centres]
        assert sorted(found) == [pytest.approx(box, abs=0.1) for box in sorted(full[names[one]])]
    for name, (some, _) in BOXES.items():
        trained, _ = choose_boxes([(x, y, w, h) for x, y, w, h in some], None, 40, 30)
        assert [list(box) for box in trained] == full[name]
