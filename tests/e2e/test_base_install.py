"""The base alone, without any extra: small, and it registers, serves, fetches and audits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.request
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from registry.assembly import Home
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.snapshots.take_snapshot import take_snapshot
from registry.workflows.store.export_held import export_held
from tests.conftest import ROOT, free_port
from tests.support.forgery import simulated_release
from tests.workflows.conftest import Folder, environment, labeled, opened

__all__ = ["environment", "labeled", "opened"]  # fixtures
LIMIT = 300 << 20  # bytes, of everything that is installed
PIP = 30 << 20  # pip, and what venv brings beside it
BLOCK = 4096
HEAVY = {
    "torch",
    "ultralytics",
    "pandas",
    "pyarrow",
    "cv2",
    "safetensors",
    "onnx",
    "onnxruntime",
    "matplotlib",
    "scipy",
    "nltk",
}


@cache
def base() -> dict[str, metadata.Distribution]:
    """All that pip installs for the project without extras, as far as it is installed here, by its normal name."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    pending: list[tuple[Requirement, frozenset[str]]] = [(Requirement(line), frozenset([""])) for line in wanted]
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    while pending:
        requirement, extras = pending.pop()
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        asked = frozenset(["", *requirement.extras])
        if all((name, extra) in seen for extra in asked):
            continue
        seen |= {(name, extra) for extra in asked}
        found[name] = metadata.distribution(requirement.name)
        pending += [(Requirement(line), asked) for line in found[name].requires or ()]
    return found


def modules(distribution: metadata.Distribution) -> set[str]:
    """Top-level names that a distribution brings."""
    return {file.parts[0].removesuffix(".py") for file in distribution.files or () if file.parts[0] != ".."}


def test_the_base_is_small() -> None:
    found = base()
    assert not HEAVY & {name for one in found.values() for name in modules(one)}
    kept = [file for one in found.values() for file in one.files or () if file.suffix != ".pyc"]  # pip --no-compile
    files = {Path(str(file.locate())) for file in kept}
    size = sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in files if path.is_file())
    assert size + PIP < LIMIT, f"{size >> 20} MiB"


@cache
def others() -> tuple[str, ...]:
    """Top-level names that are installed here, and not with the base."""
    mine = {name for one in base().values() for name in modules(one)} | {"registry", "pipeline", "contracts_abi"}
    mine |= {"migrations", "pip", "setuptools", *sys.stdlib_module_names}
    found = {name for one in metadata.distributions() for name in modules(one) if name.isidentifier()} - mine
    assert found >= HEAVY
    return tuple(sorted(found))


@pytest.fixture
def missing(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a process that has the base alone."""
    paths = [str(ROOT / "tests" / "support" / "base_only"), environment["PYTHONPATH"], str(ROOT)]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths), "EMOTIONET_TEST_MISSING": ",".join(others())}


def run(given: dict[str, str], *arguments: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "registry.cli.main", *arguments]
    wanted = given if home is None else {**given, "EMOTIONET_HOME": str(home)}
    return subprocess.run(command, env=wanted, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release as one CAR."""
    path = tmp_path / "release.car"
    with simulated_release(tmp_path / "made") as made:
        export_held(made.home, made.entry, path)
    return path


def test_the_base_registers_serves_fetches_and_audits(
    missing: dict[str, str], release: Path, labeled: Folder, tmp_path: Path
) -> None:
    home = tmp_path / "elsewhere"
    done = run(missing, "audit", str(release), "--offline", "--json", home=home)
    failed = [check for check in json.loads(done.stdout)["checks"] if check["result"] == "does not hold"]
    assert not failed, [check["reason"] for check in failed]
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["holds"] is True
    assert run(missing, "import", str(labeled(name="more")), home=home).returncode == 0
    snapshot = run(missing, "snapshot", "create", "--quiet", home=home)
    assert snapshot.returncode == 0, snapshot.stderr
    cid = snapshot.stdout.strip()
    assert run(missing, "snapshot", "export", cid, "--format", "csv", home=home).stdout.count("\n") == 25
    assert (
        run(missing, "snapshot", "export", cid, "--format", "yolo", "-o", str(tmp_path / "yolo"), home=home).returncode
        == 0
    )
    assert run(missing, "fetch", cid, "-o", str(tmp_path / "fetched"), home=home).returncode == 0
    port = free_port()
    command = [sys.executable, "-m", "registry.cli.main", "serve", "--port", str(port)]
    served = subprocess.Popen(command, env={**missing, "EMOTIONET_HOME": str(home)}, stderr=subprocess.PIPE)
    try:
        assert cid in answer(served, f"http://127.0.0.1:{port}/api/v1/snapshots")
    finally:
        served.terminate()
        served.communicate(timeout=30)


def answer(served: subprocess.Popen[bytes], address: str) -> str:
    for _ in range(300):
        assert served.poll() is None, served.stderr
        try:
            with urllib.request.urlopen(address, timeout=10) as found:
                return str(found.read(), "utf-8")
        except OSError:
            time.sleep(0.2)
    raise AssertionError("nobody answers")


BEYOND = {
    "train": (["train", "SNAPSHOT", "--recipe", "quick"], ["train", "SNAPSHOT", "--recipe", "quick", "--dry-run"]),
    "tables": (
        ["snapshot", "export", "SNAPSHOT", "--format", "parquet", "-o", "out"],
        ["snapshot", "export", "SNAPSHOT", "--format", "croissant", "-o", "out"],
    ),
}


def test_what_the_base_does_not_do_says_which_extra_does(
    missing: dict[str, str], opened: Home, labeled: Folder, tmp_path: Path
) -> None:
    import_source(opened, str(labeled()))
    known = {"SNAPSHOT": take_snapshot(opened)["snapshot"], "out": str(tmp_path / "out")}
    before = sorted(opened.settings.home.rglob("*"))
    for extra, commands in BEYOND.items():
        for arguments in commands:
            refused(run(missing, *(known.get(one, one) for one in arguments)), extra)
    assert not (tmp_path / "out").exists()
    assert sorted(opened.settings.home.rglob("*")) == before, "nothing was planned or signed"


def refused(done: subprocess.CompletedProcess[str], extra: str) -> None:
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stderr.splitlines()[-1] == f"hint: pip install 'emotionet[{extra}]'."


@pytest.mark.parametrize(
    ("name", "value", "extra"),
    [
        ("EMOTIONET_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "postgres"),
        ("EMOTIONET_IPFS_API", "/ip4/127.0.0.1/tcp/1", "kubo"),
        ("EMOTIONET_S3", "s3://bucket/blocks", "s3"),
    ],
)
def test_a_part_that_is_not_installed_is_named(
    missing: dict[str, str], labeled: Folder, tmp_path: Path, name: str, value: str, extra: str
) -> None:
    refused(run({**missing, name: value}, "import", str(labeled()), home=tmp_path / "new"), extra)
