"""Commands on runs: train, watch, cancel, resume."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from registry.cli.commands.common import (
    CLAIM,
    Subparsers,
    add,
    group,
    home,
    limit,
    name_option,
    path_argument,
    whole,
    wide,
)
from registry.cli.failures import print_error
from registry.cli.named import RECORD, RUN, record, run_of
from registry.cli.output import Output, json_text, show
from registry.cli.texts.events import event_text
from registry.cli.watch_run import draw_event, events, work_until_ended
from registry.settings import DEFAULT_METHOD

if TYPE_CHECKING:
    from registry.assembly import Home
    from registry.core.ipld.cid import CID
    from registry.workflows.runs.start_run import Wanted

OPTION = "option_"  # begins the names of what a method's options are kept as
ENDED = {"completed", "failed", "cancelled"}


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    _add_train(add(commands, common, "train", run_train, "train on a snapshot: plan, anchor, draw, run"))
    _add_verbs(group(commands, "runs", "training runs"), common)


def _add_train(training: Any) -> None:
    """The arguments of `train`, but those that a method adds."""
    training.add_argument("snapshot", metavar="SNAPSHOT", help=RECORD)
    name_option(training, "run")
    training.add_argument("--recipe", metavar="NAME|FILE", help="default: the method's own")
    training.add_argument(
        "--method", default=DEFAULT_METHOD, metavar="NAME", help="a training method that is installed"
    )
    training.more_options = method_options
    training.add_argument("--engine", default="local", choices=["local", "ray"])
    training.add_argument("--dry-run", action="store_true", help="print the plan and its cost; start nothing")
    training.add_argument(
        "--anew", action="store_true", help="start a new run although an unfinished run of the same training exists"
    )
    training.add_argument("--detach", action="store_true", help="only queue the run: a running worker does the work")
    training.add_argument("--claim", action="append", default=[], **CLAIM)
    training.add_argument(
        "--final",
        metavar="fold:N|refit",
        help="which weights are published as final",
    )
    training.add_argument(
        "--correction",
        choices=["holm", "none"],
        default="holm",
        help="how “supported” is corrected for the number of attempts (default: holm; pages say it of none)",
    )
    training.add_argument(
        "--unanchored", action="store_true", help="do not wait for the chain (audit level 3 will not hold)"
    )


def _add_verbs(verbs: Subparsers, common: argparse.ArgumentParser) -> None:
    """What one does with runs."""
    limit(add(verbs, common, "list", run_list, "list runs"))
    add(verbs, common, "show", run_show, "one run").add_argument("run", metavar="RUN", help=RUN)
    dropping = add(verbs, common, "dropped", run_dropped, "images that cleaning dropped, with reason and measure")
    dropping.add_argument("run", metavar="RUN", help=RUN)
    wide(dropping)
    dropping.add_argument(
        "--sheet", type=path_argument, metavar="FILE.png", help="also draw the dropped images there, grouped by reason"
    )
    add(verbs, common, "logs", run_logs, "print a run's events so far").add_argument("run", metavar="RUN", help=RUN)
    add(verbs, common, "follow", run_follow, "watch a run until it ends").add_argument("run", metavar="RUN", help=RUN)
    add(verbs, common, "cancel", run_cancel, "stop a run").add_argument("run", metavar="RUN", help=RUN)
    add(verbs, common, "resume", run_resume, "resume a run that was stopped, cancelled or failed").add_argument(
        "run", metavar="RUN", help=RUN
    )


def method_options(parser: argparse.ArgumentParser, given: Sequence[str]) -> None:
    """Add the options that the method has which is named among the arguments."""
    from registry.workflows.methods import installed

    naming = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    naming.add_argument("--method", nargs="?", default=DEFAULT_METHOD)
    about = installed(naming.parse_known_args(given)[0].method or DEFAULT_METHOD).about()
    kinds = f"base weights: {', '.join(about.base_kinds)}" if about.base_kinds else f"{about.name} takes none"
    parser.add_argument("--base", metavar="CID|FILE", help=kinds)
    for one in about.options:
        parser.add_argument(
            f"--{one.name}",
            dest=OPTION + one.name,
            type=whole(one.low),
            metavar="N",
            help=f"{one.help} (overrides the recipe's value)",
        )


def run_train(wanted: argparse.Namespace, output: Output) -> int:
    """Start a run and, unless detached, work the queue until it has ended."""
    from registry.workflows.runs.start_run import Wanted, start_run

    options = {name.removeprefix(OPTION): value for name, value in vars(wanted).items() if name.startswith(OPTION)}
    asked = Wanted(
        recipe=wanted.recipe,
        method=wanted.method,
        overrides={name: value for name, value in options.items() if value is not None},
        base=wanted.base,
        claims=tuple(wanted.claim),
        final=wanted.final,
        engine=wanted.engine,
        unanchored=wanted.unanchored,
        correction=wanted.correction,
        name=wanted.name,
    )
    with home() as opened:
        if wanted.dry_run:
            return _estimate(opened, record(opened, wanted.snapshot, "snapshot"), asked, output)
        run = start_run(opened, record(opened, wanted.snapshot, "snapshot"), asked, anew=wanted.anew)
        output.say(f"run {run}")
        if not wanted.detach:
            work_until_ended(opened, run, output)
        return _print(opened, run, output, ended=True)


def _estimate(opened: Home, snapshot: CID, asked: Wanted, output: Output) -> int:
    """Print what a run would do and cost."""
    from registry.cli.texts.run import estimate_text
    from registry.workflows.runs.estimate_run import estimate_run

    done = estimate_run(opened, snapshot, asked)
    output.document(done, identity=None, text=estimate_text(done))
    return 0


def _print(opened: Home, run: str, output: Output, *, ended: bool = False) -> int:
    """Show a run; where it was to have ``ended`` well and did not, say why on stderr whatever is shown."""
    from registry.cli.texts.run import failure, run_text
    from registry.workflows.runs.show_run import show_run

    document = show_run(opened, run)
    output.document(document, identity="run", text=run_text(document))
    if document["status"] not in {"failed", "cancelled"}:
        return 0
    if ended:
        print_error(failure(document))
    return 1


def run_list(wanted: argparse.Namespace, output: Output) -> int:
    """List runs, newest first."""
    from registry.catalog.queries.training_runs import runs
    from registry.core.text.days import days_between
    from registry.workflows.names.references import with_run_names

    with home() as opened, opened.catalog.read() as db:
        found, _ = runs.list_runs(db, cursor=None, limit=wanted.limit)
        now, rows = opened.now(), runs.page_of_rows(db, None, wanted.limit)[0]
        days = {one["id"]: days_between(one["created"], now) for one in rows}
        found = [{**one, "days": days[one["run"]]} for one in with_run_names(opened, db, found)]
    columns = ["run", "status", "days", "recipe", "snapshot", "release", "names"]
    output.lines(found, identity="run", columns=columns, drop=("recipe", "snapshot", "release"))
    return 0


def run_show(wanted: argparse.Namespace, output: Output) -> int:
    """One run."""
    with home() as opened:
        _print(opened, run_of(opened, wanted.run), output)
    return 0


def run_dropped(wanted: argparse.Namespace, output: Output) -> int:
    """What cleaning dropped, and why."""
    from registry.workflows.runs.dropped_images import dropped_images, write_sheet

    with home() as opened:
        run = run_of(opened, wanted.run)
        rows = dropped_images(opened, run)
        if wanted.sheet:
            write_sheet(opened, run, rows, wanted.sheet)
            output.say(f"wrote {wanted.sheet}")
    output.lines(rows, identity="sha256", columns=["reason", "measured", "sha256", "names"])
    return 0


def run_logs(wanted: argparse.Namespace, output: Output) -> int:
    """All events so far."""
    with home() as opened:
        for event in events(opened, run_of(opened, wanted.run), lambda: False):
            if output.as_json:
                print(json_text(event))
            else:
                show(event_text(event))
    return 0


def run_follow(wanted: argparse.Namespace, output: Output) -> int:
    """Events until the run ends."""
    from registry.catalog.queries.training_runs import runs

    def alive() -> bool:
        with opened.catalog.read() as db:
            return runs.get(db, run)["status"] not in ENDED

    with home() as opened:
        run = run_of(opened, wanted.run)
        bars = output.progress()
        for event in events(opened, run, alive):
            draw_event(bars, event)
        bars.close()
        return _print(opened, run, output)


def run_cancel(wanted: argparse.Namespace, output: Output) -> int:
    """Cancel: jobs under way stop within a second or two."""
    from registry.workflows.runs.control_run import cancel

    with home() as opened:
        run = run_of(opened, wanted.run)
        cancel(opened, run)
        _print(opened, run, output)
    return 0


def run_resume(wanted: argparse.Namespace, output: Output) -> int:
    """Queue what is left of a run and work it."""
    from registry.workflows.runs.control_run import resume

    with home() as opened:
        run = run_of(opened, wanted.run)
        resume(opened, run)
        work_until_ended(opened, run, output)
        return _print(opened, run, output, ended=True)
