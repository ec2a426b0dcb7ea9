"""What the pages of runs are made of: courses with best and last, time left, events in words, windows on tables."""

from __future__ import annotations

import math
import re
from typing import Any, cast

import pytest

from registry.catalog.schema.operational import RUN_STATES
from registry.core import records
from registry.core.errors import UsageError
from registry.evaluation.sentences import note_text, warning_event
from registry.web.base.epochs import MOST_POINTS, by_epoch, course
from registry.web.base.page import check_drawings
from registry.web.base.words import Words
from registry.web.pages.runs import course as standing
from registry.web.pages.runs.log_lines import LONGEST, event_text
from registry.web.pages.windows import window

EN, ES = Words("en"), Words("es")


def test_a_course_knows_its_best_and_its_last() -> None:
    loss = course([(1, 3.0), (2, 1.0), (3, 2.0)], lower_is_better=True)
    assert (loss.best, loss.last) == ((2, 1.0), (3, 2.0))
    f1 = course([(1, 0.2), (2, 0.9), (3, 0.5)], lower_is_better=False)
    assert f1.best == (2, 0.9)


def test_what_is_no_number_is_in_no_course() -> None:
    assert course([(1, math.nan), (2, math.inf)], lower_is_better=True).best is None
    assert course([(1, math.nan), (2, 0.5)], lower_is_better=True).points == ((2, 0.5),)


def test_a_fold_that_was_resumed_tells_an_epoch_again_and_the_later_counts() -> None:
    assert course([(1, 3.0), (2, 2.0), (2, 1.5), (3, 1.0)], lower_is_better=True).points == (
        (1, 3.0),
        (2, 1.5),
        (3, 1.0),
    )


def test_a_long_course_is_thinned_and_keeps_its_best() -> None:
    points = [(epoch, 5.0) for epoch in range(1, 3001)]
    points[1236] = (1237, 0.1)
    drawn = by_epoch(EN, "Loss", "loss", {"fold 0": course(points, lower_is_better=True)}, 3000)
    check_drawings([drawn])
    (line,) = re.findall(r'points="([^"]+)"', drawn.svg)
    assert MOST_POINTS / 2 < len(line.split()) <= MOST_POINTS + 2
    assert drawn.rows == (("fold 0", "5.000", "0.100", "1237"),)
    assert drawn.svg.count("<circle") == 1


def test_a_drawing_of_nothing_is_a_frame() -> None:
    drawn = by_epoch(ES, "Pérdida", "pérdida", {"pliegue 0": course([], lower_is_better=True)}, 0)
    assert "<polyline" not in drawn.svg
    assert drawn.rows == (("pliegue 0", "–", "–", "–"),)


class _Parts:
    """What ``_left`` asks for."""

    class settings:  # noqa: N801  as the port names it
        @staticmethod
        def at_once(engine: str | None) -> int:
            return 2


def fold(status: str, epoch: int, left: int | None = None) -> Any:
    nothing = course([], lower_is_better=True)
    fields = {"name": "x", "epochs": 10, "loss": nothing, "f1": nothing, "pace": None, "error": None}
    return standing.Fold(status=status, epoch=epoch, left=left, swatch=cast(Any, ""), **cast(Any, fields))


def told(*seconds: int) -> list[dict[str, Any]]:
    return [{"epoch": at, "time": f"2026-01-01T00:00:{second:02d}Z"} for at, second in enumerate(seconds, 1)]


