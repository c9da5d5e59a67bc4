"""What a container's json-file options mean, read as dockerd reads them: pure.

dockerd checks them when the container starts, so what a running container has is valid; what cannot be read counts as not given.
"""

import re
from collections.abc import Mapping

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", re.IGNORECASE)
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})


def max_size(options: Mapping[str, str]) -> int | None:
    """Bytes at which a file is rotated; None when it never is. Units are decimal, `10mib` too (go-units: FromHumanSize)."""
    found = _SIZE.fullmatch(options.get("max-size", ""))
    if found is None:
        return None
    return int(float(found[1]) * 1000.0 ** " kmgtp".index(found[2].lower() or " ")) or None


def max_file(options: Mapping[str, str]) -> int:
    """How many files there are at most, the live one counted."""
    text = options.get("max-file", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() else 1


def shifts_compressed(options: Mapping[str, str]) -> bool | None:
    """Whether rotating shifts compressed files (Go: strconv.ParseBool), or else plain ones; None when nothing is ever rotated."""
    if max_size(options) is None or max_file(options) < 2:
        return None
    return options.get("compress", "") in _TRUE
