"""A log that forks is told of from then on: on its issuer's releases, on lineages, by commands, and after a rebuild."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient
from msgspec import structs

from registry.api.app import create_app
from registry.assembly import Home
from registry.catalog.queries import log_forks
from registry.cli.main import main
from registry.core.ipld.cid import CID
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.releases.publish_release import show_release
from registry.workflows.store.find_records import record_of
from registry.workflows.upkeep.examine_home import examine
from registry.workflows.upkeep.maintenance import rebuild_catalog
from tests.support.forgery import Released, car_of, forge, opened_home, replaced, simulated_release


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("forks")) as found:
        yield found


@pytest.fixture(scope="module")
def told(honest: Released, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home that took an issuer's release, and was then given another that has its place in the log."""
    folder, view = tmp_path_factory.mktemp("told"), honest.view
    verdicts = tuple(structs.replace(one, verdict="refuted") for one in view.evaluation.verdicts)
    other = forge(honest.home, honest.entry, replaced(view.release.evaluation, view.evaluation, verdicts=verdicts))
    with opened_home(folder) as home:
        import_source(home, str(car_of(honest.home, honest.entry, folder / "honest.car")))
        assert show_release(home, record_of(home, honest.entry))["forks"] == []
        refused = import_source(home, str(car_of(honest.home, other, folder / "other.car")))
        assert "its log forks" in refused["problem"]["reason"]
        yield home


def test_every_release_of_an_issuer_says_that_its_log_forks(told: Home, honest: Released) -> None:
    cid = record_of(told, honest.entry)
    (fork,) = show_release(told, cid)["forks"]
    held, refused = map(CID.parse, fork["entries"])
    assert (held, fork["issuer"]) == (honest.entry, honest.home.key.did)
    assert told.store.has(refused)
    with TestClient(create_app(told), raise_server_exceptions=False) as client:
        for address, language, said in (
            (f"/releases/{cid}", "en", "forks: it signed two entries that exclude each other"),
            (f"/releases/{cid}", "es", "se bifurca: firmó dos asientos que se excluyen"),
            (f"/lineage/{cid}", "en", "forks: it signed two entries"),
            ("/releases", "en", "log forks</span>"),
            ("/", "es", "la bitácora de su emisor se bifurca"),
        ):
            page = client.get(address, headers={"Accept": "text/html", "Accept-Language": language}).text
            assert said in page, (address, language)
        lineage = client.get(f"/api/v1/lineage/{cid}").json()
        listed = client.get("/api/v1/releases").json()["items"]
    assert [one["entries"] for one in lineage["forks"]] == [fork["entries"]]
    assert [one["forks"] for one in listed] == [True]


def test_commands_say_it_and_a_rebuild_forgets_nothing(
    told: Home, honest: Released, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(told.settings.home))
    cid = str(record_of(told, honest.entry))
    for _ in range(2):
        for words in (["release", "show", cid], ["lineage", cid]):
            assert main(words) == 0
            assert "forks: it signed two entries that exclude each other" in capsys.readouterr().out
        assert main(["release", "list"]) == 0
        assert "LOG FORKS" in capsys.readouterr().out
        assert main(["lineage", cid, "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["forks"]) == 1
        checks = {one["name"]: one for one in examine(told)}
        assert checks["logs"] == {"name": "logs", "ok": True, "detail": checks["logs"]["detail"]}
        assert honest.home.key.did in checks["logs"]["detail"]
        rebuild_catalog(told)


def test_an_audit_of_what_is_held_and_the_report_say_it_beside_the_verdict(
    told: Home, honest: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(told.settings.home))
    cid, said = str(record_of(told, honest.entry)), "forks: it signed two entries that exclude each other"
    assert main(["audit", cid]) == 0
    assert said in capsys.readouterr().out.rpartition("\n\n")[2]
    assert main(["audit", cid, "--json"]) == 0
    assert [one["issuer"] for one in json.loads(capsys.readouterr().out)["forks"]] == [honest.home.key.did]
    for language, words in (("en", said), ("es", "se bifurca: firmó dos asientos que se excluyen")):
        page = tmp_path / f"{language}.html"
        assert main(["release", "report", cid, "-o", str(page), "--lang", language]) == 0
        assert words in page.read_text().partition("</header>")[0], language
    capsys.readouterr()
    assert main(["release", "card", cid]) == 0
    assert said in capsys.readouterr().err
    monkeypatch.setenv("EMOTIONET_HOME", str(honest.home.settings.home))
    assert main(["audit", cid]) == 0
    assert "forks: it signed" not in capsys.readouterr().out


def test_one_issuer_can_fill_no_table_with_forks(told: Home) -> None:
    with told.catalog.write() as db:
        for number in range(3 * log_forks.MOST):
            log_forks.note(db, issuer="did:somebody", held="a", refused=f"b{number}", now=told.now())
        assert len(log_forks.of(db, ["did:somebody"])["did:somebody"]) == log_forks.MOST
