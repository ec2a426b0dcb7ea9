"""Pages of images over HTTP: the grid and its filters, one image, thumbnails, another label, taking it back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.assembly import Home
from registry.workflows.images.importing.import_source import import_source
from tests.api.conftest import Client
from tests.api.pages.reading import value
from tests.api.pages.released import client, home, signed
from tests.support.forgery import Released, simulated_release
from tests.support.pages import make_token
from tests.support.pictures import HTML as HTML_BYTES
from tests.support.pictures import SVG, jpeg

__all__ = ["client", "home", "signed"]

HTML = {"Accept": "text/html"}
HOSTILE = '"><script>alert(1)</script>\u202e'


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """A home with a release, a real picture with boxes, an SVG and HTML that are called images."""
    with simulated_release(tmp_path_factory.mktemp("image-pages")) as made:
        folder = tmp_path_factory.mktemp("more")
        for name, data in {"real.jpg": jpeg(1), "evil.svg": SVG, "evil.html": HTML_BYTES}.items():
            (folder / name).write_bytes(data)
        rows = [
            f'real.jpg,feliz,eva,"<b>free</b>",10 10 20 20,"{HOSTILE.replace(chr(34), chr(34) * 2)}"',
            "real.jpg,triste,ben,CC0-1.0,,",
            "evil.svg,feliz,eva,CC0-1.0,,",
            "evil.html,feliz,eva,CC0-1.0,,",
        ]
        table = "\n".join(["file,label,contributor,licence,box,rights.tdm-reservation", *rows])
        (folder / "labels.csv").write_text(table, encoding="utf-8")
        assert import_source(made.home, str(folder))["registered"] == 4
        yield made


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


REAL = digest(jpeg(1))


def see(client: Client, path: str, status: int = 200, language: str = "en") -> str:
    answer = client.get(path, headers={**HTML, "Accept-Language": language})
    assert answer.status_code == status, answer.text[:2000]
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in answer.text
    return str(answer.text)


def shown(page: str) -> list[str]:
    """The images of a grid, in order."""
    return re.findall(r'class="shot" href="/images/([0-9a-f]{64})"', page)


def test_the_grid_shows_all_images_and_its_bars_are_the_filter(client: Client) -> None:
    page = see(client, "/images")
    everything = shown(page)
    assert everything == sorted(everything)
    assert f"{len(everything)} images" in page
    href = re.search(r'<a href="(/images\?label=feliz)"', page)
    assert href
    happy = shown(see(client, href[1]))
    assert 0 < len(happy) < len(everything)
    document = client.get(href[1]).json()  # the same address as a document
    assert [one["sha256"] for one in document["items"]] == happy


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("contributor=eva", 3),
        ("licence=%3Cb%3Efree%3C/b%3E", 1),
        ("right=any", 1),
        ("right=tdm-reservation", 1),
        ("right=licence-text", 0),
        ("disputed=true&contributor=eva", 1),
        ("label=feliz&contributor=ben&licence=CC0-1.0", 0),
        ("status=withdrawn", 0),
    ],
)
def test_filters_of_the_address_hold_for_page_and_document_alike(client: Client, query: str, count: int) -> None:
    page = see(client, f"/images?{query}")
    assert len(shown(page)) == count
    assert len(client.get(f"/images?{query}").json()["items"]) == count
    assert ("No image meets these filters" in page) == (count == 0)
    assert "Ninguna imagen" in see(client, f"/images?{query}", language="es") or count


@pytest.mark.parametrize("value", ["true", "1", "false", "0", "xyz"])
def test_a_filter_that_is_on_or_off_is_read_alike_for_page_and_document(client: Client, value: str) -> None:
    document = client.get(f"/images?disputed={value}")
    page = see(client, f"/images?disputed={value}", document.status_code)
    if document.status_code == 200:
        assert shown(page) == [one["sha256"] for one in document.json()["items"]]
    assert (document.status_code == 200) == (value != "xyz")


def test_what_a_run_dropped_for_a_reason_is_a_filter(client: Client, home: Home) -> None:
    page = see(client, "/images")
    links = re.findall(r'<a href="(/images\?run=[^"&]+&amp;dropped=[^"]+)">', page)
    runs = client.get("/api/v1/runs").json()["items"]
    assert len(links) == sum(len(run["dropped"] or {}) for run in runs)
    for wrong, status in (("run=x&dropped=blur", 404), ("run=x", 400)):
        see(client, f"/images?{wrong}", status)


def test_pages_follow_each_other_by_links_alone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.web.pages import images

    everything = shown(see(client, "/images"))
    monkeypatch.setattr(images, "ON_A_PAGE", 10)
    found, path = [], "/images"
    while path:
        page = see(client, path)
        found += shown(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == everything


def test_a_thumbnail_is_webp_with_a_type_that_no_browser_guesses(client: Client) -> None:
    answer = client.get(f"/images/{REAL}/thumbnail?size=160")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in answer.headers["cache-control"]
    assert "public" not in answer.headers["cache-control"]
    again = client.get(f"/images/{REAL}/thumbnail?size=160", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/images/{REAL}/thumbnail?size=161").status_code == 400
    assert client.get(f"/images/{'0' * 64}/thumbnail").status_code == 404


@pytest.mark.parametrize("data", [SVG, HTML_BYTES])
def test_svg_and_html_that_are_stored_as_images_give_our_own_drawing(client: Client, data: bytes) -> None:
    answer = client.get(f"/images/{digest(data)}/thumbnail")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert b"script" not in answer.content
    assert b"alert" not in answer.content
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "alert" not in see(client, f"/images/{digest(data)}")


def test_an_image_says_who_gave_which_label_and_where_it_is_used(client: Client, home: Home) -> None:
    page = see(client, f"/images/{REAL}")
    assert "<bdi>eva</bdi>" in page
    assert "<bdi>ben</bdi>" in page
    assert "&lt;b&gt;free&lt;/b&gt;" in page
    assert 'viewBox="0 0 60 40"' in page
    assert 'x="10.0" y="10.0" width="20.0" height="20.0"' in page
    assert "No snapshot holds it" in page
    used = client.get("/api/v1/snapshots").json()["items"][0]["cid"]
    held = client.get(f"/api/v1/snapshots/{used}/items?limit=1").json()["items"][0]
    page = see(client, f"/images/{held['sha256']}")
    assert f"holds it as {held['label']} · <a" in page
    assert "What models said of it" in page
    proof = re.search(r'href="(/api/v1/snapshots/[^"]+)" download', page)
    assert proof
    assert client.get(proof[1], headers=HTML).json()["included"] is True
    assert f"holds it as {held['label']}" in see(client, f"/images/{held['image']}")  # by its CID
    see(client, f"/images/{'0' * 64}", 404)


def test_without_a_session_an_image_says_how_to_take_it_back_and_no_form_does(client: Client) -> None:
    client.cookies.clear()
    page = see(client, f"/images/{REAL}")
    assert "How to take it back" in page
    assert 'action="/images/' not in page
    answer = client.get(f"/images/{REAL}/withdraw", headers=HTML, follow_redirects=False)
    assert answer.headers["location"].startswith("/signin?next=")


def post(client: Client, path: str, **form: str) -> Any:
    return client.post(path, data=form, headers=HTML, follow_redirects=False)


def test_another_label_is_signed_from_the_page_and_the_old_one_stays(signed: Client) -> None:
    page = see(signed, f"/images/{REAL}")
    assert post(signed, f"/images/{REAL}/label", label="asustado").status_code == 403  # no value against forgery
    form = {"csrf": value(page), "label": HOSTILE.replace("\u202e", ""), "contributor": "eva"}
    assert post(signed, f"/images/{REAL}/label", **form).headers["location"] == f"/images/{REAL}"
    page = see(signed, f"/images/{REAL}")
    assert "eva now says" in page  # ben still says otherwise
    assert page.count("counts now") == 2
    assert "replaced" in page
    assert post(signed, f"/images/{REAL}/label", **{**form, "label": " "}).status_code == 422


def test_a_label_corrects_the_row_that_is_shown_or_the_page_asks_whose_and_never_calls_a_tie_corrected(
    signed: Client, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "one.jpg").write_bytes(jpeg(7))
    (tmp_path / "labels.csv").write_text("file,label,contributor\none.jpg,feliz,gil\n")
    assert import_source(home, str(tmp_path))["registered"] == 1
    path = f"/images/{digest(jpeg(7))}"

    def labels() -> dict[str, str]:
        rows = re.findall(r"<h3><bdi>(\w+)</bdi></h3>.*?<dt>Contributor</dt><dd>(.*?)</dd>", see(signed, path), re.S)
        return {re.sub("<[^>]+>", "", who): label for label, who in rows}

    def give(label: str, **whose: str) -> str:
        answer = post(signed, f"{path}/label", csrf=value(see(signed, path)), label=label, **whose)
        if answer.status_code != 303:
            assert answer.status_code == 400, answer.text
            return str(answer.text)
        found = re.search(r'<[^>]*class="note good"[^>]*>(.*?)</', see(signed, path), re.S)
        assert found
        return found[1]

    assert '<option value="=gil">gil: feliz</option>' in see(signed, path)
    assert "now has the label triste" in give("triste")  # nothing chosen: the only one of this registry
    assert labels() == {"gil": "triste"}
    said = give("feliz", whose="+")
    assert "no other was corrected" in said
    assert "the next snapshot leaves it out" in said
    assert labels() == {"gil": "triste", "this registry": "feliz"}
    assert "choose whose label" in give("feliz")
    assert labels() == {"gil": "triste", "this registry": "feliz"}
    assert "gil now says asco" in give("asco", whose="=gil")
    assert "now has the label feliz" in give("feliz", whose="=gil")
    assert "no other was corrected" in give("triste", contributor="hugo")
    assert labels() == {"gil": "feliz", "this registry": "feliz", "hugo": "triste"}


def test_the_form_offers_no_other_names_to_a_token_that_writes_in_one(
    client: Client, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "one.jpg").write_bytes(jpeg(8))
    (tmp_path / "labels.csv").write_text("file,label,contributor\none.jpg,feliz,gil\n")
    assert import_source(home, str(tmp_path))["registered"] == 1
    path = f"/images/{digest(jpeg(8))}"
    client.cookies.clear()
    text = make_token(home, "images:write")
    form = {"token": text, "csrf": value(client.get("/signin", headers=HTML).text), "next": "/"}
    assert client.post("/signin", data=form, follow_redirects=False).status_code == 303
    page = see(client, path)
    assert "writes in one name alone" in page
    assert not re.findall('<option value="[=+]|name="contributor"', page)
    assert post(client, f"{path}/label", csrf=value(page), label="triste", whose="=gil").status_code == 403
    assert post(client, f"{path}/label", csrf=value(page), label="triste").status_code == 303
    page = see(client, path)
    assert re.findall('<option value="=([^"]*)"', page) == [home.key.did]
    client.cookies.clear()


def test_taking_it_back_shows_what_it_touches_then_no_picture_is_given(signed: Client, home: Home) -> None:
    snapshot = signed.get("/api/v1/snapshots").json()["items"][0]["cid"]
    held = signed.get(f"/api/v1/snapshots/{snapshot}/items?limit=1").json()["items"][0]["sha256"]
    path = f"/images/{held}/withdraw"
    page = see(signed, path)
    assert f"/snapshots/{snapshot}" in page
    assert "/releases/" in page
    csrf = value(page)
    assert post(signed, path, csrf=csrf, reason="  ", remedy="notice").status_code == 422
    assert post(signed, path, csrf=csrf, reason="mine", remedy="all").status_code == 400
    assert post(signed, path, csrf=csrf, reason="mine <b>", remedy="retrain").headers["location"] == f"/images/{held}"
    page = see(signed, f"/images/{held}")
    assert "mine &lt;b&gt;" in page
    assert "thumbnail" not in page
    assert "How to take it back" not in page
    assert "#take-back" not in page
    assert "Withdraw it again" in page
    assert signed.get(f"/images/{held}/thumbnail").status_code == 410
    assert f"/images/{held}/thumbnail" not in see(signed, "/images")
    assert shown(see(signed, "/images?status=withdrawn")) == [held]


def test_a_catalog_without_images_says_what_to_do(client: Client, tmp_path_factory: pytest.TempPathFactory) -> None:
    from registry.assembly import open_home
    from registry.settings import read_settings

    empty = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path_factory.mktemp("empty"))}))
    with TestClient(create_app(empty)) as other:
        page = see(other, "/images")
    empty.close()
    assert "No image yet" in page
    assert 'href="/register"' in page


def test_whoever_signed_its_labels_can_be_written_to(client: Client, home: Home) -> None:
    from registry.workflows.names.profile import set_profile

    client.cookies.clear()
    assert "has not said how to reach them" in see(client, f"/images/{REAL}")
    set_profile(home, home.key, name="<i>Us</i>", contact="write to <b>us</b>")
    page = see(client, f"/images/{REAL}")
    assert "write to &lt;b&gt;us&lt;/b&gt;" in page
    assert "nobody has checked it" in page
