"""The pages of snapshots: what is in them and what is not, where people differ, copies, differences, downloads, and
taking one."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.api.pages.base.tasks import Tasks
from registry.api.pages.snapshots import bounds, forms, reading
from registry.assembly import Home
from registry.catalog.queries.signed_records import names
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.demo.drawn_faces import draw_faces
from registry.web.pages.snapshots import listed, rows
from registry.web.pages.windows import window
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.snapshots.preview_snapshot import preview_snapshot
from registry.workflows.snapshots.take_snapshot import take_snapshot
from tests.api.conftest import Client
from tests.api.pages.reading import HTML, see, sign_in, value
from tests.support.forgery import opened_home

TABLE = """file,label,contributor,subject,licence,attr.side
0.jpg,triste,anna,a,CC0-1.0,l
1.jpg,feliz,anna,b,CC0-1.0,r
2.jpg,<script>alert(1)</script>,anna,c,,
3.jpg,enojado,anna,,,
4.jpg,feliz,anna,,,
0.jpg,feliz,ben,,,
0.jpg,triste,carla,,,
3.jpg,triste,ben,,,
4.jpg,happy,ben,,,
"""


class Shown(NamedTuple):
    """A home with two snapshots: before and after one image was added and one labelled otherwise."""

    home: Home
    client: Client
    before: str
    after: str


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("snapshot-pages")
    with opened_home(folder) as home:
        before = taken(home, folder / "one", TABLE)
        after = taken(
            home, folder / "two", TABLE + "5.jpg,sorprendido,anna,,,\n1.jpg,enojado,dora,,,\n1.jpg,enojado,eva,,,\n"
        )
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            yield Shown(home, client, before, after)


def taken(home: Home, folder: Path, table: str) -> str:
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(b"%d" % number)
    (folder / "labels.csv").write_text(table)
    import_source(home, str(folder))
    return str(take_snapshot(home)["snapshot"])


@pytest.fixture
def signed(shown: Shown) -> Iterator[Client]:
    client = shown.client
    sign_in(client, shown.home)
    yield client
    client.cookies.clear()


def digest(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


def test_a_snapshot_is_counted_and_what_is_left_out_is_named(shown: Shown) -> None:
    page = see(shown.client, f"/snapshots/{shown.before}")
    assert "<h1>3 images</h1>" in page
    assert "Left out: 2" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "Images in it that more than one person labelled: 2." in page
    assert "CC0-1.0 <b>2</b>" in page
    assert "mayoría" not in page
    assert "majority-v1: la última etiqueta" in see(shown.client, f"/snapshots/{shown.before}", language="es")
    assert shown.client.get(f"/snapshots/{shown.before}").json()["count"] == 3


def test_the_list_shows_each_distribution(shown: Shown) -> None:
    page = see(shown.client, "/snapshots")
    assert all(f'/snapshots/{cid}"' in page for cid in (shown.before, shown.after))
    assert page.count('<table class="bars">') == 2
    assert "ninguna publicación se basa en ella" in see(shown.client, "/snapshots", language="es")


def test_what_is_not_counted_yet_is_counted_by_a_task(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    place = shown.home.settings.cache / "snapshots" / f"{shown.before}.json"
    place.unlink()
    monkeypatch.setattr(listed, "AT_ONCE", 1)
    page = see(shown.client, f"/snapshots/{shown.before}")
    assert "It is being counted" in page
    assert 'http-equiv="refresh"' in page
    task = shown.client.app.state.tasks.get(f"count {shown.before}")
    assert task.ended_within(20)
    assert "It is being counted" not in see(shown.client, f"/snapshots/{shown.before}")
    assert json.loads(place.read_text())["counts"]["labels"]["feliz"] == 2


def test_a_snapshot_that_can_not_be_counted_says_why(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of it was lost, say: its task fails once, and is not begun again by everybody who looks."""
    begun = []

    def lost(parts: Home, cid: CID) -> None:
        begun.append(cid)
        raise NotFound("a block is not held here")

    monkeypatch.setattr(listed, "AT_ONCE", 1)
    monkeypatch.setattr(listed, "kept_counts", lambda parts, cid: None)
    monkeypatch.setattr(reading, "keep_counts", lost)
    shown.client.get(f"/snapshots/{shown.after}", headers=HTML)  # its task may have ended already
    assert shown.client.app.state.tasks.get(f"count {shown.after}").ended_within(20)
    assert "a block is not held here" in see(shown.client, f"/snapshots/{shown.after}", 404)
    see(shown.client, f"/snapshots/{shown.after}", 404)
    assert len(begun) == 1


