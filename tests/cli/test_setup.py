"""`logagent setup` and `setup export`: what they print, what they make, and their exit statuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from logagent.cli.setup import setup
from logagent.errors import Exit, Failure
from tests.ship.cluster import FORBIDDEN, OLDER, Cluster
from tests.ship.server import BulkServer

CONFIG = Path(__file__).parents[2] / "config"
NAME = "logagent-logs-docker"
TEMPLATE = f"/_index_template/{NAME}"
SECRET = "hunter2hunter2"


@pytest.fixture
def cluster():
    """A scripted Elasticsearch 8.15 with nothing in it."""
    return Cluster()


@pytest.fixture
def url(cluster):
    """Where it answers."""
    server = BulkServer()
    server.otherwise = cluster
    with server.run() as url:
        yield url


@pytest.fixture
def file(tmp_path, url):
    """Settings with it as the one output."""
    path = tmp_path / "logagent.yaml"
    path.write_text(
        f"outputs: [{{url: '{url}', name: es, username: me, password: {SECRET}, retention: 30d, timeout: 5s}}]\n"
    )
    return path


def run(*arguments) -> Result:
    """Run the verb."""
    return CliRunner().invoke(setup, [str(one) for one in arguments], prog_name="logagent setup")


def failure(result: Result) -> Failure:
    """What ended it."""
    assert isinstance(result.exception, Failure), result.output
    return result.exception


def test_dry_run(file, url, cluster):
    """The plan is printed, with what each change is for, and nothing is made."""
    result = run("-c", file, "--dry-run")
    assert 0 == result.exit_code
    assert [
        f"{url} (Elasticsearch 8.15.0), for logs-docker.container_logs-default:",
        f"  create  index template {NAME}: there is none",
        f"          PUT {TEMPLATE}",
    ] == result.stdout.splitlines()
    assert [] == cluster.writes
    assert SECRET not in result.output


def test_made(file, cluster):
    """Without --dry-run the plan is printed and made; the second time there is nothing to do."""
    result = run("-c", file)
    assert (0, f"  created index template {NAME}") == (result.exit_code, result.stdout.splitlines()[-1])
    assert "30d" == cluster.contents[TEMPLATE]["template"]["lifecycle"]["data_retention"]
    again = run("-c", file)
    assert (0, f"  keep    index template {NAME}: it is ours, and right") == (
        again.exit_code,
        again.stdout.splitlines()[-1],
    )
    assert 1 == len(cluster.writes)


def test_made_without_what_is_lacking(file, cluster):
    """What the server refused by name is told."""
    cluster.lacks = {"match_only_text"}
    assert (
        f"  created index template {NAME}, without match_only_text: the server has no such thing"
        == run("-c", file).stdout.splitlines()[-1]
    )


def test_a_foreign_template(file, cluster):
    """It is left, with status 1."""
    cluster.contents[TEMPLATE] = {"index_patterns": ["x"]}
    for arguments in ((), ("--dry-run",)):
        result = run("-c", file, *arguments)
        assert (1, True) == (result.exit_code, "  leave   index template" in result.stdout)
    assert [] == cluster.writes


def test_refused(file, cluster):
    """What may not be made is told with the server's word for it, and status 1; the rest is made."""
    cluster.root, cluster.refused = OLDER, {("PUT", "/_ilm"): (403, FORBIDDEN)}
    result = run("-c", file)
    assert 1 == result.exit_code
    assert [f"  FAILED  ILM policy {NAME}: 403 security_exception", f"  created index template {NAME}"] == (
        result.stdout.splitlines()[-2:]
    )


def test_json(file, url, cluster):
    """With --json there is one object, with the bodies, and what became of each change."""
    planned, made = (json.loads(run("-c", file, "--json", *more).stdout)["outputs"] for more in (["--dry-run"], []))
    for (output,), is_made in ((planned, False), (made, True)):
        assert ("es", url, "elasticsearch", "8.15.0") == tuple(
            output[key] for key in ("name", "url", "distribution", "version")
        )
        (change,) = output["changes"]
        assert ("create", "PUT", TEMPLATE, is_made, None) == tuple(
            change[key] for key in ("action", "method", "path", "made", "problem")
        )
        assert cluster.contents[TEMPLATE] == change["body"]


@pytest.mark.parametrize("status", [401, 503])
def test_not_now(file, cluster, status):
    """A server that refuses the credentials, or cannot answer, ends it with status 5 and what to do."""
    cluster.refused = {("GET", "/"): (status, b"{}")}
    ended = failure(run("-c", file))
    assert Exit.NETWORK == ended.status
    assert f"output es: http://127.0.0.1:{str(ended).split(':')[3].split()[0]} answered {status}" in str(ended)
    assert SECRET not in str(ended)


def test_unreachable(tmp_path):
    """So does a server that is not there."""
    file = tmp_path / "logagent.yaml"
    file.write_text("outputs: [{url: 'http://127.0.0.1:1', name: es}]\n")
    ended = failure(run("-c", file))
    assert (Exit.NETWORK, True) == (ended.status, "connection refused" in str(ended))


