"""A tensors' digest follows from a file's bytes alone, whatever their order; hostile files are refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from registry.core.errors import Untrusted
from registry.core.tensors import tensors_digest

TENSORS: dict[str, Any] = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.zeros(4, np.float16),
    "c": np.array(3, np.int64),
}


def written(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return len(text).to_bytes(8, "little") + text + data


def test_order_and_metadata_change_nothing_and_every_value_does() -> None:
    digest = tensors_digest(save(TENSORS))
    assert tensors_digest(save(dict(sorted(TENSORS.items())), {"made": "today"})) == digest
    others = ({**TENSORS, "a": np.zeros(5, np.float16)}, {**TENSORS, "a": np.zeros(2, np.float32)})
    renamed = {"B" if name == "b" else name: value for name, value in TENSORS.items()}
    changed = {**TENSORS, "b": TENSORS["b"] + 1}
    assert len({digest, *(tensors_digest(save(one)) for one in (*others, renamed, changed))}) == 5


def test_it_is_what_the_training_states() -> None:
    torch = pytest.importorskip("torch")
    from pipeline.weights import save_weights

    tensors = {"x": torch.ones(2, 3), "a": torch.zeros(4, dtype=torch.bfloat16), "n": torch.tensor(3)}
    files, digest = save_weights(tensors, "yolov8n", ("face",), 96)
    assert tensors_digest(files["weights.safetensors"]) == digest


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"numbers",
        (1 << 40).to_bytes(8, "little") + b"{}",
        written(b"{"),
        written([]),
        written({"a": None}),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}),
        written({"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"12"),
        written({"a": {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}}, b"1234"),
        written({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, b"1234"),
        written(b"[" * 5000),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"1234 and what nobody names"),
        written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"12345678"),
        written(
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
        ),
    ],
)
def test_what_is_no_weights_file_is_refused(data: bytes) -> None:
    with pytest.raises(Untrusted, match="not what they claim"):
        tensors_digest(data)
