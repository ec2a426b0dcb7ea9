"""Settings: read once, all optional, secrets from files and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.core.errors import UsageError
from registry.settings import read_settings


def test_everything_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = read_settings({})
    assert found.home == tmp_path / ".emotionet"
    assert found.database_url == f"sqlite:///{found.home / 'catalog.sqlite'}"
    assert (found.chain_rpc, found.chain_contract, found.passphrase, found.parallel_folds) == (None, None, None, 0)
    assert found.blocks.parent == found.work.parent == found.home


def test_secrets_come_from_the_environment_or_a_file_and_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql+psycopg://user:hush@database/emotionet\nsecond line\n")
    given = {
        "EMOTIONET_HOME": str(tmp_path),
        "EMOTIONET_DATABASE_URL_FILE": str(tmp_path / "url"),
        "EMOTIONET_PASSPHRASE": "hush hush",
        "EMOTIONET_CHAIN_RPC": "https://node.example/key-hush",
    }
    found = read_settings(given)
    assert found.database_url == "postgresql+psycopg://user:hush@database/emotionet"
    assert found.passphrase == "hush hush"
    assert "hush" not in repr(found)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_secrets_file_that_can_not_be_read_names_the_variable(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="EMOTIONET_PASSPHRASE_FILE"):
        read_settings({"EMOTIONET_PASSPHRASE_FILE": str(path)})


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "1e12", "inf"])
def test_numbers_are_bounded(value: str) -> None:
    with pytest.raises(UsageError, match="EMOTIONET_LEASE_SECONDS"):
        read_settings({"EMOTIONET_LEASE_SECONDS": value})


def test_settings_can_not_be_changed() -> None:
    found = read_settings({"EMOTIONET_PARALLEL_FOLDS": "2"})
    assert found.parallel_folds == 2
    with pytest.raises(AttributeError):
        found.parallel_folds = 3  # type: ignore[misc]


def test_a_cluster_is_asked_for_more_folds_than_this_machine_does() -> None:
    here, cluster = read_settings({}), read_settings({"EMOTIONET_RAY_ADDRESS": "10.0.0.1:6379"})
    assert here.at_once("ray") == here.at_once("local") == cluster.at_once("local") == cluster.at_once(None)
    assert cluster.at_once("ray") > cluster.at_once("local")
    assert read_settings({"EMOTIONET_PARALLEL_FOLDS": "7"}).at_once("local") == 7
