"""The defaults of the model, its bounds, and every kind of bad value with the line that tells of it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from logagent.config.load import load
from logagent.config.settings import Output, Settings
from logagent.errors import Exit, Failure

OUTPUT = "outputs: [{url: http://es:9200, "


def problems(tmp_path: Path, text: str, environ=None, flags=None) -> list[str]:
    """Load `text` as the settings file, which must fail, and return the lines of its problems."""
    file = tmp_path / "logagent.yaml"
    file.write_text(text)
    with pytest.raises(Failure) as caught:
        load(file, environ or {}, flags)
    assert caught.value.status == Exit.USAGE
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


BAD = [
    ("store: {max_size: 500 pounds}", 'store.max_size = "500 pounds": not a size: '),
    ("store: {max_size: 100KiB}", 'store.max_size = "100KiB": must be at least 1MiB'),
    ("store: {max_size: -5}", "store.max_size = -5: must not be negative"),
    ("store: {max_age: 7 days}", 'store.max_age = "7 days": not a duration: '),
    ("store: {max_age: 0}", "store.max_age = 0: must be between 1s and 36500d"),
    (
        "store: {segment_size: 600MiB}",
        'store.segment_size = "600MiB": must be at most half of store.max_size, which is 1GiB',
    ),
    (
        "store: {frame_size: 63MiB, segment_size: 62MiB}",
        'store.frame_size = "63MiB": must be at most store.segment_size, which is 62MiB',
    ),
    (
        "store: {max_size: 100MB}",
        "store.segment_size: must be at most half of store.max_size, which is 100MB (this one is at its default)",
    ),
    ("store: {frame_time: 2m}", 'store.frame_time = "2m": must be between 10ms and 1m'),
    ("store: {when_full: explode}", 'store.when_full = "explode": must be one of block, drop_oldest'),
    ("store: {path: relative}", 'store.path = "relative": must be an absolute path'),
    ("store: {path: 5}", "store.path = 5: must be an absolute path"),
    ("store: {min_free: much}", 'store.min_free = "much": not a size: '),
    ("store: text", "store: must be a mapping of keys"),
    ("data_root: var/lib", 'data_root = "var/lib": must be an absolute path'),
    ("host_name: 5", "host_name = 5: must be text: put it in quotes"),
    ('host_name: ""', 'host_name = "": must be 1 to 256 printable characters'),
    ('host_name: "a\\nb"', 'host_name = "a\\nb": must be 1 to 256 printable characters'),
    ("engine: {socket: ssh://h}", 'engine.socket = "ssh://h": must be unix:///path/of/docker.sock or tcp://host:port'),
    ("engine: {timeout: 0}", "engine.timeout = 0: must be between 100ms and 5m"),
    ("engine: {timeout: 1:30}", 'engine.timeout = "1:30": not a duration: '),
    ("engine: {enabled: yes}", 'engine.enabled = "yes": must be one of auto, off'),
    ("collect: {from: middle}", 'collect.from = "middle": must be one of beginning, end'),
    ("collect: {start: end}", "collect.start: unknown key"),
    ("collect: {include: web}", "collect.include: must be a list: "),
    ("collect: {include: [web]}", "collect.include.0: must be a mapping of keys"),
    ("collect: {include: [{}]}", "collect.include.0: needs one of name, image, label"),
    ('collect: {exclude: [{label: "=x"}]}', 'collect.exclude.0.label = "=x": must be a label\'s key, or "key=glob"'),
    (
        "collect: {poll_min: 2s}",
        "collect.poll_max: must not be below collect.poll_min, which is 2s (this one is at its default)",
    ),
    ("collect: {poll_max: 10ms}", 'collect.poll_max = "10ms": must not be below collect.poll_min, which is 50ms'),
    ("collect: {block_size: 1KiB}", 'collect.block_size = "1KiB": must be between 4KiB and 4MiB'),
    ("collect: {block_size: 5MiB}", 'collect.block_size = "5MiB": must be between 4KiB and 4MiB'),
    ("collect: {max_event_size: 1}", "collect.max_event_size = 1: must be between 1KiB and 64MiB"),
    ("collect: {max_open_files: 0}", "collect.max_open_files = 0: must be at least 1"),
    ("collect: {max_open_files: many}", 'collect.max_open_files = "many": must be a whole number'),
    ("collect: {max_open_files: 1.5}", "collect.max_open_files = 1.5: must be a whole number"),
    ("collect: {max_open_files: true}", "collect.max_open_files = true: must be a whole number"),
    ('document: {label_dots: "."}', 'document.label_dots = ".": must be 1 to 8 letters, digits, _ or -'),
    ("document: {labels_include: [1]}", "document.labels_include.0 = 1: must be text: put it in quotes"),
    ("document: {max_labels: 1001}", "document.max_labels = 1001: must be at most 1000"),
    ("document: {dataset: Docker}", 'document.dataset = "Docker": must be lowercase, '),
    ("document: {dataset: a-b}", "document.dataset = \"a-b\": must not contain '-', "),
    ("document: {namespace: _x}", 'document.namespace = "_x": must not begin with _ + or .'),
    ("document: {namespace: .x}", 'document.namespace = ".x": must not begin with _ + or .'),
    ("document: {namespace: 'a b'}", "document.namespace = \"a b\": must not contain ' ', "),
    (f"document: {{namespace: {'ä' * 51}}}", "must be 1 to 100 bytes of printable text"),
    (
        "document: {dataset: 'docker.{name}'}",
        'document.dataset = "docker.{name}": names a field that is not known: use {service}, {project}, {container}, {image}',
    ),
    ("document: {dataset: 'docker.{service'}", 'document.dataset = "docker.{service": has a { or } without the other'),
    ("document: {namespace: '{image}}'}", 'document.namespace = "{image}}": has a { or } without the other'),
    ("document: {namespace: '{}'}", 'document.namespace = "{}": names a field that is not known: '),
    ("document: {dataset: 'a-{service}'}", "document.dataset = \"a-{service}\": must not contain '-', "),
    ("document: {dataset: '_{service}'}", 'document.dataset = "_{service}": must not begin with _ + or .'),
    ("document: {stream_labels: some}", 'document.stream_labels = "some": must be true or false'),
    ("document: {max_streams: -1}", "document.max_streams = -1: must be at least 0"),
    ("document: {log_offset: perhaps}", 'document.log_offset = "perhaps": must be true or false'),
    ("dead_letters: {max_size: 1kB}", 'dead_letters.max_size = "1kB": must be at least 64KiB'),
    ("web: {port: 0}", "web.port = 0: must be at least 1"),
    ("web: {port: 65536}", "web.port = 65536: must be at most 65535"),
    ("web: {port: http}", 'web.port = "http": must be a whole number'),
    ("log: {level: loud}", 'log.level = "loud": must be one of debug, info, warning, error'),
    ("log: {format: xml}", 'log.format = "xml": must be one of text, json'),
    ("outputs: {url: http://es}", "outputs: must be a list: "),
    ("outputs: [{workers: 2}]", "outputs.0.url: is required"),
    ("outputs: [{url: es:9200}]", 'outputs.0.url = "es:9200": not a url that can be used: '),
    ("outputs: [{url: ftp://es}]", 'outputs.0.url = "ftp://es": not a url that can be used: '),
    ("outputs: [{url: 'http://es:99999'}]", 'outputs.0.url = "http://es:99999": not a url that can be used: '),
    ("outputs: [{url: 'http://'}]", 'outputs.0.url = "http://": not a url that can be used: '),
    (
        "outputs: [{url: 'http://es/?q=1'}]",
        'outputs.0.url = "http://es/?***": must end with the path: no ? and no # in it',
    ),
    (OUTPUT + "name: a/b}]", 'outputs.0.name = "a/b": must be 1 to 63 letters, digits, dots, _ or -'),
    (OUTPUT + "index: Logs}]", 'outputs.0.index = "Logs": must be lowercase, without '),
    (OUTPUT + "index: 'a,b'}]", 'outputs.0.index = "a,b": must be lowercase, without '),
    (OUTPUT + "index: '*'}]", 'outputs.0.index = "*": must be lowercase, without '),
    (OUTPUT + "index: ../x}]", 'outputs.0.index = "../x": must be lowercase, without '),
    (OUTPUT + "index: _all}]", 'outputs.0.index = "_all": must not begin with - _ + or .'),
    (OUTPUT + "index: ''}]", 'outputs.0.index = "": must be 1 to 255 bytes of printable text'),
    (OUTPUT + f"index: {'ä' * 128}}}]", "must be 1 to 255 bytes of printable text"),
    (OUTPUT + 'pipeline: ""}]', 'outputs.0.pipeline = "": must be 1 to 256 printable characters'),
    (OUTPUT + "workers: 17}]", "outputs.0.workers = 17: must be at most 16"),
    (OUTPUT + "workers: 0}]", "outputs.0.workers = 0: must be at least 1"),
    (
        OUTPUT + "backoff_min: 2m}]",
        "outputs.0.backoff_max: must not be below backoff_min, which is 2m (this one is at its default)",
    ),
    (OUTPUT + "username: u}]", "outputs.0.password: username and password belong together: "),
    (OUTPUT + "password: p}]", "outputs.0.password = ***: username and password belong together: "),
    (
        OUTPUT + "api_key: k, username: u, password: p}]",
        "outputs.0.api_key = ***: username is given as well: keep one of them",
    ),
    (
        OUTPUT + "api_key: k, bearer_token: b}]",
        "outputs.0.bearer_token = ***: api_key is given as well: keep one of them",
    ),
    (OUTPUT + "api_key: ''}]", "outputs.0.api_key = ***: must be printable text, in one line, not empty"),
    (
        OUTPUT + "ca_file: /nowhere/ca.pem}]",
        'outputs.0.ca_file = "/nowhere/ca.pem": cannot be read: No such file or directory',
    ),
    (
        "outputs: [{url: http://es:9200}, {url: http://es:9200/x}]",
        "outputs: two are named es-9200: give each a name of its own",
    ),
]


@pytest.mark.parametrize(("text", "line"), BAD, ids=[text[:60] for text, _ in BAD])
def test_a_bad_setting_is_told_with_its_key_and_value(tmp_path, text, line):
    """One bad setting gives one line: key path, value, what is wrong, and the line of the file."""
    (told,) = problems(tmp_path, text)
    assert line in told
    assert told.endswith("[line 1]")


def test_all_problems_are_told_at_once(tmp_path):
    """Problems of one section do not hide those of another, nor those between keys."""
    text = """
