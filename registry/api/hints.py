"""The way out of an error for who asks over HTTP: the request or the page in the place of a command and its options.

Errors are written once, where they arise, and their hints name commands. Invariants: a command that HTTP has an
address for is never named to who can't run it; one that only the registry's own machine has is left, and said to be
that. ``tests/api/test_hints.py`` holds every hint of the source against the two tables here.
"""

from __future__ import annotations

import re

from registry.core.errors import EmotionetError

API = "/api/v1"
# command -> request of the API, address of a page; the words after the command stand in the place of {}
REQUESTS: dict[str, tuple[str, str]] = {
    "audit": (f"POST {API}/audits", "/audits"),
    "export": ("GET /ipfs/{}?format=car", "/lineage/{}"),
    "fetch": ("GET /ipfs/{}", "/lineage/{}"),
    "images fetch": (f"POST {API}/blocks", "/register"),
    "images list": (f"GET {API}/images", "/images"),
    "name list": (f"GET {API}/names", "/search"),
    "release list": (f"GET {API}/releases", "/releases"),
    "release show": (f"GET {API}/releases/{{}}", "/releases/{}"),
    "release publish": (f"POST {API}/releases", "/runs/{}"),
    "runs follow": (f"GET {API}/runs/{{}}/events", "/runs/{}"),
    "runs list": (f"GET {API}/runs", "/runs"),
    "runs resume": (f"POST {API}/runs/{{}}/resume", "/runs/{}"),
    "runs show": (f"GET {API}/runs/{{}}", "/runs/{}"),
    "show": (f"GET {API}/lookup/{{}}", "/lineage/{}"),
    "snapshot create": (f"POST {API}/snapshots", "/snapshots/new"),
    "snapshot list": (f"GET {API}/snapshots", "/snapshots"),
    "train": (f"POST {API}/runs", "/runs/new"),
}
FIELDS = {  # of a request, by the option that says the same
    "--anew": "anew",
    "--classes": "classes",
    "--engine": "engine",
    "--include-referenced": "include_referenced",
    "--issuer": "issuer",
    "--labels": "labels",
    "--map": "map",
    "--name": "name",
    "--partial": "partial",
    "--remedy": "remedy",
    "--rights": "right",
    "--sheet": "sheet",
    "--table": "table",
    "--unanchored": "unanchored",
    "--wide": "limit",
}
_COMMAND = re.compile(r"`emotionet ((?:[a-z]+ )?[a-z]+)((?: [^`]*)?)`")
_OPTION = re.compile(r"--[a-z][a-z-]*")
_FILTER = re.compile(r" --([a-z]+) ([^ `-][^ `]*)")
HERE = "On the machine of this registry: "


def for_http(hint: str | None, *, page: bool = False) -> str | None:
    """A hint for a program, or for who reads a page."""
    if hint is None or ("`emotionet " not in hint and "--" not in hint):
        return hint
    said = _COMMAND.sub(lambda found: _request(found, page), hint)
    if "`emotionet " in said:
        return HERE + hint
    return _OPTION.sub(lambda found: FIELDS.get(found[0], found[0]), said)


def with_way(error: EmotionetError, *, page: bool = False) -> str:
    """As ``with_hint``, for who asks over HTTP."""
    way = for_http(error.hint, page=page)
    return f"{error}: {way.rstrip('.')}" if way else str(error)


def _request(found: re.Match[str], page: bool) -> str:
    """The request of one command; the command as it is where there is none."""
    words, rest = found[1], found[2]
    if words not in REQUESTS and (first := words.partition(" ")[0]) in REQUESTS:
        words, rest = first, f" {words.partition(' ')[2]}{rest}"
    if words not in REQUESTS:
        return found[0]
    address = REQUESTS[words][page]
    target = next((one for one in rest.split() if not one.startswith("-")), "")
    if "{}" in address:
        address = address.replace("{}", target or "ID")
    elif query := "&".join(f"{FIELDS.get(f'--{name}', name)}={value}" for name, value in _FILTER.findall(rest)):
        address += f"?{query}"
    return address if page else f"`{address}`"
