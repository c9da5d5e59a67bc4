"""What a cluster says to us, step by step: who we are to it, what it is, what we may do, and, if asked for, one test event.

Each step is data with what to do. Text of the server's is shown printable and short, and never its words about a refusal: they
may repeat the user. The test event goes into a data stream of its own that is deleted afterwards.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from logagent.ship import flavor
from logagent.ship.elastic import Elastic, Unreachable
from logagent.ship.reach import Step, printable
from logagent.ship.wire import Reply

NO_SERVICE = (502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
NEEDED = ("create_doc", "auto_configure")
TEMPLATES = "manage_index_templates"
ROLE = "Give its role create_doc and auto_configure on logs-*, as config/elasticsearch-role.json does"
LOG = "Look into the server's own log"
ADDRESS = "Check the output's url: it must be that of Elasticsearch or OpenSearch, with the path prefix of a proxy if there is one"


def probe(client: Elastic) -> Iterator[Step]:
    """Ask the cluster who we are, what it is, and what we may do in the client's data stream. Ends with the first step that fails."""
    for what, step in (("authenticates", _authenticates), ("version", _version), ("privileges", _privileges)):
        made = _answered(what, step, client)
        yield made
        if made.outcome == "failed":
            return


def write(client: Elastic, token: str, now: float) -> Iterator[Step]:
    """Write one event into the data stream `logs-logagent.test-<token>`, find it, delete the stream. `token`: lowercase hex."""
    stream = f"logs-logagent.test-{token}"
    made = _answered("writes", lambda client: _writes(client, stream, token, now), client)
    yield made
    if made.outcome == "failed":
        return
    yield _answered("finds", lambda client: _finds(client, stream, token), client)
    yield _answered("deletes", lambda client: _deletes(client, stream), client)


def _answered(what: str, step: Callable[[Elastic], Step], client: Elastic) -> Step:
    try:
        return step(client)
    except Unreachable as error:
        plain = client.addresses[0].scheme == "http"
        return Step(what, "failed", str(error), "If the server speaks TLS, write https in the url" if plain else LOG)


def _authenticates(client: Elastic) -> Step:
    reply = client.request("GET", "/_security/_authenticate")
    if reply.status == 200 and (us := _object(reply)):
        return Step("authenticates", "ok", _who(us))
    if reply.status not in (401, 403):  # no such question: a server without security, or OpenSearch
        reply = client.request("GET", "/")
    if reply.status == 401:
        return Step("authenticates", "failed", "401: it does not let us in", _credential(client))
    if reply.status in NO_SERVICE:
        return Step("authenticates", "failed", f"{reply.status}: it does not work now", LOG)
    said = "it does not say as whom" if client.access.header else "without a credential; none is asked for"
    return Step("authenticates", "ok", said)


def _who(us: Mapping[str, Any]) -> str:
    """How we got in, and with which roles; not the name, which is one of the secrets."""
    realm = us.get("authentication_realm")
    by = us.get("authentication_type"), realm.get("type") if isinstance(realm, Mapping) else None
    roles = us.get("roles")
    listed = ", ".join(map(str, roles)) if isinstance(roles, list) and roles else "none named"
    return printable(f"by {' '.join(str(word) for word in dict.fromkeys(by) if word)}; roles: {listed}")


def _credential(client: Elastic) -> str:
    if client.access.header is None:
        return "Give the output a credential: api_key, username and password, or bearer_token"
    return f"Check {client.access.keys}: wrong, expired, or of another cluster"


def _version(client: Elastic) -> Step:
    root = client.request("GET", "/")
    server = flavor.from_root(root.body) if root.status == 200 else flavor.UNKNOWN
    if server == flavor.UNKNOWN and root.status != 200:
        nodes = client.request("GET", flavor.NODES)
        server = flavor.from_nodes(nodes.body) if nodes.status == 200 else flavor.UNKNOWN
    if server != flavor.UNKNOWN:
        return Step("version", "ok", str(server))
    if root.status in (200, *REDIRECTS) or _object(root) is None:
        return Step("version", "failed", f"what answers is no Elasticsearch or OpenSearch ({root.status})", ADDRESS)
    return Step("version", "ok", "it answers; the version is not told to this role, and shipping does not need it")


