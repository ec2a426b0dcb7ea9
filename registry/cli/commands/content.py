"""Commands on content: import, fetch, show, export, lookup, lineage, audit, withdraw."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.cli.commands.common import Subparsers, add, home, issuer, path_argument, wide
from registry.cli.commands.parts.audits import add_audit
from registry.cli.commands.parts.importing import add_import
from registry.cli.named import IMAGE, RECORD, content, image_or_record, record, stem, warn_of
from registry.cli.output import Output, json_text, show
from registry.core.errors import UsageError
from registry.core.remedies import REMEDIES
from registry.core.text.cleaning import counted
from registry.exports.rows import FORMATS

if TYPE_CHECKING:
    from registry.workflows.parts import Parts
    from registry.workflows.store.export_held import Size


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    add_import(commands, common)
    fetching = add(
        commands, common, "fetch", run_fetch, "write a release's final weights, or what a CID names, verified"
    )
    fetching.add_argument("cid", metavar="RELEASE|CID[/PATH]", help=f"{RECORD}; or any CID, with a path below it")
    fetching.add_argument("-o", "--out", type=path_argument)
    showing = add(commands, common, "show", run_show, "print a record as DAG-JSON, or a table's rows")
    showing.add_argument("cid", metavar="RECORD", help=RECORD)
    showing.add_argument(
        "--table", metavar="NAME", help="print the rows of the table that this field of the record names"
    )
    showing.add_argument("--format", choices=FORMATS, default=None)
    showing.add_argument("-o", "--out", type=path_argument)
    exporting = add(
        commands, common, "export", run_export, "write the closure of a record, image or directory as a CAR"
    )
    exporting.add_argument("cid", metavar="RECORD", help=RECORD)
    exporting.add_argument("-o", "--out", type=path_argument)
    exporting.add_argument("--without-images", action="store_true", help="leave the images out")
    looking = add(commands, common, "lookup", run_lookup, "list every record that names or holds a CID or digest")
    looking.add_argument("what", metavar="RECORD|DIGEST", help=f"{RECORD}; or a SHA-256 of an image or of tensors")
    wide(looking)
    tracing = add(commands, common, "lineage", run_lineage, "what a record came from and what came from it")
    tracing.add_argument("cid", metavar="RECORD|FILE.car", help=RECORD)
    tracing.add_argument("--format", choices=["tree", "json", "dot", "prov"], default="tree")
    add_audit(commands, common)
    withdrawing = add(commands, common, "withdraw", run_withdraw, "withdraw an image, a snapshot or a release")
    add_withdrawal(withdrawing)


def add_withdrawal(withdrawing: argparse.ArgumentParser) -> None:
    """What is taken back, why, and what is asked for."""
    withdrawing.add_argument("what", metavar="RECORD|IMAGE", nargs="?", help=f"{RECORD}; of an image: {IMAGE}")
    withdrawing.add_argument(
        "--contributor",
        metavar="NAME",
        help="only what this contributor said of the image; without one, of all images",
    )
    withdrawing.add_argument("--issuer", type=issuer, help="with --contributor: under whose name (default: your own)")
    withdrawing.add_argument("--reason", required=True)
    withdrawing.add_argument(
        "--remedy",
        choices=REMEDIES,
        help="what the withdrawal asks for: that it is known (notice, the default), that the bytes are deleted, here "
        "at once (remove_bytes), that models are trained again without it (retrain, the default with --retrain)",
    )
    withdrawing.add_argument(
        "--retrain",
        action="store_true",
        help="queue the runs that it touches again, on what is left of the snapshots",
    )
    withdrawing.add_argument("--dry-run", action="store_true", help="only say what it would touch")


def run_fetch(wanted: argparse.Namespace, output: Output) -> int:
    """Write a verified file or folder."""
    from registry.core.text.names import is_reference
    from registry.workflows.names.stood_for import former_release
    from registry.workflows.releases.fetch_weights import fetch_weights, release_at
    from registry.workflows.store.read_content import fetch

    bars = output.progress()
    with home() as opened:
        path = "/" in wanted.cid.removeprefix("/ipfs/").removeprefix("ipfs://") and not is_reference(wanted.cid)
        target = None if path else content(opened, wanted.cid)
        release = None if target is None else release_at(opened, target)
        if release is None:
            done = fetch(opened, str(target or wanted.cid), wanted.out, bars)
            if former := former_release(opened, wanted.cid):
                output.say(former)
        else:
            warn_of(opened, release)
            done = fetch_weights(opened, release, wanted.out, stem(wanted.cid), bars)
    bars.close()
    for link in done["links"]:
        output.say(f"left out {link}: it is a symbolic link, and links are not followed")
    text = [f"{done['path']} ({done['size']} bytes, verified)"]
    if "release" in done:
        text += [f"final weights of release {done['release']}, {done['final'].replace(':', ' ')}"]
        text += [f"classes in order: {', '.join(done['classes'])}"]
    output.document(done, identity="path", text=text)
    return 0


def run_show(wanted: argparse.Namespace, output: Output) -> int:
    """Print a record, or rows."""
    from registry.cli.row_output import write_rows
    from registry.files import whole_file
    from registry.workflows.store import read_content

    with home() as opened:
        target = record(opened, wanted.cid) if wanted.table else content(opened, wanted.cid)
        if wanted.table or wanted.format not in (None, "json"):
            write_rows(read_content.rows(opened, target, wanted.table), wanted.format or "jsonl", wanted.out)
            return 0
        value = read_content.show(opened, target)
        if isinstance(value, dict) and value.get("type") == "table":
            write_rows(read_content.rows(opened, target, None), wanted.format or "jsonl", wanted.out)
            return 0
    text = json_text(value, None if output.as_json else 2)
    if wanted.out:
        with whole_file(wanted.out) as stream:
            stream.write(f"{text}\n".encode())
    else:
        print(text)
    return 0


def run_export(wanted: argparse.Namespace, output: Output) -> int:
    """Write a CAR, complete or not at all; its size is said before."""
    from registry.workflows.store.export_held import export_held, export_size

    with home() as opened:
        target = content(opened, wanted.cid)
        warn_of(opened, target)
        out = wanted.out or Path(f"{stem(wanted.cid) or target}.car")
        size = export_size(opened, target, without_images=wanted.without_images)
        output.say(_size_text(out, size, wanted.without_images))
        bars = output.progress()
        done = export_held(opened, target, out, without_images=wanted.without_images, progress=bars, total=size.total)
        bars.close()
    output.document(
        done, identity="path", text=[f"{done['path']}: {counted(done['blocks'], 'block')}, {done['size']} bytes"]
    )
    return 0


def _size_text(out: Path, size: Size, without_images: bool) -> str:
    from registry.core.text.amounts import size_text

    said = f"{out} will be {size_text(size.total)} large"
    if without_images:
        return f"{said}, without images"
    if not size.images:
        return said
    return (
        f"{said}, of which {counted(size.images, 'image')} take {size_text(size.image_bytes)}; with --without-images "
        f"{size_text(size.other)}: every figure can still be checked, and no picture is in the file"
    )


def run_lookup(wanted: argparse.Namespace, output: Output) -> int:
    """List records."""
    from registry.cli.texts.lineage import relation_text
    from registry.workflows.store.find_records import look_up

    with home() as opened:
        found = look_up(opened, image_or_record(opened, wanted.what, file_names=True))
    columns = ["record", "type", "relation", "issuer", "time"]
    shown = found if output.as_json else [{**row, "relation": relation_text(row["relation"])} for row in found]
    output.lines(shown, identity="record", columns=columns, drop=("issuer", "time"))
    return 0 if found else 3


def run_lineage(wanted: argparse.Namespace, output: Output) -> int:
    """Print lineage as a tree, as JSON, for Graphviz or as W3C PROV."""
    from registry.cli.from_file import opened_with
    from registry.cli.texts.lineage import dot, tree
    from registry.exports.prov import prov_json
    from registry.workflows.store.find_records import record_lineage

    with opened_with([wanted.cid], any_record=True) as (opened, (target,)):
        found = record_lineage(opened, target)
        as_json = output.as_json or wanted.format == "json"
        document = _whole_lineage(opened, found) if as_json else found
        forks = [] if as_json else _forks(opened, found)
    if wanted.format == "prov":
        print(json_text(prov_json(found["nodes"], found["edges"]), 1))
    elif as_json:
        print(json_text(document))
    elif output.quiet:
        print("\n".join(node["cid"] for node in found["nodes"]))
    elif wanted.format == "dot":
        show("\n".join(dot(found)))
    else:
        show("\n".join([*forks, *tree(str(target), found)]))
    return 0


def _whole_lineage(opened: Parts, found: dict[str, Any]) -> dict[str, Any]:
    from registry.workflows.store.lineage_status import (
        lineage_with_status,
    )  # which loads the records, as a tree does not

    return lineage_with_status(opened, found)


def _forks(opened: Parts, found: dict[str, Any]) -> list[str]:
    """A line for each issuer among the nodes whose log forks."""
    from registry.catalog.queries import log_forks

    issuers = {node["issuer"] for node in found["nodes"] if node["issuer"]}
    with opened.catalog.read() as db:
        if not log_forks.of(db, issuers):
            return []
    from registry.workflows.log.forks import forks_of

    return [one["text"]["en"] for one in forks_of(opened, issuers)]


def run_withdraw(wanted: argparse.Namespace, output: Output) -> int:
    """Withdraw, and list what it touches."""
    from registry.cli.texts.withdrawal import withdrawal_text
    from registry.workflows.withdrawals.withdraw import withdraw, withdraw_rows

    if wanted.what is None and wanted.contributor is None:
        raise UsageError("withdraw what?", hint="name an image, a snapshot or a release, or a --contributor.")
    if wanted.issuer is not None and wanted.contributor is None:  # half of a row would take the whole image back
        raise UsageError("an --issuer alone says nothing of whose rows these are", hint="give --contributor, too.")
    remedy = wanted.remedy or ("retrain" if wanted.retrain else "notice")
    how = {"remedy": remedy, "retrain": wanted.retrain, "dry_run": wanted.dry_run}
    with home() as opened:
        target = None if wanted.what is None else image_or_record(opened, wanted.what, file_names=True)
        if wanted.contributor is None:
            done = withdraw(opened, target or "", wanted.reason, **how)
        else:
            rows = {"image": target, "issuer": wanted.issuer}
            done = withdraw_rows(opened, wanted.contributor, wanted.reason, **rows, **how)
    identity = "target" if wanted.dry_run else "withdrawal"
    output.document(done, identity=identity, text=withdrawal_text(done))
    if done["runs"] and not wanted.retrain and not output.as_json and not output.quiet:
        print("to train again without it: emotionet snapshot create && emotionet train SNAPSHOT", file=sys.stderr)
    return 0
