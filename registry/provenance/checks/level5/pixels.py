"""Level 5's checks of preprocessing: pixels, boxes and groups are those of the images, and cleaning drops what it says
to drop, for the reason and with the measured value that stand in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from registry.core.ports.method import Prepared
from registry.core.text.cleaning import counted
from registry.provenance.checks.level5.again import Again, deep_of, preprocess_again
from registry.provenance.checks.results import Check, Failed, NotChecked, once, run
from registry.provenance.checks.target.subject import Subject

OWN = ("width", "height", "pixels", "boxes", "box_source")  # what an image's own bytes decide
Make = Callable[[], Again]


def checks(subject: Subject) -> Iterator[Check]:
    """All checks of this module."""
    again = once(partial(preprocess_again, subject))
    yield run("5.pixels", partial(pixels, subject, again))
    yield run("5.dropped", partial(dropped, subject, again))


def pixels(subject: Subject, make: Make) -> str:
    """5.pixels: of the kept images; with all images at once also the groups, of the dropped ones too."""
    again = make()
    wrong: dict[bytes, str] = {}
    for key, found in again.found.items():
        row = again.stated[key]
        names = OWN if row["reason"] is None and found.reason is None else ()
        for name in (*names, "group") if again.whole else names:
            one, other = _plain(row[name]), _plain(getattr(found, name))
            if one != other:
                wrong.setdefault(key, f"states {_short(name, one)}, preprocessing it again gives {_short(name, other)}")
    _judge(again, wrong)
    groups = "groups too" if again.whole else "groups and near-duplicates need all images, and were not looked at"
    return f"{_looked(subject, again)}; {groups}"


def dropped(subject: Subject, make: Make) -> str:
    """5.dropped: reason and measured value of every image that is looked at, kept ones too."""
    again = make()
    wrong: dict[bytes, str] = {}
    for key, found in again.found.items():
        row = again.stated[key]
        if key in again.open and found.reason is None:
            continue  # said to be a copy of an image that is not at hand
        if (row["reason"], row["measured"]) != (found.reason, found.measured):
            wrong[key] = f"is {_said(row)}, but cleaning it again {_gives(found)}"
    _judge(again, wrong)
    count = sum(again.stated[key]["reason"] is not None for key in again.found)
    undecided = sum(again.found[key].reason is None for key in again.open)
    copies = f"; {counted(undecided, 'copy', 'copies')} of images that are not at hand were not looked at"
    return f"{_looked(subject, again)}; {count} of them dropped{copies if undecided else ''}"


def _judge(again: Again, wrong: Mapping[bytes, str]) -> None:
    """``Failed``; or ``NotChecked`` where another decoder than the plan's can explain every difference."""
    if not wrong:
        return
    key = next((one for one in wrong if one in again.lossless), next(iter(wrong)))
    said = f"image {key.hex()} {wrong[key]}"
    more = f"; so do {len(wrong) - 1} more" if len(wrong) > 1 else ""
    if again.other and not again.lossless & wrong.keys():
        raise NotChecked(
            f"{said}{more}: all of them are lossy pictures, and what decodes them differs from the plan's "
            f"({again.other}): audit with the plan's versions"
        )
    raise Failed(f"{said}{more}")


def _looked(subject: Subject, again: Again) -> str:
    of = len(again.stated)
    said = deep_of(subject).told(len(again.found), of, "images") if not again.missing else f"{len(again.found)} of {of}"
    gone = counted(len(again.missing), "image was withdrawn or left out", "images were withdrawn or left out")
    return f"{said} images; {gone}, and not looked at" if again.missing else said


def _plain(value: Any) -> Any:
    """Tuples as lists, as tables have them."""
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value


def _short(name: str, value: Any) -> str:
    return f"{name} {value.hex() if isinstance(value, bytes) else str(value)[:80]}"


def _said(row: Mapping[str, Any]) -> str:
    if row["reason"] is None:
        return "said to be kept"
    return f"said to be dropped as {str(row['reason'])[:40]} ({str(row['measured'])[:80]})"


def _gives(found: Prepared) -> str:
    return "keeps it" if found.reason is None else f"drops it as {found.reason} ({found.measured})"
