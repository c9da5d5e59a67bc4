"""Points in time as Docker's command line reads them: an age (`10m`), a date or time of day with or without zone, unix seconds.

Everything becomes whole ns since 1970; fractions are exact to the ns, as the stored times are.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

_UNITS = {
    "ns": Decimal(1),
    "us": Decimal(10**3),
    "µs": Decimal(10**3),
    "ms": Decimal(10**6),
    "s": Decimal(10**9),
    "m": Decimal(60 * 10**9),
    "h": Decimal(3600 * 10**9),
    "d": Decimal(86400 * 10**9),
    "w": Decimal(604800 * 10**9),
}
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{0,18})?"
_PART = re.compile(rf"({_NUMBER})(ns|us|µs|ms|s|m|h|d|w)")
_AGE = re.compile(rf"(?:{_PART.pattern})+")
_UNIX = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9}))?", re.ASCII)
_DATE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?)?"
    r"(?P<zone>Z|z|[+-]\d\d:\d\d)?",
    re.ASCII,
)
_WRONG = "is not a time: give an age (10m, 1h30m), a date or time (2026-11-24, 2026-11-24T01:48:18.5Z) or unix seconds"


def parse_time(text: str, now: int) -> int:
    """Read a point in time; ages count back from `now` (ns). A time without zone is local. Raises ValueError, saying what is possible."""
    if _AGE.fullmatch(text):
        return now - int(sum(Decimal(number) * _UNITS[unit] for number, unit in _PART.findall(text)))
    if unix := _UNIX.fullmatch(text):
        return int(unix[1]) * 10**9 + _fraction(unix[2])
    try:
        return _date(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} {_WRONG}") from error


def _date(text: str) -> int:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("no date")
    day, hour, minute, second, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}")
    return _seconds(moment, zone) * 10**9 + _fraction(fraction)


def _seconds(moment: datetime, zone: str | None) -> int:
    if zone is None:
        return int(moment.timestamp())  # naive: the zone of this machine, or of TZ
    if zone not in "Zz":
        hours, minutes = zone[1:].split(":")
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        moment += shift if zone[0] == "-" else -shift
    return int(moment.replace(tzinfo=UTC).timestamp())


def _fraction(digits: str | None) -> int:
    return int((digits or "").ljust(9, "0"))
