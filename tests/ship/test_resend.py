"""Sending again: a real shipper takes loads instead of stored frames, at a bounded rate, and each load is settled once."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from logagent.cli.resending import drive
from logagent.model import DeadLetter
from logagent.ship.body import pack
from logagent.ship.elastic import Elastic
from logagent.ship.resend import Load, Resend, of_letters
from logagent.ship.shipper import Shipper
from tests.ship.conftest import pair
from tests.ship.server import BulkServer, refuse, status

ON = 10.0  # seconds that a test waits at most


def load(*numbers: int, weight: int | None = None) -> Load:
    """A load of these documents."""
    return Load(
        len(numbers), pack([pair(n) for n in numbers]), len(numbers) if weight is None else weight, of(*numbers).letters
    )


def of(*numbers: int) -> Load:
    """Make the letters of these documents a load."""
    (made,) = of_letters([[DeadLetter("es", 1, n, f"abababababab-0-{n:x}", 400, "old", 1.0, pair(n)) for n in numbers]])
    return made


def ship(resend: Any, client: Elastic, workers: int = 2) -> Shipper:
    """A shipper of these loads."""
    return Shipper(resend, "es", client, workers=workers, backoff_min=0.001, backoff_max=0.01)


def run(resend: Resend, shipper: Shipper) -> str:
    """Drive it to its end; tells why it was given up."""
    try:
        return drive(resend, shipper, lambda done, wrong: None)
    finally:
        shipper.stop(ON)


def test_everything_is_sent(server: BulkServer, connect: Callable[..., Elastic]) -> None:
    """All loads arrive under their ids; what was there already is told apart."""
    settled: list[tuple[int, int, int]] = []
    loads = iter([load(0, 1), load(2), load(1, 3)])
    resend = Resend(
        loads, settle=lambda one, duplicates, refused: settled.append((one.events, duplicates, len(refused)))
    )
    assert "" == run(resend, ship(resend, connect(server.url), workers=1))
    assert {f"abababababab-0-{n}" for n in range(4)} == server.documents.keys()
    assert (5, 5, 1, 0) == (
        resend.account.sent,
        resend.account.delivered,
        resend.account.duplicates,
        resend.account.dead,
    )
    assert [(2, 0, 0), (1, 0, 0), (2, 1, 0)] == settled


def test_refused_again(server: BulkServer, connect: Callable[..., Elastic]) -> None:
    """What is refused is counted by the server's word, and settled with its id and the new reason."""
    settled: list[Any] = []
    server.script.extend([status(503), refuse((400, "mapper"), None, (400, "other"))])
    resend = Resend(iter([load(0, 1, 2)]), settle=lambda one, duplicates, refused: settled.extend(refused))
    assert "" == run(resend, ship(resend, connect(server.url)))
    assert 1 == resend.account.delivered
    assert "400 mapper" in resend.account.refused
    assert "abababababab-0-0" in [each.id for each in settled]
    assert "mapper: a reason for 400" in [each.reason for each in settled]
    assert resend.account.sent == 3


def test_the_rate_is_kept() -> None:
    """A load is given out only when those before it have had their time; an open load waits in the generator."""
    now = [100.0]
    resend = Resend(iter([load(0, 1), load(2), load(3)]), rate=4.0, clock=lambda: now[0])
    assert [1] == [frame.seq for frame in resend.frames_after(0, 1)]
    assert (False, [], 1) == (resend.open, resend.frames_after(1, 1), resend.last_frame())
    now[0] += 0.5
    assert (True, 2) == (resend.open, resend.last_frame())
    assert [2] == [frame.seq for frame in resend.frames_after(1, 1)]
    now[0] += 0.24
    assert [] == resend.frames_after(2, 1)
    now[0] += 60.0
    assert [3] == [frame.seq for frame in resend.frames_after(2, 1)]


