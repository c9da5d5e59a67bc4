"""Which containers are wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.engine.image import parse_image
from logagent.engine.select import Selection, Selector
from logagent.model import Container

HASH = "sha256:" + "ab" * 32


def container(name="web-1", image="ghcr.io/acme/web:1.2", **labels):
    """Make a container of which only this matters."""
    return Container("a" * 64, name, parse_image(image), labels)


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (Selector(name="web-1"), True),
        (Selector(name="web-*"), True),
        (Selector(name="web"), False),
        (Selector(name="WEB-*"), False),
        (Selector(name="web-[0-9]"), True),
        (Selector(image="ghcr.io/acme/web"), True),
        (Selector(image="ghcr.io/acme/web:1.2"), True),
        (Selector(image="ghcr.io/*"), True),
        (Selector(image="*:1.*"), True),
        (Selector(image="web"), False),
        (Selector(image="ghcr.io/acme/web:1.3"), False),
        (Selector(label="tier"), True),
        (Selector(label="tier=front*"), True),
        (Selector(label="tier=back"), False),
        (Selector(label="tie"), False),
        (Selector(label="empty"), True),
        (Selector(label="empty="), True),
        (Selector(label="tier="), False),
        (Selector(name="web-*", label="tier=frontend"), True),
        (Selector(name="web-*", label="tier=backend"), False),
    ],
    ids=str,
)
def test_a_selector_matches_when_all_that_it_gives_holds(selector, matches):
    """Names, images with and without tag, and labels are matched by globs, all of them together."""
    assert matches is selector.matches(container(tier="frontend", empty=""))


@pytest.mark.parametrize("image", ["app", "app:2", f"app@{HASH}", f"app:2@{HASH}"])
def test_a_digest_may_be_given_or_left_out(image):
    """An image that is pinned by digest is found by each way to write it."""
    assert Selector(image=image).matches(container(image=f"app:2@{HASH}"))


def test_an_image_id_is_found_as_it_is():
    """A container that was started by image id is found by that id only."""
    assert Selector(image=HASH).matches(container(image=HASH))
    assert not Selector(image="*@*").matches(container(image=HASH))


def test_a_selector_of_nothing_is_refused():
    """It would match everything, which nobody means."""
    with pytest.raises(ValueError, match="needs a name, an image or a label"):
        Selector()


def test_without_selectors_everything_is_wanted():
    """The default is to collect all containers."""
    assert Selection().wants(container())


def test_exclude_goes_before_include():
    """What both match is not wanted, and the reason names the selector."""
    selection = Selection((Selector(name="web-*"),), (Selector(label="logs=off"), Selector(image="*/web")))
    assert "excluded by image '*/web'" == selection.reason(container())
    assert not selection.wants(container())


def test_include_leaves_the_rest_out():
    """With include selectors only what one of them matches is wanted."""
    selection = Selection(include=(Selector(name="db-*"), Selector(name="web-*")))
    assert selection.wants(container("web-1"))
    assert "no include selector matches" == selection.reason(container("cron"))


@given(st.text(st.sampled_from("*?[]()\\^$.|+\n") | st.characters()))
def test_names_are_text_never_patterns(name):
    """However a container is called, it is matched whole and literally."""
    assert Selector(name="*").matches(container(name))
    assert (name == "web") is Selector(name="web").matches(container(name))