stroe: {}
store:
  max_size: 500 pounds
  frame_size: 100MiB
  max_size: 1GiB
web:
  port: 99999
collect:
  poll_max: 1ms
outputs:
  - url: es
    workers: 99
"""
    told = problems(tmp_path, text, {"LOGAGENT_LOG__LEVEL": "loud", "LOGAGENT_NONSENSE": "1"}, {"data_root": "here"})
    starts = [
        "stroe: unknown key; did you mean store? [line 2]",
        'store.max_size = "500 pounds": not a size',
        'store.frame_size = "100MiB": must be between',
        "store.max_size: given twice, first in line 4 [line 6]",
        "web.port = 99999: ",
        'collect.poll_max = "1ms": must not be below collect.poll_min',
        'outputs.0.url = "es": ',
        "outputs.0.workers = 99: ",
        "LOGAGENT_NONSENSE: unknown setting",
        'data_root = "here": ',
        'log.level = "loud": ',
    ]
    assert len(starts) == len(told)
    assert [] == [(start, line) for start, line in zip(starts, told, strict=True) if not line.startswith(start)]


@pytest.mark.parametrize(
    "text",
    [
        "log: {level: DEBUG}",
        "web: {enabled: off}",
        "engine: {enabled: off}",
        "engine: {socket: /run/docker.sock}",
        'collect: {include: [{name: "web-*", label: a=b}]}',
        "document: {dataset: 'docker.{service}', namespace: '{project}', max_streams: 0}",
        "document: {dataset: '{container}.{image}'}",
        "outputs: [{url: 'http://es', index: lines-2026, pipeline: '<a b>'}]",
        "store: {min_free: 0, max_age: 1w}",
        "store:\nweb:\n  port:\n",
        "outputs: [{url: 'http://[::1]:9200'}]",
        "",
        "# only a comment",
    ],
)
def test_good_settings_are_accepted(tmp_path, text):
    """Upper case, off, a bare socket path, templates, empty sections and an empty file are all fine."""
    file = tmp_path / "logagent.yaml"
    file.write_text(text)
    load(file, {})


def test_off_is_a_word_where_a_word_belongs(tmp_path):
    """YAML 1.1 would make `off` a boolean; here it is the word for engine.enabled and false for web.enabled."""
    file = tmp_path / "logagent.yaml"
    file.write_text("engine: {enabled: off, socket: /run/x.sock}\nweb: {enabled: off}")
    settings = load(file, {})
    assert ("off", "unix:///run/x.sock", False) == (
        settings.engine.enabled,
        settings.engine.socket,
        settings.web.enabled,
    )


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://es:9200", "es-9200"),
        ("https://es.example.com", "es.example.com-443"),
        ("http://es", "es-80"),
        ("http://[::1]:9200", "1-9200"),
        ("http://127.0.0.1:9200/prefix/", "127.0.0.1-9200"),
    ],
)
def test_an_output_is_named_by_its_url(url, name):
    """Without a name an output is called host-port, in letters that are safe in paths and labels."""
    assert name == Output(url=url).name


def test_settings_do_not_change():
    """Settings are frozen: what was judged is what runs."""
    with pytest.raises(ValidationError):
        Settings().web.port = 1
