"""No credential in anything that is told or kept: each way in meets each failure, and everything is searched for it."""

import base64
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from logagent import parts
from logagent.cli.check import check
from logagent.cli.test import test as verb
from logagent.config.load import load
from logagent.config.settings import Settings
from logagent.errors import Failure
from logagent.ship.shipper import Shipper
from tests.ship.certificates import Certificate, authority, serving, signed
from tests.ship.conftest import Filled
from tests.ship.guarded import refusal
from tests.ship.server import BulkServer, reset_before, status

MARK, USER = "Zx7-distinctive-Qk9", "Vw3-somebody-Jp5"
ENCODED = base64.b64encode(f"{USER}:{MARK}".encode()).decode()
SECRETS = [MARK, USER, ENCODED, base64.b64encode(MARK.encode()).decode().rstrip("=")[:-1]]

WAYS = {
    "basic": {"username": USER, "password": MARK},
    "url": {"username": USER, "password": MARK},
    "id and key": {"api_key": f"{USER}:{MARK}"},
    "encoded key": {"api_key": ENCODED},
    "bearer": {"bearer_token": MARK},
}
Place = AbstractContextManager[dict[str, object]]
"""Gives keys of an output that meets a failure."""


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """An authority."""
    return authority(tmp_path_factory.mktemp("tls"))


@contextmanager
def answering(code: int) -> Iterator[dict[str, object]]:
    """A server that refuses everything, in words that repeat who asked."""
    server = BulkServer()
    server.otherwise = status(code, json.dumps(refusal(code, "security_exception")).replace("user", USER).encode())
    with server.run() as url:
        yield {"url": url}


@contextmanager
def breaking() -> Iterator[dict[str, object]]:
    """A server that breaks every connection."""
    server = BulkServer()
    server.otherwise = reset_before
    with server.run() as url:
        yield {"url": url}


@contextmanager
def refusing() -> Iterator[dict[str, object]]:
    """Nobody."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield {"url": f"http://127.0.0.1:{taken.getsockname()[1]}"}


@contextmanager
def behind_tls(ca: Certificate, **keys: object) -> Iterator[dict[str, object]]:
    """A server that shows a certificate."""
    with serving(signed(ca, "leaf")) as server:
        yield {"url": server.url, **keys}


FAILURES: dict[str, Callable[[Certificate], Place]] = {
    "401": lambda _: answering(401),
    "403": lambda _: answering(403),
    "400": lambda _: answering(400),
    "reset": lambda _: breaking(),
    "refused": lambda _: refusing(),
    "untrusted": behind_tls,
    "wrong fingerprint": lambda ca: behind_tls(ca, ca_fingerprint="ab" * 32),
    "all well": lambda ca: behind_tls(ca, ca_file=str(ca.cert)),
}


def written(folder: Path, place: dict[str, object], way: str, how: str) -> tuple[Path, dict[str, str]]:
    """The settings file of an output at `place`, its secrets given as value, variable or file; and the environment."""
    output, environ = {"name": "es", "timeout": "500ms", **place}, {"DOCKER_HOST": ""}
    for key, value in WAYS[way].items():
        if how == "file":
            (folder / key).write_text(f"{value}\n")
            output[f"{key}_file"] = str(folder / key)
        elif how == "variable":
            environ[f"T_{key.upper()}"], output[key] = value, f"${{T_{key.upper()}}}"
        else:
            output[key] = value
    if way == "url":
        output = {key: value for key, value in output.items() if key not in WAYS["url"]}
        output["url"] = str(place["url"]).replace("://", f"://{USER}:{MARK}@")
    file = folder / "logagent.yaml"
    file.write_text(json.dumps({"outputs": [output], "store": {"path": str(folder / "store")}}))
    return file, environ


def renderings(settings: Settings, shipper: Shipper) -> list[str]:
    """Everything of ours and of the client's that holds a credential, as it shows itself."""
    client = shipper.client
    link = client._link
    inner = [client, client.access, client.tls, link, link._hosts, *link._hosts.nodes]
    configs = [node.config for node in link._hosts.nodes] + [node.headers for node in link._hosts.nodes]
    texts = [f"{one!r} {one}" for one in [settings, *settings.outputs, shipper, *inner, *configs]]
    return [*texts, shipper.last_error, shipper.paused]


GIVEN = [("basic", "file"), ("url", "value"), ("id and key", "variable"), ("encoded key", "value"), ("bearer", "file")]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("given", GIVEN, ids=" as ".join)
def test_nothing_tells_it(
    tmp_path: Path,
    filled: Filled,
    ca: Certificate,
    caplog: pytest.LogCaptureFixture,
    *,
    given: tuple[str, str],
    failure: str,
) -> None:
    """Output of the verbs, the log at every level, errors, renderings and the store's folder have no part of a credential."""
    caplog.set_level(logging.DEBUG)
    way, how = given
    filled.fill(1)
    with FAILURES[failure](ca) as place:
        file, environ = written(tmp_path, place, way, how)
        settings = load(file, environ)
        shipper = parts.shipper(filled.store, settings.outputs[0], settings)
        for now in (1.0, 100.0, 200.0):
            shipper.step(now)
            shipper.client.renew()
        for key in WAYS[way]:
            (tmp_path / key).unlink(missing_ok=True)
            shipper.client.renew()
        told = [caplog.text, *renderings(settings, shipper)]
        shipper.client.close()
        file, environ = written(tmp_path, place, way, how)
        for command, arguments in ((check, ["--print"]), (verb, ["output", "--write"]), (verb, ["output", "--json"])):
            result = CliRunner().invoke(command, [*arguments, "-c", str(file)], env=environ)
            told += [result.output, str(result.exception)]
            assert result.exit_code in (0, 5), result.output
    kept = [path.read_bytes().decode("latin-1") for path in sorted(filled.folder.rglob("*")) if path.is_file()]
    assert kept
    assert [] == [text for text in [*told, *kept] if any(secret in text for secret in SECRETS)]


def test_the_search_finds_it(tmp_path: Path) -> None:
    """The proof that the search above is one: the credential is in the header that is sent, in one of the forms looked for."""
    for way in WAYS:
        file, environ = written(tmp_path, {"url": "http://127.0.0.1:1"}, way, "value")
        settings = load(file, environ)
        client = parts.elastic(settings.outputs[0], settings)
        assert any(secret in str(client.access.header) for secret in SECRETS), way
        client.close()


@pytest.mark.parametrize("way", ["id and key", "bearer"])
@pytest.mark.parametrize("wrong", ["directory", "absent", "empty", "two lines", "strange"])
def test_unreadable_files(tmp_path: Path, caplog: pytest.LogCaptureFixture, way: str, wrong: str) -> None:
    """A file that cannot be used is told by its key, at the start and while the agent runs."""
    file, environ = written(tmp_path, {"url": "http://127.0.0.1:1"}, way, "file")
    settings = load(file, environ)
    client = parts.elastic(settings.outputs[0], settings)
    key = next(iter(WAYS[way]))
    secret = tmp_path / key
    secret.unlink()
    if wrong == "directory":
        secret.mkdir()
    elif wrong != "absent":
        secret.write_text({"empty": "", "two lines": f"{MARK}\n{MARK}\n", "strange": f"ü{MARK}"}[wrong])
    client.renew()
    client.close()
    assert key in caplog.text
    told = [caplog.text]
    try:
        settings = load(file, environ)
        parts.elastic(settings.outputs[0], settings).close()
    except Failure as failure:
        told.append(str(failure))
    assert wrong == "strange" or 2 == len(told)
    assert [] == [text for text in told if any(secret in text for secret in SECRETS)]
