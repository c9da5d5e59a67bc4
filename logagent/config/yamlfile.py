"""The settings file as text: YAML to plain values, with the line of every key, and all that is wrong with the text.

It reads YAML's 1.2 core, so that `off` is text, `1:30` no number and a date no date, and refuses aliases: a value that begins
with `*` is a glob whose quotes were forgotten, and without aliases the text's size bounds what comes out of it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from logagent.config.keys import Path

MAX_TEXT = 1024 * 1024
_TAG = "tag:yaml.org,2002:"  # of the kinds of value that every YAML has


@dataclass(slots=True)
class Reading:
    """What a text says: `data`, the line (from 1) of each path, and (path, what is wrong, line) for each problem."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[tuple[Path, str, int]] = field(default_factory=list)
    broken: bool = False


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]  # a class attribute there as well

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs lack its type
            raise yaml.MarkedYAMLError(problem="a value that begins with * must stand in quotes", problem_mark=mark)
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,30})", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]{1,4})?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(
        f"{_TAG}{_tag}",
        re.compile(f"(?:{_pattern})$"),
        ["" if first == "\0" else first for first in _first],
    )

_SCALARS: dict[str, Callable[[str], object]] = {
    f"{_TAG}str": str,
    f"{_TAG}bool": lambda text: text.lower() == "true",
    f"{_TAG}null": lambda _: None,
    f"{_TAG}int": int,
    f"{_TAG}float": float,
}


def parse(text: bytes) -> Reading:
    """Read YAML. What cannot be read at all gives a reading that is `broken`, with one problem."""
    reading = Reading()
    try:
        node = _compose(text)
        reading.data = None if node is None else _value(node, (), reading)
    except yaml.MarkedYAMLError as error:
        _break(reading, _told(error), error.problem_mark.line + 1 if error.problem_mark else 1)
    except (yaml.YAMLError, ValueError):
        _break(reading, "not a text in UTF-8, or it has control characters", 1)
    except RecursionError:
        _break(reading, "nested too deeply", 1)
    return reading


def _compose(text: bytes) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return node


def _break(reading: Reading, wrong: str, line: int) -> None:
    reading.data, reading.broken = None, True
    reading.problems[:] = [((), f"the text cannot be read as YAML: {wrong}", line)]


def _told(error: yaml.MarkedYAMLError) -> str:
    """Return what the parser says, without any longer piece of the text: that may be a secret."""
    told = error.problem or "wrong syntax"
    told = f"{error.context}, {told}" if told.startswith("but ") else told
    return re.sub(r"'[^'<]{3,}'", "'…'", told)


def _value(node: yaml.Node, path: Path, reading: Reading) -> object:
    reading.lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
        return _mapping(node, path, reading)
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
        return [_value(item, (*path, index), reading) for index, item in enumerate(node.value)]
    return _scalar(node, path, reading)


def _mapping(node: yaml.MappingNode, path: Path, reading: Reading) -> dict[str, object]:
    mapping: dict[str, object] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            reading.problems.append((path, "a key must be plain text", line))
            continue
        here = (*path, str(key.value))
        if key.value in mapping:
            reading.problems.append((here, f"given twice, first in line {reading.lines[here]}", line))
            continue
        mapping[key.value] = _value(value, here, reading)
        reading.lines[here] = line
    return mapping


def _scalar(node: yaml.Node, path: Path, reading: Reading) -> object:
    read = _SCALARS.get(node.tag) if isinstance(node, yaml.ScalarNode) else None
    try:
        if read is not None:
            return read(node.value)
    except ValueError:
        read = None
    reading.problems.append((path, "its tag (!…) does not fit the value: leave it out", reading.lines[path]))
    return None
