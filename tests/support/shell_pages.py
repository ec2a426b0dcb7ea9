"""Runs the shell blocks of a page of docs/ as its reader would: in one shell, in a folder of its own.

A block of ``sh`` is run. A block of ``text`` right after it is what it prints: each of its lines must stand in the
output of that block, ``…`` being anything. Blocks that are indented, or of another language, are not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "== block "


@dataclass(frozen=True)
class Block:
    """Commands, and the lines that they print."""

    commands: str
    printed: tuple[str, ...] = ()


def blocks(text: str) -> list[Block]:
    """The blocks of a page that are run, in order."""
    found: list[Block] = []
    end = -1  # of the block before, if that is one that is run
    for fenced in _FENCED.finditer(text):
        language, body = fenced.groups()
        if language == "sh":
            found.append(Block(body))
        elif language == "text" and end >= 0 and not text[end : fenced.start()].strip():
            found[-1] = Block(found[-1].commands, tuple(body.splitlines()))
        end = fenced.end() if language == "sh" else -1
    return found


def missing(block: Block, output: str) -> list[str]:
    """The lines that a page promises and that the output does not have."""

    def stands(line: str) -> bool:
        pattern = r".*".join(re.escape(part) for part in line.split("…"))
        return re.search(rf"^{pattern}", output, re.MULTILINE) is not None

    return [line for line in block.printed if not stands(line)]


def run_page(page: Path, folder: Path) -> None:
    """Run a page in ``folder``. ``AssertionError``, with what was printed: a command fails, or a line is missing."""
    wanted = blocks(page.read_text(encoding="utf-8"))
    assert wanted, f"{page.name} has no block that is run"
    script = "set -euo pipefail\n" + "".join(
        f"echo '{_MARK}{number}'\n{block.commands}" for number, block in enumerate(wanted)
    )
    own = {name: value for name, value in os.environ.items() if not name.startswith("EMOTIONET_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{own.get('PATH', os.defpath)}"
    environment = {**own, "PATH": path, "HOME": str(folder), "EMOTIONET_HOME": str(folder / "home")}
    ended = subprocess.run(
        ["/bin/bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, f"{page.name}:\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    printed = re.split(rf"^{_MARK}\d+\n", ended.stdout, flags=re.MULTILINE)[1:]
    for block, output in zip(wanted, printed, strict=True):
        assert missing(block, output) == [], f"{page.name}:\n{block.commands}\n{output}"
