"""`import --server`: whatever the way there does, at its end the catalog is that of a local import, every row once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry.assembly import Home
from registry.catalog.schema import derived
from registry.cli.main import main
from registry.client import sending, uploading
from registry.content.labels.tables.columns import check_mapping
from registry.core.ipld import car
from registry.workflows.images.importing.import_source import import_source
from tests.api.conftest import make_car, picture
from tests.support.processes.crooked import WAYS, Proxy, standing_before

PASSED_OVER = {"contribution", "ordinal", "issuer", "replaces", "subject"}


def folder(path: Path, count: int = 11) -> Path:
    """Pictures, rows that are one statement, rows that contradict each other, a file that is missing, a large one."""
    (path / "images").mkdir(parents=True)
    lines = ["file;emotion;contributor;subject;licence;attr.age;box"]
    for number in range(count):
        size = 1_500_000 if number == 3 else 400 + number
        (path / "images" / f"{number}.jpg").write_bytes(picture(number, size))
        lines.append(f"{number}.jpg;feliz;anna{number % 3};Eva {number % 2};CC-BY-4.0;{20 + number};")
    lines.append("4.jpg;triste;bert;;;;1 2 3 4")
    lines.append("4.jpg;triste;bert;;;;5 6 7 8")
    lines += ["5.jpg;triste;carl;;;;", "5.jpg;feliz;carl;;;;", "nowhere.jpg;feliz;anna;;;;", "6.jpg;;anna;;;;"]
    (path / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def catalog(home: Home) -> list[dict[str, Any]]:
    """Every row that was ever registered, as far as two homes can agree on it."""
    columns = [one for one in derived.contribution_rows.c if one.name not in PASSED_OVER]
    with home.catalog.read() as db:
        rows = [dict(row) for row in db.execute(sa.select(*columns)).mappings()]
        named = sa.select(derived.contribution_rows.c.sha256, derived.contribution_rows.c.subject)
        people = {row.sha256: row.subject for row in db.execute(named.where(sa.text("subject is not null")))}
    order = {name: number for number, name in enumerate(dict.fromkeys(people[one] for one in sorted(people)))}
    for row in rows:
        row["contributor"] = row["contributor"] if not row["contributor"].startswith("did:") else "the issuer"
        row["person"] = order.get(people.get(row["sha256"]))
    return sorted(rows, key=lambda row: (row["sha256"], row["contributor"], row["label"]))


def send(
    source: Path | str, url: str, token: str, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, Any, str]:
    os.environ["EMOTIONET_TOKEN"] = token
    try:
        status = main(["import", str(source), "--server", url, "--json", *more])
    finally:
        del os.environ["EMOTIONET_TOKEN"]
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


SAME = ("root", "rows", "registered", "unchanged", "corrected", "merged", "images", "rejected", "unnamed", "labels")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("seed", range(3))
def test_through_a_server_that_misbehaves_every_row_arrives_once(
    server: str, home: Home, another: Home, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    source = folder(tmp_path / "faces")
    chance = random.Random(seed)
    plan = [chance.choice([way for way in WAYS if way != "login"]) for _ in range(60)]
    here = import_source(another, str(source), mapping=check_mapping(["label=emotion"]))
    with standing_before(server, plan) as proxy:
        status, done, err = send(source, proxy.url, token, capsys, "--map", "label=emotion")
    assert status == 0, err
    assert len({how for _, how in proxy.seen}) > 5
    assert {name: done[name] for name in SAME} == {name: here[name] for name in SAME}
    assert catalog(home) == catalog(another)
    again = send(source, server, token, capsys, "--map", "label=emotion")[1]
    assert (again["registered"], again["unchanged"], again["sent"]["images"]) == (0, here["registered"], 0)
    assert catalog(home) == catalog(another)


@pytest.mark.parametrize("after", [2, 5, 8])
def test_killed_in_the_middle_it_goes_on_and_sends_only_what_is_new(
    server: str, home: Home, another: Home, token: str, tmp_path: Path, after: int
) -> None:
    source = folder(tmp_path / "faces")
    import_source(another, str(source), mapping=check_mapping(["label=emotion"]))
    own = tmp_path / "sender"
    environment = {**os.environ, "EMOTIONET_HOME": str(own), "EMOTIONET_TOKEN": token}
    with standing_before(server) as proxy:
        command = [sys.executable, "-c", _SMALL, "import", str(source), "--server", proxy.url, "--map", "label=emotion"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while len(proxy.received) < after and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert list((own / "sent").glob("*.jsonl"))
        ended = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        sent = roots_sent(proxy)
    assert json.loads(ended.stdout)["rows"] == 17
    assert catalog(home) == catalog(another)
    assert not list((own / "sent").glob("*.jsonl"))
    assert len(sent) - len(set(sent)) <= 2 * uploading.REQUESTS  # the CARs that were under way when it was killed


_SMALL = (
    "from registry.client import sending, uploading; sending.BATCH_ROWS, uploading.CAR_BYTES = 4, 600;"
    "from registry.cli.main import entry; entry()"
)


def roots_sent(proxy: Proxy) -> list[str]:
    """Every root that came in a whole CAR."""
    import io

    bodies = [body for path, body in proxy.received if path == "/api/v1/blocks"]
    return [str(root) for body in bodies for root in car.read_raw(io.BytesIO(body))[0]]


def test_a_car_and_a_table_of_cids_are_sent_too(
    server: str, home: Home, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path / "faces")
    table = tmp_path / "cids.csv"
    status, done, err = send(source, server, token, capsys, "--map", "label=emotion", "--cids", str(table))
    assert status == 0, err
    rows = len(catalog(home))
    status, done, err = send(table, server, token, capsys)
    assert (status, done["unchanged"], done["sent"]["images"]) == (0, 11 + 1, 0), err
    assert {bad["code"] for bad in done["rejected"]} == {"contradicting_labels"}
    assert len(catalog(home)) == rows
    roots, body = make_car([picture(50), picture(51)])
    (tmp_path / "new.car").write_bytes(body)
    labels = tmp_path / "labels.csv"
    labels.write_text("cid,label\n" + "".join(f"{root},feliz\n" for root in roots))
    unknown = make_car([picture(52)])[0][0]
    labels.write_text(labels.read_text() + f"{unknown},feliz\n")
    status, done, err = send(labels, server, token, capsys)
    assert (status, [bad["code"] for bad in done["rejected"]]) == (1, ["not_held"] * 3)
    assert [bad["row"] for bad in done["rejected"]] == [2, 3, 4]


def test_what_changed_while_it_was_sent_is_rejected_alone(
    server: str, home: Home, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    source = folder(tmp_path / "faces")
    read = sending.file_blocks

    def changed(opened: Any, profile: str, cid: Any) -> Any:
        with opened() as stream:
            if stream.name.endswith("/2.jpg"):
                Path(stream.name).write_bytes(picture(99))
        return read(opened, profile, cid)

    monkeypatch.setattr("registry.workflows.images.importing.send_source.file_blocks", changed)
    status, done, err = send(source, server, token, capsys, "--map", "label=emotion")
    assert status == 0, err
    assert [(bad["name"], bad["code"]) for bad in done["rejected"] if bad["code"] == "changed"] == [
        ("2.jpg", "changed")
    ]


def test_a_dry_run_asks_nobody_and_needs_no_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Home
) -> None:
    source = folder(tmp_path / "faces")
    given = [
        "import",
        str(source),
        "--server",
        "https://nobody.example",
        "--dry-run",
        "--json",
        "--map",
        "label=emotion",
    ]
    assert main(given) == 0
    assert json.loads(capsys.readouterr().out)["registered"] == 12


def test_a_token_goes_nowhere_that_it_was_not_meant_for(
    server: str, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Home
) -> None:
    source = folder(tmp_path / "faces", 7)
    assert main(["import", str(source), "--server", server]) == 2
    assert "--token-file" in capsys.readouterr().err
    status, _, err = send(source, "http://registry.example", token, capsys)
    assert (status, "https" in err) == (2, True)
    with standing_before(server, ["login"]) as proxy:
        status, _, err = send(source, proxy.url, token, capsys, "--map", "label=emotion")
        assert (status, "leads elsewhere" in err) == (3, True)
        assert len(proxy.seen) == 1
    kept = tmp_path / "token"
    kept.write_text("emn_wrong\n")
    status = main(["import", str(source), "--server", server, "--token-file", str(kept), "--map", "label=emotion"])
    assert (status, "token_missing" not in capsys.readouterr().err) == (1, True)
    kept.write_text(f"{token}\n")
    assert main(["import", str(source), "--server", server, "--token-file", str(kept), "--map", "label=emotion"]) == 0
    out, err = capsys.readouterr()
    assert token not in out + err


@pytest.mark.parametrize("option", ["--hold", "--publish-source"])
def test_what_a_server_is_not_sent_is_said(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(tmp_path), "--server", "https://a.example", option]) == 2
    assert option in capsys.readouterr().err
