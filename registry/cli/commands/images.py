"""Commands on images: the catalog's labeled images and their label history."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from registry.cli.commands.common import Subparsers, add, classes_option, classes_text, group, home, issuer, limit
from registry.cli.commands.content import add_withdrawal
from registry.cli.commands.content import run_withdraw as withdraw_anything
from registry.cli.named import IMAGE, SUBJECT, image_of
from registry.cli.output import Output, cell
from registry.core.text.cleaning import counted

if TYPE_CHECKING:
    from registry.assembly import Home

ANY = "any"  # as Filters has it, which a list without filters does without
COLUMNS = ["sha256", "cid", "size", "label", "class", "labels", "contributors", "subject", "licence", "status"]

DROP = ("cid", "size", "licence", "subject", "labels", "contributors", "class")  # on a narrow terminal, the first first


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    verbs = group(commands, "images", "the catalog of labeled images")
    _add_filters(add(verbs, common, "list", run_list, "list images"))
    add(verbs, common, "show", run_show, "one image and its label history").add_argument(
        "image", metavar="IMAGE", help=IMAGE
    )
    relabeling = add(verbs, common, "relabel", run_relabel, "give an image a label; the old one stays in the history")
    relabeling.add_argument("image", metavar="IMAGE", help=IMAGE)
    relabeling.add_argument("label", metavar="LABEL")
    relabeling.add_argument("--contributor", help="whose label it is (default: this registry's issuer)")
    add_withdrawal(add(verbs, common, "withdraw", run_withdraw, "withdraw an image"))
    fetching = add(
        verbs, common, "fetch", run_fetch, "have images fetched whose bytes are not here (all, unless some are named)"
    )
    fetching.add_argument("images", metavar="IMAGE", nargs="*", help="a CID or SHA-256")
    waiting = add(verbs, common, "waiting", run_waiting, "list images that wait for their bytes, or were given up")
    waiting.add_argument("--state", choices=["waiting", "given_up"])
    limit(waiting)
    forgetting = add(
        verbs,
        common,
        "forget",
        run_forget,
        "destroy the key of a person's pseudonym: nobody can tell any more whose it was",
    )
    forgetting.add_argument("subject", metavar="SUBJECT", help="the name as the table of labels has it")


def _add_filters(listing: argparse.ArgumentParser) -> None:
    """Which images are listed."""
    listing.add_argument(
        "--label", help="a label as it was given, or a class, which stands for all labels that mean it"
    )
    listing.add_argument("--issuer", type=issuer)
    for name in ("contributor", "status"):
        listing.add_argument(f"--{name}")
    listing.add_argument("--subject", help=SUBJECT)
    listing.add_argument(
        "--rights",
        nargs="?",
        const=ANY,
        metavar="SIGNAL",
        help="only images of whose use something is said, by this signal or any; each with what is said",
    )
    classes_option(listing)
    limit(listing)


def run_list(wanted: argparse.Namespace, output: Output) -> int:
    """List images, page by page."""
    from registry.catalog.queries.labeled_images import images, referenced
    from registry.core.snapshots.classes import load_classes
    from registry.workflows.images.named_subject import named_subject

    if wanted.rights is not None:
        return _list_rights(wanted, output)
    found: list[dict[str, Any]] = []
    cursor = None
    classes = load_classes(classes_text(wanted.classes))
    with home() as opened, opened.catalog.read() as db:
        subject = None if wanted.subject is None else named_subject(opened, wanted.subject)
        label = None if wanted.label is None else classes.labels_of(wanted.label, images.labels(db))
        while len(found) < wanted.limit:
            page, cursor = images.list_images(
                db,
                label=label,
                issuer=wanted.issuer,
                contributor=wanted.contributor,
                subject=subject,
                status=wanted.status,
                cursor=cursor,
                limit=min(1000, wanted.limit - len(found)),
            )
            found += page
            if cursor is None:
                break
        waiting = referenced.how_many_wait(db) if wanted.status == "referenced" else 0
    _print_issuers(found, wanted, output)
    if waiting:
        images_wait = counted(waiting, "image waits", "images wait")
        output.say(f"{images_wait} to be fetched before their rows are registered: `emotionet images waiting`")
    found = [{**image, "class": classes.class_of(image["label"])} for image in found]
    output.lines(found, identity="sha256", columns=COLUMNS, drop=DROP)
    return 0


def _list_rights(wanted: argparse.Namespace, output: Output) -> int:
    """Images of whose use something is said, and what."""
    from registry.catalog.queries.labeled_images.image_grid import Filters
    from registry.catalog.queries.labeled_images.rows import rights_of
    from registry.workflows.images.list_images import list_images
    from registry.workflows.images.named_subject import named_subject

    found: list[dict[str, Any]] = []
    cursor = None
    with home() as opened:
        asked = Filters(
            label=wanted.label,
            contributor=wanted.contributor,
            issuer=wanted.issuer,
            subject=None if wanted.subject is None else named_subject(opened, wanted.subject),
            status=wanted.status,
            right=wanted.rights,
        )
        while len(found) < wanted.limit:
            page = list_images(opened, asked, cursor=cursor, limit=min(1000, wanted.limit - len(found)))
            with opened.catalog.read() as db:
                said = rights_of(db, [one["sha256"] for one in page.images])
            found += [{**one, **said[one["sha256"]]} for one in page.images]
            cursor = page.next
            if cursor is None:
                break
    _print_issuers(found, wanted, output)
    columns = ["sha256", "label", "standing", "rights", "licence", "status"]
    output.lines(found, identity="sha256", columns=columns, drop=("licence", "status"))
    return 0


def _print_issuers(found: list[dict[str, Any]], wanted: argparse.Namespace, output: Output) -> None:
    """A name that several issuers use is not one person's."""
    said = [one for image in found for one in image["speakers"] if one["contributor"] == wanted.contributor]
    issuers = sorted({one["issuer"] for one in said})
    if wanted.issuer is None and len(issuers) > 1:
        who = f"{len(issuers)} issuers have a contributor named {wanted.contributor}, who may be different people"
        output.say(f"{who}: {', '.join(issuers)}; choose one with --issuer")


