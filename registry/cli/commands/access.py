"""Commands on who may write through the API and the pages, and who did: token, accounts, writes."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from registry.cli.commands.common import Subparsers, add, group, home, whole, wide
from registry.cli.output import Output

TOKEN = ["id", "name", "scopes", "contributor", "expires", "used", "revoked"]
ACCOUNT = ["address", "name", "scopes", "used", "source"]
WRITE = ["id", "time", "name", "client", "action", "target", "status"]
WHICH = "its name, its id, or the beginning of its id or of its text"


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add these nouns' commands."""
    token = group(commands, "token", "tokens for writing through the API")
    making = add(token, common, "create", run_create, "make a token; it is shown once")
    making.add_argument("--name", help="what it is called: who or what it is for (default: its id)")
    _add_scopes(making, "default: all")
    making.add_argument("--contributor", metavar="NAME", help="in whose name it writes (default: this registry's)")
    making.add_argument("--days", type=whole(1, 36_500), default=90, help="how long it works (default: 90)")
    wide(add(token, common, "list", run_list, "list tokens"))
    add(token, common, "revoke", run_revoke, "revoke a token").add_argument("token", help=WHICH)
    turning = add(token, common, "rotate", run_rotate, "make a new token in the place of one")
    turning.add_argument("token", help=WHICH)
    turning.add_argument("--days", type=whole(1, 36_500), default=90, help="how long the new one works (default: 90)")
    turning.add_argument("--overlap", type=whole(0, 720), default=0, metavar="HOURS", help="how long the old one too")
    accounts = group(commands, "accounts", "wallets that may sign in (Sign-In with Ethereum)")
    adding = add(accounts, common, "add", run_accounts_add, "let a wallet sign in")
    adding.add_argument("address", metavar="0x…", help="the wallet's address")
    adding.add_argument("--name", help="whose it is; stays here")
    _add_scopes(adding, "default: images:write")
    wide(add(accounts, common, "list", run_accounts_list, "list wallets"))
    removing = add(accounts, common, "remove", run_accounts_remove, "let a wallet in no longer; its sessions end")
    removing.add_argument("address", metavar="0x…")
    listing = add(
        commands, common, "writes", run_writes, "list who wrote what through the API and the pages, newest first"
    )
    listing.add_argument("--token", help=f"only those of one token: {WHICH}")
    listing.add_argument("--limit", type=whole(1, 1_000_000), default=100)
    wide(listing)


def _add_scopes(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--scope",
        "--scopes",
        dest="scopes",
        action="append",
        default=[],
        metavar="SCOPE",
        help=f"images:write, snapshots:write, ...; again, or several by commas ({default})",
    )


def _scopes(wanted: argparse.Namespace, default: tuple[str, ...]) -> tuple[str, ...]:
    given = [one.strip() for text in wanted.scopes for one in text.split(",") if one.strip()]
    return tuple(given) or default


