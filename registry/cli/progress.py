"""Progress on stderr: bars as wide as the terminal, plain lines where there is no terminal.

Invariants: a bar ends its line, so no other text is appended to it; other text on stderr appears above the bars; the
time of a finished step no longer changes. Without a terminal a step prints a line every ten per cent or ten seconds, at
most one a second, and one at its end.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TextIO

from registry.core.text.amounts import duration

EVERY_SECONDS, AT_LEAST_SECONDS, EVERY_PART = 10.0, 1.0, 0.1
REDRAW_SECONDS = 0.1
NARROW, WIDEST_BAR, NAME = 40, 40, 14


@dataclass
class Step:
    """One step: its progress, when it began, and when it ended (None: still running)."""

    name: str
    began: float
    done: int = 0
    total: int = 0  # 0: not known
    note: str = ""
    ended: float | None = None
    told: float = field(default=-1e9)  # when a plain line was written last
    told_done: int = -1

    def seconds(self, now: float) -> str:
        """How long it took, or takes so far."""
        return duration((now if self.ended is None else self.ended) - self.began)

    def count(self) -> str:
        """How far it is, in numbers."""
        return f"{self.done}/{self.total}" if self.total else str(self.done)


class _Above:
    """Stands for stderr while bars are shown: what is written appears above the bars."""

    def __init__(self, stream: TextIO, bars: Bars) -> None:
        self._stream, self._bars = stream, bars

    def write(self, text: str) -> int:
        """Write above the bars."""
        return self._bars.above(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Bars:
    """Bars or lines, one a step; call it as a progress callback. Threads may share it."""

    def __init__(self, *, shown: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._shown, self._clock = shown, clock
        self._stream: TextIO = sys.stderr
        self.on_terminal = shown and self._stream.isatty()
        self._steps: dict[str, Step] = {}
        self._drawn, self._at = 0, -1e9
        self._word = ""
        self._lock = threading.RLock()

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        """A step's progress; ``total`` 0: not known; ``note`` is shown behind it."""
        if not self._shown:
            return
        with self._lock:
            now = self._clock()
            step = self._steps.get(what)
            if step is None or done < step.done:
                self._steps.pop(what, None)
                step = self._steps[what] = Step(what, now)
            new = step.done != done or step.told_done < 0
            step.note, step.done, step.total = note or step.note, done, total  # a fetch learns of more as it goes
            if not (total and done >= total):
                step.ended = None
            elif step.ended is None:
                step.ended = now
            self._word = ""
            if self.on_terminal:
                self._draw(force=step.ended == now)
            elif new:
                self._line(step, now)

    def word(self, text: str) -> None:
        """Show a line for work without countable progress; the next progress removes it."""
        if not self._shown:
            return
        with self._lock:
            if self.on_terminal:
                self._word = text
                self._draw(force=True)
            else:
                self._write(f"{text} ...\n")

    def say(self, text: str) -> None:
        """A line above the bars."""
        if self._shown:
            self.above(f"{text}\n")

    def above(self, text: str) -> int:
        """Write text as it is above the bars."""
        with self._lock:
            self._erase()
            self._write(text)
            if self.on_terminal and text.endswith("\n") and (self._steps or self._word):
                self._draw(force=True)
        return len(text)

    def close(self) -> None:
        """End all bars: they stay as they are, and nothing moves them again."""
        with self._lock:
            self._word = ""
            self._erase()
            if self.on_terminal and self._steps:
                now = self._clock()
                for step in self._steps.values():
                    step.ended = step.ended or now
                self._draw(force=True)
            self._steps.clear()
            self._drawn = 0
            if isinstance(sys.stderr, _Above):
                sys.stderr = self._stream

    def _line(self, step: Step, now: float) -> None:
        part = (step.done - max(step.told_done, 0)) / step.total if step.total else 0.0
        since = now - step.told
        if step.ended is None and since < EVERY_SECONDS and (part < EVERY_PART or since < AT_LEAST_SECONDS):
            return
        step.told, step.told_done = now, step.done
        took = f" in {step.seconds(now)}" if step.ended is not None else ""
        note = f"{',' if took else ''} {step.note}" if step.note else ""
        self._write(f"{step.name} {step.count()}{took}{note}\n")

    def _draw(self, *, force: bool) -> None:
        now = self._clock()
        if not force and now - self._at < REDRAW_SECONDS:
            return
        if not isinstance(sys.stderr, _Above):
            sys.stderr = _Above(self._stream, self)
        width, height = self._size()
        lines = [bar(step, now, width) for step in self._steps.values()]
        lines += [self._word[: width - 1]] if self._word else []
        self._erase()
        for name in list(self._steps)[: max(0, len(lines) - height + 1)]:
            del self._steps[name]  # it scrolled out of reach: it stays as it is
        self._write("".join(f"{line}\n" for line in lines))
        self._drawn, self._at = min(len(lines), height - 1), now

    def _erase(self) -> None:
        if self._drawn:
            self._write(f"\x1b[{self._drawn}F\x1b[J")
            self._drawn = 0

    def _size(self) -> tuple[int, int]:
        try:
            found = os.get_terminal_size(self._stream.fileno())
        except OSError:
            return 80, 24
        return found.columns or 80, max(2, found.lines or 24)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def bar(step: Step, now: float, width: int) -> str:
    """A step as one line that is shorter than ``width``."""
    head = f"{step.name.ljust(NAME)} "
    tail = f" {step.count()}, {step.seconds(now)}" + (f", {step.note}" if step.note else "")
    if width < NARROW or not step.total:
        return (head.rstrip() + tail)[: width - 1]
    room = min(WIDEST_BAR, width - 1 - len(head) - len(tail) - 2)
    if room < 8:  # the note is what can be spared
        tail = tail[: max(0, width - 1 - len(head) - 10)]
        room = min(WIDEST_BAR, width - 1 - len(head) - len(tail) - 2)
    full = min(room, room * step.done // step.total)
    return f"{head}[{'#' * full}{'.' * (room - full)}]{tail}"
