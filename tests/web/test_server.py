"""The web server on a real socket."""

import socket
import sqlite3
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from logagent.errors import Exit, Failure
from logagent.web.app import make_app
from logagent.web.server import Listener, Web


class One(Collector):
    """A registry's content: one gauge, or an error."""

    def __init__(self):
        self.error: Exception | None = None

    def describe(self):
        return []

    def collect(self):
        if self.error:
            raise self.error
        yield GaugeMetricFamily("one", "One.", 1)


class Site:
    """A server with what it answers from."""

    def __init__(self):
        self.one, self.alive, self.ready = One(), "", ""
        registry = CollectorRegistry()
        registry.register(self.one)
        app = make_app(registry, lambda: self.alive, lambda: self.ready)
        self.web = Web(Listener("127.0.0.1", 0), app)

    def get(self, path, **headers):
        request = urllib.request.Request(self.web.listener.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode(), answer.headers["content-type"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers["content-type"]


@pytest.fixture
def site():
    """Give a site that is up, and take it down."""
    site = Site()
    site.web.start()
    yield site
    site.web.stop()


def test_metrics_are_in_the_text_format(site):
    """A plain request gets Prometheus's text format, with its version in the content type."""
    status, body, kind = site.get("/metrics")
    assert (200, "# HELP one One.\n# TYPE one gauge\none 1.0\n") == (status, body)
    assert kind.startswith("text/plain; version=0.0.4")


def test_metrics_are_in_the_format_that_is_asked_for(site):
    """A scraper that prefers OpenMetrics gets it."""
    _, body, kind = site.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert body.endswith("# EOF\n")
    assert kind.startswith("application/openmetrics-text")


def test_unreadable_catalog_fails_the_scrape_only(site):
    """A scrape that cannot read its numbers is a 503, and the next one works."""
    site.one.error = sqlite3.OperationalError("disk I/O error")
    assert site.get("/metrics")[0] == 503
    site.one.error = None
    assert site.get("/metrics")[0] == 200


@pytest.mark.parametrize(("path", "part"), [("/healthz", "alive"), ("/readyz", "ready")])
def test_health_says_what_is_wrong(site, path, part):
    """200 while all is well; 503 with the reason as its text when it is not; each path its own reason."""
    assert (200, "ok\n") == site.get(path)[:2]
    setattr(site, part, "the collector has not stepped for 61 s")
    assert (503, "the collector has not stepped for 61 s\n") == site.get(path)[:2]
    other = "/readyz" if path == "/healthz" else "/healthz"
    assert site.get(other)[0] == 200


def test_other_paths_are_not_found(site):
    """There is nothing else, and nothing can be written."""
    assert site.get("/")[0] == 404
    request = urllib.request.Request(site.web.listener.url + "/metrics", data=b"x", method="POST")
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)
    raised.value.close()
    assert raised.value.code == 405


def test_stop_gives_the_address_back(site):
    """After the stop nobody listens there, and the address can be taken again at once."""
    site.get("/healthz")
    site.web.stop()
    assert not site.web.alive
    Listener("127.0.0.1", site.web.listener.port).socket.close()


def test_server_that_never_started_can_be_stopped():
    """A start that failed elsewhere still gives the address back."""
    site = Site()
    site.web.stop()
    Listener("127.0.0.1", site.web.listener.port).socket.close()


def test_stop_that_comes_early_is_not_missed():
    """A server that is told to leave before it came to serve leaves at once."""
    site = Site()
    site.web._server.leave()
    site.web.start()
    site.web._thread.join(10)
    assert not site.web.alive
    site.web.stop()


def test_address_in_use_is_told_with_its_setting():
    """The failure names the port and the two settings that help, and is one of the network."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Failure) as raised:
            Listener("127.0.0.1", port)
    assert raised.value.status == Exit.NETWORK
    for word in (str(port), "Address already in use", "web.port", "web.enabled: false"):
        assert word in str(raised.value)


def test_unknown_host_is_told():
    """A name that is no address fails with the same sentence, not with a traceback."""
    with pytest.raises(Failure) as raised:
        Listener("no.such.host.invalid", 9480)
    assert "no.such.host.invalid" in str(raised.value)


def test_address_of_version_6_is_written_in_brackets():
    """The url of an IPv6 address can be given to curl as it is."""
    try:
        listener = Listener("::1", 0)
    except Failure:
        pytest.skip("no IPv6 on this machine")
    listener.socket.close()
    assert f"http://[::1]:{listener.port}" == listener.url
