"""Setting a server up: what it is, what it has, what is made, and how each of its answers is taken."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from logagent import parts
from logagent.config.load import load
from logagent.errors import Failure
from logagent.ship import lifecycle, template
from logagent.ship.bulk import Again, Fault
from logagent.ship.changes import Wanted
from logagent.ship.elastic import Elastic, Unreachable
from logagent.ship.flavor import UNKNOWN, Server
from logagent.ship.setup import discover, look, prepare, set_up
from logagent.ship.shipper import Shipper
from tests.ship.cluster import ELASTICSEARCH, FORBIDDEN, NO_HANDLER, OLDER, OPENSEARCH, SERVERLESS, Cluster
from tests.ship.conftest import STREAM, Filled
from tests.ship.server import BulkServer, index, slow, status

Connect = Callable[..., Elastic]

NAME = "logagent-logs-docker"
TEMPLATE, ILM, ISM = f"/_index_template/{NAME}", f"/_ilm/policy/{NAME}", f"/_plugins/_ism/policies/{NAME}"
STREAMS = "/_data_stream/logs-docker.*-*"
DAY = 86400.0
FOREIGN: dict[str, Any] = {"index_patterns": ["logs-*"], "_meta": {"managed_by": "somebody"}}


@pytest.fixture
def cluster(server: BulkServer) -> Cluster:
    """What the scripted server has and is."""
    made = Cluster()
    server.otherwise = made
    return made


@pytest.fixture
def client(server: BulkServer, connect: Connect) -> Elastic:
    """The wire to it."""
    return connect(server.url)


def written(cluster: Cluster) -> list[str]:
    """Where something was written."""
    return [path for path, _ in cluster.writes]


def ours(version: object, retention: str | None = None) -> dict[str, Any]:
    """A template of ours, of some version."""
    meta = {"managed_by": "logagent", "version": version} | ({"retention": retention} if retention else {})
    return {"index_patterns": ["x"], "_meta": meta}


# What it is


@pytest.mark.parametrize(
    ("root", "nodes", "expected"),
    [
        (ELASTICSEARCH, None, Server("elasticsearch", (8, 15, 0))),
        (OPENSEARCH, None, Server("opensearch", (3, 1, 0))),
        (SERVERLESS, None, Server("serverless")),
        (None, "8.15.0", Server("elasticsearch", (8, 15, 0))),
        (None, None, UNKNOWN),
        ({"errors": False}, "9.2.0", Server("elasticsearch", (9, 2, 0))),
    ],
)
def test_discover(client: Elastic, cluster: Cluster, root, nodes, expected) -> None:
    """The server says what it is at its root, or about its node where it has no root."""
    cluster.root, cluster.nodes = root, nodes
    assert expected == discover(client)


def test_a_server_that_may_not_be_asked_is_unknown(client: Elastic, cluster: Cluster) -> None:
    """Without the privilege to monitor, the features are tried instead: the template is made all the same."""
    cluster.refused = {("GET", "/"): (403, FORBIDDEN)}
    assert UNKNOWN == discover(client)
    cluster.refused = {("GET", "/_nodes"): (403, FORBIDDEN)}
    cluster.root = None
    assert prepare(client) is None
    assert [TEMPLATE] == written(cluster)


# What is made


def test_created_on_current_elasticsearch(client: Elastic, cluster: Cluster) -> None:
    """One template is all that is made, and it has the retention; a second time nothing is written."""
    assert prepare(client, 30 * DAY) is None
    assert prepare(client, 30 * DAY) is None
    assert [TEMPLATE] == written(cluster)
    made = cluster.contents[TEMPLATE]
    assert {"enabled": True, "data_retention": "30d"} == made["template"]["lifecycle"]
    assert {"managed_by": "logagent", "version": lifecycle.VERSION, "retention": "30d"} == made["_meta"]


@pytest.mark.parametrize(
    "features", [set(), {"match_only_text"}, {"constant_keyword"}, {"ignore_dynamic_beyond_limit", "[lifecycle]"}]
)
@pytest.mark.parametrize("root", [ELASTICSEARCH, None])
def test_created_with_what_the_server_has(client: Elastic, cluster: Cluster, features, root) -> None:
    """What a server refuses by name, whatever its version promised, is left out, and no more than that."""
    every = {*template.FEATURES, "[lifecycle]", "index.lifecycle.name"}
    cluster.root, cluster.lacks = root, {f.strip("[]") for f in every - features} - {"index.lifecycle.name"}
    cluster.unserved = {"/_ilm"}
    (done, *_) = set_up(client, Wanted(STREAM))
    assert not done.problem
    text = str(cluster.contents[TEMPLATE])
    assert {f.strip("[]") for f in features} == {f for f in (f.strip("[]") for f in every) if f in text}
    assert tuple(sorted(cluster.lacks)) == done.without


def test_created_on_older_elasticsearch(client: Elastic, cluster: Cluster) -> None:
    """Without data stream lifecycle, an ILM policy is made first, and the template names it."""
    cluster.root = OLDER
    for _ in range(2):
        assert prepare(client, 7 * DAY) is None
    assert [ILM, TEMPLATE] == written(cluster)
    assert "7d" == cluster.contents[ILM]["policy"]["phases"]["delete"]["min_age"]
    made = cluster.contents[TEMPLATE]
    assert (NAME, "7d") == (made["template"]["settings"]["index.lifecycle.name"], made["_meta"]["retention"])
    assert "lifecycle" not in made["template"]


def test_told_as_it_was_made(client: Elastic, cluster: Cluster) -> None:
    """A policy that was made before the template had to be planned again is told as made, and once."""
    cluster.root, cluster.lacks = OLDER, {"match_only_text"}
    made = set_up(client, Wanted(STREAM))
    assert [ILM, TEMPLATE] == written(cluster)
    assert [("create", ()), ("create", ("match_only_text",))] == [(done.change.action, done.without) for done in made]


def test_created_on_opensearch(client: Elastic, cluster: Cluster) -> None:
    """There the policy is ISM's, and finds its streams by itself; it is changed at the place where it was read."""
    cluster.root = OPENSEARCH
    for retention in (7 * DAY, 7 * DAY, 14 * DAY):
        assert prepare(client, retention) is None
    place = "?if_seq_no=7&if_primary_term=2"
    assert [ISM, TEMPLATE, f"{ISM}{place}", TEMPLATE] == written(cluster)
    policy = cluster.contents[ISM]["policy"]
    assert [{"index_patterns": ["logs-docker.*-*"], "priority": 240}] == policy["ism_template"]
    assert "14d" == policy["states"][0]["transitions"][0]["conditions"]["min_rollover_age"]


