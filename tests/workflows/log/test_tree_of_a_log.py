"""A registry's log as others see it: checkpoints that go on, tiles, proofs, witnesses, and what Go's packages say."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from litestar.testing import TestClient
from msgspec import structs

from registry.api.app import create_app
from registry.assembly import Home, open_home
from registry.catalog.queries.signed_records import entries
from registry.cli.main import main
from registry.core import records
from registry.core.errors import Conflict, EmotionetError, Unavailable, Untrusted
from registry.core.ipld.cid import CID
from registry.core.tlog import checkpoint, equivocation, issuer_log, merkle, tiles
from registry.core.tlog.note import key_id, read_key
from registry.core.tlog.proof import AddCheckpoint, Proof
from registry.provenance.checks.results import FAILS, HOLDS, UNCHECKED
from registry.provenance.evidence.shown import Trust
from registry.provenance.witnessing.services import read_log
from registry.settings import read_settings
from registry.workflows.audit.audit_file import audit_car
from registry.workflows.log.checkpoints import add_cosignatures, kept, leaves, newest, note_seed, prove, tile_of
from registry.workflows.log.equivocations import equivocations, equivocations_in
from registry.workflows.log.inclusions import keep_releases_included
from registry.workflows.log.witnesses import cosign_log, publish_checkpoint, witness_of
from registry.workflows.names.set_name import set_name
from registry.workflows.store.export_held import export_held
from registry.workflows.store.find_records import record_of
from tests.conftest import ROOT, require
from tests.support.forgery import Released, car_of, put, reason_of, results, simulated_release, way_back


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    with simulated_release(tmp_path_factory.mktemp("tree")) as found:
        yield found


@pytest.fixture(scope="module")
def witnesses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Another home, which is a witness for anybody."""
    folder = tmp_path_factory.mktemp("witness")
    settings = read_settings({"EMOTIONET_HOME": str(folder), "EMOTIONET_WITNESS_LOGS": "any"})
    home = open_home(settings)
    yield home
    home.close()


