"""Targets: templates and labels give data streams by Elasticsearch's rules, and nothing that is not one."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.model import Container, Gap, Image, Target
from logagent.parse.block import Parser
from logagent.parse.document import Choice, constant
from logagent.parse.gap import documents as gap_documents
from logagent.parse.target import LABELS, Targets, clean, default
from tests.parse.lines import CONTAINER, FRAGMENTS, GENERATION, NOW, ORIGIN, START, Entry, strict

DATASET, NAMESPACE = LABELS
STREAM = re.compile(r"logs-[a-z0-9][a-z0-9._]{0,99}-[a-z0-9][a-z0-9._]{0,99}")
COMPOSE = {"com.docker.compose.service": "web", "com.docker.compose.project": "shop"}
SWARM = {"com.docker.swarm.service.name": "shop_db", "com.docker.stack.namespace": "shop"}
HOSTILE = st.lists(
    st.sampled_from(
        [
            *FRAGMENTS,
            *(
                '"}}\n{"create":{"_index":"x',
                '","_index":"logs-a-b',
                "\n",
                "\r\n",
                "{service}",
                "{image}",
                "../",
                "-",
                "_",
            ),
            *(
                ".",
                "+",
                "*",
                "A",
                "ß",
                "İ",
                "\ud800",
                "\udcff",
                "x" * 10_000,
                "é" * 10_000,
                "logs-",
                ",",
                "#",
                ":",
                "%2f",
            ),
        ]
    ),
    max_size=6,
).map("".join) | st.text(max_size=120)


def container(name="web-1", image="registry:5000/team/nginx", labels=None):
    """A container of this name, image and labels."""
    return Container("ab" * 32, name, Image(image), labels or {})


@pytest.mark.parametrize(("text", "expected"), [
    ("web", "web"), ("Web-1", "web_1"), ("shop.web_2", "shop.web_2"), ("a--b  c__d", "a_b_c_d"),
    ("_.+-x", "x"), ("x-", "x"), ("..", ""), ("", ""), ("  ", ""), ("ключ", ""), ("Größe", "gr_e"),
    ('a"}}\n{"index":{', "a_index"), ("a/../b", "a_.._b"), ("a" * 10_000, "a" * 100), ("-" * 10_000 + "a", ""),
    ("a" * 99 + "-b", "a" * 99), ("İ" * 200, "i_" * 49 + "i"),
])  # fmt: skip
def test_what_is_left_of_a_text(text, expected):
    """Lowercase ASCII letters, digits, `_` and `.`, which begins and ends with a letter or digit, of at most 100 bytes."""
    assert expected == clean(text)


@pytest.mark.parametrize(("dataset", "namespace", "described", "expected"), [
    ("docker.container_logs", "default", container(), "logs-docker.container_logs-default"),
    ("docker.{service}", "default", container(labels=COMPOSE), "logs-docker.web-default"),
    ("docker.{service}", "{project}", container(labels=COMPOSE), "logs-docker.web-shop"),
    ("docker.{service}", "{project}", container(labels=SWARM), "logs-docker.shop_db-shop"),
    ("docker.{service}", "{project}", container(), "logs-docker.other-other"),
    ("docker.{service}", "default", container(labels={"com.docker.compose.service": "-"}), "logs-docker.other-default"),
    ("{container}", "{image}", container("Web-1"), "logs-web_1-nginx"),
    ("{project}.{image}.x", "a", container(labels=COMPOSE), "logs-shop.nginx.x-a"),
    ("{image}", "a", container(image="ghcr.io/Acme/Web"), "logs-web-a"),
    ("{image}", "a", container(image="sha256:" + "ab" * 32), "logs-other-a"),
    ("{image}{container}", "a", container("", ""), "logs-otherother-a"),
    ("{container}.x", "a", container("y" * 300), f"logs-{'y' * 100}-a"),
    ("größe", "a", container(labels={NAMESPACE: "b"}), "logs-größe-b"),
    ("ä" * 30 + "{container}", "a", container("y" * 99), f"logs-{'ä' * 30 + 'y' * 40}-a"),
    ("docker.{service}", "default", container(labels=COMPOSE | {DATASET: "Pay-Ments"}), "logs-pay_ments-default"),
    ("docker.{service}", "default", container(labels=COMPOSE | {NAMESPACE: "prod"}), "logs-docker.web-prod"),
    ("docker.{service}", "default", container(labels=COMPOSE | {DATASET: "///"}), "logs-docker.web-default"),
    ("a", "b", container(labels={DATASET: "{service}", NAMESPACE: "{image}"}), "logs-service-image"),
])  # fmt: skip
def test_a_containers_stream(dataset, namespace, described, expected):
    """By its labels, else by the templates, in which an absent field is `other`."""
    assert expected == Targets(dataset, namespace).of(described).stream


def test_labels_count_only_where_they_are_let():
    """With labels switched off the templates decide alone."""
    described = container(labels=COMPOSE | {DATASET: "x", NAMESPACE: "y"})
    assert "logs-x-y" == Targets("d", "n").of(described).stream
    assert Target("d", "n") == Targets("d", "n", labels=False).of(described)


def test_the_default_stream_is_not_named():
    """A container whose label or template gives the default stream is as one that says nothing."""
    targets = Targets("docker.{service}", "default", most=0)
    assert Target("docker.other", "default") == targets.default == default("docker.{service}", "default")
    for labels in ({}, {DATASET: "docker.other"}, {"com.docker.compose.service": "other"}):
        assert targets.default == targets.of(container(labels=labels))
    assert (0, 0) == (targets.streams, targets.refused)


def test_the_number_of_streams_is_bounded():
    """Beyond the bound containers share the default stream and are told which they do without; those given stay."""
    targets = Targets("docker.{container}", "default", most=2)
    found = [targets.of(container(name)) for name in ("a", "b", "c", "b", "a", "d")]
    expected = ["docker.a", "docker.b", "docker.other", "docker.b", "docker.a", "docker.other"]
    assert expected == [target.dataset for target in found]
    assert [True, True, False, True, True, False] == [target.own for target in found]
    assert ["", "", "logs-docker.c-default", "", "", "logs-docker.d-default"] == [target.wanted for target in found]
    assert (2, 2) == (targets.streams, targets.refused)


@given(st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE), max_size=30), st.integers(0, 5))
def test_no_more_streams_than_the_bound(described, most):
    """Whatever containers come, so many streams beside the default one are given out at most."""
    targets = Targets("{container}", "{image}", most=most)
    found = {targets.of(container(n, i, {DATASET: label})).stream for n, i, label in described}
    assert len(found - {targets.default.stream}) == targets.streams <= most


LINES = [Entry(b"x\n", "stdout", START).line, Entry(b"y", "stderr", START + 1).line, b"junk\n"]
TEMPLATES = st.sampled_from(
    ["docker.container_logs", "docker.{service}", "{container}.{image}", "a{project}", "{image}"]
)


def pairs(described, choice, target):
    """The (action, document) of a plain line, of a piece, of damage and of a gap."""
    encoded = constant(described, ORIGIN, choice, target)
    made = Parser(described.id, encoded, tty=False, limit=1000)
    offset, found = 0, b""
    for line in LINES:
        found += made.parse(line, GENERATION, offset, NOW).documents
        offset += len(line)
    found += made.expire(NOW, NOW).documents + gap_documents([Gap("rotated")], described.id, encoded, NOW)
    lines = found.split(b"\n")
    assert b"" == lines.pop()
    return [(strict(a), strict(d)) for a, d in zip(lines[::2], lines[1::2], strict=True)]


@given(
    st.dictionaries(st.sampled_from([*LABELS, *COMPOSE, "x"]) | HOSTILE, HOSTILE, max_size=6),
    HOSTILE,
    HOSTILE,
    TEMPLATES,
    TEMPLATES,
)
def test_no_label_forges_an_action_line(labels, name, image, dataset, namespace):
    """Each action line is JSON of an id, and an index of our form where it is not the default one; the document agrees."""
    described = replace(CONTAINER, name=name, image=Image(image), labels=labels)
    target = Targets(dataset, namespace).of(described)
    found = pairs(described, Choice(dataset=dataset, namespace=namespace), target)
    assert 4 == len(found)
    for action, document in found:
        assert ["create"] == list(action)
        assert (["_id", "_index"] if target.own else ["_id"]) == list(action["create"])
        assert re.fullmatch(r"5f5f5f5f5f5f-(gap|[0-9a-f]{16})-[0-9a-f]+", action["create"]["_id"])
        assert action["create"].get("_index", target.stream) == target.stream
        assert STREAM.fullmatch(target.stream)
        assert {"type": "logs", "dataset": target.dataset, "namespace": target.namespace} == document["data_stream"]
        assert target.dataset == document["event"].get("dataset")


def test_the_default_streams_bytes_are_as_ever():
    """Without a stream of its own a container's action lines are an id alone."""
    found = pairs(CONTAINER, Choice(), None)
    assert f'{{"create": {{"_id": "{CONTAINER.id[:12]}-{GENERATION.token}-0"}}}}' == json.dumps(found[0][0])


def test_a_percent_sign_of_the_settings():
    """What the operator's part of a name has beyond letters stands in the action line as it is."""
    target = Targets("100%d.ä'{service}", "x").of(CONTAINER)
    found = pairs(CONTAINER, Choice(), target)
    assert ["logs-100%d.ä'we_b-x"] * 4 == [action["create"]["_index"] for action, _ in found]
