"""Sizes and durations as people write them: `500MB` is decimal, `1GiB` binary, `30s` and `7d` are spans of time.

Inside the program a size is a whole number of bytes and a duration a float of seconds; both render back to text that reads
to the same value again. Arithmetic is decimal, so that `0.3GB` is exactly 300000000 bytes.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

MAX_SIZE = 2**63 - 1  # what a signed 64-bit column holds
MAX_DURATION = 36500 * 86400.0  # a hundred years

_SIZES = {
    "": 1,
    "B": 1,
    **{name: 1000**power for power, name in enumerate(("kB", "MB", "GB", "TB", "PB"), start=1)},
    **{name: 1024**power for power, name in enumerate(("KiB", "MiB", "GiB", "TiB", "PiB"), start=1)},
}
_SIZE_NAMES = {name.lower(): scale for name, scale in _SIZES.items()} | {
    name.lower().removesuffix("b"): scale for name, scale in _SIZES.items() if scale > 1
}
_DURATIONS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
    "w": Decimal(604800),
}
_RENDERED = ("d", "h", "m", "s", "ms", "us")

_NUMBER = r"[0-9]{1,19}(?:\.[0-9]{1,9})?"
_SIZE = re.compile(rf"({_NUMBER}) ?([A-Za-z]*)", re.ASCII)
_SPAN = re.compile(rf"({_NUMBER}) ?(ns|us|µs|ms|s|m|h|d|w)")
_SPANS = re.compile(rf"(?:{_NUMBER} ?(?:ns|us|µs|ms|s|m|h|d|w) ?)+")
_BARE = re.compile(_NUMBER, re.ASCII)

_NO_SIZE = "not a size: write a number with its unit, such as 500MB (decimal) or 1GiB (binary), or a number of bytes"
_NO_DURATION = (
    "not a duration: write a number with its unit (ms, s, m, h, d, w), such as 30s or 7d, or a number of seconds"
)


def parse_size(value: object) -> int:
    """Return the bytes that `value` (text with a unit, or a number) means. Raises ValueError, saying how to write it."""
    size = _size(value)
    if not 0 <= size <= MAX_SIZE:
        raise ValueError("too large: sizes end at 8EiB" if size > 0 else "must not be negative")
    if size != int(size):
        raise ValueError("not a whole number of bytes")
    return int(size)


def _size(value: object) -> Decimal:
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        scale = _SIZE_NAMES.get(match[2].lower()) if match else None
        if match is None or scale is None:
            raise ValueError(_NO_SIZE)
        return Decimal(match[1]) * Decimal(scale)
    return _number(value, _NO_SIZE)


def parse_duration(value: object) -> float:
    """Return the seconds that `value` (text such as `1h30m`, or a number) means, to the ns. Raises ValueError."""
    seconds = _seconds(value)
    if not 0 <= seconds <= MAX_DURATION:
        raise ValueError("too long: durations end at 36500d" if seconds > 0 else "must not be negative")
    return round(float(seconds), 9)


def _seconds(value: object) -> Decimal:
    if not isinstance(value, str):
        return _number(value, _NO_DURATION)
    text = value.strip()
    if _BARE.fullmatch(text):
        return Decimal(text)
    if not _SPANS.fullmatch(text):
        raise ValueError(_NO_DURATION)
    return sum((Decimal(number) * _DURATIONS[unit] for number, unit in _SPAN.findall(text)), Decimal(0))


def _number(value: object, wrong: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(wrong)  # noqa: TRY004 - pydantic gathers ValueErrors only
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ValueError(wrong)
    return number


def render_size(size: int) -> str:
    """Render bytes in the largest unit that gives a whole number: `1GiB`, `500MB`, `123B`, `0`."""
    if size == 0:
        return "0"
    fitting = [(size // scale, name) for name, scale in _SIZES.items() if name and size % scale == 0]
    number, name = min(fitting)
    return f"{number}{name}"


def render_duration(seconds: float) -> str:
    """Render seconds in the largest unit that gives a whole number: `7d`, `50ms`, `0.000000001s`, `0`."""
    if seconds == 0:
        return "0"
    exact = Decimal(repr(float(seconds)))
    for unit in _RENDERED:
        if exact % _DURATIONS[unit] == 0:
            return f"{int(exact / _DURATIONS[unit])}{unit}"
    return f"{exact:f}s"


def between(low: float, high: float, render: Callable[[Any], str] = str) -> AfterValidator:
    """Return a validator that refuses values outside `low`..`high`, telling both bounds as `render` writes them."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(f"must be between {render(low)} and {render(high)}")
        return value

    return AfterValidator(check)


def at_least(low: float, render: Callable[[Any], str] = str) -> AfterValidator:
    """Return a validator that refuses values below `low`."""

    def check(value: float) -> float:
        if value < low:
            raise ValueError(f"must be at least {render(low)}")
        return value

    return AfterValidator(check)


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(render_size, return_type=str),
    WithJsonSchema(
        {
            "description": "A size: 500MB is decimal, 1GiB binary, a bare number bytes.",
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)? ?([kKmMgGtTpP]([iI]?[bB]?)?|[bB])?\s*$"},
            ],
            "examples": ["500MB", "1GiB", 1048576],
        },
    ),
]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(render_duration, return_type=str),
    WithJsonSchema(
        {
            "description": "A duration: a number with ms, s, m, h, d or w; a bare number means seconds.",
            "anyOf": [
                {"type": "number", "minimum": 0},
                {
                    "type": "string",
                    "pattern": r"^\s*([0-9]+(\.[0-9]+)?|([0-9]+(\.[0-9]+)? ?(ns|us|µs|ms|s|m|h|d|w) ?)+)\s*$",
                },
            ],
            "examples": ["50ms", "30s", "7d"],
        },
    ),
]
