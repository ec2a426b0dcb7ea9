"""The verifier's modules as one script for Node."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.web.verify.verify import script


@pytest.fixture(scope="session")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script that ``vectors.js`` and ``releases.js`` call."""
    path = tmp_path_factory.mktemp("verifier") / "verifier.js"
    path.write_text(script("exports.js"), "utf-8")
    return path
