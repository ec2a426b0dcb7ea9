"""Commands on logs that can't be shown two ways: log, witness."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from registry.cli.commands.common import Subparsers, add, group, home
from registry.cli.named import RECORD, content
from registry.cli.output import Output, show, warn
from registry.core.errors import EmotionetError
from registry.core.text.cleaning import counted

if TYPE_CHECKING:
    from registry.core.tlog.issuer_log import Signed
    from registry.core.tlog.note import Signature
    from registry.provenance.witnessing.state import Witness
    from registry.workflows.parts import Parts


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add these nouns' commands."""
    log = group(commands, "log", "this registry's log as a tree that others can check")
    checkpoint = add(log, common, "checkpoint", run_checkpoint, "sign and print a checkpoint of all entries")
    checkpoint.add_argument("-o", "--out", metavar="FILE", help="write the checkpoint to a file instead")
    checkpoint.add_argument(
        "--for-witness",
        metavar="SIZE",
        type=int,
        help="print the request to a witness that has cosigned SIZE entries (0: none yet)",
    )
    proof = add(log, common, "proof", run_proof, "print the proof that a record's entry is in the log (tlog-proof)")
    proof.add_argument("cid", metavar="RECORD", help=RECORD)
    proof.add_argument("-o", "--out", metavar="FILE", help="write it to a file instead")
    publish = add(
        log, common, "publish-checkpoint", run_publish, "sign a checkpoint and ask EMOTIONET_WITNESSES to cosign it"
    )
    publish.add_argument("--cosignatures", metavar="FILE", help="take what a witness wrote to a file")
    forked = add(log, common, "equivocation", run_equivocation, "write evidence that an issuer showed two histories")
    forked.add_argument("issuer", metavar="ISSUER|FILE.car", help="whose log: a DID, or its address; or a file")
    forked.add_argument("-o", "--out", metavar="FILE", help="the file to write (default: stdout)")
    witness = add(
        commands, common, "witness", run_witness, "cosign others' checkpoints that go on from what was seen before"
    )
    witness.add_argument(
        "targets", metavar="URL|FILE", nargs="*", help="logs' addresses (https://HOST/log/ISSUER) or checkpoints"
    )
    witness.add_argument("--name", metavar="NAME", help="what this witness is called, where its key is made now")
    witness.add_argument("-o", "--out", metavar="FILE", help="write the cosignatures to a file")


def _write(text: str, out: str) -> None:
    """Write a text to a file, as it is."""
    from registry.files import whole_file

    with whole_file(Path(out)) as stream:
        stream.write(text.encode())


def run_checkpoint(wanted: argparse.Namespace, output: Output) -> int:
    """Sign a checkpoint, or print the one that there is, with its verifier key."""
    from registry.core.tlog import merkle
    from registry.core.tlog.proof import AddCheckpoint
    from registry.workflows.log.checkpoints import leaves, newest

    with home() as opened:
        signed = newest(opened, opened.key)
        text = str(signed.note)
        if wanted.for_witness is not None:
            hashes = leaves(opened, signed.issuer, 0, signed.checkpoint.size)
            proof = tuple(merkle.consistency(hashes, wanted.for_witness))
            text = bytes(AddCheckpoint(wanted.for_witness, proof, signed.note)).decode()
    document = {
        "origin": signed.checkpoint.origin,
        "size": signed.checkpoint.size,
        "root": signed.checkpoint.root.hex(),
    }
    if wanted.out:
        _write(text, wanted.out)
    output.document(
        {**document, "vkey": str(signed.key), "checkpoint": text}, identity="root", text=[text.rstrip("\n")]
    )
    return 0


def run_proof(wanted: argparse.Namespace, output: Output) -> int:
    """Print the tlog-proof of an entry."""
    from registry.catalog.queries.signed_records import entries
    from registry.workflows.log.checkpoints import newest, prove

    with home() as opened:
        cid, signer = content(opened, wanted.cid), opened.key
        with opened.catalog.read() as db:
            entry = entries.entry_of(db, cid, signer.did) or cid
        signed = newest(opened, signer)
        seq, proof = prove(opened, signed, entry)
    text = bytes(proof).decode()
    if wanted.out:
        _write(text, wanted.out)
    document = {"entry": str(entry), "index": seq, "size": signed.checkpoint.size, "vkey": str(signed.key)}
    output.document({**document, "proof": text}, identity="entry", text=[text.rstrip("\n")])
    return 0


