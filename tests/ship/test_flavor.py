"""What a server says of itself, and what follows from it."""

import orjson
import pytest

from logagent.ship import flavor
from logagent.ship.flavor import BEYOND, CONSTANT, ILM, ISM, LEARNED, LIFECYCLE, TEXT, UNKNOWN, Server


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"version": {"number": "7.17.9", "build_flavor": "default"}}, Server("elasticsearch", (7, 17, 9))),
        ({"version": {"number": "7.17.9", "build_flavor": "oss"}}, Server("oss", (7, 17, 9))),
        ({"version": {"number": "9.0.0-beta1"}}, Server("elasticsearch", (9, 0, 0))),
        ({"version": {"number": "8.15.0-SNAPSHOT"}}, Server("elasticsearch", (8, 15, 0))),
        ({"version": {"number": "2.19.1", "distribution": "opensearch"}}, Server("opensearch", (2, 19, 1))),
        ({"version": {"number": "8.11.0", "build_flavor": "serverless"}}, Server("serverless")),
        ({"version": {"number": "x" * 1000}}, UNKNOWN),
        ({"version": {"number": 8}}, UNKNOWN),
        ({"version": "8.15.0"}, UNKNOWN),
        ({}, UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_root(body, expected):
    """The answer to GET / tells distribution and version; what is not one is unknown."""
    assert expected == flavor.from_root(orjson.dumps(body))


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b'{"nodes":{}}', b'{"nodes":{"a":1}}'])
def test_no_answer(body):
    """What cannot be read is an unknown server."""
    assert (UNKNOWN, UNKNOWN) == (flavor.from_root(body), flavor.from_nodes(body))


@pytest.mark.parametrize(
    ("number", "expected"),
    [("8.15.0", Server("elasticsearch", (8, 15, 0))), ("3.1.0", Server("opensearch", (3, 1, 0))), ("?", UNKNOWN)],
)
def test_nodes(number, expected):
    """A node's version tells which server it is, as the two number differently."""
    assert expected == flavor.from_nodes(orjson.dumps({"nodes": {"a1": {"version": number}}}))


@pytest.mark.parametrize(
    ("server", "expected", "way"),
    [
        (Server("elasticsearch", (9, 2, 0)), {TEXT, CONSTANT, LEARNED, BEYOND, LIFECYCLE, ILM}, LIFECYCLE),
        (Server("elasticsearch", (8, 14, 0)), {TEXT, CONSTANT, LEARNED, BEYOND, LIFECYCLE, ILM}, LIFECYCLE),
        (Server("elasticsearch", (8, 13, 4)), {TEXT, CONSTANT, LEARNED, BEYOND, ILM}, ILM),
        (Server("elasticsearch", (8, 12, 2)), {TEXT, CONSTANT, LEARNED, ILM}, ILM),
        (Server("elasticsearch", (7, 17, 0)), {TEXT, CONSTANT, LEARNED, ILM}, ILM),
        (Server("elasticsearch", (7, 13, 4)), {CONSTANT, LEARNED}, ""),
        (Server("oss", (7, 17, 9)), set(), ""),
        (Server("opensearch", (3, 1, 0)), {TEXT, CONSTANT, ISM}, ISM),
        (Server("opensearch", (2, 13, 0)), {TEXT, ISM}, ISM),
        (Server("opensearch", (1, 3, 0)), {ISM}, ISM),
        (Server("serverless"), {TEXT, CONSTANT, LEARNED, BEYOND, LIFECYCLE}, LIFECYCLE),
        (UNKNOWN, {TEXT, CONSTANT, BEYOND, LIFECYCLE}, LIFECYCLE),
    ],
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_features(server, expected, way):
    """Each version has what its documentation says; of an unknown one, what can be tried is."""
    assert expected == flavor.features(server)
    assert way == flavor.retaining(flavor.features(server))


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (Server("elasticsearch", (7, 8, 1)), False),
        (Server("elasticsearch", (7, 9, 0)), True),
        (Server("oss", (7, 17, 9)), False),
        (Server("opensearch", (1, 0, 0)), True),
        (Server("serverless"), True),
        (UNKNOWN, True),
    ],
    ids=str,
)
def test_has_streams(server, expected):
    """Data streams came with Elasticsearch 7.9, and are none of its OSS distribution's."""
    assert expected == flavor.has_streams(server)


def test_told():
    """People read the name of the product."""
    servers = [Server("elasticsearch", (8, 15, 0)), Server("opensearch", (3, 1, 0)), Server("serverless"), UNKNOWN]
    assert ["Elasticsearch 8.15.0", "OpenSearch 3.1.0", "Elasticsearch Serverless", "a server of unknown version"] == [
        str(server) for server in servers
    ]
