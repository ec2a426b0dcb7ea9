"""The key that signs for a home: a secret's, or the one that lies in its folder.

Invariant: a key signs for the issuer whose log it holds, as the catalog knows; without a catalog for itself.
"""

from __future__ import annotations

import sys

from registry.catalog.database.engines import is_there
from registry.catalog.queries.signed_records.key_changes import issuer_signed_by
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
    key = load_or_create(settings.home, settings.passphrase, issuer_of=lambda address: _issuer_of(parts, address))
    if key.created:
        print(f"made a publishing key: {key.path} (keep a copy of this folder)", file=sys.stderr)
    return key


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
