"""The command ``emotionet``: at no moment does it end in a traceback.

Exit statuses: 0 done; 1 failed, or a check did not hold; 2 wrong usage; 3 something could not be read or reached (try
again). Everything else is imported within ``main``, so that Ctrl-C during the imports is reported like any other.
"""

from __future__ import annotations

import sys

COLLECT = (100_000, 50, 100)  # tables are read as millions of small lists, none of them in a cycle: look seldom


def main(arguments: list[str] | tuple[str, ...] | None = None) -> int:
    """Run one command; returns its exit status. A defect of Emotionet itself is raised as it is."""
    try:
        from registry.cli.dispatch import dispatch

        status = dispatch(sys.argv[1:] if arguments is None else list(arguments))
        return _flushed(status)
    except KeyboardInterrupt:
        print("emotionet: stopped; nothing is lost, run the same command again to continue", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read our output has seen enough
        _discard_output()
        return 0


def _flushed(status: int) -> int:
    """Flush stdout now, so that a full disk is reported as an error and not lost after the last statement."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from registry.cli.failures import print_error
        from registry.core.errors import not_written

        _discard_output()
        return print_error(not_written("the output", error))
    return status


def _discard_output() -> None:
    """Send the rest of stdout nowhere: Python flushes it once more when it ends."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare() -> None:
    """Make sure that both streams exist and take any text, that SIGTERM ends a command as Ctrl-C does, and that the
    garbage collector runs rarely.
    """
    import gc
    import os
    import signal

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed before we began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    gc.set_threshold(*COLLECT)


def _end(status: int) -> None:
    """Exit; from here on Ctrl-C ends the process silently."""
    import signal

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_DFL)
    import gc

    gc.freeze()  # the interpreter would look for cycles in all modules once more before it lets go of them
    sys.exit(status)


def entry() -> None:
    """The console script."""
    try:
        _prepare()
        status = main()
    except KeyboardInterrupt:
        print("emotionet: stopped", file=sys.stderr)
        status = 1
    except Exception as error:
        from registry.cli.failures import defect, print_error

        status = print_error(defect(error))
    _end(status)


if __name__ == "__main__":
    entry()
