"""What the keys of an output must be together: where it is, the way in, and TLS. Each check belongs to the later of its keys.

They are run by pydantic behind the check of the key itself; `info.data` has the keys before it that are right.
"""

from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from logagent.config.words import cloud_url, name_of

T = TypeVar("T")

WHERE = ("url", "urls", "cloud_id")
"""The ways to say where an output is: exactly one is given."""

_WRONG = "wrong"  # stands for a key that is given and not right: it is told already


def hosts(url: str | None, urls: tuple[str, ...] | None, cloud_id: str | None) -> tuple[str, ...]:
    """Return the addresses of a cluster, whichever way they are given."""
    if url is not None:
        return (url,)
    return urls or ((cloud_url(cloud_id),) if cloud_id else ())


def one_cluster(urls: tuple[str, ...]) -> tuple[str, ...]:
    """All of one scheme, none twice."""
    if len({urlsplit(url).scheme for url in urls}) > 1:
        raise ValueError("some are http and some https: write all with the same")
    names = [(urlsplit(url).hostname, name_of(url), urlsplit(url).path) for url in urls]
    if len(set(names)) < len(names):
        raise ValueError("one is there twice: write each host once")
    return urls


def one_address(url: str | None, info: ValidationInfo) -> str | None:
    """One of the ways to say where, and not two."""
    given = [key for key in ("urls", "cloud_id") if info.data.get(key, _WRONG)]
    if _lines(info):
        if url is not None or given:
            raise ValueError(f"an output of type {info.data['type']} has no address: leave it out")
        return None
    if url is None and not given:
        raise PydanticCustomError("missing", "one of url, urls, cloud_id is needed")
    if len(given) + (url is not None) > 1:
        raise ValueError(f"{given[-1]} is given as well: keep one of {', '.join(WHERE)}")
    return url


def path_of_file(path: T | None, info: ValidationInfo) -> T | None:
    """A file has a path, and nothing else has."""
    if path is None and info.data.get("type") == "file":
        raise PydanticCustomError("missing", "an output of type file needs its path")
    if path is not None and info.data.get("type", "file") != "file":
        raise ValueError("only an output of type file has a path: write type: file")
    return path


def named(name: object, info: ValidationInfo) -> object:
    """Give an output without a name that of its first host, or of its type where it has none."""
    if name == "" and _lines(info):
        return info.data["type"]
    found = _hosts(info)
    return name if name != "" else (name_of(found[0]) if found else "unnamed")


def pair(password: T | None, info: ValidationInfo) -> T | None:
    """Username and password go together."""
    if "username" in info.data and (password is None) != (info.data["username"] is None):
        raise ValueError("username and password belong together: one of them is missing")
    return password


def one_way_in(secret: T | None, info: ValidationInfo) -> T | None:
    """One credential, and not two."""
    others = [key for key in ("username", "api_key") if info.data.get(key) is not None and key != info.field_name]
    if secret is not None and others:
        raise ValueError(f"{others[0]} is given as well: keep one of them")
    return secret


def over_tls(value: T | None, info: ValidationInfo) -> T | None:
    """What makes sense with https only."""
    if value is not None and any(not host.startswith("https:") for host in _hosts(info)):
        raise ValueError("needs TLS: write the url with https")
    return value


def key_of_certificate(key_file: T | None, info: ValidationInfo) -> T | None:
    """A key needs what it is the key of."""
    if key_file is not None and info.data.get("cert_file", _WRONG) is None:
        raise ValueError("needs cert_file, the certificate that it is the key of")
    return key_file


def one_trust(ca_fingerprint: T | None, info: ValidationInfo) -> T | None:
    """One way to trust, and not two."""
    if ca_fingerprint is not None and info.data.get("ca_file") is not None:
        raise ValueError("ca_file is given as well: keep one of them")
    if ca_fingerprint is not None and info.data.get("verify_tls") is False:
        raise ValueError("verify_tls is false, which trusts everybody: keep one of them")
    return ca_fingerprint


def _lines(info: ValidationInfo) -> bool:
    """Whether the output takes lines, and has no hosts."""
    kind: str = info.data.get("type", "elasticsearch")
    return kind != "elasticsearch"


def _hosts(info: ValidationInfo) -> tuple[str, ...]:
    return hosts(*(info.data.get(key) for key in WHERE))
