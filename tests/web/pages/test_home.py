"""What the home page shows of a home with nothing, with a release, and with one that was taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.assembly import open_home
from registry.core.ipld.cid import CID
from registry.core.table import tables
from registry.settings import read_settings
from registry.web.base.page import environment
from registry.web.base.words import Words
from registry.web.pages.home import address, home_page, search_page
from registry.workflows.names.set_name import set_name
from registry.workflows.withdrawals.withdraw import withdraw
from registry.workflows.withdrawals.withdrawn import short_text
from tests.support.forgery import simulated_release


def test_a_home_with_nothing_says_so(tmp_path: Path) -> None:
    home = open_home(read_settings({"EMOTIONET_HOME": str(tmp_path)}))
    found = home_page(home)
    assert found["empty"]
    assert found["counts"] == {"images": 0, "snapshots": 0, "runs": 0, "releases": 0}
    home.close()


def test_a_release_comes_with_its_verdict_and_with_its_withdrawal(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as made:
        found = home_page(made.home)
        assert not found["empty"]
        assert found["counts"] == {"images": 36, "snapshots": 1, "runs": 1, "releases": 1}
        (one,) = found["newest"]
        assert one["state"] == "supported"
        assert "macro_f1 >= 0.10" in one["verdict"]["en"]
        assert one["verdict"]["es"] != one["verdict"]["en"]
        assert one["withdrawn"] == []
        withdraw(made.home, one["cid"], "a test")
        (one,) = home_page(made.home)["newest"]
        assert [back["reason"] for back in one["withdrawn"]] == ["a test"]


def test_a_release_of_which_an_image_was_withdrawn_is_not_called_withdrawn(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as made:
        (release,) = home_page(made.home)["newest"]
        item = next(iter(tables.rows_as_dicts(made.view.snapshot.items, made.home.store.get)))
        withdraw(made.home, str(item["image"]), "consent")
        (one,) = home_page(made.home)["newest"]
        assert one["state"] == release["state"]
        assert Words.taken_back(one["withdrawn"]) == ["image withdrawn"]
        assert short_text(one["withdrawn"]) == "1 image withdrawn"
        withdraw(made.home, release["cid"], "a test")
        (one,) = home_page(made.home)["newest"]
        assert Words.taken_back(one["withdrawn"]) == ["withdrawn", "image withdrawn"]
        assert short_text(one["withdrawn"]) == "release withdrawn, 1 image withdrawn"


def test_a_release_is_found_by_its_recipe_and_by_its_publishers_address(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as made:
        (release,) = home_page(made.home)["newest"]
        address = release["issuer"].rpartition(":")[2]
        for text in (release["recipe_name"], address, address.upper(), f"{address[:8]}…{address[-6:]}"):
            found = search_page(made.home, text)["words"]
            assert f"/releases/{release['cid']}" in [one["address"] for one in found], text
        assert search_page(made.home, f"{address[:8]}…{'0' * 6}")["words"] == []


@pytest.mark.parametrize(
    ("hit", "expected"),
    [
        ({"kind": "image", "id": "ab"}, "/images/ab"),
        ({"kind": "label", "id": "so & so"}, "/images?label=so+%26+so"),
        ({"kind": "name", "id": "faces", "of": "snapshot", "target": "bafy"}, "/snapshots/bafy"),
        ({"kind": "run_of", "id": "quick", "run": "r1"}, "/runs/r1"),
        ({"kind": "plan", "id": "bafy"}, "/lineage/bafy"),
        ({"kind": "contributor", "id": "//evil.example"}, "/images?contributor=%2F%2Fevil.example"),
    ],
)
def test_what_was_found_has_its_page(hit: dict[str, str], expected: str) -> None:
    assert address(hit) == expected


def test_a_named_release_is_called_by_its_name(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as made:
        (one,) = home_page(made.home)["newest"]
        assert one["names"] == []
        set_name(made.home, made.home.key, "faces", CID.parse(one["cid"]))
        (one,) = home_page(made.home)["newest"]
        assert one["names"][0].startswith("faces")


def test_of_a_name_behind_an_address_the_middle_of_the_address_is_left_out() -> None:
    macros = environment().get_template("pages/macros.html")
    named = macros.make_module({"t": Words("en"), "look": None}).named  # type: ignore[attr-defined]
    foreign = "0x45b19d478f04fd57bbfbd52f510035d41f495873/faces"
    assert str(named(foreign)) == f'<span title="{foreign}">0x45b19d…495873/faces</span>'
    assert str(named("faces")) == "faces"
    assert str(named("0x<b>")) == "0x&lt;b&gt;"
