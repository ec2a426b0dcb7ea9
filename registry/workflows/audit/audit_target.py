"""Audit a CAR file or what is held here: read it without trusting it, then run the checks."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from registry.core.errors import InvalidInput
from registry.provenance.checks.report import Report
from registry.provenance.checks.run_levels import OnCheck, ignore_check, levels_up_to
from registry.provenance.checks.target.deep import NOBODY, USUALLY, DeepOptions, Watch
from registry.workflows.audit.audit_file import audit_car as audit_car
from registry.workflows.audit.deep_audit import DEEP_LEVELS, FOLDER, give_room
from registry.workflows.parts import Parts
from registry.workflows.store.typed_source import check_regular, names_content, parse_path


def audit_target(
    parts: Parts,
    target: str,
    *,
    level: int | None = None,
    issuer: str | None = None,
    offline: bool = False,
    on_check: OnCheck = ignore_check,
    deep: DeepOptions = USUALLY,
    watch: Watch = NOBODY,
) -> Report:
    """Audit a CID that is held, or a CAR file. ``NotFound`` or ``Unavailable`` if there is nothing to read.

    ``on_check`` gets each check when it was made."""
    path = Path(target)
    chain = None if offline or not parts.settings.proves_to_others else parts.anchors
    room = partial(
        give_room,
        folder=parts.settings.home / FOLDER,
        options=deep,
        watch=watch,
        beacons=None if offline or not DEEP_LEVELS & levels_up_to(level) else parts.beacons,
        now=parts.now(),
    )
    if path.exists() and not names_content(target):
        check_regular(path)
        return audit_car(
            path,
            level=level,
            issuer=issuer,
            offline=offline,
            chain=chain,
            on_check=on_check,
            room=room,
            trust=parts.trust,
        )
    from registry.workflows.audit.audit_held import audit_held  # the catalog, which no file needs

    cid, rest = parse_path(target)
    if rest:
        raise InvalidInput(f"{target} has a path", hint="audit a record, an entry or a directory by its CID.")
    return audit_held(
        parts, cid, level=level, issuer=issuer, offline=offline, chain=chain, on_check=on_check, room=room
    )
