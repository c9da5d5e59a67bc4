"""The paths: /metrics, /healthz (is the agent alive), /readyz (does it do its work). Each health answer is one line with its reason."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from logagent.web.health import WHOSE

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

log = logging.getLogger(__name__)

Reason = Callable[[], str]
"""Tells in a sentence what is wrong, "" when nothing is. Called in the server's thread."""


def make_app(registry: "CollectorRegistry", alive: Reason, ready: Reason, store: str = "") -> Starlette:
    """Make the application. `alive` and `ready` answer at once, from what is known; `store` is the store's name for itself."""
    # Coroutines on purpose: plain functions would be given threads of a pool, and answers take a few milliseconds only.
    return Starlette(
        routes=[
            Route("/metrics", _metrics(registry)),
            Route("/healthz", _verdict(alive, store)),
            Route("/readyz", _verdict(ready, store)),
        ]
    )


def _metrics(registry: "CollectorRegistry") -> Callable[[Request], object]:
    from prometheus_client.exposition import choose_encoder

    async def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        try:
            return Response(encode(registry), headers={"content-type": media_type})
        except Exception as error:
            log.warning("metrics cannot be read: %s", error)
            return PlainTextResponse("metrics cannot be read, the agent's log has the reason\n", 503)

    return metrics


def _verdict(reason: Reason, store: str) -> Callable[[Request], object]:
    async def verdict(_: Request) -> Response:
        wrong = reason()
        return PlainTextResponse(f"{wrong or 'ok'}\n", 503 if wrong else 200, {WHOSE: store})

    return verdict
