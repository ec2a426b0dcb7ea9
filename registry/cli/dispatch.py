"""One command: parsed, run, its errors told."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from registry import __version__
from registry.cli.failures import print_error, system_error
from registry.cli.output import Output
from registry.cli.parser import build_parser, parse
from registry.core.errors import EmotionetError

Command = Callable[[argparse.Namespace, Output], int]


def dispatch(given: list[str]) -> int:
    """Run one command; returns its exit status. Nothing heavy is imported before a command that needs it runs."""
    if given[:1] == ["_child"]:  # what an engine starts; not for people
        if given[1].startswith("audit-"):
            from registry.workflows.audit.rerun_child import rerun_in_child

            return rerun_in_child(given[1:])
        from registry.assembly import open_home
        from registry.workflows.training.steps import step_in_child

        return step_in_child(given[1:], open_home)
    try:
        return _run(given)
    except EmotionetError as error:
        return print_error(error)
    except BrokenPipeError:  # whoever read our output has seen enough: `main` ends it
        raise
    except (OSError, MemoryError, RecursionError) as error:
        return print_error(system_error(error))


def _run(given: list[str]) -> int:
    parser = build_parser(given[0] if given else None)
    try:
        wanted = parse(parser, given)
    except SystemExit:  # what argparse ends --help with
        return 0
    if wanted.version:
        print(__version__)
        return 0
    if not hasattr(wanted, "command"):
        parser.print_help()
        return 2
    output = Output(
        as_json=getattr(wanted, "json", False),
        quiet=getattr(wanted, "quiet", False),
        wide=getattr(wanted, "wide", False),
    )
    command: Command = wanted.command
    try:
        return command(wanted, output)
    finally:
        output.close()
