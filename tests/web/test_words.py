"""Every word has both languages; a page in Spanish has no English left but what records say in their own words."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import registry
import registry.evaluation
import registry.web
from registry.api import problems
from registry.core.errors import InvalidInput
from registry.core.records import Note
from registry.core.text import cleaning
from registry.evaluation import sentences
from registry.evaluation.evaluate import evaluate
from registry.evaluation.figures.thresholds import ThresholdRule
from registry.evaluation.sentences import note_text
from registry.provenance.checks.listed import LISTED
from registry.web.base.fill_in import fill_in
from registry.web.base.words import LANGUAGES, Words, catalogue
from registry.web.report.report import render_report
from tests.evaluation.world import CLASSES, crowd
from tests.web.example import data, result

FOLDER = Path(registry.web.__file__).parent
JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
NO_WORDS = re.compile(r"<style>.*?</style>|<code>.*?</code>|<[^>]*>", re.DOTALL)
BRAND = {"Emotionet", "emotio", "net", "OpenAPI", "curl", "Python", "BibTeX", "CITATION", "cff", "HTML", "KiB", "MiB"}
SAME = {
    "images_one.bytes",
    "verify.bytes",
    "lineage_one.plan",
    "ids.plan",
    "glossary.kappa",
    "site.in_en",
    "site.in_es",
}  # words written alike


PLURAL = re.compile(r"\{(\w+)\}[ \u00a0](?:more |different )?[a-záéíóúñ]+s\b(?! of \{)")
MANY = {
    "check_reason.in_tree",
    "register.limits",
    "snapshots.look_hint",
    "snapshots_new.part",
    "images_one.pixels",
}  # never one
NO_NOUN = {"bytes", "hours", "veces", "times", "does", "was", "is", "has", "más", "más,"}


def fields(text: str) -> set[str]:
    return {name.partition("|")[0] for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_number_of_things_has_words_for_one_of_them() -> None:
    """Nowhere stands "1 images". An evaluation's own words stay as they are: cards hold them, and are made again."""
    faults = [
        f"{section}.{key}: {text}"
        for section, keys in catalogue().items()
        if section not in sentences.texts()
        for key, texts in keys.items()
        for text in texts
        for found in PLURAL.finditer(text)
        if f"{section}.{key}" not in MANY
        and found[0].split()[-1] not in NO_NOUN
        and f"{key}_one" not in keys
        and f"{key}_1" not in keys
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("text", "values", "said"),
    [
        ("{n} {n|image|images}", {"n": 1}, "1 image"),
        ("{n} {n|image|images}", {"n": "0"}, "0 images"),
        ("{a} {a|holds|hold}, {b} {b|does|do} not", {"a": "2", "b": "1"}, "2 hold, 1 does not"),
        ("{name}", {"name": "{n|one|many}"}, "{n|one|many}"),  # a value is never filled in itself
    ],
)
def test_a_number_brings_the_words_that_go_with_it(text: str, values: dict[str, object], said: str) -> None:
    assert fill_in(text, values) == said


def is_a_sign(text: str) -> bool:
    """Whether nothing in it is a word of a language: a number, a unit, an abbreviation."""
    return not re.search(r"[a-z]{4}", re.sub(r"{[^}]*}", "", text))


def test_every_key_has_both_languages_and_the_same_names() -> None:
    for section, keys in catalogue().items():
        for key, texts in keys.items():
            assert len(texts) == len(LANGUAGES), (section, key)
            assert all(text.strip() == text and text for text in texts), (section, key)
            assert fields(texts[0]) == fields(texts[1]), (section, key)
            assert texts[0] != texts[1] or is_a_sign(texts[0]) or f"{section}.{key}" in SAME, (section, key)


def test_the_logs_entry_has_one_word_in_spanish() -> None:
    sources = [*FOLDER.rglob("*.toml"), *Path(registry.evaluation.__file__).parent.rglob("*.toml")]
    told = [(path.name, line) for path in sources for line in path.read_text().splitlines()]
    assert any("asiento" in line for _, line in told)
    assert not [one for one in told if re.search(r"\bentr(y|ies)\b.*\bentradas?\b", one[1], re.IGNORECASE)]


def test_every_key_that_is_used_is_there() -> None:
    sources = [*FOLDER.rglob("*.py"), *FOLDER.rglob("templates/**/*.html")]
    pattern = re.compile(r"\bt\(\"([a-z_]+\.[a-z0-9_]+)\"[,)]")
    used = {key for path in sources for key in pattern.findall(path.read_text())}
    assert len(used) > 80
    for key in used:
        section, _, name = key.partition(".")
        assert name in catalogue()[section], key


def test_templates_hold_no_words() -> None:
    for path in FOLDER.rglob("templates/**/*.html"):
        text = NO_WORDS.sub(" ", JINJA.sub(" ", path.read_text()))
        assert set(re.findall(r"[A-Za-z]{2,}", text)) <= {"doctype", "html", *BRAND}, path.name


def test_every_check_of_the_audit_is_known() -> None:
    known = catalogue()["check"]
    assert {id: known[id][0] for id in LISTED} == {id: one.title for id, one in LISTED.items()}


