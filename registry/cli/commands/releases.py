"""Commands on releases: publish, list, show, report, compare, predict."""

from __future__ import annotations

import argparse
from pathlib import Path

from registry.cli.commands.common import CLAIM, Subparsers, add, group, home, issuer, limit, name_option, path_argument
from registry.cli.failures import print_error
from registry.cli.named import RECORD, RUN, open_releases, run_of, stem
from registry.cli.output import Output
from registry.core.errors import InvalidInput, Unavailable
from registry.exports.attest.names import FOLDERS, FORMS

RELEASE = f"{RECORD}; or the FILE.car that it was exported to"


def add_commands(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add this noun's commands."""
    verbs = group(commands, "release", "published models with their evaluation, card and lineage")
    publishing = add(verbs, common, "publish", run_publish, "publish a completed run, signed and anchored")
    publishing.add_argument("run", metavar="RUN", help=RUN)
    name_option(publishing, "release")
    publishing.add_argument(
        "--onnx",
        action="store_true",
        help="also publish the final weights as ONNX, after checking that both predict the same",
    )
    limit(add(verbs, common, "list", run_list, "list releases"))
    add(verbs, common, "show", run_show, "one release").add_argument("release", metavar="RELEASE", help=RELEASE)
    _add_report(verbs, common)
    _add_files(verbs, common)
    comparing = add(verbs, common, "compare", run_compare, "compare two releases on the images that both judged")
    comparing.add_argument("a", metavar="A", help=RELEASE)
    comparing.add_argument("b", metavar="B", help=RELEASE)
    comparing.add_argument(
        "--html", type=path_argument, metavar="FILE", help="also write the comparison as an HTML page"
    )
    comparing.add_argument("--lang", choices=("en", "es"), default="en", help="the page's language")
    claiming = add(verbs, common, "claim", run_claim, "judge claims after the fact, from the published predictions")
    claiming.add_argument("release", metavar="RELEASE", help=RELEASE)
    claiming.add_argument("claims", nargs="+", **CLAIM)
    _add_plans(commands, common)
    _add_predict(commands, common)


def _add_files(verbs: Subparsers, common: argparse.ArgumentParser) -> None:
    """What other programs and hubs read."""
    carding = add(verbs, common, "card", run_card, "a release's model card, for README.md on a model hub")
    carding.add_argument("release", metavar="RELEASE", help=RELEASE)
    carding.add_argument(
        "--hub-dataset",
        metavar="OWNER/NAME",
        help="print a file for .eval_results/ instead, with the results on this data set of the hub",
    )
    exporting = add(verbs, common, "export", run_export, "write a release as other programs check it")
    exporting.add_argument("release", metavar="RELEASE", help=RELEASE)
    exporting.add_argument("--format", choices=FORMS, required=True, help="what they check: docs/exports.md")
    exporting.add_argument(
        "-o",
        "--output",
        type=path_argument,
        required=True,
        metavar="FILE",
        help=f"for {', '.join(FOLDERS)}: a folder that does not exist yet",
    )


def _add_report(verbs: Subparsers, common: argparse.ArgumentParser) -> None:
    reporting = add(verbs, common, "report", run_report, "write one release as a self-contained HTML page")
    reporting.add_argument("release", metavar="RELEASE", help=RELEASE)
    reporting.add_argument(
        "-o", "--output", type=path_argument, metavar="FILE", help="default: NAME.html, or CID.html, in this folder"
    )
    reporting.add_argument("--lang", choices=("en", "es"), default="en", help="the page's language")
    reporting.add_argument(
        "--claim",
        dest="claims",
        action="append",
        default=[],
        **CLAIM,
        help="judge this claim after the fact, and mark it so (repeatable)",
    )
    reporting.add_argument(
        "--faces",
        action="store_true",
        help="put pictures of the images into the file; without it the file can be mailed to anybody",
    )


def _add_plans(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    plans = group(commands, "plans", "every plan that was signed, also those without a release")
    listing = add(plans, common, "list", run_plans, "an issuer's plans, newest first")
    listing.add_argument("--issuer", type=issuer, metavar="ISSUER", help="only this issuer's plans")
    limit(listing)


def _add_predict(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    predicting = add(commands, common, "predict", run_predict, "run a published model on images")
    predicting.add_argument("release", metavar="RELEASE", help=RELEASE)
    predicting.add_argument(
        "images", nargs="+", type=path_argument, metavar="IMAGE", help="files, or folders of pictures"
    )
    predicting.add_argument("--average", action="store_true", help="average all folds instead of the final weights")
    predicting.add_argument(
        "--draw", type=path_argument, metavar="FOLDER", help="write each image into FOLDER with its boxes drawn in"
    )


def run_publish(wanted: argparse.Namespace, output: Output) -> int:
    """Publish."""
    from registry.cli.texts.release import release_text
    from registry.workflows.releases.publish_release import publish_release

    bars = output.progress()
    with home() as opened:
        done = publish_release(opened, run_of(opened, wanted.run), onnx=wanted.onnx, progress=bars, name=wanted.name)
    bars.close()
    output.document(done, identity="release", text=release_text(done))
    return 0


def run_claim(wanted: argparse.Namespace, output: Output) -> int:
    """Claims after the fact; never beside the plan's."""
    from registry.cli.texts.figures import later_line
    from registry.workflows.releases.judge_claims import judge_claims

    with open_releases(wanted.release) as (opened, (cid,)):
        done = judge_claims(opened, cid, wanted.claims)
    lines = [later_line(one) for one in done["claims"]]
    output.document(done, identity=None, text=[*lines, done["note"]])
    return 0


def run_plans(wanted: argparse.Namespace, output: Output) -> int:
    """Every plan, newest first."""
    from registry.workflows.runs.list_plans import list_plans

    with home() as opened:
        found, _ = list_plans(opened, wanted.issuer, limit=wanted.limit)
    shown = found if output.as_json else [{**one, "anchor": one["anchor"]["status"]} for one in found]
    columns = ["plan", "time", "days", "published_by", "claims", "anchor", "releases"]
    output.lines(shown, identity="plan", columns=columns, drop=("published_by", "anchor", "time", "releases"))
    return 0


def run_list(wanted: argparse.Namespace, output: Output) -> int:
    """List releases, newest first."""
    from registry.catalog.queries.signed_records import releases
    from registry.cli.texts.release import marks_text
    from registry.workflows.local_issuers import publisher_text
    from registry.workflows.names.references import with_names
    from registry.workflows.releases.verdicts import with_verdicts
    from registry.workflows.withdrawals.withdrawn import short_text, withdrawals_by

    with home() as opened:
        with opened.catalog.read() as db:
            found, _ = releases.list_releases(db, cursor=None, limit=wanted.limit)
            found = with_names(opened, db, found, "cid")
        back = withdrawals_by(opened, found)
        rows = [
            {**one, "published_by": publisher_text(opened, one["issuer"]), "withdrawn": back.get(one["cid"], [])}
            for one in found
        ]
        rows = with_verdicts(opened, rows)
    columns = ["cid", "snapshot", "published_by", "issued_at", "verdict", "names"]
    if not output.as_json:
        said = [one["verdict"]["en"] if one["verdict"] else "can't be read here" for one in rows]
        marked = [f"{marks_text(one)}{text}" for one, text in zip(rows, said, strict=True)]
        rows = [{**one, "verdict": text} for one, text in zip(rows, marked, strict=True)]
    if back and not output.as_json:
        columns.insert(columns.index("verdict") + 1, "withdrawn")
        rows = [{**one, "withdrawn": short_text(one["withdrawn"])} for one in rows]
    output.lines(rows, identity="cid", columns=columns, drop=("snapshot", "issued_at", "published_by"))
    return 0


def run_show(wanted: argparse.Namespace, output: Output) -> int:
    """One release."""
    from registry.cli.texts.release import release_text
    from registry.workflows.releases.publish_release import show_release

    with open_releases(wanted.release, warn_first=False) as (opened, (cid,)):
        done = show_release(opened, cid)
    output.document(done, identity="release", text=release_text(done))
    return 0


def run_report(wanted: argparse.Namespace, output: Output) -> int:
    """Write the report; its audit is made anew."""
    from registry.files import whole_file
    from registry.web.report.collect import collect
    from registry.web.report.report import render_report

    output.busy("auditing, drawing the report")
    with open_releases(wanted.release) as (opened, (cid,)):
        path = wanted.output or Path(f"{stem(wanted.release) or cid}.html")
        with whole_file(path) as stream:
            stream.write(
                render_report(collect(opened, cid, wanted.lang, claims=wanted.claims, faces=wanted.faces)).encode()
            )
    output.document({"release": str(cid), "path": str(path)}, identity="path", text=[f"wrote {path}"])
    return 0


def run_card(wanted: argparse.Namespace, output: Output) -> int:
    """Print the published card, or its figures as the hub's eval results."""
    from registry.content.unixfs import reader
    from registry.core.records import Release
    from registry.core.run_view import release_view
    from registry.exports.card.front_matter import eval_results
    from registry.workflows.store.read_content import read_as

    with open_releases(wanted.release) as (opened, (cid,)):
        release = read_as(opened, Release, cid)
        if wanted.hub_dataset is None:
            text = reader.read_whole(opened.store, release.card).decode()
        else:
            text = eval_results(release_view(opened.store.get, release), wanted.hub_dataset)
    output.document({"release": str(cid), "text": text}, identity="release", text=[text.rstrip("\n")])
    return 0


def run_export(wanted: argparse.Namespace, output: Output) -> int:
    """Write the files."""
    from registry.workflows.releases.export_release import export_release

    with open_releases(wanted.release) as (opened, (cid,)):
        done = export_release(opened, cid, wanted.format, wanted.output)
    output.document(done, identity="path", text=[f"wrote {wanted.output}: {', '.join(done['files'])}"])
    return 0


def run_compare(wanted: argparse.Namespace, output: Output) -> int:
    """Differences (B minus A), tests, and what was changed."""
    from registry.cli.texts.comparison import comparison_text
    from registry.files import whole_file
    from registry.web.compare.comparison import both_verdicts, comparison_page
    from registry.workflows.releases.compare_releases import compare_releases

    with open_releases(wanted.a, wanted.b) as (opened, (a, b)):
        pair = a, b
        if wanted.html is None:
            done = compare_releases(opened, *pair)
        else:
            with whole_file(wanted.html) as stream:
                done = compare_releases(opened, *pair)
                stream.write(comparison_page(opened, *pair, done, wanted.lang).encode())
            output.say(f"wrote {wanted.html}")
        verdicts = both_verdicts(opened, a, b, "en")
    output.document(done, identity=None, text=comparison_text(done, verdicts))
    return 0


def run_predict(wanted: argparse.Namespace, output: Output) -> int:
    """Predict; one line an image. What can't be used is told by its name, and the others are looked at all the same."""
    from registry.workflows.releases.predict import image_paths, predict
    from registry.workflows.releases.predicted_picture import draw_all

    images = image_paths(wanted.images)
    output.busy("loading the model")
    with open_releases(wanted.release) as (opened, (cid,)):
        found = list(predict(opened, cid, images, wanted.average))
    output.close()
    if wanted.draw:
        for path in draw_all(found, wanted.draw):
            output.say(f"wrote {path}")
    good = [one for one in found if one["error"] is None]
    if good or output.as_json:
        output.lines(found if output.as_json else good, identity="label", columns=["image", "label", "confidence"])
    status = 0
    for one in found:
        if one["error"] is not None:
            kind = Unavailable if one["error"]["code"] == "not_read" else InvalidInput
            status = max(status, print_error(kind(one["error"]["detail"], hint=one["error"]["hint"])))
    return status
