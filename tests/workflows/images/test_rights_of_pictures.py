"""What pictures say of their own use: read at import, kept in their rows, honoured by snapshots."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from registry.assembly import Home
from registry.catalog.queries.labeled_images.images import list_images
from registry.catalog.queries.labeled_images.rows import current_rows
from registry.cli.main import main
from registry.core.errors import EmotionetError, InvalidInput
from registry.core.ipld.cid import CID
from registry.core.records import Snapshot, Use
from registry.core.snapshots import checked_tables
from registry.imaging import credentials
from registry.imaging.inspect_image import rights_of
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.snapshots.terms import Terms
from registry.workflows.store.read_content import read_as
from tests.support.credentials import PLUS, packet, picture, signed

C2PA, IPTC, TDM = "picture.c2pa.training-mining", "picture.iptc.data-mining", "picture.tdm-reservation"
NO = {"ai_training": "notAllowed"}
PROHIBITED = f"{PLUS}DMI-PROHIBITED-AIMLTRAINING"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (packet(f'plus:DataMining="{PROHIBITED}"'), {IPTC: PROHIBITED}),
        (packet(elements=f"<plus:DataMining>\n {PLUS}DMI-ALLOWED </plus:DataMining>"), {IPTC: f"{PLUS}DMI-ALLOWED"}),
        (packet(elements=f'<plus:DataMining rdf:resource="{PROHIBITED}"/>'), {IPTC: PROHIBITED}),
        (packet('tdm:reservation="1" tdm:policy="https://example.org"'), {TDM: "1"}),
        (packet("plus:DataMining='DMI-ALLOWED'", "<plus:DataMining>DMI-PROHIBITED</plus:DataMining>"),
         {IPTC: "DMI-PROHIBITED"}),
        (packet(elements='<cc:license rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>'),
         {"picture.licence-text": "https://creativecommons.org/licenses/by/4.0/"}),
        (packet('dcterms:provenance="https://example.org/manifest.c2pa"'), {C2PA: "notRead"}),
        (packet('plus:DataMining="a\x07b"'), {IPTC: "unreadable"}),
        (packet(elements=f"<plus:DataMining><rdf:Bag><rdf:li>{PROHIBITED}</rdf:li></rdf:Bag></plus:DataMining>"),
         {IPTC: PROHIBITED}),
        (packet('plus:DataMining=""'), {}),
        (packet('plus:Other="x"', "<plus:DataMiner>x</plus:DataMiner>"), {}),
        (packet(), {}),
    ],
)  # fmt: skip
def test_xmp_is_read_in_each_way_of_writing_it(said: bytes, found: dict[str, str]) -> None:
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        assert rights_of(picture(kind, xmp=said)) == found, kind


def test_xmp_is_read_where_a_format_hides_it() -> None:
    said = packet(f'plus:DataMining="{PROHIBITED}"')
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", said.decode(), zip=True)
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=info)
    assert PROHIBITED.encode() not in out.getvalue(), "it is compressed"
    assert rights_of(out.getvalue()) == {IPTC: PROHIBITED}
    assert rights_of(picture() + said.decode().encode("utf-16")) == {IPTC: PROHIBITED}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
def test_content_credentials_are_read_in_every_format(kind: str) -> None:
    assert rights_of(signed(picture(kind), {"data_mining": "constrained"}, kind)) == {C2PA: "constrained"}


def test_the_strictest_entry_of_a_manifest_counts() -> None:
    plain = picture()
    uses = {"ai_training": "allowed", "data_mining": "constrained"}
    assert rights_of(signed(plain, uses)) == {C2PA: "constrained"}
    assert rights_of(signed(plain, {**uses, "ai_generative_training": "notAllowed"})) == {C2PA: "notAllowed"}
    assert rights_of(signed(plain, {"ai_training": "allowed"}, label="c2pa")) == {C2PA: "allowed"}
    assert rights_of(signed(plain, None)) == {}, "credentials that say nothing of it"
    assert rights_of(plain) == {}


def test_a_no_outlives_tampering_and_a_yes_does_not() -> None:
    def tampered(data: bytes) -> bytes:
        return data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]

    assert rights_of(tampered(signed(picture(), NO))) == {C2PA: "notAllowed"}
    assert rights_of(tampered(signed(picture(), {"ai_training": "allowed"}))) == {C2PA: "notRead"}
    assert rights_of(tampered(signed(picture(), None))) == {C2PA: "notRead"}, "what it said may be gone"
    whole = signed(picture(), NO)
    assert rights_of(whole[: len(whole) // 2]) == {C2PA: "notRead"}
    assert rights_of(whole.replace(b"notAllowed", b"xxxAllowed")) == {C2PA: "notRead"}


def test_hostile_credentials_end_no_import(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = signed(picture(), NO)
    for at in range(100, len(whole) - 8, len(whole) // 40):
        assert set(rights_of(whole[:at] + b"\xff" * 8 + whole[at + 8 :])) <= {C2PA}
    assert rights_of(b"\xff\xd8\xff jumb c2pa" + bytes(1 << 20)) == {C2PA: "notRead"}
    credentials._reader.stop()
    for child in ("import time; time.sleep(60)", "", "print('x' * (1 << 21))", "print('[1]')"):
        monkeypatch.setattr(credentials, "COMMAND", (sys.executable, "-c", child))
        monkeypatch.setattr(credentials, "PATIENCE", 1.0)
        assert rights_of(whole) == {C2PA: "notRead"}, "no answer, or none that is one"
        credentials._reader.stop()
    monkeypatch.undo()
    assert rights_of(whole) == {C2PA: "notAllowed"}, "the next picture is read again"


def test_the_reader_opens_no_socket_and_no_file() -> None:
    """It runs out of descriptors before it can: the limit is what keeps remote manifests where they are."""
    probe = (
        "import io, json, sys\n"
        "from registry.imaging import credentials_child as child\n"
        "def tried(kind, data, context):\n"
        "    import socket\n"
        "    said = []\n"
        "    for act in (lambda: socket.socket(), lambda: open('/etc/hostname')):\n"
        "        try:\n            act()\n            said.append('opened')\n"
        "        except OSError:\n            said.append('refused')\n"
        "    return said\n"
        "child.read = tried\n"
        "child.serve(sys.stdin.buffer, sys.stdout.buffer)\n"
    )
    asked = b"\0\4" + bytes(7) + b"\1" + b"kindx"
    done = subprocess.run([sys.executable, "-c", probe], input=asked, capture_output=True, check=True, timeout=60)
    assert done.stdout == b'["refused", "refused"]\n'


def test_without_the_library_credentials_are_not_read_rather_than_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(credentials, "find_spec", lambda name: None if name == "c2pa" else real(name))
    both = picture(xmp=packet(f'plus:DataMining="{PROHIBITED}"'))
    assert rights_of(signed(both, NO)) == {C2PA: "notRead", IPTC: PROHIBITED}
    assert rights_of(picture()) == {}


Fill = Callable[..., dict[str, Any]]


@pytest.fixture
def fill(opened: Home, tmp_path: Path) -> Fill:
    """Import pictures by name, with rows of one table."""

    def fill(pictures: dict[str, bytes], table: str | None = None) -> dict[str, Any]:
        folder = tmp_path / "faces"
        folder.mkdir(exist_ok=True)
        for name, data in pictures.items():
            (folder / name).write_bytes(data)
        rows = "".join(f"{name},{'feliz' if name < 'c' else 'triste'},ana\n" for name in pictures)
        (folder / "labels.csv").write_text(table or f"file,label,contributor\n{rows}")
        return import_source(opened, str(folder))

    return fill


def rows(home: Home) -> list[dict[str, Any]]:
    with home.catalog.read() as db:
        return sorted(current_rows(db), key=lambda row: (row["size"], row["contributor"]))


def test_a_snapshot_leaves_out_what_says_no_and_says_why(opened: Home, fill: Fill) -> None:
    done = fill(
        {
            "a.jpg": picture(colour=1),
            "b.jpg": signed(picture(colour=2), NO),
            "c.jpg": picture(colour=3, xmp=packet('tdm:reservation="1"')),
            "d.jpg": signed(picture(colour=4), {"ai_training": "allowed"}),
            "e.jpg": picture(colour=5, xmp=packet('dcterms:provenance="https://example.org/m"')),
        }
    )
    assert done["registered"] == 5
    made = take_snapshot(opened)
    assert (made["count"], made["excluded"]) == (3, {"reserved": 2})
    assert made["rights"] == {"honoured": 2, "overridden": 0, "allowed": 1, "not_read": 1, "silent": 1}
    record = read_as(opened, Snapshot, CID.parse(made["snapshot"]))
    assert record.use == Use(override=None, licences=(), consent=False)
    details = sorted(row["detail"] for row in checked_tables.excluded(record, opened.store.get))
    assert details == [f"{C2PA} notAllowed", f"{TDM} 1"]
    over = take_snapshot(opened, terms=Terms(override="their owner agreed by letter"))
    assert (over["count"], over["excluded"], over["use"]["override"]) == (5, {}, "their owner agreed by letter")
    assert over["rights"]["overridden"] == 2
    with pytest.raises(InvalidInput, match="blank"):
        take_snapshot(opened, terms=Terms(override="  "))


def test_nobody_speaks_for_the_picture(opened: Home, fill: Fill) -> None:
    """A table's word on what a picture says gives way to the picture; it is read again wherever the table comes."""
    data = signed(picture(), NO)
    table = f"file,label,contributor,rights.{C2PA},rights.c2pa.training-mining\na.jpg,feliz,ana,allowed,allowed\n"
    fill({"a.jpg": data}, table)
    (row,) = rows(opened)
    assert row["rights"] == {C2PA: "notAllowed", "c2pa.training-mining": "allowed"}
    assert fill({"a.jpg": data}, table)["unchanged"] == 1
    with pytest.raises(InvalidInput, match="no image"):
        take_snapshot(opened)


