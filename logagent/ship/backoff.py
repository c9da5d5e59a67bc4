"""How long to wait before the next try: exponential with full jitter, and never before the server asked for. Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_ASKED = 3600.0  # seconds: a server that asks for more is asked again after this


def delay(attempt: int, random: float, *, shortest: float, longest: float, asked: float | None = None) -> float:
    """Seconds to wait after failure number `attempt` (from 1); `random` is in [0, 1), `asked` what the server wants.

    The wait lies anywhere below `shortest` doubled with each attempt, at most `longest`: so many agents that failed
    together do not come back together.
    """
    ceiling = min(longest, shortest * 2.0 ** min(attempt - 1, 64))
    return max(random * ceiling, min(asked or 0.0, MAX_ASKED))


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or as a date; None when it says nothing that can be read."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError, TypeError):
        return None
