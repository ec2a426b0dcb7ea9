"""Give a name to a snapshot, a run's plan or a release, or move it; who the issuer says to be.

Invariants: a name is a signed record in the issuer's own log, so its history is kept and nobody else can move it. A
name that is where it should be is left there. What looks like anything else that commands take is no name.
"""

from __future__ import annotations

import re
from typing import Any

from registry.catalog.queries.signed_records import names
from registry.core import records
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID, DAG_CBOR
from registry.core.log import Signer
from registry.core.text.names import check_name
from registry.workflows.log.append import appending
from registry.workflows.names.resolve import KINDS
from registry.workflows.parts import Parts

_RUN = re.compile(r"r[a-z2-7]{12}", re.ASCII)


def check_new_name(text: str) -> str:
    """``text`` as it is. ``InvalidInput`` (``bad_name``) for ``latest``, what looks like a CID or a run's id, and what
    names can't hold: found out before any work is done for it.
    """
    if _RUN.fullmatch(text):
        raise InvalidInput(f"{text!r} looks like a run's id", code="bad_name", hint="take a name that says what it is.")
    return check_name(text)


def set_name(parts: Parts, signer: Signer, name: str, target: CID) -> dict[str, Any]:
    """Let a name of ``signer`` stand for ``target`` from now on; the document of `emotionet name set --json`.

    ``moved`` is False where it stood for that already. ``NotFound`` where the target is not held here,
    ``InvalidInput`` (``wrong_record_type``) where it is no snapshot, plan or release.
    """
    check_new_name(name)
    check_target(parts, target)
    with appending(parts, signer) as log:
        before = names.history(log.db, name, [signer.did])[-1:]
        moved = not before or before[0]["target"] != str(target)
        if moved:
            log.append(records.Name(name=name, target=bytes(target)), again=True)
        row = names.history(log.db, name, [signer.did])[-1]
    parts.store.pin(CID.parse(row["entry"]))
    return {**row, "moved": moved}


def check_target(parts: Parts, target: CID) -> None:
    """Raise unless this is held and can have a name."""
    if not parts.store.has(target):
        raise NotFound(f"{target} is not held here", hint="import it, or check the CID.")
    try:
        kind = records.type_of(records.parse(parts.store.get(target))) if target.codec == DAG_CBOR else "content"
    except InvalidInput as error:
        if error.code != "not_a_record":
            raise
        kind = "content"
    if kind not in KINDS:
        raise InvalidInput(
            f"{target} is {'no record' if kind == 'content' else f'a record of type {kind}'}, and can have no name",
            code="wrong_record_type",
            hint="name a snapshot, a run or a release.",
        )
