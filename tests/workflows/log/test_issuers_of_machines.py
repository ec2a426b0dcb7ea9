"""Whose records are this registry's own, where several machines share the database and no folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.assembly import open_home
from registry.core import records
from registry.settings import read_settings
from registry.workflows import local_issuers
from registry.workflows.keys.change_keys import begin
from registry.workflows.log.append import append


@pytest.mark.postgres
def test_an_issuer_as_whom_another_machine_signed_is_local_and_nobody_signs_as_it_here(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_issuers, "_ASKED_SECONDS", 0.0)
    shared = {"EMOTIONET_DATABASE_URL": postgres_database}
    one = open_home(read_settings({**shared, "EMOTIONET_HOME": str(tmp_path / "one"), "EMOTIONET_KEY": "11" * 32}))
    two = open_home(read_settings({**shared, "EMOTIONET_HOME": str(tmp_path / "two"), "EMOTIONET_KEY": "22" * 32}))
    said = records.Withdrawal(target=b"x" * 32, reason="", remedy="notice", effective="2026-01-01T00:00:00Z")
    assert local_issuers.local_issuers(two) == {two.key.did}
    begin(one, one.key)
    append(one, one.key, said)
    assert local_issuers.local_issuers(two) == {one.key.did, two.key.did}
    assert local_issuers.signing_issuers(two) == {two.key.did}
    for home in (one, two):
        home.close()
