"""A release as other programs check it: those programs themselves are run, on what is right and on what was changed."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from msgspec import structs
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from registry.cli.main import main
from registry.core.errors import Conflict, InvalidInput
from registry.core.ipld.cid import CID
from registry.core.issuers import address_of_key, did_of
from registry.core.records import Entry, parse_as
from registry.exports.attest import forms, names, prml
from registry.exports.attest.source import Source
from registry.exports.attest.statement import provenance
from registry.provenance.keys.export_key import publishing_pem
from registry.workflows.keys.change_keys import describe
from registry.workflows.releases.export_release import export_release, source_of
from tests.conftest import ROOT
from tests.support.forgery import Released, car_of, simulated_release
from tests.support.handed_over import rotate

EVIL = 'x"}]}\n\\ \u2028\u202e\x00 </script> $ref e\u0301 https://evil.example'
NODE = """
const crypto = require("crypto"), fs = require("fs");
const [path, pem, place] = process.argv.slice(1);
const said = JSON.parse(fs.readFileSync(path)), payload = Buffer.from(said.payload, "base64");
const head = Buffer.from(`DSSEv1 ${said.payloadType.length} ${said.payloadType} ${payload.length} `);
const key = {key: fs.readFileSync(pem), dsaEncoding: place === "0" ? "ieee-p1363" : "der"};
const signature = Buffer.from(said.signatures[place].sig, "base64");
process.exit(crypto.verify("sha256", Buffer.concat([head, payload]), key, signature) ? 0 : 1);
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("export")) as released:
        yield released


@pytest.fixture(scope="module")
def cid(made: Released) -> CID:
    return parse_as(Entry, made.home.store.get(made.entry)).record


@pytest.fixture(scope="module")
def source(made: Released, cid: CID) -> Source:
    return source_of(made.home, cid)


def program(*arguments: object) -> int:
    """The status of a program of the test environment."""
    words = [str(one) for one in arguments]
    return subprocess.run(words, capture_output=True, timeout=120, check=False).returncode


def node(path: Path, pem: str, place: int) -> bool:
    return program("node", "-e", NODE, path, path.parent / pem, place) == 0


def sslib(path: Path) -> dict[str, Any]:
    """The payload, if the export key signed it."""
    public = load_pem_public_key((path.parent / "export-key.pem").read_bytes())
    found = Envelope.from_dict(json.loads(path.read_text()))
    found.verify([SSlibKey.from_crypto(cast("Any", public))], 1)
    return cast("dict[str, Any]", json.loads(found.payload))


def change(path: Path, old: bytes, new: bytes) -> None:
    """Other words in a signed payload."""
    said = json.loads(path.read_text())
    payload = b64decode(said["payload"])
    assert old in payload
    path.write_text(json.dumps({**said, "payload": b64encode(payload.replace(old, new)).decode()}))


def test_securesystemslib_and_node_verify_the_statement(
    made: Released, cid: CID, source: Source, tmp_path: Path
) -> None:
    export_release(made.home, cid, "intoto", tmp_path / "out")
    path = tmp_path / "out" / "provenance.dsse.json"
    payload = sslib(path)
    assert payload["predicateType"] == "https://slsa.dev/provenance/v1"
    assert {one["name"]: one["digest"]["sha256"] for one in payload["subject"]} == {
        **{f"weights/{one.name}": one.sha256 for one in source.files},
        "README.md": source.card,
    }
    assert payload["predicate"]["runDetails"]["builder"]["id"] == source.issuer == made.home.key.did
    assert node(path, "publishing-key.pem", 0)
    assert node(path, "export-key.pem", 1)
    voucher = tmp_path / "out" / "export-key.dsse.json"
    assert node(voucher, "publishing-key.pem", 0)
    vouched = json.loads(b64decode(json.loads(voucher.read_text())["payload"]))
    pem = (tmp_path / "out" / "export-key.pem").read_bytes()
    assert vouched["subject"][0]["digest"]["sha256"] == hashlib.sha256(pem).hexdigest()
    assert did_of(address_of_key(made.home.key.public_key)) == vouched["predicate"]["issuer"]
    assert vouched["predicate"]["signer"] == vouched["predicate"]["issuer"]
    change(path, b"fold:", b"gold:")
    with pytest.raises(VerificationError):
        sslib(path)
    assert not node(path, "publishing-key.pem", 0)
    assert not node(path, "export-key.pem", 1)


def test_the_same_release_gives_the_same_bytes(made: Released, cid: CID, tmp_path: Path) -> None:
    for form in names.FORMS:
        found = [export_release(made.home, cid, form, tmp_path / f"{form}-{number}") for number in (1, 2)]
        assert found[0]["files"]
        if form in names.FOLDERS:
            one, other = ({p.name: p.read_bytes() for p in Path(f["path"]).rglob("*") if p.is_file()} for f in found)
        else:
            one, other = ({"": Path(f["path"]).read_bytes()} for f in found)
        assert one == other, form


