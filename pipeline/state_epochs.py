"""After which epochs the history holds a digest of the training's state, and after which the state is kept, by the
recipe's section ``state``.

Invariant: the history holds a digest of every kept state, so a training that starts from one can verify it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.core.errors import InvalidInput


def is_saved(recipe: Mapping[str, Any], epoch: int) -> bool:
    """Whether the state after an epoch (from 1) is published."""
    keep = int(recipe["state"]["keep"])
    return keep > 0 and epoch % keep == 0


def is_reported(recipe: Mapping[str, Any], epoch: int, last: bool) -> bool:
    """Whether the history has a digest of the state after an epoch; ``last``: the training's last one."""
    every = int(recipe["state"]["every"])
    return (every > 0 and (last or epoch % every == 0)) or is_saved(recipe, epoch)


def check_states(
    recipe: Mapping[str, Any], epochs: Sequence[int], states: Sequence[int], checkpoints: Sequence[int]
) -> None:
    """``InvalidInput`` (``other_training``) unless these epochs of a history have digests and checkpoints."""
    for name, found, wanted in (
        ("digests of its state", states, [one for one in epochs if is_reported(recipe, one, one == epochs[-1])]),
        ("checkpoints", checkpoints, [one for one in epochs if is_saved(recipe, one)]),
    ):
        if list(found) != wanted:
            raise InvalidInput(
                f"it has {len(found)} {name} where the recipe asks for {len(wanted)}", code="other_training"
            )
