"""`keys export`, `keys import`, `keys protect`: copies of the publishing key, and the passphrase over it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from registry.cli.commands.common import Subparsers, add, home, path_argument
from registry.cli.output import Output
from registry.core.errors import Conflict, UsageError, not_read

if TYPE_CHECKING:
    from registry.provenance.keys.keys import Key

_OPENS = "a file with the passphrase that opens it"


def add_copies(verbs: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the three commands."""
    copying = add(verbs, common, "export", run_export, "write a copy of the publishing key")
    copying.add_argument("file", type=path_argument, metavar="FILE", help="the copy, which must not exist")
    how = copying.add_mutually_exclusive_group(required=True)
    how.add_argument("--passphrase-file", type=path_argument, metavar="FILE", help=_OPENS)
    how.add_argument("--paper", action="store_true", help="as text to print, under no passphrase: keep it in a safe")
    taking = add(verbs, common, "import", run_import, "put a copy of the key into a home that has none")
    taking.add_argument("file", type=path_argument, metavar="FILE", help="a keystore, or the text of a printed page")
    taking.add_argument("--passphrase-file", type=path_argument, metavar="FILE", help=f"{_OPENS} (a keystore)")
    guarding = add(verbs, common, "protect", run_protect, "put the key under a passphrase that does not lie beside it")
    guarding.add_argument(
        "--passphrase-file", type=path_argument, metavar="FILE", help="your passphrase (default: the setting's)"
    )


def phrase_in(path: Path | None) -> str | None:
    """The passphrase in a file; None where none is named."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise not_read(path, error) from error


def opened_copy(path: Path, passphrase: Path | None) -> Key:
    """A key from a keystore file, or from the text of a printed page, anywhere."""
    from registry.provenance.keys.paper import is_printed, read_printed
    from registry.provenance.keys.protecting import from_bytes
    from registry.provenance.keys.secret_key import open_secret

    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise not_read(path, error) from error
    if is_printed(text):
        return from_bytes(read_printed(text), path)
    return open_secret(text, phrase_in(passphrase), path)


def run_export(wanted: argparse.Namespace, output: Output) -> int:
    """Write the key once more: under the passphrase in a file, or as text to print."""
    from registry.workflows.keys.copies import write_copy

    with home() as opened:
        key = opened.key
        if wanted.paper:
            _write_page(key, wanted.file)
        else:
            write_copy(key, wanted.file, phrase_in(wanted.passphrase_file) or "")
    document = {"issuer": key.did, "address": key.address, "path": str(wanted.file)}
    output.document(document, identity="path", text=[f"{name} {value}" for name, value in document.items()])
    return 0


def _write_page(key: Key, path: Path) -> None:
    from registry.files import single_writer_file
    from registry.provenance.keys.paper import printed

    if path.exists():
        raise Conflict(f"{path} exists", code="exists", hint="give another name.")
    with single_writer_file(path, mode=0o600) as stream:
        stream.write(printed(key.private_bytes()).encode("ascii"))


def run_import(wanted: argparse.Namespace, output: Output) -> int:
    """Make the key's file again."""
    from registry.provenance.keys.protecting import take_in

    with home() as opened:
        settings = opened.settings
        key = take_in(settings.home, opened_copy(wanted.file, wanted.passphrase_file), settings.passphrase)
    document = {"address": key.address, "path": str(key.path)}
    output.document(document, identity="address", text=[f"{name} {value}" for name, value in document.items()])
    return 0


def run_protect(wanted: argparse.Namespace, output: Output) -> int:
    """Replace the random passphrase by a person's."""
    from registry.provenance.keys.protecting import protect

    with home() as opened:
        phrase = phrase_in(wanted.passphrase_file) or opened.settings.passphrase or _asked()
        paths = [str(path) for path in protect(opened.settings.home, phrase)]
    text = [f"under your passphrase: {path}" for path in paths]
    text.append("name its file in EMOTIONET_PASSPHRASE_FILE; without it nobody can sign")
    output.document({"paths": paths}, identity=None, text=text)
    return 0


def _asked() -> str:
    """A passphrase from the terminal, typed twice."""
    import getpass

    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("no passphrase is given", hint="name its file: --passphrase-file FILE.")
    phrase = getpass.getpass("new passphrase: ")
    if not phrase or getpass.getpass("once more: ") != phrase:
        raise UsageError("the two differ, or are empty", hint="type the same twice.")
    return phrase