@pytest.mark.parametrize("final", ["fold:1", "refit"])
@pytest.mark.parametrize("rule", ["fixed", "other_folds"])
def test_every_note_is_known(final: str, rule: str) -> None:
    rows, clusters = crowd(60, 3, folds=3)
    found = evaluate(
        rows,
        classes=CLASSES,
        threshold=ThresholdRule(rule, 250_000, 10_000, 3),
        final=final,
        histories=(),
        claims=(),
        groups=(),
        clusters=clusters,
        attributes={},
        rounds=20,
        min_group=50,
        seed=1,
    )
    for note in (*found.notes, *result().notes):
        spanish, english = Words("es").note(note), Words("en").note(note)
        assert (spanish[1], english[1]) == ("es", "en"), note
        assert spanish[0] != english[0]
    unknown = Note(code="of_tomorrow", values={"images": 3})
    assert Words("es").note(unknown) == ("of_tomorrow: images = 3", "en")


def test_a_spanish_page_is_spanish() -> None:
    page = render_report(data(language="es", model="Modelo", data="160 imágenes"))
    assert '<html lang="es">' in page
    for words in ("Son dibujos.", "refutada", "Exhaustividad por grupo", "intervalo del 95\u00a0%", "0,250000"):
        assert words in page, words
    shown = re.sub(r'<style>.*?</style>|<pre>.*?</pre>|<[a-z][^>]*lang="en">[^<]*|<[^>]*>', " ", page, flags=re.DOTALL)
    english = {"the", "and", "of", "with", "images", "is", "are", "not", "no one", "figure", "supported", "holds"}
    assert not english & set(re.findall(r"[a-z]+", shown.lower()))
    assert not re.search(r"\b0\.\d{3}\b", shown)


def test_numbers_keep_their_digits() -> None:
    assert Words("es").exact("-0.123456") == "\u22120,123456"
    assert Words("en").exact("0.5") == "0.5"
    assert Words("es").interval({"low": "0.1", "high": "0.25"}) == "de 0,100 a 0,250"
    assert Words("es").interval({"low": None, "high": None}) == "–"
    assert (Words("es").fold("fold:3"), Words("es").fold("refit"), Words("es").fold("mean")) == (
        "pliegue 3",
        "reajuste",
        "media",
    )


def test_another_language_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        Words("fr")
    assert caught.value.code == "bad_language"


def test_one_of_a_thing_is_told_in_the_singular_in_both_languages() -> None:
    singular = [(section, key) for section, keys in catalogue().items() for key in keys if f"{key}_one" in keys]
    assert ("home", "snapshots") in singular
    for section, key in singular:
        for at, language in enumerate(LANGUAGES):
            texts = catalogue()[section]
            given = dict.fromkeys({*fields(texts[key][at]), *fields(texts[f"{key}_one"][at])}, "x")
            one, more = (Words(language)(f"{section}.{key}", **{**given, "count": count}) for count in ("1", "2"))
            assert one == texts[f"{key}_one"][at].format(**given)
            assert more != one
            assert not re.search(r"\b1 [a-z]+s\b", one), (language, one)


def test_no_page_says_a_number_beside_a_plural_that_does_not_know_it() -> None:
    for path in FOLDER.rglob("templates/**/*.html"):
        assert not re.search(r't\.exact\([^{}]*\) }} ?{{ t\("[a-z_]+\.images"\) }}', path.read_text()), path


def test_what_a_record_says_in_its_own_words_is_marked_among_spanish_ones() -> None:
    spanish, english = Words("es"), Words("en")
    assert spanish.pairs((("tone", "dark"), ("hat", "yes"))) == "tono = «dark», hat = «yes»"
    assert english.pairs((("tone", "dark"),)) == "tone = dark"
    note = Note(code="compared", values={"attributes": ("tone", "hat")})
    assert "según «tone», «hat», tal como" in note_text(note, "es")
    assert "by tone, hat, as declared" in note_text(note, "en")


def test_numbers_that_were_measured_are_written_as_the_language_writes_them() -> None:
    assert Words("es").measured("900000000 pixels") == "900\u202f000\u202f000 píxeles"
    assert Words("en").measured("900000000 pixels") == "900,000,000 pixels"


def raised_codes() -> set[str]:
    """Codes that modules give which read, check and register rows, and what is sent of them."""
    root = Path(registry.__path__[0])
    images = root / "workflows" / "images"
    folders = [root / "content" / "labels", root / "core" / "labeling", root / "core" / "text" / "cleaning.py"]
    folders += [images / "registering", images / "importing", images / "uploading"]
    files = [file for one in folders for file in ([one] if one.is_file() else one.rglob("*.py"))]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    literal = re.findall(r'code="([a-z_]+)"', text)
    told = re.findall(r'listing\.\w+, \("([a-z_]+)"', text)  # of links
    chosen = re.findall(r'_one_of\(.*"([a-z_]+)"\)', text)
    return {*literal, *told, *chosen, *cleaning._BLANK_CODES.values()}


def test_every_reason_to_refuse_a_row_has_words_by_its_code() -> None:
    codes = raised_codes()
    assert {"missing_file", "empty_label", "bad_box", "broken_link", "unknown_source", "contradicting_labels"} <= codes
    known = {**catalogue()["row_reason"], **catalogue()["row_reason_part"]}
    assert codes - known.keys() == set()
    assert catalogue()["row_reason"].keys() & catalogue()["row_reason_part"].keys() == set()


def test_every_status_of_an_error_page_has_words() -> None:
    statuses = {str(status) for status in (*problems._HTTP_CODES, *(one[1] for one in problems._CLASSES), 500, 502)}
    assert statuses - catalogue()["site_error"].keys() == set()
    assert statuses - catalogue()["error_status"].keys() == set()
