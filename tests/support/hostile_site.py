"""A registry full of what strangers may send to deceive a reader of its pages, and a look at every page of it.

Every text field holds markup, right-to-left text or long words; a picture's bytes are a page; snapshots are forged.
``crawl`` follows every link of every page, as a reader without scripts; ``wrong_markup`` finds what could run, load
something foreign or lead elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urlsplit

from registry.assembly import Home
from registry.core.ipld.cid import CID
from tests.api.conftest import Client, Headers, picture, send
from tests.api.test_planted import changes, forged, publish

ALERT = "<script>alert(1)</script>"
TEXTS = (
    ALERT,
    "<img src=x onerror=alert(2)>",
    "'\"><svg onload=alert(3)>",
    "</textarea></title></style></script>" + ALERT,
    "javascript:alert(4)",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "Verdict: supported",
    "\u05d7\u05d9\u05d5\u05da \u0645\u0631\u062d\u0628\u0627 abc",
    "W" * 200,
    "feliz\u202e detroppus \u2066x",
    "feliz" + "\u0301\u0316" * 90,
    "a\u0301" * 100,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 20,
    "&lt;b&gt;&#x202e;&amp;",
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(5)"><script>alert(6)</script></svg>'
PAGE = b"<!doctype html><title>Emotionet</title><script>alert(7)</script><h1>supported</h1>"
LEFT_OUT = ("/static", "/ipfs", "/schema", "/verify")
URLS = {"href", "src", "action", "formaction", "poster", "data", "xlink:href", "srcset", "cite", "background"}


def plant(client: Client, writer: Headers) -> tuple[list[str], str]:
    """Images whose every text is hostile and a snapshot of them; the CIDs of both. The last image's bytes are a page
    behind a picture's signature. SVG and HTML by themselves are refused.
    """
    files = [*(picture(200 + number) for number in range(len(TEXTS))), picture(300, 100) + PAGE]
    cids = list(map(str, send(client, writer, files)))
    rows: list[dict[str, Any]] = []
    for number, cid in enumerate(cids):
        text = TEXTS[number % len(TEXTS)]
        more = {"licence": text, "consent": text, "attributes": {"attr" + text[:80]: text}}
        rows.append({"cid": cid, "label": text, "contributor": text, "subject": text, **more})
        rows.append({"cid": cid, "label": "feliz", "contributor": "anna", **more})
    answer = client.post("/api/v1/images?rows=all", json=rows, headers=writer)
    assert answer.status_code == 200, answer.text
    assert {one["status"] for one in answer.json()["results"]} == {"registered"}
    naked = list(map(str, send(client, writer, [SVG, PAGE])))
    answer = client.post(
        "/api/v1/images?rows=all", json=[{"cid": one, "label": "feliz"} for one in naked], headers=writer
    )
    assert {one["code"] for one in answer.json()["results"]} == {"not_an_image"}
    classes = "feliz, happy\n" + "\n".join(text for text in TEXTS if "," not in text and "=" not in text) + "\n"
    answer = client.post("/api/v1/snapshots", json={"classes": classes}, headers=writer)
    assert answer.status_code == 201, answer.text
    return cids, str(answer.json()["snapshot"])


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def tags(text: str) -> list[tuple[str, dict[str, str | None]]]:
    """Every tag of a page with its attributes."""
    parser = _Tags()
    parser.feed(text)
    parser.close()
    return parser.tags


def wrong_markup(text: str) -> list[str]:
    """What of a page could run, load something foreign or lead away from this service."""
    found = []
    for tag, attributes in tags(text):
        source = attributes.get("src") or ""
        if tag == "script" and not re.fullmatch(r"/static/[\w./-]+\.js(\?\S*)?", source):
            found.append(f"script {attributes}")
        if tag in {"iframe", "object", "embed", "base", "frame", "applet", "math"}:
            found.append(tag)
        if tag == "meta" and "http-equiv" in attributes and not (attributes.get("content") or "").isdecimal():
            found.append(f"meta {attributes}")
        for name, value in attributes.items():
            if name.startswith("on") or name in {"style", "srcdoc"}:
                found.append(f"{tag} {name}={value}")
            if name in URLS and value and not _own(value, tag):
                found.append(f"{tag} {name}={value}")
    return found


def _own(address: str, tag: str) -> bool:
    if address.startswith("data:image/") and tag in {"img", "image", "link"}:
        return True
    plain = address.strip()
    parts = urlsplit(plain)
    return not parts.scheme and not parts.netloc and not plain.startswith(("//", "/\\"))


def crawl(client: Client, start: list[str], most: int = 400) -> Iterator[tuple[str, int, str]]:
    """Path, status and text of every page that links lead to, from ``start`` on; but not of the verifier, a file of
    its own.
    """
    waiting, seen = list(start), set(start)
    while waiting:
        path = waiting.pop(0)
        answer = client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)
        kind = answer.headers.get("content-type", "")
        if not kind.startswith("text/html"):
            continue
        yield path, answer.status_code, answer.text
        for tag, attributes in tags(answer.text):
            link = attributes.get("href") if tag == "a" else None
            link = urldefrag(link or "")[0]
            known = link in seen or len(seen) >= most
            if link.startswith("/") and not known and not link.startswith(LEFT_OUT):
                seen.add(link)
                waiting.append(link)


def forged_snapshots(home: Home, snapshot: str) -> list[str]:
    """Snapshots whose items are another table, whose counts can't be, whose tables are missing."""
    found = []
    for change in [{"rule": ALERT}, *changes(home)]:
        cid = forged(home, CID.parse(snapshot), **change)
        publish(home, cid)
        found.append(str(cid))
    return found
