"""The feed of container events, on a fake engine behind a real socket."""

import queue
import threading
from unittest import mock

import pytest

from logagent.engine import events
from logagent.engine.events import EventFeed, read_event
from tests.engine.fake import END
from tests.engine.files import IDS

DEADLINE = 10  # seconds


def happened(kind, container_id=IDS[0]):
    """Make an event as the engine sends it."""
    return {"Type": "container", "Action": kind, "Actor": {"ID": container_id, "Attributes": {"name": "x"}}, "time": 1}


@pytest.fixture
def notices(fake):
    """A running feed's notices; without waiting between connections."""
    found: queue.SimpleQueue[events.Notice] = queue.SimpleQueue()
    with mock.patch.object(events, "_FIRST_WAIT", 0.01):
        feed = EventFeed(found.put, fake.url)
        feed.start()
        yield found
        feed.stop()
    assert not feed._thread.is_alive()


def test_events_arrive_in_order_after_a_relist(notices, fake):
    """A connection begins with a call to look at everything; then come the events."""
    assert ("relist", "") == notices.get(timeout=DEADLINE)
    kinds = ["create", "start", "rename", "die", "destroy"]
    for kind in kinds:
        fake.events.put(happened(kind))
    assert [(kind, IDS[0]) for kind in kinds] == [notices.get(timeout=DEADLINE) for _ in kinds]


def test_after_a_lost_connection_everything_is_listed_again(notices, fake):
    """An engine that ends the stream, or restarts, is followed again from a relist."""
    assert ("relist", "") == notices.get(timeout=DEADLINE)
    fake.events.put(END)
    assert ("relist", "") == notices.get(timeout=DEADLINE)
    fake.stop()
    fake.start()
    assert ("relist", "") == notices.get(timeout=DEADLINE)
    fake.events.put(happened("start"))
    assert ("start", IDS[0]) == notices.get(timeout=DEADLINE)


def test_damage_in_the_stream_is_outlived(notices, fake):
    """What is no JSON ends one connection, not the feed."""
    assert ("relist", "") == notices.get(timeout=DEADLINE)
    fake.events.put(b"\xff}{\n")
    fake.events.put(END)
    assert ("relist", "") == notices.get(timeout=DEADLINE)


def test_a_feed_without_an_engine_waits_for_it_and_stops_at_once(tmp_path):
    """No socket is no error, and the wait for one can be cut short."""
    feed = EventFeed(lambda _: None, f"unix://{tmp_path}/none")
    feed.start()
    feed.stop(DEADLINE)
    assert not feed._thread.is_alive()


def test_a_feed_that_never_started_can_be_stopped(tmp_path):
    """Stopping needs no start."""
    EventFeed(lambda _: None, f"unix://{tmp_path}/none").stop()


def test_waits_grow_to_a_bound_and_begin_again_after_a_connection(fake, tmp_path):
    """An engine that is gone for long is not asked all the time."""
    feed = EventFeed(lambda _: None, f"unix://{tmp_path}/none")
    feed._stopping = mock.Mock(spec=threading.Event)
    feed._stopping.is_set.side_effect = [False] * 9 + [True]
    feed._run()
    assert [0.5, 1, 2, 4, 8, 16, 30, 30, 30] == [call.args[0] for call in feed._stopping.wait.call_args_list]
    feed._url = fake.url
    feed._stopping.is_set.side_effect = [False, False, True]
    fake.events.put(END)
    feed._run()
    assert mock.call(0.5) == feed._stopping.wait.call_args


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        {"Type": "container", "Action": "start"},
        {"Type": "container", "Action": "start", "Actor": []},
        {"Type": "image", "Action": "create", "Actor": {"ID": IDS[0]}},
        happened("exec_start: sh"),
        happened("relist"),
        happened(["start"]),
        happened("start", "../x"),
        happened("start", None),
    ],
)
def test_other_events_are_passed_over(event):
    """Foreign kinds, shapes and ids give no notice."""
    assert read_event(event) is None
