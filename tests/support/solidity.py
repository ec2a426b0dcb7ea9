"""Contracts of tests, compiled by the real compiler when they are wanted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

_PROGRAM = """
const solc = require(require.resolve("solc", { paths: [process.argv[1]] }));
const text = require("fs").readFileSync(0, "utf8");
const settings = { outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } };
const input = { language: "Solidity", sources: { "a.sol": { content: text } }, settings };
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors ?? []).filter((one) => one.severity === "error");
if (errors.length) throw new Error(errors[0].formattedMessage);
console.log(JSON.stringify(output.contracts["a.sol"]));
"""


def compiled(solc: Path, source: Path) -> dict[str, Any]:
    """Each contract of a file by its name, with ``abi`` and ``evm.bytecode.object``. ``solc``: npm's folder."""
    done = subprocess.run(
        ["node", "-e", _PROGRAM, str(solc)], input=source.read_bytes(), capture_output=True, check=True, timeout=120
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
