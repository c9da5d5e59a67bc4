"""Several hosts of one cluster: they take turns, one that does not answer is left out and asked again, a slow one holds up nobody."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from logagent.ship.elastic import Elastic, Unreachable
from logagent.ship.link import Link
from logagent.ship.tls import Tls
from logagent.ship.wire import Address, Request
from tests.ship.conftest import STREAM
from tests.ship.server import Answer, BulkServer, reset_before, status
from tests.ship.server import Request as Asked

Make = Callable[..., Link]


@pytest.fixture
def servers() -> Iterator[list[BulkServer]]:
    """Three scripted servers that take all."""
    with ExitStack() as stack:
        made = [BulkServer() for _ in range(3)]
        for server in made:
            server.url = stack.enter_context(server.run())
            server.otherwise = status(200)
        yield made


@pytest.fixture
def link() -> Iterator[Make]:
    """Makes links to hosts, by url, and closes them; a dead host is left out for `pause` seconds and more."""
    made: list[Link] = []

    def make(*urls: str, pause: float = 30.0, longest: float = 60.0) -> Link:
        addresses = [Address.of(url) for url in urls]
        made.append(Link(addresses, Tls(), connections=8, pause=pause, longest=longest))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def ask(link: Link, timeout: float = 5.0, path: str = "/_bulk") -> int | str:
    """Send a request: the status of the answer, or why there is none."""
    try:
        return link.perform(Request("POST", path, b"x", {"content-type": "text/plain"}, timeout)).status
    except Unreachable as error:
        return str(error)


def bulks(server: BulkServer) -> int:
    """How many requests it had, signs of life not counted."""
    return len([request for request in server.requests if request.method == "POST"])


def until(done: Callable[[], bool], within: float = 10.0) -> None:
    """Try until it is done."""
    end = time.monotonic() + within
    while not done():
        assert time.monotonic() < end, "it does not happen"


def test_they_take_turns(servers: list[BulkServer], link: Make) -> None:
    """Each host gets as many requests as the others."""
    cluster = link(*(server.url for server in servers))
    assert [200] * 12 == [ask(cluster) for _ in range(12)]
    assert [4, 4, 4] == [bulks(server) for server in servers]


def test_wire_has_several(servers: list[BulkServer]) -> None:
    """The client of an output takes a list of addresses, and its name is the first one's."""
    client = Elastic([server.url for server in servers], STREAM)
    assert [200] * 3 == [client.bulk(b"").status for _ in range(3)]
    assert [1, 1, 1] == [bulks(server) for server in servers]
    assert f"{servers[0].url} (or 2 more)" == client.url
    client.close()


def test_a_dead_host_is_left_out(
    servers: list[BulkServer], closed: str, link: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """One that takes no connection is told in the log once, and no request fails for it: another host gets it at once."""
    cluster = link(servers[0].url, closed, servers[1].url)
    assert [200] * 20 == [ask(cluster) for _ in range(20)]
    assert [closed] == cluster.left_out
    assert [f"{closed} is left out until it answers again: connection refused"] == caplog.messages
    assert 20 == bulks(servers[0]) + bulks(servers[1])


def test_one_that_is_silent_counts_as_dead(servers: list[BulkServer], silent: str, link: Make) -> None:
    """A host that takes requests and does not answer in time is left out as well."""
    cluster = link(servers[0].url, silent)
    answers = [ask(cluster, 0.2) for _ in range(10)]
    assert [f"cannot reach {silent}: no answer within 0.2 s"] == [one for one in answers if one != 200]
    assert [silent] == cluster.left_out


def test_a_broken_connection_counts_as_dead(servers: list[BulkServer], link: Make) -> None:
    """So does one that breaks the connection."""
    servers[1].otherwise = reset_before
    cluster = link(servers[0].url, servers[1].url)
    assert 9 == [ask(cluster) for _ in range(10)].count(200)
    assert 1 == bulks(servers[1])


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 413, 429, 500])
def test_an_answer_is_a_sign_of_life(servers: list[BulkServer], link: Make, code: int) -> None:
    """A host that answers is not left out, whatever it says about the request, or about its load."""
    servers[1].otherwise = status(code)
    cluster = link(servers[0].url, servers[1].url)
    assert 5 == [ask(cluster) for _ in range(10)].count(code)
    assert [] == cluster.left_out


@pytest.mark.parametrize("code", [502, 503, 504])
def test_no_service_is_none(servers: list[BulkServer], link: Make, code: int) -> None:
    """A host that says that it cannot work is left out; its answer is handed on as it came."""
    servers[1].otherwise = status(code)
    cluster = link(servers[0].url, servers[1].url)
    assert 1 == [ask(cluster) for _ in range(10)].count(code)
    assert [servers[1].url] == cluster.left_out


