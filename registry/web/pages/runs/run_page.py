"""What the list of runs shows, and the page of one.

Invariants: a page shows what the run's row, its events and its records say; a claim has a verdict only once the
evaluation gave one; nothing that a stranger's record says raises here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.catalog.queries.training_runs import run_events, runs
from registry.core import records
from registry.core.errors import EmotionetError
from registry.core.ipld.cid import CID
from registry.core.remembered import Remembered
from registry.core.run_view import draw_view
from registry.core.text.amounts import duration
from registry.core.text.claim_text import claim_parts
from registry.core.text.flat import flat
from registry.evaluation.sentences import warning_text
from registry.evaluation.verdict import Verdict, sentence, verdict_of
from registry.evaluation.verdict import short as short_verdict
from registry.provenance.verdict_facts import run_facts
from registry.web.base.words import Words
from registry.web.pages.runs.course import Standing, standing
from registry.web.pages.runs.log_lines import Line, event_text, line, short
from registry.web.report.check_records import check_evaluation
from registry.workflows.names.references import names_of_runs
from registry.workflows.parts import Parts
from registry.workflows.releases.verdicts import release_verdict
from registry.workflows.runs.show_run import evaluation_of
from registry.workflows.withdrawals.withdrawn import withdrawals_of

ENDED = frozenset({"completed", "failed", "cancelled"})
HEADLINE = ("macro_f1", "accuracy", "pr_auc", "map50", "recall_gap(class)")
ON_A_PAGE = 25
LOG = 12  # lines on the page of a run; all of them are on a page of their own
Row = Mapping[str, Any]
_evaluations = Remembered[str, dict[str, Any]](200)


@dataclass(frozen=True)
class Listed:
    """A run in a list. ``share``: how much of all epochs is trained, 0 to 100; ``figure``: its macro F1."""

    run: str
    status: str
    recipe: str
    snapshot: str
    created: str
    release: str | None
    share: float
    figure: Row | None
    verdicts: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class RunPage:
    """The page of one run. ``values``: what was planned, by name, as text; ``failed``: its error and the way out."""

    row: Row
    standing: Standing
    claims: tuple[Row, ...]
    figures: tuple[Row, ...]
    notes: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]
    dropped: tuple[tuple[str, int], ...]
    log: tuple[Line, ...]
    doing: str | None
    left: str | None
    failed: tuple[str, str | None] | None
    warnings: tuple[str, ...]
    names: tuple[str, ...]
    verdict: tuple[str, str, str] | None  # its state, in short, and all that belongs to it
    withdrawn: tuple[Row, ...]  # what was taken back of its snapshot

    @property
    def unreadable(self) -> bool:
        """Whether there is an evaluation of which nothing can be shown."""
        return self.row["evaluation"] is not None and not self.figures

    @property
    def live(self) -> bool:
        """Whether there is something to wait for."""
        return self.row["status"] not in ENDED


def run_list(
    parts: Parts, *, cursor: str | None = None, status: str | None = None, snapshot: str | None = None
) -> tuple[list[Listed], str | None]:
    """A page of runs, newest first, and the next page's cursor or None."""
    with parts.catalog.read() as db:
        rows, after = runs.page_of_rows(db, cursor, ON_A_PAGE, status=status, snapshot=snapshot)
        folds = {row["id"]: runs.folds(db, row["id"]) for row in rows}
        named = names_of_runs(parts, db, {row["id"]: row["plan"] for row in rows})
    return [_listed(parts, row, folds[row["id"]], named[row["id"]]) for row in rows], after


def _listed(parts: Parts, row: Row, folds: Sequence[Row], names: Sequence[str]) -> Listed:
    figure, verdicts = _headline(parts, row["evaluation"])
    done = sum(min(one["epoch"] or 0, one["epochs"] or 0) for one in folds)
    wanted = sum(one["epochs"] or 0 for one in folds)
    return Listed(
        run=row["id"],
        status=row["status"],
        recipe=row["recipe_name"],
        snapshot=row["snapshot"],
        created=row["created"],
        release=row["release"],
        share=100 if row["status"] == "completed" else round(100 * done / max(1, wanted), 1),
        figure=figure,
        verdicts=verdicts,
        names=tuple(names),
    )


def _headline(parts: Parts, cid: str | None) -> tuple[Row | None, tuple[str, ...]]:
    """An evaluation's macro F1, and the different verdicts on its claims."""
    found = run_evaluation(parts, cid)
    verdicts = dict.fromkeys(one["verdict"] for one in found["claims"] or ())
    return (found["metrics"] or {}).get("macro_f1"), tuple(verdicts)


