"""How to cite a release: as text, as BibTeX, as CITATION.cff. All name it by its CID, which nobody can point elsewhere.

Invariant: what a publisher or a recipe is called can't break out of its place in any of the three.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[^\w .,:;()+/@-]", re.UNICODE)
_SPECIAL = re.compile(r"([&%$#_])")


@dataclass(frozen=True)
class Cited:
    """What a citation says. ``issuer`` is a DID, ``publisher`` a name or the DID again, ``issued`` RFC 3339."""

    title: str
    publisher: str
    issuer: str
    issued: str
    release: str
    snapshot: str
    licence: str


def citations(one: Cited) -> dict[str, str]:
    """``text``, ``bibtex`` and ``cff``."""
    return {"text": _text(one), "bibtex": _bibtex(one), "cff": _cff(one)}


def _plain(text: str) -> str:
    """On one line, without signs that mean something to a bibliography."""
    return " ".join(_PLAIN.sub(" ", text).split())


def _text(one: Cited) -> str:
    return (
        f"{_plain(one.publisher)} ({one.issued[:4]}). {_plain(one.title)}. Model and records, Emotionet release "
        f"ipfs://{one.release}; data set ipfs://{one.snapshot}; signed by {one.issuer} on {one.issued[:10]}."
    )


def _tex(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", _plain(text))


def _bibtex(one: Cited) -> str:
    fields = {
        "title": "{" + _tex(one.title) + "}",
        "author": "{" + _tex(one.publisher) + "}",
        "year": one.issued[:4],
        "month": one.issued[5:7],
        "howpublished": f"ipfs://{one.release}",
        "note": f"Emotionet release; data set ipfs://{one.snapshot}; signed by {_tex(one.issuer)}",
    }
    lines = ",\n".join(f"  {name:<12} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{emotionet-{one.release[-12:]},\n{lines}\n}}\n"


def _cff(one: Cited) -> str:
    """YAML whose texts are JSON strings, which YAML contains. CITATION.cff 1.2.0."""
    title, name = (json.dumps(_plain(text), ensure_ascii=False) for text in (one.title, one.publisher))
    licence = json.dumps(_plain(one.licence), ensure_ascii=False)
    return (
        "cff-version: 1.2.0\n"
        'message: "If you use this model, please cite it by the CID of its release."\n'
        "type: software\n"
        f"title: {title}\n"
        f"authors:\n  - name: {name}\n"
        f"date-released: {json.dumps(one.issued[:10])}\n"
        f"license: {licence}\n"
        "identifiers:\n"
        f"  - type: other\n    value: {json.dumps('ipfs://' + one.release)}\n"
        '    description: "The release: everything that can be checked about this model"\n'
        f"  - type: other\n    value: {json.dumps('ipfs://' + one.snapshot)}\n"
        '    description: "The data set that it was trained on"\n'
    )
