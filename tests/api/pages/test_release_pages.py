"""Pages of releases, audits and lineage, as a program that reads HTML sees them: without script, in both languages."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from registry.api.app import create_app
from registry.api.pages import audits as audit_pages
from registry.api.pages import predict
from registry.api.pages import releases as release_pages
from registry.api.pages.releases import view_of
from registry.catalog.queries.signed_records import releases
from registry.catalog.queries.training_runs import runs
from registry.core import records
from registry.core.errors import NotFound
from registry.core.ipld.cid import CID
from registry.core.run_view import ReleaseView
from registry.core.table import tables
from registry.web.pages.releases.image_table import image_table
from registry.workflows.audit.audit_target import audit_car
from registry.workflows.audit.keep_audit import begin_audit, carry_out
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.append import append
from registry.workflows.names.set_name import set_name
from registry.workflows.releases.compare_releases import compare_releases
from registry.workflows.releases.export_release import export_release
from registry.workflows.store.find_records import record_of
from registry.workflows.withdrawals.withdraw import withdraw
from tests.api.conftest import Client
from tests.support.forgery import Released, car_of, forge, opened_home, publish, replaced, simulated_release
from tests.support.pages import make_token

PAGE = {"Accept": "text/html"}
SAME = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


class Shelf:
    """A home with a supported, a refuted and a tampered release, and a client that reads pages of it."""

    def __init__(self, made: Released, client: Client, folder: Path) -> None:
        self.home, self.client, self.folder, self.entry = made.home, client, folder, made.entry
        self.supported = record_of(made.home, made.entry)
        self.refuted = record_of(made.home, publish(made.home, claims=("macro_f1 >= 0.999",)).entry)
        view = made.view
        turned = tuple(tuple(reversed(row)) for row in view.evaluation.confusion)
        changed = replaced(view.release.evaluation, view.evaluation, confusion=turned)
        self.file = car_of(made.home, forge(made.home, made.entry, changed), folder / "tampered.car")

    def read(self, path: str, language: str = "en", status: int = 200) -> str:
        answer = self.client.get(path, headers={**PAGE, "Accept-Language": language})
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        return answer.text

    def form(self, path: str) -> dict[str, str]:
        """The value against forgery that a page's forms carry."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.read(path))
        assert found
        return {"csrf": found[1]}

    def audited(self, address: str) -> str:
        """The page of an audit when it is over."""
        until = time.monotonic() + 60
        while "under-way" in (text := self.read(address)):
            assert time.monotonic() < until
            time.sleep(0.1)
        return text


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    folder = tmp_path_factory.mktemp("shelf")
    with (
        simulated_release(folder) as made,
        TestClient(create_app(made.home), raise_server_exceptions=False) as client,
    ):
        yield Shelf(made, client, folder)


def test_a_list_says_of_each_release_what_became_of_its_claims(shelf: Shelf) -> None:
    text = shelf.read("/releases")
    assert text.index(str(shelf.refuted)) < text.index(str(shelf.supported))  # the newest first
    assert text.count("no audit kept here yet") >= 2
    assert "is refuted" in text
    assert "is supported" in text
    assert "se refuta" in shelf.read("/releases", "es") or "refutada" in shelf.read("/releases", "es")


@pytest.mark.parametrize(("which", "state"), [("supported", "supported"), ("refuted", "refuted")])
def test_the_claim_is_said_first(shelf: Shelf, which: str, state: str) -> None:
    cid = getattr(shelf, which)
    text = shelf.read(f"/releases/{cid}")
    place = text.index(f'class="holds {state}"')
    assert place < text.index('id="figures"')
    assert f"is {state}" in text[place : place + 900]
    assert "No audit of this release is kept here yet" in text


def test_each_number_of_the_matrix_opens_just_as_many_images(shelf: Shelf) -> None:
    text = shelf.read(f"/releases/{shelf.supported}")
    found = re.findall(rf'href="(/releases/{shelf.supported}/images\?truth=[^"]+)"[^>]*>(\d+)<', text)
    matrix = [count for row in shelf_view(shelf).evaluation.confusion for count in row]
    assert sorted(int(count) for _, count in found) == sorted(count for count in matrix if count)
    for address, count in found:
        shown = shelf.read(address.replace("&amp;", "&"))
        assert shown.count('class="judged ') == int(count)
        assert f"{count} of {sum(matrix)} judgements" in shown


