"""Commands that run for long: demo, serve, worker."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from registry.cli.commands.common import Subparsers, add, home, whole
from registry.cli.output import Output
from registry.workflows.parts import Parts
from registry.workflows.upkeep.statistics import kept_statistics


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    showing = add(
        commands,
        common,
        "demo",
        run_demo,
        "run the whole workflow once, from import to audit, and print the next commands",
    )
    showing.add_argument("--data", metavar="DIR|CID|FILE.car", help="real images (else the demo draws its own faces)")
    showing.add_argument("--recipe", default="quick", metavar="NAME|FILE")
    showing.add_argument("--base", metavar="CID|FILE", help="base weights, as `emotionet train` takes them")
    serving = add(commands, common, "serve", run_serve, "serve the pages and the API, with a local worker")
    serving.add_argument("--host", default="127.0.0.1")
    serving.add_argument("--port", type=whole(0, 65_535), default=8000)
    serving.add_argument(
        "--processes", type=whole(1, 64), default=1, metavar="N", help="that answer requests side by side (default: 1)"
    )
    serving.add_argument("--no-worker", action="store_true", help="leave the runs to `emotionet worker`")
    add(commands, common, "worker", run_worker, "run only a worker (one per machine)")


def run_demo(wanted: argparse.Namespace, output: Output) -> int:
    """The whole road."""
    from registry.cli.commands.parts.demo_run import run_demo

    with home() as opened:
        return run_demo(opened, output, data=wanted.data, recipe=wanted.recipe, base=wanted.base)


def check_address(host: str, port: int) -> int:
    """The port that can be listened at, for 0 a free one. ``Unavailable``, before anything is started, if none can."""
    import socket

    from registry.core.errors import WAYS, Unavailable

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
            return int(probe.getsockname()[1])
    except OSError as error:
        hint = WAYS.get(error.errno or 0, "name an address of this machine with --host.")
        raise Unavailable(f"can't listen on {host}:{port}: {error.strerror or error}", hint=hint) from error


def run_serve(wanted: argparse.Namespace, output: Output) -> int:
    """Serve until stopped."""
    import tempfile

    from registry import logs

    port = check_address(wanted.host, wanted.port)
    with home() as opened, tempfile.TemporaryDirectory() as metrics:
        logs.set_up(opened.settings)
        if wanted.processes > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics  # read when its library is loaded
        from registry.api.app import create_app
        from registry.api.serving import processes
        from registry.api.serving.computing import computing

        app, public = create_app(opened), processes.listen(wanted.host, port)
        worker = None if wanted.no_worker else opened.worker()
        thread = threading.Thread(target=worker.work, name="worker", daemon=True) if worker else None
        if thread:
            thread.start()
        output.say(f"serving http://{wanted.host}:{port} (pages, and JSON for programs: /api)")
        output.say(_how_to_sign_in(opened))
        computing.use_processes()
        try:
            with _upkeep(opened) if worker else nullcontext():
                processes.serve(app, public, wanted.processes, opened.settings)
        finally:
            computing.close()
            if worker and thread:
                worker.stopping.set()
                thread.join(20)
    return 0


@contextmanager
def _upkeep(parts: Parts) -> Iterator[None]:
    """What is done beside a worker: the planner is told of the tables, followed logs are brought up to date, and what
    waits for a timestamp is asked for again."""
    from registry.workflows.follow.beside_worker import kept_up_to_date
    from registry.workflows.log.pending_stamps import asked_again

    with kept_statistics(parts), kept_up_to_date(parts), asked_again(parts):
        yield


def _how_to_sign_in(parts: Parts) -> str:
    """What somebody who has no token yet must know."""
    from registry.catalog import tokens

    with parts.catalog.read() as db:
        live = [one for one in tokens.list_tokens(db) if one["revoked"] is None]
    if live:
        return "sign in on the pages with a token; `emotionet token list` lists them"
    return "reading needs no account; to register, train and publish on the pages: `emotionet token create`"


def run_worker(wanted: argparse.Namespace, output: Output) -> int:
    """Work until stopped."""
    from registry import logs

    with home() as opened:
        logs.set_up(opened.settings)
        worker = opened.worker()
        output.say("working; stop with Ctrl-C, jobs under way go back to the queue")
        try:
            with _upkeep(opened):
                worker.work()
        except KeyboardInterrupt:
            worker.stopping.set()
    return 0
