"""Other agents doing the same work: read the json-file lines, decode them, add constant fields, send them with `create`.

Each takes part where its program is in PATH. Its settings lie in settings/; the @NAMES@ there are filled in for a run,
whose state folder holds everything that the peer writes. None of them has a durable copy of the lines, and only
rsyslog's documents have ids (it creates none without).
"""

import os
import shutil
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.agents import Agent, Command, Place

SETTINGS = Path(__file__).with_name("settings")
ID = "176ac27d35fe1da433635b0a522e9535b8dfeac1125f6b51c9f1e518661c8dbb"


def fill(name: str, place: Place, more: Mapping[str, object]) -> Path:
    """Write the settings file `name` into the run's state folder, its placeholders filled in."""
    url = urllib.parse.urlsplit(place.url)
    folder = f"{place.host}/containers/"
    values = {
        "LOGS": f"{folder}*/*-json.log",
        "STATE": place.state,
        "URL": place.url,
        "HOST": url.hostname,
        "PORT": url.port,
        "INDEX": place.index,
        "ID": ID,
        "ID_FROM": len(folder) + 1,
        "ID_TO": len(folder) + 12,
        **more,
    }
    text = (SETTINGS / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    path = place.state / name
    path.write_text(text)
    return path


def rsyslog(binary: str) -> Callable[[Place], Command]:
    """rsyslog apart from the system's: own settings, work folder and pid file; it stays in the foreground."""

    def command(place: Place) -> Command:
        settings = fill("rsyslog.conf", place, {})
        return Command([binary, "-n", "-f", str(settings), "-i", str(place.state / "rsyslog.pid")])

    return command


def fluent_bit(binary: str, *, gzip: bool) -> Callable[[Place], Command]:
    """Fluent Bit; its parsers file lies beside its settings."""

    def command(place: Place) -> Command:
        parsers = fill("parsers.conf", place, {})
        compress = "compress gzip" if gzip else ""
        return Command([binary, "-c", str(fill("fluent-bit.conf", place, {"PARSERS": parsers, "COMPRESS": compress}))])

    return command


def vector(binary: str, *, gzip: bool) -> Callable[[Place], Command]:
    """Vector."""

    def command(place: Place) -> Command:
        settings = fill("vector.yaml", place, {"COMPRESSION": "gzip" if gzip else "none"})
        return Command([binary, "--quiet", "--config", str(settings)])

    return command


def filebeat(binary: str) -> Callable[[Place], Command]:
    """Filebeat, whose every path lies in the state folder."""

    def command(place: Place) -> Command:
        settings = fill("filebeat.yml", place, {})
        paths = [f"--path.{name}={place.state}/{name}" for name in ("data", "logs", "config", "home")]
        return Command([binary, "-c", str(settings), "--strict.perms=false", *paths])

    return command


def find(name: str) -> str | None:
    """A program in PATH or where Debian keeps daemons."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def elasticsearch_module() -> bool:
    """Whether rsyslog can send to Elasticsearch here: Debian has that in a package of its own."""
    return any(Path("/usr").glob("lib*/**/rsyslog/omelasticsearch.so"))


def present() -> list[Agent]:
    """The peers that this machine has."""
    found = []
    if (path := find("rsyslogd")) and elasticsearch_module():
        found.append(Agent("rsyslog", rsyslog(path)))
    for name, command in (("fluent-bit", fluent_bit), ("vector", vector)):
        if path := find(name):
            found += [Agent(name, command(path, gzip=False)), Agent(f"{name} gzip", command(path, gzip=True))]
    if path := find("filebeat"):
        found.append(Agent("filebeat", filebeat(path)))
    return found


def absent() -> dict[str, str]:
    """The peers that this machine lacks, and how each would take part."""
    names = {agent.name for agent in present()}
    how = dict.fromkeys(("fluent-bit", "vector", "filebeat"), "put it in PATH")
    ways = {"rsyslog": "apt-get install rsyslog rsyslog-elasticsearch", **how}
    return {name: way for name, way in ways.items() if name not in names}
