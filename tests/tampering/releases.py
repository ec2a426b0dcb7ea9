"""The three kinds of releases that are tampered with, each with a second one of the same issuer to replay from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from registry.assembly import Home, open_home
from registry.core import records
from registry.core.ipld.cid import RAW, cid_of
from registry.core.labeling.labeled_row import LabeledRow
from registry.core.tlog import checkpoint, ed25519
from registry.core.tlog.note import COSIGNATURE, VerifierKey
from registry.provenance.evidence.shown import Trust
from registry.provenance.keys import replacing
from registry.settings import read_settings
from registry.workflows.audit.audit_target import audit_target
from registry.workflows.audit.publish_audit import publish_audit
from registry.workflows.audit.trust_roots import trust_of
from registry.workflows.images.importing.import_source import import_source
from registry.workflows.keys.change_keys import change_keys
from registry.workflows.log.checkpoints import add_cosignatures, newest
from registry.workflows.log.inclusions import keep_releases_included
from registry.workflows.names.profile import set_profile
from registry.workflows.names.set_name import set_name
from registry.workflows.store.export_held import export_held
from registry.workflows.withdrawals.withdraw import withdraw
from tests.support.anchors import wallet
from tests.support.anchors.authority import Authority, serving
from tests.support.beacons import info, relays
from tests.support.forgery import Released, opened_home, publish
from tests.tampering.sealed import File, Sealed, read_file

IMAGES = 15
SEED = b"w" * 32
WITNESS = VerifierKey("witness.example/of-tests", COSIGNATURE, ed25519.public_key(SEED))
SMALL = '{"evaluation": {"min_group": 2}}'


def _few(folder: Path) -> Path:
    """Fifteen files of three classes and a label that is none, of eight persons, one of them by two contributors."""
    folder.mkdir(parents=True)
    lines = ["file,label,contributor,subject,attr.side,licence"]
    for number in range(IMAGES):
        (folder / f"{number}.jpg").write_bytes(b"few %d" % number)
        label, side = ["triste", "feliz", "enojado"][number % 3], "lr"[number % 5 > 2]
        lines.append(f"{number}.jpg,{label if number else 'odd'},anna,{number // 2},{side},CC0-1.0")
    lines.append("1.jpg,feliz,ben,0,l,CC0-1.0")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def _file(home: Home, one: Released, name: str) -> File:
    path = home.settings.home / f"{name}.car"
    export_held(home, one.entry, path)
    return read_file(path)


def _sealed(name: str, home: Home, one: Released, other: Released, trust: Trust) -> Sealed:
    return Sealed(name, _file(home, one, name), home.key, trust, _file(home, other, f"{name}-other"))


@contextmanager
def plain(folder: Path) -> Iterator[Sealed]:
    """As the simulated method makes it."""
    with opened_home(folder) as home:
        import_source(home, str(_few(folder / "faces")))
        other = publish(home, recipe=SMALL, overrides={"seed": 8})
        yield _sealed("plain", home, publish(home, recipe=SMALL), other, Trust())


def _signed_rows(folder: Path) -> Path:
    """Pictures that a contributor labels and signs, and that another one describes."""
    folder.mkdir()
    lines = ["file,label,contributor,subject,attr.side,attr.age,licence,signature"]
    for number in range(3):
        data = b"signed %d" % number
        (folder / f"s{number}.jpg").write_bytes(data)
        where: dict[str, Any] = {"sha256": hashlib.sha256(data).digest(), "cid": bytes(cid_of(data, RAW))}
        row = LabeledRow(contributor=wallet.DID, label="feliz", size=len(data), **where)
        lines.append(f"s{number}.jpg,feliz,{wallet.DID},,,,,{wallet.signature(row)}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def _corrected(folder: Path, faces: Path) -> Path:
    """Another contributor's rows, one that corrects, and attributes of a second kind."""
    folder.mkdir()
    lines = ["file,label,contributor,subject,attr.age,licence,box"]
    for number in (2, 3, 4, 5, 6):
        (folder / f"{number}.jpg").write_bytes((faces / f"{number}.jpg").read_bytes())
        label = ["triste", "feliz", "enojado"][number % 3]
        lines.append(f"{number}.jpg,{label},carla,{number // 2},{'ab'[number % 2]},CC0-1.0,1 2 30 40")
    lines.append("2.jpg,feliz,anna,1,,CC0-1.0,")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


