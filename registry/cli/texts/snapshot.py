"""A snapshot for people."""

from __future__ import annotations

from typing import Any

from registry.cli.output import cell
from registry.cli.texts.names import names_lines
from registry.core.text.cleaning import counted


def snapshot_text(document: dict[str, Any]) -> list[str]:
    """A snapshot for people."""
    without = f", and {document['background']} without an object" if document["background"] else ""
    return [
        f"snapshot {document['snapshot']}",
        *names_lines(document),
        f"issuer {document['issuer']}"
        if document["issuer"]
        else "UNSIGNED: no signed entry that is held here names it",
        f"chosen by: {_chosen_by(document['query'])}; rule {document['rule']}",
        f"{counted(document['count'], 'image')}: {cell(document['labels'])}{without}",
        f"left out: {cell(document['excluded'])}",
        *_rights(document),
        *_agreement(document["agreement"]),
        *_unknown(document["unknown_labels"]),
    ]


def _chosen_by(query: dict[str, Any]) -> str:
    """What a row had to meet, in words."""
    phrases = [f"the images of the snapshot {query['snapshot']}"] if "snapshot" in query else []
    if "images" in query and not phrases:
        phrases.append(f"a list of images ({query['images']['/']})")
    rest = {name: value for name, value in query.items() if name not in ("images", "snapshot")}
    return ", ".join([*phrases, *(f"{name}={cell(value)}" for name, value in sorted(rest.items()))]) or "all rows"


def _unknown(labels: dict[str, int], most: int = 20) -> list[str]:
    """The labels that mean no class, the commonest first, and the way out."""
    if not labels:
        return []
    shown = ", ".join(f"{label} {count}" for label, count in list(labels.items())[:most])
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return [f"labels without a class: {shown}{more} (give them one with --classes FILE)"]


def _rights(document: dict[str, Any]) -> list[str]:
    """What images say of their use, and what was made of it."""
    counts, use = document["rights"], document["use"]
    if use is None:
        return [f"rights: nobody asked what images say of their use; {counts['overridden']} say no and are in"]
    unread = f", {counts['not_read']} could not be read" if counts["not_read"] else ""
    left_out, yes, nothing = (counts[name] for name in ("honoured", "allowed", "silent"))
    rights = f"rights: {left_out} that say no left out, {yes} say yes, {nothing} say nothing{unread}"
    if use["override"] is None:
        return [rights]
    return [rights, f"RIGHTS OVERRIDDEN: {counts['overridden']} that say no are in: {use['override']}"]


def _agreement(found: dict[str, Any] | None) -> list[str]:
    """How far labellers agree, where several labelled an image."""
    from registry.evaluation.agreement import has_kappa  # with numpy, which the parser does without

    if found is None:
        return []
    named = {"cohen": "Cohen's kappa", "fleiss": "Fleiss' kappa"}
    phrases = [f"{named[found['kind']]} {found['kappa']}"] if found["kappa"] is not None else []
    phrases += [f"Krippendorff's alpha {found['alpha']}"] if found["alpha"] is not None else []
    if found["kind"] in named and not has_kappa():
        phrases.append(f"{named[found['kind']]} needs NLTK: pip install 'emotionet[agreement]'")
    share = f"{counted(found['images'], 'image')} labelled by several: {found['agreement']} of pairs alike"
    return [", ".join([share, *phrases])]
