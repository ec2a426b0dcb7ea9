"""Commands on logs of other registries: follow, unfollow."""

from __future__ import annotations

import argparse
from typing import Any

from registry.cli.commands.common import Subparsers, add, home, issuer, wide
from registry.cli.output import Output
from registry.core.errors import UsageError
from registry.core.text.cleaning import counted

COLUMNS = ["issuer", "state", "entries", "refused", "succeeded"]


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add these nouns' commands."""
    following = add(
        commands,
        common,
        "follow",
        run_follow,
        "take in what another registry's issuer publishes, verified and kept up to date",
    )
    following.add_argument(
        "issuer", metavar="ISSUER", nargs="?", type=issuer, help="a DID, or its address (default: list all)"
    )
    following.add_argument(
        "--from",
        dest="sources",
        metavar="SOURCE",
        action="append",
        default=[],
        help="a registry's or a gateway's address, an entry's CID, or `chain`; may be given several times",
    )
    following.add_argument("--once", action="store_true", help="ask the sources of all (or of ISSUER) now")
    wide(following)
    ending = add(commands, common, "unfollow", run_unfollow, "ask for nothing more of an issuer; what came stays")
    ending.add_argument("issuer", metavar="ISSUER", type=issuer, help="a DID, or its address")


def run_follow(wanted: argparse.Namespace, output: Output) -> int:
    """Begin, bring up to date, or list; 1 where a log that was asked for is not up to date."""
    from registry.workflows.follow import keep_up

    if wanted.sources and wanted.issuer is None:
        raise UsageError("--from is for an issuer", hint="name whose log it is: `emotionet follow ISSUER --from ...`.")
    asks = bool(wanted.sources or wanted.once)
    with home() as opened:
        bars = output.progress()
        if wanted.sources:
            keep_up.follow(opened, wanted.issuer, wanted.sources)
        if wanted.issuer is not None:
            did = wanted.issuer
            found = [keep_up.bring_up_to_date(opened, did, bars) if asks else keep_up.document(opened, did)]
        else:
            found = keep_up.bring_all_up_to_date(opened, bars) if asks else keep_up.documents(opened)
        bars.close()
    if wanted.issuer is not None:
        output.document(found[0], identity="issuer", text=_text(found[0]))
    else:
        rows = found if output.as_json else [_row(one) for one in found]
        output.lines(rows, identity="issuer", columns=COLUMNS, drop=("succeeded",))
    return 1 if asks and any(one["state"] != keep_up.UP_TO_DATE for one in found) else 0


def run_unfollow(wanted: argparse.Namespace, output: Output) -> int:
    """End."""
    from registry.workflows.follow.keep_up import unfollow

    with home() as opened:
        unfollow(opened, wanted.issuer)
    text = [f"{wanted.issuer} is not followed any more; what came of it stays"]
    output.document({"issuer": wanted.issuer, "followed": False}, identity="issuer", text=text)
    return 0


def _row(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "refused": len(one["refusals"]) or None}


def _text(one: dict[str, Any]) -> list[str]:
    refused = one["refusals"]
    return [
        f"{one['issuer']}: {one['state']}, {counted(one['entries'], 'entry', 'entries')}",
        f"head {one['head'] or 'none yet'}",
        f"from {', '.join(one['sources'])}",
        f"up to date at {one['succeeded'] or 'no time yet'}, asked at {one['tried'] or 'no time yet'}",
        *([f"{counted(len(refused), 'refusal')}:"] if refused else []),
        *(f"{each['code']}: {each['about']}: {each['reason']}" for each in refused),
    ]
