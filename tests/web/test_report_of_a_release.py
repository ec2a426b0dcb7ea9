"""The report of a whole release that several people labelled: their agreement, the mistakes, pictures only if asked."""

from __future__ import annotations

import io
from collections.abc import Iterator

import msgspec
import pytest
from PIL import Image, ImageColor

from registry.core import records
from registry.core.ipld.cid import CID
from registry.evaluation.agreement import agreement
from registry.web.report.collect import collect
from registry.web.report.mistakes import PREDICTED, framed
from registry.web.report.report import ReportData, render_report
from registry.workflows.images.importing.import_source import import_source
from tests.support.forgery import Released, publish, simulated_home


@pytest.fixture(scope="module")
def labelled_twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """A release whose images two people labelled, one of them a third; of every tenth the second differs."""
    folder = tmp_path_factory.mktemp("twice")
    with simulated_home(folder) as home:
        table = folder / "faces" / "labels.csv"
        head, *rows = table.read_text(encoding="utf-8").splitlines()
        columns = head.split(",")
        label, who = columns.index("label"), columns.index("contributor")
        changed = []
        for number, row in enumerate(rows):
            cells = row.split(",")
            cells[who] = "second"
            if number % 10 == 0:
                cells[label] = "feliz" if cells[label] != "feliz" else "triste"
            changed.append(",".join(cells))
        table.write_text("\n".join([head, *changed]) + "\n", encoding="utf-8")
        import_source(home, str(folder / "faces"))
        yield publish(home)


def report(made: Released, *, faces: bool, language: str = "en") -> ReportData:
    return collect(made.home, CID.parse(str(records.cid(made.view.release))), language, faces=faces)


def test_agreement_counts_images_that_were_left_out_for_disagreement(labelled_twice: Released) -> None:
    data = report(labelled_twice, faces=False)
    found = data.agreement
    assert found is not None
    assert (found.kind, found.people) == ("none", 3), "images have two labels or three, for which no kappa is defined"
    assert found.alpha is not None
    left_out = sum(images for labels, most, images in found.patterns if most == 1)
    assert left_out > 0
    assert ("snapshot", "left_out", "disagreement", left_out) in data.counts
    assert found.images == labelled_twice.view.snapshot.count + left_out
    page = render_report(data)
    assert "Krippendorff&#39;s alpha" in page


def test_few_images_give_no_kappa(labelled_twice: Released) -> None:
    found = agreement([{"a": 0, "b": 1}])
    assert found is not None
    page = render_report(msgspec.structs.replace(report(labelled_twice, faces=False), agreement=found))
    assert "Several people labelled 1 of the images" in page
    assert "too few images to say how far people agree (at least 10)" in page
    assert "kappa: " not in page


def test_the_report_of_a_withdrawn_release_says_so_first(labelled_twice: Released) -> None:
    gone = {"what": "release", "effective": "2026-01-01", "reason": "a test", "issuer": "did", "remedy": "notice"}
    data = report(labelled_twice, faces=False)
    answer = render_report(msgspec.structs.replace(data, withdrawn=(gone,))).partition('<section class="answer')[2]
    assert answer.startswith(' bad"')
    assert answer.index("✗ withdrawn") < answer.index('class="said"')
    assert "pill good" not in answer.partition("</section>")[0]
    part = {**gone, "what": f"image {'ab' * 32}"}
    answer = render_report(msgspec.structs.replace(data, withdrawn=(part,))).partition('<section class="answer')[2]
    assert "✗ withdrawn" not in answer.partition("</section>")[0]


def test_no_picture_is_in_the_file_unless_it_is_asked_for(labelled_twice: Released) -> None:
    without, with_them = report(labelled_twice, faces=False), report(labelled_twice, faces=True)
    assert "data:image/" not in render_report(without)
    assert "This file holds no picture of any person" in render_report(without)
    assert [one.image for one in without.mistakes] == [one.image for one in with_them.mistakes]
    assert "This file holds pictures of people" in render_report(with_them)


def test_mistakes_are_wrong_and_the_surest_stands_first(labelled_twice: Released) -> None:
    found = report(labelled_twice, faces=False).mistakes
    assert 0 < len(found) <= 10
    assert all(one.labelled != one.predicted for one in found)
    scores = [one.confidence for one in found]
    assert scores == sorted(scores, reverse=True)


def test_baselines_stand_beside_the_headline_figures(labelled_twice: Released) -> None:
    data = report(labelled_twice, faces=False, language="es")
    page = render_report(data)
    assert page.count("al azar: ") == 3
    assert page.count("siempre la clase más frecuente: ") == 3
    assert "sin referencia: el azar no encuentra recuadros" in page


def test_a_mistake_is_drawn_with_both_boxes() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (400, 200), "#808080").save(stream, "PNG")
    found = framed(stream.getvalue(), (400, 200), [(2000, 2000, 10000, 10000)], (20000, 2000, 10000, 10000))
    assert found is not None
    assert found.size == (260, 130)
    assert found.getpixel((130, 40)) == ImageColor.getrgb(PREDICTED)
    assert found.getpixel((13, 40)) in {(255, 255, 255), (0, 0, 0)}
    assert found.getpixel((250, 120)) == (128, 128, 128)
    assert framed(b"no picture", (400, 200), [], (0, 0, 1, 1)) is None
    assert framed(stream.getvalue(), (0, 0), [], (0, 0, 1, 1)) is None
