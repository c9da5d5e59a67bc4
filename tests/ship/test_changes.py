"""The plan: for each server, and for what it has already, which changes and why."""

import pytest

from logagent.ship import changes, flavor, lifecycle, template
from logagent.ship.changes import Change, Wanted
from logagent.ship.flavor import UNKNOWN, Server
from logagent.ship.found import NOTHING, Found, Seen, Stream

WEEK = 7 * 86400.0
STREAM = "logs-docker.container_logs-default"
NAME = "logagent-logs-docker"
PUT_TEMPLATE, PUT_ILM = f"PUT /_index_template/{NAME}", f"PUT /_ilm/policy/{NAME}"
PUT_ISM = f"PUT /_plugins/_ism/policies/{NAME}"
ES9, ES8, ES7 = (Server("elasticsearch", version) for version in ((9, 2, 0), (8, 15, 0), (7, 17, 9)))
OS3, SERVERLESS = Server("opensearch", (3, 1, 0)), Server("serverless")
OURS = Found("ours", lifecycle.VERSION, "7d")


def plan(server: Server, seen: Seen = NOTHING, retention: float | None = WEEK, stream: str = STREAM):
    """The plan with all features that a server should have."""
    return changes.plan(Wanted(stream, retention), server, seen, flavor.features(server))


def told(made: tuple[Change, ...]) -> list[str]:
    """A plan as lines."""
    return [f"{c.action} {c.what}: {c.reason}" if c.skipped else f"{c.action} {c.method} {c.path}" for c in made]


@pytest.mark.parametrize(
    ("server", "retention", "expected"),
    [
        (ES9, WEEK, [f"create {PUT_TEMPLATE}"]),
        (ES8, None, [f"create {PUT_TEMPLATE}"]),
        (SERVERLESS, WEEK, [f"create {PUT_TEMPLATE}"]),
        (UNKNOWN, WEEK, [f"create {PUT_TEMPLATE}"]),
        (Server("elasticsearch", (8, 13, 4)), WEEK, [f"create {PUT_ILM}", f"create {PUT_TEMPLATE}"]),
        (ES7, None, [f"create {PUT_ILM}", f"create {PUT_TEMPLATE}"]),
        (OS3, WEEK, [f"create {PUT_ISM}", f"create {PUT_TEMPLATE}"]),
        (Server("elasticsearch", (7, 10, 2)), None, [f"create {PUT_TEMPLATE}"]),
        (
            Server("elasticsearch", (7, 10, 2)),
            WEEK,
            [
                "lack retention: the server has none of data stream lifecycle, ILM and ISM that can be used",
                f"create {PUT_TEMPLATE}",
            ],
        ),
        (
            Server("elasticsearch", (7, 6, 0)),
            WEEK,
            [
                f"lack index template {NAME}: Elasticsearch 7.6.0 has no data streams: Elasticsearch's default distribution from 7.9 on has them, and OpenSearch"
            ],
        ),
    ],
    ids=str,
)
def test_on_an_empty_server(server, retention, expected):
    """A policy where one is needed, and before the template that names it."""
    assert expected == told(plan(server, retention=retention))


@pytest.mark.parametrize("server", [ES9, ES7, OS3, SERVERLESS, UNKNOWN], ids=str)
def test_the_template_is_made_for_the_server(server):
    """It is made of what the server has, and names its policy."""
    named = NAME if server == ES7 else None
    body = template.template(STREAM, flavor.features(server), retention=WEEK, policy=named)
    assert body == plan(server)[-1].body


@pytest.mark.parametrize(
    ("server", "seen", "expected"),
    [
        (ES8, Seen(OURS), [f"keep index template {NAME}: it is ours, and right"]),
        (ES8, Seen(Found("ours", 99)), [f"keep index template {NAME}: a newer logagent made it"]),
        (ES8, Seen(Found("ours", 1, "7d")), [f"update {PUT_TEMPLATE}"]),
        (ES8, Seen(Found("ours", lifecycle.VERSION)), [f"update {PUT_TEMPLATE}"]),
        (
            ES8,
            Seen(Found("foreign")),
            [f"leave index template {NAME}: it is there, and logagent did not make it: it stays as it is"],
        ),
        (
            ES8,
            Seen(Found("forbidden")),
            [
                f"lack index template {NAME}: we may not even look: give the privilege manage_index_templates, or make it yourself"
            ],
        ),
        (
            ES7,
            Seen(OURS, OURS),
            [f"keep ILM policy {NAME}: it is ours, and right", f"keep index template {NAME}: it is ours, and right"],
        ),
        (ES7, Seen(OURS), [f"create {PUT_ILM}", f"keep index template {NAME}: it is ours, and right"]),
        (
            ES7,
            Seen(NOTHING.template, Found("foreign")),
            [
                f"leave ILM policy {NAME}: it is there, and logagent did not make it: it stays as it is",
                f"create {PUT_TEMPLATE}",
            ],
        ),
        (
            OS3,
            Seen(OURS, Found("ours", lifecycle.VERSION, "1d", (5, 1))),
            [f"update {PUT_ISM}?if_seq_no=5&if_primary_term=1", f"keep index template {NAME}: it is ours, and right"],
        ),
    ],
)
def test_on_a_server_that_has_something(server, seen, expected):
    """What is ours is brought up to date, what is not is left, each with its reason."""
    assert expected == told(plan(server, seen))


def test_a_foreign_policy_is_not_named():
    """It might delete: then the template keeps no retention, and does not say that it does."""
    body = plan(ES7, Seen(NOTHING.template, Found("foreign")))[-1].body
    assert template.template(STREAM, flavor.features(ES7)) == body


@pytest.mark.parametrize(
    ("before", "retention", "expected"),
    [
        ("7d", WEEK, []),
        ("7d", None, ["logs-a"]),
        ("1d", WEEK, ["logs-b"]),
        (None, WEEK, ["logs-c"]),
    ],
)
def test_streams_go_along(before, retention, expected):
    """Of the streams made by our template, those that keep what it said so far get what it says now."""
    streams = [Stream("logs-a", NAME, "7d"), Stream("logs-b", NAME, "1d"), Stream("logs-c", NAME, None)]
    foreign = [Stream(s.name.upper(), "logs", s.retention) for s in streams]
    seen = Seen(Found("ours", lifecycle.VERSION, before), streams=(*streams, *foreign))
    made = [c for c in plan(ES8, seen, retention) if c.what.startswith("data stream")]
    assert expected == [c.what.removeprefix("data stream ") for c in made]
    assert [lifecycle.stream(retention)] * len(made) == [c.body for c in made]


def test_skipped_and_wrong():
    """Only what is to be made is not skipped; only what is wanted and will not be is wrong."""
    kinds = {action: Change("x", action, "y") for action in ("create", "update", "keep", "leave", "lack")}
    assert ["keep", "leave", "lack"] == [action for action, change in kinds.items() if change.skipped]
    assert ["leave", "lack"] == [action for action, change in kinds.items() if change.wrong]
