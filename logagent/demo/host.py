"""The simulated host: a data root with a few containers, and the engine that writes their logs, one `step` at a time.

It shows what real hosts have: two logs with limits that rotate within a minute (one of them compressed), a compose project,
stack traces on stderr, lines of more than 16 KiB, and a log without any limit.
"""

from dataclasses import dataclass, field
from random import Random

from logagent.demo import voices
from logagent.demo.container import container_id, create_container
from logagent.demo.writer import LogWriter

CATCH_UP = 1.0  # seconds of lines that one step writes at most, however late it comes

_COMPOSE = "com.docker.compose"


@dataclass(frozen=True, slots=True)
class Actor:
    """A container of the demo: what it is, and how many lines it prints in a second."""

    name: str
    image: str
    voice: voices.Voice
    rate: float
    labels: dict[str, str] = field(default_factory=dict)
    log_options: dict[str, str] = field(default_factory=dict)


def _composed(name: str, image: str, voice: voices.Voice, rate: float, log_options: dict[str, str]) -> Actor:
    labels = {f"{_COMPOSE}.project": "shop", f"{_COMPOSE}.service": name, f"{_COMPOSE}.container-number": "1"}
    return Actor(f"shop-{name}-1", image, voice, rate, labels, log_options)


CAST = (
    Actor("web-1", "nginx:1.27", voices.nginx, 20, log_options={"max-size": "100k", "max-file": "3"}),
    Actor("billing", "registry.example.com:5000/team/billing:2.4.1", voices.json_app, 8, {"team": "payments"}),
    Actor("worker", "eclipse-temurin:21-jre", voices.worker, 6),
    _composed("api", "shop/api:7", voices.json_app, 12, {"max-size": "50k", "max-file": "3", "compress": "true"}),
    _composed("db", "postgres:16", voices.database, 4, {}),
)


class SimulatedHost:
    """Makes the containers of `cast` under `data_root` and prints their lines as time goes by."""

    def __init__(self, data_root: str, now: float, cast: tuple[Actor, ...] = CAST, seed: int = 1) -> None:
        self._random = Random(seed)  # noqa: S311 - it chooses what the demo's containers print
        self._last = now
        self._writers = [(actor, _writer(data_root, actor, now)) for actor in cast]
        self.lines = 0

    def step(self, now: float) -> None:
        """Print what the containers have to say since the last step, in the order of time."""
        since = max(self._last, now - CATCH_UP)
        for time, actor, writer in sorted(self._due(since, now), key=lambda due: due[0]):
            stream, lines = actor.voice(self._random, time)
            for nth, line in enumerate(lines.splitlines(keepends=True)):
                self.lines += 1
                writer.write(stream, line, time + nth * 1000)
        self._last = max(now, self._last)

    def close(self) -> None:
        """Stop the containers."""
        for _, writer in self._writers:
            writer.close()

    def _due(self, since: float, now: float) -> list[tuple[int, Actor, LogWriter]]:
        """One entry for each line: the n-th line of an actor is due at n / rate, so that no step's length changes the rate."""
        due = []
        for actor, writer in self._writers:
            numbers = range(int(since * actor.rate) + 1, int(now * actor.rate) + 1)
            due += [(int(n / actor.rate * 10**9) + self._random.randrange(10**6), actor, writer) for n in numbers]
        return due


def _writer(data_root: str, actor: Actor, now: float) -> LogWriter:
    directory = create_container(
        data_root, actor.name, actor.image, labels=actor.labels, log_options=actor.log_options, now=now
    )
    size = actor.log_options.get("max-size")
    return LogWriter(
        directory,
        container_id(actor.name),
        max_size=int(size.removesuffix("k")) * 1000 if size else None,
        max_file=int(actor.log_options.get("max-file", 1)),
        compress=actor.log_options.get("compress") == "true",
        pace="background",
    )
