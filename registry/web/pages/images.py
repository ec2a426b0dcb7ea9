"""What the pages of images show: the grid with its filters, and one image with all that is known of it.

Invariants: the filters are the query of the address; every link keeps them but for what it changes; no stored bytes
enter a page, only addresses of thumbnails, and none of an image that was withdrawn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from registry.catalog.queries.labeled_images import image_counts, image_uses, images
from registry.catalog.queries.labeled_images.history import image_history
from registry.catalog.queries.labeled_images.image_grid import ANY, Filters
from registry.catalog.queries.labeled_images.rows import rights_of
from registry.catalog.queries.training_runs import runs
from registry.core.errors import NotFound, UsageError
from registry.core.labeling.labeled_row import PICTURE, SIGNALS
from registry.core.snapshots.use import all_given, meaning, standing
from registry.web.base.words import Words
from registry.workflows.images import image_uses as uses
from registry.workflows.images.list_images import list_images
from registry.workflows.images.registering.speaker import Speaker
from registry.workflows.images.thumbnails import Thumbnails
from registry.workflows.local_issuers import local_issuers, signing_issuers
from registry.workflows.names.profile import profile_of
from registry.workflows.parts import Parts
from registry.workflows.references.show_reference import reference_of
from registry.workflows.snapshots.near_duplicates import near_duplicates

ON_A_PAGE = 60
BARS, CHOICES, RUNS, HISTORY, CONTACTS = 12, 50, 20, 100, 5
SAID = 200  # characters of a value in a sentence that is said once
ASKED = ("label", "contributor", "issuer", "subject", "licence", "right", "status", "disputed", "run", "dropped")
STATUSES = ("stored", "referenced", "withdrawn")
Document = dict[str, Any]


def address(asked: Mapping[str, str], **changes: str | None) -> str:
    """The grid's address with some filters changed; None takes one away. It begins at the first page."""
    wanted = {**asked, **changes}
    query = urlencode([(name, value) for name in ASKED if (value := wanted.get(name))])
    return f"/images?{query}" if query else "/images"


def grid(parts: Parts, query: Mapping[str, str]) -> Document:
    """The fields of ``pages/images.html``: ``found`` (a page of images), ``bars`` of labels, choices of filters."""
    asked = {name: query[name] for name in ASKED if query.get(name)}
    texts = {name: value for name, value in asked.items() if name not in ("disputed", "run", "dropped")}
    wanted = Filters(**texts, disputed=asked.get("disputed") == "true")
    found = list_images(
        parts,
        wanted,
        run=asked.get("run"),
        dropped=asked.get("dropped"),
        cursor=query.get("cursor") or None,
        limit=ON_A_PAGE,
    )
    more = f"{address(asked)}{'&' if asked else '?'}cursor={found.next}" if found.next else None
    if "right" in asked:
        with parts.catalog.read() as db:
            rights = rights_of(db, [one["sha256"] for one in found.images])
        found = replace(found, images=[{**one, "standing": rights[one["sha256"]]["standing"]} for one in found.images])
    return {"found": found, "asked": asked, "next": more, "cursor": query.get("cursor"), **_choices(parts, asked)}


def _choices(parts: Parts, asked: Mapping[str, str]) -> Document:
    with parts.catalog.read() as db:
        labels = image_counts.most(db, "label", BARS)
        if "label" in asked and asked["label"] not in {one.value for one in labels}:
            labels.append(image_counts.Count(asked["label"], image_counts.images(db, "label", asked["label"])))
        counted = {kind: image_counts.most(db, kind, CHOICES) for kind in ("contributor", "licence", "right")}
        totals = {kind: image_counts.images(db, kind) for kind in ("listed", "disputed")}
        recent, _ = runs.list_runs(db, limit=RUNS)
    return {
        "label_bars": [_bar(asked, one) for one in labels],
        "counted": counted,
        "totals": totals,
        "any": ANY,
        "signals": SIGNALS,
        "statuses": STATUSES,
        "dropped": [
            {
                "run": one["run"],
                "reason": reason,
                "count": count,
                "href": address(asked, run=one["run"], dropped=reason),
                "current": (asked.get("run"), asked.get("dropped")) == (one["run"], reason),
            }
            for one in recent
            for reason, count in sorted((one["dropped"] or {}).items())
        ],
        "chips": [
            {"name": name, "value": value, "href": address(asked, **{name: None, **_together(name)})}
            for name, value in asked.items()
        ],
        "start": address(asked),
    }


def _together(name: str) -> dict[str, str | None]:
    """A run's dropped images are one filter in two values."""
    return {"run": None, "dropped": None} if name in ("run", "dropped") else {}


def _bar(asked: Mapping[str, str], one: image_counts.Count) -> Document:
    current = asked.get("label") == one.value
    href = address(asked, label=None if current else one.value)
    return {"label": one.value, "count": one.images, "href": href, "current": current}