def test_usage(file, tmp_path):
    """No output, or none of that name, is status 2."""
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    assert (Exit.USAGE, True) == ((none := failure(run("-c", empty))).status, "no output is configured" in str(none))
    other = failure(run("-c", file, "--output", "other"))
    assert (Exit.USAGE, "no output is named other: there are es") == (other.status, str(other))


def test_one_of_several(file, url):
    """--output names the one that is meant."""
    file.write_text(f"outputs: [{{url: 'http://127.0.0.1:1', name: down}}, {{url: '{url}', name: es}}]\n")
    assert 0 == run("-c", file, "--output", "es").exit_code


def test_one_that_is_down_keeps_no_other_from_it(file, url, cluster):
    """Each output is seen to, and the failure is told at the end."""
    file.write_text(f"outputs: [{{url: 'http://127.0.0.1:1', name: down}}, {{url: '{url}', name: es}}]\n")
    assert Exit.NETWORK == failure(run("-c", file)).status
    assert [TEMPLATE] == [path for path, _ in cluster.writes]


@pytest.mark.parametrize(("retention", "status"), [("null", 0), ("30d", 1)])
def test_a_plain_index(file, url, cluster, retention, status):
    """Nothing is made for one; a retention that is asked for cannot be had there."""
    file.write_text(f"outputs: [{{url: '{url}', name: es, index: logs, retention: {retention}}}]\n")
    result = run("-c", file)
    assert (status, f"{url}, for logs: nothing is made for a plain index, only for data streams\n") == (
        result.exit_code,
        result.stdout,
    )
    assert [] == cluster.writes
    (output,) = json.loads(run("-c", file, "--json").stdout)["outputs"]
    assert ([], None) == (output["changes"], output["data_stream"])


# Export


@pytest.mark.parametrize(
    ("folder", "arguments"),
    [
        ("elasticsearch", []),
        ("elasticsearch-7.17", ["--version", "7.17"]),
        ("opensearch", ["--flavor", "opensearch"]),
    ],
)
def test_config_has_what_export_writes(tmp_path, folder, arguments):
    """The files in config/ are those that export writes with the default settings."""
    file, out = tmp_path / "empty.yaml", tmp_path / "out"
    file.write_text("")
    result = run("export", "-c", file, *arguments, out)
    assert 0 == result.exit_code, result.output
    kept = {path.name: path.read_text() for path in (CONFIG / folder).iterdir()}
    assert kept == {path.name: path.read_text() for path in out.iterdir()}


def test_export_says_where_each_belongs(file, tmp_path):
    """Each file is told with the request that takes it, and has the stream and the retention of the settings."""
    out = tmp_path / "out"
    file.write_text(file.read_text() + "document: {dataset: app}\n")
    name = "logagent-logs-app-default"
    result = run("-c", file, "export", "--version", "7.17.9", out)
    assert [
        f"{out}/ilm-policy.json: for PUT /_ilm/policy/{name}",
        f"{out}/index-template.json: for PUT /_index_template/{name}",
    ] == result.stdout.splitlines()
    policy = json.loads((out / "ilm-policy.json").read_text())["policy"]
    assert "30d" == policy["phases"]["delete"]["min_age"]


def test_export_takes_a_retention(file, tmp_path):
    """--retention is stronger than the settings."""
    assert 0 == run("export", "-c", file, "--retention", "36h", tmp_path).exit_code
    made = json.loads((tmp_path / "index-template.json").read_text())
    assert "36h" == made["template"]["lifecycle"]["data_retention"]


def test_export_overwrites_nothing(file, tmp_path):
    """A file with other contents is left, with status 2, unless --force is given; the same contents are no matter."""
    assert 0 == run("export", "-c", file, tmp_path).exit_code
    assert 0 == run("export", "-c", file, tmp_path).exit_code
    path = tmp_path / "index-template.json"
    path.write_text("mine")
    ended = failure(run("export", "-c", file, tmp_path))
    assert (Exit.USAGE, True, "mine") == (ended.status, str(path) in str(ended), path.read_text())
    assert 0 == run("export", "-c", file, "--force", tmp_path).exit_code
    assert "mine" != path.read_text()


@pytest.mark.parametrize(
    "arguments", [["--version", "new"], ["--version", "7.6"], ["--retention", "long"], ["/dev/null/x"]]
)
def test_export_usage(file, tmp_path, arguments):
    """A version or a retention that cannot be, or a folder that cannot be made, is status 2."""
    assert (
        Exit.USAGE
        == failure(run("export", "-c", file, *arguments, *([] if "/" in arguments[0] else [tmp_path]))).status
    )


def test_statuses_are_documented():
    """Scripts can rely on what --help says."""
    text = run("--help").stdout
    assert all(f"  {status}  " in text for status in (0, 1, 2, 5))


def test_as_a_command(file):
    """The verb is found from the command line, and says failures without a trace."""
    command = [sys.executable, "-c", "from logagent.cli import main; main()", "setup", "-c", str(file), "--output", "x"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (2, "logagent: no output is named x: there are es\n") == (done.returncode, done.stderr)
