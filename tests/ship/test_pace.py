"""Requests in flight against simulated clusters: they find what a cluster bears, stay there, and come back after it was slower."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.ship.pace import Pace

MB = 1 << 20


@dataclass
class Cluster:
    """`width(time)` requests are worked on at a time, `work` seconds each; `queue` more may wait, and what comes then gets 429."""

    width: Callable[[float], int]
    queue: float
    work: float = 1.0


def simulate(pace: Pace, cluster: Cluster, end: float, think: float = 0.01) -> Iterator[tuple[float, int, bool]]:
    """Send as many requests as `pace` allows until `end`; gives (time, allowed, pushed back) at each answer. The time is simulated."""
    now, flying, free = 0.0, 0, [0.0] * 64
    answers: list[tuple[float, int, float, bool]] = []
    sent: dict[int, float] = {}
    while now < end:
        while flying < pace.allowed:
            number = pace.begin()
            busy = sorted(free[: cluster.width(now)])
            waiting = sum(ready > now for _, _, ready, _ in answers)
            if busy[0] > now and waiting >= cluster.queue:
                heapq.heappush(answers, (now + think, number, now, True))
            else:
                begin = max(now, busy[0])
                free[free.index(busy[0])] = begin + cluster.work
                heapq.heappush(answers, (begin + cluster.work + think, number, begin, False))
                sent[number] = now
            flying += 1
        now, number, _, pushed = heapq.heappop(answers)
        flying -= 1
        if pushed:
            pace.pushed_back(number)
        else:
            pace.passed(number, MB, now - sent.pop(number))
        yield now, pace.allowed, pushed


def mean(rows: list[tuple[float, int, bool]]) -> float:
    """The mean of what was allowed."""
    return sum(allowed for _, allowed, _ in rows) / len(rows)


@pytest.mark.parametrize(("width", "queue"), [(1, 0), (2, 0), (4, 2), (8, 0), (8, 4)])
def test_finds_what_a_cluster_bears(width: int, queue: int) -> None:
    """Against a cluster that turns away what is too much, the pace stays between half and all of what it bears, with few refusals."""
    rows = list(simulate(Pace(16), Cluster(lambda _: width, queue), 1000))[-width * 500 :]
    bears = width + queue
    assert bears / 2 <= mean(rows) <= bears + 0.5
    assert max(allowed for _, allowed, _ in rows) <= bears + 1
    assert sum(pushed for *_, pushed in rows) < 0.15 * len(rows)


def test_goes_to_the_most_where_nothing_hinders() -> None:
    """A cluster that bears more than the workers are soon gets as many requests as there are workers, and keeps them."""
    rows = list(simulate(Pace(8), Cluster(lambda _: 32, 0), 100))
    assert [8] * (len(rows) - 8) == [allowed for _, allowed, _ in rows[8:]]


def test_comes_down_and_back() -> None:
    """When a cluster loses most of its nodes the pace is down at once, and up again soon after they are back."""
    rows = list(simulate(Pace(16), Cluster(lambda now: 2 if 300 <= now < 600 else 12, 0), 900))
    before, less, after = ([r for r in rows if a <= r[0] < b] for a, b in ((200, 300), (310, 600), (660, 900)))
    assert 6 <= mean(before) <= 12.5
    assert 1 <= mean(less) <= 2.5
    assert 6 <= mean(after) <= 12.5


def test_slow_answers_are_push_back() -> None:
    """A cluster that queues everything and refuses nothing is found out by its times: they stay within a few times the best."""
    rows = list(simulate(Pace(16), Cluster(lambda _: 2, float("inf")), 2000))[-500:]
    assert 2 <= mean(rows) <= 2 * 4 + 1


def test_outage_leaves_one_request() -> None:
    """While a server does not answer one request at a time tries it; the first success is soon followed by half of what went before."""
    pace = Pace(8)
    for _ in range(10):
        pace.passed(pace.begin(), MB, 0.1)
    assert 8 == pace.allowed
    for _ in range(5):
        pace.pushed_back(pace.begin())
    assert 1 == pace.allowed
    for _ in range(3):
        pace.passed(pace.begin(), MB, 0.1)
    assert 4 == pace.allowed


def test_one_jam_is_one_push_back() -> None:
    """Requests that were under way together and are pushed back together halve once."""
    pace = Pace(8)
    for _ in range(10):
        pace.passed(pace.begin(), MB, 0.1)
    together = [pace.begin() for _ in range(8)]
    for number in together:
        pace.pushed_back(number)
    assert 4 == pace.allowed


def test_small_requests_and_quick_answers_are_no_measure() -> None:
    """Neither a small request, which costs more for each byte, nor an answer within a second is ever taken for a jam."""
    pace = Pace(4)
    for _ in range(10):
        pace.passed(pace.begin(), 4 * MB, 0.1)
        pace.passed(pace.begin(), 1000, 1.5)
        pace.passed(pace.begin(), 4 * MB, 0.9)
    assert 4 == pace.allowed


@given(
    st.integers(1, 16),
    st.lists(st.tuples(st.sampled_from("pb"), st.integers(0, 10**7), st.floats(0, 1e6)), max_size=60),
)
def test_always_between_one_and_all(most: int, course: list[tuple[str, int, float]]) -> None:
    """Whatever happens, at least one request is allowed, and never more than there are workers."""
    pace = Pace(most)
    for kind, size, seconds in course:
        if kind == "p":
            pace.passed(pace.begin(), size, seconds)
        else:
            pace.pushed_back(pace.begin())
        assert 1 <= pace.allowed <= most
