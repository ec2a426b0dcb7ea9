"""Which of its two forms a gateway answers in: ``?format=`` first, then ``Accept`` with weights and parameters.

Invariants: only a form that the client can verify is chosen, and only if the request names it. An offer with a
parameter that can't be satisfied is dropped; it never gets a different answer.

Sources: the trustless gateway specification with IPIP-412 and IPIP-523, RFC 9110 section 12.5.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from registry.api.problems import HttpProblem
from registry.api.v1.wire import CAR_TYPE

RAW_TYPE = "application/vnd.ipld.raw"
TYPES = {"raw": RAW_TYPE, "car": CAR_TYPE}
_FORMS = {media: form for form, media in TYPES.items()}
_KNOWN = {"version": {"1"}, "order": {"dfs", "unk"}, "dups": {"y", "n"}}
_ITEMS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PARTS = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*")+')
_WEIGHT = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """What is sent: ``kind`` is raw or car; ``in_address`` says whether the address alone says all of it."""

    kind: str
    duplicates: bool
    in_address: bool

    @property
    def media_type(self) -> str:
        """The answer's Content-Type. Blocks always come depth first: who takes any order takes this one."""
        if self.kind == "raw":
            return RAW_TYPE
        return f"{CAR_TYPE}; version=1; order=dfs; dups={'y' if self.duplicates else 'n'}"


def choose(asked: str | None, accept: str, in_address: Mapping[str, str]) -> Form:
    """The form for ``?format=``, the ``Accept`` header and the parameters that the address names.

    ``HttpProblem`` 400 if neither asks for anything, 406 if nothing that is asked for can be given.
    """
    offers = _offers(accept)
    if not asked and not accept.strip():
        raise HttpProblem(400, "the request names no format: use ?format=raw or ?format=car")
    if asked and asked not in TYPES:
        raise HttpProblem(406, "this gateway gives only what you can verify: use ?format=raw or ?format=car")
    agreed = not offers or any(kind == asked for kind, _ in offers)
    if asked:
        offers = [(kind, named) for kind, named in offers if kind == asked] or [(asked, {})]
    for kind, named in offers:
        if kind == "raw":
            return Form("raw", False, asked == "raw" and agreed)
        wanted = {**named, **in_address}
        if all(wanted.get(name) in {None, *values} for name, values in _KNOWN.items()):
            alone = asked == "car" and all(in_address.get(name) == named[name] for name in _KNOWN if name in named)
            return Form("car", wanted.get("dups") == "y", alone and agreed)
    raise HttpProblem(406, "this gateway gives only what you can verify: use ?format=raw or ?format=car (version 1)")


def _offers(accept: str) -> list[tuple[str, dict[str, str]]]:
    """What ``Accept`` names of our two forms, with its parameters, the one it likes best first."""
    found = []
    for item in _ITEMS.findall(accept):
        media, *parts = (part.strip() for part in _PARTS.findall(item) or [""])
        named = {name.strip().lower(): value.strip().strip('"') for name, _, value in (p.partition("=") for p in parts)}
        weight = named.pop("q", "1")
        kind = _FORMS.get(media.lower())
        if kind and _WEIGHT.match(weight) and float(weight) > 0:
            found.append((-float(weight), kind, {name: value for name, value in named.items() if value}))
    return [(kind, named) for _, kind, named in sorted(found, key=lambda offer: offer[0])]
