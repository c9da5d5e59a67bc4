"""The log lines that every agent ships: Docker's json-file format, 40 % nginx, 30 % JSON, 30 % plain text.

The lines are a function of their number and the seed, so that every machine measures the same bytes: 1,000,000 lines
of seed 1 are 233 MB. A host is laid out as Docker's data root is, `containers/<id>/<id>-json.log` beside the two
metadata files, so that an agent finds its containers the way it does in production.
"""

import hashlib
import itertools
import json
import random
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

FIRST_NS = 1_790_000_000_000_000_000
CREATED = "2026-09-21T13:00:00.000000000Z"


def nginx(rng: random.Random) -> str:
    """One access-log line."""
    address = f"{rng.randint(1, 255)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
    when = f"24/Nov/2026:01:48:{rng.randint(0, 59):02d} +0000"
    request = f"GET /api/v1/items/{rng.randint(1, 10**6)}?q=abc HTTP/1.1"
    result = f"{rng.choice([200, 200, 200, 304, 404, 500])} {rng.randint(100, 100000)}"
    browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
    return f'{address} - - [{when}] "{request}" {result} "https://example.com/" "{browser}"'


def service(rng: random.Random) -> str:
    """One line of a program that logs JSON."""
    return json.dumps(
        {
            "level": rng.choice(["info", "warn", "error"]),
            "ts": 1790000000.123 + rng.random(),
            "logger": "svc.handler",
            "msg": "request finished",
            "dur_ms": rng.random() * 100,
            "trace_id": f"{rng.getrandbits(128):032x}",
            "user": rng.randint(1, 10**6),
        },
    )


def plain(rng: random.Random) -> str:
    """One line of a program that logs text."""
    head = f"2026-11-24 01:48:18,{rng.randint(0, 999):03d} INFO  [main] com.example.Service"
    return f"{head} - Processed batch {rng.randint(1, 10**6)} in {rng.randint(1, 900)} ms"


def message(rng: random.Random) -> str:
    """One line as a container wrote it, of the three kinds by their shares."""
    kind = rng.random()
    if kind < 0.4:
        return nginx(rng)
    return service(rng) if kind < 0.7 else plain(rng)


def docker_time(ns: int) -> str:
    """RFC 3339 as Go prints it: nanoseconds without trailing zeros."""
    seconds, rest = divmod(ns, 10**9)
    fraction = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def lines(count: int, seed: int = 1) -> Iterator[bytes]:
    """`count` json-file lines with their newline; times rise strictly, four of five lines are stdout."""
    rng, ns = random.Random(seed), FIRST_NS
    for _ in range(count):
        text = message(rng)
        ns += rng.randint(1000, 2_000_000)
        stream = "stdout" if rng.random() < 0.8 else "stderr"
        record = {"log": text + "\n", "stream": stream, "time": docker_time(ns)}
        yield json.dumps(record, separators=(",", ":")).encode() + b"\n"


def container(root: Path, number: int, content: Iterable[bytes]) -> None:
    """Write one running container: its log and what dockerd keeps beside it."""
    cid = hashlib.sha256(b"container %d" % number).hexdigest()
    folder = root / "containers" / cid
    folder.mkdir(parents=True)
    log = folder / f"{cid}-json.log"
    with log.open("wb") as out:
        out.writelines(content)
    (folder / "config.v2.json").write_text(json.dumps(metadata(cid, number, log)))
    (folder / "hostconfig.json").write_text(json.dumps({"LogConfig": {"Type": "json-file", "Config": {}}}))


def metadata(cid: str, number: int, log: Path) -> dict[str, object]:
    """What an agent reads of dockerd's config.v2.json; process 1 stands for the container's, which runs."""
    return {
        "ID": cid,
        "Name": f"/web-{number}",
        "Created": CREATED,
        "LogPath": str(log),
        "Config": {"Image": "nginx:1.27", "Labels": {"app": "web"}, "Tty": False},
        "State": {"Running": True, "Pid": 1, "StartedAt": CREATED},
    }


def host(folder: Path, count: int, containers: int) -> int:
    """Lay out a data root of `count` lines over `containers` once; return how many lines lie there.

    A host that is already there is used again: its folder's name must tell what is in it. Its logs are read once, so
    that every agent finds them in the page cache.
    """
    each = max(1, count // containers)
    if not folder.exists():
        part = folder.with_name(folder.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        source = lines(each * containers)
        for number in range(containers):
            container(part, number, itertools.islice(source, each))
        place(part, folder)
    warm(folder)
    return each * containers


def place(part: Path, folder: Path) -> None:
    """Give a finished host its name, also where its metadata names the log."""
    for config in part.glob("containers/*/config.v2.json"):
        config.write_text(config.read_text().replace(str(part), str(folder)))
    part.rename(folder)


def warm(folder: Path) -> None:
    """Read every log once."""
    for log in logs(folder):
        with log.open("rb", buffering=0) as content:
            while content.read(1 << 20):
                pass


def logs(folder: Path) -> list[Path]:
    """The logs of a host."""
    return sorted(folder.glob("containers/*/*-json.log"))
