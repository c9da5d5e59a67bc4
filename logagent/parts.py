"""From settings to parts: each part gets the few plain values that it needs, never the settings themselves."""

import os
import resource
import sys
from collections.abc import Callable
from functools import partial

from logagent.collect.collector import Collector
from logagent.collect.pace import Pace
from logagent.config.places import store_path
from logagent.config.secret import NAMES, read_secret
from logagent.config.settings import Output, Settings
from logagent.engine.api import Engine
from logagent.engine.host import read_host
from logagent.engine.inventory import Inventory
from logagent.engine.select import Selection, Selector
from logagent.model import Batch
from logagent.parse.document import Choice, Origin
from logagent.parse.target import default
from logagent.ship.access import Access
from logagent.ship.appender import Appender
from logagent.ship.carrier import Carrier
from logagent.ship.elastic import Elastic
from logagent.ship.ndjson import File, Stdout
from logagent.ship.setup import prepare
from logagent.ship.shipper import Shipper
from logagent.ship.tls import Tls
from logagent.store.catalog import Catalog
from logagent.store.retention import Budget
from logagent.store.store import Store


def engine(settings: Settings) -> Engine | None:
    """Connect to the Docker engine; None when it does not answer or is not to be asked."""
    return (
        Engine.connect(settings.engine.socket, settings.engine.timeout) if settings.engine.enabled == "auto" else None
    )


def store(settings: Settings) -> Store:
    """Open the store. Raises Failure(STORE)."""
    kept = settings.store
    budget = Budget(kept.max_size, kept.max_age, kept.min_free, kept.when_full)
    folder = store_path(kept.path, os.environ, os.geteuid())
    return Store(folder, budget, segment_size=kept.segment_size, frame_size=kept.frame_size, frame_time=kept.frame_time)


def collector(
    settings: Settings, data_root: str, engine: Engine | None, catalog: Catalog, put: Callable[[Batch], None]
) -> Collector:
    """Make the collector of the containers below `data_root`, which hands its batches to `put`."""
    collect, host = settings.collect, read_host(settings.host_name, engine)
    return Collector(
        Inventory(data_root, engine),
        catalog,
        put,
        selection=Selection(
            tuple(Selector(s.name, s.image, s.label) for s in collect.include),
            tuple(Selector(s.name, s.image, s.label) for s in collect.exclude),
        ),
        origin=Origin(host.name, host.id or "", catalog.agent_id()),
        choice=Choice(**settings.document.model_dump()),
        pace=Pace(
            collect.poll_min,
            collect.poll_max,
            collect.block_size,
            collect.max_event_size,
            collect.partial_timeout,
            collect.gap_events,
        ),
        start=collect.start,
        reconcile=collect.reconcile,
        max_open_files=min(collect.max_open_files, _log_files()),
        max_deleted=collect.max_deleted_size,
    )


def stream(settings: Settings) -> str:
    """The data stream that documents go to, where a container says nothing else."""
    return default(settings.document.dataset, settings.document.namespace).stream


def elastic(output: Output, settings: Settings) -> Elastic:
    """Make the wire to one output. Raises Failure(USAGE) for credentials or certificates that cannot be used."""
    secrets = {key: getattr(output, key) for key in NAMES}
    files = {key: getattr(output, f"{key}_file") for key in NAMES}
    return Elastic(
        output.hosts,
        output.index or stream(settings),
        access=Access(
            {key: secret.get_secret_value() for key, secret in secrets.items() if secret is not None},
            {key: path for key, path in files.items() if path is not None},
            read_secret,
        ),
        tls=Tls(output.ca_file, output.ca_fingerprint, output.cert_file, output.key_file, output.verify_tls),
        timeout=output.timeout,
        connections=output.workers,
        pipeline=output.pipeline,
        plain_index=output.index is not None,
    )


def shipper(store: Store, output: Output, settings: Settings) -> Shipper:
    """Make the shipper of one output. Raises Failure(USAGE) for credentials or certificates that cannot be used."""
    return Shipper(
        store,
        output.name,
        elastic(output, settings),
        workers=output.workers,
        backoff_min=output.backoff_min,
        backoff_max=output.backoff_max,
        dead_budget=settings.dead_letters.max_size,
        prepare=partial(prepare, retention=output.retention) if output.setup == "auto" and not output.index else None,
    )


def carrier(store: Store, output: Output, settings: Settings) -> Carrier:
    """Make what brings frames to one output, whatever its type. Raises Failure(USAGE) for settings that cannot be used."""
    return shipper(store, output, settings) if output.type == "elasticsearch" else appender(store, output, settings)


def appender(store: Store, output: Output, settings: Settings) -> Appender:
    """Make what writes lines, for one output of type file or stdout."""
    return Appender(
        store,
        output.name,
        Stdout() if output.path is None else File(output.path),
        backoff_min=output.backoff_min,
        backoff_max=output.backoff_max,
        dead_budget=settings.dead_letters.max_size,
    )


def _log_files() -> int:
    """How many log files may be open so that the store, sockets and what is opened for a moment have descriptors left."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if limit == resource.RLIM_INFINITY else max(1, limit * 3 // 4 - 16)