def test_people_who_differ_are_shown_with_what_the_rule_made_of_it(shown: Shown) -> None:
    page = see(shown.client, f"/snapshots/{shown.before}/people")
    rows_of = re.findall(r'<tr id="([0-9a-f]{64})">(.*?)</tr>', page, re.S)
    assert {sha256 for sha256, _ in rows_of} == {digest(0), digest(3)}  # happy beside feliz is no difference
    decided = dict(rows_of)
    assert "triste 2, feliz 1" in decided[digest(0)]
    assert "labels disagree" in decided[digest(3)]


def test_every_row_has_an_address_with_its_proof(shown: Shown) -> None:
    page = see(shown.client, f"/snapshots/{shown.before}/items")
    links = re.findall(rf"/snapshots/{shown.before}/items/[0-9a-f]{{64}}", page)
    assert len(set(links)) == 3
    one = see(shown.client, f"/snapshots/{shown.before}/items/{digest(1)}")
    assert "This image is in the snapshot." in one
    assert "side = r" in one
    proof = re.findall(r'href="(/api/v1/[^"]+/proof/[^"]+)"', one)[0]
    assert shown.client.get(proof, headers=HTML).json()["included"] is True
    gone = see(shown.client, f"/snapshots/{shown.before}/items/{digest(3)}")
    assert "This image is left out: labels disagree" in gone
    see(shown.client, f"/snapshots/{shown.before}/items/{'0' * 64}", 404)
    see(shown.client, f"/snapshots/{shown.before}/items/nothing", 404)


def test_items_and_what_is_left_out_are_filtered(shown: Shown) -> None:
    happy = see(shown.client, f"/snapshots/{shown.before}/items?label=feliz")
    assert happy.count('class="card"') == 2
    assert see(shown.client, f"/snapshots/{shown.before}/excluded?reason=disagreement").count('class="card"') == 1
    assert see(shown.client, f"/snapshots/{shown.before}/excluded").count('class="card"') == 2
    see(shown.client, f"/snapshots/{shown.before}/items?cursor=zz", 400)


def test_pages_follow_each_other_to_the_end(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "window", lambda found, keep=lambda row: True: window(found, keep, take=1, most=2))
    path, seen = f"/snapshots/{shown.after}/items", []
    while path:
        page = see(shown.client, path)
        seen += re.findall(r'<li class="card" id="([0-9a-f]{64})"', page)
        following = re.findall(r'rel="next" href="([^"]+)"', page)
        path = following[0] if following else ""
    assert seen == sorted(digest(number) for number in (0, 1, 4, 5))


def test_a_difference_shows_what_was_added_removed_and_changed(shown: Shown) -> None:
    page = see(shown.client, f"/snapshots/{shown.before}/diff/{shown.after}")
    assert f'class="card added" id="{digest(5)}"' in page
    assert f'class="card changed" id="{digest(1)}"' in page
    assert "feliz → <b>enojado</b>" in page
    back = see(shown.client, f"/snapshots/{shown.after}/diff/{shown.before}", language="es")
    assert f'class="card removed" id="{digest(5)}"' in back
    assert "quitada" in back
    assert "Nothing differs." in see(shown.client, f"/snapshots/{shown.after}/diff/{shown.after}")
    asked = shown.client.get(f"/snapshots/diff?a={shown.before}&b=latest", headers=HTML, follow_redirects=False)
    assert asked.headers["location"] == f"/snapshots/{shown.before}/diff/{shown.after}"


