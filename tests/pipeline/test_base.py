"""Base weights from files: converted once without a pickle being executed, and hostile ones refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def process(scenario: str, folder: Path) -> Any:
    command = [sys.executable, "-m", "tests.pipeline.base_process", scenario, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_kind_of_file_gives_the_same_model(tmp_path: Path) -> None:
    found = process("converted", tmp_path)
    digests = found["digests"]
    assert digests["folder"] == digests["safetensors"] == digests["pt"] != digests["onnx"]  # BatchNorm is folded there
    boxes, scores = found["apart"]
    assert boxes < 0.05
    assert scores < 0.001
    assert found["names"]["pt"] == ["triste", "sorprendido", "feliz", "enojado"]
    assert found["origins"]["folder"] is None
    assert found["origins"]["pt"]["licence"] == "AGPL-3.0"
    assert [found["origins"][kind]["batchnorm"] for kind in ("pt", "onnx")] == ["kept", "folded"]
    assert all(len(found["origins"][kind]["sha256"]) == 64 for kind in ("pt", "onnx"))
