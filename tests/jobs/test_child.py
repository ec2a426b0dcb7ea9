"""The frame of a child process: its result or its error, its folder, and its end."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from registry.core.errors import Cancelled, Conflict, EmotionetError, Unavailable, Untrusted
from registry.jobs import child as child_process
from registry.jobs import folder_lock as folder_of_one


def child(work: Callable[[Callable[[Any], None]], dict[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
    out = io.StringIO()
    with TemporaryDirectory() as folder:
        status = child_process.child(out, Path(folder), work)
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_childs_last_line_is_its_result_or_its_error() -> None:
    def good(report: Callable[[Any], None]) -> dict[str, Any]:
        report({})
        report({"epoch": 1})
        return {"training": "cid"}

    assert child(good) == (0, [{"epoch": 1}, {"result": {"training": "cid"}}])

    def bad(report: Callable[[Any], None]) -> dict[str, Any]:
        raise Untrusted("pixels differ", code="pixels_differ")

    status, lines = child(bad)
    assert (status, lines) == (
        1,
        [{"error": "pixels differ", "code": "pixels_differ", "kind": "Untrusted", "hint": None}],
    )


def test_a_child_that_dies_is_unavailable_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    with pytest.raises(Unavailable, match="before it gave a result"):
        child_process.run_child("nothing", {}, tmp_path / "work", lambda: None, lambda _: None)


def test_a_child_is_ended_when_the_check_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = time.monotonic()

    def check() -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        child_process.run_child("fold", {}, tmp_path, check, lambda _: None)
    assert time.monotonic() - begin < 20


def test_two_children_never_work_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_of_one, "LOCK_SECONDS", 0.3)

    def outer(report: Callable[[Any], None]) -> dict[str, Any]:
        inner = io.StringIO()
        assert child_process.child(inner, tmp_path, lambda _: {"both": "at once"}) == 1
        return {"inner": json.loads(inner.getvalue())["code"]}

    out = io.StringIO()
    assert child_process.child(out, tmp_path, outer) == 0
    assert json.loads(out.getvalue()) == {"result": {"inner": "folder_busy"}}


HOLDER = """
import sys, time
from pathlib import Path
from registry.jobs.folder_lock import locked_folder
with locked_folder(Path(sys.argv[1]), int(sys.argv[2])):
    print("held", flush=True)
    time.sleep(600)
"""


def holder(folder: Path, token: int) -> subprocess.Popen[str]:
    """A process that holds a folder and hears of nothing."""
    command = [sys.executable, "-c", HOLDER, str(folder), str(token)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_newer_token_ends_whoever_holds_a_folder_and_an_older_one_leaves(tmp_path: Path) -> None:
    first = holder(tmp_path, 1)
    with folder_of_one.locked_folder(tmp_path, 2):
        assert first.wait(20) == -9
    second = holder(tmp_path, 5)
    with pytest.raises(Conflict) as caught, folder_of_one.locked_folder(tmp_path, 4):
        pass
    assert caught.value.code == "lease_lost"
    assert second.poll() is None
    second.kill()
    second.wait()
    with pytest.raises(Conflict), folder_of_one.locked_folder(tmp_path, 4):  # also after the newer one has gone
        pass
    with folder_of_one.locked_folder(tmp_path, 5):  # the same job's next step
        pass
    for process in (first, second):
        assert process.stdout is not None
        process.stdout.close()


def test_a_holder_that_can_not_be_ended_from_here_keeps_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_of_one, "LOCK_SECONDS", 0.5)
    first = holder(tmp_path, 1)
    monkeypatch.setattr(folder_of_one, "this_machine", lambda: "another machine")
    with pytest.raises(Unavailable) as caught, folder_of_one.locked_folder(tmp_path, 2):
        pass
    assert caught.value.code == "folder_busy"
    assert first.poll() is None
    first.kill()
    first.communicate()


@pytest.mark.parametrize("left", ["", "{", "[]", '{"token": "x"}', '{"token": 9}', "\0" * 50])
def test_a_lock_that_says_nothing_of_use_stops_nobody(tmp_path: Path, left: str) -> None:
    (tmp_path / "lock").write_text(left, encoding="utf-8")
    with folder_of_one.locked_folder(tmp_path, 1):
        assert json.loads((tmp_path / "lock").read_text(encoding="utf-8"))["token"] == 1


def test_a_child_that_the_system_ended_for_its_memory_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([3, 4])
    monkeypatch.setattr(child_process, "oom_kills", lambda: next(counts))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "killed"))
    (tmp_path / "killed").write_text("#!/bin/sh\nkill -9 $$\n", encoding="utf-8")
    (tmp_path / "killed").chmod(0o755)
    with pytest.raises(EmotionetError, match="because memory ran out") as caught:
        child_process.run_child("fold", {}, tmp_path / "work", lambda: None, lambda _: None)
    assert caught.value.code == "out_of_memory"


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = """
import subprocess, sys, time
started = subprocess.Popen([sys.executable, "-c", "import time; from registry.jobs.child import end_with_parent; "
    "end_with_parent(); print('ready', flush=True); time.sleep(600)"], stdout=subprocess.PIPE, start_new_session=True)
started.stdout.readline()
print(started.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while time.monotonic() < until and running(pid):
        time.sleep(0.05)
    assert not running(pid)


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_what_a_child_dies_of_is_told_and_not_the_hint_behind_it(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"before it gave a result: .*KeyError: 'nothing'"):
        child_process.run_child("nothing", {}, tmp_path, lambda: None, lambda _: None)


def test_a_child_takes_no_module_from_the_folder_that_a_run_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("registry", "json"):
        (data / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n", encoding="utf-8")
    monkeypatch.chdir(data)
    with pytest.raises(Unavailable, match="KeyError: 'nothing'"):
        child_process.run_child("nothing", {}, tmp_path / "work", lambda: None, lambda _: None)
    assert not (tmp_path / "ran").exists()
