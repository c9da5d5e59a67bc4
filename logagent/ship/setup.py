"""What a server needs before the first frame: looked up, planned (`changes`), and made.

What is not ours is left as it is. Where we may not make something, or the server will not have it, shipping goes on with what
the server does by itself; where the server cannot be asked, it is asked again later. A server that refuses a feature by name
is planned for again without it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import quote

import orjson

from logagent.ship import changes, flavor, found, lifecycle, template
from logagent.ship.bulk import Again, Fault, judge_request
from logagent.ship.changes import RETENTION, Change, Wanted
from logagent.ship.elastic import Elastic, Reply
from logagent.ship.flavor import ILM, ISM, LIFECYCLE, Server
from logagent.ship.found import Found, Seen, Stream

log = logging.getLogger(__name__)

Value = TypeVar("Value")

_NO_STREAMS = (b"no handler found", b"unknown field [data_stream]")
_NEEDED = "Elasticsearch's default distribution, 7.9 or newer, is needed, or OpenSearch"


class Unsettled(Exception):  # noqa: N818 - it is what the server answered, not a programming error
    """The server cannot be set up now; `verdict` says whether to come again or to pause."""

    def __init__(self, verdict: Again | Fault) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class View:
    """A server as it was found: what it is, what it can do, what it has."""

    server: Server
    features: frozenset[str]
    seen: Seen

    @property
    def streams(self) -> bool:
        """Whether it can have data streams, as far as it can be told without making one."""
        return flavor.has_streams(self.server) and self.seen.template.state != "unsupported"

    def plan(self, wanted: Wanted) -> tuple[Change, ...]:
        """The changes that it needs."""
        return changes.plan(wanted, self.server, self.seen, self.features)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a change; `problem` says why it was not made, in the server's own word for it.

    `without` are the features that it was made without, as the server refused them.
    """

    change: Change
    problem: str = ""
    without: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether something that was wanted is not."""
        return self.change.wrong or bool(self.problem)


def prepare(client: Elastic, retention: float | None = None) -> Again | Fault | None:
    """Set the server up for the client's data stream. Returns why that must be tried again, None when it is settled.

    `retention` is how many seconds the stream keeps documents, None for no matter how long. Raises Unreachable.
    """
    try:
        for done in set_up(client, Wanted(client.data_stream, retention)):
            _tell(client, done)
    except Unsettled as unsettled:
        return unsettled.verdict
    return None


def set_up(client: Elastic, wanted: Wanted) -> list[Done]:
    """Make what is missing. Returns what became of each change. Raises Unsettled and Unreachable."""
    results: dict[str, Done] = {}
    lacking: frozenset[str] = frozenset()
    while True:
        view = look(client, wanted, lacking)
        if not view.streams:
            raise Unsettled(Fault(f"as {view.server}: it has no data streams", _NEEDED))
        refused = _make_all(client, view.plan(wanted), view.features, results)
        if not refused:
            return _without(results, lacking)
        lacking |= refused


def _without(results: dict[str, Done], lacking: frozenset[str]) -> list[Done]:
    """The results, with what the server refused; that nothing sees to the retention is told by a policy's failure already."""
    told = any(done.problem for done in results.values())
    words = tuple(sorted(feature.strip("[]") for feature in lacking - ({ILM, ISM} if told else set())))
    return [
        replace(done, without=words)
        if _is_template(done.change) and not done.change.skipped and not done.problem
        else done
        for what, done in results.items()
        if what != RETENTION or not told
    ]


def _make_all(
    client: Elastic, plan: tuple[Change, ...], features: frozenset[str], results: dict[str, Done]
) -> frozenset[str]:
    """Make these changes, up to one that shows that the server lacks features, which are returned."""
    for change in plan:
        if change.skipped:
            results.setdefault(change.what, Done(change))
            continue
        done, refused = _make(client, change, features)
        if done is not None:
            results[change.what] = done
        if refused:
            return refused
    return frozenset()


def look(client: Elastic, wanted: Wanted, lacking: frozenset[str] = frozenset()) -> View:
    """Ask the server what it is and has; `lacking` are features that it was found not to have. Raises Unsettled and Unreachable."""
    server = discover(client)
    features = flavor.features(server) - lacking
    if not flavor.has_streams(server):
        return View(server, features, found.NOTHING)
    made = _find(client, changes.template_path(wanted.name), found.template)
    if made.state not in ("absent", "ours"):
        return View(server, features, Seen(made))
    path = changes.policy_path(wanted.name, features)
    policy = _find(client, path, found.ism if ISM in features else found.ilm) if path else Found("absent")
    moving = LIFECYCLE in features and made.state == "ours" and made.retention != lifecycle.kept(wanted.retention)
    return View(server, features, Seen(made, policy, _streams(client, wanted) if moving else ()))


