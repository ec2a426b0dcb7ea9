"""What strangers send to deceive readers of pages: none of it runs, loads, leads elsewhere or is shown as verified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.api.pages.base.session import SESSION, VISIT
from registry.assembly import Home, open_home
from registry.core.ipld.cid import CID
from registry.settings import read_settings
from tests.api.conftest import Client, make_token, send
from tests.api.pages.reading import HTML, see, sign_in, value
from tests.api.test_planted import publish
from tests.support.hostile_site import PAGE, SVG, TEXTS, crawl, forged_snapshots, plant, tags, wrong_markup

HONEST = {200, 404, 422, 502}  # shown; not here; refused; does not verify
READ = (
    "/",
    "/images",
    "/snapshots",
    "/runs",
    "/releases",
    "/audits",
    "/register",
    "/signin",
    "/api",
    "/search?q=%3Cb%3E",
)
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/signout", {}),
    ("/images/{image}/label", {"label": "triste"}),
    ("/images/{image}/withdraw", {"reason": "x", "remedy": "notice", "sure": "yes"}),
    ("/snapshots/new", {"classes": "emociones"}),
    ("/runs/new", {"snapshot": "{snapshot}"}),
    ("/runs/aaaaaaaaaaaaa/cancel", {}),
    ("/runs/aaaaaaaaaaaaa/resume", {}),
    ("/runs/aaaaaaaaaaaaa/publish", {}),
    ("/audits", {"target": "{snapshot}"}),
)


class Hostile(NamedTuple):
    """A served registry of hostile content."""

    home: Home
    client: Client
    images: list[str]
    snapshot: str
    forged: list[str]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path_factory.mktemp("hostile") / "home")}))
    with TestClient(create_app(home), raise_server_exceptions=False) as client:
        images, snapshot = plant(client, make_token(home))
        yield Hostile(home, client, images, snapshot, forged_snapshots(home, snapshot))
    home.close()


@pytest.mark.parametrize("signed", [False, True])
def test_no_page_holds_anything_that_runs_or_leads_elsewhere(hostile: Hostile, signed: bool) -> None:
    hostile.client.cookies.clear()
    if signed:
        sign_in(hostile.client, hostile.home)
    below = ("", "/items", "/excluded", "/copies", "/people", f"/diff/{hostile.snapshot}")
    start = [f"/snapshots/{one}{tail}" for one in (hostile.snapshot, *hostile.forged) for tail in below]
    start += [*READ, f"/lineage/{hostile.snapshot}", *(f"/images/{one}" for one in hostile.images)]
    pages, shown = 0, ""
    for path, status, text in crawl(hostile.client, start, 160):
        assert status in HONEST, (path, status)
        assert wrong_markup(text) == [], path
        pages, shown = pages + 1, shown + text
    assert pages > 100
    assert "&lt;script&gt;alert(1)" in shown  # it is shown, as text
    assert "<script>alert" not in shown
    assert "{{ 7 * 7 }}" in shown
    assert "feliz\ufffd detroppus" in shown  # nothing after it is turned around
    assert not re.search("[\u202a-\u202e\u2066-\u2069]|(?:[\u0301\u0316]){9}", shown)


def test_every_page_has_the_strict_policy_and_no_frame_may_hold_it(hostile: Hostile) -> None:
    hostile.client.cookies.clear()
    for path in (*READ, f"/snapshots/{hostile.snapshot}", "/nowhere", f"/snapshots/{hostile.forged[1]}"):
        headers = hostile.client.get(path, headers=HTML).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'", path
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'", path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"


def test_a_planted_snapshot_is_not_shown_as_what_it_states(hostile: Hostile) -> None:
    whole, *lies = hostile.forged
    assert "nobody" in see(hostile.client, f"/snapshots/{whole}").lower()  # who signed it
    for cid in lies:
        answers = [hostile.client.get(f"/snapshots/{cid}{tail}", headers=HTML) for tail in ("", "/items")]
        assert all(one.status_code in {404, 502} for one in answers), [one.status_code for one in answers]
        assert all("/runs/new" not in one.text for one in answers)  # nobody is led to train with it


def test_a_page_that_is_stored_as_content_is_a_download_and_has_no_rights(hostile: Hostile) -> None:
    published = send(hostile.client, make_token(hostile.home), [PAGE, SVG])
    for cid in published:
        publish(hostile.home, cid)
    asked = [f"/ipfs/{cid}?format=raw" for cid in (*published, CID.parse(hostile.images[-1]))]
    for path in [*asked, f"{asked[0]}&filename=supported.html"]:
        answer = hostile.client.get(path, headers={**HTML, "Accept": "text/html, */*"})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/vnd.ipld.raw")
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
    small = hostile.client.get(f"/images/{hostile.images[-1]}/thumbnail")
    assert small.headers["content-type"] == "image/svg+xml"  # a drawing of ours: it can't be decoded
    assert "alert" not in small.text
    assert "sandbox" in small.headers["content-security-policy"]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0])
def test_a_form_of_another_site_changes_nothing(hostile: Hostile, form: tuple[str, dict[str, str]]) -> None:
    client = hostile.client
    sign_in(client, hostile.home)
    names = {"image": hostile.images[0], "snapshot": hostile.snapshot}
    path, fields = form[0].format(**names), {name: text.format(**names) for name, text in form[1].items()}
    good = value(see(client, "/signin"))
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": good}, {"Origin": "https://evil.example"}),
        ({"csrf": good}, {"Origin": "null"}),
        ({"csrf": good}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": good}, {"Sec-Fetch-Site": "same-site"}),
    ]
    for more, headers in attempts:
        answer = client.post(
            path, data={"x": "1", **fields, **more}, headers={**HTML, **headers}, follow_redirects=False
        )
        assert answer.status_code == 403, (more, headers, answer.status_code)
    for kind in ("text/plain", "application/json"):
        answer = client.post(path, content=b"csrf=" + good.encode(), headers={**HTML, "Content-Type": kind})
        assert answer.status_code in {400, 415}
    assert 'action="/signout"' in see(client, "/")


def test_a_redirect_and_every_link_stay_on_this_site(hostile: Hostile) -> None:
    client = hostile.client
    for back in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
    ):
        client.cookies.clear()
        page = client.get("/signin", params={"next": back}, headers=HTML).text
        assert wrong_markup(page) == []
        form = {"token": make_token(hostile.home)["Authorization"][7:], "csrf": value(page), "next": back}
        assert client.post("/signin", data=form, follow_redirects=False).headers["location"] == "/"
    for path in (
        "//evil.example/x",
        "/%2F/evil.example",
        "///evil.example",
        "/%5Cevil.example",
        "/%0d%0aSet-Cookie:%20a=b",
    ):
        answer = client.get(f"http://testserver.local{path}", headers=HTML, follow_redirects=False)
        assert answer.status_code == 404
        assert wrong_markup(answer.text) == [], path
        assert "a=b" not in str(answer.headers.get("set-cookie"))
    answer = client.get("/", headers={**HTML, "Host": "evil.example"})
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(
    "up", ["../../pyproject.toml", "..%2f..%2fpyproject.toml", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5cx"]
)
def test_no_path_leads_out_of_what_is_served(hostile: Hostile, up: str) -> None:
    cid = hostile.snapshot
    below = ("/static/", "/images/", f"/snapshots/{cid}/export/", "/register/", "/audits/", "/runs/", f"/ipfs/{cid}/")
    for path in below:
        answer = hostile.client.get(f"http://testserver.local{path}{up}", headers=HTML, follow_redirects=False)
        assert answer.status_code in {400, 404, 406}, (path, answer.status_code)
        assert "[project]" not in answer.text
        assert "root:x:" not in answer.text


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(hostile: Hostile) -> None:
    with TestClient(create_app(hostile.home), base_url="https://testserver.local") as client:
        page = client.get("/signin", headers=HTML)
        form = {"token": make_token(hostile.home)["Authorization"][7:], "csrf": value(page.text), "next": "/"}
        done = client.post("/signin", data=form, headers={"Origin": "https://testserver.local"}, follow_redirects=False)
        assert done.status_code == 303
        given = [one.lower() for answer in (page, done) for one in answer.headers.get_list("set-cookie")]
        assert {one.partition("=")[0] for one in given} >= {SESSION, VISIT}
        for one in given:
            assert {"httponly", "samesite=strict", "secure"} <= {part.strip() for part in one.split(";")}, one


def test_a_cookie_that_another_program_of_this_host_set_says_nothing_of_its_own(hostile: Hostile) -> None:
    for forged in (
        TEXTS[0],
        '["signin.done",{}]',
        "%5B%22home.title%22%2C%7B%22x%22%3A%22%3Cscript%3E%22%7D%5D",
        "%FF",
        "[" * 5000,
    ):
        answer = hostile.client.get("/", headers={**HTML, "Cookie": f'emotionet_said="{forged}"'})
        assert answer.status_code == 200
        assert wrong_markup(answer.text) == []
        assert not re.search("<script>(alert)?", answer.text)


def test_errors_name_what_was_asked_as_text(hostile: Hostile) -> None:
    for text in TEXTS:
        for path, name in (("/search", "q"), ("/images", "label"), ("/images", "cursor"), ("/releases/compare", "a")):
            answer = hostile.client.get(path, params={name: text}, headers=HTML)
            assert answer.status_code < 500, (path, text)
            assert wrong_markup(answer.text) == [], (path, text)
    assert [one for one, _ in tags("<a onclick=x>")] == ["a"]  # the look itself finds what it looks for
    assert wrong_markup("<a onclick=x>") == ["a onclick=x"]
    assert wrong_markup("<script>x</script><a href='//evil.example'>")
