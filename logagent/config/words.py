"""The kinds of value that settings are made of beside sizes and durations: paths, names, globs, urls, choices.

Each refuses a wrong value with a sentence that says what is right. The texts go to the user as they are, so none repeats
the value: the report shows it where that is safe.
"""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from logagent.model import FIELDS

_FIELD = re.compile(r"\{([^{}]*)\}")
_INDEX_REFUSED = '\\/*?"<>|,#: '
_STREAM_PART_REFUSED = "-" + _INDEX_REFUSED
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,8}")


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or "\0" in str(path):
        raise ValueError("must be an absolute path")
    return path


def _text(text: str) -> str:
    if not text or len(text) > 256 or not text.isprintable():
        raise ValueError("must be 1 to 256 printable characters")
    return text


def _label(text: str) -> str:
    if not _text(text).partition("=")[0]:
        raise ValueError('must be a label\'s key, or "key=glob"')
    return text


def _stream_part(text: str) -> str:
    """Elasticsearch's rule for the parts of a data stream's name."""
    if not text or len(text.encode()) > 100 or not text.isprintable():
        raise ValueError("must be 1 to 100 bytes of printable text")
    if text != text.lower():
        raise ValueError("must be lowercase, as parts of data stream names are")
    if refused := sorted(set(text) & set(_STREAM_PART_REFUSED)):
        raise ValueError(f"must not contain {' '.join(map(repr, refused))}, as parts of data stream names may not")
    if text[0] in "_+.":
        raise ValueError("must not begin with _ + or .")
    return text


def _stream_template(text: str) -> str:
    """A part of a data stream's name in which `{field}` stands for what a container has there."""
    if set(_FIELD.findall(text)) - set(FIELDS):
        raise ValueError(f"names a field that is not known: use {', '.join(f'{{{name}}}' for name in FIELDS)}")
    plain = _FIELD.sub("x", text)
    if "{" in plain or "}" in plain:
        raise ValueError("has a { or } without the other")
    _stream_part(plain)
    return text


def _index(text: str) -> str:
    """Elasticsearch's rule for the names of indices. Those that begin with a dot are the server's own."""
    if not text or len(text.encode()) > 255 or not text.isprintable():
        raise ValueError("must be 1 to 255 bytes of printable text")
    if text != text.lower() or set(text) & set(_INDEX_REFUSED):
        raise ValueError('must be lowercase, without \\\\ / * ? " < > | , # : and space, as names of indices are')
    if text[0] in "-_+.":
        raise ValueError("must not begin with - _ + or .")
    return text


def _fits(pattern: re.Pattern[str], wrong: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(wrong)
        return text

    return check


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isprintable() or " " in text:
        raise ValueError("not a url that can be used: write http://host:port or https://host:port")
    if "@" in text:
        raise ValueError(
            "has an @ too many: write / ? # @ of a password as %2F %3F %23 %40, or give username and password"
        )
    if parts.query or parts.fragment:
        raise ValueError("must end with the path: no ? and no # in it")
    return text.rstrip("/")


def _fingerprint(text: str) -> str:
    plain = text.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(plain):
        raise ValueError(
            "must be a SHA-256 of 64 hex digits, with or without colons: openssl x509 -noout -fingerprint -sha256"
        )
    return plain


def _cloud_id(text: str) -> str:
    try:
        _url(cloud_url(text))
    except ValueError:
        raise ValueError("not a cloud id: copy it whole from the deployment's page, name:letters") from None
    return text


def cloud_url(cloud_id: str) -> str:
    """Return the url of Elasticsearch in a deployment of Elastic Cloud. Raises ValueError when `cloud_id` is none.

    It is `name:base64(host[:port]$elasticsearch$kibana)`: Elastic's own clients read it so.
    """
    decoded = base64.b64decode(cloud_id.rpartition(":")[2], validate=True).decode()
    domain, mark, rest = decoded.partition("$")
    node = rest.partition("$")[0]
    host, _, port = domain.partition(":")
    if not mark or not re.fullmatch(r"[A-Za-z0-9._-]+", f"{node}{host}") or not node or not host:
        raise ValueError("not a cloud id")
    return f"https://{node}.{host}:{port or 443}"


def _socket(text: str) -> str:
    text = f"unix://{text}" if text.startswith("/") else text
    scheme, mark, rest = text.partition("://")
    if scheme not in ("unix", "tcp", "http", "https") or not mark or not rest or not text.isprintable():
        raise ValueError("must be unix:///path/of/docker.sock or tcp://host:port")
    return text


def _whole(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a whole number")  # noqa: TRY004 - pydantic gathers ValueErrors only
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def name_of(url: str) -> str:
    """Return the name that an output gets from its `url` when none is given: `host-port`, safe in paths and labels."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = re.sub(r"[^A-Za-z0-9.]+", "-", parts.hostname or "").strip("-.")
    return f"{host[:50]}-{port}"


def text_schema(**more: Any) -> WithJsonSchema:
    """Return the JSON Schema of a text that may be null, which means its default."""
    return WithJsonSchema({"anyOf": [{"type": "string", **more}, {"type": "null"}]})


Absolute = Annotated[
    Path,
    AfterValidator(_absolute),
    WithJsonSchema({"type": "string", "pattern": "^/", "description": "An absolute path."}),
]
Text = Annotated[str, AfterValidator(_text)]
Label = Annotated[str, AfterValidator(_label)]
StreamTemplate = Annotated[
    str,
    AfterValidator(_stream_template),
    WithJsonSchema({"type": "string", "pattern": r'^[^-_+.\\/*?"<>|,#: A-Z][^-\\/*?"<>|,#: A-Z]*$'}),
]
IndexName = Annotated[
    str,
    AfterValidator(_index),
    text_schema(pattern=r'^[^-_+.\\/*?"<>|,#: A-Z][^\\/*?"<>|,#: A-Z]*$'),
]
Name = Annotated[
    str,
    AfterValidator(_fits(_NAME, "must be 1 to 63 letters, digits, dots, _ or -")),
    text_schema(pattern=f"^{_NAME.pattern}$"),
]
Token = Annotated[
    str,
    AfterValidator(_fits(_TOKEN, "must be 1 to 8 letters, digits, _ or -")),
    WithJsonSchema({"type": "string", "pattern": f"^{_TOKEN.pattern}$"}),
]
Url = Annotated[str, AfterValidator(_url), WithJsonSchema({"type": "string", "pattern": "^https?://[^?#]+$"})]
Fingerprint = Annotated[
    str,
    AfterValidator(_fingerprint),
    WithJsonSchema({"type": "string", "pattern": "^([0-9A-Fa-f]{2}:?){32}$", "description": "A SHA-256 in hex."}),
]
CloudId = Annotated[str, AfterValidator(_cloud_id)]
Socket = Annotated[str, AfterValidator(_socket), text_schema(pattern="^(/|(unix|tcp|https?)://).+$")]
NO_BOOL = BeforeValidator(_whole)  # pydantic takes true for 1
ANY_CASE = BeforeValidator(_lower)
