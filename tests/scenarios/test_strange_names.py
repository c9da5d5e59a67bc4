"""Names that are not dockerd's: they are passed over, cost nothing, and take nothing from what lies beside them."""

import os

from logagent.demo.container import container_id
from tests.collect.rig import numbered, say
from tests.scenarios.writing import come_to_rest, fill


def test_names_that_are_no_utf_8(rig):
    """Files and directories with any bytes in their names, beside a log and beside its container."""
    writer = rig.container("web", max_file=3)
    directory = os.path.dirname(writer.path).encode()
    for name in (b"\xff\xfe", writer.path.encode() + b".\xff", writer.path.encode() + b".1\n", b"a\nb"):
        with open(os.path.join(directory, name), "xb") as file:
            file.write(b'{"log":"not ours\\n","stream":"stdout","time":"2000-01-01T00:00:00Z"}\n')
    os.makedirs(os.path.join(rig.root.encode(), b"containers", b"\xff" * 64))
    os.makedirs(os.path.join(rig.root, "containers", "A" * 64))
    said = fill(rig, writer, 25)
    assert (said, 0) == come_to_rest(rig)
    rig.restart()
    said += fill(rig, writer, 10, 25)
    assert (said, 0) == come_to_rest(rig)


def test_copies_beside_the_set(rig):
    """Copies and temporary files of operators, editors and old engines beside the set are not read."""
    writer = rig.container("web", max_file=3)
    said = fill(rig, writer, 25)
    with open(writer.path, "rb") as file:
        content = file.read()
    for suffix in (".tmp", ".bak", "~", ".swp", ".1.gz.tmp", ".gz", ".1.bak", "-copy"):
        with open(writer.path + suffix, "xb") as copy:
            copy.write(content)
    assert (said, 0) == come_to_rest(rig)
    said += fill(rig, writer, 10, 25)
    rig.restart()
    assert (said, 0) == come_to_rest(rig)


def test_files_under_the_containers_directory(rig):
    """A plain file, and a symlink to another directory, in the place of a container's directory are no containers."""
    said = say(rig, rig.container("web"), numbered(0, 5))
    with open(f"{rig.root}/containers/{container_id('file')}", "xb"):
        pass
    os.symlink("/etc", f"{rig.root}/containers/{container_id('link')}")
    assert (said, 0) == come_to_rest(rig)
    assert [container_id("web")] == list(rig.collector._sources)
