"""Commands on anchors."""

from __future__ import annotations

import argparse
from typing import Any

from registry.cli.commands.common import Subparsers, add, group, home
from registry.cli.named import RECORD, content
from registry.cli.output import Output, cell
from registry.cli.texts.anchors import anchor_line
from registry.core.errors import UsageError


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    anchor = group(commands, "anchor", "proofs of when an entry existed")
    status = add(anchor, common, "status", run_status, "where an entry's anchor stands")
    status.add_argument("cid", metavar="RECORD", help=RECORD)
    add(
        anchor, common, "submit", run_submit, "anchor an entry (default: the newest, which covers all before it)"
    ).add_argument("cid", metavar="RECORD", nargs="?", help=RECORD)
    add(anchor, common, "deploy", run_deploy, "deploy the anchor contract to EMOTIONET_CHAIN_RPC")


def run_status(wanted: argparse.Namespace, output: Output) -> int:
    """Print an entry's anchor, as the chain or the journal has it."""
    from registry.workflows.log.anchor_documents import anchor_status

    with home() as opened:
        document = anchor_status(opened, content(opened, wanted.cid))
    output.document(document, identity="status", text=_text(document))
    return 0


def _text(document: dict[str, Any]) -> list[str]:
    """The anchor that is counted on, then each place with what it proves."""
    places = document["places"]
    return [
        *(f"{name}: {cell(value)}" for name, value in document.items() if name != "places"),
        *(anchor_line(one) for one in places),
    ]


def run_submit(wanted: argparse.Namespace, output: Output) -> int:
    """Anchor an entry, or the newest one, and wait for finality."""
    from registry.workflows.log.anchor_documents import submit_anchor

    with home() as opened:
        document = submit_anchor(opened, content(opened, wanted.cid) if wanted.cid else None)
    output.document(document, identity="status", text=_text(document))
    return 0


def run_deploy(wanted: argparse.Namespace, output: Output) -> int:
    """Deploy the contract with this registry's key, where it lies on every chain."""
    from registry.provenance.anchors.deploying import contract_address

    with home() as opened:
        if not opened.settings.chain_rpc:
            raise UsageError("no chain is set up", hint="set EMOTIONET_CHAIN_RPC to a node's address.")
        output.say(f"the contract's address on every chain is {contract_address()}")
        address = opened.chain.deploy()
    text = [f"contract {address}", f"export EMOTIONET_CHAIN_CONTRACT={address}"]
    output.document({"contract": address}, identity="contract", text=text)
    return 0
