"""Replies and their verdicts, row by row."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.ship.bulk import MAX_REASON, Again, Fault, Items, Split, judge


def reply(*items: tuple[int, str] | int, errors: bool = True) -> bytes:
    """A reply with these statuses, and error types where there are any."""
    made: list[dict[str, Any]] = []
    for item in items:
        code, kind = item if isinstance(item, tuple) else (item, "")
        made.append({"create": {"status": code} | ({"error": {"type": kind, "reason": "because"}} if kind else {})})
    return orjson.dumps({"errors": errors, "took": 3, "items": made})


def test_all_created() -> None:
    """A reply without errors is as many delivered as were sent."""
    assert Items(3) == judge(200, reply(201, 201, 201, errors=False), 3)


def test_pretty_reply() -> None:
    """Blanks in the reply change nothing."""
    body = b'{ "errors" : false, "items" : [ {"create" : {"status" : 201}}, {"create" : {"status" : 200}} ] }'
    assert Items(2) == judge(200, body, 2)


def test_two_delivered_two_dead() -> None:
    """Refused documents are dead with their reason; those beside them are delivered."""
    verdict = judge(200, reply(201, (400, "mapper_parsing_exception"), (400, "illegal_argument_exception"), 201), 4)
    assert isinstance(verdict, Items)
    assert (2, ()) == (verdict.delivered, verdict.retry)
    assert [(1, 400, "mapper_parsing_exception", "because"), (2, 400, "illegal_argument_exception", "because")] == [
        (d.item, d.status, d.kind, d.reason) for d in verdict.dead
    ]


def test_duplicates_are_delivered() -> None:
    """An id that is there already is a success."""
    assert Items(2, duplicates=2) == judge(200, reply((409, "version_conflict_engine_exception"), 409), 2)


@pytest.mark.parametrize("field", ["status", "failure_store"])
def test_failure_store_is_counted(field: str) -> None:
    """Documents that the failure store took are delivered and counted, though the reply has no errors, wherever the word stands."""
    aside = {"failure_store": "used", "status": 201} if field == "status" else {"status": 201, "failure_store": "used"}
    for status in (200, 201):
        items = [{"create": {"status": 201}}, {"create": aside | {"status": status}}, {"create": {"status": 201}}]
        assert Items(3, failure_store=1) == judge(200, orjson.dumps({"errors": False, "took": 3, "items": items}), 3)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("word", ["not_enabled", "failed"])
def test_failure_store_that_did_not_help(word: str, inside: bool) -> None:  # noqa: FBT001 - a parameter
    """A refusal tells that the failure store did not take the document either."""
    error: dict[str, Any] = {"type": "t", "reason": "r"}
    item = (
        {"status": 400, "error": error | {"failure_store": word}}
        if inside
        else {"failure_store": word, "status": 400, "error": error}
    )
    verdict = judge(200, orjson.dumps({"errors": True, "items": [{"create": item}]}), 1)
    assert isinstance(verdict, Items)
    assert [f"r (failure store: {word})"] == [d.reason for d in verdict.dead]


def test_usual_reply_is_told_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual reply is not decoded."""
    monkeypatch.setattr("logagent.ship.bulk.orjson", None)
    assert Items(1000) == judge(200, reply(*[201] * 1000, errors=False), 1000)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, "es_rejected_execution_exception"),
        (429, "cluster_block_exception"),
        (403, "cluster_block_exception"),
        (503, "unavailable_shards_exception"),
        (500, "exception"),
        (503, ""),
    ],
)
def test_item_to_be_sent_again(status: int, kind: str) -> None:
    """Only the item that was turned away for now goes again, and that is no fault."""
    verdict = judge(200, reply(201, (status, kind)), 2)
    assert isinstance(verdict, Items)
    assert (1, (1,), (), None) == (verdict.delivered, verdict.retry, verdict.dead, verdict.fault)
    assert f"{status} {kind}" in verdict.reason


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (401, "security_exception", ""),
        (403, "security_exception", ""),
        (404, "index_not_found_exception", ""),
        (400, "illegal_argument_exception", "only write ops with an op_type of create are allowed in data streams"),
        (400, "illegal_argument_exception", "no matching index template found for data stream [x]"),
        (400, "illegal_argument_exception", "pipeline with id [x] does not exist"),
        (400, "validation_exception", "Validation Failed: 1: this action would add [2] shards"),
        (400, "index_closed_exception", "closed"),
    ],
)
def test_item_that_is_the_setups_fault(status: int, kind: str, reason: str) -> None:
    """What every document would meet alike is kept and pauses shipping; it is never a dead letter."""
    body = orjson.dumps(
        {"errors": True, "items": [{"create": {"status": status, "error": {"type": kind, "reason": reason}}}]}
    )
    verdict = judge(200, body, 1)
    assert isinstance(verdict, Items)
    assert ((0,), ()) == (verdict.retry, verdict.dead)
    assert verdict.fault is not None
    assert f"{status} {kind}" in verdict.fault.reason


