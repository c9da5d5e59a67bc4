"""Where settings come from, which wins, and what is told when a place cannot be read."""

from pathlib import Path

import pytest

from logagent.config.keys import nearest, nearest_variable, path_of, paths, type_at, undotted, variable
from logagent.config.load import load, settings_file
from logagent.config.settings import Settings
from logagent.errors import Failure


@pytest.fixture
def write(tmp_path: Path):
    """Give a function that writes the settings file and returns its path."""

    def write(text: str | bytes) -> Path:
        file = tmp_path / "logagent.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def lines(file, environ=None, flags=None) -> list[str]:
    """Return the lines of a failure that loading must end in."""
    with pytest.raises(Failure) as caught:
        load(file, environ or {}, flags)
    return str(caught.value).splitlines()


def test_flags_win_over_the_environment_and_that_over_the_file(write):
    """The later place wins key by key; what it does not name stays."""
    file = write("store: {max_size: 3GB, max_age: 3d, min_free: 3MB}\nweb: {port: 3}")
    environ = {"LOGAGENT_STORE__MAX_SIZE": "2GB", "LOGAGENT_STORE__MAX_AGE": "2d"}
    store = load(file, environ, {"store.max_size": "1GB", "web.port": None}).store
    assert (1_000_000_000, 2 * 86400.0, 3_000_000) == (store.max_size, store.max_age, store.min_free)


def test_every_key_can_be_set_by_its_variable():
    """Each key of the model has a variable that leads back to it."""
    assert [path for path in paths() if path_of(variable(path)) != path or type_at(path) is None] == []
    environ = {
        "LOGAGENT_COLLECT__FROM": "end",
        "LOGAGENT_COLLECT__INCLUDE__0__NAME": "web-*",
        "LOGAGENT_COLLECT__INCLUDE__1__LABEL": "a=b",
        "LOGAGENT_DOCUMENT__LABELS_INCLUDE__0": "x*",
        "LOGAGENT_DOCUMENT__FILE_PATH": "true",
        "LOGAGENT_HOST_NAME": "5",
    }
    settings = load(None, environ, default=Path("/nowhere"))
    assert ("end", ("web-*", None), ("x*",), True, "5") == (
        settings.collect.start,
        tuple(selector.name for selector in settings.collect.include),
        settings.document.labels_include,
        settings.document.file_path,
        settings.host_name,
    )


def test_variables_reach_into_the_lists_of_the_file(write):
    """An index that the file has is changed, the next one is added, 10 comes after 2."""
    file = write("outputs: [{url: http://a}]")
    environ = {f"LOGAGENT_OUTPUTS__{index}__URL": f"http://h{index}" for index in range(10, 0, -1)}
    outputs = load(file, {**environ, "LOGAGENT_OUTPUTS__0__WORKERS": "5"}).outputs
    assert ["http://a", *(f"http://h{index}" for index in range(1, 11))] == [output.url for output in outputs]
    assert outputs[0].workers == 5


def test_a_variable_may_be_a_whole_list_as_yaml():
    """A list or section in a variable is written as YAML, and single keys come over it."""
    environ = {"LOGAGENT_OUTPUTS": "[{url: http://a, workers: 1}]", "LOGAGENT_OUTPUTS__0__WORKERS": "3"}
    outputs = load(None, environ, default=Path("/nowhere")).outputs
    assert [("http://a", 3)] == [(output.url, output.workers) for output in outputs]


def test_null_is_the_default_and_empty_is_not_given(write):
    """A variable that is empty leaves the file's value; null goes back to the default."""
    file = write("host_name: a\nstore: {max_age: 5d}\nweb: {port: 1}")
    settings = load(file, {"LOGAGENT_HOST_NAME": "", "LOGAGENT_STORE__MAX_AGE": "null", "LOGAGENT_WEB__PORT": "null"})
    assert ("a", None, 9480) == (settings.host_name, settings.store.max_age, settings.web.port)


def test_docker_host_is_the_default_of_the_socket(write):
    """DOCKER_HOST counts where the socket is not given, and is told by name when it is bad."""
    environ = {"DOCKER_HOST": "tcp://docker:2375"}
    assert load(write("engine: {socket: null}"), environ).engine.socket == "tcp://docker:2375"
    assert load(write("engine: {socket: unix:///run/d.sock}"), environ).engine.socket == "unix:///run/d.sock"
    assert lines(write(""), {"DOCKER_HOST": "nonsense"})[1].endswith("[DOCKER_HOST]")


def test_a_relative_path_of_a_flag_counts_from_the_current_folder(write, monkeypatch, tmp_path):
    """On the command line a relative path is natural; in a file it is a mistake."""
    monkeypatch.chdir(tmp_path)
    assert tmp_path / "here" == load(write(""), {}, {"store.path": Path("here")}).store.path


def test_flags_may_be_a_whole_list(write):
    """A list given by flags replaces the file's."""
    settings = load(write("outputs: [{url: http://a}]"), {}, {"outputs": [{"url": "http://b:1"}]})
    assert ["http://b:1"] == [output.url for output in settings.outputs]


def test_a_bad_flag_is_told_as_such(write):
    """The problem of a flag names its key and that it came from a flag."""
    assert lines(write(""), {}, {"web.port": 0}) == [
        f"1 problem in the settings ({write('')}):",
        "  web.port = 0: must be at least 1 [flag]",
    ]


