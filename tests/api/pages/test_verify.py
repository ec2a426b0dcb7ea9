"""The page that verifies a file: served whole, with the policy that it carries itself."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import open_home
from registry.settings import read_settings
from registry.web.verify.verify import policy, script, verify_page


def test_the_verifier_is_served_as_it_is_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "home"))
    home = open_home(read_settings())
    with TestClient(create_app(home)) as client:
        for accept in ("text/html", "*/*", "application/json"):
            answer = client.get("/verify", headers={"Accept": accept, "Accept-Encoding": "identity"})
            assert (answer.status_code, answer.text) == (200, verify_page())
            assert answer.headers["content-security-policy"] == f"{policy()}; frame-ancestors 'none'"
        packed = client.get("/verify", headers={"Accept-Encoding": "gzip"})
        assert packed.text == verify_page()
        assert int(packed.headers["content-length"]) < 150_000
        again = client.get("/verify", headers={"If-None-Match": packed.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    home.close()


def test_the_page_holds_nothing_that_its_policy_would_stop() -> None:
    page = verify_page()
    assert f'content="{policy()}"' in page
    assert "connect-src 'none'" in policy()
    assert not re.search(r"(?:src|href)=\"(?!/|#)", page)  # nothing from elsewhere; links lead to the registry itself
    assert not re.search(r" style=| on[a-z]+=\"", page.partition("<script")[0])
    code = script("main.js")
    assert "</script" not in code.lower()
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttp"):
        assert forbidden not in code
    assert len(gzip.compress(page.encode())) < 150_000
