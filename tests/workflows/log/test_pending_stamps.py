"""What authorities still owe is asked for again beside a worker, without a new anchor and without anybody's command."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from registry.assembly import Home, open_home
from registry.catalog.queries.signed_records import entries
from registry.core.errors import Unavailable
from registry.core.ipld.cid import CID
from registry.core.log import anchor_digest
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.log.anchoring import entry_of, submit_everywhere
from registry.workflows.log.pending_stamps import ask_again, asked_again
from tests.support.anchors.authority import Authority, serving
from tests.support.forgery import faces


def kinds(home: Home, entry: CID) -> list[str]:
    with home.catalog.read() as db:
        return [one["kind"] for one in entries.evidence_for(db, entry)]


def test_what_an_authority_owes_is_asked_for_again_until_it_is_there(tmp_path: Path) -> None:
    with serving(Authority(tmp_path / "authority")) as authority:
        given = {"EMOTIONET_HOME": str(tmp_path / "home"), "EMOTIONET_TSA": authority.url}
        home = open_home(read_settings({**given, "EMOTIONET_TSA_ROOTS": str(authority.root)}))
        assert (ask_again(home), (tmp_path / "home" / "keys").exists()) == (0, False), "nothing waits: no key is made"
        import_source(home, str(faces(tmp_path / "faces")))
        entry = entry_of(home, None, home.key.did)
        authority.how = "busy"
        assert _tried(home, entry) == "pending"
        assert (ask_again(home), kinds(home, entry)) == (0, [])
        authority.how = "honest"
        there = threading.Event()
        with asked_again(home, first=0.01, pause=0.05):
            for _ in range(400):
                if kinds(home, entry) or there.wait(0.05):
                    break
        assert kinds(home, entry) == ["rfc3161"]
        asked = authority.asked
        assert (ask_again(home), authority.asked) == (0, asked), "nobody is asked for what is there"
        home.close()


def _tried(home: Home, entry: CID) -> str:
    with pytest.raises(Unavailable):
        submit_everywhere(home, home.key.did, entry)
    return home.places[0].status(anchor_digest(entry)).status
