"""Registering over forms alone, and as the pages' module does it."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.api.pages import register
from registry.assembly import Home, open_home
from registry.settings import read_settings
from tests.api.conftest import Client
from tests.api.pages.reading import value
from tests.support.pages import make_token
from tests.support.pictures import jpeg

HTML = {"Accept": "text/html"}
TABLE = b'bild,label,contributor\nr0.jpg,feliz,anna\nr1.jpg,triste,"<script>alert(1)</script>"\nnone.jpg,feliz,anna\n'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    opened = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path_factory.mktemp("register") / "home")}))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def anybody(home: Home) -> Iterator[Client]:
    with TestClient(create_app(home), raise_server_exceptions=False) as found:
        yield found


def sign_in(client: Client, token: str) -> str:
    """Sign in; the value that a form must carry from now on."""
    client.cookies.clear()
    form = {"token": token, "csrf": value(client.get("/signin", headers=HTML).text), "next": "/"}
    assert client.post("/signin", data=form, follow_redirects=False).status_code == 303
    return value(client.get("/", headers=HTML).text)


@pytest.fixture
def csrf(anybody: Client, home: Home) -> Iterator[str]:
    """The browser is signed in with a token that may register images."""
    yield sign_in(anybody, make_token(home, "images:write", "contribute-for"))
    anybody.cookies.clear()


def send(client: Client, path: str, csrf: str, files: dict[str, bytes], **more: Any) -> Any:
    given = [("files", (name, data)) for name, data in files.items()]
    form = {"csrf": csrf, **more}
    return client.post(path, data=form, files=given or None, headers=HTML, follow_redirects=False)


def see(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status, answer.text[:2000]
    assert "<script>alert" not in answer.text
    return str(answer.text)


def settled(client: Client, path: str, words: str) -> str:
    """The page once it says this."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        page = see(client, path)
        if words in page:
            return page
        time.sleep(0.1)
    raise AssertionError(page)


def images(client: Client) -> int:
    return len(client.get("/api/v1/images").json()["items"])


def test_who_is_not_signed_in_is_told_how_and_can_send_nothing(anybody: Client, home: Home) -> None:
    anybody.cookies.clear()
    page = see(anybody, "/register")
    assert "needs a token" in page
    assert 'type="file"' not in page
    answer = anybody.post("/register", headers=HTML, follow_redirects=False)
    assert answer.headers["location"].startswith("/signin")
    csrf = sign_in(anybody, make_token(home, "runs:write"))
    assert "lacks the scope" in see(anybody, "/register")
    assert send(anybody, "/register", csrf, {"a.jpg": b"x"}).status_code == 403
    assert not list((home.settings.home / "uploads").glob("*"))


def test_by_forms_alone_from_files_to_a_signed_contribution(anybody: Client, csrf: str) -> None:
    files = {"faces/table.csv": TABLE, "faces/images/r0.jpg": jpeg(10), "faces/images/r1.jpg": jpeg(11)}
    address = send(anybody, "/register", csrf, files).headers["location"]
    page = settled(anybody, address, "Check before you sign")
    assert "can&#39;t be registered as it is" in page or "can't be registered as it is" in page
    assert '<option value="bild">' in page
    assert 'value="sign"' not in page
    page = see(anybody, f"{address}?map.file=bild")
    assert "Sign and register 2 labels" in page
    assert '<td class="n">4</td>' in page  # the line of the row whose file is not there
    assert "&lt;script&gt;" in page
    assert images(anybody) == 0
    answer = send(anybody, address, csrf, {}, do="sign", **{"map.file": "bild"})
    assert answer.headers["location"] == f"{address}?map.file=bild"
    page = settled(anybody, address, "2 labels were registered")
    make, train = re.findall(r'href="(/snapshots/new\?[^"]+)"', page)
    assert make.replace("preview=1", "preview=1&amp;then=train") == train
    assert "2 images" in see(anybody, make.replace("&amp;", "&"))  # the form, filled in, and what it would give
    assert images(anybody) == 2
    assert "2 labels were registered" in see(anybody, address)  # asked again it says the same
    send(anybody, address, csrf, {}, do="sign")
    assert images(anybody) == 2


def test_a_spanish_page_says_in_spanish_why_rows_were_refused(anybody: Client, csrf: str) -> None:
    table = b"file,label,box\nx.jpg,calm,\nnone.jpg,calm,\ny.jpg,,\nx.jpg,calm,1 2\n"
    files = {"labels.csv": table, "x.jpg": jpeg(40), "y.jpg": jpeg(41)}
    address = send(anybody, "/register", csrf, files).headers["location"]
    english = settled(anybody, address, "Check before you sign")
    assert "<td>none.jpg is neither beside labels.csv nor in images/</td>" in english
    for words in ("Revise antes de firmar", "Registrado"):
        page = settled(anybody, f"{address}?lang=es", words)
        assert "«none.jpg» no está ni junto a la tabla ni en images/." in page
        assert "La etiqueta está vacía: escriba una o quite la fila." in page
        assert "El recuadro no se puede aceptar" in page
        assert "is neither beside" not in page
        assert '<span lang="en">&#39;1 2&#39; is not a box' in page
        send(anybody, address, csrf, {}, do="sign")


