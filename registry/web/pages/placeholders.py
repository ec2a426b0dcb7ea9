"""What stands where there is no picture: a drawing of ours, without a word, the same for all."""

from __future__ import annotations

from registry.core.errors import InvalidInput

_FRAME = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="320" height="320">'
    '<rect width="96" height="96" fill="#e3e7eb"/>'
    '<g fill="none" stroke="#66737f" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">{}</g></svg>'
)
_DRAWN = {  # a torn picture; a picture that is only outlined; a picture that is crossed out
    "undecodable": '<path d="M26 28h44v40H56l-5-8 6-9-9-8 4-8M26 28v40h20l3-7"/><circle cx="36" cy="38" r="4"/>',
    "not_held": '<rect x="26" y="28" width="44" height="40" stroke-dasharray="5 5"/><path d="M48 41v14m-7-7h14"/>',
    "withdrawn": '<rect x="26" y="28" width="44" height="40"/><path d="M30 72l36-48"/>',
}


def placeholder(why: str) -> bytes:
    """An SVG for ``undecodable``, ``not_held`` or ``withdrawn``. ``InvalidInput`` for anything else."""
    if why not in _DRAWN:
        raise InvalidInput(f"there is no drawing for {why!r}")
    return _FRAME.format(_DRAWN[why]).encode()
