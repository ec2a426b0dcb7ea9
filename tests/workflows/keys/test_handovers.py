"""A home whose log is handed over: what it signs, exports and audits before and after; thieves; kills at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home
from registry.catalog import log_heads
from registry.catalog.queries.signed_records import entries
from registry.core import records
from registry.core.errors import Conflict, Untrusted, UsageError
from registry.core.ipld.cid import CID
from registry.core.issuers import address_of
from registry.core.tlog import issuer_log, merkle
from registry.provenance.keys import replacing
from registry.provenance.keys.keys import Key
from registry.workflows.audit.audit_target import audit_car, audit_target
from registry.workflows.keys import change_keys as changing
from registry.workflows.keys.change_keys import change_keys, describe, key_did
from registry.workflows.keys.copies import new_key_file
from registry.workflows.local_issuers import local_issuers, signing_issuers
from registry.workflows.log import append as appending
from registry.workflows.log import checkpoints
from registry.workflows.log.append import append
from registry.workflows.log.witnesses import cosign_log, signed_in_force, witness_of
from registry.workflows.names.profile import profile_of, set_profile
from registry.workflows.store.export_held import export_held
from tests.support.forgery import Released, failed, put, reason_of, simulated_release
from tests.support.handed_over import reopened, rotate
from tests.support.verifier import results_of, verified


class Killed(BaseException):
    """As if the process ended here."""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Released]:
    with simulated_release(tmp_path) as one:
        yield one


@pytest.fixture
def home(made: Released) -> Home:
    return made.home


def audit(home: Home, entry: CID, path: Path) -> Any:
    export_held(home, entry, path)
    return audit_car(path)


def signed_again(home: Home, entry: CID) -> CID:
    """The release said once more, by the key that is in force."""
    record = records.parse_as(records.Entry, home.store.get(entry)).record
    with appending.appending(home, home.key) as log:
        return log.append(records.parse(home.store.get(record)), again=True).entry


def newest(home: Home) -> int:
    with home.catalog.read() as db:
        found = entries.newest(db, home.key.did)
    assert found is not None
    return found[1]


def test_releases_before_and_after_a_handover_hold(made: Released, tmp_path: Path, node: str) -> None:
    """The second's plan was signed by the old key, and its release by the new one."""
    old = made.home.key
    home = rotate(made.home)
    assert (home.key.did, home.key.address == old.address) == (old.did, False)
    after = signed_again(home, made.entry)
    home = rotate(home)
    last = signed_again(home, made.entry)
    files = [tmp_path / f"{number}.car" for number in range(3)]
    for entry, path in zip((made.entry, after, last), files, strict=True):
        report = audit(home, entry, path)
        assert (failed(report), report.holds, report.issuer) == ([], True, old.did)
        assert reason_of(report, "2.keys").startswith("2 changes of keys")
        assert failed(audit_target(home, str(entry), offline=True)) == []
    for said in verified(node, *files):
        assert "does not hold" not in results_of(said).values()
    assert signing_issuers(home) == {old.did}
    assert old.did in local_issuers(home)


def test_a_release_of_a_revoked_key_fails_with_the_reason(made: Released, tmp_path: Path, node: str) -> None:
    seq = records.parse_as(records.Entry, made.home.store.get(made.entry)).seq
    home = rotate(made.home, revoked_from=seq)
    path = tmp_path / "revoked.car"
    report = audit(home, made.entry, path)
    assert (failed(report), report.holds) == (["2.keys"], False)
    assert f"its key was revoked from entry {seq} on" in reason_of(report, "2.keys")
    assert results_of(verified(node, path)[0])["2.keys"] == "does not hold"
    told = describe(home, home.key.did)["revoked"]
    assert [one["type"] for one in told if one["seq"] == seq] == ["release"]
    assert failed(audit(home, signed_again(home, made.entry), tmp_path / "again.car")) == []


def test_what_a_thief_signed_before_the_revocation_says_nothing_more(home: Home) -> None:
    set_profile(home, home.key, name="Ana")
    stolen = newest(home) + 1
    set_profile(home, home.key, name="Thief")
    home = rotate(home, revoked_from=stolen)
    found = profile_of(home, home.key.did)
    assert found is not None
    assert found["name"] == "Ana"
    set_profile(home, home.key, name="Ana again")
    assert (profile_of(home, home.key.did) or {})["name"] == "Ana again"


def test_the_old_key_appends_nothing_after_a_handover(home: Home) -> None:
    old = home.key
    home = rotate(home)
    with pytest.raises(Conflict) as error:
        append(home, old, records.Profile(name="Thief", url=None, contact=None))
    assert error.value.code == "key_replaced"
    with pytest.raises(Untrusted):
        change_keys(home, old, old, revoked_from=1)