def image(parts: Parts, thumbnails: Thumbnails, identity: str, speaker: Speaker) -> Document:
    """The fields of ``pages/image.html``: ``correctable`` are rows in names that ``speaker`` may write in, of which
    ``anybody`` says whether they are all. ``NotFound`` if no contribution has a row of it.
    """
    with parts.catalog.read() as db:
        found = images.get_image(db, identity)
        if found is None:
            raise NotFound(f"{identity[:100]} is not an image of this catalog", hint="see /images.")
        sha256 = bytes.fromhex(found["sha256"])
        history = image_history(db, sha256)
        taken_back = image_uses.withdrawals_of(db, found["sha256"])
        reference = reference_of(db, found["sha256"])
        cids = [str(cid) for cid in images.cids_of(db, found["sha256"])]
    current = [row for row in history if row["current"]]
    shown = found["status"] == "stored"
    return {
        "image": found,
        "reference": reference,
        "cids": sorted(cids),
        "own": local_issuers(parts),
        "current": current,
        "correctable": [one for one in correctable(current, signing_issuers(parts)) if may_say(speaker, one)],
        "anybody": speaker.anybody,
        "history": history[::-1][:HISTORY],
        "earlier": max(0, len(history) - HISTORY),
        "withdrawals": taken_back,
        "size": thumbnails.size(found["sha256"]) if shown else None,
        "drawn": [(number, row) for number, row in enumerate(current, 1) if row["boxes"]],
        "snapshots": uses.snapshots_of(parts, sha256),
        "cleaned": uses.cleaned(parts, sha256),
        "near": near_duplicates(parts, found["sha256"]),
        "use": said_of_use(current),
        "releases": uses.predictions_of(parts, sha256),
        "most": uses.MOST,
        "contacts": _contacts(parts, [row["issuer"] for row in current]),
    }


def said_of_use(rows: Collection[Document]) -> Document:
    """What newest rows say of an image's use: ``standing`` (no, yes, not_read or silent), and ``signals``: each
    ``signal, value, means, contributor, issuer``, ``picture`` where the issuer read it out of the picture itself."""
    said = [
        {
            "signal": signal.removeprefix(PICTURE),
            "value": value,
            "means": meaning(signal, value),
            "picture": signal.startswith(PICTURE),
            "contributor": row["contributor"],
            "issuer": row["issuer"],
        }
        for row in rows
        for signal, value in row["rights"].items()
    ]
    return {"standing": standing(all_given(row["rights"] for row in rows)), "signals": said}


def may_say(speaker: Speaker, row: Document) -> bool:
    """Whether somebody may write in the name of a row's contributor."""
    return speaker.anybody or row["contributor"] == (speaker.name or row["issuer"])


def contributor_named(parts: Parts, issuer: str, sha256: str, form: Mapping[str, str], speaker: Speaker) -> str | None:
    """In whose name the form gives a label that ``issuer`` will sign; None: in that of the issuer's key.

    A name that is typed counts. Else ``whose`` says it: ``=`` and a contributor of the page, or ``+`` for nobody there.
    Where neither is said, a label of the issuer's in a name that ``speaker`` may write in is corrected if there is but
    one. ``UsageError`` for several.
    """
    typed, chosen = form.get("contributor", "").strip(), form.get("whose", "")
    if typed:
        return typed
    if chosen:
        return chosen.removeprefix("=") if chosen.startswith("=") else None
    with parts.catalog.read() as db:
        mine = [one for one in correctable(image_history(db, bytes.fromhex(sha256)), {issuer}) if may_say(speaker, one)]
    if len(mine) > 1:
        raise UsageError("this image has several labels", hint="go back and choose whose label you correct.")
    return mine[0]["contributor"] if mine else None


def correctable(history: Iterable[Document], issuers: Collection[str]) -> list[Document]:
    """Current rows that one of these issuers signed: only these are replaced by what it signs next."""
    return [row for row in history if row["current"] and row["issuer"] in issuers]


def relabeled(
    parts: Parts, issuer: str, t: Words, done: Mapping[str, Any], contributor: str | None
) -> tuple[str, dict[str, str]]:
    """A key of the words that says what a label changed, with its values: one that leaves others corrects no image."""
    with parts.catalog.read() as db:
        found = images.get_image(db, done["sha256"])
    labels = list(found["labels"]) if found else []
    told = {"label": done["label"][:SAID]}
    if done["unchanged"]:
        return "images_page.unchanged", told
    if labels == [done["label"]]:
        return "images_page.relabeled", told
    who = t("images_one.own") if contributor in (None, issuer) else str(contributor)[:SAID]
    told |= {"who": who, "labels": " / ".join(labels)[:SAID]}
    tie = "_tie" if found is None or found["label"] is None else ""
    return f"images_page.{'corrected_one' if done['corrected'] else 'added'}{tie}", told


def _contacts(parts: Parts, issuers: Iterable[str]) -> list[tuple[str, str, str]]:
    """``(issuer, name, contact)`` of the first few issuers whose profile says where to write to."""
    said = [profile_of(parts, issuer) for issuer in list(dict.fromkeys(issuers))[:CONTACTS]]
    return [(one["issuer"], one["name"], one["contact"]) for one in said if one is not None and one["contact"]]