def test_judgements_are_filtered_ordered_and_paged(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_pages, "image_table", partial(image_table, page=5))
    address, seen = f"/releases/{shelf.supported}/images?right=yes&order=unsure", list[str]()
    while address:
        text = shelf.read(address)
        assert "wrong</span>" not in text
        seen += re.findall(r'href="/images/([0-9a-f]{64})"', text)
        onward = re.search(r'rel="next" href="([^"]+)"', text)
        address = onward[1].replace("&amp;", "&") if onward else ""
    right = sum(row[i] for i, row in enumerate(shelf_view(shelf).evaluation.confusion))
    assert len(seen) == len(set(seen)) == right
    none = shelf.read(f"/releases/{shelf.supported}/images?truth=feliz&fold=0&low=1&high=1")
    assert "No judgement is like that" in none
    shelf.read(f"/releases/{shelf.supported}/images?low=much", status=422)
    shelf.read(f"/releases/{shelf.supported}/images?start=-1", status=422)


def test_an_audit_by_the_api_stands_beside_its_release_too(shelf: Shelf) -> None:
    before = shelf.read(f"/releases/{shelf.supported}")
    answer = shelf.client.post("/api/v1/audits", json={"target": str(shelf.supported)})
    assert (answer.status_code, answer.json()["records"]) == (200, "consistent")
    assert "No audit of this release is kept here yet" in before
    assert "This registry checked the records" in shelf.read(f"/releases/{shelf.supported}")


def test_an_audit_is_started_by_a_form_and_stands_beside_its_release(shelf: Shelf) -> None:
    page = f"/releases/{shelf.refuted}"
    answer = shelf.client.post(
        "/audits", data={**shelf.form(page), "target": str(shelf.refuted)}, headers=SAME, follow_redirects=False
    )
    assert answer.status_code == 303
    text = shelf.audited(answer.headers["location"])
    assert "6.verdicts" in text
    assert "is refuted" in text  # records that are consistent make no claim hold
    shown = shelf.read(page)
    assert "This registry checked the records" in shown
    assert answer.headers["location"] in shown
    assert "audited here: records consistent" in shelf.read("/releases")
    assert answer.headers["location"] in shelf.read("/audits")
    document = shelf.client.get(answer.headers["location"], headers={"Accept": "application/json"}).json()
    assert (document["status"], document["report"]["records"]) == ("done", "consistent")
    listed = shelf.client.get("/audits", headers={"Accept": "application/json"}).json()["items"]
    assert document["id"] in [one["id"] for one in listed]
    events = shelf.client.get(answer.headers["location"] + "/events", headers={"Accept-Language": "es"})
    assert events.text.count("event: check") == text.count("<code>") - shown_codes(text)
    assert "event: end" in events.text
    assert "se cumple" in events.text


def shown_codes(text: str) -> int:
    """Codes of a page that are no check's id."""
    return text.count("<code>") - len(re.findall(r"<code>\d\.[a-z]+</code>", text))


