"""Audits files one after the other, and prints a line of JSON for each: what fails, and the most memory held so far.

A process of its own, so that what it holds is what an audit holds: ``python -m tests.hostile.judge FILE...``
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.measure import peak
from registry.provenance.checks.results import FAILS
from registry.workflows.audit.audit_file import audit_car


def main(paths: list[str]) -> None:
    """Of each file: ``failed``, ids and reasons; ``answer``; ``seconds`` of processor; ``peak`` in bytes."""
    for path in paths:
        begin = time.process_time()
        report = audit_car(Path(path))
        failed = {check.id: check.reason for check in report.checks if check.result == FAILS}
        answer = report.verdict.document()["short"]["en"]
        spent = time.process_time() - begin
        print(json.dumps({"failed": failed, "answer": answer, "seconds": spent, "peak": peak()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
