"""Verbs that ask servers, with outputs that are none: those are passed over."""

import pytest
from click.testing import CliRunner

from logagent.cli.setup import setup
from logagent.cli.test import test as try_out


@pytest.mark.parametrize("verb", [(setup, "--dry-run"), (try_out, "output")], ids=["setup", "test output"])
def test_no_servers(tmp_path, verb):
    """Where no output is a server there is nothing to be set up or tried, and that is said, with status 2."""
    file = tmp_path / "logagent.yaml"
    file.write_text("outputs: [{type: stdout}]\n")
    command, *words = verb
    result = CliRunner().invoke(command, [*words, "-c", str(file)])
    status = getattr(result.exception, "status", result.exit_code)
    told = f"{result.output}{result.exception}"
    assert (2, True) == (status, "no output" in told)
