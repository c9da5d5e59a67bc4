"""The agent's own log: one line a message on stderr, to read or as JSON. Content of events is never in it above debug."""

import json
import logging
import sys
import time
import warnings
from typing import Literal

QUIET = ("docker", "urllib3", "elastic_transport", "elastic_transport.node", "uvicorn", "watchdog", "asyncio")


class Text(logging.Formatter):
    """`2026-11-24T01:48:18.123Z INFO    the message`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """Write the time of `record` in UTC, with milliseconds."""
        del datefmt
        return utc(record)


class Json(logging.Formatter):
    """One object a line, with ECS's names."""

    def format(self, record: logging.LogRecord) -> str:
        """Encode `record`."""
        entry = {
            "@timestamp": utc(record),
            "log.level": record.levelname.lower(),
            "log.logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["error.stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def utc(record: logging.LogRecord) -> str:
    """Write the time of `record` as RFC 3339."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


def set_up(level: str, form: Literal["text", "json"]) -> None:
    """Begin to write our own log at `level`; libraries are heard from warnings on."""
    line = logging.StreamHandler(sys.stderr)
    line.setFormatter(Json() if form == "json" else Text())
    logging.basicConfig(level=level.upper(), handlers=[line], force=True)
    # A directory that is made while it is looked for is watched twice, and told of once: no matter for whom this log is.
    warnings.filterwarnings("ignore", module=r"watchdog\.")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
