"""Commands on issuers' keys and anchors: keys, anchor."""

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
    keys = group(commands, "keys", "the publishing key")
    making = add(keys, common, "new", run_new, "make a publishing key if there is none")
    making.add_argument(
        "--another",
        action="store_true",
        help="make another key, and so a new issuer, where the key that signed this home's log is lost",
    )
    add(keys, common, "show", run_show, "print the issuer that this registry publishes as")
    anchor = group(commands, "anchor", "proofs of when an entry existed")
    status = add(anchor, common, "status", run_status, "where an entry's anchor stands")
    status.add_argument("cid", metavar="RECORD", help=RECORD)
    add(
        anchor, common, "submit", run_submit, "anchor an entry (default: the newest, which covers all before it)"
    ).add_argument("cid", metavar="RECORD", nargs="?", help=RECORD)
    add(anchor, common, "deploy", run_deploy, "deploy the anchor contract to EMOTIONET_CHAIN_RPC")


def run_new(wanted: argparse.Namespace, output: Output) -> int:
    """Make the key if there is none, and print it."""
    if wanted.another:
        from registry.provenance.keys.keys import load_or_create

        with home() as opened:
            if opened.settings.key is not None:
                raise UsageError(
                    "the publishing key is given as a secret, so none is made here",
                    hint="unset EMOTIONET_KEY_FILE first, or give another secret.",
                )
            load_or_create(opened.settings.home, opened.settings.passphrase, another=True)
    return run_show(wanted, output)


def run_show(wanted: argparse.Namespace, output: Output) -> int:
    """Print the issuer and the newest entry of its log; never the key."""
    from registry.workflows.log.newest_entry import newest_entry

    with home() as opened:
        key = opened.key
        newest = newest_entry(opened, key.did)
        entry = None if newest is None else str(newest)
        document = {"issuer": key.did, "address": key.address, "path": str(key.path), "entry": entry}
    text = [f"issuer {key.did}", f"address {key.address}", f"keystore {key.path}"]
    text.append(f"newest entry {entry or 'none yet'}")
    output.document(document, identity="issuer", text=text)
    return 0


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