def test_a_witness_that_knows_the_handover_cosigns_across_it_and_the_old_key_signs_no_checkpoint(
    home: Home, tmp_path: Path
) -> None:
    set_profile(home, home.key, name="Ana")
    old, witness = home.key, witness_of(home, "witness.example")
    before = checkpoints.newest(home, old)
    witness.cosign(signed_in_force(home, before.note), 0, [])
    home = rotate(home)
    with pytest.raises(Conflict) as error:
        checkpoints.newest(home, old)
    assert error.value.code == "key_replaced"
    after = checkpoints.newest(home, home.key)
    with pytest.raises(Untrusted):
        issuer_log.verified(after.note)  # who knows of no handover takes the first key alone
    hashes = checkpoints.leaves(home, after.issuer, 0, after.checkpoint.size)
    cosign_log(witness, signed_in_force(home, after.note), hashes)
    latest = witness.latest(after.checkpoint.origin)
    assert latest is not None
    assert latest.text == after.note.text
    set_profile(home, home.key, name="Ana again")
    further = checkpoints.newest(home, home.key)  # and goes on from a checkpoint that the later key signed
    cosign_log(witness, further, checkpoints.leaves(home, further.issuer, 0, further.checkpoint.size))
    hashes = checkpoints.leaves(home, further.issuer)
    hashes.append(hashes[0])
    thief = issuer_log.sign(old, checkpoints.note_seed(old), old.did, len(hashes), merkle.root(hashes))
    with pytest.raises(Untrusted, match="was not signed by"):
        signed_in_force(home, thief.note)


def test_a_revocation_from_a_place_that_is_not_there_is_refused(home: Home) -> None:
    for place in (0, -1, newest(home) + 2):
        with pytest.raises(UsageError):
            rotate(home, revoked_from=place)


def test_a_closed_log_is_opened_by_its_recovery_key_alone(home: Home, tmp_path: Path) -> None:
    cold = new_key_file(tmp_path / "cold.json", "a cold night")
    change_keys(home, home.key, home.key, recovery=key_did(cold))
    change_keys(home, home.key, None)
    assert describe(home, home.key.did)["key"] is None
    with pytest.raises(Conflict, match="it is closed"):
        set_profile(home, home.key, name="Ana")
    cold.did = home.key.did
    new = replacing.next_key(home.settings.home, None)
    change_keys(home, cold, new)
    replacing.take_over(home.settings.home, new.address)
    with closing(reopened()) as again:
        assert set_profile(again, again.key, name="Ana")["issuer"] == home.key.did


@pytest.mark.parametrize("place", ["before", "signing", "storing", "moving", "between"])
def test_a_handover_killed_at_any_moment_is_finished_or_was_not_begun(
    home: Home, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    did, folder, old = home.key.did, home.settings.home / "keys", home.key.address
    new = replacing.next_key(home.settings.home, None)

    def die(*_: object, **__: object) -> None:
        raise Killed

    def between(self: Path, target: Path) -> Path:
        if self.parent.name == replacing.NEXT:
            raise Killed
        return rename(self, target)

    rename = Path.replace
    if place == "before":
        monkeypatch.setattr(changing, "appending", die)
    elif place == "signing":
        monkeypatch.setattr(log_heads, "set_head", die)
    elif place == "storing":
        monkeypatch.setattr(appending, "_put_pending", die)
    elif place == "moving":
        monkeypatch.setattr(replacing, "take_over", die)
    else:
        monkeypatch.setattr(Path, "replace", between)
    with pytest.raises(Killed):
        rotate(home)
    monkeypatch.undo()
    monkeypatch.setenv("EMOTIONET_HOME", str(home.settings.home))
    home.close()
    with closing(reopened()) as again:
        begun = place not in ("before", "signing")
        assert (again.key.did, again.key.address) == (did, new.address if begun else old)
        assert set_profile(again, again.key, name="Ana")["issuer"] == did
        assert sorted(path.stem for path in folder.rglob("0x*.json")) == sorted([old, new.address])
        if not begun:
            again = rotate(again)
            assert again.key.address == new.address
            assert set_profile(again, again.key, name="Ana again")["issuer"] == did


def test_a_registry_made_again_from_its_store_knows_the_handover(made: Released) -> None:
    from registry.catalog.index.rebuild import rebuild

    home = rotate(made.home, revoked_from=newest(made.home))
    before = describe(home, home.key.did)
    rebuild(home.catalog, home.store.get, home.store.cids(), home.now(), issuers=local_issuers(home))
    assert describe(home, home.key.did) == before


def test_an_entry_that_passes_over_a_handover_is_not_indexed(home: Home) -> None:
    """A thief with the old key goes on from the handover, as if it had not been."""
    from registry.core.log import make_entry
    from registry.workflows.log.index_logs import index_logs

    old = home.key
    home = rotate(home)
    with home.catalog.read() as db:
        head, seq = entries.newest(db, old.did) or (None, 0)
        first = entries.first(db, old.did)
    said = put(home, records.encode(records.Profile(name="Thief", url=None, contact=None)))
    theirs = put(home, records.encode(make_entry(old, seq + 1, head, first, said, "2030-01-01T00:00:00Z")))
    problems = index_logs(home, [theirs])
    assert "passes over" in problems[0]
    assert address_of(old.did) == old.address


def test_a_copy_of_the_key_opens_with_its_passphrase_and_writes_over_nothing(home: Home, tmp_path: Path) -> None:
    from registry.provenance.keys.secret_key import open_secret
    from registry.workflows.keys.copies import write_copy

    path = tmp_path / "copy.json"
    write_copy(home.key, path, "a long walk")
    assert path.stat().st_mode & 0o077 == 0
    found: Key = open_secret(path.read_text(), "a long walk", path)
    assert found.address == home.key.address
    with pytest.raises(Conflict):
        write_copy(home.key, path, "a long walk")