def test_a_rest_saves_nothing_up() -> None:
    """After a long wait no more than one load goes at once: the rate holds in each second, not on average."""
    now = [100.0]
    resend = Resend(iter([load(n) for n in range(9)]), rate=1.0, clock=lambda: now[0])
    resend.frames_after(0, 1)
    now[0] += 60.0
    assert [True, False] == [bool(resend.frames_after(0, 1)), bool(resend.frames_after(0, 1))]


def test_it_ends_when_all_is_settled() -> None:
    """Done is not when the last load was taken, but when something became of it."""
    resend = Resend(iter([load(0)]))
    (frame,) = resend.frames_after(0, 1)
    assert ([], False) == (resend.frames_after(1, 1), resend.done)
    resend.advance("es", frame.seq, delivered=1, duplicates=0, dead=[])
    assert (True, 1) == (resend.done, resend.account.weight)


def test_what_cannot_be_settled_is_not_counted() -> None:
    """A catalog that fails leaves the load as it is: it is settled again, and counted once."""
    tries = iter([OSError("full"), None])

    def settle(*_: object) -> None:
        if error := next(tries):
            raise error

    resend = Resend(iter([load(0)]), settle=settle)
    resend.frames_after(0, 1)
    with pytest.raises(OSError, match="full"):
        resend.advance("es", 1, delivered=1, duplicates=0, dead=[])
    assert (0, 0) == (resend.cursor("es"), resend.account.delivered)
    resend.advance("es", 1, delivered=1, duplicates=0, dead=[])
    assert (1, 1) == (resend.cursor("es"), resend.account.delivered)


def test_a_source_that_fails_is_no_end(server: BulkServer, connect: Callable[..., Elastic]) -> None:
    """When the loads cannot be read any more that is told, and not taken for their end."""

    def broken() -> Iterator[Load]:
        yield load(0)
        raise OSError("gone")

    resend = Resend(broken())
    run(resend, ship(resend, connect(server.url)))
    assert ("gone", 1) == (str(resend.error), resend.account.delivered)


def test_an_output_that_lets_nobody_in_is_given_up(server: BulkServer, connect: Callable[..., Elastic]) -> None:
    """A pause ends it with its reason: nobody is there to wait for the cure; nothing was settled."""
    server.otherwise = status(401)
    resend = Resend(iter([load(0)]))
    assert "401" in run(resend, ship(resend, connect(server.url)))
    assert (0, False) == (resend.account.sent, resend.done)


def test_a_silent_output_is_given_up() -> None:
    """One that fails without progress for half a minute is given up; one that makes progress is not."""

    class Failing:
        paused, last_error = "", "no answer"

        def start(self) -> None:
            """Do nothing."""

    now = [0.0]
    resend, failing = Resend(iter([load(0), load(1)])), Failing()
    resend.frames_after(0, 2)

    def sleep(_: float) -> None:
        now[0] += 1.0
        if now[0] == 20.0:
            resend.advance("es", 1, delivered=1, duplicates=0, dead=[])

    carrier: Any = failing
    assert "no answer" == drive(resend, carrier, lambda done, wrong: None, clock=lambda: now[0], sleep=sleep)
    assert 51.0 == now[0]


def test_the_rate_wakes_idle_workers(server: BulkServer, connect: Callable[..., Elastic]) -> None:
    """Workers that the rate held back go on as soon as it lets them, not only when they look by themselves."""
    resend = Resend(iter([load(n) for n in range(4)]), rate=20.0)
    shipper = ship(resend, connect(server.url))
    begun = time.monotonic()
    assert "" == run(resend, shipper)
    assert 0.1 <= time.monotonic() - begun < 4.0
    assert 4 == len(server.documents)
    assert threading.active_count() < 20


def test_letters_without_documents_are_left_out() -> None:
    """A letter whose document could not be read from disk cannot be sent; a page of such is no load."""
    empty = DeadLetter("es", 1, 0, "frame-1-0", 0, "unreadable", 1.0, b"")
    full = DeadLetter("es", 1, 1, "abababababab-0-1", 400, "r", 1.0, pair(1))
    assert [(full,)] == [one.letters for one in of_letters([[empty, full], [empty]])]
