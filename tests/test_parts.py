"""From settings to parts: what an output's settings make of it, seen from the server."""

import pytest

from logagent import parts
from logagent.config.document import Document
from logagent.config.settings import Output, Settings
from tests.ship.conftest import filled, server  # noqa: F401 - fixtures

OWN = "/logs-docker.other-default/_bulk?"


@pytest.mark.parametrize(
    ("document", "more", "expected"),
    [
        ({}, {"setup": "off"}, ["/logs-docker.container_logs-default/_bulk?filter_path="]),
        ({"dataset": "docker.{service}"}, {"setup": "off"}, [f"{OWN}filter_path="]),
        ({"dataset": "docker.{service}"}, {"setup": "off", "pipeline": "a b"}, [f"{OWN}pipeline=a%20b&"]),
        ({"dataset": "docker.{service}"}, {"index": "lines-2"}, ["/lines-2/_bulk?filter_path="]),
    ],
)
def test_where_an_output_sends(filled, server, document, more, expected):  # noqa: F811 - fixtures
    """To the default data stream, by way of a pipeline when there is one, or to a plain index, for which no template is made."""
    filled.add("a line")
    output = Output(url=server.url, name="es", **more)
    shipper = parts.shipper(filled.store, output, Settings(document=Document(**document), outputs=(output,)))
    while shipper.step(0.0) is not None:
        pass
    shipper.client.close()
    assert len(expected) == len(server.requests)
    assert all(request.path.startswith(start) for request, start in zip(server.requests, expected, strict=True))
