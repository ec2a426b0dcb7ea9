"""What somebody means by a CID, a name, ``latest``, or the beginning of a CID or id: the one way to read such a text.

    resolve(parts, "bafyrei...")            a CID; an entry's stands for what the entry signs
    resolve(parts, "faces", "snapshot")     the newest snapshot that this home's issuer called so
    resolve(parts, "faces@2")               the second thing that this name stood for
    resolve(parts, "0x.../faces")           another issuer's name
    resolve(parts, "latest", "release")     the newest of this home that is finished and not withdrawn
    resolve(parts, "bafyreia3b4c")          the one whose CID begins so; "bafyreia3b…x7k2": and ends so

Invariants: a name without an issuer is this home's own, never a stranger's. What two things match is an error that
names both. Only what signed entries name is found by its beginning: the answer tells nobody what is merely held here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from registry.catalog.database.database import Connection
from registry.catalog.queries.signed_records import entries, names
from registry.catalog.queries.training_runs import runs
from registry.core.errors import InvalidInput, NotFound
from registry.core.ipld.cid import CID, is_cid
from registry.core.ipld.typed_cid import given
from registry.core.issuers import DID_PREFIX
from registry.core.text.names import LATEST, Reference, is_reference, read_reference
from registry.workflows.local_issuers import local_issuers
from registry.workflows.names.beginnings import CALLED, SHOWN, SIGNS, is_beginning, records_that_begin, single_match
from registry.workflows.names.misspelled import no_reference, spelling
from registry.workflows.parts import Parts

KINDS = ("snapshot", "plan", "release")  # what names stand for
_RUN = re.compile(r"r[a-z2-7]{12}", re.ASCII)
_RUN_BEGUN = re.compile(rf"r[a-z2-7]{{{SIGNS},11}}", re.ASCII)
_WAYS = {  # to a newest one, where a home has none
    "completed run": "`emotionet train` starts one, `emotionet runs list` lists those that have not completed.",
    "snapshot": "`emotionet snapshot create` makes one; one of another issuer is named by its CID.",
    "release": "`emotionet release publish RUN` makes one; one of another issuer is named by its CID.",
}


def resolve(parts: Parts, text: str, *kinds: str) -> CID:
    """The record that ``text`` means, or the content where it is a CID; of ``kinds`` (types of records), or of any.

    A CID is taken as it is, whatever it names. With several kinds, or none, ``latest`` is of the first (a release).
    ``NotFound``: nothing is called so or begins so; ``InvalidInput`` ``ambiguous``: several do;
    ``wrong_record_type``: the name stands for something else; ``UsageError``: it can be none of all these.
    """
    cid = find(parts, text, *kinds)
    with parts.catalog.read() as db:
        return entries.record_of(db, cid)


def find(parts: Parts, text: str, *kinds: str) -> CID:
    """As ``resolve``, but an entry's CID stays the entry's."""
    text = text.removeprefix("/ipfs/").removeprefix("ipfs://")
    if is_cid(text):
        return CID.parse(text)
    if not is_reference(text) and not is_beginning(text):
        raise no_reference(text)
    with parts.catalog.read() as db:
        return CID.parse(_found(parts, db, text, kinds))


def run_id(parts: Parts, text: str) -> str:
    """A run's id: whole or its beginning, its name, ``latest``, or the CID of its plan. Errors as ``resolve``."""
    with parts.catalog.read() as db:
        if runs.exists(db, text):
            return text
        if text == LATEST:
            return _or_none_yet(names.latest_run(db, local_issuers(parts)), "completed run")
        named = _run_named(parts, db, text)
        if named is not None:
            return named
        if _RUN_BEGUN.fullmatch(text):
            return single_match(text, [(run, "run") for run in names.runs_begun(db, text)])
    raise NotFound(f"there is no run {text[:100]!r}", hint=f"{spelling(text)}`emotionet runs list` lists them.")


def _found(parts: Parts, db: Connection, text: str, kinds: Sequence[str]) -> str:
    if text == LATEST:
        return _latest(parts, db, kinds[0] if kinds else "release")
    reference = read_reference(text)
    if reference is not None and (named := _named(parts, db, reference, kinds)) is not None:
        return named
    if _RUN.fullmatch(text) and (not kinds or "plan" in kinds) and runs.exists(db, text):
        return _plan_of(db, text)
    if is_beginning(text):
        return single_match(text, records_that_begin(db, text, kinds), "CID")
    if _RUN.fullmatch(text):
        given(text)  # which says so
    raise NotFound(
        f"nothing here is called {text!r}{_elsewhere(db, reference)}",
        code="no_such_name",
        hint="`emotionet name list` lists the names; a CID, or its beginning, does as well.",
    )


