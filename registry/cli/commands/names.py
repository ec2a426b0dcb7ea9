"""Commands on names: what this home's issuer calls things, and who it says to be."""

from __future__ import annotations

import argparse
from typing import Any

from registry.cli.commands.common import Subparsers, add, group, home, issuer, limit, new_name
from registry.cli.named import RECORD, record
from registry.cli.output import Output, cell
from registry.core.errors import NotFound, UsageError

NONE = "none"  # what takes a field of a profile away; blank would be what an unset variable leaves
_TAKE_AWAY = f"`{NONE}` takes it away"
COLUMNS = ["reference", "type", "target", "withdrawn", "issued_at", "issuer"]


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add these nouns' commands."""
    verbs = group(commands, "name", "names of snapshots, runs and releases")
    setting = add(verbs, common, "set", run_set, "let a name stand for something from now on; its history is kept")
    setting.add_argument(
        "name", metavar="NAME", type=new_name, help="lower-case letters and digits, with - or _ between them"
    )
    setting.add_argument("target", metavar="TARGET", help=f"{RECORD}; a run by its id, too")
    listing = add(verbs, common, "list", run_list, "what names stand for, or all that one name stood for")
    listing.add_argument("name", metavar="NAME", nargs="?", help="NAME, or ISSUER/NAME of somebody else's")
    listing.add_argument("--issuer", type=issuer, metavar="ISSUER", help="only this issuer's names")
    limit(listing)
    profiles = group(commands, "profile", "who an issuer says to be, signed into its log")
    saying = add(profiles, common, "set", run_profile_set, "say who this registry's issuer is")
    saying.add_argument("--name", help="a person's or an institution's name, as others shall see it")
    saying.add_argument("--url", type=_or_none, help=f"an address of its own, https://...; {_TAKE_AWAY}")
    saying.add_argument("--contact", type=_or_none, help=f"where to write to; {_TAKE_AWAY}")
    showing = add(profiles, common, "show", run_profile_show, "who an issuer says to be (default: this registry's)")
    showing.add_argument("issuer", metavar="ISSUER", nargs="?", type=issuer)


def _or_none(text: str) -> str:
    """A field's text, for ``type=``; the error of a blank one says how it is taken away."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"takes a text, or `{NONE}`, which takes it away, not {text[:60]!r}")
    return text


def run_set(wanted: argparse.Namespace, output: Output) -> int:
    """Move a name, or make it."""
    from registry.workflows.names.beginnings import CALLED
    from registry.workflows.names.resolve import KINDS
    from registry.workflows.names.set_name import set_name

    with home() as opened:
        done = set_name(opened, opened.key, wanted.name, record(opened, wanted.target, *reversed(KINDS)))
    moved = f"{done['name']} names {CALLED.get(done['type'], done['type'])} {done['target']}"
    text = moved if done["moved"] else f"{moved} already"
    output.document(done, identity="target", text=[text, f"{done['name']}@{done['number']} will go on naming it"])
    return 0


def run_list(wanted: argparse.Namespace, output: Output) -> int:
    """List names, or the history of one."""
    from registry.catalog.queries.signed_records import names
    from registry.core.text.names import read_reference
    from registry.workflows.local_issuers import local_issuers
    from registry.workflows.names.references import reference
    from registry.workflows.names.resolve import named_rows

    asked = None if wanted.name is None else read_reference(wanted.name)
    if wanted.name is not None and asked is None:
        raise UsageError(f"{wanted.name!r} can be no name", hint="`emotionet name list` shows those that there are.")
    with home() as opened, opened.catalog.read() as db:
        own = local_issuers(opened)
        if asked is None:
            found, _ = names.list_names(db, None if wanted.issuer is None else [wanted.issuer], limit=wanted.limit)
        else:
            found = named_rows(opened, db, asked)
            if not found:
                raise NotFound(f"nothing here is called {wanted.name}", hint="`emotionet name list` shows all names.")
    rows = [{"reference": reference(row, own), **row} for row in found]
    shown = rows if output.as_json else list(map(_shown, rows))
    output.lines(shown, identity="reference", columns=COLUMNS, drop=("issuer", "issued_at"))
    return 0


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    from registry.workflows.names.beginnings import CALLED

    kind = CALLED.get(row["type"], row["type"])
    return {**row, "type": kind, "withdrawn": "WITHDRAWN" if row["withdrawn"] else None}


def run_profile_set(wanted: argparse.Namespace, output: Output) -> int:
    """Sign a profile; what is left out stays."""
    from registry.workflows.names.profile import FIELDS, set_profile

    fields = {field: getattr(wanted, field) for field in FIELDS}
    if all(value is None for value in fields.values()):
        raise UsageError("no field of the profile is given", hint="give --name, --url or --contact.")
    with home() as opened:
        done = set_profile(opened, opened.key, **{k: "" if v == NONE else v for k, v in fields.items()})
    output.document(done, identity="profile", text=_text(done))
    return 0


def run_profile_show(wanted: argparse.Namespace, output: Output) -> int:
    """Print a profile; no key is made for that."""
    from registry.workflows.local_issuers import signing_issuers
    from registry.workflows.names.profile import profile_of

    with home() as opened:
        own = sorted(signing_issuers(opened))
        if not wanted.issuer and not own:
            raise NotFound("this home has no issuer yet", hint="`emotionet profile set --name NAME` makes one.")
        asked = wanted.issuer or own[0]
        done = profile_of(opened, asked)
    if done is None:
        way = "`emotionet profile set --name NAME` signs one." if asked in own else "import a CAR that holds it."
        raise NotFound(f"no profile of {asked} is known here", hint=way)
    output.document(done, identity="profile", text=_text(done))
    return 0


def _text(done: dict[str, Any]) -> list[str]:
    said = [f"{field}: {cell(done[field])}" for field in ("issuer", "name", "url", "contact", "time")]
    return [*said, "(as the issuer says itself; nothing of it is proved)"]