def run_publish(wanted: argparse.Namespace, output: Output) -> int:
    """Sign, ask the witnesses, and keep the proofs of every release as evidence beside it; 1 where one did not
    cosign."""
    from registry.workflows.log.inclusions import keep_releases_included
    from registry.workflows.log.witnesses import publish_checkpoint, take_cosignatures

    with home() as opened:
        signer = opened.key
        if wanted.cosignatures:
            take_cosignatures(opened, signer, Path(wanted.cosignatures))
        signed, told = publish_checkpoint(opened, signer)
        made = keep_releases_included(opened, signed)
    head = signed.checkpoint
    text = [f"checkpoint of {counted(head.size, 'entry', 'entries')}, root {head.root.hex()}"]
    text += [f"{one['witness']}: {'cosigned' if one['cosigned'] else one['reason']}" for one in told]
    document = {"origin": head.origin, "size": head.size, "root": head.root.hex(), "witnesses": told}
    output.document({**document, "evidence": [str(one) for one in made]}, identity="root", text=text)
    return 0 if all(one["cosigned"] for one in told) else 1


def run_equivocation(wanted: argparse.Namespace, output: Output) -> int:
    """Write what shows that an issuer's log forks; `emotionet audit FILE` checks it anywhere."""
    from registry.core.errors import NotFound
    from registry.core.issuers import read_issuer
    from registry.core.tlog import equivocation
    from registry.workflows.log.equivocations import equivocation_of, equivocations_in

    if Path(wanted.issuer).is_file():
        found = equivocations_in(Path(wanted.issuer))
        if not found:
            raise NotFound(
                f"nothing in {wanted.issuer} shows that a log forks", hint="name an issuer, or another file."
            )
        document = found[0]
    else:
        with home() as opened:
            document = equivocation_of(opened, read_issuer(wanted.issuer))
    if wanted.out:
        _write(equivocation.to_bytes(document).decode(), wanted.out)
        output.document({"path": wanted.out, **document}, identity="path", text=[equivocation.check(document).text])
    else:
        show(equivocation.to_bytes(document).decode(), end="")
    return 0


def run_witness(wanted: argparse.Namespace, output: Output) -> int:
    """Cosign each log, in order; 1 where one was refused. Without any: print the key that others trust."""
    from registry.workflows.log.witnesses import witness_of

    done: list[tuple[Signed, Signature]] = []
    with home() as opened:
        witness = witness_of(opened, wanted.name)
        key = str(witness.key)
        for target in wanted.targets:
            try:
                done.append(_cosign(opened, witness, target))
            except EmotionetError as error:
                if len(wanted.targets) == 1:
                    raise
                warn(f"{target}: {error}")
    lines = "".join(str(line) for _, line in done)
    if wanted.out and done:
        _write(lines, wanted.out)
    cosigned = [{"origin": one.checkpoint.origin, "size": one.checkpoint.size, "line": str(line)} for one, line in done]
    refused = len(wanted.targets) - len(done)
    document = {"vkey": key, "cosigned": cosigned, "refused": refused}
    output.document(document, identity="vkey", text=[lines.rstrip("\n") if wanted.targets else key])
    return 1 if refused else 0


def _cosign(parts: Parts, witness: Witness, target: str) -> tuple[Signed, Signature]:
    """Cosign what an address or a file holds."""
    from registry.provenance.witnessing.services import read_log
    from registry.workflows.log.witnesses import cosign_file, cosign_log, signed_in_force

    if not target.startswith(("http://", "https://")):
        return cosign_file(witness, Path(target), partial(signed_in_force, parts))
    signed, hashes = read_log(target, verified=partial(signed_in_force, parts))
    return signed, cosign_log(witness, signed, hashes)