def run_show(wanted: argparse.Namespace, output: Output) -> int:
    """One image."""
    from registry.workflows.images.show_image import show_image

    with home() as opened:
        image = show_image(opened, wanted.image, file_names=True)
        uses = _uses(opened, image)
    text = [f"{name}: {cell(image[name])}" for name in COLUMNS if name in image] + uses
    if (reference := image["reference"]) is not None:
        why = f": {reference['reason']}" if reference["reason"] else ""
        text.append(
            f"bytes: {reference['state'].replace('_', ' ')}, tried {counted(reference['attempts'], 'time')}{why}"
        )
    text += [f"  {row['issued_at']} {row['contributor']}: {row['label']}" for row in image["history"]]
    output.document(image, identity="sha256" if image["sha256"] else "cid", text=text)
    return 0


def _uses(opened: Home, image: dict[str, Any]) -> list[str]:
    """What is said of its use, and where it is used."""
    from registry.catalog.queries.labeled_images.rows import rights_of
    from registry.cli.texts.image import said_lines, snapshot_lines
    from registry.workflows.images.image_uses import snapshots_of

    if not image["sha256"]:  # its bytes have yet to come
        return []
    with opened.catalog.read() as db:
        said = rights_of(db, [image["sha256"]])[image["sha256"]]
    current = [row for row in image["history"] if row["current"]]
    return [*said_lines(current, said), *snapshot_lines(snapshots_of(opened, bytes.fromhex(image["sha256"])))]


def run_fetch(wanted: argparse.Namespace, output: Output) -> int:
    """Queue images to be fetched; a worker does it."""
    from registry.workflows.references.ask_again import ask_again

    with home() as opened:
        done = ask_again(opened, wanted.images)
    output.document(
        done,
        identity="asked",
        text=[f"{counted(done['asked'], 'image is', 'images are')} fetched by `emotionet worker` or `serve`"],
    )
    return 0


def run_waiting(wanted: argparse.Namespace, output: Output) -> int:
    """Images by reference."""
    from registry.workflows.references.show_reference import list_references

    with home() as opened:
        found, _ = list_references(opened, state=wanted.state, limit=wanted.limit)
    output.lines(
        found, identity="cid", columns=["cid", "state", "attempts", "code", "reason", "since"], drop=("since",)
    )
    return 0


def run_relabel(wanted: argparse.Namespace, output: Output) -> int:
    """Register another label for an image that is there."""
    from registry.workflows.images.registering.relabel import relabel

    with home() as opened:
        done = relabel(opened, image_of(opened, wanted.image), wanted.label, wanted.contributor)
    output.document(done, identity="contribution", text=[f"{done['sha256']} is now {done['label']}"])
    return 0


def run_forget(wanted: argparse.Namespace, output: Output) -> int:
    """Destroy a pseudonym's key; the name is not repeated."""
    from registry.workflows.images.forget_subject import forget_subject

    with home() as opened:
        done = forget_subject(opened, wanted.subject)
    text = [
        f"forgotten: nobody can tell any more whose pseudonym {done['pseudonym']} was",
        f"{counted(done['images'], 'image keeps', 'images keep')} it:"
        f" `emotionet images list --subject {done['pseudonym']}` names them,"
        " `emotionet images withdraw` takes one back",
    ]
    if done["tables"]:
        text.append(
            f"{done['tables']} imported tables of labels may hold the name, here and where they came from; they are"
            " given to nobody unless their folder was published"
        )
    output.document(done, identity="pseudonym", text=text)
    return 0


def run_withdraw(wanted: argparse.Namespace, output: Output) -> int:
    """Withdraw an image."""
    return withdraw_anything(wanted, output)
