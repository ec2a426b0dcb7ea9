"""What of `import` is for another registry (`--server`): its options, its token, the sending."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from registry.cli.commands.common import path_argument
from registry.cli.output import Output
from registry.core.errors import Conflict, UsageError

if TYPE_CHECKING:
    from registry.settings import Settings


def add_server(importing: argparse.ArgumentParser) -> None:
    """Add the options."""
    importing.add_argument("--server", metavar="URL", help="import into this registry instead of this home")
    importing.add_argument(
        "--token-file", type=path_argument, metavar="FILE", help="holds the token for --server (or set EMOTIONET_TOKEN)"
    )
    importing.add_argument(
        "--plain-http", action="store_true", help="let the token go to --server over http, within a trusted network"
    )


def check_options(wanted: argparse.Namespace) -> None:
    """``UsageError`` for options that do not go together."""
    if wanted.server is None:
        if wanted.token_file is not None or wanted.plain_http:
            raise UsageError("--token-file and --plain-http are for --server", hint="name it, or leave them out.")
        return
    for name in ("hold", "publish_source"):
        if getattr(wanted, name):
            raise UsageError(
                f"--{name.replace('_', '-')} is for this home: --server is sent images and rows alone",
                hint="leave it out, or import on the server itself.",
            )


@contextmanager
def cids_file(wanted: argparse.Namespace) -> Iterator[IO[bytes] | None]:
    """The file of --cids, which appears whole; a dry run writes none. ``Conflict`` if there is one already."""
    from registry.files import whole_file

    if wanted.cids is not None and wanted.cids.exists():
        raise Conflict(f"{wanted.cids} exists already", code="exists", hint="name a file that does not.")
    if wanted.cids is None or wanted.dry_run:
        yield None
        return
    with whole_file(wanted.cids) as cids:
        yield cids


def send(wanted: argparse.Namespace, output: Output) -> dict[str, Any]:
    """Into another registry, through a home that is thrown away."""
    import tempfile
    from dataclasses import replace

    from registry.assembly import open_home
    from registry.client.connection import Connection
    from registry.content.labels.tables.columns import check_mapping
    from registry.settings import read_settings
    from registry.workflows.images.importing.read_source import Wanted
    from registry.workflows.images.importing.send_source import journal_path, send_source

    settings = read_settings()
    given = Wanted(
        wanted.source, wanted.profile, wanted.labels, check_mapping(wanted.map), wanted.partial, wanted.follow_links
    )
    bars = output.progress()
    connection = Connection(
        wanted.server,
        _token(wanted, settings),
        plain_http=wanted.plain_http,
        on_retry=lambda reason, seconds: bars.say(f"{reason}; again in {seconds:.0f} s"),
    )
    with tempfile.TemporaryDirectory(prefix="emotionet-send-") as folder, cids_file(wanted) as cids:
        scratch = open_home(replace(settings.scratch(Path(folder)), gateways=settings.gateways))
        try:
            journal = journal_path(settings.home, connection.server, given)
            done = send_source(scratch, connection, given, journal, cids=cids, progress=bars)
        finally:
            scratch.close()
            connection.close()
    bars.close()
    return done


def _token(wanted: argparse.Namespace, settings: Settings) -> str:
    """From the file, or the environment; never from the command line, which everybody on this machine can read."""
    if wanted.token_file is not None:
        try:
            lines: list[str] = wanted.token_file.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{wanted.token_file} can't be read", hint="name a file that holds the token.") from error
        if len(lines) != 1:
            raise UsageError(f"{wanted.token_file} does not hold one token", hint="write it into the file, alone.")
        return lines[0]
    if settings.token is None:
        raise UsageError(
            "--server needs a token",
            code="token_missing",
            hint="name its file with --token-file, or set EMOTIONET_TOKEN.",
        )
    return settings.token
