"""The second verifier, in JavaScript, asked under Node."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from registry.web.verify.verify import script

RELEASES = Path(__file__).parents[1] / "web" / "verify" / "releases.js"


@cache
def verifier_script() -> Path:
    """Its modules as one file, with what tests call; made once a process."""
    path = Path(tempfile.mkdtemp(prefix="emotionet-verifier-")) / "verifier.js"
    path.write_text(script("exports.js"), "utf-8")
    return path


def verified(node: str, *files: Path, trust: Sequence[Path] = ()) -> list[dict[str, Any]]:
    """What it says of each file: ``checks, holds, target, type, issuer, entry, verdict``. ``trust``: files by which its
    reader says whom to trust."""
    command = [node, str(RELEASES), str(verifier_script()), *(f"--trust={one}" for one in trust), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def results_of(document: dict[str, Any]) -> dict[str, str]:
    """Each check's result by its id."""
    return {check["id"]: check["result"] for check in document["checks"]}
