"""The command line: exit statuses, documents on stdout, errors of one sentence, nothing heavy before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from registry.cli.main import main
from registry.cli.output import table
from registry.cli.parser import NOUNS, build_parser
from registry.cli.texts.lineage import tree
from registry.content.stores.embedded import EmbeddedStore
from registry.exports.rows import TEXTS
from tests.support.blocks import overwrite

HEAVY = ("torch", "web3", "pandas", "litestar", "sqlalchemy", "ultralytics", "numpy", "PIL")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        status = main(arguments)
    except SystemExit as end:  # argparse
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    lines = ["file,label"]
    for number, label in enumerate(["triste", "feliz", "enojado", "sorprendido", "nobody knows"]):
        (folder / f"{number}.jpg").write_bytes(b"picture %d" % number)
        lines.append(f"{number}.jpg,{label}")
    lines.append("6.jpg,feliz")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def test_the_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from registry.cli.parser import build_parser; build_parser().format_help();"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def commands_of(word: str | None) -> list[str]:
    (action,) = [one for one in build_parser(word)._actions if one.choices]
    return list(action.choices or ())


def test_a_command_is_known_with_those_of_its_module_alone() -> None:
    assert commands_of(None) == [word for added in NOUNS.values() for word in added]
    for added in NOUNS.values():
        for word in added:
            assert commands_of(word) == list(added)
    assert commands_of("fly") == commands_of(None)


def test_every_documented_command_is_there() -> None:
    text = build_parser().format_help()
    for command in (
        *("demo", "serve", "worker", "import", "images", "snapshot", "train", "runs", "release", "fetch", "show"),
        *("export", "predict", "lookup", "lineage", "audit", "withdraw", "anchor", "keys", "token", "store"),
        *("catalog", "doctor"),
    ):
        assert f" {command} " in text


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, ""),
        (["fly"], 2, "there is no command"),
        (["fetch", "Nonsense"], 2, "is no CID"),
        (["fetch", "nonsense"], 3, "nothing here is called 'nonsense'"),
        (["fetch", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"], 3, "not held here"),
        (["import", "nowhere"], 2, "is not a folder, a file or a CID"),
        (["audit", "nowhere.car"], 2, "is not a file"),
        (["audit", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"], 3, "not held here"),
        (["runs", "show", "nothing"], 3, "there is no run"),
        (["images", "show", "00" * 32], 3, "is not an image of this catalog"),
        (["snapshot", "create"], 1, "no image with a label of these classes is left"),
        (["anchor", "deploy"], 2, "EMOTIONET_CHAIN_RPC"),
        (["token", "create", "--scope", "everything"], 2, "unknown scope"),
    ],
)
def test_every_mistake_has_its_exit_status_and_no_traceback(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    found, _, err = run(capsys, *arguments)
    assert found == status
    assert said in err
    assert "Traceback" not in err
    if said:
        assert [line for line in err.splitlines() if line.startswith("emotionet: ")]


def test_a_bad_setting_is_wrong_usage(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTIONET_LEASE_SECONDS", "soon")
    status, _, err = run(capsys, "images", "list")
    assert (status, "must be a number" in err) == (2, True)


def test_import_snapshot_show_and_export(home: Path, faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "import", str(faces), "--json")
    document = json.loads(out)
    assert status == 0
    assert (document["rows"], document["registered"], document["rejected"][0]["code"]) == (6, 5, "missing_file")
    assert "rejected" in err
    assert run(capsys, "import", str(faces), "--dry-run", "--quiet")[1].strip() == document["root"]
    status, out, _ = run(capsys, "snapshot", "create", "--json")
    snapshot = json.loads(out)
    assert (snapshot["count"], snapshot["excluded"]) == (4, {"unknown_label": 1})
    assert run(capsys, "snapshot", "create", "--quiet")[1].strip() == snapshot["snapshot"]
    record = json.loads(run(capsys, "show", snapshot["snapshot"])[1])
    assert (record["type"], record["classes"]) == ("snapshot", ["triste", "sorprendido", "feliz", "enojado"])
    rows = [json.loads(line) for line in run(capsys, "show", snapshot["snapshot"], "--table", "items")[1].splitlines()]
    assert sorted(row["label"] for row in rows) == ["enojado", "feliz", "sorprendido", "triste"]
    assert run(capsys, "show", snapshot["snapshot"], "--table", "nothing")[0] == 2


def test_a_cars_round_trip_and_what_a_flipped_byte_does(
    home: Path, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = run(capsys, "import", str(faces), "--quiet")[1].strip()
    snapshot = run(capsys, "snapshot", "create", "--quiet")[1].strip()
    car = tmp_path / "snapshot.car"
    document = json.loads(run(capsys, "export", snapshot, "-o", str(car), "--json")[1])
    assert document["size"] == car.stat().st_size
    again = tmp_path / "again.car"
    said = run(capsys, "export", snapshot, "-o", str(again))[2]
    assert f"{again} will be" in said
    assert "with --without-images" in said
    assert car.read_bytes() == again.read_bytes()
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "elsewhere"))
    status, out, _ = run(capsys, "audit", str(car), "--offline", "--level", "1", "--json")
    assert (status, json.loads(out)["holds"]) == (0, True)
    data = bytearray(car.read_bytes())
    data[-1] ^= 1
    car.write_bytes(bytes(data))
    status, out, _ = run(capsys, "audit", str(car), "--offline", "--json")
    assert (status, json.loads(out)["holds"]) == (1, False)
    status, _, err = run(capsys, "import", str(car))
    assert (status, "do not hash" in err) == (1, True)
    assert run(capsys, "fetch", root, "-o", str(tmp_path / "out"))[0] == 3


def test_fetch_writes_the_folder_back(
    home: Path, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = run(capsys, "import", str(faces), "--quiet")[1].strip()
    target = tmp_path / "back"
    assert run(capsys, "fetch", root, "-o", str(target))[0] == 0
    assert (target / "labels.csv").read_bytes() == (faces / "labels.csv").read_bytes()
    assert sorted(path.name for path in target.iterdir()) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "labels.csv"]
    assert run(capsys, "fetch", f"{root}/2.jpg", "-o", str(tmp_path / "one.jpg"))[0] == 0
    assert (tmp_path / "one.jpg").read_bytes() == b"picture 2"
    assert run(capsys, "fetch", f"{root}/9.jpg")[0] == 3
    assert run(capsys, "fetch", root, "-o", str(target))[0] == 2


def test_lists_as_lines_ids_and_tables(home: Path, faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "import", str(faces), "--quiet")
    lines = [json.loads(line) for line in run(capsys, "images", "list", "--json")[1].splitlines()]
    assert {line["status"] for line in lines} == {"stored"}
    ids = run(capsys, "images", "list", "--quiet")[1].split()
    assert ids == [line["sha256"] for line in lines]
    assert run(capsys, "images", "list", "--label", "feliz")[1].count("\n") == 2
    assert run(capsys, "lookup", ids[0], "--json")[0] == 0
    assert run(capsys, "lookup", "00" * 32)[0] == 3


def test_a_lineage_is_read_as_a_tree() -> None:
    edges = [
        *(("release", "w1", "weights"), ("release", "t1", "training"), ("release", "t2", "training")),
        *(("t1", "w1", "weights"), ("t1", "draw", "of"), ("t2", "w2", "weights"), ("t2", "draw", "of")),
        *(("draw", "plan", "of"), ("entry", "plan", "says"), ("entry2", "release", "says")),
    ]
    types = {"w1": "weights", "w2": "weights", "t1": "training", "t2": "training", "entry2": "entry"}
    named = {name for later, before, _ in edges for name in (later, before)}
    found = {
        "nodes": [{"cid": one, "type": types.get(one, one)} for one in sorted(named)],
        "edges": [{"from": later, "to": before, "relation": relation} for later, before, relation in edges],
    }
    assert list(tree("release", found)) == [
        "release release came from:",
        *("  weights w1", "  training t1", "    weights w1 (above)", "    of draw draw", "      of plan plan"),
        *("  training t2", "    weights w2", "    of draw draw (above)"),
        *("release release led to:", "  signed by entry entry2"),
    ]
    assert list(tree("plan", found))[:2] == ["plan plan came from: nothing that is known here", "plan plan led to:"]
    assert list(tree("entry", found))[1] == "  signs plan plan"


def test_catalog_rebuild_gives_the_same_lists(home: Path, faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "import", str(faces), "--quiet")
    snapshot = run(capsys, "snapshot", "create", "--quiet")[1].strip()
    before = run(capsys, "images", "list", "--json")[1]
    for path in home.glob("catalog.sqlite*"):
        path.unlink()
    status, out, _ = run(capsys, "catalog", "rebuild")
    assert status == 0
    assert out.splitlines()[1:] == [
        "3 log entries, 0 anchors",
        "5 images, of which 5 are stored here",
        "no problems",
    ]
    assert "KB\n2 pinned roots: " in run(capsys, "store", "stat")[1]
    assert "ok method yolov8, version 1" in [" ".join(one.split()) for one in run(capsys, "doctor")[1].splitlines()]
    assert run(capsys, "images", "list", "--json")[1] == before
    assert run(capsys, "snapshot", "list", "--quiet")[1].strip() == snapshot
    assert run(capsys, "lineage", snapshot, "--format", "json")[0] == 0


def test_a_catalog_that_was_lost_refuses_to_fork_the_log(
    home: Path, faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "import", str(faces), "--quiet")
    for path in home.glob("catalog.sqlite*"):
        path.unlink()
    status, _, err = run(capsys, "import", str(faces))
    assert (status, "catalog rebuild" in err) == (1, True)


def test_store_verify_names_a_flipped_bit(home: Path, faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "import", str(faces), "--quiet")
    assert run(capsys, "store", "verify")[0] == 0
    store = EmbeddedStore(home / "blocks")
    victim = next(store.cids())
    data = store.get(victim)
    overwrite(store, victim, bytes([data[0] ^ 4]) + data[1:])
    store.close()
    status, out, _ = run(capsys, "store", "verify", "--json")
    assert (status, json.loads(out)["ok"]) == (1, False)
    assert str(victim) in out


def test_an_incomplete_car_is_refused_unless_partial(
    home: Path, faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = run(capsys, "import", str(faces), "--quiet")[1].strip()
    whole = tmp_path / "whole.car"
    run(capsys, "export", root, "-o", str(whole))
    cut = tmp_path / "cut.car"
    cut.write_bytes(whole.read_bytes()[:-5])
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "other"))
    status, _, err = run(capsys, "import", str(cut))
    assert (status, "cut off" in err) == (1, True)
    assert json.loads(run(capsys, "store", "stat", "--json")[1])["blocks"] == 0
    status, out, err = run(capsys, "import", str(cut), "--partial", "--json")
    document = json.loads(out)
    assert (status, document["root"], len(document["missing"])) == (1, root, 1)  # its labels are what is missing
    assert document["missing"][0] in err
    assert run(capsys, "import", str(faces), "--partial")[0] == 2
    assert run(capsys, "import", str(whole))[0] == 0


def test_withdrawing_lists_what_it_touches(home: Path, faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "import", str(faces), "--quiet")
    snapshot = run(capsys, "snapshot", "create", "--quiet")[1].strip()
    image = json.loads(run(capsys, "images", "list", "--label", "feliz", "--json")[1])["sha256"]
    done = json.loads(run(capsys, "withdraw", image, "--reason", "asked to", "--retrain", "--json")[1])
    assert done["remedy"] == "retrain"
    assert json.loads(run(capsys, "show", done["withdrawal"])[1])["remedy"] == "retrain"
    assert done["retrained"] == []  # nothing was trained on it
    would = json.loads(run(capsys, "withdraw", image, "--reason", "x", "--dry-run", "--json")[1])
    assert (would["withdrawal"], would["remedy"]) == (None, "notice")
    assert done["affected"] == [{"cid": snapshot, "type": "snapshot", "remedy": done["remedy"]}]
    again = json.loads(run(capsys, "snapshot", "create", "--json")[1])
    assert again["excluded"] == {"unknown_label": 1, "withdrawn": 1}
    rows = [
        json.loads(line)
        for line in run(capsys, "snapshot", "diff", snapshot, again["snapshot"], "--json")[1].splitlines()
    ]
    assert rows == [{"change": "removed", "sha256": image, "before": "feliz", "after": None}]


def test_no_secret_is_ever_printed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = run(capsys, "keys", "show", "--json")
    document = json.loads(out)
    assert Path(document["path"]).stat().st_mode & 0o777 == 0o600
    passphrase = (home / "keys" / "passphrase").read_text().strip()
    assert passphrase not in out + err
    token = json.loads(run(capsys, "token", "create", "--json")[1])
    listed = run(capsys, "token", "list", "--json")[1]
    assert token["id"] in listed
    assert token["token"] not in listed
    assert run(capsys, "token", "revoke", token["id"])[0] == 0
    head, said = run(capsys, "token", "list", "--wide")[1].splitlines()
    assert head.split() == ["id", "name", "scopes", "contributor", "expires", "used", "revoked"]
    row = json.loads(run(capsys, "token", "list", "--json")[1])
    assert said.split() == [token["id"], token["id"], "admin", "-", token["expires"], "-", row["revoked"]]


def test_rows_are_written_in_every_form() -> None:
    rows: list[dict[str, Any]] = [{"a": "x,y", "b": [1, 2]}, {"a": None, "b": {"c": 3}}]
    assert TEXTS["csv"](rows) == 'a,b\n"x,y","[1, 2]"\n,"{""c"": 3}"\n'
    assert [json.loads(line) for line in TEXTS["jsonl"](rows).splitlines()] == rows
    assert json.loads(TEXTS["json"](rows)) == rows
    assert table(["a"], []) == "nothing"
