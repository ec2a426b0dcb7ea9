"""`keys export`, `keys import`, `keys protect`: copies of the publishing key, and the passphrase over it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from registry.cli.commands.common import Subparsers, add, home, path_argument
from registry.cli.output import Output, cell
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
    return _copy_in(_text_of(path), path, passphrase)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise not_read(path, error) from error


def _copy_in(text: str, path: Path, passphrase: Path | None) -> Key:
    from registry.provenance.keys.paper import is_printed, read_printed
    from registry.provenance.keys.protecting import from_bytes
    from registry.provenance.keys.secret_key import open_secret

    if is_printed(text):
        return from_bytes(read_printed(text), path)
    return open_secret(text, phrase_in(passphrase), path)


def run_export(wanted: argparse.Namespace, output: Output) -> int:
    """Write the key once more: under the passphrase in a file, with the place where its log is now, or as text."""
    from registry.workflows.keys.copies import write_copy
    from registry.workflows.log.newest_entry import newest_head

    with home() as opened:
        key = opened.key
        newest = newest_head(opened, key.did)
        if wanted.paper:
            _write_page(key, wanted.file)
        else:
            write_copy(key, wanted.file, phrase_in(wanted.passphrase_file) or "", newest)
    entry = None if newest is None else str(newest.entry)
    document = {"issuer": key.did, "address": key.address, "path": str(wanted.file), "entry": entry}
    output.document(document, identity="path", text=[f"{name} {cell(value)}" for name, value in document.items()])
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
    from registry.provenance.keys.signed_heads import noted

    with home() as opened:
        settings, text = opened.settings, _text_of(wanted.file)
        copy = _copy_in(text, wanted.file, wanted.passphrase_file)
        key = take_in(settings.home, copy, settings.passphrase, noted(text))
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
