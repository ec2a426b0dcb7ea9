"""Commands on snapshots: immutable sets of labeled images."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

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
from registry.cli.named import RECORD, record
from registry.cli.output import Output, cell
from registry.cli.texts.names import names_lines
from registry.core.errors import UsageError
from registry.core.labeling.labeled_row import SIGNALS
from registry.core.snapshots.query import TEXTS
from registry.exports.formats import FOLDERS
from registry.exports.rows import FORMATS as ROWS


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    verbs = group(commands, "snapshot", "immutable sets of labeled images")
    creating = add(
        verbs, common, "create", run_create, "freeze the catalog's labeled images (without a filter: all of them)"
    )
    name_option(creating, "snapshot")
    classes_option(creating)
    for name in TEXTS:
        several: dict[str, Any] = {"action": "append", "default": []} if name in ("licence", "consent") else {}
        means = f"only rows with this {name}" + (" (repeatable: any of them)" if several else "")
        creating.add_argument(f"--{name}", help=means, **several)
    creating.add_argument("--attribute", action="append", default=[], metavar="NAME=VALUE")
    creating.add_argument(
        "--rights",
        action="append",
        default=[],
        metavar="SIGNAL=VALUE",
        help=f"only rows that state this; SIGNAL is one of {', '.join(SIGNALS)}",
    )
    creating.add_argument("--supersedes", metavar="SNAPSHOT", help=RECORD)
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


def _query(wanted: argparse.Namespace) -> dict[str, Any]:
    query: dict[str, Any] = {name: value for name in TEXTS if (value := getattr(wanted, name))}
    attributes = _pairs("attribute", "NAME", wanted.attribute, "gender=f")
    rights = _pairs("rights", "SIGNAL", wanted.rights, "tdm-reservation=0")
    return query | ({"attributes": attributes} if attributes else {}) | ({"rights": rights} if rights else {})


def _pairs(option: str, what: str, given: list[str], example: str) -> dict[str, str]:
    found = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            said = f"--{option} takes {what}=VALUE, not {pair!r}"
            raise UsageError(said, hint=f"write it like --{option} {example}.")
        found[name] = value
    return found


def _unknown(labels: dict[str, int], most: int = 20) -> list[str]:
    """The labels that mean no class, the commonest first, and the way out."""
    if not labels:
        return []
    shown = ", ".join(f"{label} {count}" for label, count in list(labels.items())[:most])
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return [f"labels without a class: {shown}{more} (give them one with --classes FILE)"]


def _text(document: dict[str, Any]) -> list[str]:
    without = f", and {document['background']} without an object" if document["background"] else ""
    return [
        f"snapshot {document['snapshot']}",
        *names_lines(document),
        f"issuer {document['issuer']}"
        if document["issuer"]
        else "UNSIGNED: no signed entry that is held here names it",
        f"{document['count']} images: {cell(document['labels'])}{without}",
        f"left out: {cell(document['excluded'])}",
        *_unknown(document["unknown_labels"]),
    ]


def run_create(wanted: argparse.Namespace, output: Output) -> int:
    """Take a snapshot."""
    from registry.workflows.snapshots.take_snapshot import take_snapshot

    classes = classes_text(wanted.classes)
    with home() as opened:
        supersedes = None if wanted.supersedes is None else record(opened, wanted.supersedes, "snapshot")
        done = take_snapshot(opened, classes=classes, query=_query(wanted), supersedes=supersedes, name=wanted.name)
    output.document(done, identity="snapshot", text=_text(done))
    return 0


def run_list(wanted: argparse.Namespace, output: Output) -> int:
    """List snapshots, newest first."""
    from registry.catalog.queries.signed_records import snapshots
    from registry.workflows.names.references import with_names

    with home() as opened, opened.catalog.read() as db:
        found, _ = snapshots.list_snapshots(db, cursor=None, limit=wanted.limit)
        found = with_names(opened, db, found, "cid")
    columns = ["cid", "count", "issuer", "issued_at", "names"]
    output.lines(found, identity="cid", columns=columns, drop=("issuer", "issued_at"))
    return 0


def run_show(wanted: argparse.Namespace, output: Output) -> int:
    """One snapshot."""
    from registry.workflows.snapshots.take_snapshot import document

    with home() as opened:
        done = document(opened, record(opened, wanted.snapshot, "snapshot"))
    output.document(done, identity="snapshot", text=_text(done))
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
    text = [f"wrote {done['images']} images to {done['path']}"]
    reasons, kinds = Counter(done["reasons"].values()), Counter(done["converted"].values())
    if reasons:
        text.append(f"left out: {', '.join(f'{count} ({why})' for why, count in sorted(reasons.items()))}")
    if kinds:
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        reader = FOLDERS[done["format"]].reader
        text.append(f"converted to PNG, since {reader} would not read them as training does: {said}")
    return text
