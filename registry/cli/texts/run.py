"""A run for people: what it will cost, how it stands, why it failed."""

from __future__ import annotations

from typing import Any

from registry.cli.output import cell
from registry.cli.texts.events import fold_name
from registry.cli.texts.figures import base_seen_lines, claim_lines, figure_lines
from registry.cli.texts.names import names_lines
from registry.core.errors import EmotionetError
from registry.core.text.amounts import duration
from registry.core.text.cleaning import counted
from registry.workflows.withdrawals.withdrawn import sentences

CORRECTIONS = {  # of a plan, for people
    "holm": "corrected for the number of attempts (Holm)",
    "none": "not corrected for the number of attempts",
}


def estimate_text(done: dict[str, Any]) -> list[str]:
    """What a run would do and cost."""
    return [
        f"snapshot {done['snapshot']}: {counted(done['images'], 'image')}",
        f"recipe {done['recipe']} ({done['method']}), seed {done['seed']}",
        f"{counted(done['folds'], 'fold')}{_times(done['repeats'])}, {counted(done['epochs'], 'epoch')}",
        f"folds drawn from the plan's seed{''.join(f' and {one}' for one in done['beacons'])}",
        f"base weights: {done['base']}" + (f", licence {done['base_licence']}" if done["base_licence"] else ""),
        f"published weights: {done['final'].replace(':', ' ')}; claims: {cell(done['claims'])}",
        f"verdicts {CORRECTIONS[done['correction']]}",
        f"{counted(done['trainings'], 'training')}, {done['side_by_side']} at a time on engine {done['engine']}",
        f"about {duration(done['seconds'])}, {done['memory'] / 2**30:.1f} GiB of memory, "
        f"{done['disk'] / 2**20:.0f} MiB of disk",
        *(f"warning: {text}" for text in done["warnings"]),
    ]


def run_text(document: dict[str, Any]) -> list[str]:
    """A run for people."""
    lines = [
        *sentences(document["withdrawn"]),
        f"run {document['run']}: {document['status']}" + (f" ({document['error']})" if document["error"] else ""),
        *names_lines(document),
        f"snapshot {document['snapshot']}, recipe {document['recipe']}",
        f"plan {document['plan'] or '-'}, draw {document['draw'] or '-'}",
        f"kept {cell(document['kept'])}, dropped {cell(document['dropped'] or {})}",
        *[
            f"{fold_name(row['fold'])}: {row['status']} {row.get('tensors') or ''}".rstrip()
            for row in document["folds"]
        ],
    ]
    if document["metrics"] is not None:
        lines += [*figure_lines(document), *base_seen_lines(document), *claim_lines(document)]
    return [*lines, f"next: {document['next']}"]


def failure(document: dict[str, Any]) -> EmotionetError:
    """The error with which a command ends whose run failed or was cancelled."""
    run, reason = document["run"], document["error"]
    return EmotionetError(
        f"run {run} {'failed' if document['status'] == 'failed' else 'was cancelled'}"
        + (f": {reason}" if reason else ""),
        hint=f"`emotionet runs logs {run}` says more; fix the cause, then `{document['next']}` resumes the run.",
    )


def _times(repeats: int) -> str:
    return "" if repeats == 1 else f", repeated {repeats} times"
