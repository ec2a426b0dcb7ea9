"""docker-compose.yml as far as no engine is needed: its schema, what it exposes, its secrets, its commands."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from registry.cli.parser import build_parser
from registry.settings import read_settings

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("api", "worker")


def test_it_is_valid_by_the_compose_specification() -> None:
    vendored = resources.files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    check = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in check.iter_errors(COMPOSE)] == []
    broken = {**COMPOSE, "services": {"api": {"port": "8000:8000"}}}
    assert list(check.iter_errors(broken)), "the schema would let anything through"


def test_all_parts_are_there_and_say_when_they_are_well() -> None:
    assert set(SERVICES) == {"api", "worker", "database", "kubo", "chain"}
    for name, service in SERVICES.items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert {"interval", "timeout", "retries"} <= set(service["healthcheck"]), name


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_only_the_api_listens_beyond_this_machine(name: str) -> None:
    assert "network_mode" not in SERVICES[name]
    for port in SERVICES[name].get("ports", []):
        assert name == "api" or port.startswith("127.0.0.1:"), port


def test_secrets_come_from_files_that_git_does_not_know() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for name, secret in COMPOSE["secrets"].items():
        assert list(secret) == ["file"], name
        assert Path(secret["file"]).parent == Path("secrets"), name
        assert any(name in service.get("secrets", []) for service in SERVICES.values()), f"nobody uses {name}"
        assert f"> {name}\n" in text, f"nothing says how to make {name}"
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|PASSPHRASE|DATABASE_URL", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert value.removeprefix("/run/secrets/") in service["secrets"], f"{name}: {variable}"
    for ignore in (".gitignore", ".dockerignore"):
        lines = (ROOT / ignore).read_text(encoding="utf-8").split()
        assert {line.strip("/") for line in lines} >= {"secrets"}, ignore


def test_every_volume_is_declared() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_commands_and_health_checks_are_real_subcommands(name: str) -> None:
    program, *arguments = SERVICES[name]["command"]
    assert program == "emotionet"
    assert callable(build_parser().parse_args(arguments).command)
    checked = SERVICES[name]["healthcheck"]["test"][1:]
    if checked[0] == "emotionet":
        assert callable(build_parser().parse_args(checked[1:]).command)


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_ones_that_are_read(name: str, tmp_path: Path) -> None:
    environment = dict(SERVICES[name]["environment"])
    source = (ROOT / "registry" / "settings.py").read_text(encoding="utf-8")
    for variable in environment:
        assert variable.removesuffix("_FILE") in source, variable
    for variable in list(environment):
        if variable.endswith("_FILE"):
            secret = tmp_path / variable
            secret.write_text(f"value of {variable}\n", encoding="utf-8")
            environment[variable] = str(secret)
        elif environment[variable].startswith("${"):  # as compose fills it in where .env says nothing
            environment[variable] = re.fullmatch(r"\$\{\w+:-(.*)\}", environment[variable]).group(1)  # type: ignore[union-attr]
    settings = read_settings(environment)
    assert settings.database_url == "value of EMOTIONET_DATABASE_URL_FILE"
    assert settings.passphrase == "value of EMOTIONET_PASSPHRASE_FILE"
    assert settings.chain_rpc is None
    assert settings.home == Path(SERVICES[name]["volumes"][0].split(":")[1])


def test_the_images_are_built_from_files_that_are_here() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE))
    for name in (*OURS, "chain"):
        build = SERVICES[name]["build"]
        assert build["context"] == "."
        assert build["target"] in stages
    for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists() or source == "README.md", source
