"""Commands on the publishing key: make it, show it, hand its log over, revoke it, copy it.

Passphrases come from files, or the environment, never from the command line.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from registry.cli.commands.common import Subparsers, add, group, home, path_argument
from registry.cli.commands.parts.key_copies import add_copies, opened_copy, phrase_in
from registry.cli.output import Output, cell
from registry.core.errors import NotFound, UsageError

if TYPE_CHECKING:
    from registry.assembly import Home
    from registry.provenance.keys.keys import Key

_OPENS = "a file with the passphrase that opens it"


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    verbs = group(commands, "keys", "the publishing key, and who signs this registry's log")
    making = add(verbs, common, "new", run_new, "make a publishing key if there is none")
    making.add_argument(
        "--another",
        action="store_true",
        help="make another key, and so a new issuer, where the key that signed this home's log is lost",
    )
    add(verbs, common, "begin", run_begin, "begin the log of a key that was given to this home and signed nothing yet")
    add(verbs, common, "show", run_show, "print the issuer that this registry publishes as")
    add(verbs, common, "list", run_list, "every key of this home, and every change of keys in its log")
    rotating = add(verbs, common, "rotate", run_rotate, "hand the log over to a new key, signed by both")
    _number(rotating, "--revoke-from", "only the new key's entries count from this entry on: for a key that was stolen")
    rotating.add_argument("--to", type=path_argument, metavar="KEYSTORE", help="this key instead of a new one")
    rotating.add_argument("--to-passphrase-file", type=path_argument, metavar="FILE", help=_OPENS)
    rotating.add_argument(
        "--new-passphrase-file", type=path_argument, metavar="FILE", help="the new key's passphrase, if it is another"
    )
    _recovery(rotating)
    revoking = add(verbs, common, "revoke", run_revoke, "take back what other keys signed, or close the log")
    _number(revoking, "--from", "only this key's entries count from this entry on")
    revoking.add_argument("--close", action="store_true", help="nobody signs this log any more, but a recovery key")
    _recovery(revoking)
    naming = add(verbs, common, "recovery", run_recovery, "make a key that may take the log back, and name it there")
    naming.add_argument("file", type=path_argument, metavar="FILE", help="where to write it; keep it somewhere else")
    naming.add_argument("--passphrase-file", type=path_argument, metavar="FILE", required=True, help=_OPENS)
    add_copies(verbs, common)


def _number(parser: argparse.ArgumentParser, name: str, help: str) -> None:
    parser.add_argument(name, dest="revoked_from", type=int, metavar="ENTRY", help=f"{help} (its number)")


def _recovery(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recovery-key", type=path_argument, metavar="KEYSTORE", help="sign with the recovery key")
    parser.add_argument("--recovery-passphrase-file", type=path_argument, metavar="FILE", help=_OPENS)


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


def run_begin(wanted: argparse.Namespace, output: Output) -> int:
    """Sign the log's first entry; nothing where it has one."""
    from registry.workflows.keys.change_keys import begin

    with home() as opened:
        document = begin(opened, opened.key)
    how = "begins" if document["new"] else "was begun already: it begins"
    text = [f"issuer {document['issuer']}", f"the log {how} with {document['entry']}"]
    output.document(document, identity="entry", text=text)
    return 0


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


def run_list(wanted: argparse.Namespace, output: Output) -> int:
    """Print the keys of the home and what the log says of keys; nothing is made or opened."""
    from registry.provenance.keys.replacing import files
    from registry.workflows.keys.change_keys import describe
    from registry.workflows.local_issuers import signing_issuers

    with home() as opened:
        issuers = sorted(signing_issuers(opened))
        if not issuers:
            raise NotFound("this home has no key yet", hint="`emotionet keys new` makes one.")
        document = {**describe(opened, issuers[0]), "files": files(opened.settings.home)}
    output.document(document, identity="key", text=_text(document))
    return 0


def run_rotate(wanted: argparse.Namespace, output: Output) -> int:
    """Hand the log over. The new key is on the disk before the entry is signed; the old one is kept after it."""
    from registry.provenance.keys import replacing
    from registry.workflows.keys.change_keys import change_keys

    with home() as opened:
        signer = _signer(opened, wanted)
        given = None if wanted.to is None else opened_copy(wanted.to, wanted.to_passphrase_file)
        if opened.settings.key is not None:
            if given is None:
                raise UsageError(
                    "the publishing key is given as a secret, so the new one must be too",
                    hint="give its keystore with --to, then hand that over as the secret.",
                )
            new = given
        else:
            phrase = phrase_in(wanted.new_passphrase_file) or opened.settings.passphrase
            new = replacing.next_key(opened.settings.home, phrase, given)
        document = change_keys(opened, signer, new, revoked_from=wanted.revoked_from)
        if opened.settings.key is None:
            path = replacing.take_over(opened.settings.home, new.address)
            output.say(f"the new key is {path}")
    output.document(document, identity="key", text=_text(document))
    return 0


def run_revoke(wanted: argparse.Namespace, output: Output) -> int:
    """Say from which entry on only the key in force counts, or that the log ends."""
    from registry.workflows.keys.change_keys import change_keys

    if wanted.revoked_from is None and not wanted.close:
        raise UsageError("nothing is revoked", hint="give --from ENTRY, or --close.")
    with home() as opened:
        signer = _signer(opened, wanted)
        new = None if wanted.close else opened.key
        document = change_keys(opened, signer, new, revoked_from=wanted.revoked_from)
    output.document(document, identity="entry", text=_text(document))
    return 0


def run_recovery(wanted: argparse.Namespace, output: Output) -> int:
    """Make a recovery key outside the home, and name it in the log."""
    from registry.workflows.keys.change_keys import change_keys, key_did
    from registry.workflows.keys.copies import new_key_file

    with home() as opened:
        made = new_key_file(wanted.file, phrase_in(wanted.passphrase_file) or "")
        document = change_keys(opened, opened.key, opened.key, recovery=key_did(made))
    output.document(document, identity="recovery", text=_text(document))
    return 0


def _signer(opened: Home, wanted: argparse.Namespace) -> Key:
    """The key in force, or the recovery key for the home's log."""
    if wanted.recovery_key is None:
        return opened.key
    from registry.provenance.keys.signed_heads import heads

    key = opened_copy(wanted.recovery_key, wanted.recovery_passphrase_file)
    issuers = [head.issuer for head in heads(opened.settings.home)]
    if len(issuers) != 1:
        raise UsageError(f"this home has {len(issuers)} logs", hint="run this in the home of the log to take back.")
    key.did = issuers[0]
    return key


def _text(document: dict[str, Any]) -> list[str]:
    lines = [f"{name} {cell(document[name])}" for name in ("issuer", "key", "recovery")]
    for one in document["changes"]:
        to = one["successor"] or "nobody: the log is closed"
        since = "" if one["revoked_from"] is None else f"; others' entries from {one['revoked_from']} on do not count"
        lines.append(f"entry {one['seq']}, {one['time']}: signed by {to}{since}")
    lines += [f"entry {one['seq']} ({one['type'] or 'unknown'}) counts no more" for one in document["revoked"]]
    return lines + [f"{one['place']} {one['path']}" for one in document.get("files", ())]
