"""Numbers as people read them: sizes decimal as Docker's own, spans of time in their two largest units, text without control characters. Pure."""

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_SPANS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def size(number: float) -> str:
    """Write bytes with three digits: `999 B`, `1.23 MB`, `45.6 GB`."""
    for unit in _SIZES:
        if number < 999.5 or unit == _SIZES[-1]:
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:#.3g} {unit}".replace(". ", " ")


def span(seconds: float) -> str:
    """Write seconds as `0 s`, `0.4 s`, `59 s`, `5 m 3 s`, `2 d 4 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    left = int(seconds)
    parts: list[str] = []
    for unit, length in _SPANS:
        number, left = divmod(left, length)
        if number or parts:
            parts.append(f"{number} {unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))


def count(number: int, noun: str) -> str:
    """Write a number with its noun: `1 gap`, `1,234 gaps`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def clean(text: str) -> str:
    """Show characters that could steer a terminal as `?`."""
    return "".join(char if char.isprintable() else "?" for char in text)
