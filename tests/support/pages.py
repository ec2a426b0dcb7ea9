"""Looking at pages as a reader with a browser does: what is loaded, what the console says, what axe-core finds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog import tokens

PHONE, DESK = (390, 844), (1280, 900)
CONTRAST = {"type": "rule", "values": ["color-contrast"]}  # all that differs between light and dark
LOUD = ("warning", "error", "assert")
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@contextmanager
def served(home: Home) -> Iterator[str]:
    """The address of a real server over a home."""
    config = uvicorn.Config(create_app(home), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    (listening,) = server.servers[0].sockets
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(20)


def make_token(home: Home, *scopes: str) -> str:
    """A token's text, with all scopes but admin unless some are named."""
    with home.catalog.write() as db:
        return tokens.create(db, scopes or [one for one in tokens.SCOPES if one != "admin"], home.now())[1]


@dataclass
class Site:
    """A served home and a browser that looks at it.

    ``wrong`` gathers what the console said and what was asked of other hosts, of every page that ``visit`` gave.
    ``expected`` are parts of console messages that a test brings about on purpose (a 404 is told there too).
    """

    home: Home
    address: str
    browser: Browser
    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @contextmanager
    def visit(self, path: str | None = "/", *, language: str = "en", script: bool = True) -> Iterator[Page]:
        """A page of a new visitor, at a path of the service (None: nowhere yet)."""
        locale = {"en": "en-GB", "es": "es-ES"}[language]
        context = self.browser.new_context(locale=locale, java_script_enabled=script, base_url=self.address)
        try:
            page = self._watched(context)
            if path is not None:
                page.goto(path)
            yield page
        finally:
            context.close()

    def _watched(self, context: BrowserContext) -> Page:
        page = context.new_page()
        own = urlsplit(self.address).netloc
        page.on("console", lambda said: self._note(f"{said.type}: {said.text}") if said.type in LOUD else None)
        page.on("pageerror", lambda error: self._note(f"uncaught: {error}"))
        page.on("request", lambda asked: self._foreign(asked.url, own))
        return page

    def _note(self, text: str) -> None:
        if not any(one in text for one in self.expected):
            self.wrong.append(text)

    def _foreign(self, url: str, own: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != own:
            self.wrong.append(f"asked {url}")

    def sign_in(self, page: Page, *scopes: str) -> None:
        """Sign a visitor in through the page for it, with a new token."""
        page.goto("/signin")
        page.fill("#token", make_token(self.home, *scopes))
        page.click("main form button")
        page.wait_for_url("**/")


def findings(page: Page, rules: Any = RULES) -> list[str]:
    """What axe-core finds on a page, each with the place it stands at."""
    answer = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in answer.response["violations"]
        for node in one["nodes"]
    ]


def overflow(page: Page) -> list[str]:
    """What sticks out of a page to the right, where the page itself would have to be scrolled."""
    found: list[str] = page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.body.querySelectorAll("*")]
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, pre"))
        .map((one) => one.outerHTML.slice(0, 160)).slice(-5)"""
    )
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return found or (["the page is wider than the screen"] if wide else [])


def look(page: Page, *, dark: bool = True) -> None:
    """Fails where axe-core finds something (light, and dark unless that is not asked for), or the page is wider than a
    phone's or a desk's screen."""
    for size in (DESK, PHONE):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        wide = overflow(page)
        assert not wide, "\n".join([f"{page.url} sticks out at {size[0]} pixels:", *wide])
    schemes: tuple[tuple[Literal["dark", "light"], Any], ...] = (("dark", CONTRAST), ("light", RULES))
    for scheme, rules in schemes if dark else schemes[1:]:
        page.emulate_media(color_scheme=scheme)
        found = findings(page, rules)
        assert not found, "\n".join([f"axe-core at {page.url}, {scheme}:", *found])
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
