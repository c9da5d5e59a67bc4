"""A frame's way: each item is counted once, whatever the verdicts are."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from logagent.ship.bulk import Again, Fault, Items, Refusal, Split
from logagent.ship.parcel import HOPELESS, Parcel


@given(st.integers(1, 40), st.booleans(), st.randoms(use_true_random=False))
def test_each_item_is_settled_once(events: int, proven: bool, chance: Random) -> None:  # noqa: FBT001 - drawn
    """Under any row of verdicts every item ends delivered or dead, exactly once."""
    parcel = Parcel(events, proven=proven)
    poison = set(chance.sample(range(events), events // 2))
    settled: list[int] = []
    while not parcel.done:
        items = parcel.items
        if poison & set(items) and chance.random() < 0.5:
            if isinstance(parcel.apply(Split(400, "400")), Fault):
                settled.clear()
                poison.clear()
            continue
        fates = chance.choices("drx", k=len(items))
        settled += [item for item, fate in zip(items, fates, strict=True) if fate == "d"]
        dead = tuple(Refusal(n, 400, "k", "r") for n, fate in enumerate(fates) if fate == "x")
        retry = tuple(n for n, fate in enumerate(fates) if fate == "r")
        assert isinstance(parcel.apply(Items(fates.count("d"), 0, retry, dead)), Items)
    assert len(settled) == parcel.delivered
    assert list(range(events)) == sorted(settled + [refusal.item for refusal in parcel.dead])


def test_again_changes_nothing() -> None:
    """What settles nothing leaves the request as it is."""
    parcel = Parcel(3, proven=True)
    parcel.apply(Again("503"))
    assert parcel.whole
    assert range(3) == parcel.items


def test_poison_before_the_first_success() -> None:
    """The first document may be the poisonous one: it is tried again after a success, and then dead."""
    parcel = Parcel(2, proven=False)
    parcel.apply(Split(400, "400"))
    parcel.apply(Split(400, "400"))
    assert (1,) == tuple(parcel.items)
    parcel.apply(Items(1))
    assert (0,) == tuple(parcel.items)
    parcel.apply(Split(400, "400"))
    assert parcel.done
    assert [0] == [refusal.item for refusal in parcel.dead]


def test_many_alike_are_a_fault() -> None:
    """After so many documents refused one by one, and none accepted, it is the server's fault, and all are kept."""
    parcel = Parcel(1000, proven=True)
    requests = 0
    verdict: object = None
    while not isinstance(verdict, Fault):
        verdict = parcel.apply(Split(400, "400"))
        requests += 1
    assert requests < 3 * HOPELESS
    assert (range(1000), []) == (parcel.items, parcel.dead)


def test_single_document_after_success() -> None:
    """A frame of one document that is refused is dead where the server took the last one, and kept where it did not."""
    proven, unproven = Parcel(1, proven=True), Parcel(1, proven=False)
    assert isinstance(proven.apply(Split(400, "400")), Split)
    assert isinstance(unproven.apply(Split(400, "400")), Fault)
    assert (True, False) == (proven.done, unproven.done)


def test_too_large_is_told_apart() -> None:
    """A single document that is too large is tried once more with its long texts cut, and dead when that is refused too."""
    parcel = Parcel(2, proven=True)
    parcel.apply(Split(413, "413"))
    parcel.apply(Split(413, "413"))
    assert ((0,), {0}) == (tuple(parcel.items), parcel.shortened)
    parcel.apply(Split(413, "413"))
    assert (1,) == tuple(parcel.items)
    parcel.apply(Items(0, dead=(Refusal(0, 413, "k", "r"),)))
    assert ((1,), {0, 1}) == (tuple(parcel.items), parcel.shortened)
    parcel.apply(Items(1))
    parcel.apply(Split(413, "413"))
    assert parcel.done
    assert ([0], 1) == ([refusal.item for refusal in parcel.dead], parcel.delivered)


def test_everything_too_large_is_no_documents_fault() -> None:
    """A server to which even cut documents are too large, all of them, has a fault of its own: everything is kept."""
    parcel = Parcel(100, proven=True)
    verdict: object = None
    for _ in range(200):
        if isinstance(verdict := parcel.apply(Split(413, "413")), Fault):
            break
    assert isinstance(verdict, Fault)
    assert (range(100), [], set()) == (parcel.items, parcel.dead, parcel.shortened)
