"""The command ``emotionet``: parses arguments, runs one command, turns errors into exit statuses.

Exit statuses: 0 done; 1 failed, or a check did not hold; 2 wrong usage; 3 something could not be
read or reached (try again). Nothing heavy is imported before a command that needs it runs.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence

from registry.cli.commands import anchors, content, images, releases, runs, service, snapshots, upkeep
from registry.cli.output import Output, plain
from registry.core.errors import EmotionetError, NotFound, Unavailable, UsageError

Command = Callable[[argparse.Namespace, Output], int]
NOUNS = (service, content, images, snapshots, runs, releases, anchors, upkeep)


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command; each sets ``command`` to what runs it."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON documents on stdout")
    common.add_argument("--quiet", action="store_true", help="print ids alone, no progress")
    parser = argparse.ArgumentParser(
        prog="emotionet",
        description="A registry of labeled images and of the models trained on them, that anyone can audit.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for noun in NOUNS:
        noun.add_commands(commands, common)
    return parser


def exit_status(error: EmotionetError) -> int:
    """The exit status that an error ends the command with."""
    if isinstance(error, UsageError):
        return 2
    return 3 if isinstance(error, (Unavailable, NotFound)) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["_child"]:  # what an engine starts; not for people
        return service.run_as_child(given[1:])
    parser = build_parser()
    wanted = parser.parse_args(given)
    if wanted.version:
        from importlib import metadata

        print(metadata.version("emotionet"))
        return 0
    if not hasattr(wanted, "command"):
        parser.print_help()
        return 2
    output = Output(as_json=getattr(wanted, "json", False), quiet=getattr(wanted, "quiet", False))
    command: Command = wanted.command
    try:
        return command(wanted, output)
    except EmotionetError as error:
        print(plain(f"emotionet: error: {error}"), file=sys.stderr)
        if error.hint:
            print(plain(f"hint: {error.hint}"), file=sys.stderr)
        return exit_status(error)
    except KeyboardInterrupt:
        print("emotionet: stopped; nothing is lost, run it again to go on", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


COLLECT = (100_000, 50, 100)  # tables are read as millions of small lists, none of them in a cycle: look seldom


def entry() -> None:
    """The console script."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # TERM ends a command as Ctrl-C does
    gc.set_threshold(*COLLECT)
    sys.exit(main())


if __name__ == "__main__":
    entry()
