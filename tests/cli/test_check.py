"""`logagent check`: its verdicts, what it prints, and its exit statuses."""

import json

import pytest
import yaml
from click.testing import CliRunner, Result

from logagent.cli.check import check

SECRET = "hunter2hunter2"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Give a function that runs `check` with only the given LOGAGENT_ variables."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    def run(*arguments, **environ) -> Result:
        return CliRunner().invoke(check, [str(one) for one in arguments], env=environ, prog_name="logagent check")

    return run


@pytest.fixture
def file(tmp_path):
    """Give a valid settings file with a secret in it."""
    path = tmp_path / "logagent.yaml"
    path.write_text(f"store: {{max_size: 2GB}}\noutputs: [{{url: 'http://me:{SECRET}@es:9200'}}]\n")
    return path


def test_valid_settings_are_said_to_be_valid(run, file):
    """The verdict names the file; status 0."""
    result = run("--config", file)
    assert (0, f"settings are valid: {file}\n", "") == (result.exit_code, result.stdout, result.stderr)


def test_the_file_may_be_named_by_the_environment(run, file):
    """LOGAGENT_CONFIG names the file, and other variables count as they do for the agent."""
    assert str(file) in run(LOGAGENT_CONFIG=str(file)).stdout
    assert run(LOGAGENT_CONFIG=str(file), LOGAGENT_WEB__PORT="x").exit_code == 2


def test_all_problems_stand_on_stderr(run, tmp_path):
    """Bad settings give one line each on stderr, nothing on stdout, and status 2."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("stroe: {}\nstore:\n  max_size: 5 apples\n")
    result = run("--config", bad, "--print")
    assert (2, "") == (result.exit_code, result.stdout)
    wrong = "not a size: write a number with its unit, such as 500MB (decimal) or 1GiB (binary), or a number of bytes"
    assert [
        f"2 problems in the settings ({bad}):",
        "  stroe: unknown key; did you mean store? [line 1]",
        f'  store.max_size = "5 apples": {wrong} [line 3]',
    ] == result.stderr.splitlines()


def test_a_missing_file_is_a_problem(run, tmp_path):
    """A file that was named must be there."""
    result = run("--config", tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert "none.yaml cannot be read: No such file or directory" in result.stderr


def test_the_effective_settings_are_printed_without_secrets(run, file):
    """--print gives YAML of everything in effect on stdout, secrets as asterisks."""
    result = run("--config", file, "--print", LOGAGENT_WEB__PORT="1234")
    settings = yaml.safe_load(result.stdout)
    assert ("2GB", 1234, "***") == (
        settings["store"]["max_size"],
        settings["web"]["port"],
        settings["outputs"][0]["password"],
    )
    assert SECRET not in result.output
    assert ["data_root", "host_name", "engine"] == list(settings)[:3]  # in the order of the file, not of the alphabet


def test_the_schema_is_printed_whatever_the_settings_are(run, tmp_path):
    """--schema gives JSON and judges nothing."""
    result = run("--config", tmp_path / "none.yaml", "--schema")
    assert result.exit_code == 0
    assert "store" in json.loads(result.stdout)["properties"]


def test_help_tells_the_exit_statuses(run):
    """Scripts can rely on what --help says."""
    assert "2  they are not" in run("--help").stdout