def _privileges(client: Elastic) -> Step:
    asked = {
        "cluster": [TEMPLATES],
        "index": [{"names": [client.data_stream], "privileges": list(NEEDED)}],
    }
    reply = client.request("POST", "/_security/user/_has_privileges", orjson.dumps(asked))
    us = _object(reply) if reply.status == 200 else None
    index = us.get("index") if us else None
    if us is None or not isinstance(index, Mapping) or not isinstance(index.get(client.data_stream), Mapping):
        return Step("privileges", "note", "the server has no way to tell them", "--write tries them")
    return _judged(index[client.data_stream], us.get("cluster"), client.data_stream)


def _judged(ours: Mapping[str, Any], cluster: Any, stream: str) -> Step:
    if ours.get("create_doc") is not True:
        return Step("privileges", "failed", f"no create_doc in {stream}", ROLE)
    if ours.get("auto_configure") is not True:
        said = f"no auto_configure in {stream}: only a data stream that is there already can be written to"
        return Step("privileges", "note", said, ROLE)
    templates = isinstance(cluster, Mapping) and cluster.get(TEMPLATES) is True
    more = "" if templates else f"; not {TEMPLATES}, so the index template is for somebody who may make it"
    return Step("privileges", "ok", f"{', '.join(NEEDED)} in {stream}{more}")


def _writes(client: Elastic, stream: str, token: str, now: float) -> Step:
    time = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event = {"@timestamp": time, "message": "logagent test output", "event": {"kind": "event"}}
    body = b"\n".join([orjson.dumps({"create": {"_id": token}}), orjson.dumps(event), b""])
    reply = client.request("POST", f"/{stream}/_bulk?refresh=true", body)
    status = _status(reply)
    if status in (200, 201):
        return Step("writes", "ok", f"one event into {stream}")
    if status in (401, 403):
        return Step("writes", "failed", f"{status} in {stream}", f"{ROLE}; a role for other names is not enough for it")
    return Step("writes", "failed", f"{status} {_kind(reply)}".rstrip(), LOG)


def _status(reply: Reply) -> int:
    """The status of the one item, or of the whole request."""
    try:
        return int(orjson.loads(reply.body)["items"][0]["create"]["status"]) if reply.status == 200 else reply.status
    except (ValueError, LookupError, TypeError):
        return 0


def _kind(reply: Reply) -> str:
    """The server's word for what is wrong."""
    try:
        answer = orjson.loads(reply.body)
        error = answer["items"][0]["create"]["error"] if "items" in answer else answer["error"]
        return printable(str(error["type"]))
    except (ValueError, LookupError, TypeError):
        return "(an answer that cannot be read)"


def _finds(client: Elastic, stream: str, token: str) -> Step:
    query = orjson.dumps({"query": {"ids": {"values": [token]}}, "_source": False})
    reply = client.request("POST", f"/{stream}/_search", query)
    if reply.status == 403:
        return Step("finds", "note", "this role may not read", "Shipping does not need it; search as somebody who may")
    try:
        found = len(orjson.loads(reply.body)["hits"]["hits"]) if reply.status == 200 else 0
    except (ValueError, LookupError, TypeError):
        found = 0
    if found == 1:
        return Step("finds", "ok", "by its id")
    said = "it is not there" if reply.status == 200 else f"{reply.status} {_kind(reply)}"
    return Step("finds", "failed", said, "Look at the templates and ingest pipelines for logs-* on the server")


def _deletes(client: Elastic, stream: str) -> Step:
    name = quote(stream, safe="")
    reply = client.request("DELETE", f"/_data_stream/{name}")
    if reply.status in (400, 404, 405):  # no data stream: a plain index, where there is no template for it
        reply = client.request("DELETE", f"/{name}")
    if reply.status == 200:
        return Step("deletes", "ok", stream)
    said = "this role may not" if reply.status == 403 else f"{reply.status} {_kind(reply)}"
    return Step("deletes", "note", said, f"Delete it as somebody who may: DELETE /_data_stream/{stream}")


def _object(reply: Reply) -> Mapping[str, Any] | None:
    try:
        answer = orjson.loads(reply.body)
    except ValueError:
        return None
    return answer if isinstance(answer, Mapping) else None
