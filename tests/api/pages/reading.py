"""Pages as a browser without scripts asks for them."""

from __future__ import annotations

import re
from typing import Any

from registry.assembly import Home
from tests.api.conftest import Client
from tests.support.pages import make_token

HTML = {"Accept": "text/html"}


def see(client: Client, path: str, status: int = 200, language: str = "en") -> str:
    """A page's text."""
    answer = client.get(path, headers={**HTML, "Accept-Language": language})
    assert answer.status_code == status, answer.text[:2000]
    assert answer.headers["content-type"].startswith("text/html")
    return str(answer.text)


def value(page: str) -> str:
    """What a page's form must carry against forgery."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


def sign_in(client: Client, home: Home) -> None:
    """Sign a browser in with a token of all scopes."""
    client.cookies.clear()
    form: dict[str, Any] = {"token": make_token(home), "csrf": value(see(client, "/signin")), "next": "/"}
    assert client.post("/signin", data=form, follow_redirects=False).status_code == 303
