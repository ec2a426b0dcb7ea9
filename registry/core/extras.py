"""The parts of an installation that are optional (pyproject.toml's extras), looked for before they are used.

Invariant: looking for one loads nothing of it.
"""

from __future__ import annotations

from importlib.util import find_spec

from registry.core.errors import Unavailable

EXTRAS = {  # what only this extra brings
    "train": ("torch", "ultralytics", "cv2", "safetensors", "pandas"),
    "tables": ("pandas", "pyarrow"),
    "postgres": ("psycopg",),
    "kubo": ("ipfshttpclient",),
    "s3": ("obstore",),
    "telemetry": ("opentelemetry",),
    "zstd": ("zstandard",),
}


def need(extra: str, what: str) -> None:
    """``Unavailable`` (``not_installed``) unless all that an extra brings is there; ``what`` needs it."""
    missing = [name for name in EXTRAS[extra] if find_spec(name) is None]
    if missing:
        raise Unavailable(
            f"{what} needs {' and '.join(missing)}, which this installation does not have",
            code="not_installed",
            hint=f"pip install 'emotionet[{extra}]'.",
        )
