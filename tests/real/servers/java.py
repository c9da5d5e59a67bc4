"""Which Java runs a server: each version of a server takes some versions of Java, and a host has several of them."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.real.servers import cache
from tests.real.servers.process import Unavailable

OPTIONS = ("-Xms512m", "-Xmx512m", "-XX:TieredStopAtLevel=1")
"""The quick compiler only: a node that lives for minutes starts in half the time."""


def home(oldest: int, newest: int, *, compiler: bool = False) -> Path:
    """The folder of a Java whose major version lies between these, the oldest of them; raises Unavailable."""
    places = [place for place in _homes() if not compiler or (place / "bin/javac").exists()]
    found = {version: place for place in places if oldest <= (version := _version(place)) <= newest}
    if not found:
        kind = "Java with its compiler" if compiler else "Java"
        raise Unavailable(f"no {kind} from {oldest} to {newest} is installed: {cache.HOW}")
    return found[min(found)]


def _homes() -> Iterator[Path]:
    """Where `scripts/install-test-servers` looks too."""
    if named := os.environ.get("JAVA_HOME"):
        yield Path(named)
    if program := shutil.which("java"):
        yield Path(program).resolve().parents[1]
    yield from sorted(Path("/usr/lib/jvm").glob("*/"))


def _version(place: Path) -> int:
    """The major version that its file `release` tells, 0 where there is none."""
    try:
        told = re.search(r'^JAVA_VERSION="(\d+)', (place / "release").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(told[1]) if told and (place / "bin/java").exists() else 0