def _latest(parts: Parts, db: Connection, kind: str) -> str:
    if kind == "plan":
        run = names.latest_run(db, local_issuers(parts))
        return _plan_of(db, _or_none_yet(run, "completed run"))
    if kind not in KINDS:
        raise InvalidInput(f"nothing is the latest {kind}", code="no_latest", hint="give its CID.")
    return _or_none_yet(names.latest(db, kind, local_issuers(parts)), kind)


def _or_none_yet(found: str | None, what: str) -> str:
    if found is None:
        sentence = f"this home has no {what} of its own that could be the latest"
        raise NotFound(sentence, code="no_latest", hint=_WAYS[what])
    return found


def _plan_of(db: Connection, run: str) -> str:
    plan: str | None = runs.row(db, run)["plan"]
    if plan is None:
        raise NotFound(f"run {run} has no plan yet", hint=f"watch it with `emotionet runs follow {run}`.")
    return plan


def named_rows(parts: Parts, db: Connection, reference: Reference) -> list[dict[str, Any]]:
    """What this name stood for, oldest first: the issuer's whom it names, or this home's own.

    ``InvalidInput`` ``ambiguous`` where several issuers of this home have the name.
    """
    issuers = local_issuers(parts) if reference.issuer is None else [reference.issuer]
    rows = names.history(db, reference.name, issuers)
    givers = sorted({row["issuer"] for row in rows})
    if len(givers) > 1:
        found = [(f"{one.removeprefix(DID_PREFIX)}/{reference.name}", "name") for one in givers]
        single_match(reference.name, found)
    return rows


def _named(parts: Parts, db: Connection, reference: Reference, kinds: Sequence[str]) -> str | None:
    """The newest target of one of ``kinds``, or the one of the number; None where nothing is called so."""
    rows = named_rows(parts, db, reference)
    if not rows:
        return None
    if reference.number is not None:
        rows = [row for row in rows if row["number"] == reference.number]
        if not rows:
            raise NotFound(
                f"{reference.name} never stood for {reference.number} things",
                code="no_such_name",
                hint=f"`emotionet name list {reference.name}` shows what it stood for.",
            )
    fitting = [row for row in rows if not kinds or row["type"] in kinds]
    if not fitting:
        is_now = CALLED.get(rows[-1]["type"], rows[-1]["type"] or "record that is not held here")
        wanted = " or ".join(CALLED.get(kind, kind) for kind in kinds)
        raise InvalidInput(
            f"{reference.name}{_at(reference)} names a {is_now}, no {wanted}",
            code="wrong_record_type",
            hint=f"`emotionet name list {reference.name}` shows all that it stood for.",
        )
    return str(fitting[-1]["target"])


def _at(reference: Reference) -> str:
    return "" if reference.number is None else f"@{reference.number}"


def _run_named(parts: Parts, db: Connection, text: str) -> str | None:
    """The newest run of the plan that a name, or a CID, means; also one that is to be called so and has no plan yet."""
    reference = read_reference(text)
    waiting = names.runs_to_be_named(db, text) if reference is not None else []
    working = [run for run in waiting if runs.row(db, run)["status"] in ("queued", "running")]
    if working:
        return working[-1]
    plan = None
    if reference is not None:
        try:
            plan = _named(parts, db, reference, ("plan",))
        except InvalidInput:  # it stands for a snapshot, say, and a run that came to no plan was to have it
            if not waiting:
                raise
    elif is_beginning(text) or is_cid(text):
        plan = str(resolve(parts, text, "plan"))
    if plan is None:
        return waiting[-1] if waiting else None
    made = runs.find_by_plan(db, CID.parse(plan))
    if not made:
        raise NotFound(f"{text[:100]} is a plan of which no run is here", hint="`emotionet runs list` lists them.")
    return made[-1]


def _elsewhere(db: Connection, reference: Reference | None) -> str:
    """Whose the name is, where it is somebody else's: it is never taken for one's own."""
    if reference is None or reference.issuer is not None:
        return ""
    others = sorted({row["issuer"] for row in names.history(db, reference.name)})[:SHOWN]
    said = ", ".join(f"{issuer.removeprefix(DID_PREFIX)}/{reference.name}" for issuer in others)
    return f" by this home; others have {said}" if said else ""
