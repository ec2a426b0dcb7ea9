"""A run's events in words, in the reader's language.

Invariant: what a method or an error says is shown as it stands, on one line, cut short; an event that is not known here
is named, never guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.evaluation.sentences import warning_text
from registry.web.base.words import Words

LONGEST = 600  # characters of what somebody else says
BAD = frozenset({"failed", "again", "warning"})


@dataclass(frozen=True)
class Line:
    """``kind``: bad, or plain; ``foreign``: the text holds words in English alone."""

    seq: int
    time: str
    text: str
    bad: bool


def line(t: Words, event: Mapping[str, Any]) -> Line:
    """An event of ``catalog.queries.run_events``."""
    return Line(event["seq"], event["time"], event_text(t, event), event["kind"] in BAD)


def event_text(t: Words, event: Mapping[str, Any]) -> str:
    """What an event says."""
    kind, data = str(event["kind"]), event["data"]
    who = fold_of(t, data)
    if kind == "step":
        return step(t, data)
    if kind == "progress":
        return t("runs_log.progress", what=t.known("runs_progress", str(data["what"])), **_counted(t, data))
    if kind == "fold":
        return _fold(t, who, data)
    if kind in ("again", "failed"):
        where = who or t.known("runs_step", str(data.get("step")))
        return t(f"runs_log.{kind}", where=where, error=short(data.get("error")))
    if kind == "warning":
        return t("runs_log.warning", text=short(warning_text(data, t.language)))
    return t.known("runs_log", kind)


def step(t: Words, data: Mapping[str, Any]) -> str:
    """What begins."""
    name = t.known("runs_step", str(data.get("step")))
    return f"{who}: {name}" if (who := fold_of(t, data)) else name


def fold_of(t: Words, data: Mapping[str, Any]) -> str:
    """Which training an event is about; "" where it is about all."""
    if "fold" not in data:
        return ""
    return t.fold("refit" if data["fold"] is None else f"fold {data['fold']}")


def short(text: object) -> str:
    """On one line, cut short."""
    plain = " ".join(str(text or "").split())
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def _counted(t: Words, data: Mapping[str, Any]) -> dict[str, str]:
    return {name: t.exact(data[name]) if data.get(name) is not None else "?" for name in ("done", "total")}


def _fold(t: Words, who: str, data: Mapping[str, Any]) -> str:
    if "epoch" in data:
        told = [t("runs_log.epoch", who=who, epoch=data["epoch"], epochs=data["epochs"])]
        if "loss" in data:
            told.append(t("runs_log.of_loss", value=t.exact(short(data["loss"]))))
        if "f1" in data:
            told.append(f"F1 {t.exact(short(data['f1']))}")
        return ", ".join(told)
    event = str(data.get("event"))
    known: dict[str, dict[str, object]] = {
        "second_try": {"reason": short(data.get("reason"))},
        "taken_up": {"attempt": data.get("attempt")},
    }
    return t(f"runs_log.{event}", who=who, **known[event]) if event in known else f"{who}: {short(event)}"
