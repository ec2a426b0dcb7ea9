"""Commands on snapshots: immutable sets of labeled images."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Any

from registry.cli.commands.common import (
    Subparsers,
    add,
    classes_option,
    classes_text,
    group,
    home,
    limit,
    name_option,
    path_argument,
    whole,
    wide,
)
from registry.cli.commands.parts.snapshot_terms import FILTERS, query_of, terms_of, terms_options
from registry.cli.named import RECORD, SUBJECT, record
from registry.cli.output import Output
from registry.cli.texts.snapshot import snapshot_text
from registry.core.errors import UsageError
from registry.core.labeling.labeled_row import SIGNALS
from registry.core.text.cleaning import counted
from registry.exports.formats import FOLDERS
from registry.exports.rows import FORMATS as ROWS

if TYPE_CHECKING:
    pass


LINES = 1000  # of rejected names that are said


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    verbs = group(commands, "snapshot", "immutable sets of labeled images")
    _add_create(verbs, common)
    limit(add(verbs, common, "list", run_list, "list snapshots"))
    add(verbs, common, "show", run_show, "counts by label and what was left out").add_argument(
        "snapshot", metavar="SNAPSHOT", help=RECORD
    )
    comparing = add(verbs, common, "diff", run_diff, "list the differences between two snapshots")
    comparing.add_argument("before", metavar="SNAPSHOT", help=RECORD)
    comparing.add_argument("after", metavar="SNAPSHOT", help=RECORD)
    wide(comparing)
    exporting = add(verbs, common, "export", run_export, "export a snapshot for other tools")
    exporting.add_argument("snapshot", metavar="SNAPSHOT", help=RECORD)
    exporting.add_argument("--format", choices=[*ROWS, *FOLDERS], default="jsonl")
    exporting.add_argument("-o", "--out", type=path_argument, help=f"a file; for {' and '.join(FOLDERS)} a folder")
    exporting.add_argument(
        "--draw", metavar="CID", help="split into train and val as in a fold of this draw (yolo only)"
    )
    exporting.add_argument("--fold", type=whole(0), metavar="N", help="which fold (default 0)")


def _add_create(verbs: Subparsers, common: argparse.ArgumentParser) -> None:
    creating = add(
        verbs, common, "create", run_create, "freeze the catalog's labeled images (without a filter: all of them)"
    )
    name_option(creating, "snapshot")
    classes_option(creating)
    for name in FILTERS:
        several: dict[str, Any] = {"action": "append", "default": []} if name == "consent" else {}
        means = f"only rows with this {name}" + (" (repeatable: any of them)" if several else "")
        creating.add_argument(f"--{name}", help=SUBJECT if name == "subject" else means, **several)
    creating.add_argument("--attribute", action="append", default=[], metavar="NAME=VALUE")
    creating.add_argument(
        "--rights",
        action="append",
        default=[],
        metavar="SIGNAL=VALUE",
        help=f"only rows that state this; SIGNAL is one of {', '.join(SIGNALS)}",
    )
    terms_options(creating)
    creating.add_argument(
        "--include-referenced", action="store_true", help="take images, too, whose bytes are not here (yet)"
    )
    creating.add_argument("--supersedes", metavar="SNAPSHOT", help=RECORD)
    creating.add_argument(
        "--images", type=path_argument, metavar="FILE", help="only of these images: a CID or a sha256 a line"
    )
    creating.add_argument("--partial", action="store_true", help="with --images: without the lines that can't be taken")
    creating.add_argument(
        "--from",
        dest="source",
        metavar="SNAPSHOT",
        help="only of the images that this snapshot holds",
    )


def _say_rejected(rejected: list[dict[str, Any]], output: Output) -> None:
    """A line each."""
    for one in rejected[:LINES]:
        output.say(f"line {one['row']} ({one['name']}) {one['reason']} [{one['code']}]")
    if len(rejected) > LINES:
        output.say(f"… and {len(rejected) - LINES} more of these")


def run_create(wanted: argparse.Namespace, output: Output) -> int:
    """Take a snapshot."""
    from registry.catalog.queries.labeled_images import referenced
    from registry.workflows.snapshots.named_images import RejectedNames, lines_of
    from registry.workflows.snapshots.take_snapshot import take_snapshot

    classes = classes_text(wanted.classes)
    with home() as opened:
        supersedes, source = (
            None if one is None else record(opened, one, "snapshot") for one in (wanted.supersedes, wanted.source)
        )
        try:
            done = take_snapshot(
                opened,
                classes=classes,
                query=query_of(opened, wanted),
                terms=terms_of(wanted),
                supersedes=supersedes,
                name=wanted.name,
                images=None if wanted.images is None else lines_of(wanted.images),
                partial=wanted.partial,
                snapshot=source,
                include_referenced=wanted.include_referenced,
            )
        except RejectedNames as error:
            _say_rejected([one._asdict() for one in error.rejected], output)
            raise
        with opened.catalog.read() as db:
            waiting = referenced.how_many_wait(db)
    _say_rejected(done.get("rejected", []), output)
    if waiting:
        images = counted(waiting, "image that waits", "images that wait")
        output.say(f"{images} for the bytes can't be in it yet: `emotionet images waiting` lists what is fetched")
    output.document(done, identity="snapshot", text=snapshot_text(done))
    return 0


def run_list(wanted: argparse.Namespace, output: Output) -> int:
    """List snapshots, newest first."""
    from registry.catalog.queries.signed_records import snapshots
    from registry.workflows.names.references import with_names
    from registry.workflows.withdrawals.withdrawn import withdrawals_by_snapshot

    with home() as opened:
        with opened.catalog.read() as db:
            found, _ = snapshots.list_snapshots(db, cursor=None, limit=wanted.limit)
            found = with_names(opened, db, found, "cid")
        back = withdrawals_by_snapshot(opened, found)
        found = [{**one, "withdrawn": back.get(one["cid"], [])} for one in found]
    columns = ["cid", "count", "issuer", "issued_at", "names"]
    output.lines(found, identity="cid", columns=columns, drop=("issuer", "issued_at"))
    return 0


def run_show(wanted: argparse.Namespace, output: Output) -> int:
    """One snapshot."""
    from registry.workflows.snapshots.snapshot_document import document

    with home() as opened:
        done = document(opened, record(opened, wanted.snapshot, "snapshot"))
    output.document(done, identity="snapshot", text=snapshot_text(done))
    return 0


def run_diff(wanted: argparse.Namespace, output: Output) -> int:
    """Compare two snapshots."""
    from registry.workflows.snapshots.compare_snapshots import compare_snapshots

    with home() as opened:
        rows = list(
            compare_snapshots(
                opened, record(opened, wanted.before, "snapshot"), record(opened, wanted.after, "snapshot")
            )
        )
    output.lines(rows, identity="sha256", columns=["change", "sha256", "before", "after"])
    return 0


def run_export(wanted: argparse.Namespace, output: Output) -> int:
    """Write a snapshot's items."""
    from registry.cli.row_output import write_rows
    from registry.workflows.snapshots.export_snapshot import snapshot_rows

    splitting = " or ".join(name for name, form in FOLDERS.items() if form.splits)
    if wanted.draw is not None and not (wanted.format in FOLDERS and FOLDERS[wanted.format].splits):
        raise UsageError(
            f"--draw is for --format {splitting}: {wanted.format} has no split",
            hint=f"leave it out, or export with --format {splitting}.",
        )
    if wanted.fold is not None and wanted.draw is None:
        raise UsageError("--fold names a fold of a draw, and no draw is given", hint="name it with --draw.")
    if wanted.format in FOLDERS:
        return _export_folder(wanted, output)
    with home() as opened:
        write_rows(snapshot_rows(opened, record(opened, wanted.snapshot, "snapshot")), wanted.format, wanted.out)
    return 0


def _export_folder(wanted: argparse.Namespace, output: Output) -> int:
    """Images and what describes them, for another program."""
    from registry.workflows.snapshots.export_snapshot import export_snapshot

    if wanted.out is None:
        raise UsageError(f"--format {wanted.format} writes a folder, and none is named", hint="name a new one with -o.")
    bars = output.progress()
    with home() as opened:
        draw = None if wanted.draw is None else record(opened, wanted.draw, "draw")
        snapshot = record(opened, wanted.snapshot, "snapshot")
        done = export_snapshot(opened, snapshot, wanted.format, wanted.out, draw, wanted.fold or 0, bars)
    bars.close()
    output.document(done, identity="path", text=_export_text(done))
    return 0


def _export_text(done: dict[str, Any]) -> list[str]:
    text = [f"wrote {counted(done['images'], 'image')} to {done['path']}"]
    reasons, kinds = Counter(done["reasons"].values()), Counter(done["converted"].values())
    if reasons:
        text.append(f"left out: {', '.join(f'{count} ({why})' for why, count in sorted(reasons.items()))}")
    if kinds:
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        reader = FOLDERS[done["format"]].reader
        text.append(f"converted to PNG, since {reader} would not read them as training does: {said}")
    return text