def test_a_tampered_file_is_found_out_and_gone(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = list[Path]()
    copy = audit_pages._copy

    def watched(file: Any) -> Path:
        copies.append(copy(file))
        return copies[-1]

    monkeypatch.setattr(audit_pages, "_copy", watched)
    answer = shelf.client.post(
        "/audits/file",
        data=shelf.form("/audits"),
        files={"file": ("../../mine.car", shelf.file.read_bytes())},
        headers=SAME,
        follow_redirects=False,
    )
    assert answer.status_code == 303, answer.text
    text = shelf.audited(answer.headers["location"])
    assert "6.confusion" in text[: text.index('id="checks"')]
    assert "no claim" in text or "do not hold" in text
    assert "<code>mine.car</code>" in text
    until = time.monotonic() + 10
    while any(path.exists() for path in copies) and time.monotonic() < until:
        time.sleep(0.05)
    assert copies
    assert not any(path.exists() for path in copies)


def test_a_tampered_release_that_is_held_says_so_once_it_was_checked(shelf: Shelf, tmp_path: Path) -> None:
    """Whoever holds the key can sign what does not follow; only an audit tells."""
    with opened_home(tmp_path) as home:
        import_source(home, str(shelf.file))
        with home.catalog.read() as db:
            (row,), _ = releases.list_releases(db)
        audit = begin_audit(home, CID.parse(row["cid"]), row["cid"], None)
        carry_out(home, audit, row["cid"], None)
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            text = client.get(f"/releases/{row['cid']}", headers=PAGE).text
            listed = client.get("/releases", headers=PAGE).text
    place = text.index('class="holds broken"')
    assert "6.confusion" in text[place : place + 600]
    assert "is supported" not in text[: place + 600]
    assert "audited here: records do not hold" in listed


def test_levels_that_compute_again_need_a_token(shelf: Shelf) -> None:
    data = {**shelf.form("/audits"), "target": str(shelf.supported), "level": "6"}
    answer = shelf.client.post("/audits", data=data, headers=SAME, follow_redirects=False)
    assert answer.headers["location"].startswith("/signin?next=")
    bad = shelf.client.post("/audits", data={**data, "level": "9"}, headers=SAME, follow_redirects=False)
    assert bad.status_code == 422
    foreign = shelf.client.post("/audits", data={**data, "csrf": "0" * 64}, headers=SAME, follow_redirects=False)
    assert foreign.status_code == 403


def test_what_can_be_downloaded_is_what_it_says(shelf: Shelf, tmp_path: Path) -> None:
    page = f"/releases/{shelf.supported}"
    for query in ("", "?images=no"):
        answer = shelf.client.get(f"{page}/file{query}", headers=PAGE)
        assert answer.headers["content-disposition"].startswith("attachment")
        path = tmp_path / "release.car"
        path.write_bytes(answer.content)
        report = audit_car(path, offline=True)
        assert report.holds, report
        assert report.target == str(shelf.supported)
    offered = re.findall(rf'href="({page}/files/[^"]+)" download', shelf.read(page))
    assert {address.rpartition("/")[2] for address in offered} >= {"README.md", "weights.safetensors"}
    for address in offered:
        answer = shelf.client.get(address, headers=PAGE)
        assert (answer.status_code, answer.headers["content-disposition"][:10]) == (200, "attachment")
        assert answer.content
    assert shelf.client.get(f"{page}/files/keys.json", headers=PAGE).status_code == 404
    cite = shelf.client.get(f"{page}/CITATION.cff", headers=PAGE)
    assert f"ipfs://{shelf.supported}" in cite.text
    assert "attachment" in cite.headers["content-disposition"]
    weights = re.search(r"--remote-header-name http://\S+?(/api/v1/models/\S+)</code>", shelf.read(page))
    assert weights
    assert shelf.client.get(weights[1]).status_code == 200


def test_a_name_stands_for_its_release_and_two_are_compared(shelf: Shelf) -> None:
    set_name(shelf.home, shelf.home.key, "faces", shelf.supported)
    assert "faces" in shelf.read("/releases/faces")
    assert f'href="/releases/{shelf.supported}"' in shelf.read("/releases")
    answer = shelf.client.get(f"/releases/compare?a=faces&b={shelf.refuted}", headers=PAGE, follow_redirects=False)
    assert answer.headers["location"] == f"/releases/{shelf.supported}/compare/{shelf.refuted}"
    text = shelf.read(answer.headers["location"], "es")
    assert "Diferencias" in text or "diferencias" in text
    shelf.read("/releases/nobody", status=404)


def test_predicting_needs_a_token_and_leaves_nothing_behind(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = list[Path]()

    def watched(parts: Any, release: CID, images: list[Path]) -> Any:
        folders.append(images[0].parent)
        yield {
            "image": str(images[0]),
            "label": None,
            "confidence": None,
            "detections": [],
            "error": {"code": "undecodable", "detail": f"{images[0]} is no picture", "hint": None},
        }

    monkeypatch.setattr(predict, "predict", watched)
    address = f"/releases/{shelf.supported}/predict"
    data, files = shelf.form("/audits"), {"image": ("a.jpg", b"none")}
    refused = shelf.client.post(address, data=data, files=files, headers=SAME, follow_redirects=False)
    assert refused.headers["location"].startswith("/signin")
    assert folders == []
    shelf.client.post(
        "/signin", data={**data, "token": make_token(shelf.home, "runs:write")}, headers=SAME, follow_redirects=False
    )
    try:
        answer = shelf.client.post(address, data=shelf.form("/audits"), files=files, headers=SAME)
        assert answer.status_code == 200, answer.text
        assert "the picture is no picture" in answer.text
        assert "Your picture was deleted" in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert not folders[0].exists()
    finally:
        shelf.client.cookies.clear()


def test_a_withdrawn_release_says_so_before_anything_else(shelf: Shelf) -> None:
    gone = record_of(shelf.home, publish(shelf.home, claims=(), overrides={"seed": 9}).entry)
    withdraw(shelf.home, str(gone), "consent was <b>taken</b> back")
    text = shelf.read(f"/releases/{gone}")
    assert text.index("consent was &lt;b&gt;taken") < text.index('class="holds')
    assert "withdrawn" in shelf.read(f"/lineage/{gone}")


EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>' + "W" * 300


def test_what_a_stranger_wrote_is_only_text(shelf: Shelf, tmp_path: Path) -> None:
    view = shelf_view(shelf)
    recipe = msgspec.structs.replace(view.recipe, name=EVIL, values={**view.recipe.values, EVIL: EVIL})
    claims = tuple(msgspec.structs.replace(one, metric=EVIL) for one in view.release.claims)
    changed = {
        **replaced(view.plan.recipe, view.recipe, name=recipe.name, values=recipe.values),
        **replaced(shelf.supported, view.release, licence=EVIL, claims=claims),
    }
    file = car_of(shelf.home, forge(shelf.home, shelf.entry, changed), tmp_path / "evil.car")
    with opened_home(tmp_path) as home:
        import_source(home, str(file))
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            listed = client.get("/releases", headers=PAGE)
            found = re.search(r'href="/releases/(bafy[a-z2-7]+)"', listed.text)
            assert found
            pages = [f"/releases/{found[1]}{more}" for more in ("", "/images", "/CITATION.cff")]
            answers = [listed, *(client.get(path, headers=PAGE) for path in pages)]
            answers.append(client.get(f"/lineage/{found[1]}", headers=PAGE))
    assert "&lt;script&gt;" in answers[1].text
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"


def shelf_view(shelf: Shelf) -> ReleaseView:
    return view_of(shelf.home, shelf.supported)


def test_a_release_that_can_not_be_shown_can_still_be_checked(shelf: Shelf, tmp_path: Path) -> None:
    view = shelf_view(shelf)
    metrics = tuple(msgspec.structs.replace(one, value="much") for one in view.evaluation.metrics)
    changed = replaced(view.release.evaluation, view.evaluation, metrics=metrics)
    file = car_of(shelf.home, forge(shelf.home, shelf.entry, changed), tmp_path / "words.car")
    with opened_home(tmp_path) as home:
        import_source(home, str(file))
        with home.catalog.read() as db:
            (row,), _ = releases.list_releases(db)
        with TestClient(create_app(home), raise_server_exceptions=False) as client:
            answer = client.get(f"/releases/{row['cid']}", headers=PAGE)
            listed = client.get("/releases", headers=PAGE).text
    assert answer.status_code == 422
    assert "Nothing that it claims is shown" in answer.text
    assert f'name="target" value="{row["cid"]}"' in answer.text
    assert "can&#39;t be read here" in listed


def test_what_replaced_it_and_who_audited_it_stand_on_its_page(shelf: Shelf) -> None:
    view, home = shelf_view(shelf), shelf.home
    newer = append(home, home.key, msgspec.structs.replace(view.release, supersedes=bytes(shelf.supported))).record
    checks = tuple(records.AuditCheck(id=f"1.{n}", result="holds", reason="", tolerance=None) for n in range(3))
    target = bytes(shelf.supported)
    audit = records.Audit(target=target, levels=(1, 2), environment={}, checks=checks, beacon=None)
    signed = append(home, home.key, audit).record
    text = shelf.read(f"/releases/{shelf.supported}")
    assert text.index("Superseded.") < text.index('class="holds')
    assert f'href="/releases/{newer}"' in text
    assert "3 hold, 0 do not hold, 0 not checked" in text
    assert f'href="/lineage/{signed}"' in text
    assert f'href="/releases/{shelf.supported}"' in shelf.read(f"/releases/{newer}")
    assert "superseded" in shelf.read("/releases")
    assert 'class="node superseded' in shelf.read(f"/lineage/{shelf.supported}")


def test_what_is_kept_of_a_page_hides_nothing_that_came_later(tmp_path: Path) -> None:
    with (
        simulated_release(tmp_path) as made,
        TestClient(create_app(made.home), raise_server_exceptions=False) as client,
    ):
        shown = Shelf(made, client, tmp_path)
        release = shown.supported
        with made.home.catalog.read() as db:
            run, other = (str(one["run"]) for one in reversed(runs.list_runs(db, status="completed")[0][-2:]))
        pages = [
            *(f"/releases/{release}", "/releases", f"/runs/{run}", f"/runs/compare?run={run}&run={other}"),
            *(f"/releases/{release}/compare/{shown.refuted}", f"/lineage/{release}"),
        ]
        before = {(path, one): [shown.read(path, one) for _ in range(2)] for path in pages for one in ("en", "es")}
        assert not any("came to light" in text for texts in before.values() for text in texts)
        image = next(iter(tables.rows_as_dicts(made.view.snapshot.items, made.home.store.get)))["sha256"].hex()
        audit = begin_audit(made.home, release, str(release), None)
        carry_out(made.home, audit, str(release), None)
        newer = append(
            made.home, made.home.key, msgspec.structs.replace(made.view.release, supersedes=bytes(release))
        ).record
        withdraw(made.home, str(release), "it came to light")
        withdraw(made.home, image, "the picture came to light")
        for language, marks in {"en": ("withdrawn", "superseded"), "es": ("retirad", "sustituid")}.items():
            own, listed, of_run, beside, against, drawn = (shown.read(path, language) for path in pages)
            assert own.index("it came to light") < own.index('class="holds')
            assert own.index("the picture came to light") < own.index('class="holds')
            assert f"/audits/{audit}" in own
            assert f'href="/releases/{newer}"' in own
            assert all(mark in listed for mark in marks)
            assert "the picture came to light" in of_run
            assert [marks[0] in text for text in (of_run, beside, against, drawn)] == [True] * 4


def test_a_comparison_is_made_once_and_not_given_without_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulated_release(tmp_path) as made:
        pair = record_of(made.home, made.entry), record_of(made.home, publish(made.home, overrides={"seed": 5}).entry)
        first = compare_releases(made.home, *pair)
        monkeypatch.setattr("registry.workflows.releases.compare_releases.compare", None)
        assert compare_releases(made.home, *pair) == first
        monkeypatch.setattr(made.home.embedded, "find", lambda _: None)
        with pytest.raises(NotFound):
            compare_releases(made.home, *pair)


def test_every_download_of_the_page_comes_and_is_what_the_command_writes(shelf: Shelf, tmp_path: Path) -> None:
    release, home = shelf.supported, shelf.home
    below = shelf.read(f"/releases/{release}").partition('id="downloads"')[2].partition("<h2")[0]
    links = [html.unescape(one) for one in re.findall(r'href="([^"]+)" [^>]*download', below)]
    forms = [one for one in links if "/export?" in one]
    assert len(forms) == 1 + len(shelf_view(shelf).plan.claims)
    for link in links:
        answer = shelf.client.get(link)
        assert answer.status_code == 200, link
        assert answer.content, link
    export_release(home, release, "cyclonedx", tmp_path / "bom.json")
    export_release(home, release, "prml", tmp_path / "prml")
    written = [tmp_path / "bom.json", tmp_path / "prml" / "claim-1.prml.yaml"]
    for link, path in zip(forms, written, strict=True):
        answer = shelf.client.get(link, headers={"accept": "text/html"})  # as a browser asks
        assert answer.content == path.read_bytes()
        assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("query", "status"), [("format=prml&claim=2", 404), ("format=prml&claim=0", 400), ("format=intoto", 400)]
)
def test_no_other_export_is_made_over_http(shelf: Shelf, query: str, status: int) -> None:
    assert shelf.client.get(f"/api/v1/releases/{shelf.supported}/export?{query}").status_code == status
