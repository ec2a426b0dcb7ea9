"""What commands share: the home, CIDs as arguments, adding a command to the parser."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.cli.output import Output, warn
from registry.core.errors import EmotionetError, InvalidInput, UsageError
from registry.core.text.claim_text import EXAMPLE, split_claim

if TYPE_CHECKING:
    from registry.assembly import Home

Subparsers = Any  # argparse names its type with an underscore
_WHOLE = re.compile(r"-?[0-9]{1,100}")
Run = Callable[[argparse.Namespace, Output], int]


def add(
    commands: Subparsers, common: argparse.ArgumentParser, name: str, run: Run, about: str
) -> argparse.ArgumentParser:
    """Add one command; ``about`` is its line in the help."""
    parser: argparse.ArgumentParser = commands.add_parser(name, parents=[common], help=about, description=about)
    parser.set_defaults(command=run, parser=parser)
    return parser


def group(commands: Subparsers, name: str, about: str) -> Subparsers:
    """Add a noun whose verbs are commands."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    return parser.add_subparsers(metavar="VERB", required=True)


@contextmanager
def home() -> Iterator[Home]:
    """The home that the environment names, closed afterwards."""
    from registry.assembly import open_home

    opened = open_home()
    try:
        yield opened
    except EmotionetError as error:
        if error.code != "catalog_is_older":  # which says so itself
            _warn_of_a_lost_catalog(opened)
        raise
    else:
        _warn_of_a_lost_catalog(opened)
    finally:
        opened.close()


def _warn_of_a_lost_catalog(opened: Home) -> None:
    """Warn if the catalog lacks what the store holds: that explains whatever the command did or did not find."""
    if "catalog" not in opened.__dict__:
        return
    from registry.workflows.log.lost_catalog import HINT, is_behind

    with suppress(EmotionetError, OSError):
        if is_behind(opened):
            warn("the catalog lacks entries that this home's store or log holds", HINT)


def path_argument(text: str) -> Path:
    """The path that an option or argument names, for ``type=``. ``-`` is refused: commands here read and write no
    stream.
    """
    if text == "-" or not text.strip():
        raise argparse.ArgumentTypeError(f"takes a path, not {text!r}")
    return Path(text)


def issuer(text: str) -> str:
    """An issuer's DID, for ``type=``: given as such, or as its address."""
    from registry.core.issuers import check_did, read_issuer

    did = read_issuer(text)
    with _usage():
        check_did(did)
    return did


def new_name(text: str) -> str:
    """A name that is to be given, for ``type=``; a blank one is the parser's to refuse."""
    from registry.workflows.names.set_name import check_new_name

    with _usage():
        return check_new_name(text) if text.strip() else text


def claim(text: str) -> str:
    """A claim, for ``type=``; one about a class or a group as it is: only the snapshot tells whether it is there."""
    from registry.evaluation.claims import parse_claim

    if text.strip() and ("(" not in text or split_claim(text) is None):
        with _usage():
            parse_claim(text)
    return text


CLAIM: dict[str, Any] = {"type": claim, "metavar": f"'{EXAMPLE}'"}  # of an argument that is a claim


@contextmanager
def _usage() -> Iterator[None]:
    """An argument that is malformed is wrong usage."""
    try:
        yield
    except InvalidInput as error:
        raise UsageError(str(error), code=error.code, hint=error.hint) from error


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """What turns an option's value into a whole number from ``low`` (to ``high``), for ``type=``."""

    def read(text: str) -> int:
        number = int(text) if _WHOLE.fullmatch(text) else low - 1
        if number < low or (high is not None and number > high):
            bounds = f"from {low} on" if high is None else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"takes a whole number {bounds}, not {text[:60]!r}")
        return number

    return read


def name_option(parser: argparse.ArgumentParser, what: str) -> None:
    """The option that gives what is made a name, which moves to it where it stood for something else."""
    parser.add_argument(
        "--name", type=new_name, help=f"call the {what} so from now on; the name moves, it keeps its history"
    )


def limit(parser: argparse.ArgumentParser) -> None:
    """The options of every list: that bounds its length, and ``--wide``."""
    parser.add_argument("--limit", type=whole(1, 1_000_000), default=1000, help="how many at most (default 1000)")
    wide(parser)


def wide(parser: argparse.ArgumentParser) -> None:
    """The option of every table that is cut to the terminal's width."""
    parser.add_argument("--wide", action="store_true", help="whole ids and all columns, however wide the terminal is")


def classes_option(parser: argparse.ArgumentParser) -> None:
    """The option that maps labels to classes."""
    parser.add_argument(
        "--classes",
        default="emociones",
        help="a set of classes by name, or a file with one class per line: `name[, alias...]`, or "
        "`label = nothing` for pictures without an object (default: emociones)",
    )


def classes_text(given: str) -> str:
    """A set's name, or the text of the file that was named."""
    from registry.core.errors import not_read

    path = Path(given)
    if path.is_dir():
        raise UsageError(f"--classes names the folder {given}", hint="name a file, or a set of classes.")
    if not path.is_file():
        return given
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise not_read(given, error) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--classes names {given}, which is not UTF-8 text", hint="save it as UTF-8.") from error
