"""The command `import`: reports how the source was read, which rows were rejected and why, and what to know before
training.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from typing import Any

from registry.cli.commands.common import Subparsers, add, home, path_argument
from registry.cli.commands.parts.sending import add_server, check_options, cids_file, send
from registry.cli.output import Output
from registry.core.errors import InvalidInput
from registry.core.picture_bytes import READ_IN_WORDS
from registry.core.text.cleaning import counted

LINES = 50  # of one kind that are shown; --json has all
_LINKS = {  # rows of one kind that are told once, with their count
    "link_outside": "out of the folder, like {}: follow them with --follow-links",
    "broken_link": "to nothing on this machine, like {}: get what they lead to first (`dvc pull`, `git annex get`)",
}
ABOUT = f"""\
Labels are read from labels.csv (commas, semicolons or tabs; also .tsv, .xlsx, .jsonl), Hugging Face's metadata.csv and
metadata.jsonl, COCO's JSON, YOLO's folder, or one folder a class. A table needs the columns file (or cid) and label;
contributor, subject, licence, consent, box (x y w h in pixels), attr.NAME, source.NAME (self, perceived or inferred),
rights.SIGNAL and signature are taken if they are there (docs/labels.md). Pictures that can be trained on:
{READ_IN_WORDS}. A CAR is known by its bytes; a CID may have a path behind it."""


def add_import(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add it."""
    importing = add(
        commands, common, "import", run_import, "add a folder, a table, a CAR or a CID and register its labels"
    )
    importing.epilog = ABOUT
    importing.add_argument("source", metavar="PATH|FILE.car|CID[/PATH]")
    importing.add_argument("--labels", type=path_argument, metavar="FILE", help="a table beside the source's own")
    importing.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="read FIELD from COLUMN, for example label=emotion",
    )
    importing.add_argument("--follow-links", action="store_true", help="follow links that lead out of the folder")
    importing.add_argument("--profile", default="unixfs-v1-2025", choices=["unixfs-v1-2025", "unixfs-v0-2015"])
    importing.add_argument("--dry-run", action="store_true", help="print what the import would do; store nothing")
    importing.add_argument(
        "--cids",
        type=path_argument,
        metavar="FILE.csv",
        help="also write the table of each file's CID and label, ready for POST /images",
    )
    importing.add_argument(
        "--partial", action="store_true", help="keep the blocks that verify of an incomplete CAR file"
    )
    importing.add_argument("--publish-source", action="store_true", help="let others fetch the folder by its root CID")
    importing.add_argument(
        "--hold", action="store_true", help="store a source that has no labels (weights, any folder)"
    )
    add_server(importing)


def run_import(wanted: argparse.Namespace, output: Output) -> int:
    """Import and register. A rejected row is a line on stderr; it is an error if nothing could be registered."""
    check_options(wanted)
    if wanted.server is not None and not wanted.dry_run:
        return _print(send(wanted, output), wanted, output)
    return _print(_imported(wanted, output), wanted, output)


def _imported(wanted: argparse.Namespace, output: Output) -> dict[str, Any]:
    """Into this home."""
    from registry.content.labels.tables.columns import check_mapping
    from registry.workflows.images.importing.import_source import import_source

    bars = output.progress()
    with home() as opened, cids_file(wanted) as cids:
        done = import_source(
            opened,
            wanted.source,
            profile=wanted.profile,
            labels=wanted.labels,
            publish_source=wanted.publish_source,
            partial=wanted.partial,
            mapping=check_mapping(wanted.map),
            follow_links=wanted.follow_links,
            dry_run=wanted.dry_run,
            cids=cids,
            progress=bars,
        )
    bars.close()
    return done


def _print(done: dict[str, Any], wanted: argparse.Namespace, output: Output) -> int:
    """What came of it."""
    _warn(done, output)
    if wanted.cids is not None and wanted.dry_run:
        output.say(f"a dry run writes no file: {wanted.cids} would hold the table of CIDs")
    elif wanted.cids is not None:
        output.say(f"wrote {wanted.cids}: its last column holds the files' names, which POST /images ignores")
    output.document(done, identity="root", text=_text(done))
    problem = done["problem"]
    if problem is not None and not wanted.hold:
        raise InvalidInput(
            f"nothing {'would be' if done['dry_run'] else 'was'} registered: {problem['reason']}",
            code="nothing_registered",
            hint=problem["hint"],
        )
    return 0


