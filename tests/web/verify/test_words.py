"""Every reason that the verifier gives has its Spanish, and fills in the same."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

from registry.web.verify import verify
from tests.support.verifier import verifier_script

HERE = Path(verify.__file__).parent
SPANISH: dict[str, str] = tomllib.loads((HERE / "reasons.toml").read_text("utf-8"))
CALL = re.compile(r'\b(?:Refusal|NotChecked|Newer|say|bad|hostile)\(\s*"((?:[^"\\]|\\.)*)"')
NAME = re.compile(r"\{(\w+)\}")


def test_every_reason_is_said_in_spanish_too() -> None:
    found = {text for path in HERE.rglob("*.js") for text in CALL.findall(path.read_text("utf-8"))}
    assert len(found) > 200
    assert sorted(found - SPANISH.keys()) == []


def test_both_languages_fill_in_the_same() -> None:
    for english, spanish in SPANISH.items():
        assert set(NAME.findall(english)) == set(NAME.findall(spanish)), english


def test_modules_are_small() -> None:
    lines = {
        path.relative_to(HERE).as_posix(): len(path.read_text("utf-8").splitlines()) for path in HERE.rglob("*.js")
    }
    assert {name: count for name, count in lines.items() if count > 250} == {}


def test_the_page_says_a_reason_in_spanish(node: str) -> None:
    english, spanish = next((one, said) for one, said in SPANISH.items() if "{" not in one)
    asked = f"""require({json.dumps(str(verifier_script()))});
    const {{ reason, setLanguage }} = globalThis.verifier;
    for (const name of ["es", "en"]) {{
      setLanguage(name);
      console.log(reason({{ template: {json.dumps(english)}, values: {{}} }}));
    }}"""
    done = subprocess.run([node, "-e", asked], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [spanish, english]
