"""What a server needs before the first frame: the index template of our data stream, made when it is absent.

A template that is there is left as it is, ours or not. Where we may not make one, or the server will not have it, shipping
goes on with what the server does by itself; where the server cannot be asked, it is asked again later.
"""

import logging
from urllib.parse import quote

import orjson

from logagent.ship import template
from logagent.ship.bulk import Again, Fault, judge_request
from logagent.ship.elastic import Elastic, Reply

log = logging.getLogger(__name__)


def prepare(client: Elastic) -> Again | Fault | None:
    """Make the template of the client's data stream when it is absent. Returns why that must be tried again, None when it is settled.

    Raises Unreachable.
    """
    path = f"/_index_template/{quote(template.name(client.data_stream), safe='')}"
    reply = client.request("GET", path)
    if reply.status == 404:
        return _create(client, path)
    return None if reply.status == 200 else _settle(client, reply)


def _create(client: Elastic, path: str) -> Again | Fault | None:
    features = template.FEATURES
    while True:
        body = orjson.dumps(template.template(client.data_stream, features))
        reply = client.request("PUT", path, body)
        lacking = frozenset(f for f in features if reply.status == 400 and f.encode() in reply.body)
        if not lacking:
            break
        features -= lacking
    if reply.status == 200:
        log.info("%s: index template %s created", client.url, template.name(client.data_stream))
        return None
    return _settle(client, reply)


def _settle(client: Elastic, reply: Reply) -> Again | Fault | None:
    """What an unwelcome reply means: again later, a pause, or going on without the template."""
    if reply.status in (400, 405) and (
        b"no handler found" in reply.body or b"unknown field [data_stream]" in reply.body
    ):
        return Fault(
            f"{reply.status}: it has no data streams",
            "Elasticsearch 7.9 or newer with data streams is needed, or OpenSearch",
        )
    verdict = judge_request(reply.status, reply.body)
    if isinstance(verdict, Again) or (isinstance(verdict, Fault) and reply.status != 403):
        return verdict
    log.warning(
        "%s: the index template %s cannot be created (%s); shipping goes on without it, and times may be kept in milliseconds only. "
        "Give the right manage_index_templates, create the template yourself, or set template: false",
        client.url,
        template.name(client.data_stream),
        verdict.reason,
    )
    return None
