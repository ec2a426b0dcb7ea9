"""What may be imported where, beyond what import-linter sees: nothing heavy before it is used."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys

import pytest
from PIL import Image

import registry
from registry.assembly import open_home
from registry.catalog.queries.labeled_images.images import list_images
from registry.settings import read_settings
from registry.workflows.images.importing.import_source import import_source
from tests.conftest import ROOT

HEAVY = {
    "torch",
    "web3",
    "pandas",
    "litestar",
    "sqlalchemy",
    "ultralytics",
    "numpy",
    "cv2",
    "PIL",
    "pyarrow",
    "requests",
}


def loaded_after(statement: str) -> set[str]:
    """Top-level names in ``sys.modules`` after a statement in a fresh interpreter."""
    code = f"import sys\n{statement}\nimport json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, timeout=60)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "statement",
    [
        "import registry",
        "import registry.cli.main",
        "from registry.cli.parser import build_parser; build_parser()",
        "import registry.assembly",
        "import registry.settings",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_used(statement: str) -> None:
    assert HEAVY & loaded_after(statement) == set()


def test_help_loads_nothing_heavy() -> None:
    assert HEAVY & loaded_after("from registry.cli.parser import build_parser; build_parser().format_help()") == set()


UNNEEDED = (
    *("sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "registry.core.records"),
    *("alembic", "web3", "jinja2", "pandas", "PIL", "numpy", "torch", "litestar", "coincurve", "Crypto"),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], str]:
    """A home's environment, and the CID of an image that its catalog knows."""
    folder = tmp_path_factory.mktemp("faces")
    Image.new("RGB", (64, 64)).save(folder / "face.png")
    (folder / "labels.csv").write_text("file,label\nface.png,feliz\n")
    opened = open_home(read_settings({"EMOTIONET_HOME": str(folder / "home")}))
    import_source(opened, str(folder))
    with opened.catalog.read() as db:
        ((image,), _) = list_images(db)
    opened.close()
    return {**os.environ, "EMOTIONET_HOME": str(folder / "home")}, image["cid"]


@pytest.mark.parametrize("command", ["lineage", "images list"])
def test_a_question_to_the_catalog_loads_no_more_than_it_needs(home: tuple[dict[str, str], str], command: str) -> None:
    environment, cid = home
    words = [*command.split(), *([cid] if command == "lineage" else [])]
    code = f"import sys; from registry.cli.main import main; assert main({words!r}) == 0; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True, text=True, timeout=60
    )
    *told, last = done.stdout.splitlines()
    loaded = set(last.split())
    assert cid in "\n".join(told)
    assert "sqlalchemy" in loaded
    assert [name for name in UNNEEDED if name in loaded] == []


def test_the_check_sees_what_is_loaded() -> None:
    assert "numpy" in loaded_after("import numpy")


@pytest.mark.parametrize("name", sorted(module.name for module in pkgutil.iter_modules(registry.__path__, "registry.")))
def test_every_package_can_be_imported_alone(name: str) -> None:
    """A cycle shows only where the other package was not imported first."""
    assert "torch" not in loaded_after(f"import {name}")


def test_the_service_runs_without_the_pipeline_and_torch() -> None:
    blocked = "import sys; sys.modules.update(pipeline=None, torch=None, ultralytics=None); "
    imports = "import registry.api.app, registry.assembly, registry.workflows.audit.audit_target, registry.cli.main"
    assert "litestar" in loaded_after(blocked + imports)


def test_the_contract_is_read_without_web3() -> None:
    assert "web3" not in loaded_after("import contracts_abi; contracts_abi.deployed_bytecode()")


@pytest.mark.parametrize("name", ["registry.provenance.anchors.ethereum", "registry.provenance.anchors.transactions"])
def test_the_recursion_limit_stays_pythons_own(name: str) -> None:
    """py_ecc, which web3 and eth_account bring, raises it a hundredfold: deep JSON would then end the server."""
    code = f"import sys, {name}; print(sys.getrecursionlimit())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1000"
