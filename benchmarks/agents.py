"""Who takes part: a name, and the command that ships one host's logs to one target.

Our agent is started as a user starts it: the installed command, its defaults, a store on disk; only its metrics' port
and the namespace of its data stream are its own, so that it meets neither a running agent nor that one's documents. The prototype is the
yardstick; it ships one file, so where the lines lie in many files it ships the same lines from one.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import corpus, processes
from benchmarks.targets import NAMESPACE

OURS = "logagent"
YARDSTICK = "prototype"


@dataclass(frozen=True)
class Place:
    """What an agent gets for one run: a host, the same lines in one file, a fresh folder, a target's URL and index."""

    host: Path
    one: Path
    state: Path
    url: str
    index: str


@dataclass(frozen=True)
class Command:
    """What to start."""

    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Agent:
    """One that takes part; `idles` is false where the agent ends when it has read everything."""

    name: str
    command: Callable[[Place], Command]
    idles: bool = True


def ours(binary: Path) -> Agent:
    """Our agent by its installed command."""

    def command(place: Place) -> Command:
        argv = [str(binary), "run", "--data-root", str(place.host), "--store", str(place.state / "store")]
        env = {"LOGAGENT_WEB__PORT": str(processes.free_port()), "LOGAGENT_DOCUMENT__NAMESPACE": NAMESPACE}
        return Command([*argv, "--output", place.url], env)

    return Agent(OURS, command)


def prototype() -> Agent:
    """The yardstick, with the Python that runs the benchmark."""

    def command(place: Place) -> Command:
        (log,) = corpus.logs(place.one)
        script = str(Path(__file__).with_name("prototype.py"))
        return Command([sys.executable, script, str(log), f"{place.url}/{place.index}", str(place.state / "store")])

    return Agent(YARDSTICK, command, idles=False)
