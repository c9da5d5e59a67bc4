"""Dead letters: what is kept of a refused document, and how much of them all."""

from logagent.model import DeadLetter
from logagent.ship.bulk import Refusal
from logagent.ship.deadletter import DeadLetters, letters
from tests.ship.conftest import Filled, pair


def test_letter() -> None:
    """A letter has the document's lines, its id, and the server's status, word and reason."""
    (letter,) = letters("es", 7, [Refusal(2, 400, "mapper", "no")], {2: pair(2)}, 5.0)
    assert DeadLetter("es", 7, 2, "abababababab-0-2", 400, "mapper: no", 5.0, pair(2)) == letter


def test_letter_without_its_document() -> None:
    """A document that cannot be read from disk has a letter too, with an id made of its place."""
    (letter,) = letters("es", 7, [Refusal(2, 0, "unreadable", "")], {}, 5.0)
    assert ("frame-7-2", "unreadable", b"") == (letter.id, letter.reason, letter.document)


def test_earlier_runs_count(filled: Filled) -> None:
    """What earlier runs left is brought to the budget with the first letter of this one, the oldest first."""
    catalog = filled.store.catalog
    filled.fill(2)
    old = [DeadLetter("es", 1, n, f"old-{n}", 400, "r", 1.0, b"x" * 100) for n in range(50)]
    catalog.advance("es", 1, delivered=0, duplicates=0, dead=old)
    new = [DeadLetter("es", 2, 0, "new", 400, "r", 2.0, b"x" * 100)]
    catalog.advance("es", 2, delivered=0, duplicates=0, dead=new)
    DeadLetters(catalog, 100_000).trim(new)
    assert 51 == len(catalog.dead_letters(100))
    DeadLetters(catalog, 1000).trim(new)
    assert ["new", "old-49"] == [letter.id for letter in catalog.dead_letters(100)][:2]
    assert 10 == len(catalog.dead_letters(100))


def test_looks_only_now_and_then(filled: Filled) -> None:
    """The budget is looked at each time that a part of it was added, not at each letter."""
    calls: list[int] = []
    filled.store.catalog.trim_dead_letters = lambda budget: calls.append(budget) or 0  # type: ignore[method-assign,func-returns-value]  # counts calls
    dead = DeadLetters(filled.store.catalog, 16_000)
    for n in range(101):
        dead.trim([DeadLetter("es", 1, n, f"{n}", 400, "r", 1.0, b"x" * 100)])
    assert 11 == len(calls)
