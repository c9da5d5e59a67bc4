"""The soak in the suite, short: on each engine numbered lines of thirty containers, through all that `scripts/soak` does to them."""

from pathlib import Path

import pytest

from tests.real.servers.dockerd import Engine
from tests.real.servers.elasticsearch import Elasticsearch
from tests.real.soak.soak import Soak, table

SECONDS = 90
SEED = 20261124


@pytest.mark.real_docker
@pytest.mark.real_elasticsearch
def test_no_line_is_lost_and_none_is_there_twice(engine: Engine, elasticsearch: Elasticsearch, tmp_path: Path) -> None:
    """Kills, outages, removals and restarts cost no line but where rotation took it, and there a gap is counted."""
    engine.clean()
    soak = Soak(engine, elasticsearch, tmp_path, seconds=SECONDS, seed=SEED, say=print)
    try:
        result = soak.run()
    finally:
        soak.close()
    print(table(result.rows), result.done, result.reasons)  # noqa: T201 - shown when it fails
    assert [] == result.faults
    assert {"kill", "remove", "restart", "outage"} <= result.done.keys()
    assert result.reasons.get("rotated"), "the floods outran nobody: what they test was not tested"
    elasticsearch.delete(soak.stream)