def run_evaluation(parts: Parts, cid: str | None) -> dict[str, Any]:
    """``evaluation_of``, and None each of one that can't be read, or states what can't be shown: a stranger's may."""
    if cid is None or not parts.store.has(CID.parse(cid)):
        return evaluation_of(parts, None)
    try:
        return _evaluations.of(cid, lambda: _checked_evaluation(parts, cid))
    except EmotionetError:
        return evaluation_of(parts, None)


def _checked_evaluation(parts: Parts, cid: str) -> dict[str, Any]:
    check_evaluation(records.parse_as(records.Evaluation, parts.store.get(CID.parse(cid))))
    return evaluation_of(parts, cid)


def run_page(parts: Parts, t: Words, run: str) -> RunPage:
    """``NotFound`` if there is no such run."""
    with parts.catalog.read() as db:
        row = runs.row(db, run)
        log = run_events.log(db, run, limit=LOG)
        failed = run_events.last(db, run, "failed")
        warnings = run_events.of_kind(db, run, "warning")
        named = names_of_runs(parts, db, {run: row["plan"]})[run]
    now, found = standing(parts, t, row), run_evaluation(parts, row["evaluation"])
    metrics = found["metrics"] or {}
    return RunPage(
        row=row,
        standing=now,
        claims=tuple(claims_of(row, found["claims"])),
        figures=tuple({**metrics[name], "name": name} for name in HEADLINE if name in metrics),
        notes=tuple((one["text"][t.language], one["code"]) for one in found["notes"] or ()),
        values=tuple(planned(row)),
        dropped=tuple(sorted((row["dropped"] or {}).items())),
        log=tuple(line(t, event) for event in log),
        doing=_doing(t, row, now),
        left=None if now.left is None else duration(now.left),
        failed=_failed(row, failed),
        warnings=tuple(dict.fromkeys(short(warning_text(one["data"], t.language)) for one in warnings)),
        names=tuple(named),
        verdict=_verdict(parts, t, row) if found["metrics"] else None,
        withdrawn=tuple(withdrawals_of(parts, CID.parse(row["snapshot"]))),
    )


def _verdict(parts: Parts, t: Words, row: Row) -> tuple[str, str, str] | None:
    """Of a run that is evaluated, its release's where it has one; None where its records are not held."""
    try:
        if row["release"] is not None:
            return _said(release_verdict(parts, CID.parse(row["release"])), t)
        view = draw_view(parts.store.get, CID.parse(row["draw"]))
        evaluation = records.parse_as(records.Evaluation, parts.store.get(CID.parse(row["evaluation"])))
    except EmotionetError:
        return None
    return _said(verdict_of(run_facts(view, evaluation)), t)


def _said(found: Verdict, t: Words) -> tuple[str, str, str]:
    """State, the short form, and all that belongs to it."""
    rest = sentence(found, t.language).removeprefix(short_verdict(found, t.language)).strip()
    return found.state, short_verdict(found, t.language), rest


def claims_of(row: Row, verdicts: Sequence[Row] | None) -> list[dict[str, Any]]:
    """The plan's claims, with verdicts once there are some."""
    if verdicts is not None:
        return [dict(one) for one in verdicts]
    nothing = dict.fromkeys(("value", "low", "high", "verdict", "needed", "reason"))
    return [{**nothing, **claim_parts(one)._asdict()} for one in row["options"].get("claims", ())]


def _failed(row: Row, event: Row | None) -> tuple[str, str | None] | None:
    if row["error"] is None:
        return None
    data = event["data"] if event else {}
    hint = data.get("hint")
    error = str(data.get("error") or row["error"])
    return short(error.removesuffix(f": {str(hint).rstrip('.')}") if hint else error), hint


def _doing(t: Words, row: Row, now: Standing) -> str | None:
    """What is done at this moment; None of a run that has ended."""
    if row["status"] in ENDED:
        return None
    if row["status"] == "queued" and now.step is None:
        return t("runs.waits")
    if now.progress is not None:
        return event_text(t, now.progress)
    return event_text(t, now.step) if now.step is not None else None


def planned(row: Row) -> list[tuple[str, str]]:
    """The values of a run's recipe and its options, flat, in the order of their names."""
    options = row["options"]
    found = {name: str(options[name]) for name in ("method", "final") if options.get(name) is not None}
    found["base"] = str(options.get("base") or "")
    values = {name: short(value) for name, value in flat(options.get("values", {})).items()}
    return [*found.items(), *sorted(values.items())]
