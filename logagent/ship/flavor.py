"""Which server answers, and what servers of its kind and version can do. Pure.

A feature is named by the word that a server without it has in its refusal: what the table here got wrong, or what a version
does not tell (a distribution may lack modules, a proxy may hide the version), is learned from the first answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

TEXT, CONSTANT, BEYOND = "match_only_text", "constant_keyword", "ignore_dynamic_beyond_limit"
LIFECYCLE, ILM, ISM = "[lifecycle]", "index.lifecycle.name", "_plugins/_ism"
LEARNED = "constant_keyword without a value"
"""A constant that the first document gives. It is a way of using CONSTANT, and no refusal names it."""
RETAINING = (LIFECYCLE, ILM, ISM)
"""The ways to roll a data stream over and to delete what is old, the best first."""

NODES = "/_nodes/_local?filter_path=nodes.*.version"
"""What tells the version where `GET /` is not served."""

Version = tuple[int, int, int]

# First versions, by Elastic's and OpenSearch's documentation: None where there is no such thing. Data stream lifecycle is
# there from 8.11 on, but a preview before 8.14; ILM keeps the `_meta` by which we know our policies since 7.14.
_SINCE: Mapping[str, tuple[Version | None, Version | None]] = {
    TEXT: ((7, 14, 0), (2, 12, 0)),
    CONSTANT: ((7, 7, 0), (2, 14, 0)),
    LEARNED: ((7, 7, 0), None),
    BEYOND: ((8, 13, 0), None),
    LIFECYCLE: ((8, 14, 0), None),
    ILM: ((7, 14, 0), None),
    ISM: (None, (1, 0, 0)),
}
_STREAMS: Version = (7, 9, 0)
CURRENT: Mapping[str, Version] = {"elasticsearch": (9, 2, 0), "opensearch": (3, 1, 0)}
"""A current version of each, for who does not say which."""
_SERVERLESS = frozenset({TEXT, CONSTANT, LEARNED, BEYOND, LIFECYCLE})
_TRIED = frozenset({TEXT, CONSTANT, BEYOND, LIFECYCLE})
_NAMES = {
    "elasticsearch": "Elasticsearch",
    "oss": "Elasticsearch OSS",
    "opensearch": "OpenSearch",
    "serverless": "Elasticsearch Serverless",
}
_NUMBER = re.compile(r"(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?(?:-[A-Za-z0-9.-]{1,40})?")


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself: elasticsearch, oss, opensearch or serverless, with its version; nothing where it is not known.

    `oss` is Elasticsearch without Elastic's own modules, which data streams are among. The version of serverless says
    nothing: it has everything that is current.
    """

    distribution: str = ""
    version: Version = (0, 0, 0)

    def __str__(self) -> str:
        name = _NAMES.get(self.distribution, "a server of unknown version")
        return f"{name} {'.'.join(map(str, self.version))}" if any(self.version) else name


UNKNOWN = Server()


def parse_version(text: str) -> Version | None:
    """Read `8`, `8.15`, `8.15.0` or `9.0.0-beta1`; None for anything else."""
    match = _NUMBER.fullmatch(text)
    return (int(match[1]), int(match[2] or 0), int(match[3] or 0)) if match else None


def from_root(body: bytes) -> Server:
    """The server of an answer to `GET /`; UNKNOWN where it does not say."""
    match _loads(body):
        case {"version": {"build_flavor": "serverless"}}:
            return Server("serverless")
        case {"version": {"number": str(number), "distribution": "opensearch"}}:
            return _server("opensearch", number)
        case {"version": {"number": str(number), "build_flavor": "oss"}}:
            return _server("oss", number)
        case {"version": {"number": str(number)}}:
            return _server("elasticsearch", number)
        case _:
            return UNKNOWN


def from_nodes(body: bytes) -> Server:
    """The server of an answer to `NODES`: OpenSearch's versions are below 7, those of Elasticsearch with data streams are not."""
    match _loads(body):
        case {"nodes": {**nodes}} if nodes:
            node = next(iter(nodes.values()))
            number = node.get("version") if isinstance(node, Mapping) else None
            version = parse_version(number) if isinstance(number, str) else None
            return Server("opensearch" if version < (7, 0, 0) else "elasticsearch", version) if version else UNKNOWN
        case _:
            return UNKNOWN


def features(server: Server) -> frozenset[str]:
    """What the server has; of one that is not known, what can be tried and is told apart by its refusal."""
    if server.distribution == "serverless":
        return _SERVERLESS
    if server.distribution == "oss":
        return frozenset()
    if server.distribution not in _NAMES or not any(server.version):
        return _TRIED
    column = 1 if server.distribution == "opensearch" else 0
    return frozenset(name for name, since in _SINCE.items() if (first := since[column]) and server.version >= first)


def retaining(features: frozenset[str]) -> str:
    """Which of RETAINING is used with these features; empty when there is none."""
    return next((way for way in RETAINING if way in features), "")


def has_streams(server: Server) -> bool:
    """Whether it can have data streams, as far as its version tells."""
    old = server.distribution == "elasticsearch" and any(server.version) and server.version < _STREAMS
    return not old and server.distribution != "oss"


def _server(distribution: str, number: str) -> Server:
    version = parse_version(number)
    return Server(distribution, version) if version else UNKNOWN


def _loads(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except ValueError:
        return None
