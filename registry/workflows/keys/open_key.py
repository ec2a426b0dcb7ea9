"""The key that signs for a home: a secret's, or the one that lies in its folder.

Invariant: a key signs for the issuer whose log it holds, as the catalog knows; without a catalog for itself.
"""

from __future__ import annotations

import getpass
import sys
import threading

from registry.catalog.database.engines import is_there
from registry.catalog.queries.signed_records.key_changes import issuer_signed_by
from registry.core.errors import InvalidInput
from registry.core.issuers import address_of, did_of
from registry.provenance.keys import replacing, signed_heads
from registry.provenance.keys.keys import Key, load_or_create
from registry.provenance.keys.secret_key import open_secret
from registry.workflows.keys.change_keys import finish
from registry.workflows.parts import Parts


def open_key(parts: Parts) -> Key:
    """The key, which is created where there is none: then its path is printed on stderr. The home's folder exists.

    Errors as of ``keys.load_or_create`` and ``secret_key.open_secret``.
    """
    settings = parts.settings
    if settings.key is not None:
        return _secret_key(parts, settings.key)
    if replacing.waiting(settings.home) is not None and is_there(settings.database_url):
        finish(parts)  # what a process did not get to after it had handed the log over to another key
    try:
        key = _of_home(parts, settings.passphrase)
    except InvalidInput as error:
        if error.code != "passphrase_missing" or not _at_a_terminal():
            raise
        key = _of_home(parts, getpass.getpass("passphrase of the publishing key: "))
    if key.created:
        print(f"made a publishing key: {key.path} (keep a copy of this folder)", file=sys.stderr)
    return key


def _of_home(parts: Parts, passphrase: str | None) -> Key:
    return load_or_create(parts.settings.home, passphrase, issuer_of=lambda address: _issuer_of(parts, address))


def _at_a_terminal() -> bool:
    """Whether somebody can be asked: not where a server answers a request."""
    here = threading.current_thread() is threading.main_thread()
    return here and sys.stdin is not None and sys.stdin.isatty()


def _secret_key(parts: Parts, text: str) -> Key:
    settings = parts.settings
    key = open_secret(text, settings.passphrase, settings.key_file)
    key.did = _issuer_of(parts, key.address)
    signed_heads.check_signer(settings.home, address_of(key.did))
    return key


def _issuer_of(parts: Parts, address: str) -> str:
    """Whose log a key of this address signs."""
    did = did_of(address)
    if not is_there(parts.settings.database_url):
        return did
    with parts.catalog.read() as db:
        return issuer_signed_by(db, did)
