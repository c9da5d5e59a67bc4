"""The credential: each way to give one, and that it is read again when its file changes or it was refused."""

import base64
import logging
import os
from pathlib import Path

import pytest

from logagent.config.secret import read_secret
from logagent.errors import Exit, Failure
from logagent.ship.access import Access, authorization
from logagent.ship.elastic import Elastic
from tests.ship.conftest import STREAM
from tests.ship.server import BulkServer, status


def encoded(text: str) -> str:
    """Base64 of a text."""
    return base64.b64encode(text.encode()).decode()


def test_authorization() -> None:
    """Each kind of credential has its header; an API key may come as id:key or encoded."""
    assert "Basic " + encoded("elastic:pass:wörd") == authorization(username="elastic", password="pass:wörd")
    assert "ApiKey " + encoded("id:key") == authorization(api_key="id:key")
    assert "ApiKey aWQ6a2V5" == authorization(api_key="aWQ6a2V5")
    assert "Bearer token" == authorization(bearer_token="token")
    assert authorization() is None


def test_credential_that_no_header_carries() -> None:
    """A key with strange characters is refused in words that do not have it."""
    with pytest.raises(Failure) as caught:
        authorization(api_key="schlüssel")
    assert Exit.USAGE == caught.value.status
    assert "schl" not in str(caught.value)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The file of a token."""
    path = tmp_path / "token"
    path.write_text("first\n")
    return path


def of_file(path: Path) -> Access:
    """The way in by the token in a file, as the settings give it."""
    return Access({"bearer_token": read_secret("bearer_token_file", path)}, {"bearer_token": path}, read_secret)


def test_read_again_when_the_file_changes(key: Path) -> None:
    """A file that is as it was is not read; one that changed gives another header."""
    access = of_file(key)
    assert (False, "Bearer first") == (access.renew(), access.header)
    key.write_text("second, longer\n")
    assert (True, "Bearer second, longer") == (access.renew(), access.header)
    assert access.renew() is False


def test_read_again_when_refused(key: Path) -> None:
    """A refused credential is read again although its file seems to be the same."""
    access, before = of_file(key), key.stat()
    key.write_text("FIRST\n")
    os.utime(key, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (False, "Bearer first") == (access.renew(), access.header)
    assert (True, "Bearer FIRST") == (access.renew(refused=True), access.header)


def test_a_swapped_link_counts(key: Path, tmp_path: Path) -> None:
    """Secrets are mounted as links that are swapped: the file behind the link is looked at."""
    link, other = tmp_path / "link", tmp_path / "other"
    other.write_text("other\n")
    link.symlink_to(key)
    access = of_file(link)
    link.unlink()
    link.symlink_to(other)
    assert (True, "Bearer other") == (access.renew(), access.header)


@pytest.mark.parametrize("content", [None, b"", b"ke\xc3\xbc\n", b"x" * 70_000])
def test_unusable_file_keeps_the_credential(key: Path, content: bytes | None, caplog: pytest.LogCaptureFixture) -> None:
    """While the file is away or not usable, the credential before it goes on, and the log tells so once, without content."""
    access = of_file(key)
    if content is None:
        key.unlink()
    else:
        key.write_bytes(content)
    assert (False, "Bearer first") == (access.renew(), access.header)
    access.renew()
    assert 1 == len([r for r in caplog.records if r.levelno == logging.WARNING])
    assert "xxx" not in caplog.text
    key.write_text("second, longer\n")
    assert (True, "Bearer second, longer") == (access.renew(), access.header)


def test_half_of_a_pair_in_a_file(tmp_path: Path) -> None:
    """A user that is given and a password from a file make one header."""
    path = tmp_path / "password"
    path.write_text("old")
    access = Access({"username": "me", "password": "old"}, {"password": path}, read_secret)
    path.write_text("newer")
    access.renew()
    assert "Basic " + encoded("me:newer") == access.header


def test_the_wire_uses_the_new_one(server: BulkServer, key: Path) -> None:
    """The next request has what the file says by then, without a restart; after a refusal `renew` looks again."""
    client = Elastic(server.url, STREAM, access=of_file(key))
    server.otherwise = status(200)
    client.bulk(b"")
    key.write_text("second, longer\n")
    client.bulk(b"")
    before = key.stat()
    key.write_text("SECOND, LONGER\n")
    os.utime(key, ns=(before.st_atime_ns, before.st_mtime_ns))
    client.renew()
    client.bulk(b"")
    client.close()
    sent = [{k.lower(): v for k, v in r.headers.items()}["authorization"] for r in server.requests]
    assert ["Bearer first", "Bearer second, longer", "Bearer SECOND, LONGER"] == sent


def test_no_part_in_its_rendering() -> None:
    """The rendering says by what, not what."""
    assert "<Access by username and password>" == repr(Access({"username": "hidden", "password": "hidden"}))
