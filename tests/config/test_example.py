"""config/logagent.yaml: complete, commented, equal to the defaults; the JSON Schema knows the same keys."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from logagent.config.keys import is_list, is_section, paths, type_at
from logagent.config.load import load
from logagent.config.settings import Output, Selector, Settings
from logagent.config.show import descriptions, dump, schema

EXAMPLE = Path(__file__).parents[2] / "config" / "logagent.yaml"
SCHEMA = schema()


def written(text: str) -> Any:
    """Return YAML as plain values."""
    return yaml.safe_load(text)


def uncommented(key: str) -> Any:
    """Return the example of the list `key` that stands in the comments above it."""
    block: list[str] = []
    for line in EXAMPLE.read_text().splitlines():
        if re.match(rf"\s*#   {key}:$", line) or (block and re.match(r"\s*#    ", line)):
            block.append(line.replace("#", "", 1))
        elif block:
            break
    return written("\n".join(block))[key]


def test_the_example_equals_the_defaults():
    """Who copies the file changes nothing."""
    assert Settings() == load(EXAMPLE, {})


def test_the_example_has_every_key():
    """No key of the model is missing in the file: those of lists stand in its commented entries."""
    data = written(EXAMPLE.read_text())
    for path in paths():
        if not any(isinstance(step, int) for step in path):
            here = data
            for step in path:
                assert step in here, path
                here = here[step]
    assert set(Output.model_fields) == set(uncommented("outputs")[0])
    assert set(Selector.model_fields) == {key for entry in uncommented("include") for key in entry}


def test_the_commented_entries_are_valid_and_show_the_defaults(tmp_path):
    """The entry of an output that is in the comments has the defaults, and the selectors can be read."""
    entry = {key: value for key, value in uncommented("outputs")[0].items() if not re.search("user|pass", key)}
    file = tmp_path / "logagent.yaml"
    file.write_text(yaml.safe_dump({"outputs": [entry], "collect": {"include": uncommented("include")}}))
    settings = load(file, {})
    assert (Output(url="https://es.example:9200"),) == settings.outputs
    assert len(uncommented("include")) == len(settings.collect.include)


def test_every_comment_of_the_example_stands_before_its_key():
    """Each key, or the group that it stands in, has a comment."""
    lines = EXAMPLE.read_text().splitlines()
    bare = [
        line
        for before, line in pairwise(lines)
        if re.match(r"  [a-z_]+:", line)
        and before.endswith(":")
        and not before.strip().startswith("#")
        and line.strip() not in _PLAIN
    ]
    assert [] == bare


_PLAIN = {"enabled: true", "max_size: 100MB"}  # the comment above their section says it


def test_what_is_printed_can_be_read_again(tmp_path):
    """The effective settings, as printed, give the same settings."""
    file = tmp_path / "logagent.yaml"
    file.write_text(
        "store: {max_size: 2GB, max_age: 36h}\nhost_name: ünï\noutputs: [{url: http://es:1}]\ncollect: {from: end}"
    )
    settings = load(file, {})
    file.write_text(dump(settings))
    assert settings == load(file, {})


def definition(path) -> dict[str, Any]:
    """Return the schema of the key at `path`."""
    here: dict[str, Any] = SCHEMA
    for step in path:
        here = here["properties"][step] if isinstance(step, str) else here["items"]
        if "$ref" in here:
            here = {**SCHEMA["$defs"][here["$ref"].rsplit("/", 1)[1]], **here}
    return here


@pytest.mark.parametrize("path", paths(), ids=lambda path: ".".join(map(str, path)))
def test_the_schema_knows_every_key_with_its_meaning(path):
    """Editors complete every key and show what it means."""
    found = definition(path)
    assert isinstance(path[-1], int) or found["description"]
    if is_section(type_at(path)):
        assert found["additionalProperties"] is False
    elif is_list(type_at(path)):
        assert found["type"] == "array"


def accepts(rule: dict[str, Any], value: Any) -> bool:
    """Judge `value` by the part of JSON Schema that ours uses."""
    if "$ref" in rule:
        rule = SCHEMA["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": int | float,
        "null": type(None),
    }
    return (
        ("anyOf" not in rule or any(accepts(one, value) for one in rule["anyOf"]))
        and (
            "type" not in rule
            or (isinstance(value, kinds[rule["type"]]) and (rule["type"] == "boolean") == isinstance(value, bool))
        )
        and ("enum" not in rule or value in rule["enum"])
        and ("pattern" not in rule or re.search(rule["pattern"], value) is not None)
        and ("minimum" not in rule or value >= rule["minimum"])
        and ("maximum" not in rule or value <= rule["maximum"])
        and all(key in value for key in rule.get("required", ()))
        and (
            not isinstance(value, dict)
            or "properties" not in rule
            or all(key in rule["properties"] and accepts(rule["properties"][key], value[key]) for key in value)
        )
        and (not isinstance(value, list) or all(accepts(rule["items"], one) for one in value))
    )


def test_the_schema_accepts_the_example():
    """The file's values, and its commented entries, are valid by the schema."""
    data = written(EXAMPLE.read_text())
    assert accepts(SCHEMA, data)
    assert accepts(SCHEMA, {"outputs": uncommented("outputs"), "collect": {"include": uncommented("include")}})
    assert accepts(SCHEMA, written(dump(Settings())))


@pytest.mark.parametrize(
    "text",
    [
        "stroe: {}",
        "store: {max_size: 500 pounds}",
        "store: {max_age: 7 days}",
        "web: {port: 0}",
        "outputs: [{}]",
        "outputs: [{url: ftp://x}]",
        "document: {dataset: Ab}",
        "document: {dataset: a-b}",
        "log: {level: loud}",
        "store: {path: relative}",
        "web: {enabled: 5}",
    ],
)
def test_the_schema_refuses_what_the_settings_refuse(text):
    """What is wrong by the model's shape is wrong in the editor already."""
    assert not accepts(SCHEMA, written(text))


def test_the_schema_has_defaults_as_people_write_them():
    """Defaults are in units, as in the file, and no key has a default that the file would not have."""
    assert ("1GiB", "1s", "beginning", None) == (
        definition(("store", "max_size"))["default"],
        definition(("store", "frame_time"))["default"],
        definition(("collect", "from"))["default"],
        definition(("outputs", 0, "name"))["default"],
    )


def test_meanings_are_read_from_the_source():
    """Each field of an output has its text."""
    assert set(Output.model_fields) == set(descriptions(Output))
