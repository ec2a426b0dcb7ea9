"""What a stranger's base weights and recipes end in on the command line: one sentence, nothing run, nothing queued."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.cli.main import main
from tests.conftest import ROOT
from tests.pipeline.convert.test_base import process

QUICK = (ROOT / "pipeline" / "recipes" / "quick.toml").read_text(encoding="utf-8")


# Each starts the sandbox, which takes seconds: the others are given to its readers in one process.
THROUGH = {"pt, a program for its model", "pt, nested", "onnx, a constant elsewhere"}


class Terminal:
    """`emotionet train` on a snapshot, as somebody types it."""

    def __init__(self, capsys: pytest.CaptureFixture[str], faces: Path) -> None:
        self._capsys = capsys
        assert main(["import", str(faces), "--quiet"]) == 0
        capsys.readouterr()
        assert main(["snapshot", "create", "--quiet"]) == 0
        self._snapshot = capsys.readouterr().out.strip()

    def train(self, *arguments: str) -> tuple[int, list[str]]:
        """Exit status, and the lines on stderr."""
        status = main(["train", self._snapshot, "--detach", "--quiet", *arguments])
        return status, self._capsys.readouterr().err.splitlines()

    def runs(self) -> int:
        """How many are queued."""
        assert main(["runs", "list", "--json"]) == 0
        return len(self._capsys.readouterr().out.splitlines())


@pytest.fixture
def terminal(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    faces = tmp_path / "faces"
    faces.mkdir()
    lines = ["file,label"]
    for number, label in enumerate(("triste", "sorprendido", "feliz", "enojado") * 2):
        (faces / f"{number}.jpg").write_bytes(b"picture %d" % number)
        lines.append(f"{number}.jpg,{label}")
    (faces / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Terminal(capsys, faces)


@pytest.mark.slow
def test_hostile_base_weights_end_in_one_sentence_and_run_nothing(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    found = process("hostile", folder)
    assert not (folder / "marker").exists()
    assert all(found["said"].values()), found["said"]
    for name, path in found["paths"].items():
        if name in found["said"] and name not in THROUGH:
            continue
        status, said = terminal.train("--recipe", "quick", "--base", path)
        assert_one_sentence(status, said, name)
        assert not (folder / "marker").exists(), name
    assert terminal.train("--recipe", "quick", "--base", found["harmless"]) == (0, [])
    assert not (folder / "marker").exists()
    assert terminal.runs() == 1


def assert_one_sentence(status: int, said: list[str], name: str) -> None:
    """Exit status 1, one line that says what is wrong, and at most one more: the way out."""
    assert status == 1, (name, said)
    assert said[0].startswith("emotionet: error: "), (name, said)
    assert [line for line in said[1:] if not line.startswith("hint: ")] == [], (name, said)
    assert len(said) <= 2, (name, said)
    assert all(len(line) < 600 for line in said), (name, said)


def changed(old: str, new: str) -> str:
    assert old in QUICK, old
    return QUICK.replace(old, new, 1)


GREEDY = {
    "more memory than there is": changed('model = "yolov8n"', 'model = "yolov8x"')
    .replace("size = 96 ", "size = 640 ")
    .replace("imgsz = 96", "imgsz = 640")
    .replace("batch = 8", "batch = 160"),
    "two thousand trainings": changed("repeats = 1", "repeats = 20").replace("k = 3", "k = 100"),
    "epochs without end": changed("epochs = 30", "epochs = 1000000000"),
    "pictures as large as a house": changed("size = 96 ", "size = 65536 ").replace("imgsz = 96", "imgsz = 65536"),
    "images of a gigapixel": changed("max_pixels = 50000000", "max_pixels = 1000000000"),
    "a million threads": changed("threads = 1", "threads = 1000000"),
    "rounds without end": changed("rounds = 2000", "rounds = 1000000000"),
}
STRANGE = {
    "yaml that runs": b"nc: !!python/object/apply:os.system ['touch marker']\n",
    "brackets": b"name = " + b"[" * 20_000,
    "a number of many digits": b"seed = " + b"9" * 20_000,
    "a pickle": b"\x80\x04\x95cos\nsystem\n(S'touch marker'\ntR.",
    "no text": bytes(range(256)),
    "nothing": b"",
    "too large": b"#" * 70_000,
    "no map": b"name = 'x'\npreprocess = 3\n",
    "infinity": changed('lr0 = "0.002"', "lr0 = inf").encode(),
}


def test_hostile_recipes_end_in_one_sentence(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {**{name: text.encode() for name, text in GREEDY.items()}, **STRANGE}
    for name, data in given.items():
        path = tmp_path / "given.toml"
        path.write_bytes(data)
        status, said = terminal.train("--recipe", str(path))
        assert_one_sentence(status, said, name)
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "nothing.toml"):
        assert terminal.train("--recipe", str(path))[0] == 1
    assert not (tmp_path / "marker").exists()
    assert terminal.runs() == 0
