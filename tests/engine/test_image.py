"""Image references in their parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.engine.image import parse_image
from logagent.model import Image

HASH = "sha256:" + "0123456789abcdef" * 4

TABLE = [
    ("nginx", Image("nginx")),
    ("nginx:1.25", Image("nginx", "1.25")),
    ("library/nginx:latest", Image("library/nginx", "latest")),
    ("ghcr.io/acme/web:1.2", Image("ghcr.io/acme/web", "1.2")),
    ("localhost:5000/app", Image("localhost:5000/app")),
    ("localhost:5000/team/app:1.2-rc.1", Image("localhost:5000/team/app", "1.2-rc.1")),
    ("[fd00::1]:5000/app", Image("[fd00::1]:5000/app")),
    ("[fd00::1]:5000/app:2", Image("[fd00::1]:5000/app", "2")),
    (f"app@{HASH}", Image("app", None, HASH)),
    (f"app:2@{HASH}", Image("app", "2", HASH)),
    (f"r.example:5000/app@{HASH}", Image("r.example:5000/app", None, HASH)),
    (f"r.example:5000/app:2@{HASH}", Image("r.example:5000/app", "2", HASH)),
    (HASH, Image(HASH, None, HASH)),
    ("sha256:0123456789ab", Image("sha256:0123456789ab")),
    ("0123456789ab", Image("0123456789ab")),
    ("", Image("")),
    ("app:", Image("app")),
    ("app@", Image("app")),
    (":tag", Image(":tag")),
    ("@" + HASH, Image("@" + HASH)),
]


@pytest.mark.parametrize(("reference", "image"), TABLE, ids=[reference or "empty" for reference, _ in TABLE])
def test_a_reference_is_read_from_the_right(reference, image):
    """Registry ports, tags, digests and bare ids are told apart."""
    assert image == parse_image(reference)


REGISTRIES = st.sampled_from(["", "ghcr.io/", "localhost:5000/", "10.0.0.1:80/", "[fd00::1]:5000/"])
PATHS = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+){0,2}", fullmatch=True)
TAGS = st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
DIGESTS = st.none() | st.just(HASH)


@given(REGISTRIES, PATHS, TAGS, DIGESTS)
def test_what_was_put_together_comes_apart_again(registry, path, tag, digest):
    """Any valid reference gives back the parts that it was made of."""
    name = registry + path
    reference = name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    assert Image(name, tag, digest) == parse_image(reference)


@given(st.text(st.sampled_from("a:/@5\n\0") | st.characters()))
def test_every_text_has_an_answer_that_keeps_its_characters(reference):
    """A reference that is none never raises, and its name is what it begins with."""
    assert reference.startswith(parse_image(reference).name)
    assert bool(reference) == bool(parse_image(reference).name)
