"""Dead letters as the operator sees and changes them: grouped, paged, settled and dropped, and the account agrees each time."""

import pytest

from logagent.errors import Exit, Failure
from logagent.model import DeadLetter
from logagent.store.letters import Choice, Letters
from tests.ship.conftest import Filled, pair

MAPPING, LARGE = "document_parsing_exception: failed to parse", "too_large: no"


@pytest.fixture
def filled(tmp_path):
    """A store with output `es`."""
    made = Filled(tmp_path / "store")
    yield made
    made.store.close()


@pytest.fixture
def letters(filled):
    """The letters of a store with 10 events: 6 delivered, 4 refused by `es` (3 for their mapping, 1 for its size)."""
    filled.add(*["a line"] * 10)
    dead = [letter(n, 400, f"{MAPPING} field {n}", 100.0 + n) for n in range(3)] + [letter(3, 413, LARGE, 200.0)]
    filled.store.catalog.advance("es", 1, delivered=6, duplicates=0, dead=dead)
    opened = Letters(filled.folder / "catalog.db", read_only=False)
    yield opened
    opened.close()


def letter(number: int, status: int, reason: str, time: float, output: str = "es") -> DeadLetter:
    """The letter of document `number`."""
    return DeadLetter(output, 1, number, f"abababababab-0-{number:x}", status, reason, time, pair(number))


def account(filled) -> tuple[int, int, int, int]:
    """Of the output: delivered, duplicates, dead, dropped; what is stored is what these and the waiting are together."""
    (o,) = filled.store.catalog.outputs()
    stored = filled.store.catalog.totals()["stored", ""]
    assert stored - o.origin == o.delivered + o.dead + o.dropped + o.waiting
    return o.delivered, o.duplicates, o.dead, o.dropped


def ids(letters: Letters, choice: Choice = Choice()) -> list[str]:  # noqa: B008 - a frozen value
    """The ids that are there."""
    return [each.id[-1] for page in letters.pages(choice) for each in page]


def test_groups(letters):
    """What was refused alike is one group, with the newest reason and the times of the first and the last one."""
    first, second = letters.groups(Choice())
    assert ("es", 400, "document_parsing_exception", 3) == (first.output, first.status, first.kind, first.count)
    assert (100.0, 102.0, f"{MAPPING} field 2") == (first.first, first.last, first.reason)
    assert (413, "too_large", 1) == (second.status, second.kind, second.count)
    assert 3 * len(pair(1)) == first.bytes


def test_choice(letters):
    """Letters are chosen by output and by ids."""
    assert [] == letters.groups(Choice("other"))
    assert ["1", "3"] == ids(letters, Choice("es", ("abababababab-0-3", "abababababab-0-1", "none")))


def test_pages(letters):
    """All letters come, oldest first, so many at a time."""
    assert [2, 2] == [len(page) for page in letters.pages(Choice(), most=2)]
    assert ["0", "1", "2", "3"] == ids(letters)


def test_pages_have_an_end(letters, filled):
    """A letter that comes while they are paged through is left for the next time: what is refused again cannot go round for ever."""
    pages = letters.pages(Choice(), most=2)
    next(pages)
    filled.add("one")
    filled.store.catalog.advance("es", 2, delivered=0, duplicates=0, dead=[letter(9, 400, "new", 300.0)])
    assert [2] == [len(page) for page in pages]


def test_delivered_letters_leave(letters, filled):
    """What was delivered is no letter any more and counts as delivered; what was refused again stays, with the new reason."""
    again = letter(2, 429, "other: reason", 900.0)
    letters.settle("es", ["abababababab-0-0", "abababababab-0-1"], 1, [again])
    assert (8, 1, 2, 0) == account(filled)
    kept = {each.id[-1]: each for page in letters.pages(Choice()) for each in page}
    assert {"2", "3"} == kept.keys()
    assert (429, "other: reason", 900.0, pair(2)) == (
        kept["2"].status,
        kept["2"].reason,
        kept["2"].time,
        kept["2"].document,
    )


def test_letters_that_went_meanwhile_do_not_count(letters, filled):
    """Who replays beside the agent moves only what is still there: a letter that was let go, or settled by another, counts once."""
    filled.store.catalog.trim_dead_letters(2 * len(pair(0)))
    letters.settle("es", [f"abababababab-0-{n}" for n in range(4)], 4, [])
    assert (8, 2, 2, 0) == account(filled)
    letters.settle("es", [f"abababababab-0-{n}" for n in range(4)], 4, [])
    assert (8, 2, 2, 0) == account(filled)
    assert 2 == letters.trimmed()


def test_drop(letters, filled):
    """Dropped letters are gone, count as dropped, and by whom is told apart from what the store let go."""
    assert 2 == letters.drop(Choice(None, ("abababababab-0-0", "abababababab-0-3")))
    assert (6, 0, 2, 2) == account(filled)
    assert 2 == filled.store.catalog.totals()["dead_letters_dropped", "es"]
    assert 2 == letters.drop(Choice())
    assert (6, 0, 0, 4) == account(filled)


def test_no_store_is_made(tmp_path):
    """Where there is no store none is made, and it is said so."""
    with pytest.raises(Failure, match="there is no store") as raised:
        Letters(tmp_path / "catalog.db", read_only=False)
    assert Exit.STORE == raised.value.status
    assert [] == list(tmp_path.iterdir())
