"""Commands on proofs: whether a picture is in a data set, and in models."""

from __future__ import annotations

import argparse
from pathlib import Path

from registry.cli.commands.common import Subparsers, add, home, issuer, path_argument
from registry.cli.named import IMAGE, RECORD, content
from registry.cli.output import Output
from registry.core.errors import InvalidInput, NotFound, Untrusted, UsageError, not_read
from registry.core.text.cleaning import counted


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add these commands."""
    proving = add(commands, common, "prove", run_prove, "prove whether a picture is in data sets and models")
    proving.add_argument("image", metavar="IMAGE|SHA256|FILE", help=f"{IMAGE}; or a picture's file")
    proving.add_argument(
        "records", nargs="*", metavar="SNAPSHOT|RELEASE", help=f"{RECORD}; without one, all releases of the issuer"
    )
    proving.add_argument("--issuer", type=issuer, help="whose releases (default: this registry's)")
    proving.add_argument("-o", "--out", type=path_argument, default=Path("proof.car"))
    verifying = add(commands, common, "verify", run_verify, "check a proof about a picture, with nothing but the file")
    verifying.add_argument("file", metavar="PROOF.car", type=path_argument)
    verifying.add_argument("--image", metavar="FILE|SHA256", help="fail unless the proof is about this picture")
    verifying.add_argument("--issuer", type=issuer, help="fail unless this issuer signed every record of it")


def run_prove(wanted: argparse.Namespace, output: Output) -> int:
    """Write one file, or several where one would be too large."""
    from registry.files import whole_file
    from registry.provenance.picture_proof import verify_proof
    from registry.provenance.proof_sentences import document, sentences
    from registry.workflows.store.prove_picture import prove_each, releases_of

    with home() as opened:
        image = _sha256(wanted.image, opened)
        named = [content(opened, one) for one in wanted.records]
        found = named or releases_of(opened, wanted.issuer or opened.key.did)
        if not found:
            raise NotFound("no release of this issuer is known here", hint="name a snapshot or a release.")
        files = prove_each(opened, image, found)
    paths = [_path(wanted.out, number) for number in range(len(files))]
    uses, told = [], list[str]()
    for path, data in zip(paths, files, strict=True):
        with whole_file(path) as stream:
            stream.write(data)
        proof = verify_proof(data)
        uses += document(proof)["uses"]
        told += sentences(proof)
    told = [*dict.fromkeys(told), f"written: {', '.join(map(str, paths))}"]
    output.document(
        {"paths": [str(one) for one in paths], "sha256": image.hex(), "uses": uses}, identity="sha256", text=told
    )
    return 0


def _path(out: Path, number: int) -> Path:
    return out if not number else out.with_name(f"{out.stem}-{number + 1}{out.suffix}")


def run_verify(wanted: argparse.Namespace, output: Output) -> int:
    """Check a file."""
    return verify_file(wanted.file, output, wanted.image, wanted.issuer)


def verify_file(path: Path, output: Output, image: str | None = None, by: str | None = None) -> int:
    """Check a proof and say what it shows. ``Untrusted`` for a forged one."""
    from registry.provenance.picture_proof import MAX_BYTES, verify_proof
    from registry.provenance.proof_sentences import document, sentences

    data = _read(path, MAX_BYTES + 1)
    proof = verify_proof(data)
    if image is not None and _sha256(image) != proof.image:
        raise InvalidInput(f"the proof is about another picture, {proof.image.hex()}", code="another_picture")
    if others := {one.issuer for one in proof.uses} - {by} if by else None:
        raise Untrusted(f"signed by {min(others)}, not by {by}", code="wrong_issuer")
    found = document(proof)
    about = f"picture {found['sha256']}; {counted(len(found['uses']), 'record')}, every signature and digest holds"
    output.document(found, identity="sha256", text=[about, *sentences(proof)])
    return 0


def _sha256(text: str, opened: object | None = None) -> bytes:
    """Of an image by its name, of a file by its bytes, or as 64 hex digits."""
    from hashlib import sha256

    from registry.workflows.names.find_image import find_image

    if len(text) == 64 and set(text.lower()) <= set("0123456789abcdef"):
        return bytes.fromhex(text)
    if Path(text).is_file():
        return sha256(_read(Path(text), 1 << 30)).digest()
    if opened is None:
        raise UsageError(f"{text} is no file and no sha256", hint="give the picture's file.")
    return bytes.fromhex(find_image(opened, text, file_names=True))  # type: ignore[arg-type]


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise not_read(path, error) from error
