"""Fixtures of several verbs: the scripted server, and a verb run with settings that name it as the only output."""

import pytest
from click.testing import CliRunner

from tests.ship.server import BulkServer


@pytest.fixture
def server():
    """The scripted server."""
    made = BulkServer()
    with made.run() as made.url:
        yield made


@pytest.fixture
def invoke(store, tmp_path, server):
    """Run a verb with settings that have the store and the server as output `es`, without a template."""
    file = tmp_path / "logagent.yaml"
    output = f"{{url: '{server.url}', name: es, setup: off, backoff_min: 1ms, backoff_max: 5ms}}"
    file.write_text(f"outputs: [{output}]\nstore: {{path: {store.folder}}}\n")

    def call(verb, *arguments, **more):
        return CliRunner().invoke(verb, [*map(str, arguments), "--config", str(file)], **more)

    return call
