"""The verdict on a release as sentences: the one place where they are made, for every command, page and document.

Invariants: pure; the same facts give the same sentences, here and in the verifier in JavaScript (docs/claims.md has the
rules, ``verdict.toml`` the words, tests/vectors/verdicts.json the examples). Records and claims are never judged in one
word: where the records do not hold no claim is judged at all. What a stranger's records say is shown on one line, cut
short, and never raises.

``state`` of a verdict: ``supported``, ``refuted``, ``undecided``, ``seen`` (supported, but only with images that the
base weights had seen), ``mixed`` (claims of different states), ``none`` (no claim), ``broken`` (an audit found that the
records do not hold: no claim counts), ``unusable`` (a file that is no release, or not the whole of one), ``stated``
(claims of a stranger that no audit kept here checked, or in records that a newer program wrote: they count as no more
than stated).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Any

from registry.core.text.claim_text import threshold_text
from registry.evaluation.base_seen import ON_SEEN
from registry.evaluation.facts import ClaimFacts, Facts
from registry.evaluation.sentences import LANGUAGES, attempts_document, reason_text
from registry.evaluation.verdict_text import Part, Said, counted, figure, joined, part, plain, words

STATES = ("supported", "seen", "refuted", "undecided")  # of one claim, in the order in which they are counted
WORDS = {"supported": "supported", ON_SEEN: "seen", "refuted": "refuted"}  # all else is undecided
OTHERWISE = (
    "no_figure",
    "inferred",
    "corrected",
)  # codes of a claim that is undecided for another reason than its interval
INFERRED = "inferred_attribute"
SUPPORTS = ("supported", "seen")
MAX_CHECKS = 5  # that are named
MAX_AGES = 10  # of plans that became nothing
MAX_NAMED = 3  # claims, up to which the short form names each


@dataclass(frozen=True)
class Verdict:
    """``parts`` are all sentences in their order, the ``head`` first ones of which are the short form."""

    state: str
    records: str
    parts: tuple[Part, ...]
    head: int

    def document(self) -> dict[str, Any]:
        """As JSON: the sentences by language, the short form, and the parts with their codes."""
        return {
            "state": self.state,
            "records": self.records,
            **{language: sentence(self, language) for language in LANGUAGES},
            "short": {language: short(self, language) for language in LANGUAGES},
            "parts": [{"code": one.code, **dict(zip(LANGUAGES, one.texts, strict=True))} for one in self.parts],
        }


def short(verdict: Verdict, language: str) -> str:
    """One line, for lists."""
    return " ".join(one.text(language) for one in verdict.parts[: verdict.head])


def sentence(verdict: Verdict, language: str) -> str:
    """The short form and all that belongs to it."""
    return " ".join(one.text(language) for one in verdict.parts)


def verdict_of(facts: Facts) -> Verdict:
    """The verdict that follows from facts."""
    withdrawn = [part("headline", "withdrawn")] if facts.withdrawn else []
    head = [_of_file(facts)] if facts.file else [*withdrawn, *_caveat(facts), _headline(facts)]
    ends = facts.file is not None or head[-1].code.startswith("broken")
    more = () if ends else tuple(_more(facts))
    return Verdict(_state(facts), facts.records, (*head, *more), len(head))


def refuted(codes: Iterable[str]) -> tuple[int, int]:
    """How many of several claims are refuted, and of how many, by the codes of a verdict's parts; (0, 0) of one."""
    following = list(dropwhile(lambda code: code != "several", codes))[1:]
    each = list(takewhile({*STATES, *OTHERWISE}.__contains__, following))
    return each.count("refuted"), len(each)


def state_of(claim: ClaimFacts) -> str:
    """One of ``STATES``. What no program of ours writes is undecided."""
    return "undecided" if claim.value is None else WORDS.get(claim.verdict, "undecided")


def _is_stated(facts: Facts) -> bool:
    """Whether claims are no more than what somebody states."""
    if facts.records == "undecided":
        return bool(facts.claims)
    return not facts.local and facts.claims is not None and facts.records != "broken" and not _is_audited(facts)


def _is_audited(facts: Facts) -> bool:
    return facts.records == "consistent" and 6 in facts.levels


def _caveat(facts: Facts) -> list[Part]:
    """What must be said before any claim."""
    if not _is_stated(facts):
        return []
    return [_records(facts) if facts.records == "undecided" else part("headline", "stated")]


def _of_file(facts: Facts) -> Part:
    """What a file is, where it is not a whole release: then nothing is said of any record."""
    if facts.file == "other":
        named = words()["kind"].get(facts.kind or "")
        return part("headline", "other", kind=tuple(named)) if named else part("headline", "other_unknown")
    return part("headline", facts.file or "")


def _state(facts: Facts) -> str:
    if facts.file is not None:
        return "unusable"
    if facts.records == "broken":
        return "broken"
    if _is_stated(facts):
        return "stated"
    states = {state_of(one) for one in facts.claims or ()}
    return "mixed" if len(states) > 1 else states.pop() if states else "none"


def _headline(facts: Facts) -> Part:
    claims = facts.claims
    if facts.records == "broken":
        named = ", ".join(facts.failed[:MAX_CHECKS]) + (", …" if len(facts.failed) > MAX_CHECKS else "")
        return part("headline", "broken" if facts.type == "release" else "broken_other", checks=named)
    if claims is None:
        return _records(facts)
    if len(claims) == 1:
        return claim_part(claims[0])
    if not claims:
        return part("headline", "none")
    by_state = {name: [_text(one) for one in claims if state_of(one) == name] for name in STATES}
    each = [_named(name, found, len(claims)) for name, found in by_state.items() if found]
    return part("headline", "several", count=counted("claims", len(claims)), each=joined(*each))