def test_no_value_of_meta_is_null(client: Elastic, cluster: Cluster) -> None:
    """Elasticsearch would take such a template, and fail to make a stream of it."""
    for cluster.root in (ELASTICSEARCH, OLDER, OPENSEARCH):
        assert prepare(client) is None
    assert None not in [value for _, body in cluster.writes for value in body.get("_meta", {}).values()]
    assert "retention" not in cluster.contents[TEMPLATE]["_meta"]


# What is there


@pytest.mark.parametrize("version", [1, "0.1.0"])
def test_an_older_one_of_ours_is_updated(client: Elastic, cluster: Cluster, version) -> None:
    """What an older logagent made becomes what this one would make."""
    cluster.contents[TEMPLATE] = ours(version)
    assert prepare(client) is None
    assert lifecycle.VERSION == cluster.contents[TEMPLATE]["_meta"]["version"]
    assert ["logs-docker.*-*"] == cluster.contents[TEMPLATE]["index_patterns"]


@pytest.mark.parametrize("version", [lifecycle.VERSION, lifecycle.VERSION + 1])
def test_ours_is_left_when_it_is_right(client: Elastic, cluster: Cluster, version, caplog) -> None:
    """What is ours and not older is not written again, whatever somebody changed in it; that is no news."""
    cluster.contents[TEMPLATE] = ours(version, "7d")
    assert prepare(client, 7 * DAY) is None
    assert [] == cluster.writes
    assert [] == caplog.records


@pytest.mark.parametrize("root", [ELASTICSEARCH, OLDER, OPENSEARCH])
def test_a_foreign_template_is_left_alone(client: Elastic, cluster: Cluster, root, caplog) -> None:
    """A template that we did not make is never written, nor is anything beside it; that is told."""
    cluster.root, cluster.contents[TEMPLATE] = root, FOREIGN
    assert prepare(client, 7 * DAY) is None
    assert [] == cluster.writes
    assert [logging.WARNING] == [record.levelno for record in caplog.records]
    assert "logagent did not make it" in caplog.text


