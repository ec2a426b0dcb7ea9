"""Progress as it stands on a terminal of any width, and as lines where there is none."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from registry.cli.progress import Bars, Step, bar
from registry.cli.texts.events import epoch_text
from registry.core.text.amounts import duration
from tests.cli.screen import on_terminal, shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def screen(monkeypatch: pytest.MonkeyPatch, terminal: bool = True) -> io.StringIO:
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


@pytest.mark.parametrize("width", [1, 20, 39, 40, 60, 80, 200])
@pytest.mark.parametrize("note", ["", "loss 0.123456, F1 0.91, 12.5 img/s, 3600 s left"])
def test_a_bar_is_shorter_than_the_terminal(width: int, note: str) -> None:
    for total in (0, 7, 123_456_789):
        for done in (0, 3, total):
            line = bar(Step("blocks fetched", 0.0, done, total, note), 4000.0, width)
            assert len(line) <= max(0, width - 1)
            assert "\n" not in line
    assert bar(Step("clean", 0.0, 5, 10), 3.0, 80) == f"clean          [{'#' * 20}{'.' * 20}] 5/10, 3 s"


def test_what_has_ended_stands_still(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    stream = screen(monkeypatch)
    bars = Bars(shown=True, clock=clock)
    bars("clean", 0, 2)
    clock.now = 2.0
    bars("clean", 2, 2)
    clock.now = 60.0
    bars("fold 0", 1, 2)
    bars.close()
    clean, fold = shown(stream.getvalue())
    assert clean.endswith("2/2, 2 s")
    assert fold.endswith("1/2, 0 s")
    assert sys.stderr is stream


def test_what_is_written_stands_above_the_bars(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    stream = screen(monkeypatch)
    bars = Bars(shown=True, clock=clock)
    bars.word("loading")
    assert shown(stream.getvalue()) == ["loading"]
    bars("clean", 1, 2)
    print("made a publishing key", file=sys.stderr)
    bars.say("fold 0: taken up")
    clock.now = 5.0
    bars("clean", 2, 2)
    bars.close()
    print("emotionet: error: no", file=sys.stderr)
    said, again, clean, error = shown(stream.getvalue())
    assert (said, again, error) == ("made a publishing key", "fold 0: taken up", "emotionet: error: no")
    assert clean.startswith("clean")
    assert clean.endswith("2/2, 5 s")


def test_more_steps_than_lines_scroll_away(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    stream = screen(monkeypatch)
    bars = Bars(shown=True, clock=clock)
    for number in range(100):
        clock.now += 1
        bars(f"step {number}", 1, 1)
    bars.close()
    assert [line.split("[")[0].strip() for line in shown(stream.getvalue())] == [f"step {n}" for n in range(100)]


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    stream = screen(monkeypatch, terminal=False)
    bars = Bars(shown=True, clock=clock)
    for done in range(1001):
        bars("quick", done, 1000)
    assert stream.getvalue() == "quick 0/1000\nquick 1000/1000 in 0 s\n"
    for done in range(101):
        clock.now += 1
        bars("steady", done, 100)
    assert stream.getvalue().count("steady") == 11
    for done in range(1, 4):
        clock.now += 11
        bars("slow", done, 1000)
    assert stream.getvalue().endswith("slow 1/1000\nslow 2/1000\nslow 3/1000\n")
    bars.word("loading")
    bars.close()
    assert stream.getvalue().endswith("loading ...\n")
    assert "\x1b" not in stream.getvalue()
    Bars(shown=False)("quiet", 1, 1)
    assert "quiet" not in stream.getvalue()


@pytest.mark.parametrize("columns", [30, 80, 132])
def test_an_import_on_a_terminal(tmp_path: Path, columns: int) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(5):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.jpg")
    rows = "".join(f"{number}.jpg,feliz\n" for number in range(5))
    (folder / "labels.csv").write_text(f"file,label\n{rows}", encoding="utf-8")
    environment = {**os.environ, "EMOTIONET_HOME": str(tmp_path / "home")}
    line = [sys.executable, "-m", "registry.cli.main", "import", str(folder)]
    status, text = on_terminal(line, environment, columns)
    lines = shown(text)
    found = [one for one in lines if one.startswith("import")]
    assert (status, len(found)) == (0, 1)
    assert "5/5" in found[0]
    assert len(found[0]) < columns
    assert lines.index(found[0]) > [one.startswith("made a publishing key") for one in lines].index(True)
    assert lines[lines.index(found[0]) + 1].startswith("root ")


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (346, "5 min 46 s"), (7440, "2 h 04 min")]
)
def test_a_time_is_told_in_the_same_way_everywhere(seconds: float, said: str) -> None:
    assert duration(seconds) == said
    data = {"epoch": 1, "epochs": 2, "loss": "2.01", "images_per_second": 8.3, "eta_seconds": round(seconds)}
    assert epoch_text(data) == f"loss 2.01, 8.3 img/s, {said} left"
    assert epoch_text({**data, "epoch": 2}) == "loss 2.01, 8.3 img/s"  # what has ended has none left


def test_the_last_line_of_a_step_says_what_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([0.0, 346.0]).__next__
    bars = Bars(shown=True, clock=clock)
    bars("fold 0", 0, 30)
    bars("fold 0", 30, 30, "loss 2.01")
    assert capsys.readouterr().err.splitlines()[-1] == "fold 0 30/30 in 5 min 46 s, loss 2.01"
