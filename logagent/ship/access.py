"""The credential of an output: one Authorization header, made of what the settings give, and made anew when a file changes.

A credential that cannot be had any more (its file is away, or half written) leaves the one before it in force: the server judges it.
No message, repr or log has any part of it: they name the key and the file.
"""

import base64
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from logagent.errors import Exit, Failure

log = logging.getLogger(__name__)

Signature = tuple[tuple[int, ...], ...]
"""What tells that files have changed: device, inode, size and time of change of each; empty where there is none."""


def authorization(
    *,
    username: str | None = None,
    password: str | None = None,
    api_key: str | None = None,
    bearer_token: str | None = None,
) -> str | None:
    """The Authorization header: basic, API key (as `id:key` or in its encoded form) or bearer; None without a credential.

    Raises Failure(USAGE) for one that no header can carry.
    """
    if username is not None:
        return "Basic " + _base64(f"{username}:{password or ''}")
    if api_key is not None:
        return _header("ApiKey", _base64(api_key) if ":" in api_key else api_key)
    return None if bearer_token is None else _header("Bearer", bearer_token)


def signature(files: Mapping[str, Path]) -> Signature:
    """Return what changes when one of `files` does; links are followed, so that a swapped link counts as well."""
    return tuple(map(_stamp, files.values()))


class Access:
    """The way in: `given` has the credential's parts by key (username, password, api_key, bearer_token).

    `files` has, by the same keys, the files from which parts came; `read(key, path)` gives such a file's text and raises
    LookupError(key, what is wrong). Raises Failure(USAGE) for a credential that no header can carry.
    """

    def __init__(
        self,
        given: Mapping[str, str] | None = None,
        files: Mapping[str, Path] | None = None,
        read: Callable[[str, Path], str] | None = None,
    ) -> None:
        self._given, self._files, self._read = dict(given or {}), dict(files or {}), read
        self._seen = signature(self._files)
        self.header = authorization(**self._given)

    def __repr__(self) -> str:
        return f"<Access by {self.keys or 'nothing'}>"

    @property
    def keys(self) -> str:
        """The keys of the settings that it is made of."""
        return " and ".join(self._given)

    def renew(self, *, refused: bool = False) -> bool:
        """Read the files again when one has changed, or when the credential was `refused`. Tells whether the header is another now."""
        seen = signature(self._files)
        if not self._files or (seen == self._seen and not refused):
            return False
        self._seen = seen
        try:
            header = authorization(**self._given | self._again())
        except (LookupError, Failure) as error:
            log.warning("%s; the credential read before is used until then", _told(error))
            return False
        changed, self.header = header != self.header, header
        return changed

    def _again(self) -> dict[str, str]:
        assert self._read is not None  # noqa: S101 - files come with what reads them
        return {key: self._read(f"{key}_file", path) for key, path in self._files.items()}


def _told(error: LookupError | Failure) -> str:
    return str(error) if isinstance(error, Failure) else "the output's {}: {}".format(*error.args)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _header(scheme: str, secret: str) -> str:
    if not secret.isascii() or not secret.isprintable():
        raise Failure(
            f"the {scheme} credential has characters that no header can carry: check api_key or bearer_token",
            Exit.USAGE,
        )
    return f"{scheme} {secret}"
