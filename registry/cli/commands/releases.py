"""Commands on releases: publish, list, show, predict."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from registry.cli.commands.common import Subparsers, add, group, home, limit, record
from registry.cli.output import Output, table


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    verbs = group(commands, "release", "published models with all that they rest on")
    add(verbs, common, "publish", run_publish, "publish a completed run, signed and anchored").add_argument("run")
    limit(add(verbs, common, "list", run_list, "list releases"))
    add(verbs, common, "show", run_show, "one release").add_argument("release", metavar="CID")
    predicting = add(commands, common, "predict", run_predict, "run a published model on images")
    predicting.add_argument("release", metavar="RELEASE")
    predicting.add_argument("images", nargs="+", type=Path, metavar="IMAGE")


def run_publish(wanted: argparse.Namespace, output: Output) -> int:
    """Publish."""
    from registry.workflows.publish_release import publish_release

    bars = output.progress()
    with home() as opened:
        done = publish_release(opened, wanted.run, progress=bars)
    bars.close()
    output.document(done, identity="release", text=release_text(done))
    return 0


def release_text(done: dict[str, Any]) -> list[str]:
    """A release for people."""
    shown = [
        name for name in ("macro_f1", "accuracy", "pr_auc", "map50", "recall_gap(class)") if name in done["metrics"]
    ]
    figures = [
        [name, *(str(done["metrics"][name][part] or "not estimable") for part in ("value", "low", "high"))]
        for name in shown
    ]
    claims = [
        f"claim {claim['metric']} {claim['comparator']} {claim['threshold']}: {claim['verdict']}"
        for claim in done["claims"]
    ]
    anchor = done["anchor"]
    return [
        f"release {done['release']}",
        f"issuer {done['issuer']}",
        f"snapshot {done['snapshot']}",
        f"final weights {done['final']}",
        table(["metric", "value", "low", "high"], figures),
        *claims,
        f"anchor: {anchor['status']} ({anchor['chain']})",
    ]


def run_list(wanted: argparse.Namespace, output: Output) -> int:
    """List releases, newest first."""
    from registry.catalog import releases

    with home() as opened, opened.catalog.read() as db:
        found, _ = releases.list_releases(db, cursor=None, limit=wanted.limit)
    output.lines(found, identity="cid", columns=["cid", "snapshot", "issuer", "issued_at"])
    return 0


def run_show(wanted: argparse.Namespace, output: Output) -> int:
    """One release."""
    from registry.workflows.publish_release import show_release

    with home() as opened:
        done = show_release(opened, record(opened, wanted.release))
    output.document(done, identity="release", text=release_text(done))
    return 0


def run_predict(wanted: argparse.Namespace, output: Output) -> int:
    """Predict; one line an image."""
    from registry.workflows.predict import predict

    with home() as opened:
        found = predict(opened, record(opened, wanted.release), wanted.images)
    output.lines(found, identity="label", columns=["image", "label", "confidence"])
    return 0
