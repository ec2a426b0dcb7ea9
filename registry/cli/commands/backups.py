"""Commands for backups: make one while the service runs, restore one into a home that holds nothing."""

from __future__ import annotations

import argparse
from typing import Any

from registry.cli.commands.common import Subparsers, add, home, path_argument
from registry.cli.output import Output
from registry.core.errors import UsageError
from registry.core.text.amounts import size_text
from registry.core.text.cleaning import counted


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    saving = add(commands, common, "backup", run_backup, "write all that this registry needs into one file")
    saving.add_argument("-o", "--output", type=path_argument, metavar="FILE", required=True, help="must not exist")
    saving.add_argument(
        "--blocks",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="with the blocks (default: where they lie in the home, not where a node or a bucket keeps them)",
    )
    restoring = add(commands, common, "restore", run_restore, "make a home again from a backup")
    restoring.add_argument("file", nargs="?", type=path_argument, metavar="FILE", help="what `backup` wrote")
    restoring.add_argument(
        "--nothing-newer",
        action="store_true",
        help="after a restore: nothing was signed since the backup was made, so the log goes on",
    )


def run_backup(wanted: argparse.Namespace, output: Output) -> int:
    """Back up."""
    from registry.workflows.backup.make_backup import make_backup

    bars = output.progress()
    with home() as opened:
        done = make_backup(opened, wanted.output, blocks=wanted.blocks, progress=bars)
        store = opened.settings.store
    bars.close()
    output.document(done, identity="path", text=_backed_up(done, store))
    return 0


def _backed_up(done: dict[str, Any], store: str) -> list[str]:
    lines = [f"wrote {done['path']}, {size_text(done['size'])}: {counted(done['rows'], 'row')} of the database"]
    lines += [f"the log of {one['issuer']} ends with entry {one['seq']}, {one['entry']}" for one in done["logs"]]
    blocks = done["blocks"]
    if blocks is None:
        lines.append(f"without blocks: they stay where they are ({store}), and must be kept there")
    else:
        lines.append(f"{counted(blocks['blocks'], 'block')}, {size_text(blocks['bytes'])}")
        if blocks["damaged"]:
            lines.append(f"{counted(blocks['damaged'], 'block')} left out: damaged (`emotionet store verify`)")
    if done["opens_key"]:
        lines.append("whoever has this file can sign as this registry: the key's passphrase is in it")
    return [*lines, "not in it: a witness's state, secrets of the environment, and what is made again"]


def run_restore(wanted: argparse.Namespace, output: Output) -> int:
    """Restore, or say that what was restored was the newest."""
    if (wanted.file is None) != wanted.nothing_newer:
        raise UsageError("either a file is restored, or a restore confirmed", hint="give FILE, or --nothing-newer.")
    return _confirm(output) if wanted.nothing_newer else _restore(wanted, output)


def _restore(wanted: argparse.Namespace, output: Output) -> int:
    from registry.workflows.backup.restore_backup import restore_backup

    bars = output.progress()
    with home() as opened:
        done = restore_backup(opened, wanted.file, bars)
    bars.close()
    output.document(done, identity="home", text=_restored(done))
    return 0 if done["problem"] is None else 1


def _restored(done: dict[str, Any]) -> list[str]:
    lines = [f"restored into {done['home']} from a backup of {done['time']}: {counted(done['rows'], 'row')}"]
    lines += [f"the log of {one['issuer']} ends with entry {one['seq']}, {one['entry']}" for one in done["logs"]]
    if done["blocks"] is None:
        lines.append("it holds no blocks: set up the node or bucket that keeps them, as it was")
    if done["settings"]:
        lines.append("settings that were in force there:")
        lines += [f"  {name}: {value}" for name, value in done["settings"].items()]
    if done["problem"] is not None:
        return [*lines, f"NOT OK: {done['problem']}"]
    if done["confirmed"]:
        return [*lines, "the store knows of no newer entry: the log goes on"]
    return [*lines, "nothing is signed yet: if nothing was signed since, run `emotionet restore --nothing-newer`"]


def _confirm(output: Output) -> int:
    from registry.workflows.log.restored import confirm

    with home() as opened:
        logs = confirm(opened)
    text = [f"the log of {one['issuer']} goes on after entry {one['seq']}, {one['entry']}" for one in logs]
    output.document({"logs": logs}, identity=None, text=text or ["no log was begun here"])
    return 0