def test_which_file_is_read(tmp_path):
    """The file given, else that of LOGAGENT_CONFIG, else the default one if it exists."""
    there, named = tmp_path / "there", {"LOGAGENT_CONFIG": "/named"}
    assert Path("/given") == settings_file(Path("/given"), named, there)
    assert Path("/named") == settings_file(None, named, there)
    assert settings_file(None, {}, there) is None
    there.touch()
    assert there == settings_file(None, {}, there)


def test_without_a_default_file_the_defaults_count(tmp_path):
    """No file at all is fine."""
    assert Settings() == load(None, {}, default=tmp_path / "none")


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_problem_beside_the_others(tmp_path, name):
    """A missing file or a folder is told, and so is everything else; nothing is said to be missing that may be in it."""
    told = lines(
        tmp_path / name,
        {"LOGAGENT_WEB__PORT": "x", "LOGAGENT_OUTPUTS__0__WORKERS": "1", "LOGAGENT_OUTPUTS__5__URL": "http://x"},
    )
    assert "cannot be read: " in told[1]
    assert ['  web.port = "x": must be a whole number [LOGAGENT_WEB__PORT]'] == told[2:]


BROKEN = [
    ("store: {\n", "found", 2),
    ('a: "x', "found unexpected end of stream", 1),
    ("collect:\n  include:\n    - name: *web\n", "a value that begins with * must stand in quotes", 3),
    ("a: b: c", "mapping values are not allowed here", 1),
    ("web:\n\tport: 1", "cannot start any token", 2),
    (b"a: \xff\xfe", "not a text in UTF-8", 1),
    ("a: \x01", "control characters", 1),
    ("[" * 5000, "nested too deeply", 1),
    ("a: 1\n---\nb: 2", "expected a single document", 2),
    ("- a", "the file must be a mapping of keys", 1),
    ("? [a]\n: b", "a key must be plain text", 1),
    ("web: {port: !!float x}", "web.port: its tag (!…) does not fit the value: leave it out", 1),
    ("web: !!python/object:os.system {}", "web: its tag", 1),
    ("web:\n  port: 1\n  port: 2", "web.port: given twice, first in line 2", 3),
    ("a" * (1024 * 1024 + 1), "is larger than 1048576 bytes", 0),
]


@pytest.mark.parametrize(("text", "wrong", "line"), BROKEN, ids=range(len(BROKEN)))
def test_damaged_yaml_is_told_with_its_line(write, text, wrong, line):
    """Wrong syntax, double keys and tags are problems with their line, never exceptions of the parser."""
    told = [one for one in lines(write(text)) if wrong in one]
    assert told
    assert not line or told[0].endswith(f"[line {line}]")


def test_a_key_with_control_characters_stays_on_its_line(write):
    """Keys that would break the report's lines are escaped."""
    assert [r'  "a\nb": unknown key [line 1]'] == lines(write('"a\\nb": 1'))[1:]


TYPOS = [
    ("store.max_sise", "store.max_size"),
    ("stroe", "store"),
    ("store.max-size", "store.max_size"),
    ("store.maxSize", "store.max_size"),
    ("dead_letters.max_sise", "dead_letters.max_size"),
    ("level", "log.level"),
    ("max_size", "store.max_size"),
    ("max-size", "store.max_size"),
    ("colect", "collect"),
    ("outputs.3.pasword", "outputs.3.password"),
    ("collect.start", None),
    ("output", "outputs"),
    ("engine.soket", "engine.socket"),
    ("xyzzy", None),
    ("store.xyzzy", None),
    ("web.path", "store.path"),
]


@pytest.mark.parametrize(("wrong", "right"), TYPOS)
def test_a_typo_gets_the_nearest_key(wrong, right):
    """A sibling is taken first, then a key of another section, and nothing where nothing is near."""
    assert right == nearest(undotted(wrong))


VARIABLES = [
    ("LOGAGENT_STORE__MAX_SISE", "LOGAGENT_STORE__MAX_SIZE"),
    ("LOGAGENT_STORE_MAX_SIZE", "LOGAGENT_STORE__MAX_SIZE"),
    ("LOGAGENT_OUTPUTS__12__ULR", "LOGAGENT_OUTPUTS__12__URL"),
    ("LOGAGENT_OUTPUT__0__URL", "LOGAGENT_OUTPUTS__0__URL"),
    ("LOGAGENT_COLLECT__START", None),
    ("LOGAGENT_XYZZYXYZZY", None),
]


@pytest.mark.parametrize(("wrong", "right"), VARIABLES)
def test_a_mistyped_variable_gets_the_nearest_one(write, wrong, right):
    """Unknown LOGAGENT_ variables are problems; single underscores and wrong names are understood, indexes stay."""
    if right is not None:
        assert right == nearest_variable(wrong)
    assert wrong in lines(write("outputs: [{url: http://a}]"), {wrong: "1"})[1]


def test_other_variables_are_nobodys_business(write):
    """Only names that begin with LOGAGENT_ are read, and LOGAGENT_CONFIG is no setting."""
    assert Settings() == load(
        write(""), {"LOGAGENT": "x", "PATH": "/", "logagent_web__port": "0", "LOGAGENT_CONFIG": "/x"}
    )
