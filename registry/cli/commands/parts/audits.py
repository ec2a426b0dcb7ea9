"""The command that audits."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from registry.cli.commands.common import Subparsers, add, home, issuer
from registry.cli.commands.parts.equivocations import audit_equivocation
from registry.cli.named import RECORD, audited
from registry.cli.output import Output
from registry.core.errors import UsageError

if TYPE_CHECKING:
    from registry.assembly import Home
    from registry.provenance.checks.report import Report
    from registry.provenance.checks.target.deep import DeepOptions
    from registry.workflows.log.append import Appended

DEEP = 5  # the level from which on samples are drawn


def add_audit(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    auditing = add(commands, common, "audit", run_audit, "check what a release claims, trusting nobody")
    auditing.add_argument("target", metavar="RELEASE|FILE.car", help=RECORD)
    auditing.add_argument(
        "--level", type=int, choices=range(1, 9), metavar="N", help="all levels up to N (else 1-4 and 6)"
    )
    auditing.add_argument("--issuer", type=issuer, metavar="ISSUER", help="fail unless this issuer signed the target")
    auditing.add_argument("--offline", action="store_true", help="use no network, not even the chain")
    auditing.add_argument(
        "--block",
        action="append",
        default=[],
        metavar="CHAIN:HASH",
        help="trust this block, eip155:1:0x…; may be repeated",
    )
    auditing.add_argument("--strict", action="store_true", help="fail unless everything asked for was checked")
    auditing.add_argument("--publish", action="store_true", help="sign what was found, whatever it is, for everybody")
    how_much = auditing.add_mutually_exclusive_group()
    how_much.add_argument("--sample", type=_counted, metavar="N", help="levels 5, 7, 8: look at N images (else 300)")
    how_much.add_argument("--all", action="store_true", help="levels 5, 7, 8: look at all images")
    auditing.add_argument("--fresh", action="store_true", help="draw the sample by a seed of your own, not by a beacon")
    auditing.add_argument("--round", type=_counted, metavar="N", help="draw the sample by this round of drand")
    auditing.add_argument("--fold", type=int, metavar="N", help="level 8: train this fold again")
    auditing.add_argument("--epochs", type=_counted, metavar="N", help="level 8: only the first N epochs")


def _counted(text: str) -> int:
    """A number above 0."""
    if not (text.isascii() and text.isdigit() and int(text[:8]) > 0 and len(text) <= 7):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 9999999")
    return int(text)


def _deep(wanted: argparse.Namespace) -> DeepOptions:
    """What was asked of the deeper levels. ``UsageError`` where none is asked for that looks at it."""
    from registry.provenance.checks.target.deep import DeepOptions

    level = wanted.level or 0
    for name, least in (("sample", DEEP), ("all", DEEP), ("fresh", DEEP), ("round", DEEP), ("fold", 8), ("epochs", 8)):
        if getattr(wanted, name) not in (None, False) and level < least:
            raise UsageError(f"--{name} is of level {least} and deeper", hint=f"add --level {least}.")
    return DeepOptions(wanted.sample, wanted.all, wanted.fold, wanted.epochs, wanted.fresh, wanted.round)


def _is_proof(path: Path) -> bool:
    """Whether a file is a proof about one picture, which has its own way to be checked."""
    from registry.provenance.picture_proof import MAX_BYTES, is_proof

    try:
        small = path.is_file() and path.stat().st_size <= MAX_BYTES
        return small and is_proof(path.read_bytes())
    except OSError:
        return False  # the audit says what is wrong with the file


def run_audit(wanted: argparse.Namespace, output: Output) -> int:
    """Check, print every check, exit as the levels say."""
    from registry.cli.commands.proofs import verify_file
    from registry.cli.from_file import is_file
    from registry.cli.texts.audit import audit_text
    from registry.provenance.checks.target.deep import Watch
    from registry.workflows.audit.audit_target import audit_target
    from registry.workflows.audit.trust_roots import read_block

    shown = audit_equivocation(wanted.target, output)
    if shown is not None:
        return shown
    if is_file(wanted.target) and not Path(wanted.target).exists():
        raise UsageError(f"{wanted.target} is not a file", hint="check the path.")
    if is_file(wanted.target) and _is_proof(Path(wanted.target)):
        return verify_file(Path(wanted.target), output, by=wanted.issuer)
    deep, bars = _deep(wanted), output.progress()
    bars.word("auditing") if bars.on_terminal else None
    with home() as opened:
        for one in wanted.block:
            read_block(one)  # says what is wrong with it before anything is looked at
        opened.settings = replace(opened.settings, trusted_blocks=(*opened.settings.trusted_blocks, *wanted.block))
        target = audited(opened, wanted.target)
        auditing = audit_target if is_file(target) else _keeping()
        report = auditing(
            opened,
            target,
            level=wanted.level,
            issuer=wanted.issuer,
            offline=wanted.offline,
            deep=deep,
            watch=Watch(bars, output.say),
        )
        signed = _published(opened, report) if wanted.publish else None
    document = report.to_json()
    if signed is not None:
        document["published"] = {"audit": str(signed.record), "entry": str(signed.entry)}
    output.document(document, identity="target", text=audit_text(document))
    if wanted.strict and report.missed:
        output.say(f"--strict: these checks were asked for and not made: {', '.join(report.missed)}")
    return int(report.exit_code(strict=wanted.strict))


def _keeping() -> Callable[..., Report]:
    """What keeps the audits of this home's own releases; it loads the catalog, which a file does not need."""
    from registry.workflows.audit.keep_audit import audit_and_keep

    return audit_and_keep


def _published(opened: Home, report: Report) -> Appended:
    from registry.workflows.audit.publish_audit import publish_audit

    return publish_audit(opened, report)