def test_other_labels_than_the_usual_are_proposed_as_classes_and_training_follows_the_snapshot(
    anybody: Client, home: Home
) -> None:
    csrf = sign_in(anybody, make_token(home, "images:write", "contribute-for", "snapshots:write", "runs:write"))
    table = b"file,label,contributor\nx.jpg,calm,eva\ny.jpg,proud,eva\n"
    files = {"labels.csv": table, "x.jpg": jpeg(30), "y.jpg": jpeg(31)}
    address = send(anybody, "/register", csrf, files).headers["location"]
    settled(anybody, address, "Sign and register 2 labels")
    send(anybody, address, csrf, {}, do="sign")
    page = settled(anybody, address, "2 labels were registered")
    (train,) = re.findall(r'href="(/snapshots/new\?[^"]*then=train[^"]*)"', page)
    form = see(anybody, train.replace("&amp;", "&"))
    assert "calm\nproud" in form
    assert 'name="contributor" value="eva"' in form
    fields = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', form))
    taken = anybody.post("/snapshots/new", data={**fields, "csrf": value(form)}, follow_redirects=False)
    assert taken.headers["location"].startswith("/runs/new?snapshot=baf")
    anybody.cookies.clear()


def test_of_two_files_with_one_name_the_second_is_refused_and_told(anybody: Client, csrf: str) -> None:
    address = send(anybody, "/register", csrf, {}).headers["location"]
    given = [("files", ("same.png", b"one")), ("files", ("same.png", b"two")), ("files", ("b.png", b"three"))]
    form = {"csrf": csrf, "path": ["same.png", "same.png", "b.png"]}
    answer = anybody.post(f"{address}/files", data=form, files=given)
    assert [one["name"] for one in answer.json()["refused"]] == ["same.png"]
    assert "only the first was taken" in answer.json()["refused"][0]["reason"]
    began = anybody.post("/register", data={"csrf": csrf}, files=given, headers=HTML)
    assert "only the first was taken" in began.text


def test_a_form_without_its_value_stages_nothing(anybody: Client, home: Home, csrf: str) -> None:
    before = sorted((home.settings.home / "uploads").glob("*"))
    assert send(anybody, "/register", "0" * 64, {"a.jpg": b"x"}).status_code == 403
    assert sorted((home.settings.home / "uploads").glob("*")) == before


def test_an_upload_is_its_own_tokens_alone_and_can_be_discarded(anybody: Client, home: Home, csrf: str) -> None:
    address = send(anybody, "/register", csrf, {"a.jpg": b"x"}).headers["location"]
    other = sign_in(anybody, make_token(home, "images:write"))
    see(anybody, address, 404)
    assert send(anybody, f"{address}/files", other, {"b.jpg": b"y"}).status_code == 404
    assert send(anybody, address, other, {}, do="discard").status_code == 404
    assert address not in see(anybody, "/register")


def test_discarding_deletes_what_was_sent(anybody: Client, home: Home, csrf: str) -> None:
    address = send(anybody, "/register", csrf, {"a.jpg": b"x"}).headers["location"]
    assert address in see(anybody, "/register")
    assert send(anybody, address, csrf, {}, do="discard").headers["location"] == "/register"
    assert not (home.settings.home / "uploads" / address.rpartition("/")[2]).exists()
    see(anybody, address, 404)


def test_names_that_lead_elsewhere_are_told_and_the_rest_is_taken(anybody: Client, home: Home, csrf: str) -> None:
    address = send(anybody, "/register", csrf, {}).headers["location"]
    given = [("files", ("x", b"one")), ("files", ("x", b"two"))]
    form = {"csrf": csrf, "path": ["../../../evil.jpg", "good/a.jpg"]}
    answer = anybody.post(f"{address}/files", data=form, files=given)
    assert [one["name"] for one in answer.json()["refused"]] == ["../../../evil.jpg"]
    staged = home.settings.home / "uploads" / address.rpartition("/")[2]
    assert [path.name for path in (staged / "files").rglob("*") if path.is_file()] == ["a.jpg"]
    assert not list(home.settings.home.parent.glob("**/evil.jpg"))


def test_bytes_that_are_here_are_not_asked_for_again(anybody: Client, csrf: str) -> None:
    first = send(anybody, "/register", csrf, {"labels.csv": b"file,label\nh.jpg,feliz\n", "h.jpg": jpeg(20)})
    address = first.headers["location"]
    settled(anybody, address, "Sign and register 1 label<")
    send(anybody, address, csrf, {}, do="sign")
    settled(anybody, address, "1 label was registered")
    address = send(anybody, "/register", csrf, {}).headers["location"]
    asked = [
        {"path": f"{number}.jpg", "sha256": hashlib.sha256(jpeg(number)).hexdigest(), "size": 1} for number in (20, 21)
    ]
    answer = anybody.post(f"{address}/held", data={"csrf": csrf, "files": json.dumps(asked)})
    assert answer.json() == {"missing": ["21.jpg"]}
    assert anybody.post(f"{address}/held", data={"csrf": csrf, "files": "{"}).status_code == 400
    assert anybody.post(f"{address}/held", data={"csrf": "x", "files": "[]"}).status_code == 403


def test_an_import_that_fails_unforeseen_says_so_without_its_reason(
    anybody: Client, csrf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("/secret/place")

    files = {"labels.csv": b"file,label\nf.jpg,feliz\n", "f.jpg": jpeg(30)}
    address = send(anybody, "/register", csrf, files).headers["location"]
    settled(anybody, address, "Sign and register 1 label<")
    monkeypatch.setattr(register, "import_source", fails)
    send(anybody, address, csrf, {}, do="sign")
    page = settled(anybody, address, "did not end well")
    assert "/secret/place" not in page
    monkeypatch.undo()
    send(anybody, address, csrf, {}, do="sign")
    settled(anybody, address, "1 label was registered")
