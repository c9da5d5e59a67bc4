"""A real Elasticsearch for the benchmark: the one that the tests start, where it is installed."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def elasticsearch() -> Iterator[str | None]:
    """The URL of a node of its own with 512 MB of heap, stopped at the end; None where none can be had."""
    from tests.real.servers.elasticsearch import Elasticsearch  # only here: the checkout's, which an sdist may lack
    from tests.real.servers.process import Unavailable

    try:
        server = Elasticsearch()
    except Unavailable:
        yield None
        return
    try:
        yield server.url
    finally:
        server.remove()