def model_signing(folder: Path, signature: Path | None = None) -> int:
    given = ("--signature", signature or folder / "model.sig", "--public_key", folder / "export-key.pem")
    return program(sys.executable, "-m", "model_signing", "verify", "key", folder / "weights", *given)


def test_model_signing_accepts_the_weights_and_refuses_others(made: Released, cid: CID, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done = export_release(made.home, cid, "model-signing", folder)
    assert {"model.sig", "export-key.pem", "publishing-key.pem", "export-key.dsse.json"} < set(done["files"])
    assert model_signing(folder) == 0
    (folder / "weights" / "beside").write_text("a file that nobody signed")
    assert model_signing(folder) != 0
    (folder / "weights" / "beside").unlink()
    said = json.loads((folder / "model.sig").read_text())
    said["dsseEnvelope"]["payload"] = b64encode(b64decode(said["dsseEnvelope"]["payload"]) + b" ").decode()
    (tmp_path / "changed.sig").write_text(json.dumps(said))
    assert model_signing(folder, tmp_path / "changed.sig") != 0
    name = next(iter((folder / "weights").iterdir()))
    name.write_bytes(name.read_bytes() + b"\0")
    assert model_signing(folder) != 0


def valid(document: bytes) -> bool:
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(document.decode()) is None


def test_cyclonedx_is_valid_by_its_schema(source: Source) -> None:
    document = forms.document("cyclonedx", source)
    assert valid(document)
    found = json.loads(document)
    model = found["metadata"]["component"]
    card = model["modelCard"]
    assert {one["type"] for one in card["quantitativeAnalysis"]["performanceMetrics"]} >= {"macro_f1", "accuracy"}
    assert card["modelParameters"]["datasets"] == [{"ref": f"ipfs://{source.view.preprocessing.snapshot}"}]
    assert card["considerations"]["fairnessAssessments"]
    assert [one["hashes"][0]["content"] for one in found["components"] if one["type"] == "file"] == [
        one.sha256 for one in source.files
    ]
    assert not valid(document.replace(b'"SHA-256"', b'"SHA-0"'))
    assert not valid(document.replace(b'"specVersion": "1.6"', b'"specVersion": 1.6'))


def hostile(source: Source) -> Source:
    """A stranger's release, whose every text is evil."""
    view = source.view
    method = structs.replace(view.plan.method, id=EVIL, version=EVIL, task=EVIL, library=EVIL, licence=EVIL)
    metrics = tuple(structs.replace(one, metric=EVIL, label=EVIL) for one in view.evaluation.metrics)
    tests = tuple(structs.replace(one, metric=EVIL, group={EVIL: EVIL}) for one in view.evaluation.tests)
    verdicts = tuple(structs.replace(one, metric=EVIL, verdict=EVIL) for one in view.evaluation.verdicts)
    claims = tuple(structs.replace(one, metric=EVIL) for one in view.plan.claims)
    changed = replace(
        view,
        plan=structs.replace(view.plan, method=method, claims=claims, final=EVIL, code=EVIL),
        recipe=structs.replace(view.recipe, name=EVIL),
        snapshot=structs.replace(view.snapshot, classes=(EVIL, "b")),
        release=structs.replace(view.release, licence=EVIL),
        evaluation=structs.replace(view.evaluation, metrics=metrics, tests=tests, verdicts=verdicts),
    )
    files = tuple(one._replace(name=EVIL) for one in source.files)
    return replace(source, view=changed, issuer=EVIL, files=files[:1])


def test_hostile_text_stays_text_in_every_format(source: Source, tmp_path: Path) -> None:
    evil = hostile(source)
    document = forms.document("cyclonedx", evil)
    assert valid(document)
    assert json.loads(document)["metadata"]["component"]["licenses"] == [{"license": {"name": EVIL}}]
    assert json.loads(forms.as_bytes(provenance(evil))) == provenance(evil)
    path = tmp_path / "claim-1.prml.yaml"
    path.write_bytes(prml.manifests(evil)[0])
    assert falsify("hash", path) == 0


def falsify(*arguments: object) -> int:
    return program(sys.executable, "-m", "falsify_prml", *arguments)


def test_prml_s_own_program_verifies_each_claim(made: Released, cid: CID, source: Source, tmp_path: Path) -> None:
    export_release(made.home, cid, "prml", tmp_path / "out")
    path = tmp_path / "out" / "claim-1.prml.yaml"
    value = source.view.evaluation.verdicts[0].value
    assert falsify("verify", path) == 0
    assert falsify("verify", path, "--observed", value) == 0
    assert falsify("verify", path, "--observed", "0.01") == 10
    path.write_text(path.read_text().replace("threshold: 0.1", "threshold: 0.01"))
    assert falsify("verify", path) == 3
    plan = source.view.plan
    bent = structs.replace(plan, claims=(structs.replace(plan.claims[0], threshold=".nan"),))
    with pytest.raises(InvalidInput, match="claim 1"):
        prml.manifests(replace(source, view=replace(source.view, plan=bent)))


def test_a_file_gives_the_same_and_is_signed_by_nobody_here(
    made: Released, cid: CID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    car = car_of(made.home, made.entry, tmp_path / "release.car")
    export_release(made.home, cid, "cyclonedx", tmp_path / "here.json")
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "elsewhere"))
    command = ["release", "export", str(car), "--format"]
    assert main([*command, "cyclonedx", "-o", str(tmp_path / "there.json")]) == 0
    assert (tmp_path / "there.json").read_bytes() == (tmp_path / "here.json").read_bytes()
    assert main([*command, "intoto", "-o", str(tmp_path / "signed")]) != 0
    assert not (tmp_path / "signed").exists()


