"""Which containers a command line means."""

import pytest

from logagent.errors import Exit, Failure
from logagent.model import Container
from logagent.store.choose import choose, printable
from logagent.store.records import Known
from tests.store.filled import container


def known(*containers: Container, removed: tuple[int, ...] = ()) -> list[Known]:
    """Containers as the catalog lists them."""
    return [Known(key, c, 5.0 if key in removed else None) for key, c in enumerate(containers)]


def keys(words: list[str], among: list[Known]) -> list[int]:
    """The keys of what `words` mean."""
    return [one.key for one in choose(words, among)]


def test_names_ids_and_globs_are_found_each_once():
    """Words are answered in their order; a container meant twice comes once."""
    among = known(container("web-1"), container("web-2"), container("db"))
    db = among[2].container.id
    assert [2, 0, 1] == keys(["db", "web-*", db, db[:9], "/web-1"], among)
    assert [2, 0, 1] == keys(["*"], among)


def test_a_name_used_again_means_the_container_that_is_there():
    """The one that is there goes before removed ones, whatever their age; among removed ones the newest."""
    old, new = (
        container("web", created="2026-01-01T00:00:00Z"),
        container("web", number=1, created="2026-01-02T00:00:00.5Z"),
    )
    assert [0] == keys(["web"], known(old, new, removed=(1,)))
    assert [1] == keys(["web"], known(old, new, removed=(0, 1)))
    assert [0] == keys([old.id[:12]], known(old, new, removed=(0,)))
    assert [0, 1] == keys(["we[b]"], known(old, new, removed=(0,)))


def test_a_name_goes_before_the_beginning_of_an_id():
    """As with Docker, a container named like another's id wins."""
    one = container("db")
    assert [1] == keys([one.id[:4]], known(one, container(one.id[:4])))


def test_the_beginning_of_several_ids_is_refused_with_their_names():
    """Nothing is guessed."""
    one, other = (
        Container("ab" * 32, "web", container("x").image),
        Container("ac" * 32, "db\x1b[2J", container("x").image),
    )
    with pytest.raises(Failure) as caught:
        choose(["a"], known(one, other))
    assert Exit.NO == caught.value.status
    assert "'a' begins the ids of 2 containers: abababababab (web), acacacacacac (db�[2J); give more of the id" == str(
        caught.value
    )


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("wbe-1", "no container 'wbe-1' in the store; did you mean web-1?"),
        ("zzz", "no container 'zzz' in the store; `logagent status` lists what is stored"),
        ("eb", "no container 'eb' in the store; did you mean web-1?"),
        ("", "no container '' in the store; `logagent status` lists what is stored"),
        ("x*", "no container 'x*' in the store; `logagent status` lists what is stored"),
    ],
)
def test_an_unknown_name_is_told_with_near_ones(word: str, expected: str):
    """The user learns what there is."""
    with pytest.raises(Failure) as caught:
        choose([word], known(container("web-1"), container("database")))
    assert (expected, Exit.NO) == (str(caught.value), caught.value.status)


def test_names_cannot_move_the_cursor():
    """Control characters and directions of writing are replaced, and length has its bound."""
    assert "a�[2J�b" == printable("a\x1b[2J\u202eb")
    assert 128 == len(printable("x" * 1000))
