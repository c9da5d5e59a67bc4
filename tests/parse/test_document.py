"""The constant part: ECS as documented, whatever hostile names and labels hold; never a key twice."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.model import Container, Image
from logagent.parse.block import Parser
from logagent.parse.document import Choice, Origin, constant
from tests.parse.lines import CONTAINER, FRAGMENTS, GENERATION, NOW, ORIGIN, START, Entry, read

LINES = [Entry(b"x\n", "stdout", START).line, Entry(b"y", "stderr", START + 1).line, b"junk\n"]
HOSTILE = st.lists(st.sampled_from([*FRAGMENTS, ".", "a", "\udcff", "\ud800"]), max_size=5).map("".join)


def documents(container=CONTAINER, choice=Choice(), origin=ORIGIN):  # noqa: B008  # frozen
    """The documents of a plain record, of a piece and of a damaged line of `container`."""
    made = Parser(container.id, constant(container, origin, choice), tty=False, limit=1000)
    offset, found = 0, b""
    for line in LINES:
        found += made.parse(line, GENERATION, offset, NOW).documents
        offset += len(line)
    return read(found + made.expire(NOW, NOW).documents)


def test_a_document_is_ecs():
    """All fields of a plain line, in full."""
    expected = {
        "_id": "5f5f5f5f5f5f-187af1c2ba4f0000-0",
        "message": "x",
        "stream": "stdout",
        "@timestamp": "2025-11-24T16:00:00Z",
        "log": {"offset": 0},
        "container": {
            "id": "5f" * 32,
            "name": "web %d-1",
            "runtime": "docker",
            "image": {"name": "registry:5000/team/web", "tag": ["1.27"], "hash": {"all": ["sha256:" + "ab" * 32]}},
            "labels": {"100%": '%d "offset":%d %x \\', "com_docker_compose_service": 'we"b'},
        },
        "host": {"name": "n1", "hostname": "n1", "id": "machine", "os": {"type": "linux"}},
        "ecs": {"version": "8.11.0"},
        "data_stream": {"type": "logs", "dataset": "docker.container_logs", "namespace": "default"},
        "service": {"name": 'we"b'},
        "input": {"type": "container"},
        "event": {"dataset": "docker.container_logs", "kind": "event", "created": "2025-11-24T16:01:40.25Z"},
    }
    found = documents()[0]
    agent = found.pop("agent")
    assert expected | {"_id": found["_id"]} == found
    assert ("logagent", "agent", "n1") == (agent["type"], agent["id"], agent["name"])
    assert f"5f5f5f5f5f5f-{GENERATION.time:016x}-0" == found["_id"]


@given(st.dictionaries(HOSTILE, HOSTILE, max_size=6), HOSTILE, HOSTILE, st.booleans(), st.booleans())
def test_hostile_names_and_labels_stay_strings(labels, name, image, offset, path):
    """Whatever they hold, each document is JSON with each key once, and its text and offset are untouched."""
    container = replace(CONTAINER, name=name, image=Image(image, image or None, image or None), log_path="/" + name)
    container = replace(container, labels=labels | {"com.docker.swarm.service.name": name})
    found = documents(container, Choice(log_offset=offset, file_path=path), Origin(name, image, "a"))
    assert {"x", "y", "junk"} == {d["message"] for d in found}
    for document in found:
        assert offset == ("offset" in document.get("log", {}))
        assert path == ("file" in document.get("log", {}))
        assert all(k.strip() and "." not in k for k in document["container"]["labels"])
        assert {"name", "hostname"} <= document["host"].keys()


def test_a_dot_in_a_label_makes_no_object():
    """`a`, `a.b` and `a_b` live side by side; of two that become one, one is kept."""
    container = replace(CONTAINER, labels={"a": "1", "a.b": "2", "a_b": "3", ".": "4", "": "5", " ": "6"})
    assert {"a": "1", "a_b": "3", "_": "4"} == documents(container)[0]["container"]["labels"]
    dotted = documents(container, Choice(label_dots="."))[0]["container"]["labels"]
    assert {"a": "1", "a.b": "2", "a_b": "3", ".": "4"} == dotted


def test_labels_are_chosen_and_bounded():
    """At most so many, in the order of their names, of those that are wanted; keys and values are cut."""
    container = replace(CONTAINER, labels={f"k{n:04}": "v" * 5000 for n in range(1000)} | {"z" * 5000: "1"})
    found = documents(container)[0]["container"]["labels"]
    assert [f"k{n:04}" for n in range(64)] == list(found)
    assert {"v" * 1024} == set(found.values())
    assert ["z" * 1024] == list(documents(container, Choice(labels_include=("z*",)))[0]["container"]["labels"])
    assert "labels" not in documents(container, Choice(labels_include=()))[0]["container"]
    assert "labels" not in documents(container, Choice(max_labels=0))[0]["container"]


@pytest.mark.parametrize(("image", "expected"), [
    (Image("nginx"), {"name": "nginx"}),
    (Image("r:5000/a/b", "1"), {"name": "r:5000/a/b", "tag": ["1"]}),
    (Image("a", None, "sha256:00"), {"name": "a", "hash": {"all": ["sha256:00"]}}),
])  # fmt: skip
def test_only_the_parts_of_an_image_that_are_known(image, expected):
    """No empty tags or hashes."""
    assert expected == documents(replace(CONTAINER, image=image))[0]["container"]["image"]


def test_switches():
    """Offset and path of the file are each told or not, also beside marks; nothing empty is written."""
    plain, damaged, piece = documents(choice=Choice(log_offset=False))
    assert ("log" in plain, "log" in damaged, {"flags": ["partial"]}) == (False, False, piece["log"])
    plain, _, piece = documents(choice=Choice(file_path=True))
    path = {"path": "/var/lib/docker/100%/x-json.log"}
    assert ({"offset": 0, "file": path}, path) == (plain["log"], piece["log"]["file"])
    bare = documents(Container("ab" * 32, "", Image("")), Choice(file_path=True), Origin("n1", "", ""))[0]
    assert {"name": "n1", "hostname": "n1", "os": {"type": "linux"}} == bare["host"]
    assert ({"offset": 0}, False) == (bare["log"], "service" in bare)


def test_dataset_and_namespace():
    """They stand in the data stream and in the event."""
    found = documents(choice=Choice(dataset="a.b", namespace="c"))[0]
    assert {"type": "logs", "dataset": "a.b", "namespace": "c"} == found["data_stream"]
    assert "a.b" == found["event"]["dataset"]


def test_attrs_are_told_as_they_were_written():
    """Labels, environment and tag that the engine put into the record."""
    line = Entry(b"x\n", "stdout", START, {"tag": "t%d", "env": 'a"b'}).line
    made = Parser(CONTAINER.id, constant(CONTAINER, ORIGIN, Choice()), tty=False, limit=1000)
    for offset in (0, len(line)):
        (found,) = read(made.parse(line, GENERATION, offset, NOW).documents)
        assert {"attrs": {"tag": "t%d", "env": 'a"b'}} == found["docker"]