def test_it_is_asked_again(servers: list[BulkServer], link: Make, caplog: pytest.LogCaptureFixture) -> None:
    """After its pause a host is asked for a sign of life, and has its turn again once it gives one; requests meanwhile do not fail."""
    caplog.set_level(logging.INFO, "logagent")
    ill, well = servers[0], servers[1]
    ill.otherwise = reset_before
    cluster = link(ill.url, well.url, pause=0.05, longest=0.05)
    until(lambda: ask(cluster) != 200)
    until(lambda: ask(cluster) == 200 and len(ill.requests) > 2)
    assert 1 == bulks(ill)
    ill.otherwise = status(200)
    until(lambda: ask(cluster) == 200 and bulks(ill) > 1)
    assert [] == cluster.left_out
    assert [f"{ill.url} answers again"] == caplog.messages[1:]


def test_a_failing_host_costs_only_its_first_request(servers: list[BulkServer], link: Make) -> None:
    """However often it is asked again in vain, no other request fails for it."""
    servers[1].otherwise = reset_before
    cluster = link(servers[1].url, servers[0].url, pause=0.001, longest=0.001)
    assert 1 == len([one for one in (ask(cluster) for _ in range(300)) if one != 200])


def test_where_all_are_dead_each_is_tried(servers: list[BulkServer], closed: str, link: Make) -> None:
    """With nobody left, hosts are tried nevertheless: the first that is back is used at once."""
    servers[0].otherwise = reset_before
    cluster = link(servers[0].url, closed)
    answers = [ask(cluster) for _ in range(6)]
    assert 200 not in answers
    assert f"cannot reach {closed}: connection refused" in answers
    assert 3 == bulks(servers[0]) == len(servers[0].requests)
    servers[0].otherwise = status(200)
    until(lambda: ask(cluster) == 200)
    assert 200 == ask(cluster)


def test_a_single_host_is_never_left_out(servers: list[BulkServer], link: Make) -> None:
    """With one host there is no choice: each request goes to it once, and none is a sign of life only."""
    server = servers[0]
    server.script += [reset_before] * 5
    cluster = link(server.url)
    assert [False] * 5 + [True] == [ask(cluster) == 200 for _ in range(6)]
    assert 6 == bulks(server) == len(server.requests)


def test_a_single_host_that_is_away(closed: str, link: Make) -> None:
    """With one host a refused connection is an answer for the caller: nothing is tried again here."""
    cluster = link(closed)
    assert [f"cannot reach {closed}: connection refused"] * 2 == [ask(cluster), ask(cluster)]
    assert [] == cluster.left_out


def workers(cluster: Link, number: int, timeout: float, seconds: float) -> list[int | str]:
    """So many threads ask for so many seconds; all answers."""
    answers: list[int | str] = []
    end = time.monotonic() + seconds

    def work() -> None:
        while time.monotonic() < end:
            answers.append(ask(cluster, timeout))

    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_slow_host_does_not_stall_the_rest(servers: list[BulkServer], link: Make) -> None:
    """Requests go to the host with the fewest under way: a slow one holds one of three workers, and the others go on."""
    servers[0].otherwise = slow_answer(0.5)
    cluster = link(servers[0].url, servers[1].url)
    answers = workers(cluster, 3, 5.0, 1.0)
    assert {200} == set(answers)
    assert bulks(servers[0]) <= 4
    assert bulks(servers[1]) > 50
    assert servers[0].most_open <= 2


def test_a_hanging_host_does_not_stall_the_rest(servers: list[BulkServer], silent: str, link: Make) -> None:
    """One that hangs holds one worker, first with a request, then with one sign of life at a time."""
    cluster = link(silent, servers[0].url, pause=0.05, longest=0.05)
    answers = workers(cluster, 3, 0.3, 1.5)
    assert 1 <= len([one for one in answers if one != 200]) <= 2
    assert bulks(servers[0]) > 100


def slow_answer(seconds: float) -> Answer:
    """Say 200 after a time; it is no bulk."""
    answer = status(200)

    def act(request: Asked) -> None:
        time.sleep(seconds)
        answer(request)

    return act


def test_prefix_and_port_of_each(servers: list[BulkServer], link: Make) -> None:
    """Each host keeps the path of its own proxy."""
    cluster = link(f"{servers[0].url}/a", f"{servers[1].url}/b/c")
    assert [200, 200] == [ask(cluster), ask(cluster)]
    assert ["/a/_bulk", "/b/c/_bulk"] == [server.requests[0].path for server in servers[:2]]


def test_two_threads_find_it_dead_at_once(servers: list[BulkServer], silent: str, link: Make) -> None:
    """A host that several requests find dead at once is dead once: it is asked again after its first pause, and by one."""
    cluster = link(silent, servers[0].url)
    hosts = cluster._hosts
    dead = next(node for node in hosts.nodes if node.base_url == silent)
    for _ in range(3):
        hosts.failed(dead, "a reason")
    assert 1 == hosts._pool._dead_nodes.qsize()
    assert {dead.config: 1} == dict(hosts._pool._dead_consecutive_failures)
