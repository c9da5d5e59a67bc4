"""Outputs that take lines: a file has a path, stdout has nothing, and neither has an address."""

from pathlib import Path

import pytest

from logagent.config.load import load
from logagent.config.show import dump, schema
from logagent.errors import Failure


def outputs(tmp_path, text):
    """The outputs of settings that have this list of them."""
    file = tmp_path / "logagent.yaml"
    file.write_text(f"outputs: {text}\n")
    return load(file, {}).outputs


def test_types(tmp_path):
    """Each type is named by itself where it has no name, and they can be had together."""
    found = outputs(tmp_path, "[{type: file, path: /var/log/all.ndjson}, {type: STDOUT}, {url: 'http://es:9200'}]")
    assert [
        ("file", Path("/var/log/all.ndjson"), "file", ()),
        ("stdout", None, "stdout", ()),
        ("elasticsearch", None, "es-9200", ("http://es:9200",)),
    ] == [(o.type, o.path, o.name, o.hosts) for o in found]


def test_clusters(tmp_path):
    """Who asks servers, or sets them up, passes over what is none."""
    file = tmp_path / "logagent.yaml"
    file.write_text("outputs: [{type: stdout}, {url: 'http://es:9200'}]")
    assert ["es-9200"] == [output.name for output in load(file, {}).clusters]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[{type: file}]", "outputs.0.path: is required"),
        ("[{type: file, path: here}]", 'outputs.0.path = "here": must be an absolute path'),
        ("[{type: stdout, path: /x}]", 'outputs.0.path = "/x": only an output of type file has a path'),
        ("[{url: 'http://es', path: /x}]", 'outputs.0.path = "/x": only an output of type file has a path'),
        ("[{type: stdout, url: 'http://es'}]", "an output of type stdout has no address: leave it out"),
        ("[{type: kafka, url: 'http://es'}]", 'outputs.0.type = "kafka": must be one of elasticsearch, file, stdout'),
        ("[{type: elasticsearch}]", "outputs.0.url: is required"),
        ("[{type: file, path: /a}, {type: file, path: /b}]", "two are named file: give each a name of its own"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, text, wrong):
    """A file without a path, an address where none belongs, two of one name: each is a problem with its key."""
    with pytest.raises(Failure) as raised:
        outputs(tmp_path, text)
    told = str(raised.value)
    assert wrong in told
    assert told.startswith("1 problem ")


def test_what_is_shown_can_be_read_again(tmp_path):
    """The effective settings of a file output are valid settings; the schema allows an output without a url."""
    file = tmp_path / "logagent.yaml"
    file.write_text("outputs: [{type: file, path: /var/log/all.ndjson}]")
    settings = load(file, {})
    file.write_text(dump(settings))
    assert settings == load(file, {})
    assert {"required": ["type"]} in schema()["$defs"]["Output"]["anyOf"]
