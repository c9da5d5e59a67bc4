"""Settings from file, environment and flags, the later winning; read once, judged once, all problems told together.

The environment is read by a few lines of our own: pydantic-settings would double the time that the daemon's imports take, knows
neither the line of a key nor the nearest one for a typo, and raises before the rest was looked at.

Null, wherever it is given, means the key's default. An empty environment variable counts as not given.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from logagent.config import keys, secret, yamlfile
from logagent.config.keys import Path
from logagent.config.report import Problem, report, shown, words
from logagent.config.settings import Settings
from logagent.errors import Exit, Failure

DEFAULT_FILE = FilePath("/etc/logagent/logagent.yaml")
FILE_VARIABLE = "LOGAGENT_CONFIG"


@dataclass(slots=True)
class _Draft:
    """What was given so far: the tree of values, where each came from, and what is wrong."""

    tree: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, str | int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False

    def blame(self, path: Path, wrong: str, *, value: object = None) -> None:
        """Note a problem, with where its key (or what holds it) was given."""
        origin = next((self.origins[p] for p in _upwards(path) if p in self.origins), "")
        line, text = (origin, "") if isinstance(origin, int) else (0, origin)
        self.problems.append(Problem(path, wrong, shown(path, value), text, line))

    def put(self, path: Path, value: object, origin: str) -> None:
        """Set `path`. Where the tree has another shape above it, it stays as it is: that is a problem already."""
        wrong = _put(self.tree, path, value)
        if wrong and not self.broken:  # a file that cannot be read may have had the entries before it
            self.problems.append(Problem(path, wrong, None, origin))
        if not wrong:
            self.origins[path] = origin


def settings_file(
    path: FilePath | None, environ: Mapping[str, str], default: FilePath = DEFAULT_FILE
) -> FilePath | None:
    """Return the file that is to be read: `path`, else what LOGAGENT_CONFIG names, else the default one if it exists."""
    if path is not None:
        return path
    if environ.get(FILE_VARIABLE):
        return FilePath(environ[FILE_VARIABLE])
    return default if os.path.lexists(default) else None


def load(
    path: FilePath | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    *,
    default: FilePath = DEFAULT_FILE,
) -> Settings:
    """Return the effective settings: the file's, over them the environment's (None: the process's), over them the flags'.

    `flags` has dotted key paths; a flag that is None was not given, and a relative `pathlib.Path` counts from the current
    folder. Raises Failure(Exit.USAGE) with all problems, one a line.
    """
    environ = os.environ if environ is None else environ
    file = settings_file(path, environ, default)
    draft = _Draft()
    if file is not None:
        _add_file(draft, file)
    _add_environment(draft, environ)
    _add_flags(draft, flags or {})
    draft.tree = _without_nulls(draft.tree)
    _add_docker_host(draft, environ)
    _resolve_secrets(draft, environ)
    return _judge(draft, str(file or ""))


def _judge(draft: _Draft, source: str) -> Settings:
    settings = None
    try:
        settings = Settings.model_validate(draft.tree)
    except ValidationError as error:
        _add_errors(draft, error)
    if settings is None or draft.problems:
        raise Failure(report(draft.problems, source), Exit.USAGE)
    return settings


def _add_errors(draft: _Draft, error: ValidationError) -> None:
    for found in error.errors(include_url=False):
        path, kind = found["loc"], found["type"]
        if draft.broken and kind == "missing":  # it may be in the file that cannot be read
            continue
        wrong = words(kind, path, found["msg"], found.get("ctx", {}))
        if _given(draft.tree, path) or kind == "missing":
            draft.blame(path, wrong, value=found["input"])
        else:
            draft.blame(path, f"{wrong} (this one is at its default)")


def _add_file(draft: _Draft, file: FilePath) -> None:
    try:
        with file.open("rb") as opened:
            text = opened.read(yamlfile.MAX_TEXT + 1)
    except OSError as error:
        draft.broken = True
        draft.problems.append(Problem((), f"{file} cannot be read: {error.strerror}; give --config another file"))
        return
    read = yamlfile.parse(text[: yamlfile.MAX_TEXT])
    draft.broken = read.broken
    draft.problems += [Problem(path, wrong, None, "", line) for path, wrong, line in read.problems]
    if len(text) > yamlfile.MAX_TEXT:
        draft.problems.append(Problem((), f"{file} is larger than {yamlfile.MAX_TEXT} bytes"))
    draft.origins.update(read.lines)
    if isinstance(read.data, dict):
        draft.tree = read.data
    elif read.data is not None:
        draft.problems.append(Problem((), "the file must be a mapping of keys, such as store: …", None, "", 1))


def _add_environment(draft: _Draft, environ: Mapping[str, str]) -> None:
    given = {name: value for name, value in environ.items() if name.startswith(keys.PREFIX) and value}
    given.pop(FILE_VARIABLE, None)
    for name in sorted(given, key=_nesting):  # what holds others comes before them, and index 2 before 10
        path = keys.path_of(name)
        if keys.type_at(path) is None:
            near = keys.nearest_variable(name)
            draft.problems.append(Problem((name,), "unknown setting" + (f"; did you mean {near}?" if near else "")))
        else:
            draft.put(path, _from_text(draft, path, given[name], name), name)


def _nesting(name: str) -> tuple[int, list[str]]:
    path = keys.path_of(name)
    return len(path), [str(step).zfill(12) for step in path]


def _from_text(draft: _Draft, path: Path, text: str, origin: str) -> object:
    """Return what a variable says: a section or list is written as YAML, everything else stands for itself."""
    kind = keys.type_at(path)
    if not keys.is_section(kind) and not keys.is_list(kind):
        return None if text == "null" and not keys.is_secret(path) else text
    read = yamlfile.parse(text.encode("utf-8", "surrogateescape"))
    draft.problems += [Problem((*path, *below), wrong, None, origin) for below, wrong, _ in read.problems]
    return read.data


def _add_flags(draft: _Draft, flags: Mapping[str, object]) -> None:
    for name, value in flags.items():
        if value is not None:
            draft.put(keys.undotted(name), str(value.absolute()) if isinstance(value, FilePath) else value, "flag")


def _put(here: Any, path: tuple[Any, ...], value: object) -> str | None:
    """Set `path` below `here`, making what is missing above it. Returns what is wrong, or None."""
    step = path[0]
    if isinstance(step, int):
        if not isinstance(here, list):
            return "cannot be set: what holds it is no list"
        if step > len(here):
            return f"its index leaves a gap: the list has {len(here)} entries so far"
        if step == len(here):
            here.append(None)
    elif not isinstance(here, dict):
        return "cannot be set: what holds it is no mapping of keys"
    if len(path) == 1:
        here[step] = value
        return None
    inner = here.get(step) if isinstance(here, dict) else here[step]
    if inner is None:
        inner = here[step] = [] if isinstance(path[1], int) else {}
    return _put(inner, path[1:], value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _add_docker_host(draft: _Draft, environ: Mapping[str, str]) -> None:
    engine = draft.tree.get("engine", {})
    if environ.get("DOCKER_HOST") and isinstance(engine, dict) and "socket" not in engine:
        draft.put(("engine", "socket"), environ["DOCKER_HOST"], "DOCKER_HOST")


def _resolve_secrets(draft: _Draft, environ: Mapping[str, str]) -> None:
    given = draft.tree.get("outputs")
    outputs: list[Any] = given if isinstance(given, list) else []
    for index, output in enumerate(outputs):
        if isinstance(output, dict):
            outputs[index], problems = secret.resolve(output, environ)
            problems += [
                wrong for key in ("ca_file", "cert_file", "key_file") for wrong in _unreadable(key, output.get(key))
            ]
            for key, wrong in problems:
                draft.blame(("outputs", index, key), wrong, value=output.get(key))


def _unreadable(key: str, file: object) -> secret.Problems:
    try:
        if isinstance(file, str) and file.startswith("/"):
            FilePath(file).open("rb").close()
    except (OSError, ValueError) as error:
        return [(key, f"cannot be read: {getattr(error, 'strerror', None) or 'not a path'}")]
    return []


def _given(tree: Any, path: Path) -> bool:
    try:
        for step in path:
            tree = tree[step]
    except (LookupError, TypeError):
        return False
    return True


def _upwards(path: Path) -> list[Path]:
    return [path[:length] for length in range(len(path), 0, -1)]
