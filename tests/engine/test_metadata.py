"""Containers from their metadata files."""

import json
import os
import shutil
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.engine import metadata
from logagent.engine.metadata import describe, list_container_ids, read_container
from logagent.errors import Exit, Failure
from logagent.model import Container, Image
from tests.engine.files import IDS, replace_json, write_container

ID = IDS[0]


def test_everything_that_matters_is_read(tmp_path):
    """Name, image, labels, terminal, driver, options, path, state and time come from the two files."""
    config = {"Image": "r.example:5000/app:1", "Tty": True, "Labels": {"com.docker.compose.service": "api", "a.b": "c"}}
    recorded = f"/var/lib/docker/containers/{ID}/{ID}-json.log"
    directory = write_container(tmp_path, ID, "api-1", Config=config, LogPath=recorded)
    options = {"max-size": "10m", "max-file": "3"}
    replace_json(directory / "hostconfig.json", {"LogConfig": {"Type": "json-file", "Config": options}})
    expected = Container(
        id=ID,
        name="api-1",
        image=Image("r.example:5000/app", "1"),
        labels={"com.docker.compose.service": "api", "a.b": "c"},
        tty=True,
        log_driver="json-file",
        log_options=options,
        log_path=str(directory / f"{ID}-json.log"),
        running=True,
        created="2026-01-02T03:04:05.678901234Z",
    )
    assert expected == read_container(str(directory))
    assert expected == read_container(f"{directory}/")


def test_a_container_that_never_started_gets_the_path_that_it_will_have(tmp_path):
    """An empty LogPath with json-file means the file that the engine will make."""
    directory = write_container(tmp_path, ID, LogPath="", State={"Running": False})
    container = read_container(str(directory))
    assert container is not None
    assert (str(directory / f"{ID}-json.log"), False) == (container.log_path, container.running)


def test_a_driver_without_a_json_file_has_no_path(tmp_path):
    """The local driver leaves LogPath empty: there is nothing for us to read."""
    container = read_container(str(write_container(tmp_path, ID, driver="local")))
    assert container is not None
    assert ("local", None) == (container.log_driver, container.log_path)


def test_paths_are_those_of_the_directory_that_is_read(tmp_path):
    """Behind a symlink or on another mount, the engine's recorded path is re-based."""
    directory = write_container(tmp_path / "real", ID, LogPath=f"/data/docker/containers/{ID}/{ID}-json.log")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    through_link = tmp_path / "link" / "containers" / ID
    container = read_container(str(through_link))
    assert container is not None
    assert str(through_link / directory.joinpath(f"{ID}-json.log").name) == container.log_path


@pytest.mark.parametrize("recorded", ["..", "/x/..", "/x/.", "/x/", "a\0b", 7, None, ["x"]])
def test_a_recorded_path_never_leads_out_of_the_directory(tmp_path, recorded):
    """A log path that names no file counts as none."""
    directory = write_container(tmp_path, ID, LogPath=recorded)
    container = read_container(str(directory))
    assert container is not None
    assert str(directory / f"{ID}-json.log") == container.log_path


def test_without_hostconfig_the_defaults_hold(tmp_path):
    """Between the two renames there may be no hostconfig.json: json-file without options then."""
    directory = write_container(tmp_path, ID)
    (directory / "hostconfig.json").unlink()
    container = read_container(str(directory))
    assert container is not None
    assert ("json-file", {}) == (container.log_driver, container.log_options)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"text"', b"[" * 100_000])
def test_a_config_that_is_none_gives_no_container(tmp_path, content):
    """Missing, damaged and foreign config.v2.json all mean: no container here, for now."""
    directory = write_container(tmp_path, ID)
    (directory / "config.v2.json").write_bytes(content)
    assert read_container(str(directory)) is None
    (directory / "config.v2.json").unlink()
    assert read_container(str(directory)) is None
    assert read_container(str(tmp_path / "gone")) is None


def test_a_config_beyond_all_measure_is_not_loaded(tmp_path):
    """Memory stays bounded whatever lies in the file."""
    directory = write_container(tmp_path, ID)
    with mock.patch.object(metadata, "LARGEST", 100):
        assert read_container(str(directory)) is None


def test_the_id_must_be_the_directory_s_name(tmp_path):
    """A copied directory, or one whose name is no id, is no container."""
    directory = write_container(tmp_path, ID)
    copy = directory.with_name(IDS[1])
    shutil.copytree(directory, copy)
    assert read_container(str(copy)) is None
    odd = write_container(tmp_path, "web")
    assert read_container(str(odd)) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=5,
)
CONFIG_KEYS = ["ID", "Name", "Created", "State", "Config", "LogPath"]
SETTINGS = st.dictionaries(st.sampled_from(["Image", "Tty", "Labels"]), JSON)
HOSTCONFIG = st.dictionaries(st.just("LogConfig"), JSON | st.dictionaries(st.sampled_from(["Type", "Config"]), JSON))


@given(st.dictionaries(st.sampled_from(CONFIG_KEYS), JSON | SETTINGS), HOSTCONFIG)
def test_values_of_wrong_types_never_raise_and_never_get_through(config, hostconfig):
    """Whatever JSON is there, each field of the container has its own type."""
    container = describe(ID, config, hostconfig, "/d")
    assert all(isinstance(text, str) for text in (container.name, container.created, container.image.name))
    assert all(isinstance(flag, bool) for flag in (container.tty, container.running))
    for texts in (container.labels, container.log_options):
        assert all(isinstance(key, str) and isinstance(value, str) for key, value in texts.items())
    assert container.log_path is None or os.path.dirname(container.log_path) == "/d"
    assert json.dumps(container.log_driver)


def test_only_container_directories_are_listed(tmp_path):
    """Files, symlinks and names that are no whole id are passed over."""
    write_container(tmp_path, ID)
    containers = tmp_path / "containers"
    for name in ("web", ID[:12], ID.upper(), ID + "0"):
        (containers / name).mkdir()
    (containers / IDS[1]).write_text("a file")
    (containers / IDS[2]).symlink_to(containers / ID)
    assert [ID] == list_container_ids(str(tmp_path))


def test_no_docker_here_is_said_with_what_to_do(tmp_path):
    """A data root that is not there ends the command with one sentence."""
    with pytest.raises(Failure) as caught:
        list_container_ids(str(tmp_path / "nothing"))
    assert Exit.HOST == caught.value.status
    assert f"no Docker here: there is no {tmp_path}/nothing;" in str(caught.value)
    assert "--data-root" in str(caught.value)


def test_a_directory_that_is_no_data_root_is_said(tmp_path):
    """A directory without containers is told apart from none at all."""
    with pytest.raises(Failure) as caught:
        list_container_ids(str(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path} is not a Docker data root: there is no {tmp_path}/containers;")


def test_a_file_for_a_data_root_is_said(tmp_path):
    """A file in the place of the containers directory is no data root either."""
    (tmp_path / "containers").write_text("a file")
    with pytest.raises(Failure, match="is not a Docker data root"):
        list_container_ids(str(tmp_path))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), ("cannot be read by this user", "run as root")),
        (OSError(5, "Input/output error"), ("Input/output error", "check the disk")),
    ],
)
def test_an_unreadable_data_root_is_said_with_its_reason(tmp_path, error, words):
    """Missing rights and a broken disk ask for different things."""
    (tmp_path / "containers").mkdir()
    with mock.patch("os.scandir", side_effect=error), pytest.raises(Failure) as caught:
        list_container_ids(str(tmp_path))
    assert Exit.HOST == caught.value.status
    assert all(word in str(caught.value) for word in words)
