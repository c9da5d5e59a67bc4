"""What needs attention is found, and said in a sentence."""

import pytest

from logagent.cli.overview import Line, Overview, as_json, attention, headline
from logagent.store.records import Output

NOW = 1_795_000_000.0


def _line(name="web-1", *, lag=0, updated=NOW, gaps=0):
    return Line(name, name, 10, gaps, updated, lag, 0.0)


def _output(*, waiting=0, since=None, dead=0, dropped=0):
    return Output("es", 5, 100, 1, dead, dropped, waiting, 0, since)


def _view(*, running=True, sources=(), outputs=(), totals=None, undelivered=0):
    return Overview(NOW, running, tuple(sources), tuple(outputs), totals or {}, 7, 9, 1, 2_000, 1_000, undelivered)


STORED = {("read", ""): 10, ("stored", ""): 10}

CASES = {
    "all is read and delivered": (_view(sources=[_line()], outputs=[_output()], totals=STORED), []),
    "no agent, nothing left": (_view(running=False, sources=[_line()], outputs=[_output()]), []),
    "lag that is being read": (_view(sources=[_line(lag=5, updated=NOW - 60)]), []),
    "lag that stands still": (
        _view(sources=[_line(lag=1500, updated=NOW - 61)]),
        ["web-1: 1.50 kB are not read, and nothing was for 1 m 1 s: see the agent's log"],
    ),
    "quiet source without lag": (_view(sources=[_line(updated=0)]), []),
    "lag that cannot be told": (_view(running=False, sources=[_line(lag=None)]), []),
    "lag without an agent": (
        _view(running=False, sources=[_line(lag=1500), _line("b", lag=500), _line("c")]),
        ["no agent runs, and 2.00 kB of 2 sources are not read: start it with `logagent run`"],
    ),
    "events on their way": (_view(outputs=[_output(waiting=10, since=NOW - 60)]), []),
    "events that wait": (
        _view(outputs=[_output(waiting=1234, since=NOW - 300)]),
        ["es: 1,234 events not delivered yet, the oldest stored 5 m ago: see the agent's log"],
    ),
    "events without an agent": (
        _view(running=False, outputs=[_output(waiting=1, since=NOW - 1)]),
        ["es: 1 event not delivered yet, the oldest stored 1 s ago: start the agent with `logagent run`"],
    ),
    "full without outputs": (_view(undelivered=0), []),
    "nearly full": (
        _view(outputs=[_output()], undelivered=950),
        [
            "the store is full to 95 % with frames that are not delivered: see what hinders the output, or raise store.max_size"
        ],
    ),
    "gaps": (
        _view(
            sources=[_line(gaps=2), _line("b")],
            totals={("gaps", "rotated"): 2, ("gaps", "missed"): 1, ("lost_bytes", ""): 2000},
        ),
        [
            "3 gaps (rotated: 2, missed: 1): lines were gone before they could be read, at least 2.00 kB of them (web-1: 2)"
        ],
    ),
    "a gap of unknown size": (
        _view(totals={("gaps", "truncated"): 1}),
        ["1 gap (truncated: 1): lines were gone before they could be read"],
    ),
    "dropped events": (
        _view(totals={("dropped", "too_old"): 1, ("dropped", ""): 2, ("filtered", "exclude"): 9}),
        ["3 events dropped before they were stored (too_old: 1, unknown: 2)"],
    ),
    "losses of an output": (
        _view(outputs=[_output(dead=1, dropped=2)]),
        [
            "es: 1 event refused for good and kept as dead letters: `logagent dead list` tells why",
            "es: 2 events let go undelivered, for want of room in the store",
        ],
    ),
    "letters that the operator dropped": (
        _view(outputs=[_output(dropped=2)], totals={("dead_letters_dropped", "es"): 2, **STORED}),
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_attention(case):
    """Each state gives exactly its sentences."""
    view, expected = CASES[case]
    assert expected == attention(view)


@pytest.mark.parametrize(
    ("running", "troubles", "expected"),
    [
        (True, [], "All is well: the agent runs and reads 1 source, 10 events stored."),
        (False, [], "All is well, but no agent runs on this store: what 1 source had is read, 10 events stored."),
        (True, ["x"], "1 thing to look at; the agent runs and reads 1 source."),
        (False, ["x", "y"], "2 things to look at; no agent runs on this store."),
    ],
)
def test_headline_says_whether_all_is_well(running, troubles, expected):
    """The first line can be read alone."""
    assert expected == headline(_view(running=running, sources=[_line()], totals=STORED), troubles)


def test_json_has_all_numbers():
    """Scripts find the same numbers, each with its unit in its key."""
    view = _view(
        sources=[_line(lag=5)], outputs=[_output(waiting=2, since=NOW - 3)], totals={**STORED, ("dropped", "x"): 1}
    )
    found = as_json(view, ["look"])
    assert (False, ["look"]) == (found["healthy"], found["attention"])
    assert {
        "read": 10,
        "stored": 10,
        "filtered": {},
        "dropped": {"x": 1},
        "problems": {},
        "gaps": 0,
        "gap_reasons": {},
        "lost_bytes": 0,
        "read_bytes": 0,
    } == found["events"]
    assert found["outputs"] == [
        {
            "name": "es",
            "cursor": 5,
            "events": 10,
            "delivered": 100,
            "duplicates": 1,
            "dead_letters": 0,
            "dropped": 0,
            "waiting": 2,
            "waiting_seconds": 3.0,
        }
    ]
    assert found["sources"] == [
        {
            "container": {"id": "web-1", "name": "web-1"},
            "events": 10,
            "gaps": 0,
            "lag_bytes": 5,
            "lag_seconds": 0.0,
            "updated": NOW,
        }
    ]