def _warn(done: dict[str, Any], output: Output) -> None:
    _print_rejected(done["rejected"], output)
    _say(
        [f"{one['name']} is registered, but training can't decode it: {one['reason']}" for one in done["undecodable"]],
        output,
    )
    _say(
        [
            f"{name} contains the place where it was taken (EXIF or XMP) and is stored unchanged: withdraw it "
            "if the place is private"
            for name in done["with_location"]
        ],
        output,
    )
    _say(
        [f"{name} says itself that it is not for training: snapshots leave it out" for name in done["reserved"]], output
    )
    for kind in ("missing", "damaged"):
        _say([f"{kind}: {name} (nothing is pinned; import the rest when you have it)" for name in done[kind]], output)
    if done["cut"]:
        output.say(f"the CAR file is damaged; everything before that was read: {done['cut']}")
    _say([f"note: {note}" for note in done["notes"]], output)


def _print_rejected(rejected: list[dict[str, Any]], output: Output) -> None:
    """A line a row; links that lead out of the folder once, with their count."""
    for code, what in _LINKS.items():
        links = [bad for bad in rejected if bad["code"] == code]
        if links:
            rows = counted(len(links), "row names a link that", "rows name links that")
            leads = "leads" if len(links) == 1 else "lead"
            output.say(_one_line(f"{rows} {leads} {what.replace('{}', links[0]['name'])} [{code}]"))
    lines = [
        f"{bad['table'] or 'row'}{':' if bad['table'] else ' '}{bad['row']} ({bad['name']}) rejected: "
        f"{bad['reason']} [{bad['code']}]"
        for bad in rejected
        if bad["code"] not in _LINKS
    ]
    _say(lines, output)


def _say(lines: list[str], output: Output) -> None:
    for line in lines[:LINES]:
        output.say(_one_line(line))
    if len(lines) > LINES:
        output.say(f"… and {len(lines) - LINES} more of these; --json lists all")


def _one_line(text: str) -> str:
    """A file's name may hold line breaks, and would write lines of its own."""
    return re.sub(r"[\t\r\n]", "\ufffd", text)


def _text(done: dict[str, Any]) -> list[str]:
    text = [f"root {root}" for root in (done["roots"] if not done["releases"] else done["roots"][:1])]
    text += [f"release {one['release']} of {one['issuer']}, who is {one['published_by']}" for one in done["releases"]]
    if done["releases"] and not done["rows"]:
        return text
    text += [line for one in done["labels"] for line in one["read_as"]]
    if done["dry_run"]:
        summary = f"{counted(done['registered'], 'label')} would be registered, unless they are already"
    else:
        summary = f"{done['registered']} registered, {done['unchanged']} unchanged, {done['corrected']} corrected"
    if done["referenced"]:
        summary += f", {done['referenced']} waiting for their images"
    merged = f", {done['merged']} merged with another row of the same image" if done["merged"] else ""
    pictures = counted(done["images"], "different image")
    text.append(f"{counted(done['rows'], 'row')}, {pictures}: {summary}{merged}")
    if done.get("images_reserved"):
        who = counted(done["images_reserved"], "image says", "images say")
        text.append(f"{who} no to training or data mining: snapshots leave them out (`emotionet images list --rights`)")
    if done["referenced"] and "sent" not in done and not done["dry_run"]:
        text.append("`emotionet worker` or `serve` fetches what is waited for (`emotionet images waiting` lists it)")
    codes = Counter(bad["code"] for bad in done["rejected"])
    kinds = f" ({', '.join(f'{count} {code}' for code, count in codes.most_common())})" if codes else ""
    text.append(f"{len(done['rejected'])} rejected{kinds}")
    if "sent" in done:
        text.append(
            f"{counted(done['sent']['images'], 'image')} sent to {done['server']}, {done['sent']['bytes']} bytes"
        )
    if done["unnamed"]:
        more = ", …" if len(done["unnamed"]) > 3 else ""
        files = counted(len(done["unnamed"]), "file")
        text.append(f"{files} that no row names: {', '.join(done['unnamed'][:3])}{more}")
    return [_one_line(line) for line in text]
