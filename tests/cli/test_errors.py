"""What each wrong command line, and each refusal of the system, ends in: the exact lines on stderr."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from registry.cli.main import entry, main

ABSENT = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

CLAIM_HINT = (
    "write it like 'macro_f1 >= 0.90', 'recall_gap(class) <= 0.10', 'f1(feliz) >= 0.8', 'recall(gender=f) >= 0.85' or "
    "'equalized_odds_difference(gender) <= 0.1', with a number from 0 to 1."
)
USAGE = {
    "fly": ("there is no command `emotionet fly`", "`emotionet --help` lists all."),
    "trian x": ("there is no command `emotionet trian`", "did you mean `train`? `emotionet --help` lists all."),
    "runs": (
        "emotionet runs needs a verb: list, show, dropped, logs, follow, cancel, resume",
        "`emotionet runs --help` lists what it takes.",
    ),
    "runs shw x": (
        "there is no command `emotionet runs shw`",
        "did you mean `show`? `emotionet runs --help` lists all.",
    ),
    "train": ("emotionet train needs SNAPSHOT", "`emotionet train --help` lists what it takes."),
    "train x --epochs y": (
        "--epochs takes a whole number from 1 on, not 'y'",
        "`emotionet train --help` lists what it takes.",
    ),
    "train x --epohcs 3": (
        "`emotionet train` has no option --epohcs",
        "did you mean `--epochs`? `emotionet train --help` lists all.",
    ),
    "train x y": ("`emotionet train` doesn't know what to do with 'y'", "`emotionet train --help` lists all."),
    "train x --engine fast": ("--engine can't be 'fast'", "choose one of local, ray."),
    "images list --limit": (
        "--limit: expected one argument",
        "`emotionet images list --help` lists what it takes.",
    ),
    "train x --epochs 0": (
        "--epochs takes a whole number from 1 on, not '0'",
        "`emotionet train --help` lists what it takes.",
    ),
    "serve --port 99999": (
        "--port takes a whole number from 0 to 65535, not '99999'",
        "`emotionet serve --help` lists what it takes.",
    ),
    "audit folder": ("folder is a folder", "give a CAR file, or the CID of what is held here."),
    "audit ./nosuch": ("./nosuch is not a file", "check the path."),
    "audit nosuch.car": ("nosuch.car is not a file", "check the path."),
    "show file": (
        "file is a file: this command takes a CID",
        "import it first: `emotionet import file` prints its CID.",
    ),
    f"release show {'0' * 64}": (
        f"'{'0' * 64}' is a SHA-256 digest, no CID",
        f"`emotionet lookup {'0' * 64}` lists what it names.",
    ),
    "release show rabcdefghijkl": (
        "'rabcdefghijkl' is no CID but looks like a run",
        "`emotionet runs show rabcdefghijkl` names what the run made.",
    ),
    "lookup No-Such": (
        "'No-Such' is no CID and no name: names have no capital letters",
        "write no-such.",
    ),
    "release show faces@0": (
        "'faces@0' is no CID and no name: after faces@ stands a whole number from 1 on",
        "write faces@1 for the first that was called so.",
    ),
    f"snapshot show {'a' * 81}": (
        f"'{'a' * 81}' is no CID and no name: a name has at most 63 characters, this has 81",
        "take a shorter one.",
    ),
    "runs show Faces": (
        "there is no run 'Faces'",
        "names have no capital letters: write faces. `emotionet runs list` lists them.",
    ),
    "name set Caras latest": ("'Caras' can be no name: names have no capital letters", "write caras."),
    f"name set {'a' * 81} latest": (
        f"'{'a' * 80}' can be no name: a name has at most 63 characters, this has 81",
        "take a shorter one.",
    ),
    "name set r234abcdefghi latest": (
        "'r234abcdefghi' looks like a run's id",
        "take a name that says what it is.",
    ),
    "train latest --claim macro_f1>0.9": ("'macro_f1>0.9' is not a claim", CLAIM_HINT),
    "release claim latest macro_f1>=2": ("'macro_f1>=2' is not a claim", CLAIM_HINT),
    "release report latest --claim macro_f1>=2": ("'macro_f1>=2' is not a claim", CLAIM_HINT),
    "train latest --claim size>=0.5": (
        "there is no figure 'size' that a claim could be about",
        "see docs/metrics.md and docs/fairness.md for what can be claimed.",
    ),
    "profile set": ("no field of the profile is given", "give --name, --url or --contact."),
    "snapshot create --classes folder": (
        "--classes names the folder folder",
        "name a file, or a set of classes.",
    ),
    "snapshot create --classes binary": (
        "--classes names binary, which is not UTF-8 text",
        "save it as UTF-8.",
    ),
    "audit x --issuer me": ("'me' is not an issuer", "use did:pkh:eip155:1:0x and 40 hex digits, or 0x... alone."),
    "plans list --issuer me": ("'me' is not an issuer", "use did:pkh:eip155:1:0x and 40 hex digits, or 0x... alone."),
    "--fly": ("`emotionet` has no option --fly", "`emotionet --help` lists all."),
}

NOT_HERE = {
    "lookup Ana_12.jpg": ("Ana_12.jpg is not an image of this catalog", "`emotionet images list` lists them."),
    "runs show latest": (
        "this home has no completed run of its own that could be the latest",
        "`emotionet train` starts one, `emotionet runs list` lists those that have not completed.",
    ),
    "predict latest x": (
        "this home has no release of its own that could be the latest",
        "`emotionet release publish RUN` makes one; one of another issuer is named by its CID.",
    ),
}


def told(sentence: str, hint: str | None) -> str:
    return f"emotionet: error: {sentence}\n" + (f"hint: {hint}\n" if hint else "")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a file, a folder and bytes that are no text."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xd0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", NOT_HERE)
def test_what_is_not_here_is_told_with_its_way_out(home: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert main(line.split()) == 3
    assert capsys.readouterr().err == told(*NOT_HERE[line])


@pytest.mark.parametrize("line", USAGE)
def test_wrong_usage_is_told_with_its_way_out(
    home: Path, place: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr() == ("", told(*USAGE[line]))


BLANK = {  # what an unset variable leaves: never "all", "this folder" or "every address"
    ("import", ""): "PATH|FILE.car|CID[/PATH]",
    ("export", " "): "RECORD",
    ("anchor", "submit", ""): "RECORD",
    ("images", "relabel", "x", ""): "LABEL",
    ("withdraw", "x", "--reason", " "): "--reason",
    ("snapshot", "create", "--label", ""): "--label",
    ("images", "list", "--subject", ""): "--subject",
    ("train", "x", "--base", ""): "--base",
    ("train", "x", "--claim", ""): "--claim",
    ("serve", "--host", ""): "--host",
    ("token", "create", "--scope", ""): "--scopes",
}


@pytest.mark.parametrize("line", BLANK)
def test_a_blank_value_is_wrong_usage(home: Path, capsys: pytest.CaptureFixture[str], line: tuple[str, ...]) -> None:
    assert main(list(line)) == 2
    assert capsys.readouterr().err.startswith(f"emotionet: error: {BLANK[line]} is blank\nhint: give it a value")


PATHS = {
    "-o/--out": ("fetch x -o", "show x -o", "export x -o", "snapshot export x -o"),
    "-o/--output": ("release report x -o",),
    "--html": ("release compare x y --html",),
    "--sheet": ("runs dropped x --sheet",),
    "--draw": ("predict x y --draw",),
    "--labels": ("import x --labels",),
    "IMAGE": ("predict x",),
}


@pytest.mark.parametrize("text", ["", "-"])
@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in PATHS.items() for line in lines])
def test_no_path_is_blank_or_a_stream(
    home: Path, place: Path, capsys: pytest.CaptureFixture[str], name: str, line: str, text: str
) -> None:
    assert main([*line.split(), text]) == 2
    assert capsys.readouterr().err.startswith(f"emotionet: error: {name} takes a path, not {text!r}\n")
    assert sorted(one.name for one in place.iterdir()) == ["binary", "file", "folder"]


@pytest.mark.parametrize("number", ["٣", "1_0", " 3", "3.0", "+3", ""])
def test_a_number_is_written_in_digits(home: Path, capsys: pytest.CaptureFixture[str], number: str) -> None:
    assert main(["train", "x", f"--epochs={number}"]) == 2
    assert f"--epochs takes a whole number from 1 on, not {number!r}" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["import", "audit", "lineage", "release show", "import folder --labels"])
def test_what_may_never_end_is_not_read(
    home: Path, place: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    os.mkfifo(place / "pipe")
    assert main([*command.split(), "./pipe"]) == 2
    assert "pipe is a pipe, a socket or a device, not a file\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["import", "audit", "release show", "lineage", "predict", "export"])
def test_a_file_that_is_called_like_a_cid_hides_nothing(
    home: Path, place: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """`fetch CID` makes one: what is typed as a CID means the content, ``./CID`` the file."""
    (place / ABSENT).write_bytes(b"something else")
    assert main([*command.split(), ABSENT, *(["file"] if command == "predict" else [])]) in {1, 3}
    told_of = capsys.readouterr().err.splitlines()[0].removeprefix("emotionet: error: ").removeprefix("block ")
    assert told_of.removeprefix(ABSENT) in {
        " is not held here",
        " is in no record of this catalog",
        " is no release",
        " is not a release of this catalog",
    }


HOME = "name a folder that can be made and written: EMOTIONET_HOME=FOLDER."
REFUSED = {
    ("file", "images list"): ("the home file can't be made: it is a file", HOME),
    ("file/x", "keys show"): ("the home file/x can't be made: Not a directory", HOME),
    ("home", "release show nosuch.car"): ("nosuch.car can't be read: No such file or directory", "check the path."),
    ("home", "lineage folder/nosuch"): ("folder/nosuch can't be read: No such file or directory", "check the path."),
    ("home", f"fetch {ABSENT}"): (
        f"block {ABSENT} is not held here",
        "import it, or a CAR file of it; or name a gateway that has it: "
        "EMOTIONET_GATEWAYS=https://trustless-gateway.link.",
    ),
    ("home", "runs logs nosuch"): ("there is no run 'nosuch'", "`emotionet runs list` lists them."),
    ("home", "images show nosuch"): ("nosuch is not an image of this catalog", "`emotionet images list` lists them."),
    ("home", f"audit {ABSENT}"): (f"{ABSENT} is not held here", "give a CAR file of it, or import it."),
}


@pytest.mark.parametrize(("where", "line"), REFUSED)
def test_what_can_not_be_read_or_reached(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, where: str, line: str
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(place / where))
    assert main(line.split()) == 3
    out, err = capsys.readouterr()
    sentence, hint = REFUSED[where, line]
    assert (out, err.replace(f"{place}/", "")) == ("", told(sentence, hint))


def test_a_defect_is_told_in_one_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> int:
        raise KeyError("a defect")

    monkeypatch.setattr("registry.cli.dispatch.dispatch", defect)
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(SystemExit) as end:
            entry()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert end.value.code == 1
    hint = "please report it, with what the same command prints when EMOTIONET_TRACEBACK=1 is set."
    assert capsys.readouterr().err == told("this is a defect of Emotionet: KeyError: 'a defect'", hint)


def command(home: Path, *arguments: str, **more: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "EMOTIONET_HOME": str(home)}
    line = [sys.executable, "-m", "registry.cli.main", *arguments]
    return subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, **more)  # type: ignore[call-overload, no-any-return]


def test_an_address_that_is_taken(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 3
    sentence = f"can't listen on 127.0.0.1:{port}: Address already in use"
    assert capsys.readouterr().err == told(sentence, "choose another with --port, or stop what listens there.")
    assert not home.exists()


@pytest.mark.parametrize("at_once", ["", "1"])
def test_a_full_disk_under_the_output(home: Path, monkeypatch: pytest.MonkeyPatch, at_once: str) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", at_once)
    with Path("/dev/full").open("wb") as full:
        process = command(home, "runs", "--help", stdout=full)
        _, err = process.communicate()
    assert (process.returncode, err.decode()) == (
        3,
        told("the output can't be written: No space left on device", "make room, then try again."),
    )


def test_a_reader_that_goes_away(home: Path) -> None:
    process = command(home, "--help", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as stream:
        assert (stream.read(), process.wait()) == (b"", 0)


@pytest.mark.parametrize("closed", [1, 2])
def test_a_stream_that_is_closed(home: Path, closed: int) -> None:
    process = command(home, "fly", stdout=subprocess.PIPE, preexec_fn=lambda: os.close(closed))
    out, err = process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"Traceback" not in err


def test_ctrl_c_at_any_early_moment(home: Path) -> None:
    """From the first line of the program on: Python's own start, before it, is not ours to mend."""
    code = (
        "import os, sys, signal\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == {name!r}:\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv = ['emotionet', 'fetch', '{cid}']\n"
        "from registry.cli.main import entry; entry()\n"
    )
    for name in (
        "gc",
        "registry.cli.dispatch",
        "argparse",
        "registry.cli.parser",
        "registry.assembly",
        "registry.content.stores.embedded",
    ):
        line = [sys.executable, "-c", code.format(name=name, cid=ABSENT)]
        done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "EMOTIONET_HOME": str(home)})
        assert "Traceback" not in done.stderr, name
        if name != "gc":
            assert (done.returncode, done.stderr.startswith("emotionet: stopped")) == (1, True), (name, done)
