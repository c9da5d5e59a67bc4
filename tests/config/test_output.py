"""Where an output is, and how one gets in: the keys that must go together."""

import base64
from pathlib import Path

import pytest

from logagent.config.load import load
from logagent.config.settings import Output
from logagent.config.show import dump
from logagent.config.words import cloud_url
from logagent.errors import Failure
from logagent.parts import elastic

SECRET = "hunter2hunter2"


def loaded(tmp_path: Path, text: str, environ: dict[str, str] | None = None):
    """Return the settings of the text."""
    file = tmp_path / "logagent.yaml"
    file.write_text(text)
    return load(file, environ or {})


def problems(tmp_path: Path, output: str, environ: dict[str, str] | None = None) -> list[str]:
    """Return what is wrong with an output."""
    with pytest.raises(Failure) as caught:
        loaded(tmp_path, f"outputs: [{{{output}}}]", environ)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def cloud_id(text: str, name: str = "logs") -> str:
    """Return the cloud id of what is inside."""
    return f"{name}:{base64.b64encode(text.encode()).decode()}"


def test_several_hosts(tmp_path):
    """Urls are the hosts of one cluster; the first gives the name, so that a second one added to a url changes nothing."""
    one = Output(url="http://a:9200")
    two = loaded(tmp_path, "outputs: [{urls: ['http://a:9200', 'http://b:9200/es/']}]").outputs[0]
    assert ("a-9200", ("http://a:9200",)) == (one.name, one.hosts)
    assert ("a-9200", ("http://a:9200", "http://b:9200/es")) == (two.name, two.hosts)


def test_several_hosts_in_the_environment(tmp_path):
    """Lists of hosts can be given there too, whole or one by one."""
    whole = loaded(tmp_path, "", {"LOGAGENT_OUTPUTS__0__URLS": "[http://a:1, http://b:1]"}).outputs[0]
    single = {"LOGAGENT_OUTPUTS__0__URLS__0": "http://a:1", "LOGAGENT_OUTPUTS__0__URLS__1": "http://b:1"}
    assert ("http://a:1", "http://b:1") == whole.hosts == loaded(tmp_path, "", single).outputs[0].hosts


@pytest.mark.parametrize(
    ("inside", "url"),
    [
        ("eu-west-1.aws.example$abc123$kib456", "https://abc123.eu-west-1.aws.example:443"),
        ("example.com:9243$abc123$", "https://abc123.example.com:9243"),
        ("example.com$abc123", "https://abc123.example.com:443"),
    ],
)
def test_cloud_id(tmp_path, inside, url):
    """A cloud id stands for the address of its Elasticsearch."""
    assert url == cloud_url(cloud_id(inside))
    found = loaded(tmp_path, f"outputs: [{{cloud_id: '{cloud_id(inside)}', api_key: k}}]").outputs[0]
    assert (url,) == found.hosts
    assert url == elastic(found, loaded(tmp_path, "")).url


@pytest.mark.parametrize(
    "text",
    ["logs", "logs:", "logs:!!!", cloud_id("example.com"), cloud_id("$abc"), cloud_id("a b$c"), cloud_id("x/y$@z$k")],
)
def test_no_cloud_id(tmp_path, text):
    """What is none is told to be none."""
    (problem,) = problems(tmp_path, f"cloud_id: '{text}'")
    assert "not a cloud id: copy it whole" in problem


FINGERPRINT = "ab" * 32
BAD = [
    ("name: x", "outputs.0.url: is required"),
    ("urls: []", "outputs.0.url: is required"),
    ("url: http://a, urls: [http://b]", 'outputs.0.url = "http://a": urls is given as well: keep one of url, urls,'),
    (f"cloud_id: '{cloud_id('a$b')}', urls: [http://b]", "outputs.0.url: cloud_id is given as well"),
    ("urls: [http://a, https://b]", "outputs.0.urls: some are http and some https"),
    ("urls: [http://a, 'http://a:80/']", "outputs.0.urls: one is there twice"),
    ("urls: [http://a, es:9200]", 'outputs.0.urls.1 = "es:9200": not a url that can be used'),
    (f"url: http://a, ca_fingerprint: {FINGERPRINT}", "needs TLS: write the url with https"),
    ("url: http://a, cert_file: /etc/passwd", "needs TLS: write the url with https"),
    ("url: https://a, ca_fingerprint: abc", "must be a SHA-256 of 64 hex digits, with or without colons"),
    (f"url: https://a, ca_fingerprint: {FINGERPRINT}, ca_file: /etc/passwd", "ca_file is given as well"),
    (
        f"url: https://a, ca_fingerprint: {FINGERPRINT}, verify_tls: false",
        "verify_tls is false, which trusts everybody",
    ),
    ("url: https://a, key_file: /etc/passwd", "needs cert_file, the certificate that it is the key of"),
    ("url: https://a, cert_file: /nowhere/cert.pem", "cannot be read: No such file"),
    ("url: https://a, cert_file: /etc/passwd, key_file: /nowhere/key", "cannot be read: No such file"),
]


@pytest.mark.parametrize(("output", "wrong"), BAD)
def test_what_does_not_go_together(tmp_path, output, wrong):
    """Each is one problem, with its key and what to do."""
    (problem,) = problems(tmp_path, output)
    assert wrong in problem


def test_fingerprints_are_written_as_one_likes(tmp_path):
    """With colons or without, in any case: openssl writes them with, Elasticsearch without."""
    colons = ":".join([FINGERPRINT[i : i + 2].upper() for i in range(0, 64, 2)])
    for text in (colons, FINGERPRINT, FINGERPRINT.upper()):
        found = loaded(tmp_path, f"outputs: [{{url: https://a, ca_fingerprint: '{text}'}}]")
        assert FINGERPRINT == found.outputs[0].ca_fingerprint


def test_credentials_in_urls(tmp_path):
    """They are taken out of every host; all must have the same, or those that have none share them."""
    text = f"outputs: [{{urls: ['http://me:{SECRET}@a:1', 'http://b:1', 'http://me:{SECRET}@c:1']}}]"
    found = loaded(tmp_path, text).outputs[0]
    assert ("http://a:1", "http://b:1", "http://c:1") == found.hosts
    assert ("me", SECRET) == (found.username.get_secret_value(), found.password.get_secret_value())
    assert SECRET not in dump(loaded(tmp_path, text))


@pytest.mark.parametrize(
    "output",
    [
        f"urls: ['http://me:{SECRET}@a:1', 'http://you:{SECRET}@b:1']",
        f"urls: ['http://me:{SECRET}@a:1'], api_key: {SECRET}",
        f"urls: ['http://me:{SECRET}/@a:1']",
        f"urls: ['http://a:1/?{SECRET}']",
        f"urls: 'http://me:{SECRET}@a:1'",
        f"urls: {{a: '{SECRET}'}}",
        f"urls: [['{SECRET}']]",
        f"cloud_id: 'me:{SECRET}@x'",
        f"url: https://a, ca_fingerprint: {SECRET}@x",
    ],
)
def test_no_secret_in_a_problem(tmp_path, output):
    """Whatever is wrong with hosts, what may be a secret in them is not told."""
    assert SECRET not in "\n".join(problems(tmp_path, output))


def test_what_is_printed_can_be_read_again(tmp_path):
    """The effective settings with several hosts, as printed, give the same settings."""
    found = loaded(tmp_path, f"outputs: [{{urls: [https://a, https://b], ca_fingerprint: {FINGERPRINT}}}]")
    assert found == loaded(tmp_path, dump(found))
