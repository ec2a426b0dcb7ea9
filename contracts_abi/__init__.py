"""The anchor contract as it was compiled: ABI, bytecode, deployed bytecode. CI recompiles and compares."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def _artefact() -> dict[str, Any]:
    text = (resources.files("contracts_abi") / "Anchor.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def abi() -> list[dict[str, Any]]:
    """The contract's ABI."""
    return list(_artefact()["abi"])


def bytecode() -> str:
    """0x-prefixed creation bytecode."""
    return str(_artefact()["bytecode"])


def deployed_bytecode() -> str:
    """0x-prefixed bytecode as it must lie at the contract's address."""
    return str(_artefact()["deployedBytecode"])