def _named(state: str, found: Sequence[str], claims: int) -> Said:
    """How many claims are of a state, and which, where there are few in all."""
    named = f" ({', '.join(found)})" if claims <= MAX_NAMED else ""
    return tuple(text + named for text in counted(state, len(found)))


def claim_part(one: ClaimFacts) -> Part:
    """What became of one claim."""
    if one.value is None:
        reason = tuple(plain(reason_text(one.reason or "not_compared", language)) for language in LANGUAGES)
        return part("headline", "no_figure", claim=_text(one), reason=reason)
    shown = figure(one.value, one.low, one.high, one.threshold)
    images = "–" if one.n is None else counted("images", one.n)
    if one.reason == INFERRED and state_of(one) == "undecided":
        why = tuple(plain(reason_text(INFERRED, language)) for language in LANGUAGES)
        return part("headline", "inferred", claim=_text(one), figure=shown, images=images, reason=why)
    if _is_corrected(one):
        return part("headline", "corrected", claim=_text(one), figure=shown, images=images)
    return part("headline", state_of(one), claim=_text(one), figure=shown, images=images)


def _is_corrected(one: ClaimFacts) -> bool:
    """Whether a claim is undecided by the correction for attempts alone."""
    return state_of(one) == "undecided" and WORDS.get(one.alone or "") in SUPPORTS


def _tests(facts: Facts) -> Said:
    """For what "supported" is corrected: attempts, claims of one plan, or both."""
    attempts, claims = facts.attempts.count if facts.attempts else 1, len(facts.claims or ())
    if claims == 1:
        return counted("attempts", attempts)
    each = counted("claims", claims)
    if attempts == 1:
        return each
    return tuple(" × ".join(both) for both in zip(counted("attempts", attempts), each, strict=True))


def _correction(facts: Facts) -> Iterator[Part]:
    """Where a claim is supported, or would be: whether that is corrected for the number of tests."""
    claims = facts.claims or ()
    if facts.correction is None or not any(state_of(one) in SUPPORTS or _is_corrected(one) for one in claims):
        return
    if facts.attempts is None:
        if facts.correction != "none":
            yield part("part", "correction_open")
    elif facts.attempts.count > 1 or len(claims) > 1:
        yield part("part", "correction_none" if facts.correction == "none" else "correction_holm", tests=_tests(facts))


def _text(one: ClaimFacts) -> str:
    """A claim as it stands in the plan: the same in every language, so that it can be looked for."""
    return plain(f"{one.metric} {one.comparator} {threshold_text(one.threshold)}")


def _more(facts: Facts) -> Iterator[Part]:
    """What belongs to the headline, in the order in which it is said."""
    claims = facts.claims or ()
    if len(claims) > 1:
        yield from map(claim_part, claims)
    for one in claims:
        if one.needed is not None and state_of(one) == "undecided":
            yield part("part", "needed", count=str(one.needed), claim=_text(one))
    yield from _correction(facts)
    yield from _basis(facts)
    by_caveat = _is_stated(facts) and facts.records != "consistent" and not _unsigned(facts)
    if facts.claims is not None and not by_caveat:
        yield _records(facts)
    if facts.images_open and facts.records == "consistent":
        yield part("part", "images_open")
    if (facts.records == "consistent" or _unsigned(facts)) and facts.claims is not None and 6 not in facts.levels:
        yield part("part", "not_recomputed")
    if facts.order in ("proven", "stamped", "journal", "unasked"):
        yield part("part", f"order_{facts.order}")
    if facts.base in ("unknown", "partly"):
        yield part("part", f"base_{facts.base}")
    if facts.withdrawn_snapshot:
        yield part("part", "withdrawn_snapshot")
    if facts.withdrawn_images:
        yield part("part", "withdrawn_images", count=str(facts.withdrawn_images))
    if facts.attempts is not None:
        shown = attempts_document(facts.attempts, claims=facts.claims != (), stated=facts.attempts_stated)
        yield Part("attempt", tuple(shown.values()))
        if facts.abandoned and not facts.attempts_stated:
            yield _abandoned(facts.abandoned)


def _abandoned(days: Sequence[int]) -> Part:
    """Earlier attempts that became no release, with their age when this one was published."""
    shown = ", ".join(map(str, days[:MAX_AGES])) + (", …" if len(days) > MAX_AGES else "")
    return part("part", "abandoned", plans=counted("earlier", len(days)), days=shown)


def _basis(facts: Facts) -> Iterator[Part]:
    """What the figures rest on, and by what groups were compared."""
    if facts.images is not None:
        images = counted("images", facts.images)
        if facts.persons is not None:
            yield part("part", "rests_on_persons", images=images, persons=counted("persons", facts.persons))
        elif facts.groups is not None:
            yield part("part", "rests_on_groups", images=images, groups=counted("groups", facts.groups))
        else:
            yield part("part", "rests_on", images=images)
    if facts.attributes:
        names = plain(", ".join(facts.attributes)), plain(", ".join(f"«{one}»" for one in facts.attributes))
        yield part("part", "compared", attributes=names)  # the record's own words: in English, cards hold this as it is
    elif facts.attributes is not None:
        yield part("part", "classes_only")


def _unsigned(facts: Facts) -> bool:
    """Whether an audit looked at the records and was not asked for their signatures."""
    return facts.records == "unchecked" and bool(facts.levels)


def _records(facts: Facts) -> Part:
    if facts.records == "consistent" or _unsigned(facts):
        code = "unsigned" if _unsigned(facts) else "consistent"
        return part("part", code, levels=", ".join(map(str, facts.levels)))
    return part("part", facts.records)