@pytest.mark.parametrize(
    "there",
    [
        (OLDER, ILM, {"policy": {"phases": {}}}),
        (OLDER, ILM, {"policy": {"phases": {}, "_meta": {"managed": True}}}),
        (OPENSEARCH, ISM, {"policy": {"description": "mine"}}),
    ],
)
def test_a_foreign_policy_is_left_alone(client: Elastic, cluster: Cluster, there, caplog) -> None:
    """A policy that we did not make is neither written nor named: it could delete; the template is made without."""
    cluster.root, path, body = there
    cluster.contents[path] = body
    assert prepare(client, 7 * DAY) is None
    assert [TEMPLATE] == written(cluster)
    assert {} == {k: v for k, v in cluster.contents[TEMPLATE]["template"]["settings"].items() if "lifecycle" in k}
    assert "retention" not in cluster.contents[TEMPLATE]["_meta"]
    assert "logagent did not make it" in caplog.text


def test_streams_go_along_with_their_template(client: Elastic, cluster: Cluster) -> None:
    """When the retention changes, streams that have it from our template get the new one; others keep theirs."""
    cluster.contents[TEMPLATE] = ours(lifecycle.VERSION, "7d")
    streams = [("a", NAME, "7d"), ("own", NAME, "90d"), ("other", "logs", "7d"), ("none", NAME, None)]
    cluster.contents[STREAMS] = {
        "data_streams": [
            {"name": f"logs-docker.{name}-x", "template": made_by}
            | ({"lifecycle": {"data_retention": kept}} if kept else {})
            for name, made_by, kept in streams
        ]
    }
    assert prepare(client, 14 * DAY) is None
    lifecycle_path = "/_data_stream/logs-docker.a-x/_lifecycle"
    assert [lifecycle_path, TEMPLATE] == written(cluster)
    assert {"enabled": True, "data_retention": "14d"} == cluster.contents[lifecycle_path]


def test_streams_that_cannot_be_listed(client: Elastic, cluster: Cluster) -> None:
    """They keep the retention that they have, and the change of the template says so."""
    cluster.contents[TEMPLATE] = ours(lifecycle.VERSION, "7d")
    cluster.forbidden = {"/_data_stream"}
    (done,) = set_up(client, Wanted(STREAM))
    assert [TEMPLATE] == written(cluster)
    assert "keep the retention that they have" in done.change.reason


# What may not be, or cannot be


@pytest.mark.parametrize("refused", [("GET", TEMPLATE), ("PUT", TEMPLATE)])
def test_goes_on_without_the_privilege(client: Elastic, cluster: Cluster, refused, caplog) -> None:
    """Where we may not look or not make, that is told once with the privilege, and shipping goes on."""
    cluster.refused = {refused: (403, FORBIDDEN)}
    assert prepare(client) is None
    assert [] == cluster.writes
    assert [logging.WARNING] == [record.levelno for record in caplog.records]
    assert "manage_index_templates" in caplog.text
    assert "setup: off" in caplog.text


def test_goes_on_where_it_is_refused(client: Elastic, cluster: Cluster, caplog) -> None:
    """A template that the server will not have, for another one of the same priority, is told with that reason."""
    body = b'{"error":{"type":"illegal_argument_exception","reason":"... that have the same priority [240], ..."}}'
    cluster.refused = {("PUT", TEMPLATE): (400, body)}
    assert prepare(client) is None
    assert "another template for these streams has the same priority" in caplog.text


@pytest.mark.parametrize("refused", [("GET", ILM), ("PUT", ILM)])
@pytest.mark.parametrize("answer", [(403, FORBIDDEN), (400, NO_HANDLER)])
def test_a_policy_that_cannot_be(client: Elastic, cluster: Cluster, refused, answer, caplog) -> None:
    """The template is made without it, does not claim the retention, and the next setup tries again."""
    cluster.root, cluster.refused = OLDER, {refused: answer}
    assert prepare(client, 7 * DAY) is None
    assert [TEMPLATE] == written(cluster)
    assert 1 == len(caplog.records)
    assert "ILM policy" in caplog.text
    assert "retention" not in cluster.contents[TEMPLATE]["_meta"]
    cluster.refused = {}
    assert prepare(client, 7 * DAY) is None
    assert [TEMPLATE, ILM, TEMPLATE] == written(cluster)


def test_a_policy_that_nobody_asked_for(client: Elastic, cluster: Cluster, caplog) -> None:
    """Without a retention in the settings, it is no news that policies are not ours to make."""
    cluster.root, cluster.forbidden = OLDER, {"/_ilm"}
    assert prepare(client) is None
    assert [TEMPLATE] == written(cluster)
    assert [] == [record for record in caplog.records if record.levelno > logging.INFO]


