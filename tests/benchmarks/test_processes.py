"""Measuring: a program is measured with its children, also after it ended, and ends with them."""

import sys
import time

from benchmarks.processes import Program, stat

SPIN = "import time\nwhile time.process_time() < .2: pass\n"
PARENT = f"import subprocess, sys, time\nchild = subprocess.Popen([sys.executable, '-c', {SPIN!r}])\nprint(child.pid, flush=True)\n"


def until(condition, seconds=20):
    """Poll until it holds."""
    deadline = time.monotonic() + seconds
    while not (got := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return got


def test_cpu_of_an_ended_program_counts(tmp_path):
    """A program that ended before it was measured still has its CPU time."""
    with Program([sys.executable, "-c", SPIN], tmp_path) as program:
        until(lambda: not program.running())
        assert program.usage().cpu >= 0.15


def test_children_count(tmp_path):
    """A program's figures include those of what it started."""
    with Program([sys.executable, "-c", PARENT + "time.sleep(60)"], tmp_path) as program:
        until(lambda: program.usage().cpu >= 0.15)
        assert program.usage().peak > 0


def test_children_end_with_it(tmp_path):
    """Nothing that a program started outlives it."""
    loop = PARENT.replace(".2", "60") + "time.sleep(60)"
    with Program([sys.executable, "-c", loop], tmp_path):
        child = int(until(lambda: (tmp_path / "output.log").read_text().strip()))
        assert stat(child)[0] in "RS"
    until(lambda: not stat(child) or stat(child)[0] == "Z")
