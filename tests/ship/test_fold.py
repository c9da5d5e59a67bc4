"""Folding: what a foreign mapping may refuse becomes one text; what is ours, and the id, stay."""

import orjson
import pytest

from logagent.ship.fold import fold
from tests.ship.conftest import pair

ACTION = b'{"create":{"_id":"x-1"}}\n'


def folded(**document: object) -> tuple[bytes, dict[str, object]]:
    """The action and the document that this one becomes."""
    action, _, line = fold(ACTION + orjson.dumps(document) + b"\n").partition(b"\n")
    assert line.endswith(b"\n")
    return action, orjson.loads(line)


def test_labels_and_strange_fields() -> None:
    """Labels and fields that are not ours go into one text, as JSON; everything else stays as it was, under the same id."""
    action, document = folded(
        message="m", user={"id": 5}, container={"id": "c", "labels": {"a": "b"}}, log={"offset": 1}
    )
    assert ACTION.strip() == action
    text = document.pop("folded")
    assert {"message": "m", "container": {"id": "c"}, "log": {"offset": 1}} == document
    assert {"user": {"id": 5}, "container": {"labels": {"a": "b"}}} == orjson.loads(str(text))


@pytest.mark.parametrize("unchanged", [pair(1), ACTION + b"no json\n", ACTION + b"[1]\n", b""])
def test_nothing_to_fold(unchanged: bytes) -> None:
    """A document with nothing but our fields is sent as it is, and so is what is no document."""
    assert unchanged == fold(unchanged)


def test_a_field_of_that_name() -> None:
    """A document that has a field of the text's name already loses nothing."""
    _, document = folded(message="m", folded="mine")
    assert {"folded": "mine"} == orjson.loads(str(document["folded"]))