def refused(status: int, error: dict[str, Any]) -> Items:
    """The verdict on one document that was answered so."""
    verdict = judge(200, orjson.dumps({"errors": True, "items": [{"create": {"status": status, "error": error}}]}), 1)
    assert isinstance(verdict, Items)
    return verdict


def test_document_that_a_pipeline_fails() -> None:
    """A document that a pipeline fails on purpose is a dead letter, though the server says 500."""
    verdict = refused(500, {"type": "fail_processor_exception", "reason": "not wanted"})
    assert ((), ["not wanted"]) == (verdict.retry, [d.reason for d in verdict.dead])


@pytest.mark.parametrize(
    "reason", ["failed to parse field [n]: 'pipeline with id [x] does not exist'", "no such: this action would add"]
)
def test_document_that_speaks_of_the_setup(reason: str) -> None:
    """What a refusal quotes of the document is never taken for the setup's fault: no line can pause shipping."""
    verdict = refused(400, {"type": "document_parsing_exception", "reason": reason})
    assert (None, 1) == (verdict.fault, len(verdict.dead))


def test_cause_of_a_refusal() -> None:
    """The cause of a refusal is told behind what was refused, though that quotes a long value; once where both are the same."""
    long = refused(400, {"type": "t", "reason": "x" * 5000, "caused_by": {"reason": "immense term in field"}})
    assert "x" * 500 + ": immense term in field" == long.dead[0].reason
    same = refused(400, {"type": "t", "reason": "failed: bad", "caused_by": {"reason": "bad"}})
    assert "failed: bad" == same.dead[0].reason


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(400, Split), (413, Split), (408, Again), (429, Again), (500, Again), (502, Again), (503, Again), (504, Again)]
    + [(code, Fault) for code in (301, 302, 401, 403, 404, 405, 406, 411, 415, 451)],
)
def test_whole_requests(status: int, verdict: type) -> None:
    """An answer to the whole request is told by its status alone, whatever its body is."""
    for body in (b"", b"<html>", b"{}", b"[]", b"null", b'{"error":{"type":"some_exception","reason":"secret"}}'):
        got = judge(status, body, 3)
        assert verdict is type(got)
        assert "secret" not in str(got)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"errors":false}',
        b'{"errors":false,"items":{}}',
        b'{"errors":true,"items":[{}]}',
        b'{"errors":true,"items":[{"create":{}}]}',
        b'{"errors":true,"items":[{"create":{"status":null}}]}',
        b'{"errors":true,"items":[7]}',
        reply(201, 201),
        reply(201, 201, errors=False),
        reply(201, errors=False)[:-20],
    ],
)
def test_unreadable_reply(body: bytes) -> None:
    """A 200 that is no reply to what was sent settles nothing."""
    assert isinstance(judge(200, body, 1), Again)


def test_large_reply() -> None:
    """A reply of several megabytes is read like any other, and reasons are cut to a size."""
    items = [{"create": {"status": 400, "error": {"type": "t" * 500, "reason": "r" * 5000}}}] * 400
    verdict = judge(200, orjson.dumps({"errors": True, "items": items}), 400)
    assert isinstance(verdict, Items)
    assert {(100, MAX_REASON)} == {(len(d.kind), len(d.reason)) for d in verdict.dead}


@given(st.lists(st.sampled_from([200, 201, 409, 429, 400, 403, 404, 413, 500, 503]), min_size=1, max_size=30))
def test_each_item_has_one_outcome(statuses: list[int]) -> None:
    """Every item is delivered, dead or to be sent again: none is forgotten, none counted twice."""
    verdict = judge(200, reply(*((s, "some_exception" if s >= 400 else "") for s in statuses)), len(statuses))
    assert isinstance(verdict, Items)
    places = [*verdict.retry, *(d.item for d in verdict.dead)]
    assert len(set(places)) == len(places)
    assert len(statuses) == verdict.delivered + len(places)
    assert statuses.count(409) == verdict.duplicates


@given(st.binary(max_size=60))
def test_any_bytes(body: bytes) -> None:
    """No body makes judging fail, and none of noise makes a document delivered."""
    for status in (200, 400, 403, 500):
        assert not isinstance(judge(status, body, 1), Items)
