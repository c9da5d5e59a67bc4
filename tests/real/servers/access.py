"""Who may do what on an Elasticsearch with security: its file realm, written without its tools, which take seconds each.

The node reads the files again when they change, so a test lets users in and shuts them out as it goes on.
"""

import hashlib
import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

SETTINGS = {
    "xpack.security.enabled": True,
    "resource.reload.interval.high": "100ms",
}
ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class User:
    """A user with the roles that it has."""

    password: str
    roles: tuple[str, ...]


ADMIN = User("all is allowed", ("superuser",))


class Access:
    """The users and roles in a node's folder `config`; `admin` is always there, and the roles stay as they are."""

    def __init__(self, config: Path, roles: Mapping[str, Any]) -> None:
        self._config = config
        self.users: dict[str, User] = {}
        lines = [f"{name}: {orjson.dumps(role).decode()}\n" for name, role in roles.items()]
        (config / "roles.yml").write_text("".join(lines))
        self.write()

    def admit(self, name: str, *roles: str) -> None:
        """Let `name` in with these roles; the password is the name."""
        self.users[name] = User(name, roles)
        self.write()

    def write(self) -> None:
        """Bring the files to what `users` says."""
        users = {"admin": ADMIN, **self.users}
        self._replace("users_roles", _users_of(users))
        self._replace("users", "".join(f"{name}:{_hashed(user.password)}\n" for name, user in users.items()))

    def _replace(self, name: str, text: str) -> None:
        """Change a file in one go, since the node may look at any moment."""
        part = self._config / f"{name}.part"
        part.write_text(text)
        owner = self._config.stat()
        os.chown(part, owner.st_uid, owner.st_gid)
        part.replace(self._config / name)


def _users_of(users: Mapping[str, User]) -> str:
    roles = sorted({role for user in users.values() for role in user.roles})
    return "".join(f"{role}:{','.join(n for n, u in users.items() if role in u.roles)}\n" for role in roles)


def _hashed(password: str) -> str:
    """As the server's own hasher of this name writes it."""
    salt = os.urandom(32)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS, 32)
    return f"{{PBKDF2}}{ROUNDS}${b64encode(salt).decode()}${b64encode(key).decode()}"


def basic(name: str, password: str) -> str:
    """The Authorization header of a user."""
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()
