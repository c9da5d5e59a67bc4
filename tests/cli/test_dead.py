"""`logagent dead`: what it prints, changes and returns, beside a store that an agent holds open all the while."""

import json
import re
from functools import partial

import pytest

from logagent.cli.dead import dead
from logagent.model import DeadLetter
from tests.ship.conftest import Filled, pair
from tests.ship.server import refuse, status

HOSTILE = "\x1b[2Jred"


@pytest.fixture
def store(tmp_path):
    """A store with ten events, held open as a running agent does: 6 delivered by `es`, 3 refused for their mapping, 1 for its size."""
    made = Filled(tmp_path / "store")
    made.add(*["a line"] * 10)
    letters = [
        *(letter(n, 400, f"document_parsing_exception: field {n} {HOSTILE}", 1_700_000_000.0 + n) for n in range(3)),
        letter(3, 413, "too_large: no", 1_700_000_100.0),
    ]
    made.store.catalog.advance("es", 1, delivered=6, duplicates=0, dead=letters)
    yield made
    made.store.close()


@pytest.fixture
def run(invoke):
    """Run `logagent dead`."""
    return partial(invoke, dead)


def letter(number, code, reason, time):
    """The letter of document `number`."""
    return DeadLetter("es", 1, number, f"abababababab-0-{number:x}", code, reason, time, pair(number))


def account(store):
    """Of the output: delivered, duplicates, dead, dropped; it must agree with what is stored."""
    (o,) = store.store.catalog.outputs()
    assert 10 == o.delivered + o.dead + o.dropped + o.waiting
    return o.delivered, o.duplicates, o.dead, o.dropped


def test_list(run):
    """The summary has each kind with its number, times and newest reason; nothing in it steers a terminal."""
    result = run("list")
    assert 0 == result.exit_code
    lines = result.stdout.splitlines()
    assert "es: 3 events refused with 400 document_parsing_exception" == lines[0]
    assert lines[1].startswith("  first 2023-11-14T22:13:20Z, last 2023-11-14T22:13:22Z, ")
    assert lines[1].endswith("; the newest: document_parsing_exception: field 2 ?[2Jred")
    assert "es: 1 event refused with 413 too_large" == lines[2]
    assert "\x1b" not in result.stdout


def test_list_all(run):
    """One line for each letter, with what `show`, `replay` and `drop` take: its id."""
    lines = run("list", "--all").stdout.splitlines()
    assert [f"abababababab-0-{n}  es  " for n in range(4)] == [line[:22] for line in lines]
    assert lines[3].endswith("413 too_large: no")


def test_list_json(run):
    """As JSON each kind is an object, and with --all each letter with its document."""
    (first, second) = map(json.loads, run("list", "--json").stdout.splitlines())
    assert ("document_parsing_exception", 3, 413) == (first["kind"], first["count"], second["status"])
    letters = [json.loads(line) for line in run("list", "--json", "--all").stdout.splitlines()]
    assert "a line" == letters[2]["document"]["message"]
    assert f"document_parsing_exception: field 2 {HOSTILE}" == letters[2]["reason"]


def test_list_of_none(run):
    """That there are none is said, and is no failure."""
    result = run("list", "--output", "other")
    assert (0, "There are no dead letters.\n") == (result.exit_code, result.stdout)


def test_trimmed_letters_are_told(run, store):
    """Letters that the budget let go are told: they are counted as refused, and cannot be replayed."""
    store.store.catalog.trim_dead_letters(2 * len(pair(0)))
    assert "2 older ones let go before, to keep within dead_letters.max_size." in run("list").stdout


def test_show(run):
    """A letter is shown with its reason and its document, laid out to read."""
    result = run("show", "abababababab-0-1")
    assert 0 == result.exit_code
    assert re.search(r"^reason: +document_parsing_exception: field 1 \?\[2Jred$", result.stdout, re.MULTILINE)
    assert '  "message": "a line",' in result.stdout.splitlines()


def test_show_nothing(run):
    """An id that no letter has: status 1, and how to find one."""
    result = run("show", "nobody")
    assert 1 == result.exception.status
    assert "`logagent dead list --all`" in str(result.exception)


def test_replay(run, store, server):
    """Once the mapping was mended all are delivered under the same ids, leave the letters, and count as delivered."""
    result = run("replay")
    assert 0 == result.exit_code, result.output
    assert "es: 4 events sent again: 4 new, 0 there already, 0 refused.\n" == result.stdout
    assert {f"abababababab-0-{n}": pair(n).splitlines()[1] for n in range(4)} == server.documents
    assert (10, 0, 0, 0) == account(store)
    assert [] == store.store.catalog.dead_letters(9)


def test_replay_what_is_there_already(run, store, server):
    """A letter whose document has come to the index meanwhile is delivered, and counted as one that was there."""
    server.documents["abababababab-0-1"] = b"{}"
    assert 0 == run("replay").exit_code
    assert (10, 1, 0, 0) == account(store)