def test_nothing_is_written_over(made: Released, cid: CID, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(Conflict, match="exists already"):
        export_release(made.home, cid, "prml", tmp_path / "out")


def commands() -> dict[str, list[str]]:
    """The commands of docs/exports.md by the first file of an export that each is given."""
    section = (ROOT / "docs" / "exports.md").read_text().partition("## Verify a release with other programs")[2]
    lines = re.findall(r"^    (\S.*)$", section, re.MULTILINE)
    return {re.findall(r"DIR/([\w.-]+)|(FILE)$", line)[0][0] or "FILE": shlex.split(line) for line in lines}


HERE = {"python": (), "model_signing": ("-m", "model_signing"), "falsify": ("-m", "falsify_prml")}  # of this Python


def run_as_written(words: list[str], folder: Path, **more: str) -> tuple[int, str]:
    """Its status and what it prints, with a folder for DIR."""
    name, *filled = [more.get(word, word.replace("DIR/", f"{folder}/")) for word in words]
    program = [sys.executable, *HERE[name]] if name in HERE else [name]
    done = subprocess.run([*program, *filled], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout.strip()


def test_the_documented_commands_run_as_they_are_written(
    made: Released, cid: CID, source: Source, tmp_path: Path
) -> None:
    for form in names.FORMS:
        export_release(made.home, cid, form, tmp_path / form)
    written = commands()
    assert set(written) == {"export-key.dsse.json", "provenance.dsse.json", "weights", "FILE", "claim-1.prml.yaml"}
    voucher, statement = written["export-key.dsse.json"], written["provenance.dsse.json"]
    folder = tmp_path / "intoto"
    assert run_as_written(voucher, folder) == (0, "true")
    assert run_as_written(statement, folder)[0] == 0
    change(folder / "export-key.dsse.json", b"signs exports", b"signs entries")
    change(folder / "provenance.dsse.json", b"fold:", b"gold:")
    assert run_as_written(voucher, folder) == (0, "false")
    assert run_as_written(statement, folder)[0] != 0
    assert run_as_written(written["weights"], tmp_path / "model-signing")[0] == 0
    bom = tmp_path / "cyclonedx"
    assert run_as_written(written["FILE"], bom, FILE=str(bom))[0] == 0
    bom.write_bytes(bom.read_bytes().replace(b'"SHA-256"', b'"SHA-0"'))
    assert run_as_written(written["FILE"], bom, FILE=str(bom))[0] != 0
    claim, value = written["claim-1.prml.yaml"], source.view.evaluation.verdicts[0].value
    assert value is not None
    assert run_as_written(claim, tmp_path / "prml", VALUE=value)[0] == 0
    assert run_as_written(claim, tmp_path / "prml", VALUE="0.01")[0] != 0


def test_after_a_handover_the_new_key_signs_exports_for_the_same_issuer(tmp_path: Path) -> None:
    with simulated_release(tmp_path) as (home, entry, _), closing(rotate(home)) as later:
        release = parse_as(Entry, later.store.get(entry)).record
        old = home.key.public_key
        export_release(later, release, "intoto", tmp_path / "out")
        path = tmp_path / "out" / "provenance.dsse.json"
        assert sslib(path)["predicate"]["runDetails"]["builder"]["id"] == home.key.did
        assert node(path, "publishing-key.pem", 0)
        voucher = tmp_path / "out" / "export-key.dsse.json"
        assert node(voucher, "publishing-key.pem", 0)
        said = json.loads(b64decode(json.loads(voucher.read_text())["payload"]))["predicate"]
        assert (said["issuer"], said["signer"]) == (home.key.did, did_of(address_of_key(later.key.public_key)))
        assert said["signer"] == describe(later, home.key.did)["key"] != did_of(address_of_key(old))
        (tmp_path / "out" / "publishing-key.pem").write_bytes(publishing_pem(old))
        assert not node(voucher, "publishing-key.pem", 0)
