"""The index template: what it says, and how each server's answer to it is taken."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from logagent.ship import template
from logagent.ship.bulk import Again, Fault
from logagent.ship.elastic import Elastic
from logagent.ship.setup import prepare
from logagent.ship.shipper import Shipper
from tests.ship.conftest import STREAM, Filled
from tests.ship.server import BulkServer, Request, index, slow, status

Connect = Callable[..., Elastic]


def has(features: set[str]) -> Callable[[Request], None]:
    """A server of these features: it refuses a template that has others, one at a time, as the real one does."""

    def act(request: Request) -> None:
        lacking = [f for f in sorted(template.FEATURES - features) if f.encode() in request.raw]
        body = b'{"error":{"type":"x","reason":"unknown [%s]"}}' % lacking[0].encode() if lacking else b"{}"
        request.reply(400 if lacking else 200, body)

    return act


def fields(mappings: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """All fields of a mapping with their types."""
    for key, value in mappings["properties"].items():
        if "properties" in value:
            yield from fields(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value["type"]


def test_template() -> None:
    """The template is for exactly our stream, above the built-in one, with nanoseconds and our fields."""
    made = template.template(STREAM)
    assert ([STREAM], 250, {}) == (made["index_patterns"], made["priority"], made["data_stream"])
    known = dict(fields(made["template"]["mappings"]))
    assert ("date_nanos", "match_only_text", "keyword", "long") == (
        known["@timestamp"],
        known["message"],
        known["container.image.hash.all"],
        known["log.offset"],
    )
    assert "container_logs" in orjson.dumps(made).decode()


@pytest.mark.parametrize("features", [set(), {"match_only_text"}, {"constant_keyword"}, set(template.FEATURES)])
def test_created_with_what_the_server_has(server: BulkServer, connect: Connect, features: set[str]) -> None:
    """An absent template is created with all that the server has, and no more."""
    server.script.append(status(404))
    server.otherwise = has(features)
    assert prepare(connect(server.url)) is None
    last = server.requests[-1]
    assert ("PUT", f"/_index_template/logagent-{STREAM}") == (last.method, last.path)
    assert features == {f for f in template.FEATURES if f.encode() in last.raw}


def test_left_as_it_is(server: BulkServer, connect: Connect) -> None:
    """A template that is there is not written again."""
    server.script.append(status(200))
    assert prepare(connect(server.url)) is None
    assert ["GET"] == [request.method for request in server.requests]


@pytest.mark.parametrize("answers", [[status(403)], [status(404), status(403)], [status(404), status(400)]])
def test_goes_on_without(
    server: BulkServer, connect: Connect, answers: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Where we may not create it, or the server will not have it, that is told once and shipping goes on."""
    server.script += answers
    assert prepare(connect(server.url)) is None
    assert [logging.WARNING] == [record.levelno for record in caplog.records]
    assert "manage_index_templates" in caplog.text


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([status(503)], Again),
        ([status(404), status(429)], Again),
        ([status(401)], Fault),
        ([status(404), status(404)], Fault),
        ([status(400, b'{"error":"no handler found for uri [/_index_template/x] and method [GET]"}')], Fault),
        ([status(404), status(400, b'{"error":{"reason":"[index_template] unknown field [data_stream]"}}')], Fault),
    ],
)
def test_tried_again(server: BulkServer, connect: Connect, answers: list[Any], verdict: type) -> None:
    """A server that cannot answer now is asked later; one that cannot ever is a fault that pauses shipping."""
    server.script += answers
    assert verdict is type(prepare(connect(server.url)))


def test_shipping_waits_for_it(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """No frame goes out before the template is settled, and a server that is down then does not end anything."""
    filled.fill(1)
    server.script += [status(503), status(401), status(404), status(200), index]
    shipper = Shipper(filled.store, "es", connect(server.url), prepare=prepare, random=lambda: 0.5)
    assert [0.25, 0.5, 0.0] == [shipper.step(1.0) for _ in range(3)]
    assert ["GET", "GET", "GET", "PUT"] == [request.method for request in server.requests]
    assert "" == shipper.paused
    shipper.step(1.0)
    assert (1, 3, 0, 0, 0) == filled.output


def test_threads_start_with_it(filled: Filled, server: BulkServer, connect: Connect) -> None:
    """All workers begin at once when it is settled."""
    server.script += [status(503), status(200)]
    server.otherwise = slow(0.1)
    client = connect(server.url)
    shipper = Shipper(filled.store, "es", client, prepare=prepare, backoff_min=0.2, backoff_max=0.2, random=lambda: 1.0)
    last = filled.fill(8)
    shipper.start()
    assert shipper.wait_drained(last, 4)
    assert 2 == server.most_open
    assert shipper.stop(5)