@pytest.fixture(scope="module")
def served(witnesses: Home) -> Iterator[str]:
    """The witness's address, on the loopback."""
    config = uvicorn.Config(create_app(witnesses), port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/witness"
    server.should_exit = True
    thread.join(10)


def grow(home: Home, entry: CID, name: str) -> None:
    """One entry more."""
    set_name(home, home.key, name, record_of(home, entry))


def test_a_release_carries_the_proof_that_it_and_its_plan_are_in_the_tree(honest: Released, tmp_path: Path) -> None:
    path = tmp_path / "release.car"
    export_held(honest.home, record_of(honest.home, honest.entry), path)
    report = audit_car(path)
    assert results(report)["3.included"] == HOLDS
    assert results(report)["3.witnesses"] == UNCHECKED
    assert "EMOTIONET_WITNESSES names none" in reason_of(report, "3.witnesses")
    assert [one.id for one in report.checks if one.result == FAILS] == []


def test_the_tiles_are_those_of_the_tree_and_never_more(honest: Released) -> None:
    home = honest.home
    signed = newest(home, home.key)
    assert newest(home, home.key) == signed  # nothing grew
    with TestClient(create_app(home)) as client:
        prefix = f"/log/{signed.issuer}"

        def get(url: str) -> bytes:
            answer = client.get(url)
            assert answer.status_code == 200, answer.text
            return answer.content

        found, hashes = read_log(prefix, get)
        assert (found.checkpoint, hashes) == (signed.checkpoint, leaves(home, signed.issuer))
        (bundle,) = tiles.leaf_tiles(signed.checkpoint.size, tiles.ENTRIES)
        held = tiles.read_bundle(get(f"{prefix}/tile/{bundle}"), bundle.width)
        assert [merkle.leaf_hash(one) for one in held] == hashes
        assert "immutable" in client.get(f"{prefix}/tile/{bundle}").headers["cache-control"]
        beyond = tiles.Tile(0, 0, signed.checkpoint.size + 1)
        statuses = {
            f"{prefix}/tile/{beyond}": 404,
            f"{prefix}/tile/0/001": 404,
            f"{prefix}/tile/9/000": 422,
            f"{prefix}/tile/0/0": 422,
            "/log/nobody/checkpoint": 404,
            f"/log/0x{'1' * 40}/checkpoint": 404,
        }
        assert {address: client.get(address).status_code for address in statuses} == statuses


def test_a_checkpoint_goes_on_from_the_one_before_or_is_not_signed(
    honest: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = honest.home
    before = newest(home, home.key)
    grow(home, honest.entry, "grown")
    after = newest(home, home.key)
    hashes = leaves(home, after.issuer)
    proof = merkle.consistency(hashes, before.checkpoint.size)
    head = after.checkpoint
    merkle.check_consistency(before.checkpoint.size, before.checkpoint.root, head.size, head.root, proof)
    lies = {"catalog_is_older": hashes[:-1], "log_fork": [*hashes[:-1], merkle.leaf_hash(b"other")]}
    for code, lie in lies.items():
        monkeypatch.setattr("registry.workflows.log.checkpoints.leaves", lambda *_, lie=lie: lie)
        with pytest.raises(Conflict) as refusal:
            newest(home, home.key)
        assert refusal.value.code == code
    monkeypatch.undo()
    assert kept(home, after.issuer) == after


def test_a_witness_over_http_cosigns_and_audits_count_it(
    honest: Released, witnesses: Home, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, key = honest.home, witness_of(witnesses).key
    monkeypatch.setattr(home, "settings", structs_of(home, f"{key}={served}", f"{other_key()}"))
    signed, told = publish_checkpoint(home, home.key)
    assert [one["cosigned"] for one in told] == [True], told
    grow(home, honest.entry, "grown-again")
    signed, told = publish_checkpoint(home, home.key)  # the witness asks for a proof from what it saw
    assert [one["cosigned"] for one in told] == [True], told
    assert checkpoint.cosigned_at(signed.note, key) is not None
    assert keep_releases_included(home, signed)
    assert keep_releases_included(home, signed) == []
    path = tmp_path / "release.car"
    export_held(home, record_of(home, honest.entry), path)
    trusted = audit_car(path, trust=Trust(witnesses=lambda: [key, other_key()]))
    assert results(trusted)["3.witnesses"] == HOLDS
    assert reason_of(trusted, "3.witnesses").startswith(f"1 of 2 trusted witnesses cosigned: {key.name} at 2")
    stranger = audit_car(path, trust=Trust(witnesses=lambda: [other_key()]))
    assert results(stranger)["3.witnesses"] == UNCHECKED
    with TestClient(create_app(home)) as client:
        assert client.get(f"/log/{signed.issuer}/checkpoint").text == str(signed.note)


def other_key() -> Any:
    """A witness of whom nobody ever asked anything."""
    return read_key("other.example+" + _id_of("other.example") + "+" + _PUBLIC)


_PUBLIC = "BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"  # the public key of the seed 0, 1, …, 31, of type 4


def _id_of(name: str) -> str:
    data = base64.b64decode(_PUBLIC)
    return key_id(name, data[:1], data[1:]).hex()


def structs_of(home: Home, *given: str) -> Any:
    """The home's settings with these witnesses."""
    return replace(home.settings, witnesses=given)


def test_a_witness_that_is_silent_lies_or_refuses_stops_nothing(
    honest: Released, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = honest.home
    for url in ("http://127.0.0.1:1/witness", served, f"{served}/nowhere"):
        monkeypatch.setattr(home, "settings", structs_of(home, f"{other_key()}={url}"))
        _, told = publish_checkpoint(home, home.key)
        assert [one["cosigned"] for one in told] == [False]
        assert told[0]["reason"]


def test_the_protocol_s_answers_are_those_of_the_specification(honest: Released, witnesses: Home) -> None:
    signed = newest(honest.home, honest.home.key)
    hashes = leaves(honest.home, signed.issuer, 0, signed.checkpoint.size)
    ours = str(signed.note)
    size = signed.checkpoint.size
    with TestClient(create_app(witnesses)) as client:

        def ask(old: int, proof: list[bytes], text: str = ours) -> Any:
            body = bytes(AddCheckpoint(old, tuple(proof), signed.note)).decode().replace(ours, text)
            return client.post("/witness/add-checkpoint", content=body.encode())

        first = client.post("/witness/add-checkpoint", content=bytes(AddCheckpoint(0, (), signed.note)))
        old = size if first.status_code == 200 else int(first.text)
        assert ask(old, merkle.consistency(hashes, old)).status_code == 200
        again = ask(0, [])
        assert (again.status_code, again.text) == (409, f"{size}\n")
        assert again.headers["content-type"].startswith("text/x.tlog.size")
        assert ask(size, [bytes(32)]).status_code == 422
        assert ask(size + 1, []).status_code == 400
        assert ask(size, [], ours.replace(f"\n{size}\n", f"\n{size + 1}\n")).status_code == 403
        assert client.post("/witness/add-checkpoint", content=b"old").status_code == 400
        address = f"/witness/{sha256(signed.checkpoint.origin.encode()).hexdigest()}/checkpoint"
        cosigned = checkpoint.read(client.get(address).content)[1]
        assert checkpoint.cosigned_at(cosigned, witness_of(witnesses).key) is not None
        assert client.get(f"/witness/{'0' * 64}/checkpoint").status_code == 404
    closed = open_home(replace(witnesses.settings, witness_logs=()))
    try:
        with TestClient(create_app(closed)) as client:
            answer = client.post("/witness/add-checkpoint", content=bytes(AddCheckpoint(0, (), signed.note)))
            assert answer.status_code == 404
    finally:
        closed.close()


def test_changed_evidence_of_the_tree_is_found(honest: Released, tmp_path: Path) -> None:
    home = honest.home
    with home.catalog.read() as db:
        rows = [one for one in entries.evidence_for(db, honest.entry) if one["kind"] == records.WITNESS]
    true = records.parse_as(records.Evidence, home.store.get(CID.parse(rows[0]["cid"])))
    assert true.proof is not None
    size = true.statement["size"]
    changes: list[dict[str, Any]] = [
        {"statement": {**true.statement, "size": size + 1}},
        {"statement": {**true.statement, "cosigners": ["somebody"]}},
        {"statement": {**true.statement, "root": bytes(32)}},
        {"statement": {**true.statement, "more": 1}},
        {"proof": true.proof.replace(f"\n{size}\n".encode(), f"\n{size + 1}\n".encode())},
        {"proof": true.proof[:-1]},
        {"proof": None},
        {"entry": bytes(honest.view.release.plan_entry)},
    ]
    for at, change in enumerate(changes):
        evidence = records.encode(structs.replace(true, **change))
        path = car_of(home, honest.entry, tmp_path / f"{at}.car", beside=[put(home, evidence)])
        assert results(audit_car(path))["3.included"] == FAILS, change


def evidence_in(home: Home, cids: list[CID], at: int, size_and_more: list[CID]) -> CID:
    """Evidence that an entry is in a tree that this home's key signs, whatever its log is."""
    hashes = issuer_log.leaves(size_and_more)
    root = merkle.root(hashes)
    signed = issuer_log.sign(home.key, note_seed(home.key), home.key.did, len(hashes), root)
    proof = Proof(at, tuple(merkle.inclusion(hashes, at)), signed.note)
    said = {"origin": signed.checkpoint.origin, "size": len(hashes), "root": root, "cosigners": []}
    made = records.Evidence(entry=bytes(cids[at]), kind=records.WITNESS, statement=said, proof=bytes(proof))
    return put(home, records.encode(made))


def test_what_contradicts_the_tree_is_found_and_written_with_both_halves(
    honest: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = honest.home
    way = way_back(home, honest.entry)[::-1]
    plan = way.index(honest.view.release.plan_entry)
    later = [put(home, records.encode(records.Profile(name=f"{at}", url=None, contact=None))) for at in range(9)]
    swapped = [*way[:plan], later[0], *way[plan + 1 :]]
    last, grown = len(way) - 1, [*way[:-1], *later]
    lies = {
        "one size": [evidence_in(home, one, last, one) for one in (way, [*way[:-1], later[3]])],
        "other sizes": [evidence_in(home, one, last, one) for one in (way, grown)],
        "entry": [evidence_in(home, swapped, plan, swapped)],
    }
    fit = [evidence_in(home, way, at, [*way, *later[:more]]) for at in (plan, len(way) - 1) for more in (0, 1, 4)]
    fine = car_of(home, honest.entry, tmp_path / "fit.car", beside=fit)
    assert results(audit_car(fine))["3.included"] == HOLDS
    assert equivocations_in(fine) == []
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "empty"))
    for name, beside in lies.items():
        path = car_of(home, honest.entry, tmp_path / f"{name}.car", beside=beside)
        report = audit_car(path)
        assert results(report)["3.included"] == FAILS, name
        assert "the log forks" in reason_of(report, "3.included")
        out = tmp_path / f"{name}.json"
        assert main(["log", "equivocation", str(path), "-o", str(out)]) == 0
        capsys.readouterr()
        assert main(["audit", str(out)]) == 1
        assert f"the log forks: {home.key.did} signed" in capsys.readouterr().out
    assert main(["log", "equivocation", str(fine)]) == 3  # as everything that is not there
    assert not (tmp_path / "empty").exists()


def test_evidence_of_two_histories_is_exported_and_checked_anywhere(
    honest: Released,
    witnesses: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home, signer = honest.home, honest.home.key
    signed = newest(home, signer)
    witness, hashes = witness_of(witnesses), leaves(home, signed.issuer, 0, signed.checkpoint.size)
    cosign_log(witness, signed, hashes)
    other = [*hashes[:-1], merkle.leaf_hash(b"other")]
    forged = issuer_log.sign(signer, note_seed(signer), signer.did, len(other), merkle.root(other))
    with pytest.raises(Untrusted):
        cosign_log(witness, forged, other)
    (document,) = equivocations(witnesses, signer.did)
    monkeypatch.setenv("EMOTIONET_HOME", str(witnesses.settings.home))
    out = tmp_path / "forks.json"
    assert main(["log", "equivocation", signer.did, "-o", str(out)]) == 0
    assert json.loads(out.read_text()) == document
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "empty"))
    capsys.readouterr()
    assert main(["audit", str(out)]) == 1
    assert "signed two different trees" in capsys.readouterr().out
    out.write_bytes(equivocation.to_bytes({**document, "halves": document["halves"][::-1][:1] * 2}))
    assert main(["audit", str(out)]) == 1
    assert "shows nothing" in capsys.readouterr().out


def test_go_s_transparency_log_packages_verify_what_is_written_here(
    honest: Released, tmp_path: Path, witnesses: Home
) -> None:
    program = ROOT / ".tools" / "tlog" / "tlogcheck"
    require("tlogcheck", program.exists())
    home = honest.home
    older = newest(home, home.key)
    for at in range(3):
        grow(home, honest.entry, f"more-{at}")
    signed = newest(home, home.key)
    key = witness_of(witnesses)
    hashes = leaves(home, signed.issuer)
    signed = add_cosignatures(home, signed, [cosign_log(key, signed, hashes)])
    write(tmp_path, home, older, signed, str(key.key))
    done = subprocess.run([program, tmp_path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all of it verifies\n")
    for name in ("checkpoint", "older", "tile/0/000.p/" + str(signed.checkpoint.size), "leaves/1"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[:40] + bytes([data[40 % len(data)] ^ 1]) + data[41:])
        assert subprocess.run([program, tmp_path], capture_output=True, timeout=60).returncode == 1, name
        (tmp_path / name).write_bytes(data)


def write(folder: Path, home: Home, older: Any, signed: Any, witness: str) -> None:
    """What tests/interop/tlog reads."""
    for name, text in (("vkey", str(signed.key)), ("witness", witness), ("older", str(older.note))):
        (folder / name).write_text(text)
    (folder / "checkpoint").write_text(str(signed.note))
    (folder / "proofs").mkdir()
    (folder / "leaves").mkdir()
    with home.catalog.read() as db:
        cids = entries.run(db, signed.issuer)
    for seq, cid in enumerate(cids):
        (folder / "leaves" / str(seq)).write_bytes(bytes(cid))
        (folder / "proofs" / f"{seq}.tlog-proof").write_bytes(bytes(prove(home, signed, cid)[1]))
    for tile in tiles.leaf_tiles(signed.checkpoint.size):
        path = folder / "tile" / str(tile)
        path.parent.mkdir(parents=True)
        path.write_bytes(tile_of(home, signed.issuer, tile))


def test_commands_print_checkpoints_proofs_and_cosignatures(
    honest: Released, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOTIONET_HOME", str(honest.home.settings.home))
    assert main(["log", "checkpoint", "--for-witness", "0", "-o", str(tmp_path / "request")]) == 0
    assert main(["log", "proof", str(record_of(honest.home, honest.entry)), "--json"]) == 0
    proof = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert proof["proof"].startswith("c2sp.org/tlog-proof@v1\nindex ")
    monkeypatch.setenv("EMOTIONET_HOME", str(tmp_path / "witness"))
    assert main(["witness", "--quiet", "--name", "witness.example"]) == 0
    key = capsys.readouterr().out.strip()
    assert key.startswith("witness.example+")
    assert main(["witness", str(tmp_path / "request"), "-o", str(tmp_path / "lines")]) == 0
    assert main(["witness", str(tmp_path / "lines")]) == 1  # no checkpoint
    monkeypatch.setenv("EMOTIONET_HOME", str(honest.home.settings.home))
    assert main(["log", "publish-checkpoint", "--cosignatures", str(tmp_path / "lines")]) == 1  # of nobody's witness
    monkeypatch.setenv("EMOTIONET_WITNESSES", key)
    assert main(["log", "publish-checkpoint", "--cosignatures", str(tmp_path / "lines"), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["log", "checkpoint"]) == 0
    assert "— witness.example " in capsys.readouterr().out


def test_a_server_that_says_nothing_sensible_is_unavailable_or_untrusted(served: str) -> None:
    for address in (served, f"{served}/checkpoint", "http://127.0.0.1:1/log/x"):
        with pytest.raises((Unavailable, EmotionetError)):
            read_log(address)
