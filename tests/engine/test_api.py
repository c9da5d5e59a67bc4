"""The Engine API, on a fake engine behind a real socket."""

import logging
import socket
import subprocess
import sys
from unittest import mock

import pytest

from logagent.engine.api import Engine, EngineError, EngineInfo, engine_url, listens
from logagent.model import Container, Image
from tests.engine.files import IDS


@pytest.fixture
def engine(fake):
    """A connection to the fake engine."""
    engine = Engine.connect(fake.url)
    assert engine is not None
    yield engine
    engine.close()


def test_the_engine_tells_about_itself(engine):
    """Data root, version and host name come from the engine's info."""
    assert EngineInfo("/srv/docker", "20.10.24", "host-1") == engine.info()
    assert ("/srv/docker", "host-1") == (engine.data_root, engine.host_name)


def test_containers_are_those_of_the_inspection(engine, fake):
    """Each container is listed with everything that its inspection tells."""
    config = {"Image": "r:5000/app:1", "Tty": True, "Labels": {"a": "b"}}
    fake.put_container(IDS[0], "web-1", Config=config)
    expected = Container(
        id=IDS[0],
        name="web-1",
        image=Image("r:5000/app", "1"),
        labels={"a": "b"},
        tty=True,
        log_path=f"/srv/docker/containers/{IDS[0]}/{IDS[0]}-json.log",
        created="2026-01-02T03:04:05.678901234Z",
    )
    assert [expected] == engine.containers()
    assert expected == engine.container(IDS[0])


def test_a_container_without_a_log_file_yet_gets_its_place_under_the_data_root(engine, fake):
    """Before its first start a json-file container's path is made from the engine's data root."""
    fake.put_container(IDS[0], "new", "created", LogPath="")
    assert [f"/srv/docker/containers/{IDS[0]}/{IDS[0]}-json.log"] == [c.log_path for c in engine.containers()]


def test_inspections_are_kept_until_the_list_shows_a_change(engine, fake):
    """Unchanged containers cost one request for all; a new name or state is inspected again."""
    fake.put_container(IDS[0], "a")
    fake.put_container(IDS[1], "b")
    engine.containers()
    fake.asked.clear()
    engine.containers()
    assert ["/containers/json"] == fake.asked
    fake.put_container(IDS[1], "renamed")
    assert {"a", "renamed"} == {container.name for container in engine.containers()}
    fake.put_container(IDS[1], "renamed", "exited")
    assert {True, False} == {container.running for container in engine.containers()}
    assert [f"/containers/{IDS[1]}/json"] * 2 == [path for path in fake.asked if IDS[1] in path]


def test_inspections_are_dropped_with_their_container(engine, fake):
    """What is gone takes no memory."""
    fake.put_container(IDS[0], "a")
    engine.containers()
    fake.drop_container(IDS[0])
    assert [] == engine.containers()
    assert {} == engine._inspected


def test_a_container_that_goes_between_list_and_inspection_is_left_out(engine, fake):
    """A 404 for one container is no failure of the list."""
    fake.put_container(IDS[0], "stays")
    fake.put_container(IDS[1], "goes")
    del fake.answers[f"/containers/{IDS[1]}/json"]
    assert ["stays"] == [container.name for container in engine.containers()]
    assert engine.container(IDS[1]) is None


def test_ids_that_are_none_are_passed_over(engine, fake):
    """Only whole ids become containers, for they become paths."""
    fake.put_container("../../etc", "odd")
    fake.asked.clear()
    assert [] == engine.containers()
    assert ["/containers/json"] == fake.asked


@pytest.mark.parametrize(
    "answer", [(500, {"message": "boom"}), (200, b"{"), (200, {"x": 1}), (200, [{"x": 1}]), (200, 7)]
)
def test_a_list_that_makes_no_sense_is_an_engine_error(engine, fake, answer):
    """Errors and foreign shapes come out as one kind of error, with what was asked."""
    fake.answers["/containers/json"] = answer
    with pytest.raises(EngineError, match="the Docker engine did not list its containers"):
        engine.containers()


def test_an_engine_that_goes_away_is_an_engine_error_until_it_is_back(engine, fake):
    """The same client goes on with the engine that comes back."""
    fake.put_container(IDS[0], "a")
    assert engine.containers()
    fake.stop()
    fake.answers.pop(f"/containers/{IDS[0]}/json")
    with pytest.raises(EngineError):
        engine.container(IDS[0])
    fake.start()
    fake.put_container(IDS[0], "b")
    assert ["b"] == [container.name for container in engine.containers()]


def test_no_socket_means_no_engine(tmp_path):
    """Where nothing is, or something else, or nobody listens, there is no engine."""
    (tmp_path / "file").write_text("no socket")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))
    for name in ("none", "file", "dead"):
        assert Engine.connect(f"unix://{tmp_path}/{name}", 1) is None
    for url in ("tcp://127.0.0.1:1", "unix://", "tcp://", "tcp://h:port", "nonsense"):
        assert Engine.connect(url, 1) is None


def test_a_socket_that_this_user_may_not_use_is_said(caplog):
    """The operator learns what to do when it is only a matter of rights."""
    with mock.patch("socket.socket.connect", side_effect=PermissionError(13, "Permission denied")):
        assert not listens("unix:///var/run/docker.sock", 1)
    assert "add it to its group" in caplog.text


def test_something_else_behind_the_socket_is_no_engine(fake, caplog):
    """A server that answers otherwise is refused with a warning."""
    fake.answers["/version"] = (200, {"hello": "world"})
    with caplog.at_level(logging.WARNING):
        assert Engine.connect(fake.url) is None
    assert "no engine that we can talk to" in caplog.text


def test_an_engine_that_does_not_tell_about_itself_is_none(fake):
    """Without its info there is no use in an engine."""
    fake.answers["/info"] = (500, {"message": "boom"})
    assert Engine.connect(fake.url) is None


def test_the_address_is_the_setting_the_environment_s_or_the_usual_one(monkeypatch):
    """DOCKER_HOST counts as it does for the docker command."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
    assert "unix:///x" == engine_url("unix:///x")
    assert "tcp://10.0.0.1:2375" == engine_url()
    monkeypatch.delenv("DOCKER_HOST")
    assert "unix:///var/run/docker.sock" == engine_url()


def test_the_sdk_is_not_loaded_where_no_engine_is(tmp_path):
    """A host without a socket does not pay for the SDK's 18 MB."""
    script = (
        "import sys; from logagent.engine import api, events, host, inventory, select\n"
        f"assert api.Engine.connect('unix://{tmp_path}/none') is None\n"
        "print([name for name in ('docker', 'requests', 'urllib3') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "[]\n" == run.stdout
