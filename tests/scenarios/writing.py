"""How the scenarios write logs."""

from tests.collect.rig import numbered, say


def fill(rig, writer, lines, first=0):
    """Log numbered lines, a rotation after each tenth."""
    said = []
    for n in range(first, first + lines):
        if n and n % 10 == 0:
            writer.rotate()
        said += say(rig, writer, numbered(n, 1))
    return said


def spin(rig):
    """Wait until the clock that stamps files has ticked."""
    until = rig.clock() + 15_000_000
    while rig.clock() < until:
        pass
