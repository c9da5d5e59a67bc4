"""A private Elasticsearch on loopback: one node with its own data, ports and 512 MB of heap, run by an unprivileged user.

The distribution is the one that Elastic publishes for integration tests. It is the real server with few modules: no `GET /`,
no lifecycle policies, no ingest processors; `_bulk`, data streams, templates and search are all there. That of 7.17 has no
data streams.
"""

import os
import shutil
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.real.servers import access, cache, java
from tests.real.servers.access import Access
from tests.real.servers.node import Node, installed, settings_file
from tests.real.servers.process import Unavailable, free_port

VERSION = "8.15.0"
JAVA = {"7.17.9": (11, 21), "8.15.0": (17, 23), "9.2.0": (21, 25)}
"""The versions that `scripts/install-test-servers` brings, with the oldest and newest Java that run each."""
NOBODY = ("--reuid=65534", "--regid=65534", "--clear-groups")
TLS = {
    "xpack.security.http.ssl.enabled": True,
    "xpack.security.http.ssl.certificate": "cert.pem",
    "xpack.security.http.ssl.key": "key.pem",
    "xpack.security.http.ssl.client_authentication": "required",
    "xpack.security.http.ssl.certificate_authorities": "client.pem",
}


class Elasticsearch(Node):
    """One running node. `settings` are added to elasticsearch.yml (for example {"http.max_content_length": "2mb"}).

    With `roles` it has security: `access` lets users in, and `request` asks as one who may do everything. With `tls` it
    speaks https too, and only with who has a certificate that it knows: see `certificates`. Each of them signed itself.
    """

    access: Access

    def __init__(
        self,
        version: str = VERSION,
        settings: Mapping[str, Any] | None = None,
        *,
        roles: Mapping[str, Any] | None = None,
        tls: bool = False,
    ) -> None:
        self.version = version
        self.streams = not version.startswith("7.")
        self._settings, self._roles, self._with_tls = settings or {}, roles, tls
        self._distribution = cache.FOLDER / f"elasticsearch-{version}"
        if not installed(self._distribution):
            raise Unavailable(f"Elasticsearch {version} is not installed: {cache.HOW}")
        self._java = java.home(*JAVA[version])
        super().__init__("elasticsearch")

    @property
    def certificates(self) -> dict[str, Path]:
        """The files of its own certificate, and of the client's with its key, by the keys of an output's settings."""
        config = self.folder / "server/config"
        return {
            "ca_file": config / "cert.pem",
            "cert_file": config / "client.pem",
            "key_file": config / "client_key.pem",
        }

    def _configure(self) -> None:
        """Copy the distribution (a user's cache is not readable to everybody) and write its settings."""
        shutil.copytree(self._distribution, self.folder / "server", symlinks=True)
        (self.folder / "temporary").mkdir()
        config = self.folder / "server/config"
        values = {
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": free_port(),
            "path.data": f"{self.folder}/data",
            "path.logs": f"{self.folder}/logs",
            "xpack.security.enabled": False,
            "cluster.routing.allocation.disk.threshold_enabled": False,
            **(self._secure(config) if self._roles is not None else {}),
            **self._settings,
        }
        (config / "elasticsearch.yml").write_text(settings_file(values))
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "65534:65534", self.folder], check=True)

    def _secure(self, config: Path) -> dict[str, Any]:
        """The settings of security; its files are written."""
        self.access = Access(config, self._roles or {})
        self.headers = {"Authorization": access.basic("admin", access.ADMIN.password)}
        if not self._with_tls:
            return access.SETTINGS
        files = self.certificates
        certify(files["ca_file"], config / "key.pem")
        certify(files["cert_file"], files["key_file"])
        self.context = ssl.create_default_context(cafile=files["ca_file"])
        self.context.load_cert_chain(files["cert_file"], files["key_file"])
        return access.SETTINGS | TLS

    def _command(self) -> tuple[Sequence[str | Path], Mapping[str, str]]:
        user = ["setpriv", *NOBODY, "--pdeathsig", "TERM"] if os.geteuid() == 0 else []
        env = {
            "ES_JAVA_HOME": str(self._java),
            "ES_JAVA_OPTS": " ".join(java.OPTIONS),
            "ES_TMPDIR": f"{self.folder}/temporary",
        }
        return [*user, self.folder / "server/bin/elasticsearch"], env


def certify(certificate: Path, key: Path) -> None:
    """Make a certificate of 127.0.0.1 signed by itself, and its key."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=logagent test", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
