"""What a token may take back, beside what its registry may: a token that is bound to a contributor only what that
contributor said.

Invariant: as in registering (``images.registering.speaker``): a token writes in the name that it is bound to, without
one as this registry itself, and with the scope ``contribute-for`` in any.
"""

from __future__ import annotations

from registry.catalog.queries.signed_records.withdrawn_rows import speakers_of
from registry.core.errors import EmotionetError
from registry.workflows.images.registering.speaker import NotYours, Speaker
from registry.workflows.parts import Parts

_HINT = "use a token with the scope contribute-for, or ask this registry."


def check_asks_rows(speaker: Speaker, contributor: str, issuer: str | None, own: str) -> None:
    """``NotYours`` unless these rows are the asker's to take back."""
    if speaker.anybody or speaker.name is None or (speaker.name == contributor and issuer in (None, own)):
        return
    raise NotYours(
        f"this withdraws what {speaker.name} said here, not what {contributor[:100]} did",
        code="contributor_not_yours",
        hint=_HINT,
    )


def check_asks_image(parts: Parts, speaker: Speaker, sha256: str) -> None:
    """``NotYours`` unless all that was said of the image is the asker's."""
    if speaker.anybody or speaker.name is None:
        return
    with parts.catalog.read() as db:
        said_by = speakers_of(db, sha256)
    if said_by != {(parts.key.did, speaker.name)}:
        raise _others(speaker, "an image that others labelled, too")


def check_asks_record(speaker: Speaker) -> None:
    """``NotYours`` for a snapshot or a release: these are the registry's."""
    if not speaker.anybody and speaker.name is not None:
        raise _others(speaker, "what this registry made")


def _others(speaker: Speaker, what: str) -> EmotionetError:
    return NotYours(
        f"this withdraws what {speaker.name} said, not {what}",
        code="contributor_not_yours",
        hint=f"withdraw your own rows (`contributor`), or {_HINT}",
    )