@pytest.mark.parametrize(
    ("folds", "events", "left"),
    [
        ([fold("running", 2, 30), fold("running", 2, 40)], {}, 40),
        ([fold("running", 3, 40), fold("queued", 0)], {0: told(0, 5, 10)}, 40 + 10 * 5 // 2),
        ([fold("queued", 0)], {}, None),
        ([fold("running", 1), fold("queued", 0)], {0: told(0)}, None),
        ([fold("completed", 10)], {0: told(0, 5)}, None),
    ],
)
def test_time_left_follows_from_the_pace_so_far(folds: Any, events: Any, left: int | None) -> None:
    assert standing._left(cast(Any, _Parts), {"engine": "local"}, folds, events) == left


@pytest.mark.parametrize(
    ("event", "english", "spanish"),
    [
        (("step", {"step": "draw"}), "waiting for the plan's anchor", "esperando el anclaje"),
        (("step", {"step": "fold", "fold": None}), "refit: training", "entrenando"),
        (("progress", {"what": "clean", "done": 3, "total": None}), "cleaning: 3 of ?", "limpieza: 3 de ?"),
        (("fold", {"fold": 1, "epoch": 2, "epochs": 9, "loss": "1.5", "f1": "0.25"}), "loss 1.5, F1 0.25", "F1 0,25"),
        (
            ("fold", {"fold": 1, "event": "taken_up", "attempt": 2}),
            "fold 1: resumed, attempt 2",
            "reanudado, intento 2",
        ),
        (("fold", {"fold": 1, "event": "second_try", "reason": "no memory"}), "no memory. It is tried", "no memory."),
        (("again", {"step": "draw", "error": "no chain"}), "no chain. It is tried again", "no chain. Se vuelve"),
        (
            ("failed", {"step": "fold", "fold": 0, "error": "it broke"}),
            "failed at fold 0: it broke",
            "falló en pliegue 0",
        ),
        (("warning", {"text": "thin"}), "warning: thin", "aviso: thin"),
        (("left", {}), "its worker stopped", "se detuvo"),
        (("another", {}), "another", "another"),
    ],
)
def test_an_event_is_said_in_both_languages(event: tuple[str, dict[str, Any]], english: str, spanish: str) -> None:
    kind, data = event
    assert english in event_text(EN, {"kind": kind, "data": data})
    assert spanish in event_text(ES, {"kind": kind, "data": data})


def test_what_others_say_is_cut_short_and_stays_on_a_line() -> None:
    text = event_text(EN, {"kind": "warning", "data": {"text": "a\nb" * 5000}})
    assert len(text) < LONGEST + 20
    assert "\n" not in text


def test_what_was_measured_is_said_in_the_readers_language() -> None:
    assert ES.measured("laplacian variance 12") == "nitidez 12"
    assert ES.measured("sigma 94.90") == "ruido 94,90"
    assert EN.measured("3 faces") == "3 faces"
    assert ES.measured("cut off") == "el archivo está cortado"
    assert ES.measured("20x20") == "20 × 20"
    assert ES.measured("something new 7") == "something new 7"
    assert ES.measured(None) == ""


def test_a_warning_about_the_plan_is_said_in_the_readers_language() -> None:
    note = records.Note(code="classes_only", values={})
    event = {"kind": "warning", "data": warning_event(note)}
    assert event_text(EN, event) == f"warning: {note_text(note, 'en')}"
    assert event_text(ES, event) == f"aviso: {note_text(note, 'es')}"
    assert note_text(note, "es") != note_text(note, "en")


def test_every_state_of_a_run_has_a_word() -> None:
    assert all(ES.known("site_state", one) != one for one in RUN_STATES)


def rows(count: int) -> Any:
    return ({"sha256": bytes([number]), "even": number % 2 == 0} for number in range(count))


def test_a_window_ends_where_its_rows_or_its_work_end() -> None:
    first = window(rows(9), take=3, most=100)
    assert ([row["sha256"][0] for row in first.rows], first.next) == ([0, 1, 2], "02")
    sparse = window(rows(9), lambda row: row["sha256"][0] == 8, take=3, most=4)
    assert (sparse.rows, sparse.next) == ((), "03")
    last = window(rows(3), take=3, most=100)
    assert (len(last.rows), last.next) == (3, None)
    assert window(rows(0)).next is None


def test_a_cursor_that_is_none_is_refused() -> None:
    from registry.api.common import cursor_key

    assert cursor_key(None) is None
    assert cursor_key("00" * 32) == bytes(32)
    for wrong in ("", "zz", "00"):
        with pytest.raises(UsageError):
            cursor_key(wrong)
