"""Which keys there are: paths into the settings, what stands at each, and the nearest valid one for a typo.

A path is a tuple of keys and list indexes, `("outputs", 0, "url")`, written `outputs.0.url`, and `LOGAGENT_OUTPUTS__0__URL`
in the environment. All of it is read off the model, so nothing here can disagree with it.
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from typing import Any, get_args, get_origin

from logagent.config.secret import NAMES
from logagent.config.section import Section
from logagent.config.settings import Settings

Path = tuple[str | int, ...]

PREFIX = "LOGAGENT_"
_CLOSE = 0.6


def dotted(path: Path) -> str:
    """Write `path` as people do: `outputs.0.url`."""
    return ".".join(map(str, path))


def undotted(text: str) -> Path:
    """Read a dotted path."""
    return tuple(int(step) if step.isdecimal() else step for step in text.split("."))


def variable(path: Path) -> str:
    """Return the environment variable that sets `path`."""
    return PREFIX + "__".join(map(str, path)).upper()


def path_of(name: str) -> Path:
    """Return the path that the environment variable `name` would set, whether there is such a key or not."""
    return undotted(name.removeprefix(PREFIX).lower().replace("__", "."))


def keys(section: type[Section]) -> dict[str, Any]:
    """Return the keys of `section` as the file has them, each with its type."""
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def type_at(path: Path) -> Any:
    """Return the type of what stands at `path`, or None when the settings have no such key."""
    here: Any = Settings
    for step in path:
        here = _below(here, step)
    return here


def _below(here: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return get_args(here)[0] if get_origin(here) is tuple else None
    return keys(here).get(step) if is_section(here) else None


def is_section(kind: Any) -> bool:
    """Tell whether `kind` is a mapping of keys."""
    return isinstance(kind, type) and issubclass(kind, Section)


def is_list(kind: Any) -> bool:
    """Tell whether `kind` is a list."""
    return get_origin(kind) is tuple


def is_secret(path: Path) -> bool:
    """Tell whether the value at `path` must not be shown."""
    return bool(path) and path[-1] in NAMES


@cache
def paths() -> tuple[Path, ...]:
    """Return the paths of all keys, those inside lists with the index 0, sections before what they hold."""
    return tuple(_paths(Settings, ()))


def _paths(kind: Any, path: Path) -> Iterator[Path]:
    if path:
        yield path
    if is_section(kind):
        for key, inner in keys(kind).items():
            yield from _paths(inner, (*path, key))
    elif is_list(kind):
        yield from _paths(get_args(kind)[0], (*path, 0))


def nearest(path: Path) -> str | None:
    """Return the valid key that `path`, which is none, most likely means: a sibling, or the same key of another section."""
    wrong, parent = _plain(path[-1]), path[:-1]
    kind = type_at(parent)
    siblings = [(*parent, key) for key in keys(kind)] if is_section(kind) else []
    ranked = [(_likeness(wrong, p), p) for p in siblings] + [(1.0, p) for p in paths() if _plain(p[-1]) == wrong]
    ratio, best = max(ranked, key=lambda pair: pair[0], default=(0.0, ()))
    return dotted(best) if ratio >= _CLOSE else None


def _likeness(wrong: str, path: Path) -> float:
    return SequenceMatcher(None, wrong, _plain(path[-1])).ratio()


def _plain(key: str | int) -> str:
    return str(key).replace("-", "_").lower()


def nearest_variable(name: str) -> str | None:
    """Return the valid variable that `name`, which is none, most likely means; its list indexes stay."""
    indexes = iter(re.findall(r"(?<=_)[0-9]+(?=_)", name))
    close = get_close_matches(re.sub(r"(?<=_)[0-9]+(?=_)", "0", name), map(variable, paths()), 1, _CLOSE)
    return re.sub(r"(?<=_)0(?=_)", lambda _: next(indexes, "0"), close[0]) if close else None
