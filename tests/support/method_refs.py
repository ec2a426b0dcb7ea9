"""What plans in tests say of their method."""

from __future__ import annotations

from registry.core import records


def method_ref(id: str = "yolov8", version: str = "1", *, library: str | None = "ultralytics") -> records.MethodRef:
    """A method that says of itself what the documented one does."""
    losses = records.LossNames(training=("train/box_loss",), validation=("val/box_loss",))
    return records.MethodRef(
        id=id, version=version, licence="AGPL-3.0-only", library=library, task="object-detection", losses=losses
    )
