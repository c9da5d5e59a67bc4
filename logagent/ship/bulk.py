"""What a `_bulk` reply means: from status and body to a verdict on the request and on each of its items. Pure.

Only what the server said clearly counts. A 200 that cannot be read, or that answers another number of items than were
sent, says nothing about any of them: the request goes out again, and ids make the repetition harmless. An answer that
comes from the settings of the cluster, or from ours, is never held against a document: shipping pauses and keeps its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

TARGET = (
    "filter_path=took,errors,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason,"
    "items.*.error.caused_by.reason,items.*.error.failure_store"
)
"""The query of a `_bulk` request: what `judge` reads, and no more."""

MAX_REASON = 1000  # characters of a refusal's reason that are kept: some servers quote the whole value


@dataclass(frozen=True, slots=True)
class Fault:
    """Not this request is wrong but the way to the server, or the server: pause, keep the place, say so.

    `access` tells that our credentials were refused, or do not suffice: they may have been changed meanwhile.
    """

    reason: str
    advice: str
    access: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """The whole request is to be sent again, unchanged; `answered` is False when no reply came at all."""

    reason: str
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Split:
    """The request was refused as a whole for something in it: find out which documents are meant."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that was refused for good. `kind` is the server's word for it; `reason` may quote the document."""

    item: int
    status: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Items:
    """What became of each item, by its place in the request. `delivered` includes `duplicates` and `failure_store`.

    `failure_store` counts those that the server kept in its failure store, since its mapping or a pipeline refused them.

    `reason` says why the items of `retry` are to be sent again, without content; `fault` is set when it is a pause's reason.
    """

    delivered: int
    duplicates: int = 0
    retry: tuple[int, ...] = ()
    dead: tuple[Refusal, ...] = ()
    reason: str = ""
    fault: Fault | None = None
    failure_store: int = 0


Verdict = Items | Again | Split | Fault

_CREDENTIALS = (
    "Check the output's credentials, and that they may create documents in its data stream (create_doc, auto_configure)"
)
_ADDRESS = "Check the output's url: it must be that of Elasticsearch or OpenSearch, with the path prefix of a proxy if there is one"
_STREAM = "Check the data stream's template, pipeline and limits on the server"

# What each item is in the usual reply: counting the whole of it, nothing else can stand beside the status.
_CREATED = b'{"create":{"status":201}}'

_FAULTS = {401: _CREDENTIALS, 403: _CREDENTIALS, 404: _ADDRESS, 405: _ADDRESS, 406: _ADDRESS}

# Refusals of single items that come from how the cluster is set up: every document would meet the same.
_SETUP_KINDS = ("invalid_index_name_exception", "index_closed_exception", "validation_exception")
_DOCUMENT_KINDS = ("fail_processor_exception",)  # a pipeline refuses this document, whatever status that comes with
_SETUP_REASONS = (  # how a reason begins: what comes later in it may be the document's own words
    "only write ops with an op_type of create",
    "no matching index template found",
    "no write index is defined",
    "this action would add",
    "Validation Failed: 1: this action would add",
    "pipeline with id [",
)


def judge(status: int, body: bytes, sent: int) -> Verdict:
    """Judge the reply to a request of `sent` documents."""
    return _judge_items(body, sent) if status == 200 else judge_request(status, body)


def judge_request(status: int, body: bytes) -> Again | Split | Fault:
    """Judge a reply that is no success."""
    if status in (400, 413):
        return Split(status, _said(status, body))
    if status in (408, 429) or status >= 500:
        return Again(_said(status, body))
    return Fault(_said(status, body), _FAULTS.get(status, _ADDRESS), access=status in (401, 403))


def _judge_items(body: bytes, sent: int) -> Verdict:
    # The usual reply, told without building an object for each item: as many created as documents, and no error.
    if body.startswith(b"{") and b'"errors":false' in body[:200] and body.count(_CREATED) == sent:
        return Items(sent)
    try:
        items = [next(iter(item.values())) for item in orjson.loads(body)["items"]]
        statuses = [int(item["status"]) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return Again("200, but its body is no reply to a bulk request")
    if len(items) != sent:
        return Again(f"200, but with {len(items)} results for {sent} documents")
    return _sort(items, statuses)


def _sort(items: list[Mapping[str, Any]], statuses: list[int]) -> Items:
    delivered = duplicates = stored_aside = 0
    retry: list[int] = []
    dead: list[Refusal] = []
    reason, fault = "", None
    for place, (item, status) in enumerate(zip(items, statuses, strict=True)):
        if 200 <= status < 300 or status == 409:
            delivered += 1
            duplicates += status == 409
            stored_aside += item.get("failure_store") == "used"
            continue
        kind, text = _error(item.get("error"))
        wrong = _fault_of_item(status, kind, text)
        if wrong or (
            kind not in _DOCUMENT_KINDS and (status == 429 or status >= 500 or kind == "cluster_block_exception")
        ):
            retry.append(place)
            fault = fault or wrong
            reason = reason or f"{status} {kind} for single documents"
        else:
            dead.append(Refusal(place, status, kind, text + _failure_store(item)))
    return Items(delivered, duplicates, tuple(retry), tuple(dead), reason, fault, stored_aside)


def _fault_of_item(status: int, kind: str, text: str) -> Fault | None:
    if kind == "cluster_block_exception":
        return None
    if status in (401, 403):
        return Fault(f"{status} {kind} for single documents", _CREDENTIALS, access=True)
    if status == 404 or kind in _SETUP_KINDS or (status == 400 and text.startswith(_SETUP_REASONS)):
        return Fault(f"{status} {kind} for single documents", _STREAM)
    return None


def _failure_store(item: Mapping[str, Any]) -> str:
    """Why the failure store did not take a refused item either, where the server says so."""
    error = item.get("error")
    word = item.get("failure_store") or (error.get("failure_store") if isinstance(error, Mapping) else None)
    return f" (failure store: {word})"[:100] if isinstance(word, str) else ""


def _said(status: int, body: bytes) -> str:
    """The status and the server's word for it; never its text, which may quote documents or users."""
    try:
        kind, _ = _error(orjson.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return str(status)
    return f"{status} {kind}".rstrip()


def _error(error: object) -> tuple[str, str]:
    """Type and reason of an error; both come from outside and are cut to a size."""
    if not isinstance(error, Mapping):
        return "", str(error or "")[:MAX_REASON]
    kind, reason, cause = error.get("type"), str(error.get("reason") or ""), error.get("caused_by")
    why = str(cause.get("reason") or "") if isinstance(cause, Mapping) else ""
    text = f"{reason[: MAX_REASON // 2]}: {why}" if why and why not in reason[:MAX_REASON] else reason
    return str(kind or "")[:100], text[:MAX_REASON]
