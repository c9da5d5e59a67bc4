"""Secrets: given as a value, as `${NAME}` of the environment, or by a key `<name>_file` that names a file which holds it.

Invariant: once taken from its place, a secret is a `Secret`, whose every rendering (repr, str, dump) is asterisks. Until
then its text appears in no message: problems name the key, the variable or the file, never what was in it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, PlainSerializer, SecretStr, WithJsonSchema

NAMES = ("username", "password", "api_key", "bearer_token")
HIDDEN = "***"
MAX_FILE = 65536

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _usable(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text or not text.isprintable():
        raise ValueError("must be printable text, in one line, not empty")
    return secret


Secret = Annotated[
    SecretStr,
    AfterValidator(_usable),
    PlainSerializer(lambda _: HIDDEN, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "format": "password",
            "description": "A secret: its value, ${NAME} of the environment, or use the key that ends in _file.",
        },
    ),
]

Problems = list[tuple[str, str]]
"""Pairs of a key inside the output and what is wrong with it."""


def split_credentials(url: str) -> tuple[str, dict[str, str]]:
    """Take user and password out of `url`: the url without them, and what was found, by key.

    A url that cannot be read comes back as it is: judging it is the settings' part, which never shows what stands before `@`.
    """
    try:
        parts = urlsplit(url)
        found = {"username": parts.username, "password": parts.password}
    except ValueError:
        return url, {}
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url
    return bare, {key: unquote(value) for key, value in found.items() if value}


def resolve(output: Mapping[str, object], environ: Mapping[str, str]) -> tuple[dict[str, object], Problems]:
    """Return the output's raw keys with every secret in its place, and what is wrong with any of them.

    Where a secret cannot be had, its raw text stays, so that the checks between keys do not take it for missing.
    """
    resolved, problems = _with_url_credentials(output)
    for name in NAMES:
        try:
            value = _value(name, resolved, environ)
        except LookupError as error:
            key, wrong = error.args
            problems.append((key, wrong))
            resolved.setdefault(name, HIDDEN)
        else:
            if value is not None:
                resolved[name] = value
    return resolved, problems


def _with_url_credentials(output: Mapping[str, object]) -> tuple[dict[str, object], Problems]:
    """Take the credentials out of `url` and `urls`; all hosts of a cluster have the same."""
    resolved, found, where = dict(output), dict[str, str](), "url"
    problems: Problems = []
    for key, place, url in _urls(output):
        bare, credentials = split_credentials(url)
        _put(resolved, key, place, bare)
        if credentials and found and credentials != found:
            problems = [(key, "has different credentials in it: a cluster has one way in")]
        found, where = (credentials, key) if credentials else (found, where)
    given = [key for key in NAMES if output.get(key) is not None or output.get(f"{key}_file") is not None]
    if found and given:
        # The half that is in the url still belongs to the half that is not: one problem is enough.
        whole = {**found, **resolved} if {"username", "password"} & set(given) else resolved
        return whole, [(where, f"has credentials in it, and {given[0]} is given as well: keep one of them")]
    return resolved | found, problems


def _urls(output: Mapping[str, object]) -> Iterator[tuple[str, int | None, str]]:
    """The texts of `url` and `urls`: key, place in the list, text."""
    url, urls = output.get("url"), output.get("urls")
    if isinstance(url, str):
        yield "url", None, url
    for place, one in enumerate(urls if isinstance(urls, list) else []):
        if isinstance(one, str):
            yield "urls", place, one


def _put(output: dict[str, object], key: str, place: int | None, bare: str) -> None:
    given = output[key]
    output[key] = [*given[:place], bare, *given[place + 1 :]] if isinstance(given, list) and place is not None else bare


def _value(name: str, output: Mapping[str, object], environ: Mapping[str, str]) -> object:
    """Return the secret, or None when none is given. Raises LookupError(key, what is wrong)."""
    value, file = output.get(name), output.get(f"{name}_file")
    if isinstance(file, str):
        if value is not None:
            raise LookupError(f"{name}_file", f"{name} is given as well: keep one of them")
        return (
            read_secret(f"{name}_file", Path(file)) if file.startswith("/") else HIDDEN
        )  # the settings refuse the path
    if isinstance(value, str) and (match := _VARIABLE.fullmatch(value)):
        if not environ.get(match[1]):
            raise LookupError(name, f"the environment has no {match[1]}, or it is empty")
        return environ[match[1]]
    return value


def read_secret(key: str, path: Path) -> str:
    """Read the secret in a file, without the ending of its line. Raises LookupError(key, what is wrong)."""
    text = read_file(key, path).decode("utf-8", "replace").rstrip("\r\n")
    if not text:
        raise LookupError(key, "the file is empty")
    return text


def read_file(key: str, path: Path) -> bytes:
    """Read a small file that the settings name. Raises LookupError(key, what is wrong)."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise LookupError(key, f"cannot be read: {getattr(error, 'strerror', None) or 'not a path'}") from None
    if len(content) > MAX_FILE:
        raise LookupError(key, f"is larger than {MAX_FILE} bytes, too large for a secret")
    return content


def without_credentials(text: str) -> str:
    """Return `text`, a setting that is to be shown, without anything that stands before an `@`, or after a `?`."""
    text = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", rf"\g<1>{HIDDEN}@", text, flags=re.DOTALL)
    return re.sub(r"[?#].*", f"?{HIDDEN}", text, flags=re.DOTALL) if "://" in text else text
