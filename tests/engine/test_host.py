"""Facts about the host."""

import socket
from dataclasses import dataclass

import pytest

from logagent.engine.host import Host, data_root, find_data_root, read_host, read_machine_id
from logagent.errors import Failure


@dataclass
class Answers:
    data_root: str | None = None
    host_name: str | None = None


def test_the_setting_goes_before_the_engine_and_the_default():
    """The data root is the operator's, else the engine's, else Docker's usual one."""
    engine = Answers("/srv/docker")
    assert "/mnt/docker" == find_data_root("/mnt/docker/", engine)
    assert "/srv/docker" == find_data_root(None, engine)
    assert "/var/lib/docker" == find_data_root(None, Answers())
    assert "/var/lib/docker" == find_data_root()


def test_a_data_root_that_can_be_read_is_returned(tmp_path):
    """An engine without containers is fine."""
    (tmp_path / "containers").mkdir()
    assert str(tmp_path) == data_root(str(tmp_path))


def test_a_data_root_that_cannot_be_read_ends_the_command(tmp_path):
    """The failure names the directory that was chosen."""
    with pytest.raises(Failure, match=f"there is no {tmp_path}/none"):
        data_root(None, Answers(f"{tmp_path}/none"))


def test_the_host_s_name_is_the_setting_the_engine_s_or_the_machine_s(tmp_path):
    """In a container the engine knows the host's name, the machine only the container's."""
    none = str(tmp_path / "none")
    assert "chosen" == read_host("chosen", Answers(host_name="engine"), none).name
    assert "engine" == read_host(None, Answers(host_name="engine"), none).name
    assert Host(socket.gethostname(), None, "linux") == read_host(None, None, none)


@pytest.mark.parametrize("content", [b"", b"uninitialized\n", b"\xff" * 32, b"A" * 32, b"0" * 33])
def test_a_machine_id_that_is_none_is_left_out(tmp_path, content):
    """Images come with an empty or unfinished machine id."""
    (tmp_path / "id").write_bytes(content)
    assert read_machine_id(str(tmp_path / "id")) is None


def test_a_machine_id_is_read_without_its_newline(tmp_path):
    """The file's one line is the id."""
    (tmp_path / "id").write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    assert "3d1219c7c4c5404aaa1f6d2a48adfda4" == read_machine_id(str(tmp_path / "id"))
