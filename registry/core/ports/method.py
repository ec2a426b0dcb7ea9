"""The port to a training method (entry point group ``emotionet.methods``). docs/methods.md tells how to write one;
``pipeline`` is the documented one.

The registry hands a method bytes and values and gets bytes and values back. Of a recipe it reads what figures rest on:
``seed``, ``final``, ``folds`` (k, repeats) and ``evaluation`` (threshold, threshold_rule, floor, rounds, min_group,
confidence), within the bounds of ``provenance.recipe_numbers``; all else in it is the method's. A method never touches
the catalog, the store, the network or a clock that others rely on.

Invariants: ``preprocess`` depends on its items' bytes and the recipe alone, not on their order; ``train_fold`` with the
same task on the same kind of machine gives the same tensors; weights are never pickles. What only describes, checks or
counts (``about``, ``recipe``, ``read_recipe``, ``cost``, ``check_training``, ``check_model``, ``usage``) imports no
large package and works where those that train are not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from registry.core.ports.method_values import Box as Box
from registry.core.ports.method_values import Cost as Cost
from registry.core.ports.method_values import Detection as Detection
from registry.core.ports.method_values import FoldOutcome as FoldOutcome
from registry.core.ports.method_values import FoldTask as FoldTask
from registry.core.ports.method_values import Item as Item
from registry.core.ports.method_values import Losses as Losses
from registry.core.ports.method_values import MethodCard as MethodCard
from registry.core.ports.method_values import Option as Option
from registry.core.ports.method_values import Prepared as Prepared
from registry.core.ports.method_values import Row as Row
from registry.core.ports.method_values import SavedState as SavedState
from registry.core.ports.method_values import Tolerance as Tolerance
from registry.core.progress import Progress as Progress


class Described(Protocol):
    """What a method is, and which values it accepts."""

    id: str  # its entry point's name
    version: str  # another one for whatever changes what comes out of equal values

    recipe_version: int  # of the keys of its recipes, as ``recipe`` gives them; all before it are read for ever

    def about(self) -> MethodCard:
        """What it says of itself; the same for one version."""
        ...

    def recipes(self) -> tuple[str, ...]:
        """Names of the recipes it brings."""
        ...

    def recipe(self, name_or_file: str, overrides: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A recipe's name and checked values. Unknown name or key, or a value out of bounds: ``InvalidInput``."""
        ...

    def read_recipe(self, version: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """A recipe record's values as of ``recipe_version``: a key that ``version`` lacks has the value that it stood
        for before it existed (``registry.core.recipe_versions``). ``NewerVersion``; ``InvalidInput`` unless these are
        values that this method accepts (a stranger's recipe)."""
        ...

    def cost(self, recipe: Mapping[str, Any], images: int) -> Cost:
        """What one fold takes at most, roughly, of a snapshot of so many images."""
        ...

    def environment(self) -> dict[str, str]:
        """Names to versions of all software that affects bits, and the kind of processor."""
        ...


class Prepares(Protocol):
    """From a snapshot's images to pixels."""

    def tools(self, recipe: Mapping[str, Any]) -> dict[str, bytes]:
        """Files that these values need beside the code (a detector's weights), by name.

        ``Unavailable`` if one is not installed.
        """
        ...

    def measure(
        self,
        items: Sequence[Item],
        read: Callable[[bytes], bytes],
        recipe: Mapping[str, Any],
        progress: Progress,
    ) -> Iterable[Row]:
        """Look at each item by itself; a row each, ``sha256`` among its keys. ``read`` gives an image's bytes by its
        sha256, to one thread at a time.

        The rows of all items together are what ``preprocess`` needs, in whatever shards and order they were made.
        """
        ...

    def preprocess(self, items: Sequence[Item], rows: Sequence[Row], recipe: Mapping[str, Any]) -> tuple[Prepared, ...]:
        """Drop copies, group, choose boxes; one row an item, sorted by sha256.

        An audit asks for samples: of fewer items a row is the same in all but its group and whether it is a copy. A row
        whose reason lies in other images names them in ``measured`` by sha256 in hex, and among them it is dropped for
        that reason too.
        """
        ...

    def materialize(
        self,
        prepared: Sequence[Prepared],
        read: Callable[[bytes], bytes],
        recipe: Mapping[str, Any],
        array: Path,
        progress: Progress,
    ) -> dict[bytes, int]:
        """Make the kept pixels again into one .npy; sha256 -> row. ``Untrusted`` if a digest differs from the row's."""
        ...


class Trains(Protocol):
    """From pixels to weights and predictions."""

    def estimate(self, recipe: Mapping[str, Any], images: int, classes: int) -> int:
        """Seconds that one fold of so many images would train on this machine alone; measured, takes seconds."""
        ...

    def train_fold(self, task: FoldTask, report: Callable[[Mapping[str, Any]], None]) -> FoldOutcome:
        """Train and predict one fold. ``report`` gets {epoch, epochs, ...}; what it raises stops the training."""
        ...

    def second_try(self, recipe: Mapping[str, Any], code: str) -> dict[str, Any] | None:
        """The values with which a fold that failed with error ``code`` may be tried once more; None if it may not."""
        ...


class HasWeights(Protocol):
    """Weights on their way in, out and into use."""

    def read_base(self, path: Path) -> dict[str, bytes]:
        """Files of a weights directory from a user's own file, converted if need be; no pickle decides what is called.

        ``InvalidInput`` or ``Untrusted`` for what is no weights of this method.
        """
        ...

    def check_base(self, files: Mapping[str, bytes], recipe: Mapping[str, Any]) -> None:
        """``InvalidInput`` or ``Untrusted`` unless a fold of these values can start from these files."""
        ...

    def export(self, weights: Mapping[str, bytes]) -> dict[str, bytes]:
        """The same model in ONNX, by file name; compared with the weights. ``Unavailable``, ``Untrusted``, and
        ``InvalidInput`` of a method that has none."""
        ...

    def predict(
        self,
        weights: Sequence[Mapping[str, bytes]],
        images: Iterable[bytes],
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
    ) -> Iterable[tuple[Detection, ...]]:
        """Run published weights (of several the average) on encoded images; one tuple of detections each.

        ``Untrusted`` for hostile weights.
        """
        ...

    def run_export(
        self,
        files: Mapping[str, bytes],
        images: Iterable[bytes],
        recipe: Mapping[str, Any],
        classes: tuple[str, ...],
    ) -> Iterable[tuple[Detection, ...]]:
        """As ``predict``, of what ``export`` gave or a stranger says that it gave. It is called in a process of its
        own, and confines that process (``registry.confined``) before it reads the files: the process does nothing else
        afterwards. ``Untrusted`` for a file that can't be run, ``Unavailable``, ``InvalidInput`` as ``export``."""
        ...

    def usage(self, recipe: Mapping[str, Any], threshold: str) -> str:
        """Markdown: how to use published weights without Emotionet, for the card; "" where there is nothing to tell.

        Headings of level 3 and below. It follows from these values and the method's version alone: an audit asks for it
        again. ``recipe`` may be a stranger's: text of it is shown only where it was checked.
        """
        ...


class Audited(Protocol):
    """What an audit asks about records; pure, and needs nothing but the given values."""

    def check_training(
        self,
        recipe: Mapping[str, Any],
        *,
        version: int,
        seed: int,
        arguments: Mapping[str, Any],
        events: Sequence[Mapping[str, Any]],
        epochs: Sequence[int],
        states: Sequence[int],
        checkpoints: Sequence[int],
    ) -> None:
        """``InvalidInput`` unless a training of this recipe (as ``read_recipe`` gives it; its record has ``version``)
        and seed can have had these arguments and events, a history of these epochs, digests of its state after
        ``states`` and checkpoints after ``checkpoints`` of them. What came after ``version`` may be missing from the
        arguments."""
        ...

    def same_bits(
        self, hardware: Mapping[str, str], events: Sequence[Mapping[str, Any]], environment: Mapping[str, str]
    ) -> bool:
        """Whether a training that recorded this hardware and these events, by a plan of this environment, gives the
        same bits if it is made again here: the same kind of processor, the same software. False where that is not
        known."""
        ...

    def check_model(self, recipe: Mapping[str, Any], model: Mapping[str, Any]) -> None:
        """``InvalidInput`` unless weights of this recipe can have this model.json (class names are checked already)."""
        ...


class Method(Described, Prepares, Trains, HasWeights, Audited, Protocol):
    """A training method."""
