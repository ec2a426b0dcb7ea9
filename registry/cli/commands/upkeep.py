"""Commands for upkeep: store, catalog, doctor."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from registry.cli.commands.common import Subparsers, add, group, home
from registry.cli.output import Output, table
from registry.core.errors import UsageError
from registry.core.text.amounts import size_text
from registry.core.text.cleaning import counted
from registry.settings import STORES

if TYPE_CHECKING:
    from registry.assembly import Home


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    store = group(commands, "store", "the store of blocks")
    add(store, common, "verify", run_verify, "read every block and check it against its CID")
    add(store, common, "gc", run_gc, "delete the blocks that nothing refers to")
    add(store, common, "stat", run_stat, "how many blocks, pins and bytes")
    syncing = add(store, common, "sync", run_sync, "publish from one store to another, and read it back")
    syncing.add_argument("--from", dest="source", choices=STORES, default="embedded")
    syncing.add_argument("--to", dest="target", choices=STORES, default="kubo")
    catalog = group(commands, "catalog", "the SQL index over the records")
    rebuilding = add(catalog, common, "rebuild", run_rebuild, "refill the catalog from the records in the store")
    rebuilding.add_argument(
        "--from",
        dest="head",
        metavar="CID|chain",
        help="first fetch the log that ends with this entry (`chain`: this key's newest anchor), and what it says",
    )
    rebuilding.add_argument("--gateway", metavar="URL", help="with --from: from here (else from EMOTIONET_GATEWAYS)")
    add(commands, common, "doctor", run_doctor, "check that everything this home needs is there and works")


def _checks(output: Output, checks: Sequence[dict[str, Any]]) -> int:
    ok = all(check["ok"] for check in checks)
    rows = [["ok" if check["ok"] else "NOT OK", check["name"], check["detail"]] for check in checks]
    output.document({"ok": ok, "checks": list(checks)}, identity=None, text=[table(["", "check", "detail"], rows)])
    return 0 if ok else 1


def run_verify(wanted: argparse.Namespace, output: Output) -> int:
    """Verify all blocks and that every pin's closure is whole."""
    from registry.workflows.upkeep.maintenance import verify_store

    with home() as opened:
        return _checks(output, verify_store(opened, output.progress()))


def run_gc(wanted: argparse.Namespace, output: Output) -> int:
    """Collect garbage."""
    from registry.workflows.upkeep.maintenance import collect_garbage

    with home() as opened:
        done = collect_garbage(opened)
    waiting = done["unlisted"] - done["blocks"]
    text = [f"freed {counted(done['blocks'], 'block')}, {done['bytes']} bytes"]
    text += [f"left {counted(waiting, 'new block')}: other processes may be using them"] if waiting else []
    said = {
        "unpinned": "kept without a pin",
        "missing": "referenced but missing",
        "withdrawn": "withdrawn and still stored",
    }
    text += [f"{words}: {done[name]}" for name, words in said.items()]
    if done["left"]:
        text.append(
            f"{counted(done['left'], 'pack still contains', 'packs still contain')} freed blocks: other processes "
            "write to them, or they are damaged"
        )
    output.document(done, identity=None, text=text)
    return 0


def run_stat(wanted: argparse.Namespace, output: Output) -> int:
    """Count."""
    from registry.workflows.upkeep.maintenance import store_stat

    with home() as opened:
        done = store_stat(opened)
    text = [
        f"{counted(done['blocks'], 'block')}, {size_text(done['bytes'])}",
        f"{counted(done['pins'], 'pinned root')}: nothing below them is ever deleted",
        f"{counted(done['packs'], 'pack file')} on disk, {size_text(done['disk'])}",
    ]
    output.document(done, identity=None, text=text)
    return 0


def run_sync(wanted: argparse.Namespace, output: Output) -> int:
    """Copy, pin, read back."""
    from registry.workflows.store.sync_store import sync

    if wanted.source == wanted.target:
        raise UsageError("--from and --to are the same store", hint="name two: --from embedded --to kubo.")
    bars = output.progress()
    with home() as opened:
        source, target = getattr(opened, wanted.source), getattr(opened, wanted.target)
        done = sync(opened, source, target, (wanted.source, wanted.target), bars)
    bars.close()
    blocks, roots = counted(done["blocks"], "block"), counted(done["pinned"], "root")
    counts = f"{done['sent']} of {blocks} sent, {done['bytes']} bytes; {roots} pinned"
    left = (
        [f"{counted(done['withheld'], 'CID of withdrawn images was', 'CIDs of withdrawn images were')} left out"]
        if done["withheld"]
        else []
    )
    left += [f"not held here: {cid}" for cid in done["absent"]]
    output.document(done, identity=None, text=[counts, *left, f"published to {wanted.target}: all of it was read back"])
    return 0


def run_rebuild(wanted: argparse.Namespace, output: Output) -> int:
    """Rebuild the catalog."""
    from registry.workflows.upkeep.maintenance import rebuild_catalog

    if wanted.gateway is not None and wanted.head is None:
        raise UsageError(
            "--gateway is for --from",
            hint="name the newest entry of the log with --from: `emotionet keys show` and `emotionet doctor` tell it.",
        )
    with home() as opened:
        done = rebuild_catalog(opened) if wanted.head is None else _from_log(opened, wanted, output)
    text = [
        f"the catalog was refilled at {done['time']}",
        f"{counted(done['entries'], 'log entry', 'log entries')}, {counted(done['evidence'], 'anchor')}",
        f"{counted(done['images'], 'image')}, of which {done['stored']} are stored here",
        *(f"not to be had: {cid}" for cid in done.get("absent", [])),
        *([] if done["problems"] else ["no problems"]),
        *(": ".join(filter(None, ("problem", one["cid"], one["problem"]))) for one in done["problems"]),
    ]
    output.document(done, identity=None, text=text)
    return 0


def _from_log(opened: Home, wanted: argparse.Namespace, output: Output) -> dict[str, Any]:
    """With what a gateway serves of an issuer's log."""
    from registry.content.sources.gateway import GatewayClient
    from registry.core.ipld.typed_cid import given
    from registry.workflows.follow.heads import CHAIN, newest_anchored
    from registry.workflows.upkeep.rebuild_from_log import rebuild_from_log

    source = opened.source if wanted.gateway is None else GatewayClient([wanted.gateway])
    if source is None:
        raise UsageError("no gateway is named", hint="name one with --gateway, or set EMOTIONET_GATEWAYS.")
    bars = output.progress()
    anchored = wanted.head == CHAIN
    head = newest_anchored(opened, opened.key.did, source) if anchored else given(wanted.head)
    done = rebuild_from_log(opened, head, source, bars)
    bars.close()
    return done


def run_doctor(wanted: argparse.Namespace, output: Output) -> int:
    """Look at each part, and change nothing; a part that fails is named with its way out."""
    from registry.workflows.upkeep.examine_home import examine

    with home() as opened:
        checks = examine(opened)
    return _checks(output, checks)