def discover(client: Elastic) -> Server:
    """Which server it is; an unknown one where it will not say. Raises Unsettled and Unreachable."""
    reply = client.request("GET", "/")
    if reply.status == 200 and (server := flavor.from_root(reply.body)) != flavor.UNKNOWN:
        return server
    if reply.status not in (200, 400, 404, 405):
        return _unless_unsettled(reply, flavor.UNKNOWN)
    reply = client.request("GET", flavor.NODES)
    return flavor.from_nodes(reply.body) if reply.status == 200 else _unless_unsettled(reply, flavor.UNKNOWN)


def _find(client: Elastic, path: str, read: Callable[[bytes], Found]) -> Found:
    reply = client.request("GET", path)
    if reply.status == 200:
        return read(reply.body)
    state = found.state_of(reply.status, reply.body)
    return Found(state) if state else _unless_unsettled(reply, Found("unsupported"))


def _streams(client: Elastic, wanted: Wanted) -> tuple[Stream, ...] | None:
    names = ",".join(quote(pattern, safe="*") for pattern in template.patterns(wanted.data_stream))
    query = "filter_path=data_streams.name,data_streams.template,data_streams.lifecycle"
    reply = client.request("GET", f"/_data_stream/{names}?{query}")
    if reply.status == 404:
        return ()
    return found.streams(reply.body) if reply.status == 200 else _unless_unsettled(reply, None)


def _make(client: Elastic, change: Change, features: frozenset[str]) -> tuple[Done | None, frozenset[str]]:
    """Make one change. Gives what became of it, and what the server lacks: then a plan without that is to be made."""
    reply = client.request(change.method, change.path, orjson.dumps(change.body))
    if reply.status in (200, 201):
        return Done(change), frozenset()
    if reply.status == 409:
        raise Unsettled(Again(f"{_said(reply)}: somebody else changes the {change.what}"))
    if not _is_template(change):
        problem = _unless_unsettled(reply, _said(reply))
        return Done(change, problem), features & {way for way in (ILM, ISM) if _makes(change, way)}
    lacking = frozenset(f for f in features if reply.status == 400 and f.encode() in reply.body)
    return (None, lacking) if lacking else (Done(change, _refusal(reply)), frozenset())


def _is_template(change: Change) -> bool:
    return change.path.startswith("/_index_template/")


def _makes(change: Change, way: str) -> bool:
    """Whether the change is the policy of this way of retaining."""
    return change.path.startswith("/_ilm/" if way == ILM else "/_plugins/_ism/")


def _refusal(reply: Reply) -> str:
    """Why a template was refused, where shipping can go on without it. Raises Unsettled where it cannot."""
    if reply.status in (400, 405) and any(part in reply.body for part in _NO_STREAMS):
        raise Unsettled(Fault(f"{reply.status}: it has no data streams", _NEEDED))
    verdict = judge_request(reply.status, reply.body)
    if isinstance(verdict, Again) or (isinstance(verdict, Fault) and reply.status != 403):
        raise Unsettled(verdict)
    return _said(reply)


def _said(reply: Reply) -> str:
    """The server's word for it, and never its text, but for what is known of it."""
    same = ": another template for these streams has the same priority" if b"the same priority" in reply.body else ""
    return judge_request(reply.status, reply.body).reason + same


def _unless_unsettled(reply: Reply, value: Value) -> Value:
    """Give `value` where a reply settles that there is nothing to be had. Raises Unsettled where it does not."""
    match judge_request(reply.status, reply.body):
        case Again() as verdict:
            raise Unsettled(verdict)
        case Fault() as verdict if reply.status == 401:
            raise Unsettled(verdict)
        case _:
            return value


def _tell(client: Elastic, done: Done) -> None:
    change = done.change
    if done.problem:
        log.warning(
            "%s: the %s cannot be made (%s); shipping goes on without it, and times may be kept in milliseconds only. "
            "Give the privileges manage_index_templates, manage_ilm and monitor, make it yourself "
            "(logagent setup export), or set setup: off",
            client.url,
            change.what,
            done.problem,
        )
    elif change.wrong:
        log.warning("%s: %s: %s; shipping goes on (setup: off asks no more)", client.url, change.what, change.reason)
    elif not change.skipped:
        without = f" (without {', '.join(done.without)})" if done.without else ""
        log.info("%s: %s %sd: %s%s", client.url, change.what, change.action, change.reason, without)
