"""How to use a release's weights outside Emotionet: the preprocessing of an image, and code that runs as it stands.

Invariants: the text follows from the recipe's values and the threshold. ``picture`` and ``onnx`` together give the
predictions of `emotionet predict`; a test runs them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SHARE = re.compile(r"[01](\.[0-9]{1,6})?", re.ASCII)
_PICTURE = """\
import ast
import io
import numpy as np
from PIL import Image, ImageCms, ImageOps

SIZE, THRESHOLD = {size}, {threshold}

def upright(path):  # eight bits a level, in sRGB, on grey
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):  # sixteen bits
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
    profile, opaque = image.info.get("icc_profile"), image.convert("RGBA").getchannel("A")
    image = image.convert("CMYK" if image.mode == "CMYK" else "L" if image.mode in ("L", "LA") else "RGB")
    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        image = ImageCms.profileToProfile(image, meant, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # none, or none for such a picture: it counts for nothing
        pass
    ground = Image.new("RGB", image.size, (114, 114, 114))
    ground.paste(image.convert("RGB"), mask=opaque)
    return ground

def square(path):
    image = upright(path)
    longest = max(image.size)
    sides = [max(1, (2 * side * SIZE + longest) // (2 * longest)) for side in image.size]
    small = image.resize(sides, Image.Resampling.BILINEAR)
    canvas = Image.new("RGB", (SIZE, SIZE), (114, 114, 114))
    canvas.paste(small, ((SIZE - sides[0]) // 2, (SIZE - sides[1]) // 2))
    return np.asarray(canvas)
"""
_ONNX = """\
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
names = ast.literal_eval(session.get_modelmeta().custom_metadata_map["names"])

def scores(pixels):  # classes by places
    batch = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32) / 255
    return session.run(None, {"images": batch})[0][0, 4:]

def predict(path):
    found = scores(square(path))
    best = found.max(axis=1)
    return (names[int(best.argmax())] if best.max() >= THRESHOLD else "nothing"), float(best.max())
"""
_MIRRORED = """\
def mirror_back(found):  # by stride, row by row
    parts = np.split(found, np.cumsum([(SIZE // stride) ** 2 for stride in (8, 16)]), axis=1)
    sides = [SIZE // stride for stride in (8, 16, 32)]
    turned = [part.reshape(-1, side, side)[..., ::-1].reshape(part.shape) for part, side in zip(parts, sides)]
    return np.concatenate(turned, axis=1)

def predict(path):
    pixels = square(path)
    found = (scores(pixels) + mirror_back(scores(pixels[:, ::-1]))) / 2
    best = found.max(axis=1)
    return (names[int(best.argmax())] if best.max() >= THRESHOLD else "nothing"), float(best.max())
"""
_ULTRALYTICS = """\
from ultralytics import YOLO

model = YOLO("model.onnx", task="detect")

def predict_with_ultralytics(path):
    pixels = np.ascontiguousarray(square(path)[..., ::-1])  # BGR, as OpenCV has it
    boxes = model.predict(pixels, imgsz=SIZE, conf={floor}, iou=0.7, max_det=20, verbose=False)[0].boxes
    kind, score = (int(boxes.cls[0]), float(boxes.conf[0])) if len(boxes) else (0, 0.0)
    return (model.names[kind] if score >= THRESHOLD else "nothing"), score
"""


def picture(size: int, threshold: str) -> str:
    """Python: from a file to a square of pixels."""
    return _PICTURE.format(size=size, threshold=threshold.rstrip("0").rstrip(".") or "0")


def onnx(mirrored: bool) -> str:
    """Python: from a square to a prediction, with onnxruntime alone; after ``picture``."""
    return _ONNX[: _ONNX.index("def predict")] + _MIRRORED if mirrored else _ONNX


def ultralytics(floor: str) -> str:
    """Python: the same with ultralytics; after ``picture``."""
    return _ULTRALYTICS.format(floor=floor)


def usage(values: Mapping[str, Any], threshold: str) -> str:
    """Markdown of the card's section; "" where the recipe says no size and no floor."""
    training, judging = _part(values, "training"), _part(values, "evaluation")
    size, floor, mirrored = training.get("imgsz"), judging.get("floor"), bool(judging.get("mirrored"))
    if not isinstance(size, int) or not isinstance(floor, str) or not _SHARE.fullmatch(floor):
        return ""
    average = (
        ["The figures are of the average of a picture and its mirror image; ultralytics does no such averaging, so "
         "that its scores differ from them.", ""]
        if mirrored
        else []
    )  # fmt: skip
    lines = [
        f"A picture is turned upright, its colours are sRGB, transparency lies on grey (114), and it is scaled to fit "
        f"a square of {size} pixels by Pillow's bilinear filter, centred on grey 114; RGB in 0 to 1. A prediction is "
        f"the class with the highest score if that is at least {threshold}, otherwise nothing. `model.onnx` "
        "(`emotionet release publish --onnx`) carries the classes' names and this recipe in its metadata. Tools that "
        "resize in another way, ultralytics when it is given a file among them, give other scores.",
        "",
        *average,
        *_code(picture(size, threshold) + "\n" + onnx(mirrored)),
        *_code(ultralytics(floor)),
    ]
    return "\n".join(lines)


def _part(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}


def _code(text: str) -> list[str]:
    return ["```python", *text.rstrip("\n").split("\n"), "```", ""]
