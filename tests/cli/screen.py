"""A terminal of the tests: a pseudo-terminal of any size, and what stands on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence

_CONTROL = re.compile(r"\x1b\[(\d*)([FJ])")


def shown(text: str) -> list[str]:
    """The lines that a terminal of unlimited width shows, of text that goes up lines and clears below."""
    lines, at = [""], 0
    while text:
        if found := _CONTROL.match(text):
            if found[2] == "F":
                at -= int(found[1] or 1)
                assert at >= 0, "it went above the first line"
            else:
                lines[at:] = [""]
            text = text[found.end() :]
            continue
        sign, text = text[0], text[1:]
        assert sign != "\x1b", text[:20]
        if sign == "\n":
            at += 1
            lines += [""] * (at + 1 - len(lines))
        elif sign != "\r":
            lines[at] += sign
    return lines[:-1] if lines[-1] == "" else lines


def on_terminal(command: Sequence[str], environment: Mapping[str, str], columns: int) -> tuple[int, str]:
    """Run a command whose stderr and stdout are a terminal so wide; its exit status and all that it wrote."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command, env=dict(environment), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # what Linux says where the last writer has gone
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    return process.wait(), b"".join(pieces).decode()
