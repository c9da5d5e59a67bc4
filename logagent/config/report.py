"""What is wrong with the settings, in words: one line for each problem, with its key, its value and where it was given.

Invariant: no secret is in a line. Values are shown only where the settings have a plain value that is no secret; of text
whose key is unknown or that stands where a section belongs nothing is shown, because it may be a secret that went astray.
"""

import json
from dataclasses import dataclass
from typing import Any

from logagent.config.keys import Path, dotted, is_list, is_secret, is_section, nearest, type_at
from logagent.config.secret import HIDDEN, NAMES, without_credentials

_WORDS = {
    "missing": "is required",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text: put it in quotes",
    "path_type": "must be an absolute path",
    "tuple_type": "must be a list: write [a, b], or one entry a line, each with a dash",
    "model_type": "must be a mapping of keys",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `key` may be empty (the whole file), `shown` is the value as it may be told, or None."""

    key: Path
    wrong: str
    shown: str | None = None
    origin: str = ""
    line: int = 0

    def __str__(self) -> str:
        key = dotted(self.key)
        subject = (key if key.isprintable() else json.dumps(key)) + (
            f" = {self.shown}" if self.shown is not None else ""
        )
        place = f"line {self.line}" if self.line else self.origin
        return (f"{subject}: " if subject else "") + self.wrong + (f" [{place}]" if place else "")


def shown(path: Path, value: object) -> str | None:
    """Return `value` as a message may show it: in one short line, without secrets; None when it may not be shown."""
    kind = type_at(path)
    if kind is None or is_section(kind) or is_list(kind) or not isinstance(value, str | int | float):
        return None
    if is_secret(path) or (_is_secret_file(path) and not str(value).startswith("/")):
        return HIDDEN
    text = without_credentials(value) if isinstance(value, str) else value
    line = json.dumps(text)
    return line if len(line) <= 80 else f'{line[:76]}…"'


def _is_secret_file(path: Path) -> bool:
    return str(path[-1]).removesuffix("_file") in NAMES


def words(kind: str, path: Path, message: str, context: dict[str, Any]) -> str:
    """Say in the user's words what pydantic found: `kind` is its error type, `context` the error's details."""
    if kind == "extra_forbidden":
        near = nearest(path)
        return "unknown key" + (f"; did you mean {near}?" if near else "")
    if kind == "value_error":
        return str(context.get("error", message))
    if kind == "literal_error":
        return "must be one of " + str(context.get("expected", "")).replace(" or ", ", ").replace("'", "")
    if kind in ("greater_than_equal", "less_than_equal"):
        return f"must be at {'least' if 'ge' in context else 'most'} {context.get('ge', context.get('le'))}"
    return _WORDS.get(kind, message)


def report(problems: list[Problem], source: str) -> str:
    """Return all problems as one text; `source` names the file, or is empty."""
    ordered = sorted(problems, key=lambda problem: problem.line or 1 << 30)
    count = "1 problem" if len(ordered) == 1 else f"{len(ordered)} problems"
    head = f"{count} in the settings" + (f" ({source})" if source else "")
    return "\n".join([f"{head}:", *(f"  {problem}" for problem in ordered)])
