"""Base weights from files: converted once without a pickle being executed, and hostile ones refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.support.processes.forked import server

pytestmark = pytest.mark.slow
SECONDS = 500


def process(scenario: str, folder: Path) -> Any:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = server().run("tests.pipeline.convert.base_process", (scenario, str(folder)), ROOT, environment, SECONDS)
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
