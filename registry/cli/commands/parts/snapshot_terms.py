"""The options that say which labels and images a snapshot takes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from registry.core.errors import UsageError
from registry.core.snapshots.query import TEXTS
from registry.core.snapshots.rules import RULES

if TYPE_CHECKING:
    from registry.workflows.parts import Parts
    from registry.workflows.snapshots.terms import Terms


FILTERS = tuple(name for name in TEXTS if name != "licence")  # a licence is demanded of the image, not of a row


def terms_options(creating: argparse.ArgumentParser) -> None:
    """What decides over images beside the filter."""
    rules = [rule.rpartition("-v")[0] for rule in RULES]
    creating.add_argument(
        "--rule", choices=rules, help="how several people's labels become one (default: majority; docs/labels.md)"
    )
    creating.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="NAME",
        help="a labeller whose labels count, as NAME or ISSUER/NAME (repeatable; the rule is then trusted)",
    )
    creating.add_argument(
        "--licence",
        action="append",
        default=[],
        metavar="X,Y",
        help="leave out images that state no licence, or another than these (repeatable)",
    )
    creating.add_argument("--require-consent", action="store_true", help="leave out images that state no consent")
    creating.add_argument(
        "--override-rights",
        metavar="REASON",
        help="take images that say no of their use all the same; the reason is public (write no names)",
    )


def terms_of(wanted: argparse.Namespace) -> Terms:
    from registry.workflows.snapshots.terms import Terms

    licences = [one.strip() for text in wanted.licence for one in text.split(",")]
    return Terms(wanted.rule, wanted.trust, licences, wanted.require_consent, wanted.override_rights)


def query_of(parts: Parts, wanted: argparse.Namespace) -> dict[str, Any]:
    """What rows must say; a person's name becomes their pseudonym, since the query is public."""
    from registry.workflows.images.named_subject import named_subject

    query: dict[str, Any] = {name: value for name in FILTERS if (value := getattr(wanted, name))}
    if "subject" in query:
        query["subject"] = named_subject(parts, query["subject"])
    attributes = _pairs("attribute", "NAME", wanted.attribute, "gender=f")
    rights = _pairs("rights", "SIGNAL", wanted.rights, "tdm-reservation=0")
    return query | ({"attributes": attributes} if attributes else {}) | ({"rights": rights} if rights else {})


def _pairs(option: str, what: str, given: list[str], example: str) -> dict[str, str]:
    found = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            said = f"--{option} takes {what}=VALUE, not {pair!r}"
            raise UsageError(said, hint=f"write it like --{option} {example}.")
        found[name] = value
    return found