@pytest.mark.parametrize("form", bounds.FORMS)
def test_a_snapshot_is_downloaded_as_the_command_line_exports_it(shown: Shown, form: str) -> None:
    """These bytes are no pictures, so that the packed folders hold rows alone: what is packed is told by the export."""
    answer = shown.client.get(f"/snapshots/{shown.before}/export/{form}", headers=HTML)
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    if form == "jsonl":
        assert [json.loads(line)["label"] for line in answer.text.splitlines()].count("feliz") == 2
    if form in ("croissant", "yolo"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            assert packed.testzip() is None
            assert packed.namelist()
    assert not [one for one in shown.home.settings.work.iterdir() if one.name.startswith("download-")]


def test_what_is_too_large_to_be_packed_names_the_command(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_ROWS", 2)
    monkeypatch.setattr(bounds, "MOST_IMAGES", 2)
    page = see(shown.client, f"/snapshots/{shown.before}/export/csv", 422)
    assert "emotionet snapshot export" in page
    assert "too large to be packed" in see(shown.client, f"/snapshots/{shown.before}")
    see(shown.client, f"/snapshots/{shown.before}/export/exe", 404)


def test_a_snapshot_is_seen_before_it_is_signed_and_then_taken(shown: Shown, signed: Client) -> None:
    page = see(signed, "/snapshots/new?preview=1&licences=CC0-1.0&name=free")
    assert "It would hold 2 images" in page
    assert "it states another licence, or none" in page or "another licence, or none" in page
    fields = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', page))
    answer = signed.post("/snapshots/new", data={**fields, "csrf": value(page)}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    said = see(signed, answer.headers["location"])
    assert "The snapshot was taken." in said
    assert "<h1>free · 2 images</h1>" in said
    assert "Only images under: CC0-1.0" in said
    assert see(signed, "/snapshots/free").count("2 images") >= 1
    with shown.home.catalog.read() as db:
        (row,) = names.history(db, "free", [shown.home.key.did])
    assert row["target"] == answer.headers["location"].rpartition("/")[2]


def test_a_filter_that_can_not_be_says_so_in_the_form(shown: Shown, signed: Client) -> None:
    wrong = see(signed, "/snapshots/new?preview=1&attributes=side", 422)
    assert "is no name=value" in wrong
    assert 'value="side"' not in wrong
    assert ">side</textarea>" in wrong
    for asked in ("rule=nope", "supersedes=nope"):
        assert "nope" in see(signed, f"/snapshots/new?preview=1&{asked}", 422), asked
    nobody = see(signed, "/snapshots/new?preview=1&label=nobody")
    assert "No image would be in it." in nobody
    assert "Sign and take it" not in nobody
    form = {"label": "nobody", "csrf": value(see(signed, "/snapshots/new"))}
    answer = signed.post("/snapshots/new", data=form, headers=HTML, follow_redirects=False)
    assert answer.status_code == 422
    assert "no image with a label of these classes" in answer.text


def test_a_list_of_images_is_checked_line_by_line_and_then_taken(
    shown: Shown, signed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["# mine", digest(0), digest(2), digest(0), "hello", "ab" * 32]
    form = {"images": "\n".join(lines[:2]), "csrf": value(see(signed, "/snapshots/new")), "label": "triste"}
    files = {"list": ("list.txt", "\ufeff" + "\n".join(lines[2:]), "text/plain")}
    answer = signed.post("/snapshots/new/check", data=form, files=files, headers=HTML, follow_redirects=False)
    assert answer.status_code == 303, "a short list stands in the address"
    asked = see(signed, answer.headers["location"])
    monkeypatch.setattr(forms, "IN_ADDRESS", 10)
    sent = signed.post("/snapshots/new/check", data=form, files=files, headers=HTML)
    for page in (asked, sent.text):
        assert "It would hold 1 image" in page
        assert "Named images without a label that meets the filter: 1" in page
        assert "Lines of the list that can&#39;t be taken: 3." in page
        for told in ("image stands in the list before", "neither a CID nor a SHA-256", "no labelled image is known"):
            assert told in page
    spanish = see(signed, f"/snapshots/new?preview=1&images={digest(2)}%0Ahello", language="es")
    assert "no es un CID ni un SHA-256" in spanish
    assert f'/images/{digest(2)}"' in spanish, "left out by name"
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', sent.text))
    taken = signed.post("/snapshots/new", data={**fields, "csrf": value(sent.text)}, headers=HTML)
    assert "<h1>1 image</h1>" in taken.text


def test_a_snapshot_is_chosen_among_those_of_another(shown: Shown, signed: Client) -> None:
    page = see(signed, f"/snapshots/new?preview=1&snapshot={shown.before}")
    assert "It would hold 3 images" in page, "those of it alone; another was added since"
    assert "It would hold 4 images" in see(signed, "/snapshots/new?preview=1")
    assert 'role="alert"' in see(signed, "/snapshots/new?preview=1&snapshot=nobody-s", 422)
    both = see(signed, f"/snapshots/new?preview=1&snapshot={shown.before}&images={digest(0)}", 422)
    assert "choose from one of both" in both


def test_a_large_preview_says_that_it_is_a_part(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = preview_snapshot(shown.home)
    monkeypatch.setattr(forms, "preview_snapshot", partial(preview_snapshot, most=3))
    page = see(shown.client, "/snapshots/new?preview=1")
    assert f"up to {whole['at_most']} images" in page
    assert "Only the first 3 labels were decided" in page


def test_a_large_snapshot_is_watched_on_a_page_of_its_own(shown: Shown, signed: Client) -> None:
    tasks: Tasks = shown.client.app.state.tasks
    go = threading.Event()
    task = tasks.begin(lambda: go.wait(20) and CID.parse(shown.after), about={"label": "feliz"})
    page = see(signed, f"/snapshots/new/{task.key}")
    assert "The snapshot is being taken" in page
    assert 'http-equiv="refresh"' in page
    go.set()
    assert task.ended_within(20)
    done = signed.get(f"/snapshots/new/{task.key}", headers=HTML, follow_redirects=False)
    assert done.headers["location"] == f"/snapshots/{shown.after}"
    assert "not known any more" in see(signed, "/snapshots/new/none", 404)


def test_nobody_takes_a_snapshot_without_signing_in(shown: Shown) -> None:
    shown.client.cookies.clear()
    answer = shown.client.post("/snapshots/new", data={}, headers=HTML, follow_redirects=False)
    assert answer.headers["location"].startswith("/signin")
    assert "Sign in to take it" in see(shown.client, "/snapshots/new?preview=1")


def test_copies_are_looked_for_on_demand_and_stand_side_by_side(shown: Shown, signed: Client, tmp_path: Path) -> None:
    drawn = tmp_path / "drawn"
    draw_faces(drawn)
    folder = tmp_path / "some"
    folder.mkdir()
    pictures = sorted((drawn / "images").glob("*.png"))
    chosen = [one for one in pictures if one.name.startswith("copy_")] + pictures[-6:]
    for one in chosen:
        (folder / one.name).write_bytes(one.read_bytes())
    (folder / "odd.png").write_bytes(b"no picture")
    lines = [f"{one.name},triste,zoe" for one in chosen]
    (folder / "labels.csv").write_text("\n".join(["file,label,contributor", *lines, "odd.png,triste,zoe"]))
    import_source(shown.home, str(folder))
    snapshot = take_snapshot(shown.home, query={"contributor": "zoe"})["snapshot"]
    page = see(signed, f"/snapshots/{snapshot}/copies")
    assert "No run has cleaned this snapshot yet" in page
    answer = signed.post(f"/snapshots/{snapshot}/copies", data={"csrf": value(page)}, follow_redirects=False)
    assert answer.status_code == 303
    assert shown.client.app.state.tasks.get(f"look {snapshot}").ended_within(60)
    found = see(signed, f"/snapshots/{snapshot}/copies")
    side_by_side, others = found.split("Other images that cleaning would drop")
    pairs = re.findall(r'<div class="pair">(.*?)</div>', side_by_side, re.S)
    assert pairs
    assert all(pair.count("<img") == 2 for pair in pairs)
    assert "undecodable" in others
    again = TestClient(create_app(shown.home))
    assert see(again, f"/snapshots/{snapshot}/copies").count('<div class="pair">') == len(pairs), "kept"
    one, other = re.findall(r'href="/images/([0-9a-f]{64})"', pairs[0])
    for image, near in ((one, other), (other, one)):
        page = see(again, f"/images/{image}")
        beside = page.partition('id="near"')[2].partition("<h2")[0]
        assert f"/images/{near}/thumbnail" in beside
        assert f'href="/snapshots/{snapshot}/copies"' in beside
        assert "found by a search in" in beside
    alone = hashlib.sha256((folder / "odd.png").read_bytes()).hexdigest()
    assert "Its snapshots were searched, and none was found." in see(again, f"/images/{alone}")
    assert "Nobody has looked for any yet." in see(again, f"/images/{digest(0)}")
