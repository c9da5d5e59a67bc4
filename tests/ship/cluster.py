"""What a cluster has beside documents: templates, policies, streams. An answer of the scripted server, kept as a server keeps it."""

from typing import Any

import orjson

from tests.ship.server import Request

ELASTICSEARCH = {"version": {"number": "8.15.0", "build_flavor": "default"}, "tagline": "You Know, for Search"}
OLDER = {"version": {"number": "7.17.9", "build_flavor": "default"}}
OPENSEARCH = {"version": {"distribution": "opensearch", "number": "3.1.0"}}
SERVERLESS = {"version": {"number": "8.11.0", "build_flavor": "serverless"}}

NO_HANDLER = b'{"error":"no handler found for uri [/x] and method [GET]","status":400}'
NOT_ALLOWED = b'{"error":"Incorrect HTTP method for uri [/] and method [GET], allowed: [POST]","status":405}'
FORBIDDEN = b'{"error":{"type":"security_exception","reason":"action [x] is unauthorized for user [y]"},"status":403}'
ABSENT = b'{"error":{"type":"resource_not_found_exception","reason":"not there"},"status":404}'


class Cluster:
    """Answers as a server whose `GET /` is `root` (None: it has no such thing) and which has `contents`, by path.

    `lacks` are words that it refuses in a body, `forbidden` and `unserved` beginnings of paths that it refuses, `refused`
    methods and beginnings of paths that are answered with a status and a body.
    """

    def __init__(self, root: dict[str, Any] | None = ELASTICSEARCH, *, nodes: str | None = None) -> None:
        self.root, self.nodes = root, nodes
        self.contents: dict[str, Any] = {}
        self.lacks: set[str] = set()
        self.forbidden: set[str] = set()
        self.unserved: set[str] = set()
        self.refused: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.writes: list[tuple[str, Any]] = []

    def __call__(self, request: Request) -> None:
        """Answer a request."""
        request.reply(*self._answer(request.method, request.path, request.raw))

    def _answer(self, method: str, target: str, raw: bytes) -> tuple[int, bytes]:
        path = target.partition("?")[0]
        for (verb, start), answer in self.refused.items():
            if verb == method and path.startswith(start):
                return answer
        if any(path.startswith(start) for start in self.forbidden):
            return 403, FORBIDDEN
        if any(path.startswith(start) for start in self.unserved):
            return 400, NO_HANDLER
        return self._write(target, raw) if method == "PUT" else self._read(path)

    def _read(self, path: str) -> tuple[int, bytes]:
        if path == "/":
            return (405, NOT_ALLOWED) if self.root is None else (200, orjson.dumps(self.root))
        if path == "/_nodes/_local":
            return 200, orjson.dumps({"nodes": {"a1": {"version": self.nodes}}} if self.nodes else {})
        body = self.contents.get(path)
        return (404, ABSENT) if body is None else (200, orjson.dumps(shown(path, body)))

    def _write(self, target: str, raw: bytes) -> tuple[int, bytes]:
        path, _, query = target.partition("?")
        if lacking := [word for word in sorted(self.lacks) if word.encode() in raw]:
            return 400, orjson.dumps({"error": {"type": "x", "reason": f"no [{lacking[0]}]"}})
        if path.startswith("/_plugins/_ism/") and (path in self.contents) != (query == "if_seq_no=7&if_primary_term=2"):
            return 409, b'{"error":{"type":"version_conflict_engine_exception"}}'
        self.contents[path] = orjson.loads(raw)
        self.writes.append((target, self.contents[path]))
        return 200, b'{"acknowledged":true}'


def shown(path: str, body: Any) -> Any:
    """A thing as its GET shows it, which is not as it was put."""
    name = path.rpartition("/")[2]
    if path.startswith("/_index_template/"):
        return {"index_templates": [{"name": name, "index_template": body}]}
    if path.startswith("/_ilm/"):
        return {name: {"version": 1, "modified_date": "2026-11-24T01:48:18Z", **body}}
    if path.startswith("/_plugins/_ism/"):
        return {"_id": name, "_version": 3, "_seq_no": 7, "_primary_term": 2, **body}
    return body
