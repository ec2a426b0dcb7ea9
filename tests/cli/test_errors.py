"""What each wrong command line, and each refusal of the system, ends in: the exact lines on stderr."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registry.cli.main import entry, main

ABSENT = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

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
        "--epochs takes a whole number, not 'y'",
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
    "--fly": ("`emotionet` has no option --fly", "`emotionet --help` lists all."),
}


def told(sentence: str, hint: str | None) -> str:
    return f"emotionet: error: {sentence}\n" + (f"hint: {hint}\n" if hint else "")


@pytest.mark.parametrize("line", USAGE)
def test_wrong_usage(home: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr() == ("", told(*USAGE[line]))


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
    hint = "please report it with what EMOTIONET_TRACEBACK=1 in front of the command prints."
    assert capsys.readouterr().err == told("Emotionet itself is at fault here: KeyError: 'a defect'", hint)


def command(home: Path, *arguments: str, **more: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "EMOTIONET_HOME": str(home)}
    line = [sys.executable, "-m", "registry.cli.main", *arguments]
    return subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, **more)  # type: ignore[call-overload, no-any-return]


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
        "registry.content.embedded",
    ):
        line = [sys.executable, "-c", code.format(name=name, cid=ABSENT)]
        done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "EMOTIONET_HOME": str(home)})
        assert "Traceback" not in done.stderr, name
        if name != "gc":
            assert (done.returncode, done.stderr.startswith("emotionet: stopped")) == (1, True), (name, done)


def test_ctrl_c_after_a_while(home: Path) -> None:
    for seconds in (0.12, 0.25, 0.5):
        process = command(home, "fetch", ABSENT, stdout=subprocess.PIPE)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert b"Traceback" not in err, (seconds, err)
