"""Weights as ONNX, for use without torch. The file holds the model and nothing of this machine.

Invariants: the predictions of the file are compared with those of the weights before it is returned. Its metadata are
the classes' names and the required preprocessing, in the form that ultralytics and others read, and nothing else; no
names of folders. The same weights give the same bytes with the same torch. Needs the extra ``emotionet[onnx]``.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from pipeline.weights import STRIDE, load_weights
from pipeline.yolo.model import load_model
from registry.core.errors import Unavailable, Untrusted
from registry.imaging.decode import FILL

OPSET = 17
BOX_TOLERANCE, SCORE_TOLERANCE = 0.05, 0.001  # pixels, and shares of 1


def to_onnx(files: Mapping[str, bytes]) -> bytes:
    """The bytes of an ONNX: ``images`` (1, 3, size, size) in 0..1 to ``output0`` (1, 4 + classes, places)."""
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise Unavailable("ONNX needs its libraries", code="no_onnx", hint="pip install 'emotionet[onnx]'.") from error
    tensors, architecture, names, size = load_weights(files)
    model = load_model(tensors, architecture, names, threads=1)
    model = model.fuse(verbose=False)  # so that tensors keep ultralytics' names, and the file can be a base again
    head = model.model[-1]
    head.export, head.format = True, "onnx"
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs a library more, and gives the same
        torch.onnx.export(
            model,
            (torch.zeros(1, 3, size, size),),
            stream,
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["output0"],
        )
    document = onnx.load_from_string(stream.getvalue())
    data = _plain(document, _about(names, size))
    _compare(data, model, size, onnxruntime)
    return data


def _about(names: tuple[str, ...], size: int) -> dict[str, str]:
    """The metadata: ultralytics' own keys, and ours for people."""
    return {
        "task": "detect",
        "names": repr(dict(enumerate(names))),
        "imgsz": repr([size, size]),
        "stride": str(STRIDE),
        "batch": "1",
        "channels": "3",
        "license": "AGPL-3.0-only",
        "preprocessing": f"Upright, sRGB, transparency on grey {FILL}; scaled to fit {size} by {size} by a bilinear "
        f"filter that averages when it shrinks (Pillow's), centred on grey {FILL}; RGB, channels first, 0 to 1.",
    }


def _plain(document: Any, about: Mapping[str, str]) -> bytes:
    """Without what says where and by whom it was made; with what it is ``about``."""
    del document.metadata_props[:]
    for name, value in sorted(about.items()):
        pair = document.metadata_props.add()
        pair.key, pair.value = name, value
    document.doc_string = document.graph.doc_string = ""
    document.producer_name, document.producer_version = "emotionet", ""
    for node in document.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    return bytes(document.SerializeToString(deterministic=True))


def _compare(data: bytes, model: Any, size: int, onnxruntime: Any) -> None:
    """``Untrusted`` (``onnx_differs``) unless both see the same in pictures of noise, of blocks and of nothing."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    noise = np.random.default_rng(0).random((3, 3, size, size), np.float32)
    noise[1] = noise[1, :, :: size // 8, :: size // 8].repeat(size // 8, 1).repeat(size // 8, 2)[:, :size, :size]
    noise[2] = 0.5
    for picture in noise:
        (found,) = session.run(None, {"images": picture[None]})
        with torch.inference_mode():
            wanted = model(torch.from_numpy(picture[None]))
        apart = np.abs(found - (wanted[0] if isinstance(wanted, (list, tuple)) else wanted).numpy())[0]
        if not (apart[:4].max() <= BOX_TOLERANCE and apart[4:].max() <= SCORE_TOLERANCE):
            raise Untrusted(
                f"the ONNX predicts boxes {apart[:4].max():.3f} px and scores {apart[4:].max():.4f} away from "
                "those of the weights",
                code="onnx_differs",
            )
