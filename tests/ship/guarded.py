"""A scripted server with users: it asks who is there, tells what they may do, keeps streams, and can be brought to refuse each thing."""

from typing import Any

import orjson

from tests.ship.server import Request

WHO = {
    "username": "a name that is not told",
    "roles": ["log_writer"],
    "authentication_type": "api_key",
    "authentication_realm": {"name": "_es_api_key", "type": "_es_api_key"},
}
MAY = {"create_doc": True, "auto_configure": True}


def refusal(status: int, kind: str) -> dict[str, Any]:
    """An error as the server says it; the reason names the user."""
    return {"error": {"type": kind, "reason": "for user [a name that is not told]"}, "status": status}


class Guarded:
    """An answer for the scripted server. `said` replaces answers, by method and beginning of the path, with status and body."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], tuple[int, Any]] = {}
        self.privileges: dict[str, bool] = dict(MAY)
        self.templates = True
        self.streams: dict[str, list[str]] = {}

    def __call__(self, request: Request) -> None:
        status, body = self._answer(request.method, request.path.partition("?")[0], request)
        request.reply(status, body if isinstance(body, bytes) else orjson.dumps(body))

    def _answer(self, method: str, path: str, request: Request) -> tuple[int, Any]:
        for (verb, start), answer in self.said.items():
            if verb == method and (path.startswith(start) if start != "/" else path == "/"):
                return answer
        if path == "/_security/_authenticate":
            return 200, WHO
        if path == "/":
            return 200, {"version": {"number": "8.15.0", "build_flavor": "default"}}
        if path == "/_security/user/_has_privileges":
            asked = orjson.loads(request.raw)
            names = asked["index"][0]["names"]
            return 200, {"cluster": {"manage_index_templates": self.templates}, "index": {names[0]: self.privileges}}
        return self._stream(method, path, request)

    def _stream(self, method: str, path: str, request: Request) -> tuple[int, Any]:
        name = path.removeprefix("/_data_stream").split("/")[1]
        if path.endswith("/_bulk"):
            self.streams[name] = request.ids
            return 200, {"errors": False, "items": [{"create": {"status": 201}} for _ in request.ids]}
        if path.endswith("/_search"):
            wanted = orjson.loads(request.raw)["query"]["ids"]["values"]
            return 200, {"hits": {"hits": [{"_id": one} for one in self.streams[name] if one in wanted]}}
        if method == "DELETE" and self.streams.pop(name, None) is not None:
            return 200, {"acknowledged": True}
        return 404, refusal(404, "index_not_found_exception")
