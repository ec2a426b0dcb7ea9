"""What levels 7 and 8 of an audit cost: `python -m bench again FILE.car [EPOCHS]`, wall and CPU seconds (children too).

Level 7 is asked for alone in an empty home, then level 8 with the first EPOCHS (3) epochs of fold 0 there, where what
level 7 saw is known. The file is the demo's release as a rule; to reach: 30 and 60 seconds on two quiet cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

LEVELS = {7: 30, 8: 60}  # seconds to reach


def main(given: list[str]) -> None:
    """Print a line for each level."""
    file, epochs = given[0], given[1] if len(given) > 1 else "3"
    more = {7: (), 8: ("--fold", "0", "--epochs", epochs)}
    with tempfile.TemporaryDirectory() as home:
        for level, reach in LEVELS.items():
            command = [sys.executable, "-m", "registry.cli.main", "audit", file, "--offline", "--level", str(level)]
            begin = time.perf_counter()
            child = subprocess.Popen(
                [*command, *more[level]],
                env={**os.environ, "EMOTIONET_HOME": home},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            wall, cpu = time.perf_counter() - begin, used.ru_utime + used.ru_stime
            print(
                f"level {level}: {wall:.1f} s, {cpu:.1f} s of processor (to reach: {reach} s), exit {child.returncode}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