def test_a_reading_that_failed_takes_nothing_back(opened: Home, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    data = signed(picture(), NO)
    monkeypatch.setattr(credentials, "find_spec", lambda name: None)
    fill({"a.jpg": data})
    assert rows(opened)[0]["rights"] == {C2PA: "notRead"}
    monkeypatch.undo()
    assert fill({"a.jpg": data})["corrected"] == 1, "it can be read now"
    assert rows(opened)[0]["rights"] == {C2PA: "notAllowed"}
    monkeypatch.setattr(credentials, "find_spec", lambda name: None)
    assert fill({"a.jpg": data})["unchanged"] == 1
    assert rows(opened)[0]["rights"] == {C2PA: "notAllowed"}


def test_the_list_of_images_tells_what_they_say(opened: Home, fill: Fill, capsys: pytest.CaptureFixture[str]) -> None:
    reserved = picture(colour=3, xmp=packet('tdm:reservation="1"'))
    fill({"a.jpg": picture(colour=1), "b.jpg": signed(picture(colour=2), NO), "c.jpg": reserved})
    capsys.readouterr()

    def listed(*asked: str) -> list[dict[str, Any]]:
        assert main(["images", "list", "--rights", *asked, "--json"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert sorted(list(one["rights"]) for one in listed()) == [[C2PA], [TDM]]
    (one,) = listed(TDM)
    assert (one["rights"], one["standing"]) == ({TDM: ["1"]}, "no")
    assert listed("tdm-reservation") == [one]
    assert listed("iptc.data-mining") == []
    assert main(["images", "list", "--rights", "colour"]) == 2


def test_disagreement_is_seen_and_each_rule_decides(opened: Home, fill: Fill) -> None:
    pictures = {f"{name}.jpg": picture(colour=40 * at) for at, name in enumerate("abc")}
    heads = "file,label,contributor\n"
    fill(pictures, heads + "a.jpg,feliz,ana\nb.jpg,feliz,ana\nc.jpg,triste,ana\n")
    fill(pictures, heads + "a.jpg,feliz,ben\nb.jpg,triste,ben\n")
    fill(pictures, heads + "a.jpg,feliz,cas\nb.jpg,triste,cas\n")
    fill(pictures, heads + "b.jpg,feliz,ben\n")

    def taken(**terms: Any) -> tuple[dict[str, int], dict[str, int]]:
        made = take_snapshot(opened, terms=Terms(**terms))
        return {name: n for name, n in made["labels"].items() if n}, made["excluded"]

    assert taken() == ({"feliz": 2, "triste": 1}, {}), "ben's correction counts, his first word is kept"
    assert taken(rule="newest") == ({"feliz": 2, "triste": 1}, {})
    assert taken(rule="unanimous") == ({"feliz": 1, "triste": 1}, {"disagreement": 1})
    assert taken(trusted=["cas"]) == ({"feliz": 1, "triste": 1}, {"not_trusted": 1})
    assert taken(trusted=[f"{opened.key.did}/ana"]) == ({"feliz": 2, "triste": 1}, {})
    for wrong, code in (({"trusted": ["nobody"]}, "not_found"), ({"rule": "trusted"}, "bad_trusted")):
        with pytest.raises(EmotionetError) as caught:
            taken(**wrong)
        assert caught.value.code == code
    found = take_snapshot(opened)["agreement"]
    assert (found["images"], found["people"], found["labels"]) == (2, 3, 6)
    assert (found["kind"], found["agreement"]) == ("fleiss", "0.666667")
    assert {one["contributor"]: one["agreement"] for one in found["by_labeller"]} == {
        "ana": "0.750000", "ben": "0.750000", "cas": "0.500000",
    }  # fmt: skip
    with opened.catalog.read() as db:
        shown, _ = list_images(db)
    assert sorted((one["agreement"] or "", one["label"]) for one in shown) == [
        ("", "triste"), ("0.333", "feliz"), ("1.000", "feliz"),
    ]  # fmt: skip


def test_import_and_one_image_say_that_a_picture_reserves_its_use(
    opened: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "said"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(picture(colour=3, xmp=packet('tdm:reservation="1"')))
    (folder / "b.jpg").write_bytes(picture(colour=4))
    rows = "a.jpg,feliz,ana,yes,old,inferred\na.jpg,feliz,ben,,,\nb.jpg,triste,ana,,,\n"
    (folder / "labels.csv").write_text(f"file,label,contributor,consent,attr.age,source.age\n{rows}")
    assert main(["import", str(folder)]) == 0
    assert "1 image says no to training or data mining: snapshots leave them out" in capsys.readouterr().out
    snapshot = take_snapshot(opened)["snapshot"]
    assert main(["images", "show", "a.jpg"]) == 0
    shown = capsys.readouterr().out
    for said in (
        f"rights: no ({TDM} 1)",
        "consent: yes",
        "attributes: age old (inferred)",
        f"snapshot {snapshot}: left out: reserved {TDM} 1",
    ):
        assert said in shown, said
    assert main(["images", "show", "b.jpg"]) == 0
    shown = capsys.readouterr().out
    for said in ("rights: silent", "consent: -", "attributes: -", f"snapshot {snapshot}: in as triste"):
        assert said in shown, said