@contextmanager
def rich(folder: Path) -> Iterator[Sealed]:
    """Attributes, repeats, a refit, base weights, several contributors, corrections, withdrawals, signed rows."""
    with opened_home(folder) as home:
        faces = _few(folder / "faces")
        for source in (faces, _signed_rows(folder / "signed"), _corrected(folder / "more", faces)):
            import_source(home, str(source))
        first = publish(home, recipe=SMALL)
        withdraw(home, hashlib.sha256(b"few 9").hexdigest(), "asked for")
        wanted = {"overrides": {"repeats": 2, "folds": 2}, "final": "refit"}
        base = str(first.view.trainings[1].weights)
        one = publish(home, recipe=SMALL, base=base, claims=("macro_f1 >= 0.10", "recall_gap(side) <= 0.5"), **wanted)
        withdraw(home, hashlib.sha256(b"few 12").hexdigest(), "later")
        yield _sealed("rich", home, one, first, Trust())


@contextmanager
def stamped(folder: Path) -> Iterator[Sealed]:
    """Stamped by an authority, its folds drawn by a drand network, both of the tests' own."""
    told = folder / "networks.json"
    told.write_text(json.dumps([info()]), encoding="utf-8")
    with ExitStack() as stack:
        authority = stack.enter_context(serving(Authority(folder / "authority")))
        relay = stack.enter_context(relays("honest"))[0]
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        settings = {
            "TSA": authority.url,
            "TSA_ROOTS": str(authority.root),
            "DRAND": "simulated",
            "DRAND_NETWORKS": str(told),
            "DRAND_RELAYS": relay.url,
            "FINALITY_SECONDS": "0",
        }
        for name, value in settings.items():
            patch.setenv(f"EMOTIONET_{name}", value)
        home = stack.enter_context(opened_home(folder))
        import_source(home, str(_few(folder / "faces")))
        other, one = (publish(home, recipe=SMALL, overrides={"seed": seed}) for seed in (8, 7))
        yield _sealed("stamped", home, one, other, trust_of(home.settings))


@contextmanager
def kept(folder: Path) -> Iterator[Sealed]:
    """Of a log that was handed to another key; its tree cosigned by a witness; with names, a profile and an audit."""
    with opened_home(folder) as first:
        import_source(first, str(_few(folder / "faces")))
        older, new = first.key, replacing.next_key(first.settings.home, first.settings.passphrase)
        change_keys(first, older, new)
        replacing.take_over(first.settings.home, new.address)
        with closing(open_home(read_settings())) as home:
            other, one = (publish(home, recipe=SMALL, overrides={"seed": seed}) for seed in (8, 7))
            set_name(home, home.key, "faces", records.cid(one.view.release))
            set_profile(home, home.key, name="Example Lab", contact="write to us")
            publish_audit(home, audit_target(home, str(one.entry)))
            withdraw(home, hashlib.sha256(b"few 11").hexdigest(), "asked for")
            trust = Trust(witnesses=lambda: [WITNESS])
            _cosigned(home)
            yield dataclasses.replace(_sealed("kept", home, one, other, trust), older=(older,))


def _cosigned(home: Home) -> None:
    """What the log is by now, by a witness of the tests' own."""
    signed = newest(home, home.key)
    line = checkpoint.cosign(signed.note.text, WITNESS.name, SEED, 1_800_000_000)
    keep_releases_included(home, add_cosignatures(home, signed, [line]))


KINDS: dict[str, Callable[[Path], Any]] = {"plain": plain, "rich": rich, "stamped": stamped, "kept": kept}
