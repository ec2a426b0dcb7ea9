"""How a command ends with an error: one sentence and a hint, never a traceback.

``emotionet: error: SENTENCE`` on one line of stderr, ``hint: WAY OUT`` on the next.
"""

from __future__ import annotations

import os
import sys

from registry.cli.output import plain
from registry.core.errors import EmotionetError, NotFound, Unavailable, UsageError, not_done

SHOW = "EMOTIONET_TRACEBACK"


def exit_status(error: EmotionetError) -> int:
    """The exit status that an error ends the command with."""
    if isinstance(error, UsageError):
        return 2
    return 3 if isinstance(error, (Unavailable, NotFound)) else 1


def print_error(error: EmotionetError) -> int:
    """Print an error and its hint, a line each; returns the exit status."""
    print(plain(f"emotionet: error: {_line(str(error))}"), file=sys.stderr)
    if error.hint:
        print(plain(f"hint: {_line(error.hint)}"), file=sys.stderr)
    return exit_status(error)


def _line(text: str) -> str:
    return " ".join(text.split("\n"))


def system_error(error: OSError | MemoryError | RecursionError) -> EmotionetError:
    """An error of the operating system that no adapter has translated, as one of the project's errors."""
    if isinstance(error, MemoryError):
        return Unavailable(
            "this machine does not have enough memory", code="no_memory", hint="free memory, or give smaller input."
        )
    if isinstance(error, RecursionError):
        return EmotionetError("the input is nested too deeply", code="too_deep")
    return not_done(error)


def defect(error: Exception) -> EmotionetError:
    """An unexpected exception, as an error that calls it a defect of Emotionet. With EMOTIONET_TRACEBACK=1 the
    traceback is printed too.
    """
    if os.environ.get(SHOW) == "1":
        import traceback

        traceback.print_exception(error)
    said = str(error).strip().partition("\n")[0][:300]
    return EmotionetError(
        f"this is a defect of Emotionet: {type(error).__name__}{': ' * bool(said)}{said}",
        code="defect",
        hint=f"please report it, with what the same command prints when {SHOW}=1 is set.",
    )
