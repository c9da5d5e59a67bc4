"""What the containers of a soak are like: their limits, their speed, their lines. Pure; all chance comes from the seed."""

import random
from dataclasses import dataclass

LONG = 20_000  # bytes of padding: two pieces of 16 KiB
TOTAL_RATE = (
    4_000  # lines a second of all containers together: what an engine, Elasticsearch and the agent do on two cores
)
SPEEDS = (0.2, 1.0, 5.0, 20.0, 60.0, 150.0, 400.0)  # lines a second, before all are brought to the total
FLOOD = 300.0  # lines a second of a container that writes in bursts


def limits(size: str, files: int, *more: str) -> tuple[str, ...]:
    """The options of a log with limits, as the engine's API takes them: `key=value`."""
    return (f"max-size={size}", f"max-file={files}", *more)


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of container: log options, terminal; each `every`-th line on stderr, each `every_long`-th one long; lines in one burst."""

    name: str
    options: tuple[str, ...] = ()
    tty: bool = False
    every: int = 0
    every_long: int = 0
    burst: int = 1

    @property
    def rotates(self) -> bool:
        """Whether dockerd ever begins a new file."""
        return bool(self.options)


KINDS = (
    Kind("plain"),
    Kind("both", every=7),
    Kind("tty", tty=True),
    Kind("long", every=5, every_long=50),
    Kind("one", limits("2m", 1), every=7),
    Kind("two", limits("500k", 2)),
    Kind("three", limits("300k", 3), every=3),
    Kind("five", limits("200k", 5)),
    Kind("zipped", limits("300k", 3, "compress=true"), every=7),
    Kind("long-zipped", limits("1m", 4, "compress=true"), every=7, every_long=40),
    Kind("flood", limits("20k", 2), burst=1500),
    Kind("flood-one", limits("20k", 1), every=7, burst=1500),
)


@dataclass(frozen=True, slots=True)
class Spec:
    """One place in the soak: a kind, its `rate` in lines a second, bytes of `padding` in a line that is not long."""

    kind: Kind
    rate: float
    padding: int

    def stream(self, number: int) -> str:
        """Where the line with this number goes."""
        return "stderr" if self.kind.every and number % self.kind.every == 0 else "stdout"

    def length(self, number: int) -> int:
        """Bytes of padding of the line with this number."""
        return LONG if self.kind.every_long and number % self.kind.every_long == 0 else self.padding

    def command(self, prefix: str, control: str) -> list[str]:
        """The writer with its arguments; it goes on without end."""
        kind = self.kind
        command = ["writer", "-n", "0", "-r", f"{self.rate:.3f}", "-p", prefix, "-c", control, "-l", str(self.padding)]
        command += ["-e", str(kind.every), "-b", str(kind.burst)]
        return [*command, "-k", str(kind.every_long), "-L", str(LONG)] if kind.every_long else command


def specs(count: int, chance: random.Random, total: float = TOTAL_RATE) -> list[Spec]:
    """`count` places: each kind in turn, at chosen speeds that come to `total` lines a second."""
    kinds = [KINDS[n % len(KINDS)] for n in range(count)]
    speeds = [0.0 if kind.burst > 1 else chance.choice(SPEEDS) for kind in kinds]
    floods = FLOOD * speeds.count(0.0)
    factor = max(0.0, total - floods) / (sum(speeds) or 1.0)
    return [
        Spec(kind, speed * factor if speed else FLOOD, chance.randrange(10, 200))
        for kind, speed in zip(kinds, speeds, strict=True)
    ]
