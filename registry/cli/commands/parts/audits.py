"""The command that audits."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from registry.cli.commands.common import Subparsers, add, home, issuer
from registry.cli.named import RECORD, audited
from registry.cli.output import Output
from registry.core.errors import UsageError

if TYPE_CHECKING:
    pass


def add_audit(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    auditing = add(commands, common, "audit", run_audit, "check what a release claims, trusting nobody")
    auditing.add_argument("target", metavar="RELEASE|FILE.car", help=RECORD)
    auditing.add_argument(
        "--level", type=int, choices=range(1, 9), metavar="N", help="all levels up to N (else 1-4 and 6)"
    )
    auditing.add_argument("--issuer", type=issuer, metavar="ISSUER", help="fail unless this issuer signed the target")
    auditing.add_argument("--offline", action="store_true", help="use no network, not even the chain")
    auditing.add_argument("--strict", action="store_true", help="fail unless everything asked for was checked")


def run_audit(wanted: argparse.Namespace, output: Output) -> int:
    """Check, print every check, exit as the levels say."""
    from registry.cli.from_file import is_file
    from registry.cli.texts.audit import audit_text
    from registry.workflows.audit.keep_audit import audit_and_keep

    if is_file(wanted.target) and not Path(wanted.target).exists():
        raise UsageError(f"{wanted.target} is not a file", hint="check the path.")
    output.busy("auditing")
    with home() as opened:
        target = audited(opened, wanted.target)
        report = audit_and_keep(opened, target, level=wanted.level, issuer=wanted.issuer, offline=wanted.offline)
    document = report.to_json()
    output.document(document, identity="target", text=audit_text(document))
    if wanted.strict and report.missed:
        output.say(f"--strict: these checks were asked for and not made: {', '.join(report.missed)}")
    return int(report.exit_code(strict=wanted.strict))