def _later(**time: int) -> str:
    return (datetime.now(UTC) + timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_create(wanted: argparse.Namespace, output: Output) -> int:
    """Print a new token, once."""
    from registry.catalog import tokens

    scopes, expires = _scopes(wanted, tokens.SCOPES), _later(days=wanted.days)
    named = {"name": wanted.name, "contributor": wanted.contributor}
    tokens.check_scopes(scopes)
    with home() as opened, opened.catalog.write() as db:
        identity, plain = tokens.create(db, scopes, opened.now(), expires, **named)
        name = tokens.known(db, [identity])[identity]
    _say_token({"id": identity, "name": name, "token": plain, "scopes": list(scopes), "expires": expires}, output)
    return 0


def _say_token(document: dict[str, Any], output: Output) -> None:
    about = f"id {document['id']}, name {document['name']}, expires {document['expires']}"
    output.document(document, identity="token", text=[f"token {document['token']}", about])


def run_list(wanted: argparse.Namespace, output: Output) -> int:
    """List tokens, never their text."""
    from registry.catalog import tokens

    with home() as opened, opened.catalog.read() as db:
        found = tokens.list_tokens(db)
    shown = found if output.as_json else [{**one, "scopes": _shown(one["scopes"])} for one in found]
    output.lines(shown, identity="id", columns=TOKEN, drop=("contributor", "used"))
    return 0


def _shown(scopes: list[str]) -> list[str]:
    """``admin`` covers the others: beside it they say nothing, and push the dates off the screen."""
    return ["admin"] if "admin" in scopes else scopes


def run_revoke(wanted: argparse.Namespace, output: Output) -> int:
    """Revoke."""
    from registry.catalog import tokens

    with home() as opened, opened.catalog.write() as db:
        identity, now = tokens.revoke(db, wanted.token, opened.now()), opened.now()
        earlier = [tokens.revoke(db, one, now) for one in tokens.overlapping(db, identity, now)]
    text = [f"revoked {identity}", *(f"revoked {one}, whose place it took" for one in earlier)]
    output.document({"id": identity, "earlier": earlier}, identity="id", text=text)
    return 0


def run_rotate(wanted: argparse.Namespace, output: Output) -> int:
    """Print the new token, once."""
    from registry.catalog import tokens

    expires = _later(days=wanted.days)
    until = _later(hours=wanted.overlap) if wanted.overlap else None
    with home() as opened, opened.catalog.write() as db:
        identity, plain = tokens.rotate(db, wanted.token, opened.now(), expires, until)
        (row,) = [one for one in tokens.list_tokens(db) if one["id"] == identity]
    document = {name: row[name] for name in ("id", "name", "scopes", "expires")}
    _say_token({**document, "token": plain}, output)
    return 0


def run_accounts_add(wanted: argparse.Namespace, output: Output) -> int:
    """Let a wallet sign in."""
    from registry.catalog import accounts

    scopes = _scopes(wanted, ("images:write",))
    with home() as opened, opened.catalog.write() as db:
        address = accounts.add(db, wanted.address, scopes, opened.now(), wanted.name)
    document = {"address": address, "name": wanted.name, "scopes": sorted(set(scopes))}
    output.document(document, identity="address", text=[f"{address} may sign in: {', '.join(document['scopes'])}"])
    return 0


def run_accounts_list(wanted: argparse.Namespace, output: Output) -> int:
    """List the catalog's and the settings' wallets."""
    from registry.catalog import accounts

    with home() as opened, opened.catalog.read() as db:
        found = [{**one, "source": "catalog"} for one in accounts.list_accounts(db)]
        settings, used = accounts.configured(opened.settings.accounts), accounts.last_uses(db)
    more = {"name": None, "created": None, "source": "EMOTIONET_ACCOUNTS"}
    found += [{"address": address, "scopes": list(scopes), **more} for address, scopes in settings.items()]
    shown = [{**one, "used": used.get(one["address"])} for one in found]
    output.lines(shown, identity="address", columns=ACCOUNT, drop=("source", "name"))
    return 0


def run_accounts_remove(wanted: argparse.Namespace, output: Output) -> int:
    """Let a wallet in no longer."""
    from registry.catalog import accounts

    with home() as opened, opened.catalog.write() as db:
        address = accounts.remove(db, wanted.address, opened.now())
    output.document({"address": address}, identity="address", text=[f"removed {address}"])
    return 0


def run_writes(wanted: argparse.Namespace, output: Output) -> int:
    """List the log of writes; without a status it was cut off, or is under way."""
    from registry.catalog import tokens, writes

    with home() as opened, opened.catalog.read() as db:
        token = tokens.resolve(db, wanted.token) if wanted.token else None
        found, _ = writes.list_writes(db, token=token, limit=wanted.limit)
    output.lines(found, identity="id", columns=WRITE, drop=("client", "target"))
    return 0