def test_a_retention_that_nothing_keeps(client: Elastic, cluster: Cluster, caplog) -> None:
    """A server without any way to keep a retention gets the template, and the operator is told."""
    cluster.root, cluster.lacks = None, {"lifecycle"}
    assert prepare(client, 7 * DAY) is None
    assert [TEMPLATE] == written(cluster)
    assert "none of data stream lifecycle, ILM and ISM" in caplog.text


@pytest.mark.parametrize(
    ("refused", "verdict"),
    [
        ({("GET", "/"): (503, b"{}")}, Again),
        ({("GET", "/"): (401, b"{}")}, Fault),
        ({("GET", TEMPLATE): (503, b"{}")}, Again),
        ({("GET", TEMPLATE): (401, b"{}")}, Fault),
        ({("GET", TEMPLATE): (400, NO_HANDLER)}, Fault),
        ({("PUT", TEMPLATE): (429, b"{}")}, Again),
        ({("PUT", TEMPLATE): (404, b"{}")}, Fault),
        ({("PUT", TEMPLATE): (409, b"{}")}, Again),
        ({("PUT", TEMPLATE): (400, b'{"error":{"reason":"[index_template] unknown field [data_stream]"}}')}, Fault),
    ],
)
def test_tried_again(client: Elastic, cluster: Cluster, refused, verdict: type) -> None:
    """A server that cannot answer now is asked later; one that cannot ever is a fault that pauses shipping."""
    cluster.refused = refused
    assert verdict is type(prepare(client))


def test_too_old(client: Elastic, server: BulkServer, cluster: Cluster) -> None:
    """A version without data streams is a fault before anything is asked of it, and the plan says so."""
    cluster.root = {"version": {"number": "7.8.1"}}
    verdict = prepare(client)
    assert isinstance(verdict, Fault)
    assert "7.8.1" in verdict.reason
    assert ["GET"] == [request.method for request in server.requests]
    (change,) = look(client, Wanted(STREAM)).plan(Wanted(STREAM))
    assert ("lack", True) == (change.action, "no data streams" in change.reason)


def test_unreachable(connect: Connect) -> None:
    """A server that is not there is the shipper's to wait for."""
    with pytest.raises(Unreachable):
        prepare(connect("http://127.0.0.1:1"))


# In the shipper


def test_shipping_waits_for_it(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """No frame goes out before the server is set up, and a server that is down then does not end anything."""
    filled.fill(1)
    cluster = Cluster()
    server.script += [status(503), status(401), cluster, cluster, cluster, index]
    shipper = Shipper(filled.store, "es", connect(server.url), prepare=prepare, random=lambda: 0.5)
    assert [0.25, 0.5, 0.0] == [shipper.step(1.0) for _ in range(3)]
    assert ["GET", "GET", "GET", "GET", "PUT"] == [request.method for request in server.requests]
    assert "" == shipper.paused
    shipper.step(1.0)
    assert (1, 3, 0, 0, 0) == filled.output


def test_threads_start_with_it(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """All workers begin at once when it is settled."""
    cluster = Cluster()
    server.script += [status(503), cluster, cluster, cluster]
    server.otherwise = slow(0.1)
    client = connect(server.url)
    shipper = Shipper(filled.store, "es", client, prepare=prepare, backoff_min=0.2, backoff_max=0.2, random=lambda: 1.0)
    last = filled.fill(8)
    shipper.start()
    assert shipper.wait_drained(last, 4)
    assert 2 == server.most_open
    assert shipper.stop(5)


@pytest.mark.parametrize(("setting", "expected"), [("auto", [TEMPLATE]), ("off", [])])
def test_the_settings_reach_it(filled: Filled, server: BulkServer, cluster: Cluster, setting, expected) -> None:
    """An output's setup says whether there is any, its retention how long documents are kept."""
    given = {"url": server.url, "name": "es", "setup": setting, "retention": "30d"}
    settings = load(None, {}, {"outputs": [given]}, default=filled.folder / "none.yaml")
    shipper = parts.shipper(filled.store, settings.outputs[0], settings)
    assert shipper.step(1.0) in (0.0, None)
    assert expected == written(cluster)
    assert ["30d"] * len(expected) == [body["_meta"]["retention"] for _, body in cluster.writes]


@pytest.mark.parametrize("given", [{"setup": "maybe"}, {"retention": "59m"}, {"retention": "for ever"}])
def test_settings_that_cannot_be(given, tmp_path) -> None:
    """A retention is an hour or more, as indices are cut by the hour at least; setup is auto or off."""
    with pytest.raises(Failure) as ended:
        load(None, {}, {"outputs": [{"url": "http://es:9200", **given}]}, default=tmp_path / "none.yaml")
    assert next(iter(given)) in str(ended.value)
