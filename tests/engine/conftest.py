"""What tests of the engine share."""

import pytest

from tests.engine.fake import FakeEngine


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A fake engine, and nothing of this machine's Docker settings."""
    for name in ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    engine = FakeEngine(tmp_path / "s")
    yield engine
    engine.stop()
