"""The page that verifies a release by itself: one file, made of the modules of JavaScript beside this one.

The modules are plain ES modules that import by `import { a, b } from "./x.js";` and export what they declare. In the
page each is a function that is called once: its imports are taken from the functions before it, what it exports is
what it returns. The file refers to nothing outside itself, and its policy (in the file, so that it holds from a disk
too) lets it ask for nothing.
"""

import re
from pathlib import Path

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|const|class) ([A-Za-z_$][\w$]*))", re.MULTILINE)


def script(first: str) -> str:
    """All modules that `first` needs, itself last, as one script. Raises ValueError where modules need each other."""
    order: list[Path] = []
    _visit(_HERE / first, order, ())
    return '"use strict";\n' + "".join(_as_function(path) for path in order)


def _visit(path: Path, order: list[Path], above: tuple[Path, ...]) -> None:
    if path in above:
        raise ValueError(f"{path.name} needs itself")
    if path in order:
        return
    for _, name in _IMPORT.findall(path.read_text("utf-8")):
        _visit((path.parent / name).resolve(), order, (*above, path))
    order.append(path)


def _name(path: Path) -> str:
    return "$" + re.sub(r"\W", "_", path.relative_to(_HERE).with_suffix("").as_posix())


def _as_function(path: Path) -> str:
    text = path.read_text("utf-8")
    exported = ", ".join(name for _, name in _EXPORT.findall(text))

    def taken(found: re.Match[str]) -> str:
        return f"const {{{found[1]}}} = {_name((path.parent / found[2]).resolve())};\n"

    body = _EXPORT.sub(r"\1", _IMPORT.sub(taken, text))
    return f"\nconst {_name(path)} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"
