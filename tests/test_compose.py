"""docker-compose.yml as far as no engine is needed: its schema, what it exposes, its secrets, its commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from registry.cli.parser import build_parser
from registry.content.stores.s3.bucket import Bucket, Place
from registry.settings import read_settings
from tests.conftest import free_port
from tests.support.processes.s3 import S3, find

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("api", "worker-one", "worker-two")


def test_it_is_valid_by_the_compose_specification() -> None:
    vendored = resources.files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    check = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in check.iter_errors(COMPOSE)] == []
    broken = {**COMPOSE, "services": {"api": {"port": "8000:8000"}}}
    assert list(check.iter_errors(broken)), "the schema would let anything through"


def test_all_parts_are_there_and_say_when_they_are_well() -> None:
    assert set(SERVICES) == {*OURS, "database", "blocks", "kubo", "chain"}
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
            if re.search("PASSWORD|PASSPHRASE|DATABASE_URL|KEY|SECRET", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert value.removeprefix("/run/secrets/") in service["secrets"], f"{name}: {variable}"
    for ignore in (".gitignore", ".dockerignore"):
        lines = (ROOT / ignore).read_text(encoding="utf-8").split()
        assert {line.strip("/") for line in lines} >= {"secrets"}, ignore


def test_every_volume_is_declared_and_none_is_shared() -> None:
    used = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert sorted(used) == sorted(COMPOSE["volumes"])


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
    assert settings.key == "value of EMOTIONET_KEY_FILE\n"
    assert (settings.store, settings.s3_secret) == ("s3", "value of EMOTIONET_S3_SECRET_FILE")
    Bucket(Place(settings.s3 or "", settings.s3_endpoint, settings.s3_region, settings.s3_key, settings.s3_secret))
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


@dataclass(frozen=True)
class Layout:
    """The services' commands as processes of this machine: what they find in containers lies in ``folder``."""

    folder: Path
    ports: dict[str, int]

    def here(self, text: str) -> str:
        """The same words with this machine's paths and ports."""
        for name, port in self.ports.items():
            text = text.replace(f"//{name}:7070", f"//127.0.0.1:{port}")
        return (
            text.replace("/run/secrets", str(self.folder / "secrets"))
            .replace("--port :7070", f"--port 127.0.0.1:{self.ports['blocks']}")
            .replace("127.0.0.1:7070", f"127.0.0.1:{self.ports['blocks']}")
            .replace("127.0.0.1:8000", f"127.0.0.1:{self.ports['api']}")
            .replace("$$", "$")
        )

    def command(self, name: str) -> list[str]:
        """What the container runs."""
        service = SERVICES[name]
        words = [self.here(one) for one in (*service.get("entrypoint", []), *service["command"])]
        words = [one.replace("/data", str(self.folder / name)) if name == "blocks" else one for one in words]
        words = ["127.0.0.1" if one == "0.0.0.0" else str(self.ports["api"]) if one == "8000" else one for one in words]
        return [*OWN_COMMAND, *words[1:]] if words[0] == "emotionet" else words

    def environment(self, name: str) -> dict[str, str]:
        """What the container is told; a variable of .env has its default."""
        given = {
            variable: self.here(re.sub(r"\$\{\w+:-(.*)\}", r"\1", value))
            for variable, value in SERVICES[name].get("environment", {}).items()
        }
        if "EMOTIONET_HOME" in given:
            given["EMOTIONET_HOME"] = str(self.folder / name)
        tools = f"{Path(str(find())).parent}:{os.environ['PATH']}"
        return {**os.environ, **given, "PATH": tools}

    def is_well(self, name: str) -> bool:
        """What the service's own health check says."""
        program, *words = [self.here(one) for one in SERVICES[name]["healthcheck"]["test"][1:]]
        if program == "wget":
            program, words = "python", ["-c", f"import urllib.request as u; u.urlopen({words[-1]!r}, timeout=4)"]
        command = [sys.executable, *words] if program == "python" else [*OWN_COMMAND, *words]
        done = subprocess.run(command, env=self.environment(name), capture_output=True, timeout=60, check=False)
        return done.returncode == 0


OWN_COMMAND = (sys.executable, "-m", "registry.cli.main")


@pytest.mark.postgres
def test_its_services_start_as_it_says_and_are_well(postgres_database: str, s3: S3, tmp_path: Path) -> None:
    layout = Layout(tmp_path, {"api": free_port(), "blocks": free_port()})
    (tmp_path / "secrets").mkdir()
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for line in re.findall(r"^#   (.* > (?!\.env|database_url)\w+)$", text, re.MULTILINE):  # as it says to make them
        subprocess.run(["sh", "-ec", line], cwd=tmp_path / "secrets", check=True)
    (tmp_path / "secrets" / "database_url").write_text(postgres_database)  # that server is the tests' own
    with ExitStack() as running:
        for name in ("blocks", *OURS):
            log = running.enter_context((tmp_path / f"{name}.log").open("wb"))
            command, environment = layout.command(name), layout.environment(name)
            process = running.enter_context(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            running.callback(process.kill)
            until = time.monotonic() + 60
            while not layout.is_well(name):
                assert process.poll() is None, (tmp_path / f"{name}.log").read_text()
                assert time.monotonic() < until, (tmp_path / f"{name}.log").read_text()
            assert process.poll() is None
    assert (tmp_path / "blocks" / "buckets" / "emotionet" / "blocks" / "repository").is_file()
    assert not (tmp_path / "worker-one" / "keys").exists()
