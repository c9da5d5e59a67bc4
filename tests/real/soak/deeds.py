"""What happens to a soak and when, decided beforehand from the seed. Pure."""

import random
from dataclasses import dataclass
from typing import Literal

What = Literal["kill", "remove", "restart", "outage", "revive", "dockerd"]

CALM = 3.0  # seconds at the start and at the end in which nothing happens
BETWEEN = (1.0, 5.0)  # seconds from one deed to the next
OUTAGE = (4.0, 12.0)  # seconds that Elasticsearch is away, beside its own start
OUTAGES_EVERY = 60.0  # seconds: its start is dear, so that the number of outages is bounded, and there is always one
DOCKERD_EVERY = 75.0  # the same for dockerd
USUAL: tuple[What, ...] = ("kill", "kill", "kill", "remove", "remove", "remove", "restart")


@dataclass(frozen=True, slots=True)
class Deed:
    """At `at` seconds, `what` is done, to the container in place `place` where it is done to one."""

    at: float
    what: What
    place: int = 0


def deeds(seconds: float, places: int, chance: random.Random, *, live_restore: bool) -> list[Deed]:
    """All that happens in a soak of that many seconds, by time; of dockerd only where containers outlive it."""
    found = _usual(seconds, places, chance) + _outages(seconds, chance)
    if live_restore:
        found += [Deed(at, "dockerd") for at in _spread(seconds, DOCKERD_EVERY, chance)]
    return sorted(found, key=lambda deed: deed.at)


def _usual(seconds: float, places: int, chance: random.Random) -> list[Deed]:
    found, at = [], CALM
    while (at := at + chance.uniform(*BETWEEN)) < seconds - CALM:
        found.append(Deed(at, chance.choice(USUAL), chance.randrange(places)))
    return found


def _outages(seconds: float, chance: random.Random) -> list[Deed]:
    found = []
    for at in _spread(seconds, OUTAGES_EVERY, chance):
        back = min(at + chance.uniform(*OUTAGE), seconds - CALM)
        found += [Deed(at, "outage"), Deed(max(at, back), "revive")]
    return found


def _spread(seconds: float, every: float, chance: random.Random) -> list[float]:
    """One moment in each part of the soak, somewhere in the first two thirds of it, so that two never overlap."""
    parts = max(1, int(seconds / every))
    return [seconds / parts * (n + chance.uniform(0.2, 0.6)) for n in range(parts)]