def test_refused_again(run, store, server):
    """What is still refused stays with the new reason, the others leave; the status says so."""
    server.script.append(refuse(None, (400, "still_wrong")))
    result = run("replay")
    assert 1 == result.exit_code
    assert "  refused: 1 x 400 still_wrong\n" in result.stdout
    assert (9, 0, 1, 0) == account(store)
    (left,) = store.store.catalog.dead_letters(9)
    assert ("abababababab-0-1", "still_wrong: a reason for 400", pair(1)) == (left.id, left.reason, left.document)


def test_fold(run, store, server):
    """With --fold labels go as one text, under the same id; a letter that is refused all the same keeps its document as it was."""
    store.add("x")
    action, line = pair(99).splitlines()
    labelled = b"\n".join((action, line[:-1] + b',"container":{"id":"c","labels":{"a":"b"}}}', b""))
    strange = DeadLetter("es", 2, 0, "abababababab-0-63", 400, "mapping", 1.0, labelled)
    store.store.catalog.advance("es", 2, delivered=0, duplicates=0, dead=[strange])
    server.script.append(refuse((400, "still")))
    assert 1 == run("replay", "--fold", strange.id).exit_code
    assert labelled in {each.document for each in store.store.catalog.dead_letters(9)}
    assert 0 == run("replay", "--fold", strange.id).exit_code
    document = json.loads(server.documents[strange.id])
    assert ({"id": "c"}, '{"container":{"labels":{"a":"b"}}}') == (document["container"], document["folded"])


def test_replay_some(run, store, server):
    """Only the letters that are named are sent."""
    assert 0 == run("replay", "abababababab-0-0", "abababababab-0-3").exit_code
    assert {"abababababab-0-0", "abababababab-0-3"} == server.documents.keys()
    assert (8, 0, 2, 0) == account(store)


def test_replay_to_an_output_that_refuses_us(run, store, server):
    """A refused credential ends it with status 5 and the reason; all letters are as they were."""
    server.otherwise = status(401)
    result = run("replay")
    assert 5 == result.exit_code
    assert "es: not everything was sent (" in result.stdout
    assert "401" in result.stdout
    assert (6, 0, 4, 0) == account(store)


def test_replay_to_an_output_that_is_no_more(run, store):
    """Letters of an output that the settings do not have cannot be sent: it is said whose, and what can be done."""
    store.add("b line")
    store.store.catalog.use_outputs(["es", "old"])
    old = DeadLetter("old", 2, 0, "x-1", 400, "r", 1.0, pair(0))
    store.store.catalog.advance("old", 2, delivered=10, duplicates=0, dead=[old])
    result = run("replay", "--output", "old")
    assert 2 == result.exception.status
    assert "there is no output 'old' in the settings (they have es)" in str(result.exception)


def test_replay_what_has_no_document(run, store, server):
    """A letter whose document could not be read from disk stays, and is told; the others are sent."""
    store.add("x")
    lost = DeadLetter("es", 2, 0, "frame-2-0", 0, "unreadable", 1.0, b"")
    store.store.catalog.advance("es", 2, delivered=0, duplicates=0, dead=[lost])
    result = run("replay")
    assert 1 == result.exit_code
    assert "es: 1 dead letter cannot be sent: nothing is kept of them but the reason." in result.stdout
    assert 4 == len(server.documents)
    assert ["frame-2-0"] == [each.id for each in store.store.catalog.dead_letters(9)]


def test_drop_asks(run, store):
    """Nothing goes before somebody said yes."""
    assert 1 == run("drop", "--all", input="n\n").exit_code
    assert (6, 0, 4, 0) == account(store)
    result = run("drop", "--all", input="y\n")
    assert (0, True) == (result.exit_code, "4 dead letters dropped." in result.stdout)
    assert (6, 0, 0, 4) == account(store)


def test_drop_some(run, store):
    """With --yes it does not ask; only what is named goes."""
    assert 0 == run("drop", "abababababab-0-3", "--yes").exit_code
    assert (6, 0, 3, 1) == account(store)
    assert 0 == run("drop", "--output", "es", "--yes").exit_code
    assert (6, 0, 0, 4) == account(store)


@pytest.mark.parametrize("arguments", [(), ("--all", "abababababab-0-1"), ("--all", "--output", "es")])
def test_drop_needs_a_choice(run, store, arguments):
    """What is to go must be said, and all is said by --all alone."""
    assert 2 == run("drop", "--yes", *arguments).exit_code
    assert (6, 0, 4, 0) == account(store)


@pytest.mark.parametrize("verb", [("replay",), ("drop", "--yes", "--output", "none")])
def test_nothing_to_do(run, store, verb):
    """Where there is no such letter that is said, with status 1."""
    store.store.catalog.trim_dead_letters(0)
    assert 1 == run(*verb).exception.status


def test_no_store(run, tmp_path):
    """Where there is no store that is said, and none is made."""
    result = run("drop", "--all", "--yes", "--store", tmp_path / "none")
    assert 4 == result.exception.status
    assert not (tmp_path / "none").exists()
