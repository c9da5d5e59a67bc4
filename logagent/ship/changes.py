"""What is to be changed on a server so that it keeps our documents well: a list of changes, each with its reason. Pure.

Nothing that is not ours is changed. What is ours is changed when it is older than what we would make, or keeps for another
time than the settings say; what a newer logagent made is left to it. The order is that of making: a policy before the
template that names it, a stream's retention before the template that remembers it, so that a plan that was cut short is
whole the next time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

from logagent.ship import lifecycle, template
from logagent.ship.flavor import ILM, LIFECYCLE, Server, has_streams, retaining
from logagent.ship.found import Found, Seen

RETENTION = "retention"
"""What a change is called that no server could take."""

_NEEDED = "Elasticsearch's default distribution from 7.9 on has them, and OpenSearch"
_UNSEEN = "streams that are there cannot be looked at, and keep the retention that they have"

Action = Literal["create", "update", "keep", "leave", "lack"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings ask for: the stream, and how many seconds it keeps documents (None: no matter how long)."""

    data_stream: str
    retention: float | None = None

    @property
    def name(self) -> str:
        """The name of the template, and of the policy."""
        return template.name(self.data_stream)


@dataclass(frozen=True, slots=True)
class Change:
    """One change, or why there is none: `keep` is right as it is, `leave` is not ours, `lack` cannot be had."""

    what: str
    action: Action
    reason: str
    method: str = ""
    path: str = ""
    body: dict[str, Any] | None = None

    @property
    def skipped(self) -> bool:
        """Whether nothing is to be done."""
        return self.action not in ("create", "update")

    @property
    def wrong(self) -> bool:
        """Whether something that was wanted is not going to be."""
        return self.action in ("leave", "lack")


def plan(wanted: Wanted, server: Server, seen: Seen, features: frozenset[str]) -> tuple[Change, ...]:
    """The changes that a server with these features and this content needs, in order."""
    what = f"index template {wanted.name}"
    if not has_streams(server):
        return (Change(what, "lack", f"{server} has no data streams: {_NEEDED}"),)
    if seen.template.state in ("foreign", "forbidden", "unsupported"):
        return (_left(what, seen.template.state, "manage_index_templates"),)
    policies = tuple(_policy(wanted, seen.policy, features))
    kept = wanted.retention if _keeps(policies, features) else None
    made = _template(wanted, seen.template, features, policies, kept)
    if seen.streams is None and made.action == "update":
        made = replace(made, reason=f"{made.reason}; {_UNSEEN}")
    return (*policies, *_streams(wanted, seen, features), made)


def template_path(name: str) -> str:
    """Where an index template stands."""
    return f"/_index_template/{quote(name, safe='')}"


def policy_path(name: str, features: frozenset[str]) -> str:
    """Where the policy stands; empty on a server that needs none."""
    way = retaining(features)
    base = "" if way == LIFECYCLE or not way else "/_ilm/policy/" if way == ILM else "/_plugins/_ism/policies/"
    return base and base + quote(name, safe="")


def _policy(wanted: Wanted, found: Found, features: frozenset[str]) -> Iterator[Change]:
    way, path = retaining(features), policy_path(wanted.name, features)
    if not way and wanted.retention is not None:
        yield Change(RETENTION, "lack", "the server has none of data stream lifecycle, ILM and ISM that can be used")
    if not path:
        return
    kind, privilege = ("ILM", "manage_ilm") if way == ILM else ("ISM", "cluster:admin/opendistro/ism/policy/write")
    what = f"{kind} policy {wanted.name}"
    if found.state in ("foreign", "forbidden", "unsupported"):
        if found.state == "foreign" or wanted.retention is not None:
            yield _left(what, found.state, privilege)
        return
    if way == ILM:
        body = lifecycle.ilm(wanted.retention)
    else:
        body = lifecycle.ism(
            template.patterns(wanted.data_stream), template.priority(wanted.data_stream), wanted.retention
        )
    if found.place:
        path += f"?if_seq_no={found.place[0]}&if_primary_term={found.place[1]}"
    yield _made(what, found, lifecycle.kept(wanted.retention), path, body)


def _template(
    wanted: Wanted, found: Found, features: frozenset[str], policies: tuple[Change, ...], kept: float | None
) -> Change:
    named = retaining(features) == ILM and _keeps(policies, features)
    body = template.template(wanted.data_stream, features, retention=kept, policy=wanted.name if named else None)
    return _made(f"index template {wanted.name}", found, lifecycle.kept(kept), template_path(wanted.name), body)


def _streams(wanted: Wanted, seen: Seen, features: frozenset[str]) -> Iterator[Change]:
    """A stream has its retention from the template by which it was made: it goes along, unless somebody gave it another."""
    before, after = seen.template.retention, lifecycle.kept(wanted.retention)
    if LIFECYCLE not in features or seen.template.state != "ours" or before == after or _newer(seen.template):
        return
    for stream in seen.streams or ():
        if stream.template == wanted.name and stream.retention == before:
            yield Change(
                f"data stream {stream.name}",
                "update",
                _other(before, after),
                "PUT",
                f"/_data_stream/{quote(stream.name, safe='')}/_lifecycle",
                lifecycle.stream(wanted.retention),
            )


def _made(what: str, found: Found, retention: str | None, path: str, body: dict[str, Any]) -> Change:
    if found.state == "absent":
        return Change(what, "create", "there is none", "PUT", path, body)
    if _newer(found):
        return Change(what, "keep", "a newer logagent made it")
    if found.version < lifecycle.VERSION:
        reason = "an older logagent made it; each stream takes it over at its next rollover"
        return Change(what, "update", reason, "PUT", path, body)
    if found.retention != retention:
        return Change(what, "update", _other(found.retention, retention), "PUT", path, body)
    return Change(what, "keep", "it is ours, and right")


def _left(what: str, state: str, privilege: str) -> Change:
    if state == "foreign":
        return Change(what, "leave", "it is there, and logagent did not make it: it stays as it is")
    if state == "forbidden":
        return Change(what, "lack", f"we may not even look: give the privilege {privilege}, or make it yourself")
    return Change(what, "lack", "the server has no such thing, or hides it")


def _keeps(policies: tuple[Change, ...], features: frozenset[str]) -> bool:
    """Whether something on the server will see to the retention."""
    return retaining(features) == LIFECYCLE or (bool(policies) and not any(change.wrong for change in policies))


def _newer(found: Found) -> bool:
    return found.version > lifecycle.VERSION


def _other(before: str | None, after: str | None) -> str:
    return f"documents are to be kept {after or 'for ever'} instead of {before or 'for ever'}"
