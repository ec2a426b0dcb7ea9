"""What the demo tells while it works, and its result for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from registry.cli.output import Output, cell, table
from registry.cli.watch_run import work_until_ended
from registry.core.text.cleaning import counted

if TYPE_CHECKING:
    from registry.assembly import Home


def run_demo(opened: Home, output: Output, *, data: str | None, recipe: str, base: str | None) -> int:
    """Run it; exit status 0 if the audit holds."""
    from registry.demo.demo import Watching, demo

    bars = output.progress()

    def work(run: str) -> None:
        bars.close()  # the import's
        work_until_ended(opened, run, output)

    watching = Watching(output.say, bars, work)
    document, audit = demo(opened, watching, data=data, recipe=recipe, base=base)
    output.document({**document, "id": document["release"]["release"]}, identity="id", text=_text(document))
    return audit.exit_code(strict=False)


def _text(document: dict[str, Any]) -> list[str]:
    from registry.cli.texts.figures import verdict_lines
    from registry.demo.demo import next_commands

    imported, snapshot, release = (document[name] for name in ("import", "snapshot", "release"))
    return [
        "",
        table(["what", "result"], [*_rows_of_data(document), *_rows_of_figures(document)]),
        "",
        *verdict_lines(document["audit"]["verdict"]),
        "",
        f"root      {imported['root']}",
        f"snapshot  {snapshot['snapshot']}",
        f"plan      {release['plan']}",
        f"release   {release['release']}",
        f"report    {document['report']}",
        f"CAR       {document['car']}",
        "",
        f"{document['seconds']} s. Try next:",
        *(f"  {command}" for command in next_commands(document["car"], release["release"])),
    ]


def _rows_of_data(document: dict[str, Any]) -> list[list[str]]:
    imported, snapshot, run = (document[name] for name in ("import", "snapshot", "run"))
    images = counted(snapshot["count"], "image")
    return [
        ["registered", f"{counted(imported['rows'], 'row')}, {counted(imported['images'], 'different image')}"],
        ["rejected rows", cell(dict(Counter(bad["code"] for bad in imported["rejected"])))],
        ["snapshot", f"{images}: {cell(snapshot['labels'])}; left out: {cell(snapshot['excluded'])}"],
        ["cleaning", f"{run['kept']} kept; dropped: {cell(run['dropped'] or {})}"],
    ]


def _rows_of_figures(document: dict[str, Any]) -> list[list[str]]:
    rows = []
    for name in ("macro_f1", "pr_auc"):
        metric = document["release"]["metrics"][name]
        interval = f"{metric['low']} to {metric['high']}, {counted(metric['n'], 'image')}"
        rows.append([name, f"{metric['value']} (95 %: {interval})"])
    for result in ("holds", "does not hold", "not checked"):
        names = [check["id"] for check in document["audit"]["checks"] if check["result"] == result]
        if names:
            rows.append([f"checks: {result}", ", ".join(names)])
    return rows
